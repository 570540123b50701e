"""TensorBoard itself reads back what was written."""

import math
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import TrainingError
from qvl.training.tensorboard import EventWriter


def read(folder: Path) -> Any:
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard"
    )
    accumulator = module.EventAccumulator(str(folder), size_guidance={})
    accumulator.Reload()
    return accumulator


def test_numbers_and_texts_come_back(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.scalars(10, {"loss": 2.5, "ce/invoice": math.inf})
    writer.scalars(300, {"loss": -0.25})
    writer.text(300, "samples/0", "**Frage:** wie groß? 大きい")
    writer.close()
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(10, 2.5), (300, -0.25)]
    assert events.Scalars("ce/invoice")[0].value == math.inf
    (text,) = events.Tensors("samples/0")
    assert text.tensor_proto.string_val[0].decode() == "**Frage:** wie groß? 大きい"
    assert events.SummaryMetadata("samples/0").plugin_data.plugin_name == "text"


def test_what_a_resumed_run_does_again_replaces_what_it_did(tmp_path: Path) -> None:
    first = EventWriter(tmp_path)
    for step in (10, 20, 30):
        first.scalars(step, {"loss": 1.0})
    first.close()
    again = EventWriter(tmp_path, first_step=15)
    again.scalars(20, {"loss": 2.0})
    again.close()
    assert first.path != again.path
    found = [(e.step, e.value) for e in read(tmp_path).Scalars("loss")]
    assert found == [(10, 1.0), (20, 2.0)]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("a file")
    with pytest.raises(TrainingError, match=r"events.* cannot be written: .*exists"):
        EventWriter(tmp_path / "events")
    if Path("/dev/full").exists():
        writer = EventWriter(tmp_path)
        writer._file = open("/dev/full", "wb")  # noqa: SIM115
        with pytest.raises(TrainingError, match="No space left"):
            writer.scalars(1, {"loss": 1.0})


def test_a_line_is_on_disk_before_the_writer_is_closed(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    before = writer.path.stat().st_size
    writer.scalars(1, {"loss": 1.0})
    assert writer.path.stat().st_size > before > 0
