"""Two runs of one benchmark, question by question.

Owns: which questions are compared, and when two runs cannot be. Does not own the statistics.

    folder, folder -> compare_runs -> Comparison: all, by slice, what changed
"""

from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.manifest import read_manifest
from qvl.evaluation.result_files import read_result, read_scores
from qvl.evaluation.same_run import COMPARABLE, differences
from qvl.evaluation.scoring import CLUSTER
from qvl.evaluation.statistics import Paired, compare_paired

_LEAST_OF_A_SLICE = 10
# What may differ between the runs, as the model may, and is said.
_TOLD = ("decoding", "computing", "inputs", "versions")
# Of how the answers were scored, nothing may.
_SCORED = ("version", "rules", "judged_by", "ran_code")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A question on which the runs differ.

    Attributes:
        key: of the question.
        first: score in the first run.
        second: in the second.
        why: of the second.
    """

    key: str
    first: float
    second: float
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Second run less first.

    Attributes:
        benchmark: its name.
        overall: over all questions of both.
        slices: by group and value, where there are at least ten questions.
        changes: questions with another score, losses first.
        warnings: what else differs between the runs.
    """

    benchmark: str
    overall: Paired
    slices: dict[str, Paired]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def compare_runs(first: Path, second: Path) -> Comparison:
    """Returns how the second run differs from the first.

    Raises:
        DataError: they asked other questions, one was not scored, or the two were scored by
            different rules.
    """
    ours, theirs = read_manifest(first), read_manifest(second)
    if other := differences(ours, theirs, COMPARABLE):
        raise DataError(
            f"{first} and {second} cannot be compared: {other[0]}",
            hint="run both with one version, split and limit",
        )
    _check_scored_alike(first, second)
    a, b = read_scores(first), read_scores(second)
    for folder, scores in ((first, a), (second, b)):
        if len(scores) != int(ours["questions"]):
            raise DataError(
                f"{folder} has {len(scores):,} scores of {ours['questions']:,} questions",
                hint=f"qvl eval score {folder}",
            )
    keys = list(a)
    pairs = {key: (float(a[key]["value"]), float(b[key]["value"])) for key in keys}
    clusters = {key: str(a[key].get(CLUSTER) or key) for key in keys}

    def paired(chosen: list[str]) -> Paired:
        return compare_paired(
            [pairs[key][0] for key in chosen],
            [pairs[key][1] for key in chosen],
            [clusters[key] for key in chosen],
        )

    groups: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        for group, value in a[key]["groups"].items():
            groups[f"{group}: {value}"].append(key)
    changes = [
        Change(key=key, first=one, second=two, why=str(b[key]["why"]))
        for key, (one, two) in pairs.items()
        if one != two
    ]
    return Comparison(
        benchmark=str(ours["benchmark"]),
        overall=paired(keys),
        slices={
            name: paired(chosen)
            for name, chosen in sorted(groups.items())
            if _LEAST_OF_A_SLICE <= len(chosen) < len(keys)
        },
        changes=tuple(sorted(changes, key=lambda change: change.second - change.first)),
        warnings=tuple(differences(ours, theirs, _TOLD)),
    )


def _check_scored_alike(first: Path, second: Path) -> None:
    """Raises DataError if two runs were scored by different rules: then the rules would differ,
    whatever the models did."""
    ours, theirs = (asdict(read_result(folder)) for folder in (first, second))
    if other := differences(ours, theirs, _SCORED):
        raise DataError(
            f"{first} and {second} were scored by different rules: {'; '.join(other)}",
            hint="qvl eval score scores one again, as the other was",
        )
