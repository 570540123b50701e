"""Real encoded videos: the right frames, their times, bounded memory, one line for bad files."""

import base64
import io
import json
import random
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest

from qvl.errors import InputError
from qvl.geometry import ImageSize, PixelLimits
from qvl.messages import Video
from qvl.processing import video_reader
from qvl.processing.video import PreparedVideo, measure_video, prepare_video
from qvl.processing.video_reader import open_video
from tests.material import material, requires_material
from tests.processing.clips import HEIGHT, WIDTH, make_clip, number_of, numbered_frame

LIMITS = PixelLimits(min_pixels=3136, max_pixels=12_845_056)
SMALL = {"min_pixels": 3136, "max_pixels": 50_176}

CLIPS = {
    "mp4": {"options": {"g": "12", "bf": "3"}},
    "mp4 open groups": {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3"}},
    "mp4 one keyframe": {"options": {"g": "500"}},
    "matroska": {"kind": "matroska", "options": {"g": "12"}},
    "webm": {"kind": "webm", "codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime"}},
    "vp8 with hidden frames": {
        "kind": "webm", "codec": "libvpx",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "30"},
    },
    "avi": {"kind": "avi", "codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "mpegts": {"kind": "mpegts", "options": {"g": "12", "bf": "2"}},
    "mov of pictures": {"kind": "mov", "codec": "mjpeg", "pixel_format": "yuvj420p"},
    "raw h264": {"kind": "h264"},
    "gif": {"kind": "gif", "codec": "gif", "pixel_format": "rgb8"},
}  # fmt: skip


def prepare(source: object, **options: float) -> PreparedVideo:
    return prepare_video(Video(source, **{**SMALL, **options}), LIMITS)  # type: ignore[arg-type]


def error_of(source: object, **options: float) -> str:
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        prepare(source, **options)
    assert time.process_time() - start < 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


def numbers(video: PreparedVideo) -> list[int]:
    return [number_of(frame) for frame in video.frames]


@requires_material
@pytest.mark.parametrize("number", range(7))
def test_a_real_video_equals_qwen_vl_utils(number: int) -> None:
    golden = json.loads(material("golden", "video_v_rBMQFpHspmo.json").read_text())
    path = material("cookbooks", "assets", golden["file"])
    expected = golden["requests"][number]
    if expected["resized"] == [None, None]:
        with pytest.raises(InputError, match="give min_pixels as well"):
            measure_video(Video(path, **expected["request"]), LIMITS)
        return
    plan, transform, _ = measure_video(Video(path, **expected["request"]), LIMITS)
    assert transform.original == (golden["height"], golden["width"])
    if "total_pixels" in expected["request"]:  # the budget that the reference exceeds
        assert plan.total_pixels <= expected["request"]["total_pixels"]
        return
    indices = plan.indices.tolist()
    assert len(indices) == expected["nframes"]
    assert indices[: len(expected["first"])] == expected["first"]
    assert indices[-len(expected["last"]) :] == expected["last"]
    assert sum(indices) == expected["index_sum"]
    assert list(plan.resized) == expected["resized"]
    assert plan.sample_fps == expected["sample_fps"]
    shown = indices[:: max(len(indices) // 8, 1)][:8]
    with open_video(path) as reader:
        means = {frame: pixels.mean() for frame, pixels in reader.read(sorted(set(shown)))}
    assert [means[index] for index in shown] == pytest.approx(
        expected["frame_means"][: len(shown)], abs=0.01
    )


@pytest.mark.parametrize("name", CLIPS)
def test_the_frames_are_those_that_were_asked_for(name: str) -> None:
    clip = make_clip(120, **CLIPS[name])  # type: ignore[arg-type]
    with open_video(clip) as reader:
        total = len(reader.timeline.times_s)
        assert abs(total - 120) <= (15 if "hidden" in name else 0)
        assert reader.size == ImageSize(HEIGHT, WIDTH)
        draw = random.Random(0)
        whole = {frame: number_of(pixels) for frame, pixels in reader.read(range(total))}
        assert list(whole) == list(range(total))
        if total == 120:
            assert list(whole.values()) == list(range(120))
        for _ in range(4):
            wanted = sorted(draw.sample(range(total), k=draw.choice([1, 2, 9])))
            got = {frame: number_of(pixels) for frame, pixels in reader.read(wanted)}
            assert got == {frame: whole[frame] for frame in wanted}


@pytest.mark.parametrize("name", ["mp4", "mp4 open groups", "matroska", "webm", "avi", "mpegts"])
def test_seeking_finds_the_same_frames(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_reader, "_SEEK_PACKETS", 0)
    clip = make_clip(200, **CLIPS[name])  # type: ignore[arg-type]
    decoded = []
    decode_span = video_reader.VideoReader._decode_span

    def counted(self: video_reader.VideoReader, span: object) -> object:
        for frame in decode_span(self, span):  # type: ignore[arg-type]
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(video_reader.VideoReader, "_decode_span", counted)
    with open_video(clip) as reader:
        for wanted in ([0, 50, 100, 150, 199], [199], [77], [14, 15, 190]):
            decoded.clear()
            assert [(n, number_of(pixels)) for n, pixels in reader.read(wanted)] == [
                (n, n) for n in wanted
            ]
            assert len(decoded) < 40 * len(wanted)  # of 200


def test_what_is_prepared() -> None:
    clip = make_clip(90, fps=30)
    video = prepare(clip)
    assert video.frames.shape == (6, 56, 168, 3)
    assert video.frames.dtype == np.uint8
    assert video.frame_indices.tolist() == [0, 18, 36, 53, 71, 89]
    assert numbers(video) == [0, 18, 36, 53, 71, 89]
    assert video.timestamps_s == pytest.approx(video.frame_indices / 30, abs=1e-3)
    assert video.sample_fps == 2.0
    assert video.second_per_grid == 1.0
    assert video.transform.original == (HEIGHT, WIDTH)
    assert video.transform.resized == (56, 168)
    plan, transform, _ = measure_video(Video(clip, **SMALL), LIMITS)
    assert (transform, plan.sample_fps) == (video.transform, video.sample_fps)
    assert (plan.indices == video.frame_indices).all()


def test_every_kind_of_source_gives_the_same_frames(tmp_path: Path) -> None:
    clip = make_clip(30)
    path = tmp_path / "a clip.mp4"
    path.write_bytes(clip)
    uri = "data:video/mp4;base64," + base64.b64encode(clip).decode()
    for source in (path, str(path), f"file://{path}", uri):
        assert numbers(prepare(source)) == numbers(prepare(clip))


def test_a_part_of_a_video() -> None:
    video = prepare(make_clip(120), video_start=1.0, video_end=3.0, fps=4.0)
    assert numbers(video) == video.frame_indices.tolist()
    assert (video.frame_indices[0], video.frame_indices[-1]) == (30, 90)
    assert video.timestamps_s[0] == pytest.approx(1.0)


def test_a_varying_rate_is_shown_at_its_own_times() -> None:
    """A screen that stands still for ten seconds is seen standing still."""
    times = [*range(0, 1000, 50), *range(11_000, 12_000, 50)]
    clip = make_clip(40, kind="matroska", times_ms=times)
    video = prepare(clip, nframes=12)
    assert numbers(video) == video.frame_indices.tolist()
    assert video.timestamps_s == pytest.approx(np.array(times)[video.frame_indices] / 1000)
    assert (video.frame_indices == 19).sum() >= 8  # the last one before the pause
    assert video.sample_fps == pytest.approx(12 / (11.95 * 40 / 39), rel=1e-3)
    assert video.second_per_grid == pytest.approx(2 / video.sample_fps)


def test_a_video_that_was_filmed_sideways_is_turned() -> None:
    upright = prepare(make_clip(4, size=(HEIGHT, WIDTH)))
    for rotation, turns in ((90, 1), (-90, -1), (180, 2)):
        clip = make_clip(4, rotation=rotation)
        with open_video(clip) as reader:
            _, pixels = next(reader.read([3]))
            expected_size = (WIDTH, HEIGHT) if rotation != 180 else (HEIGHT, WIDTH)
            assert reader.size == expected_size
            assert pixels.shape[:2] == expected_size
            assert number_of(np.rot90(pixels, k=-turns)) == 3
        video = prepare(clip)
        assert video.transform.original == expected_size
    assert upright.transform.original == (HEIGHT, WIDTH)


def test_sound_beside_the_picture_is_no_matter() -> None:
    assert numbers(prepare(make_clip(30, with_sound=True))) == [0, 10, 19, 29]


def test_a_list_of_frames() -> None:
    frames = [PIL.Image.fromarray(numbered_frame(number)) for number in range(5)]
    video = prepare(frames)
    assert numbers(video) == [0, 1, 2, 3, 4, 4]
    assert (video.sample_fps, video.second_per_grid) == (2.0, 1.0)
    assert video.timestamps_s.tolist() == [0, 0.5, 1, 1.5, 2, 2]
    assert prepare(frames, fps=1.0).second_per_grid == 2.0
    assert numbers(prepare(tuple(np.asarray(frame) for frame in frames))) == numbers(video)
    assert numbers(prepare(np.stack([np.asarray(frame) for frame in frames]))) == numbers(video)
    fewer = prepare(frames * 4, total_pixels=20_000, min_pixels=3136)
    assert len(fewer.frames) < 20
    assert numbers(fewer) == (fewer.frame_indices % 5).tolist()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "list of frames: 0 frames, expected 1 to"),
        ([numbered_frame(0), b"x"], "list of frames: frame 1: picture: in no known format"),
        ([numbered_frame(0), "none.png"], "frame 1: image file 'none.png' does not exist"),
        ([numbered_frame(0), numbered_frame(1)[:20]], "frame 1 is 160 x 20 px, expected 160 x 48"),
        ([5], "frame 0: image source is a int"),
        (5, "video source is a int, expected a path, bytes or a list"),
        ({"a": 1}, "video source is a dict"),
    ],
)
def test_a_bad_list_of_frames_is_one_line(frames: object, message: str) -> None:
    assert message in error_of(frames)


def test_a_bad_video_is_one_line_at_once(tmp_path: Path) -> None:
    clip = make_clip(60)
    assert "no video track in it, only sound" in error_of(make_clip(0, with_sound=True))
    assert "video: 1 frame, expected at least 2; hint: give a single" in error_of(make_clip(1))
    assert "in no known format" in error_of(b"hello world" * 99)
    assert "in no known format" in error_of(b"\0" * 100_000)
    assert "in no known format" in error_of(clip[: len(clip) // 2])  # its index is at the end
    assert "nothing is fetched here" in error_of("https://example.com/a.mp4")
    assert "video file 'none.mp4' does not exist" in error_of("none.mp4")
    assert "is a directory" in error_of(tmp_path)
    (tmp_path / "empty.mp4").touch()
    assert "is empty" in error_of(tmp_path / "empty.mp4")
    picture = io.BytesIO()
    PIL.Image.new("RGB", (30, 30)).save(picture, "PNG")
    assert "video" in error_of(picture.getvalue())
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip[:2000])
    assert error_of(broken).startswith(f"video {str(broken)!r}: damaged, cut off or in no known")
    assert "option nframes 99 asks for 100 frames, expected 2 to 60" in error_of(clip, nframes=99)


@pytest.mark.parametrize(
    "clip_options",
    [
        {"options": {"movflags": "faststart"}},
        {"kind": "matroska"},
        {"kind": "webm", "codec": "libvpx-vp9", "options": {"deadline": "realtime"}},
        {"kind": "avi", "codec": "mpeg4"},
    ],
)
def test_a_file_that_was_cut_off_is_refused(clip_options: dict[str, object]) -> None:
    clip = make_clip(300, **clip_options)  # type: ignore[arg-type]
    if "movflags" in str(clip_options):
        clip = with_index_first(clip)
    prepare(clip)
    assert "cut off" in error_of(clip[: len(clip) * 6 // 10])


def with_index_first(clip: bytes) -> bytes:
    """Packs an MP4 again with its index before its frames, as for streaming."""
    buffer = io.BytesIO()
    buffer.name = "clip.mp4"
    source = av.open(io.BytesIO(clip))
    with av.open(buffer, "w", format="mp4", options={"movflags": "frag_keyframe"}) as target:
        target_track = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = target_track
                target.mux(packet)
    return buffer.getvalue()


def test_a_damaged_middle_is_refused_where_it_is_wanted() -> None:
    clip = bytearray(make_clip(120, options={"g": "10"}))
    for place in range(len(clip) // 3, len(clip) // 3 + 200):
        clip[place] ^= 0x5A
    assert "damaged" in error_of(bytes(clip), fps=30.0)
    early = prepare(bytes(clip), video_end=0.5, fps=10.0)
    assert numbers(early) == early.frame_indices.tolist()


def test_a_frame_that_the_decoder_had_to_guess_is_refused() -> None:
    """One wrong bit seldom stops a decoder: it fills in what it cannot know."""
    clip = make_clip(60, options={"g": "10"})
    messages = []
    for place in range(len(clip) // 3, len(clip) // 3 + 200, 20):
        damaged = bytearray(clip)
        damaged[place] ^= 1
        try:
            prepare(bytes(damaged), fps=30.0)
        except InputError as error:
            messages.append(str(error))
    assert any("s is damaged" in message for message in messages), messages


def test_a_hole_in_a_file_leaves_the_other_frames_at_their_times() -> None:
    """Matroska readers skip what they cannot read; the frames after it keep their times."""
    clip = bytearray(make_clip(120, kind="matroska", options={"g": "10"}))
    for place in range(3747, 3747 + 400):
        clip[place] = 0x5A
    with open_video(bytes(clip)) as reader:
        count = len(reader.timeline.times_s)
        assert 20 < count < 120
        shown = [number_of(pixels) for _, pixels in reader.read(range(count))]
        assert shown == np.round(reader.timeline.times_s * 30).astype(int).tolist()


def test_frames_too_large_to_decode_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(4)
    monkeypatch.setattr(video_reader, "MAX_FRAME_PIXELS", HEIGHT * WIDTH - 1)
    assert "frames are 160 x 48 px, more than 7,679 pixels" in error_of(clip)


def test_a_video_of_too_many_frames_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(40)
    monkeypatch.setattr(video_reader, "MAX_PACKETS", 39)
    assert "more than 39 frames" in error_of(clip)


def test_files_that_name_other_files_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("real.mp4").write_bytes(make_clip(30))
    Path("list.ffconcat").write_text("ffconcat version 1.0\nfile real.mp4\n")
    Path("list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nreal.mp4\n#EXT-X-ENDLIST\n")
    for name in ("list.ffconcat", "list.m3u8"):
        assert "in no known format" in error_of(name)


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    error_of(make_clip(60)[:-200])
    prepare(make_clip(60))
    assert capfd.readouterr().err == ""


MEMORY_PROBE = """
import resource, sys
from qvl.geometry import PixelLimits
from qvl.messages import Video
from qvl.processing.video import prepare_video
video = Video(sys.argv[1], nframes=int(sys.argv[2]), min_pixels=3136, max_pixels=12544)
prepare_video(video, PixelLimits(min_pixels=3136, max_pixels=12845056))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    peaks = []
    for num_frames in (20, 200):
        path = tmp_path / f"{num_frames}.avi"
        path.write_bytes(make_clip(num_frames, kind="avi", codec="mpeg4", size=(480, 640)))
        command = [sys.executable, "-c", MEMORY_PROBE, str(path), str(num_frames)]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    # All full frames together are 184 MB, the resized ones are 7 MB.
    assert peaks[1] - peaks[0] < 50


def test_a_thousand_damaged_videos_are_read_or_refused(capfd: pytest.CaptureFixture[str]) -> None:
    files = [
        make_clip(8, size=(32, 40), **{**options, "options": {}})  # type: ignore[arg-type]
        for name, options in CLIPS.items()
        if "h264" not in name and "hidden" not in name
    ]
    draw = random.Random(0)
    refused = 0
    for _ in range(1000):
        data = bytearray(draw.choice(files))
        if draw.random() < 0.3:
            del data[draw.randrange(len(data)) :]
        else:
            low, high = draw.choice([(0, 400), (0, len(data)), (len(data) - 700, len(data))])
            places = range(max(low, 0), min(high, len(data)))
            for place in draw.choices(places, k=draw.randint(1, 10)):
                data[place] = draw.randrange(256)
        try:
            prepare(bytes(data), max_pixels=4000)
        except InputError as error:
            refused += 1
            if "\n" in str(error):
                pytest.fail(f"more than one line: {error}")
    assert 200 < refused < 1000
    assert capfd.readouterr() == ("", "")


def test_the_rate_of_the_cinema_is_exact() -> None:
    clip = make_clip(48, fps=Fraction(24000, 1001))  # type: ignore[arg-type]
    with open_video(clip) as reader:
        assert reader.timeline.fps == pytest.approx(24000 / 1001, rel=1e-12)
