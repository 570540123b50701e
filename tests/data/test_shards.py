"""What is written comes back, by number and by any tar reader; damage is refused."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from qvl.data.records import Provenance, Sample
from qvl.data.shards import ShardReader, write_shards
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import DataError
from qvl.messages import Conversation, Image


def samples(count: int) -> list[Sample]:
    return [shapes_sample(np.random.default_rng((4, i)), seed=(4, i)) for i in range(count)]


def same(one: Sample, other: Sample) -> bool:
    def plain(sample: Sample) -> list[object]:
        return [
            np.asarray(part.source).tolist() if isinstance(part, Image) else part
            for message in sample.conversation.messages
            for part in message.content
        ]

    assert one.targets is not None
    assert other.targets is not None
    return (
        plain(one) == plain(other)
        and one.provenance == other.provenance
        and np.array_equal(one.targets.glyphs, other.targets.glyphs)
        and np.array_equal(one.targets.objects, other.targets.objects)
        and json.dumps(one.facts) == json.dumps(other.facts)
    )


def test_samples_come_back_by_number(tmp_path: Path) -> None:
    written = samples(7)
    assert write_shards(written, tmp_path, per_shard=3) == 7
    reader = ShardReader(tmp_path)
    assert len(reader) == 7
    for number in (6, 0, 3):
        assert same(reader[number], written[number])
    assert all(same(a, b) for a, b in zip(reader, written, strict=True))


def test_a_tar_reader_needs_no_index(tmp_path: Path) -> None:
    write_shards(samples(2), tmp_path)
    with tarfile.open(tmp_path / "shard-00000.tar") as tar:
        names = tar.getnames()
    assert names == ["000000000.0.png", "000000000.json", "000000001.0.png", "000000001.json"]


def test_equal_samples_make_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_shards(samples(3), tmp_path / name)
    one, two = (tmp_path / name / "shard-00000.tar" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_nothing_is_overwritten_and_damage_is_named(tmp_path: Path) -> None:
    write_shards(samples(2), tmp_path)
    with pytest.raises(DataError, match="already holds shards"):
        write_shards(samples(2), tmp_path)
    shard = tmp_path / "shard-00000.tar"
    shard.write_bytes(shard.read_bytes()[:600])
    with pytest.raises(DataError, match="shorter than its index"):
        ShardReader(tmp_path)[1]
    shard.unlink()
    with pytest.raises(DataError, match="lacks 1 of its shards"):
        ShardReader(tmp_path)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(DataError, match=r"no readable index\.json"):
        ShardReader(tmp_path)


def test_media_must_be_decoded_first(tmp_path: Path) -> None:
    sample = Sample(
        task="t",
        conversation=Conversation.user(Image("photo.jpg"), "What?"),
        provenance=Provenance(generator="test"),
    )
    with pytest.raises(DataError, match="a Image of a 't' sample is no array"):
        write_shards([sample], tmp_path)
