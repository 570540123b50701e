"""A video in pieces is the video as a whole, and never all of it is in memory."""

import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from qvl.errors import InputError
from qvl.geometry import PixelLimits
from qvl.messages import Conversation, Image, Video
from qvl.processing.media import measure_media, prepare_bounded, prepare_media
from qvl.processing.processor import Processor
from qvl.processing.video_chunks import VideoChunks
from tests.processing.clips import make_clip
from tests.processing.small import write_small_checkpoint

LIMITS = PixelLimits(min_pixels=3136, max_pixels=112_896)
UNEVEN_MS = [0, 40, 500, 520, 540, 3000, 3040, 5000, 5500, 6000, 9000, 9500]


def chunks_of(video: Video, max_patches: int) -> VideoChunks:
    plan = measure_media(video, LIMITS)
    prepared = prepare_bounded(video, LIMITS, plan=plan, max_patches=max_patches)
    assert prepared.chunks is not None
    assert len(prepared.pixel_values) == 0
    assert prepared.plan == plan
    return prepared.chunks


EVEN, UNEVEN = cache(lambda: make_clip(60)), cache(lambda: make_clip(12, times_ms=UNEVEN_MS))
VIDEOS = {
    "constant rate": lambda: Video(EVEN(), nframes=14),
    "varying rate, frames twice": lambda: Video(UNEVEN(), nframes=12),
    "list of an odd number": lambda: Video(
        [np.full((56, 84, 3), shade, np.uint8) for shade in range(0, 250, 20)]
    ),
    "a part": lambda: Video(EVEN(), fps=10, video_start=0.5, video_end=1.5),
}


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("max_patches", [1, 100, 200])
def test_pieces_joined_are_the_whole(name: str, max_patches: int) -> None:
    video = VIDEOS[name]()
    whole = prepare_media(video, LIMITS)
    t, h, w = whole.plan.grid
    pieces = list(chunks_of(video, max_patches))
    assert len(pieces) > 1
    assert all(len(piece.pixel_values) <= max(max_patches, h * w) for piece in pieces)
    assert sum(piece.grid.t for piece in pieces) == t
    joined = np.concatenate([piece.pixel_values for piece in pieces])
    assert (joined == whole.pixel_values).all()


def test_a_second_reading_is_the_first() -> None:
    chunks = chunks_of(VIDEOS["constant rate"](), 100)
    once = [piece.pixel_values.tobytes() for piece in chunks]
    assert [piece.pixel_values.tobytes() for piece in chunks] == once


def test_short_videos_pictures_and_prepared_ones_are_left_whole() -> None:
    short = VIDEOS["a part"]()
    plan = measure_media(short, LIMITS)
    prepared = prepare_bounded(short, LIMITS, plan=plan, max_patches=plan.num_patches)
    assert prepared.chunks is None
    picture = Image(np.zeros((280, 280, 3), np.uint8))
    plan = measure_media(picture, LIMITS)
    assert prepare_bounded(picture, LIMITS, plan=plan, max_patches=1).chunks is None
    again = Video(prepared)
    assert prepare_bounded(again, LIMITS, plan=prepared.plan, max_patches=1) is prepared


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(EVEN())
    chunks = chunks_of(Video(path, fps=10), 100)
    path.write_bytes(make_clip(30))
    with pytest.raises(InputError, match="not what it was"):
        list(chunks)


def test_memory_holds_a_piece() -> None:
    video = Video([np.zeros((336, 336, 3), np.uint8)] * 64)
    plan = measure_media(video, LIMITS)
    chunks = chunks_of(video, 600)
    tracemalloc.start()
    for piece in chunks:
        assert len(piece.pixel_values) == 576
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two pieces: one in the reader's hands while the next is made, each with its uint8 frames.
    assert peak < 2.6 * 576 * 1176 * 4 < plan.num_patches * 1176 * 4 / 12


def test_processor_leaves_long_videos_for_later(tmp_path: Path) -> None:
    processor = Processor.from_folder(write_small_checkpoint(tmp_path))
    picture = Image(np.zeros((56, 56, 3), np.uint8))
    conversation = Conversation.user(picture, VIDEOS["constant rate"](), picture, "What?")
    whole, later = processor(conversation), processor(conversation, max_patches=100)
    assert (later.input_ids == whole.input_ids).all()
    assert (later.position_ids == whole.position_ids).all()
    assert [item.is_in_pixel_values for item in later.media] == [True, False, True]
    assert len(later.pixel_values) == 32
    assert later.num_patches == whole.num_patches == len(whole.pixel_values)
    assert later.media[1].facts == whole.media[1].facts


def test_what_was_prepared_stands_for_its_video(tmp_path: Path) -> None:
    processor = Processor.from_folder(write_small_checkpoint(tmp_path))
    video = VIDEOS["a part"]()
    again = Video(prepare_media(video, processor.settings.limits))
    whole, reused = (processor(Conversation.user(item, "What?")) for item in (video, again))
    assert (reused.input_ids == whole.input_ids).all()
    assert (reused.pixel_values == whole.pixel_values).all()
    assert reused.media == whole.media
    with pytest.raises(InputError, match="option fps has no effect on a video that is prepared"):
        processor(Conversation.user(Video(again.source, fps=1), "What?"))
    with pytest.raises(InputError, match="prepared as something else"):
        processor(Conversation.user(Image(again.source), "What?"))
