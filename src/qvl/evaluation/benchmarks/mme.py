"""MME (arXiv 2306.13394): two questions of yes or no about each picture, in fourteen tasks.

Layout: lmms-lab/MME, test-*.parquet: question_id (the picture's), image, question, answer ("Yes",
"No"), category.
Prompt: the authors', which the questions end in ("Please answer yes or no."). lmms-eval replaces it
by SHORTLY.
Score: points: percent right plus percent of pictures with both right, ten tasks of perception
(2000) and four of cognition (800). A picture whose other question is not in the run (`--limit`)
counts it as wrong. Answers that say neither or both are wrong.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.yes_no import MME_GROUPS, YesNo, mme_points, yes_no
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        task = str(row["category"])
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=str(row["question"]).strip(),
            truth=yes_or_no(row),
            groups={
                "task": task,
                "group": next((name for name, tasks in MME_GROUPS.items() if task in tasks), ""),
            },
            facts={"picture": str(row["question_id"]), "cluster": f"{task}/{row['question_id']}"},
        )


def yes_or_no(row: Row, name: str = "answer") -> YesNo:
    """The truth of a row.

    Raises:
        DataError: it is neither.
    """
    value = str(row[name]).strip().rstrip(".").lower()
    if value not in ("yes", "no"):
        raise DataError(f"{row.where}: {name} is {value[:40]!r}, expected yes or no")
    return "yes" if value == "yes" else "no"


def _score(question: Question, reply: Reply) -> Score:
    return yes_no(answer=reply.text, truth=question.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    records = [(item.groups["task"], item.facts["picture"], item.score) for item in scored]
    counts = Counter((task, picture) for task, picture, _ in records)
    missing = Score(value=0.0, why="not in the run", is_parsed=False)
    records += [(task, picture, missing) for (task, picture), n in counts.items() if n == 1]
    points = mme_points(records)
    return {
        "sum": points.total,
        "perception": points.perception,
        "cognition": points.cognition,
        **points.by_task,
    }


MME = Benchmark(
    name="mme",
    title="MME",
    area="general",
    split="test",
    source="lmms-lab/MME",
    load=_load,
    score=_score,
    total=_total,
    metric="sum",
    published={"3b": 2157, "7b": 2347, "72b": 2448},
    params=SamplingParams(max_tokens=64),
)
