"""Questions about videos: times and frames of the file, one look or many, encoded once."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from qvl.answers.methods import TypedAnswers
from qvl.errors import InputError, QvlError
from qvl.inference.engine import Engine
from qvl.messages import Conversation, Image, SamplingParams, Video
from qvl.processing import video as processing_video
from tests.answers.scripted import ScriptedModel
from tests.inference.tiny import clip, one_thread, tiny_engine
from tests.material import material, requires_material
from tests.processing.clips import make_clip


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def ten_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "ten seconds.mp4"
    path.write_bytes(make_clip(100, fps=10))
    return path


FOUR_FRAMES = {"resized_height": 56, "resized_width": 84, "total_pixels": 2 * 6 * 784}
"""Options with which one look has room for two pairs of frames."""

EVENTS = """```json
[
    {"start_time": "00:01.00", "end_time": "00:02.50", "description": "It begins <b>."},
    {"start_time": "00:06.00", "end_time": "00:12.00", "description": "It ends."}
]
```"""


def test_moments_in_seconds_and_frames(ten_seconds: Path) -> None:
    model = ScriptedModel("The event happens in 00:01.00 - 00:02.50.")
    result = model.find_moments(ten_seconds, "the start")
    (moment,) = result.moments
    assert (moment.start_s, moment.end_s) == (1.0, 2.5)
    assert (moment.start_frame, moment.end_frame) == (10, 25)
    assert model.engine.prompts == [
        "Give the query: 'the start', when does the described content occur in the video? "
        "Use ‘mm:ss.ff’ as time format."
    ]
    assert str(result) == "00:01.00 - 00:02.50"
    assert (result.query, result.duration_s, result.answered) == ("the start", 10.0, True)
    assert len(result.facts) == 1


def test_a_part_of_a_file_keeps_the_files_time(ten_seconds: Path) -> None:
    model = ScriptedModel("The given query happens in 1.0 - 2.0 seconds.")
    part = Video(ten_seconds, video_start=4, video_end=8)
    result = model.find_moments(part, "it", time_format="seconds")
    assert [(m.start_s, m.end_s, m.start_frame) for m in result.moments] == [(5.0, 6.0, 50)]
    assert (result.start_s, result.end_s) == (4.0, pytest.approx(8.1))


def test_hmsf_counts_the_frames_of_the_file(ten_seconds: Path) -> None:
    model = ScriptedModel("The event happens in 00:00:02:03 - 00:00:04:00.")
    (moment,) = model.find_moments(ten_seconds, "it", time_format="hmsf").moments
    assert (moment.start_s, moment.start_frame) == (2.3, 23)


def test_description(ten_seconds: Path) -> None:
    result = ScriptedModel(EVENTS).describe_video(ten_seconds)
    begin, end = result.moments
    assert (begin.label, end.label) == ("It begins <b>.", "It ends.")
    assert (end.end_s, end.clipped) == (10.0, True)
    assert str(result).splitlines()[1] == "00:06.00 - 00:10.00\tIt ends."
    html = result._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    record = json.loads(json.dumps(result.to_json()))
    assert record["moments"][1]["raw"].startswith('{"start_time": "00:06.00"')
    assert record["windows"] == [[0.0, 10.0]]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I see none.", "no times in 'I see none.'"),
        ("[]", "nothing found"),
        ("The event happens in 00:75 - 01:10.", "(no time: 00:75 - 01:10)"),
        ("The event happens in 03:00 - 03:10.", "(03:00 - 03:10 lies outside"),
    ],
)
def test_says_why_nothing_was_found(ten_seconds: Path, answer: str, said: str) -> None:
    assert said in str(ScriptedModel(answer).find_moments(ten_seconds, "it"))


def test_an_answer_that_was_cut_off_says_so(ten_seconds: Path) -> None:
    model = ScriptedModel("The event happens in 00:01.00 - 00:02.50.")
    result = model.find_moments(ten_seconds, "it", max_tokens=12)
    assert result.truncated
    assert result.moments == ()


def test_drawings(ten_seconds: Path, tmp_path: Path) -> None:
    result = ScriptedModel(EVENTS).describe_video(ten_seconds)
    both = result.draw(tmp_path / "both.png")
    assert PIL.Image.open(tmp_path / "both.png").size == both.size
    sheet, timeline = result.draw_sheet(), result.draw_timeline(tmp_path / "line.svg")
    assert both.width == max(sheet.width, timeline.width)
    assert both.height == sheet.height + timeline.height
    ElementTree.fromstring((tmp_path / "line.svg").read_text("utf-8"))
    assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 10, "frames are in it"
    frames = [np.full((56, 84, 3), 9 * number, np.uint8) for number in range(20)]
    listed = ScriptedModel(EVENTS).describe_video(frames)
    assert (np.asarray(listed.draw_sheet()) == 171).any(), "the last frame"
    with pytest.raises(InputError, match="cannot draw"):
        result.draw(tmp_path / "both.xyz")


def test_a_varying_rate_gives_the_right_frames(tmp_path: Path) -> None:
    path = tmp_path / "varying.mkv"
    path.write_bytes(
        make_clip(8, kind="matroska", times_ms=[0, 40, 500, 520, 540, 3000, 3040, 5000])
    )
    model = ScriptedModel("The event happens in 00:00.50 - 00:03.04.")
    (moment,) = model.find_moments(path, "it").moments
    assert (moment.start_frame, moment.end_frame) == (2, 6)


def test_long_videos_are_looked_at_in_windows(ten_seconds: Path) -> None:
    model = ScriptedModel(
        "The event happens in 00:01.00 - 00:02.00.",
        "No.",
        "The event happens in 00:00.00 - 00:00.90 and 00:09.00 - 00:10.00.",
    )
    done: list[tuple[int, int]] = []
    video = Video(ten_seconds, **FOUR_FRAMES)
    result = model.find_moments(video, "it", min_fps=1, progress=lambda *step: done.append(step))
    starts = [round(facts.start_s, 2) for facts in result.facts]
    assert starts == [0.0, 3.3, 6.5]
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert [(round(m.start_s, 2), round(m.end_s, 2)) for m in result.moments] == [
        (1.0, 2.0),
        (6.5, 7.4),
    ]
    assert result.answered
    assert result.problems == (
        "00:03.30 - 00:06.80: no times in 'No.'",
        "00:06.50 - 00:10.00: 00:09.00 - 00:10.00 lies outside what the model saw, 0 to 3.50 s",
    )
    assert len(result.texts) == 3


class Tiny(TypedAnswers):
    def __init__(self, engine: Engine) -> None:
        self.engine = engine


def watch_work(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts patches that the tower reads, and videos that are opened for their pixels."""
    work = {"patches": 0, "resized": 0}
    encode, resize = engine.model.encode_media, processing_video.resize_pixels

    def counted(pixel_values: torch.Tensor, grids: list) -> torch.Tensor:
        work["patches"] += len(pixel_values)
        return encode(pixel_values, grids)

    def resized(*args: object) -> object:
        work["resized"] += 1
        return resize(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.model, "encode_media", counted)
    monkeypatch.setattr(processing_video, "resize_pixels", resized)
    return work


def test_a_watched_video_is_decoded_and_encoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny_engine(tmp_path, max_patches_per_chunk=100, media_cache_bytes=0)
    video = Video(clip(12, 3).source, fps=2.0, total_pixels=784 * 200)
    params = SamplingParams(max_tokens=8)
    (expected,) = engine.generate([Conversation.user(video, "What is it?")], params)
    work = watch_work(engine, monkeypatch)
    watched = Tiny(engine).watch(video)
    once = dict(work)
    assert once["patches"] > 100
    assert once["resized"] == 12
    assert watched.ask("What is it?", max_tokens=8) == expected.text
    assert watched.ask("What is it?", max_tokens=8) == expected.text
    moments = watched.find_moments("a jump", max_tokens=8)
    described = watched.describe(max_tokens=8)
    assert work == once
    assert moments.video is described.video is video
    assert watched.facts.timestamps_s == moments.facts[0].timestamps_s
    assert repr(watched) == "WatchedVideo(12 frames until 00:06.00)"
    with pytest.raises(InputError, match="the question is empty"):
        watched.ask(" ")


def test_windows_of_a_watched_video_are_encoded_once(ten_seconds: Path) -> None:
    model = ScriptedModel("The event happens in 00:01.00 - 00:02.00.")
    video = Video(ten_seconds, **FOUR_FRAMES)
    watched = model.watch(video, min_fps=1)
    assert len(model.engine.encoded) == 1
    first = watched.find_moments("it")
    assert [facts.start_s for facts in first.facts] == pytest.approx([0.0, 3.3, 6.5])
    assert len(model.engine.encoded) == 4
    assert watched.find_moments("it") == first
    assert len(watched.describe().facts) == 3
    assert len(model.engine.encoded) == 4


def test_bad_videos_are_refused() -> None:
    model = ScriptedModel("x")
    with pytest.raises(InputError, match="an Image was given"):
        model.find_moments(Image("a.png"), "it")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="does not exist"):
        model.find_moments("missing.mp4", "it")
    with pytest.raises(QvlError, match="nothing to look for"):
        model.find_moments("missing.mp4", " ")
    assert model.engine.asked == []


@requires_material
def test_the_recorded_answer_on_a_real_clip() -> None:
    text = material("cookbooks", "model_outputs", "video_grounding_clock.txt").read_text("utf-8")
    path = material("cookbooks", "assets", "v_rBMQFpHspmo.mp4")
    result = ScriptedModel(text).find_moments(path, "The meat is placed on a grill")
    (moment,) = result.moments
    assert (moment.start_s, moment.end_s) == (92.4, 95.6)
    assert (moment.start_frame, moment.end_frame) == (277, 287), "of 3 frames a second"
    assert result.duration_s == pytest.approx(434 / 3)
