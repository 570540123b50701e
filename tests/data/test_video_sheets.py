"""The sheet of a video shows its frames and the moments of answers."""

import numpy as np

from qvl.data.video_sheets import video_sheet, videos_of
from qvl.messages import Video
from tests.data.small import asked
from tests.processing.clips import make_clip


def test_moments_get_bars_and_frames_are_few() -> None:
    part = Video(make_clip(60, fps=10), fps=10.0)
    plain = video_sheet(asked("?", "Nothing.", part), 0)
    marked = video_sheet(asked("?", "The event happens in 00:01.00 - 00:02.00.", part), 0)
    assert marked.height > plain.height
    assert not np.array_equal(np.asarray(marked)[: plain.height, : plain.width], np.asarray(plain))


def test_lists_of_frames_and_several_videos() -> None:
    frames = [np.full((56, 84, 3), shade, np.uint8) for shade in range(0, 250, 5)]
    sample = asked("?", "Yes.", Video(frames, fps=2.0), Video(make_clip(9)), Video(frames[:3]))
    assert len(videos_of(sample)) == 3
    for number in range(3):
        assert min(video_sheet(sample, number).size) > 50
