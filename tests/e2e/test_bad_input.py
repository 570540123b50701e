"""What people do wrong: each a typed error in one line, within a second, without a traceback."""

import json
import struct
import time
import zlib
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qvl.errors import QvlError
from qvl.messages import Image, Video
from qvl.processing.media import measure_media, prepare_media
from qvl.processing.settings import DEFAULT_LIMITS
from tests.e2e.conftest import Run

SECONDS = 1.0
"""Of this process's work, so that a busy machine fails no test; imports are done before."""


def picture_bytes(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    buffer = BytesIO()
    PIL.Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes whose header promises 60,000 x 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def video_bytes(num_frames: int = 8) -> bytes:
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height = 64, 48
        for shade in range(num_frames):
            pixels = np.full((48, 64, 3), shade * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def sound_bytes() -> bytes:
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.time_base = 8000, Fraction(1, 8000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def long_picture() -> bytes:
    buffer = BytesIO()
    PIL.Image.new("L", (10_000, 1)).save(buffer, "PNG")
    return buffer.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "empty.png": bytes,
    "half.png": lambda: picture_bytes()[: len(picture_bytes()) // 2],
    "header only.png": lambda: picture_bytes()[:40],
    "half.jpg": lambda: picture_bytes("JPEG")[:200],
    "half.webp": lambda: picture_bytes("WEBP")[:100],
    "half.gif": lambda: picture_bytes("GIF")[:100],
    "bomb.png": bomb,
    "1x10000.png": long_picture,
    "text.png": lambda: b"this is no picture",
    "picture.svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "page.pdf": lambda: b"%PDF-1.4 ...",
    "a video called.png": video_bytes,
    "empty.mp4": bytes,
    "half.mp4": lambda: video_bytes()[: len(video_bytes()) // 2],
    "no frames.mp4": lambda: video_bytes(0),
    "sound only.mp4": sound_bytes,
    "text.mp4": lambda: b"this is no video",
    "a picture called.mp4": lambda: b"\x89PNG\r\n\x1a\n",
    "zeros.mkv": lambda: bytes(5000),
}


def failed(run: Run, *arguments: object) -> str:
    """The one line of error of a call that must fail in time."""
    start = time.process_time()
    code, out, err = run(*arguments)
    seconds = time.process_time() - start
    assert (code, out) == (1, ""), err
    lines = err.splitlines()
    assert lines[0].startswith("error: ")
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: ")), err
    assert "Traceback" not in err
    assert len(lines[0]) < 500
    assert seconds < SECONDS, f"{seconds:.1f} s: {lines[0]}"
    return lines[0]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["ask", "ground"])
def test_broken_files(
    run: Run, random_folder: Path, tmp_path: Path, name: str, command: str
) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name]())
    failed(run, command, path, "What is this?", "--model", random_folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.png", "does not exist"),
        ("missing.mp4", "does not exist"),
        (".", "is a directory"),
        ("/dev/null", "is a device"),
        ("https://example.com/a.png", "nothing is fetched here"),
        ("file:///missing.png", "does not exist"),
        ("data:image/png;base64,AAAA", "known format"),
        ("data:image/png;base64,***", "image"),
        ("x" * 5000 + ".png", "cannot be opened"),
        ("a\nb.png", "does not exist"),
        ("", "empty string"),
    ],
)
def test_bad_paths(run: Run, random_folder: Path, name: str, said: str) -> None:
    assert said in failed(run, "ask", name, "What is this?", "--model", random_folder)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "sound.png"
    path.write_bytes(picture_bytes())
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-pixels", "-5"], "max_pixels"),
        (["--min-pixels", "9000", "--max-pixels", "1000"], "min_pixels"),
        (["--fps", "0"], "fps"),
        (["--max-tokens", "0"], "max_tokens"),
        (["--temperature", "nan"], "temperature"),
        (["--top-p", "2"], "top_p"),
        (["--stop", ""], "stop"),
        (["--seed", "-1"], "seed"),
        (["--device", "abacus"], "device is 'abacus'"),
        (["--device", "cuda:99"], "device is 'cuda:99'"),
    ],
)
def test_bad_options(
    run: Run, random_folder: Path, picture: Path, options: list[str], said: str
) -> None:
    error = failed(run, "ask", picture, "hi", "--model", random_folder, *options)
    assert said in error or said in error.replace("-", "_")


def test_prompt_longer_than_the_context(run: Run, random_folder: Path, picture: Path) -> None:
    error = failed(run, "ask", "word " * 5000, "--model", random_folder)
    assert "at most 4095 are allowed" in error, "one of 4096 is for the answer"
    assert "tokens" in error
    many = [picture] * 80
    error = failed(run, "ask", *many, "hi", "--model", random_folder, "--min-pixels", "50000")
    assert "80 images" in error


def change(path: Path, **changes: object) -> None:
    """Changes keys of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_tokenizer(folder: Path) -> None:
    """The special tokens of another model: the same names, other ids."""
    path = folder / "tokenizer.json"
    spec = json.loads(path.read_text())
    for token in spec["added_tokens"]:
        token["id"] += 7
    path.write_text(json.dumps(spec))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda m: (m / "config.json").unlink(), "config.json"),
    "config is no JSON": (lambda m: cut(m / "config.json"), "config.json"),
    "config of another architecture": (
        lambda m: change(m / "config.json", model_type="llama", architectures=["Llama"]),
        "llama",
    ),
    "config of another size": (lambda m: change(m / "config.json", intermediate_size=96), "mlp"),
    "config with more layers": (lambda m: change(m / "config.json", num_hidden_layers=3), "layers"),
    "no weights": (lambda m: (m / "model.safetensors").unlink(), "model.safetensors"),
    "half of the weights": (lambda m: cut(m / "model.safetensors"), "model.safetensors"),
    "weights are text": (
        lambda m: (m / "model.safetensors").write_text("version https://git-lfs"),
        "model.safetensors",
    ),
    "no tokenizer": (lambda m: (m / "tokenizer.json").unlink(), "tokenizer.json"),
    "half of the tokenizer": (lambda m: cut(m / "tokenizer.json"), "tokenizer.json"),
    "tokenizer of another model": (other_tokenizer, "id"),
    "tokenizer is a list": (
        lambda m: (m / "tokenizer.json").write_text("[]"),
        "tokenizer.json",
    ),
    "preprocessor is no JSON": (
        lambda m: (m / "preprocessor_config.json").write_text("{"),
        "preprocessor_config.json",
    ),
    "preprocessor of another make": (
        lambda m: change(m / "preprocessor_config.json", patch_size=16),
        "patch_size",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_files_that_do_not_belong_together(run: Run, model_copy: Path, name: str) -> None:
    damage, said = DAMAGE[name]
    damage(model_copy)
    assert said in failed(run, "ask", "hi", "--model", model_copy)


@pytest.mark.parametrize(
    "name", ["no/such/folder", "nobody/nothing-here", "Qwen2.5", "a b", "~nobody", ".", "a/b/c"]
)
def test_models_that_are_not_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    failed(run, "ask", "hi", "--model", name)


SOURCES = {
    "PNG": picture_bytes("PNG"),
    "JPEG": picture_bytes("JPEG"),
    "WEBP": picture_bytes("WEBP"),
    "GIF": picture_bytes("GIF"),
    "BMP": picture_bytes("BMP"),
    "TIFF": picture_bytes("TIFF"),
}
VIDEO = video_bytes()
edits = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8)


def damaged(whole: bytes, changes: list[tuple[int, int]], keep: float) -> bytes:
    data = bytearray(whole[: max(1, int(len(whole) * keep))])
    for at, value in changes:
        data[at % len(data)] = value
    return bytes(data)


def try_media(media: Image | Video) -> None:
    """Either works or raises one of our errors, in one line."""
    for step in (measure_media, prepare_media):
        message = ""
        try:
            step(media, DEFAULT_LIMITS)
        except QvlError as error:
            message = str(error)
        assert "\n" not in message
        assert len(message) < 600


@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(SOURCES)), edits, st.floats(0.0, 1.0) | st.just(1.0))
def test_thousands_of_damaged_pictures(
    kind: str, changes: list[tuple[int, int]], keep: float
) -> None:
    try_media(Image(damaged(SOURCES[kind], changes, keep), max_pixels=28 * 28 * 16))


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits, st.floats(0.0, 1.0) | st.just(1.0))
def test_hundreds_of_damaged_videos(changes: list[tuple[int, int]], keep: float) -> None:
    try_media(Video(damaged(VIDEO, changes, keep), max_pixels=28 * 28 * 16))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_that_are_nothing(data: bytes) -> None:
    try_media(Image(data, max_pixels=28 * 28 * 16))
    try_media(Video(data, max_pixels=28 * 28 * 16))
