"""Scores and the result of a run, as files.

Owns both files. Does not own scoring (``scoring``).

    Scored of each question, Outcome -> ScoreFile -> scores.jsonl, result.json
    folder -> read_scores, read_result
"""

import json
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from qvl.data.atomic import whole_file
from qvl.errors import DataError
from qvl.evaluation.benchmark import Question, Scored
from qvl.evaluation.scoring import CLUSTER, Outcome, Slice

SCORES, RESULT = "scores.jsonl", "result.json"


class ScoreFile:
    """Writes the scores of a run, one line a question, in the order of the questions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines: list[str] = []

    def add(self, question: Question, scored: Scored) -> None:
        """Takes one score."""
        record = {
            "key": scored.key,
            "value": scored.score.value,
            "why": scored.score.why,
            "is_parsed": scored.score.is_parsed,
            "groups": dict(scored.groups),
            CLUSTER: scored.facts.get(CLUSTER),
        }
        self._lines.append(json.dumps(record) + "\n")

    def close(self, outcome: Outcome) -> None:
        """Writes the scores and the result."""
        result = {**asdict(outcome), "slices": [astuple(item) for item in outcome.slices]}
        with whole_file(self.folder / SCORES) as file:
            file.write("".join(self._lines).encode())
        with whole_file(self.folder / RESULT) as file:
            file.write((json.dumps(result, indent=2) + "\n").encode())


def read_scores(folder: Path) -> dict[str, dict[str, Any]]:
    """The lines of a run's scores by their keys.

    Raises:
        DataError: the run was not scored, or the file is damaged.
    """
    path = folder / SCORES
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {str(line["key"]): line for line in lines}
    except FileNotFoundError as error:
        raise DataError(f"{folder} has no scores", hint=f"qvl eval score {folder}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: {error}") from error


def read_result(folder: Path) -> Outcome:
    """The result of a run.

    Raises:
        DataError: the run was not scored, or the file is damaged.
    """
    path = folder / RESULT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        slices = tuple(
            Slice(group=g, value=v, mean=m, stderr=s, count=n)
            for g, v, m, s, n in found.pop("slices")
        )
        return Outcome(**found, slices=slices)
    except FileNotFoundError as error:
        raise DataError(f"{folder} has no result", hint=f"qvl eval score {folder}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
