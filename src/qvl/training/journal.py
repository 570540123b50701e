"""What a run writes beside its checkpoints: one line per stretch of steps, and what went wrong.

Owns: ``log.jsonl`` and the folder ``bad/``. Does not own: what is in a line (``metrics``).

    line -> log.jsonl;   skipped step -> bad/stage-step-rank.json;   unreadable samples ->
    bad/samples-rank.jsonl
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qvl.errors import TrainingError
from qvl.training.loader import Loaded


class Journal:
    """Files of one rank in the folder of a run.

    Args:
        folder: of the run.
        rank: only the first one has the log.
    """

    def __init__(self, folder: Path, *, rank: int) -> None:
        self.folder, self.rank = folder, rank

    def log(self, line: Mapping[str, Any]) -> None:
        """Adds a line to the log.

        Raises:
            TrainingError: it cannot be written.
        """
        self._append(self.folder / "log.jsonl", line)

    def unreadable(self, stage: str, step: int, failures: Sequence[tuple[str, str]]) -> None:
        """Names samples that were left out, with the reasons.

        Raises:
            TrainingError: that cannot be written.
        """
        path = self.folder / "bad" / f"samples-{self.rank}.jsonl"
        for sample, reason in failures:
            line = {"stage": stage, "step": step, "sample": sample, "reason": reason}
            self._append(path, line)

    def skipped(
        self, stage: str, step: int, reason: str, packs: Sequence[tuple[Loaded, float]]
    ) -> None:
        """Keeps which samples a skipped step had, with each pack's share of its loss.

        Raises:
            TrainingError: that cannot be written.
        """
        record = {
            "stage": stage,
            "step": step,
            "reason": reason,
            "packs": [{"loss": loss, "samples": list(item.samples)} for item, loss in packs],
        }
        path = self.folder / "bad" / f"{stage}-{step:08d}-{self.rank}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise _cannot_write(path, error) from error

    def _append(self, path: Path, line: Mapping[str, Any]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> TrainingError:
    return TrainingError(
        f"{path} cannot be written: {error.strerror or error}",
        hint="make room; the same command goes on from the last checkpoint",
    )
