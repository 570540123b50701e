"""What is seen of a run while it trains: one line in place, samples below each other.

Owns: what goes to the terminal. Does not own: the words of a line (``training.progress``).
"""

from collections.abc import Sequence
from typing import Any

from qvl.cli.terminal import note, progress
from qvl.training.progress import Progress

_SHOWN = 70


class Show:
    """Called with each line of the log in the process of the first rank, so it pickles.

    Args:
        stages: names and steps of the run's stages.
    """

    def __init__(self, stages: Sequence[tuple[str, int]]) -> None:
        self._progress = Progress(stages)

    def __call__(self, line: dict[str, Any]) -> None:
        looked = "samples" in line or any(name.startswith("validation") for name in line)
        progress(self._progress.describe(line), done=looked or line["step"] == line["steps"])
        if "note" in line:
            note(str(line["note"]))
        for sample in line.get("samples", []):
            for name in ("prompt", "expected", "got"):
                note(f"  {name:<9}{_short(sample[name])}")
            note("")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
