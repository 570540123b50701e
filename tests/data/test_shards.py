"""What is written comes back, by number and by any tar reader; damage and malice are refused."""

import io
import json
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qvl.data.encoding import content_id, encode_sample
from qvl.data.records import Sample
from qvl.data.shard_index import index_tars
from qvl.data.shards import ShardReader, write_shards
from qvl.errors import DataError
from tests.data.small import drawn, rich


def same(one: Sample, other: Sample) -> bool:
    return (
        content_id(one) == content_id(other)
        and one.provenance == other.provenance
        and np.array_equal(one.targets.glyphs, other.targets.glyphs)  # type: ignore[union-attr]
        and np.array_equal(one.targets.objects, other.targets.objects)  # type: ignore[union-attr]
        and json.dumps(one.facts) == json.dumps(other.facts)
    )


def test_samples_come_back_by_number(tmp_path: Path) -> None:
    written = drawn(7)
    assert write_shards(written, tmp_path, per_shard=3) == 7
    reader = pickle.loads(pickle.dumps(ShardReader(tmp_path)))
    assert len(reader) == 7
    for number in (6, 0, 3):
        assert same(reader[number], written[number])
        assert reader.id(number) == content_id(written[number])
    assert all(same(a, b) for a, b in zip(reader, written, strict=True))
    with pytest.raises(IndexError):
        reader[7]
    reader.verify()


def test_the_index_knows_the_sizes(tmp_path: Path) -> None:
    write_shards([rich()], tmp_path)
    assert [item.kind for item in ShardReader(tmp_path).media(0)] == [
        *2 * ("image",),
        *2 * ("video",),
    ]


def test_a_tar_reader_needs_no_index(tmp_path: Path) -> None:
    write_shards(drawn(2), tmp_path)
    with tarfile.open(tmp_path / "shard-00000.tar") as tar:
        names = tar.getnames()
    first, second = "00000-000000", "00000-000001"
    assert names == [f"{first}.json", f"{first}.0.png", f"{second}.json", f"{second}.0.png"]


def test_webdataset_reads_the_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    written = drawn(3)
    write_shards(written, tmp_path)
    shards = str(tmp_path / "shard-00000.tar")
    for found, sample in zip(
        webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"), written, strict=True
    ):
        assert found["json"]["task"] == "shapes"
        assert np.array_equal(
            found["0.png"],
            sample.conversation.messages[0].content[0].source,  # type: ignore[union-attr]
        )


def test_webdataset_shards_are_read_here(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    written = [drawn(1)[0], rich()]
    with webdataset.TarWriter(str(tmp_path / "theirs.tar")) as writer:
        for key, sample in enumerate(written):
            files = {name: data for name, data in encode_sample(sample).files.items()}
            writer.write({"__key__": f"{'long' * 40}{key}", **files})
    assert index_tars(tmp_path) == 2
    reader = ShardReader(tmp_path)
    assert [reader.id(i) for i in range(2)] == [content_id(sample) for sample in written]
    assert reader[1].facts == written[1].facts


def test_folders_in_names_are_part_of_the_key(tmp_path: Path) -> None:
    """``tar cf a.tar .`` puts "./" before every name."""
    written = drawn(3)
    members = [
        member(f"./v1.2/{key}.{name}", data)
        for key, sample in enumerate(written)
        for name, data in encode_sample(sample).files.items()
    ]
    poisoned(tmp_path / "theirs.tar", *members)
    assert index_tars(tmp_path) == 3
    reader = ShardReader(tmp_path)
    assert [reader.id(i) for i in range(3)] == [content_id(sample) for sample in written]
    assert reader[2].facts == written[2].facts


def test_a_sample_of_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvl.data.shard_index._MAX_SAMPLE_BYTES", 5000)
    poisoned(tmp_path / "bad.tar", *(member(f"a.{n}.png") for n in range(9)))
    with pytest.raises(DataError, match="'a' has more than 5,000 bytes"):
        index_tars(tmp_path)


def test_equal_samples_make_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_shards(drawn(3), tmp_path / name)
    for file in ("shard-00000.tar", "shard-00000.json", "index.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_stopped_writing_goes_on(tmp_path: Path) -> None:
    def stopped(after: int) -> Iterator[Sample]:
        yield from drawn(after)
        raise KeyboardInterrupt

    for after in (1, 5, 6):
        with pytest.raises(KeyboardInterrupt):
            write_shards(stopped(after), tmp_path / "cut", per_shard=2)
        assert not list((tmp_path / "cut").glob(".*"))
        with pytest.raises(DataError, match="no readable index"):
            ShardReader(tmp_path / "cut")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").glob("*.tar")}
    assert len(times) == 3
    write_shards(drawn(7), tmp_path / "cut", per_shard=2)
    write_shards(drawn(7), tmp_path / "whole", per_shard=2)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    for path in sorted((tmp_path / "whole").iterdir()):
        assert path.read_bytes() == (tmp_path / "cut" / path.name).read_bytes()


def test_writing_stopped_at_any_file_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shards(drawn(3), tmp_path / "whole", per_shard=2)
    put = Path.replace
    for last in range(5):  # two tars, two indexes, the index of the set

        def dying(self: Path, target: Path, left: list[int] = [last]) -> Path:  # noqa: B006
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return put(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            with pytest.raises(KeyboardInterrupt):
                write_shards(drawn(3), tmp_path / str(last), per_shard=2)
        write_shards(drawn(3), tmp_path / str(last), per_shard=2)
        for path in sorted((tmp_path / "whole").iterdir()):
            assert path.read_bytes() == (tmp_path / str(last) / path.name).read_bytes()


def test_other_samples_are_not_mixed_in(tmp_path: Path) -> None:
    write_shards(drawn(2), tmp_path, per_shard=2)
    with pytest.raises(DataError, match="already holds shards"):
        write_shards(drawn(2), tmp_path)
    (tmp_path / "index.json").unlink()
    with pytest.raises(DataError, match="holds other samples"):
        write_shards(drawn(4, seed=5), tmp_path, per_shard=2)


def test_damage_is_named(tmp_path: Path) -> None:
    write_shards(drawn(2), tmp_path)
    shard = tmp_path / "shard-00000.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:600])
    with pytest.raises(DataError, match="shorter than its index"):
        ShardReader(tmp_path)[1]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    shard.write_bytes(flipped)
    reader = ShardReader(tmp_path)
    with pytest.raises(DataError, match="is not the shard that was written"):
        reader.verify()
    with pytest.raises(DataError, match=r"sample [01] is damaged"):
        list(reader)
    shard.unlink()
    with pytest.raises(DataError, match="lacks 1 of its shards"):
        ShardReader(tmp_path)
    for text in ("{", "[]", '{"shards": [{"name": "../x.tar", "samples": 1}]}',
                 '{"shards": [{"name": "x.tar", "samples": -1}]}'):  # fmt: skip
        (tmp_path / "index.json").write_text(text)
        with pytest.raises(DataError, match=r"no readable index\.json|is damaged"):
            ShardReader(tmp_path)


@pytest.mark.parametrize(
    ("column", "value"),
    [("spans", [[0, 99_999_999]]), ("spans", [[-5, 10]]), ("spans", [[0]]), ("digests", []),
     ("ids", None), ("media", [[["image"]]]), ("num_bytes", "x")],
)  # fmt: skip
def test_a_damaged_index_is_refused(tmp_path: Path, column: str, value: object) -> None:
    write_shards(drawn(1), tmp_path)
    path = tmp_path / "shard-00000.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), column: value}))
    with pytest.raises(DataError):
        ShardReader(tmp_path)[0]


def member(name: str, data: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def poisoned(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("../../etc/passwd.json")], "leads out of its folder"),
        ([member("/etc/passwd.json")], "leads out of its folder"),
        ([member("a\\..\\b.json")], "leads out of its folder"),
        ([member("a.json", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")], "a symbolic link"),
        ([member("a.json", b"", type=tarfile.LNKTYPE, linkname="b")], "a hard link"),
        ([member("a.json", b"", type=tarfile.CHRTYPE)], "a device"),
        ([member("a.json", b"", type=tarfile.FIFOTYPE)], "a pipe"),
        ([member("a.json"), member("b.json"), member("a.json")], "record of a sample|comes twice"),
        ([member("a.json", b"{}"), member("a.json", b"{}")], "comes twice"),
        ([member("a.json", b"{}")], "lacks 'messages'"),
        ([member("a.txt", b"{}")], "lacks 'json'"),
    ],
)
def test_hostile_tars_are_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], message: str
) -> None:
    poisoned(tmp_path / "bad.tar", *members)
    with pytest.raises(DataError, match=message):
        index_tars(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.tar"]


def test_tars_that_lie_about_sizes_are_refused(tmp_path: Path) -> None:
    write_shards(drawn(2), tmp_path / "good")
    whole = (tmp_path / "good" / "shard-00000.tar").read_bytes()
    huge = tarfile.TarInfo("a.json")
    huge.size = 2**40
    cases = {
        "claims": huge.tobuf(tarfile.GNU_FORMAT) + b"x" * 512,
        "cut off": whole[: len(whole) * 2 // 3],
        "damaged or cut off": whole[:700] + b"?" * 5000,
        "damaged": b"no tar at all" * 100,
    }
    for message, data in cases.items():
        (tmp_path / "bad.tar").write_bytes(data)
        with pytest.raises(DataError, match=message):
            index_tars(tmp_path)
    (tmp_path / "bad.tar").unlink()
    with pytest.raises(DataError, match="holds no tars"):
        index_tars(tmp_path)
