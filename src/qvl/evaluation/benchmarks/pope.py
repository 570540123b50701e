"""POPE (arXiv 2305.10355): is this object in the picture?

Layout: lmms-lab/POPE, test-*.parquet: question_id, question, answer ("yes", "no"), image_source,
image, category ("random", "popular", "adversarial"). Licence MIT.
Prompt: lmms-eval 0.7.3, pope.yaml: the question and SHORTLY.
Score: F1 of "yes" of each category, averaged. An unread answer is wrong and counts as "no";
`f1_pope` reads as the authors' script does, which takes whatever is no denial as "yes", and
`f1_exact` as lmms-eval does, which knows the bare words only.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import SHORTLY, ask
from qvl.evaluation.benchmarks.mme import yes_or_no
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scorers.yes_no import (
    YesNo,
    YesNoFigures,
    read_yes_no,
    read_yes_no_exact,
    read_yes_no_pope,
    yes_no,
    yes_no_figures,
)
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=f"{str(row['question']).strip()}{SHORTLY}",
            truth=yes_or_no(row),
            groups={"category": str(row["category"])},
            facts={"cluster": str(row.get("image_source", number))},
        )


def _score(question: Question, reply: Reply) -> Score:
    return yes_no(answer=reply.text, truth=question.truth)


def _figures(scored: Sequence[Scored], read: Callable[[str], YesNo | None]) -> list[YesNoFigures]:
    """Figures of each category; what has no answer is unread by every rule."""
    records: dict[str, list[tuple[YesNo | None, YesNo]]] = {}
    for item in scored:
        given = read(item.text) if item.text else None
        records.setdefault(item.groups["category"], []).append((given, item.truth))
    return [yes_no_figures(of_category) for of_category in records.values()]


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    ours = _figures(scored, read_yes_no)
    return {
        "f1": 100 * mean([figures.f1 for figures in ours]),
        "accuracy": 100 * mean([figures.accuracy for figures in ours]),
        "precision": 100 * mean([figures.precision for figures in ours]),
        "recall": 100 * mean([figures.recall for figures in ours]),
        "yes_ratio": 100 * mean([figures.yes_ratio for figures in ours]),
        "f1_pope": 100 * mean([f.f1 for f in _figures(scored, read_yes_no_pope)]),
        "f1_exact": 100 * mean([f.f1 for f in _figures(scored, read_yes_no_exact)]),
    }


POPE = Benchmark(
    name="pope",
    title="POPE",
    area="general",
    split="test",
    source="lmms-lab/POPE",
    load=_load,
    score=_score,
    total=_total,
    metric="f1",
    params=SamplingParams(max_tokens=64),
)
