"""A line of the log for people: where a run is, how well it does, how long it will take.

Owns: choosing and writing numbers. Does not own: measuring them (``metrics``), the terminal
(``cli``).

    log line (a dictionary) -> Progress.describe() -> "sft 40/600  loss 0.91  ...  12 min left"
"""

from collections.abc import Mapping, Sequence
from typing import Any

_RECENT = 0.3
"""Weight of the newest line in the time of a step: the first steps are slower than the rest."""
_NOT_SHOWN = {
    "stage", "step", "steps", "rate", "seconds", "seconds_per_step", "patches_per_s",
    "pictures_per_s", "answer_tokens_per_s",
}  # fmt: skip


class Progress:
    """Remembers how long steps took, to say when the run will end.

    Args:
        stages: names and steps of the run's stages, in order.
    """

    def __init__(self, stages: Sequence[tuple[str, int]]) -> None:
        self._names = [name for name, _ in stages]
        self._steps = [steps for _, steps in stages]
        self._per_step: float | None = None

    def describe(self, line: Mapping[str, Any]) -> str:
        """Returns the text of a log line.

        >>> progress = Progress([("sft", 600)])
        >>> line = {"stage": "sft", "step": 40, "steps": 600, "seconds_per_step": 1.5, "loss": 0.91}
        >>> progress.describe(line)
        'sft 40/600  loss 0.91  14 min left'
        """
        place = f"{line['stage']} {line['step']}/{line['steps']}"
        left = self._seconds_left(line)
        shown = [
            f"{name.replace('_per_s', '/s')} {_number(value)}"
            for name, value in line.items()
            if name not in _NOT_SHOWN and isinstance(value, int | float)
        ]
        return "  ".join([place, *shown, *([f"{duration(left)} left"] if left else [])])

    def _seconds_left(self, line: Mapping[str, Any]) -> float | None:
        name, step = str(line["stage"]), int(line["step"])
        if name not in self._names or "seconds_per_step" not in line:
            return None
        at = self._names.index(name)
        new = float(line["seconds_per_step"])
        old = self._per_step
        self._per_step = new if old is None else old + _RECENT * (new - old)
        return self._per_step * (sum(self._steps[at:]) - step)


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(42), duration(800), duration(9000), duration(500_000)
    ('42 s', '13 min', '2.5 h', '5.8 days')
    """
    for unit, size, digits in (("days", 86400, 1), ("h", 3600, 1), ("min", 60, 0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds:.0f} s"


def _number(value: float) -> str:
    """
    >>> _number(12345.678), _number(0.12345), _number(3)
    ('12,346', '0.1235', '3')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
