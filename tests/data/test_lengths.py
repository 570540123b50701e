"""Lengths are those of the model's inputs, counted once."""

from pathlib import Path

import pytest

from qvl.data.lengths import lengths_of
from qvl.data.shards import ShardReader, write_shards
from qvl.processing.processor import Processor
from tests.data.small import asked, drawn, rich
from tests.material import EMBEDDED, requires_embedded


@requires_embedded
def test_lengths_are_those_of_the_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [*drawn(4), rich(), asked("?", "!")]
    write_shards(samples, tmp_path, per_shard=2)
    processor = Processor.from_folder(EMBEDDED)
    reader = ShardReader(tmp_path)
    lengths = lengths_of(reader, processor)
    inputs = [processor(sample.conversation, add_generation_prompt=False) for sample in samples]
    assert lengths.tokens.tolist() == [len(item.input_ids) for item in inputs]
    assert lengths.patches.tolist() == [len(item.pixel_values) for item in inputs]
    # What is counted is not counted again; a damaged count is.
    (folder,) = tmp_path.glob("lengths-*")
    (folder / "shard-00001.json").write_text("{")
    counted = []
    bill = Processor.bill
    monkeypatch.setattr(
        Processor, "bill", lambda *args, **kw: counted.append(1) or bill(*args, **kw)
    )
    again = lengths_of(reader, processor)
    assert again.tokens.tolist() == lengths.tokens.tolist()
    assert len(counted) == 2
