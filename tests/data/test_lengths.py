"""Lengths are those of the model's inputs, measured once, faults collected."""

import json
from pathlib import Path

import numpy as np
import pytest

from qvl.data.interchange.annotations import AnnotationFile
from qvl.data.lengths import lengths_of, measure
from qvl.data.shards import ShardReader, write_shards
from qvl.data.sources import Source
from qvl.errors import DataError
from qvl.processing.processor import Processor
from tests.data.small import asked, drawn, picture, rich
from tests.material import EMBEDDED, requires_embedded
from tests.processing.clips import make_clip

pytestmark = requires_embedded


@pytest.fixture(scope="module")
def processor() -> Processor:
    return Processor.from_folder(EMBEDDED)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A one for each sample that is measured."""
    counted: list[int] = []
    bill = Processor.bill
    monkeypatch.setattr(
        Processor, "bill", lambda *args, **kw: counted.append(1) or bill(*args, **kw)
    )
    return counted


def annotations(folder: Path, *more: dict) -> AnnotationFile:
    """One record of each kind: text, several turns, pictures, a video."""
    (folder / "a.jpg").write_bytes(picture())
    (folder / "b.png").write_bytes(picture(200, 120, kind="PNG"))
    (folder / "c.mp4").write_bytes(make_clip(30))

    def turns(*values: str) -> list[dict[str, str]]:
        speakers = ("human", "gpt")
        return [{"from": speakers[i % 2], "value": value} for i, value in enumerate(values)]

    records = [
        {"conversations": turns("Hi", "Hello there", "And?", "No.")},
        {"image": "a.jpg", "conversations": turns("<image>What?", "Red")},
        {"image": ["a.jpg", "b.png"], "conversations": turns("<image><image>Same?", "No, not")},
        {"video": "c.mp4", "conversations": turns("<video>When?", "At 0.5 seconds")},
        *more,
    ]
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return AnnotationFile(path)


def check(source: Source, processor: Processor) -> None:
    lengths = measure(source, processor)
    inputs = [
        processor(source[i].conversation, add_generation_prompt=False) for i in range(len(source))
    ]
    assert lengths.tokens.tolist() == [len(item.input_ids) for item in inputs]
    assert lengths.answers.tolist() == [int(item.loss_mask.sum()) for item in inputs]
    assert lengths.patches.tolist() == [len(item.pixel_values) for item in inputs]
    assert lengths.items.tolist() == [len(item.grid_thw) for item in inputs]
    assert np.array_equal(lengths.grids, np.concatenate([item.grid_thw for item in inputs]))


def test_lengths_are_those_of_the_inputs(tmp_path: Path, processor: Processor) -> None:
    write_shards([*drawn(4), rich(), asked("?", "!")], tmp_path / "shards", per_shard=2)
    check(ShardReader(tmp_path / "shards"), processor)
    check(annotations(tmp_path), processor)


def test_what_is_measured_is_not_measured_again(
    tmp_path: Path, processor: Processor, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvl.data.lengths._PART", 2)
    write_shards([*drawn(4), asked("?", "!")], tmp_path, per_shard=3)
    reader = ShardReader(tmp_path)
    first = lengths_of(reader, processor)
    assert len(measured) == 5
    (folder,) = tmp_path.glob("lengths-*")
    (folder / "part-00001.npz").write_bytes(b"PK")  # damaged: measured again
    again = lengths_of(reader, processor)
    assert len(measured) == 7
    assert again.tokens.tolist() == first.tokens.tolist()
    assert again.identity == first.identity


def test_processes_measure_the_same(
    tmp_path: Path, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvl.data.lengths._PART", 2)
    source = annotations(tmp_path)
    told: list[tuple[int, int]] = []
    one = measure(source, processor)
    two = measure(source, processor, processes=2, progress=lambda done, of: told.append((done, of)))
    assert two.tokens.tolist() == one.tokens.tolist()
    assert two.grids.tolist() == one.grids.tolist()
    assert told == [(0, 4), (2, 4), (4, 4)]


def test_faults_are_collected_and_named(tmp_path: Path, processor: Processor) -> None:
    missing = {"image": "none.jpg", "conversations": [{"from": "human", "value": "<image>"}]}
    source = annotations(tmp_path, missing)
    lengths = measure(source, processor)
    assert lengths.tokens[4] == 0
    assert list(lengths.faults) == [4]
    assert "none.jpg" in lengths.faults[4]
    with pytest.raises(DataError, match=r"sample 4: .*none\.jpg"):
        lengths_of(source, processor)
    some = lengths.take(np.array([4, 2, 0]))
    assert some.items.tolist() == [0, 2, 0]
    assert some.grids.tolist() == lengths.grids[1:3].tolist()
    assert list(some.faults) == [0]


def test_sizes_that_cannot_be_kept_are_an_error(tmp_path: Path, processor: Processor) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        measure(annotations(tmp_path), processor, folder=tmp_path / "file")
