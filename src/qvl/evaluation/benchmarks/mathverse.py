"""MathVerse (arXiv 2403.14624): the same problems with more in the words or more in the picture.

Layout: CaraJ/MathVerse-lmmseval, testmini.parquet: sample_index, problem_index, problem_version,
question, query_wo, answer, question_type ("multi-choice", "free-form"), image, metadata. Licence
MIT.
Prompt: the column query_wo, the authors' for answers without reasoning.
Score: the letter, or the result as in MATH-Vision; the authors have a model judge, `--judge` lets
one find the result. "Text Only" has no picture and is not in the mean, as in the paper and in
VLMEvalKit.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import options_in
from qvl.evaluation.benchmarks.extracting import extracting_judge
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.choice_letters import FOUR, choice
from qvl.evaluation.scorers.maths import final_result, maths
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import percents_by
from qvl.messages import SamplingParams

_TEXT_ONLY = "Text Only"


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        version = str(row["problem_version"])
        about: dict[str, Any] = row.get("metadata", {})
        yield ask(
            row,
            folder,
            key=str(row["sample_index"]),
            pictures=[] if version.replace("_", " ") == _TEXT_ONLY else [row.get("image")],
            words=str(row["query_wo"]),
            truth=str(row["answer"]),
            groups={
                "version": version.replace("_", " "),
                "kind": str(row["question_type"]),
                "subject": str(about.get("subject", "")),
            },
            facts={"options": _options(row), "cluster": str(row["problem_index"])},
        )


def _options(row: Row) -> dict[str, str]:
    if row["question_type"] != "multi-choice":
        return {}
    # Where the question stands in the picture, so do its options.
    return options_in(str(row.get("question", ""))) or dict.fromkeys(FOUR, "")


def _score(question: Question, reply: Reply) -> Score:
    options: dict[str, str] = question.facts["options"]
    if not options:
        return maths(answer=reply.text, truth=question.truth)
    found = choice(answer=reply.text, truth=question.truth, letters=tuple(options), options=options)
    if found.is_parsed:
        return found
    boxed = final_result(reply.text)
    return choice(answer=boxed, truth=question.truth, letters=tuple(options), options=options)


def _has_picture(scored: Scored) -> bool:
    return scored.groups["version"] != _TEXT_ONLY


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    counted = [item.score.value for item in scored if _has_picture(item)]
    return {"accuracy": 100 * mean(counted) if counted else 0.0, **percents_by(scored, "version")}


MATHVERSE = Benchmark(
    name="mathverse",
    title="MathVerse mini",
    area="general",
    split="testmini",
    source="CaraJ/MathVerse-lmmseval",
    load=_load,
    score=_score,
    total=_total,
    metric="accuracy",
    published={"3b": 47.6, "7b": 49.2, "72b": 57.6},
    params=SamplingParams(max_tokens=2048),
    judge=extracting_judge(_score),
    in_headline=_has_picture,
)
