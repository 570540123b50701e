"""What is measured beside the loss while a model is fine-tuned, and where it is plotted.

Owns: validation and answers at intervals, event files for TensorBoard. Does not own: the loop that
asks for them (``training.trainer``), what is shown on the terminal (``cli``).

    every so many steps -> validate, ask_samples -> line of the log;   each line -> events, report
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from qvl.inference.engine import Engine
from qvl.training.samples import Answered, ask_samples
from qvl.training.stages import Stage
from qvl.training.tensorboard import EventWriter
from qvl.training.trainer import Trainer
from qvl.training.validation import validate

if TYPE_CHECKING:
    from qvl.recipes.fine_tune import Prepared

Report = Callable[[dict[str, Any]], None]

_NOT_PLOTTED = {"step", "steps", "seconds"}


class Watch:
    """Looks at the model in training, and keeps what the trainer reports.

    Args:
        prepared: the run.
        report: given each line of the log, on the first rank.
    """

    def __init__(self, prepared: "Prepared", report: Report) -> None:
        self._prepared, self._report = prepared, report
        self._events: EventWriter | None = None

    def look(self, trainer: Trainer, stage: Stage) -> Mapping[str, Any]:
        """Returns the loss of held-out samples, and the model's answers to some of them. Every rank
        calls it after the same step."""
        prepared = self._prepared
        found: dict[str, Any] = {}
        if prepared.validation is not None:
            bf16 = prepared.run.precision == "bf16"
            numbers = validate(trainer.pack_loss, prepared.validation, trainer.ranks, bf16=bf16)
            found = {f"validation {name}": value for name, value in numbers.items()}
        # A part of a model cannot be asked, and the other parts do not know of it.
        asks = prepared.options.kind != "reward" and not trainer.ranks.layout.is_sharded
        if trainer.rank == 0 and asks and prepared.shown:
            answered = self._ask(trainer)
            right = sum(one.is_right for one in answered)
            found |= {
                "samples right": right,
                "samples": [one.to_json() for one in answered],
            }
        return found

    def report(self, line: dict[str, Any]) -> None:
        """Takes a line of the trainer's log, on the first rank."""
        step = int(line["step"])
        if self._events is None:
            folder = self._prepared.run.folder / "events"
            self._events = EventWriter(folder, first_step=step)
        numbers = {
            name.replace(" ", "/"): float(value)
            for name, value in line.items()
            if name not in _NOT_PLOTTED and isinstance(value, int | float)
        }
        self._events.scalars(step, numbers)
        for number, sample in enumerate(line.get("samples", [])):
            self._events.text(step, f"samples/{number}", Answered(**sample).markdown())
        self._report(line)

    def _ask(self, trainer: Trainer) -> list[Answered]:
        model, was_training = trainer.model, trainer.model.training
        engine = Engine(model, self._prepared.processor)
        answered = ask_samples(engine, self._prepared.shown)
        model.train(was_training)
        return answered
