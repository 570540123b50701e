"""Single files: equal to what the library writes and reads; damage named in one line."""

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from qvl.checkpoint.safetensors_file import (
    canonical_order,
    map_file,
    map_tensor,
    read_header,
    read_tensor,
    write_safetensors,
)
from qvl.errors import CheckpointError


def some_tensors() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "b.weight": torch.randn(3, 5),
        "a.weight": torch.randn(4, 2).bfloat16(),
        "layers.10.x": torch.randn(7).half(),
        "layers.2.x": torch.randn(1, 1),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "wörter": torch.arange(5),
        "flags": torch.tensor([True, False, True]),
    }


def test_written_file_equals_the_librarys(tmp_path: Path) -> None:
    tensors = some_tensors()
    save_file(tensors, tmp_path / "library", metadata={"format": "pt"})
    write_safetensors(
        tmp_path / "ours", canonical_order(tensors.items()), metadata={"format": "pt"}
    )
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "library").read_bytes()


def test_views_and_other_strides_are_written_as_values(tmp_path: Path) -> None:
    x = torch.randn(6, 4)
    write_safetensors(tmp_path / "f", [("t", x.T), ("row", x[2]), ("step", x[::2])], metadata={})
    read = load_file(tmp_path / "f")
    assert torch.equal(read["t"], x.T)
    assert torch.equal(read["row"], x[2])
    assert torch.equal(read["step"], x[::2])


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        write_safetensors(tmp_path / "f", [], metadata={})


def test_mapped_and_read_tensors_equal_the_librarys(tmp_path: Path) -> None:
    path = tmp_path / "f"
    save_file(some_tensors(), path)
    mapping = map_file(path)
    for name, expected in load_file(path).items():
        entry = read_header(path).entries[name]
        for tensor in (map_tensor(entry, mapping), read_tensor(entry, entry.dtype)):
            assert tensor.dtype == expected.dtype
            assert torch.equal(tensor, expected), name


def test_reading_converts_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.checkpoint.safetensors_file._PIECE_BYTES", 64)
    x = torch.randn(37, 3)
    save_file({"x": x}, tmp_path / "f")
    entry = read_header(tmp_path / "f").entries["x"]
    assert torch.equal(read_tensor(entry, torch.bfloat16), x.bfloat16())
    assert torch.equal(read_tensor(entry, torch.float32), x)


def test_writing_to_a_mapped_tensor_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    save_file({"x": torch.ones(8)}, path)
    before = path.read_bytes()
    tensor = map_tensor(read_header(path).entries["x"], map_file(path))
    tensor.mul_(3)
    assert tensor.sum() == 24
    assert path.read_bytes() == before


def test_the_order_of_the_header_is_kept(tmp_path: Path) -> None:
    tensors = [("z", torch.ones(2)), ("a", torch.ones(3))]
    write_safetensors(tmp_path / "f", tensors, metadata={"by": "us"})
    header = read_header(tmp_path / "f")
    assert list(header.entries) == ["z", "a"]
    assert header.metadata == {"by": "us"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a safetensors file or is cut off: 0 bytes"),
        (b"1234567", "not a safetensors file or is cut off: 7 bytes"),
        (b"PK\x03\x04" + bytes(100), "is a zip archive"),
        (b"\x80\x02ctorch._utils\n" + bytes(100), "is a Python pickle"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "is a Git LFS pointer"),
        (b"GGUF" + bytes(100), "is a GGUF file"),
        (b"<!DOCTYPE html><html></html>", "is an HTML or XML page"),
        (bytes(100), "promise a header of 0"),
        (b"\xff" * 100, "promise a header of 18446744073709551615"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=words) as caught:
        read_header(path)
    assert "\n" not in str(caught.value)


def with_header(header: object, data: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (with_header(b"[1, 2, 3, 4]"), "does not begin with"),
        (with_header(b'{"x": '), "header is damaged"),
        (with_header(b'{"\xff": 1}'), "header is damaged"),
        (with_header(b"{" * 100_000), "header is damaged"),
        (with_header(b'{"x":{"dtype":"F32","dtype":"F16"}}'), "occurs twice"),
        (with_header({"x": 1}), "not described by"),
        (with_header({"x": entry(dtype="F3")}, bytes(8)), "has the dtype 'F3'"),
        (with_header({"x": entry(dtype=["F32"])}, bytes(8)), "has the dtype"),
        (with_header({"x": entry(shape=[-2])}, bytes(8)), "impossible shape or place"),
        (with_header({"x": entry(shape=[2.0])}, bytes(8)), "impossible shape or place"),
        (with_header({"x": entry(shape=[True, 2])}, bytes(8)), "impossible shape or place"),
        (with_header({"x": entry(shape=None)}, bytes(8)), "impossible shape or place"),
        (with_header({"x": entry(data_offsets=[0])}, bytes(8)), "impossible shape or place"),
        (with_header({"x": entry(shape=[3])}, bytes(8)), r"has 8 bytes for the shape \[3\]"),
        (with_header({"x": entry(shape=[2**40, 2**40])}, bytes(8)), "has 8 bytes for the shape"),
        (with_header({"x": entry(), "y": entry()}, bytes(16)), "overlap or leave a gap"),
        (with_header({"x": entry(data_offsets=[4, 12])}, bytes(12)), "overlap or leave a gap"),
        (with_header({"x": entry()}, bytes(7)), "cut off"),
        (with_header({"x": entry()}, bytes(9)), "its tensors end at"),
        (with_header({"__metadata__": {"a": 1}, "x": entry()}, bytes(8)), "metadata"),
    ],
)
def test_damaged_headers_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=words) as caught:
        read_header(path)
    assert "\n" not in str(caught.value)
    assert "model.safetensors" in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        read_header(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="Is a directory"):
        read_header(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "f"
    save_file(some_tensors(), path)
    return path


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_refused_or_harmless(whole: Path, data: st.DataObject) -> None:
    """Bytes changed, cut or added: what the library refuses, we refuse, by our own error."""
    raw = bytearray(whole.read_bytes())
    match data.draw(st.sampled_from(["change", "cut", "add"])):
        case "change":
            at = data.draw(st.integers(0, min(len(raw) - 1, 900)))
            raw[at] = data.draw(st.integers(0, 255))
        case "cut":
            del raw[data.draw(st.integers(0, len(raw) - 1)) :]
        case "add":
            raw += data.draw(st.binary(min_size=1, max_size=9))
    path = whole.parent / "damaged"
    path.write_bytes(raw)
    try:
        header = read_header(path)
    except CheckpointError:
        return
    try:
        expected = load_file(path)
    except SafetensorError as error:
        pytest.fail(f"accepted what the library refuses: {error}")
    assert set(header.entries) == set(expected)
    for name, entry in header.entries.items():
        ours, theirs = read_tensor(entry, entry.dtype), expected[name]
        assert ours.shape == theirs.shape
        assert torch.equal(ours.flatten().view(torch.uint8), theirs.flatten().view(torch.uint8))
