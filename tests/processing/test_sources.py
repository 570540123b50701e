"""Paths, file addresses, data URIs; everything else is refused in one line."""

import base64
import os
from pathlib import Path

import pytest

from qvl.errors import InputError
from qvl.processing.sources import is_video_name, locate_source


def error_of(source: str | Path | bytes) -> str:
    with pytest.raises(InputError) as caught:
        locate_source(source, kind="image")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a 100%25.png"
    path.write_bytes(b"x")
    return path


def test_paths_and_file_addresses(file: Path) -> None:
    for source in (file, str(file), f"file://{file}", f"file://localhost{file}", f"FILE:{file}"):
        assert locate_source(source, kind="image") == file
    quoted = str(file).replace("%", "%25").replace(" ", "%20")
    assert locate_source(f"file://{quoted}", kind="image") == file


def test_bytes_and_data_uris() -> None:
    assert locate_source(b"abc", kind="image") == b"abc"
    for header in ("data:image/png;base64,", "data:;base64,", "DATA:video/mp4;BASE64,"):
        assert locate_source(header + base64.b64encode(b"abcd").decode(), kind="image") == b"abcd"
    assert locate_source("data:image/png;base64,YWJj\n ZA", kind="image") == b"abcd"
    assert locate_source("data:image/png;base64,YWJjZA%3D%3D", kind="image") == b"abcd"
    assert locate_source("data:text/plain,a%20b", kind="image") == b"a b"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "empty string"),
        (b"", "0 bytes"),
        ("none.png", "image file 'none.png' does not exist"),
        ("file:///none.png", "does not exist"),
        ("a\0b", "null byte"),
        ("file:///a%00b", "null byte"),
        ("x" * 5000, "name too long"),
        ("https://example.com/a.png", "nothing is fetched here; hint: download it first"),
        ("s3://bucket/a.png", "nothing is fetched here"),
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,####", "base64 is damaged"),
        ("data:image/png;base64,äää", "base64 is damaged"),
        ("data:image/png;base64,", "0 bytes"),
    ],
)
def test_what_is_no_file_is_refused(source: str, message: str) -> None:
    assert message.lower() in error_of(source).lower()


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in error_of(tmp_path)
    (tmp_path / "empty.png").touch()
    assert "is empty" in error_of(tmp_path / "empty.png")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be opened" in error_of(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    assert "device or a pipe" in error_of(tmp_path / "pipe")
    assert "device or a pipe" in error_of("/dev/zero")


def test_videos_of_phones_and_cameras_are_known_by_their_names() -> None:
    names = ("clip.3gp", "00001.MTS", "00001.m2ts", "clip.flv", "clip.wmv", "clip.ogv")
    assert all(is_video_name(name) for name in names)
    assert not any(is_video_name(name) for name in ("photo.gif", "mp4", "clip.mp4.png"))
