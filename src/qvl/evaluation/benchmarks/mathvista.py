"""MathVista (arXiv 2310.02255): mathematics with charts, figures, photographs.

Layout: AI4Math/MathVista, testmini-*.parquet: pid, query, question, question_type ("multi_choice",
"free_form"), answer_type, choices, precision, answer, decoded_image, metadata. Licence CC BY-SA.
Prompt: the column query, which is the authors' for answers with a solution.
Score: the result by rules (a letter or option, else the number that is boxed or stated, else the
last one), then the authors' comparison. They extract by a model, as VLMEvalKit does: `--judge` does
so, by a prompt of ours. Published scores of one model differ by eight points by the judge
(open-compass/VLMEvalKit#874).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.asking import NOT_KNOWN, ask
from qvl.evaluation.benchmarks.choices import lettered
from qvl.evaluation.benchmarks.extracting import extracting_judge
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.choice_letters import choice_letter
from qvl.evaluation.scorers.maths import final_result
from qvl.evaluation.scorers.mathvista import mathvista
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?%?|-?\.\d+")
_LIST = re.compile(r"\[[^\[\]]{0,500}\]")
_SIDES = re.compile(r"=|≈|\\approx\b")
_POWER_OF_UNIT = re.compile(r"(?<=[A-Za-z}$])\s*\^\s*\{?-?\d\}?")
_BEFORE = re.compile(r"\A(?:[\s$*(]|\\\(|about|approximately|around|roughly)*", re.IGNORECASE)
_LATEX_FRACTION = re.compile(r"\\d?frac\{(\d{1,9})\}\{(\d{1,9})\}")
_FRACTION = re.compile(r"(-?\d{1,9})\s*/\s*(0*[1-9]\d{0,8})")


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        about: dict[str, Any] = row.get("metadata", {})
        precision = row.get("precision")
        yield ask(
            row,
            folder,
            key=str(row["pid"]),
            pictures=[row.get("decoded_image")],
            words=str(row["query"]),
            truth=str(row.get("answer", "")),
            groups={
                "kind": str(row["question_type"]),
                "task": str(about.get("task", "")),
                "grade": str(about.get("grade", "")),
            },
            facts={
                "choices": [str(option) for option in row.get("choices") or ()],
                "answer_type": str(row["answer_type"]),
                "precision": None if precision is None else int(precision),
            },
        )


def _score_result(question: Question, reply: Reply) -> Score:
    if not question.truth:  # the test split's answers only the authors' server has
        return NOT_KNOWN
    return mathvista(
        extraction=reply.text,
        truth=question.truth,
        answer_type=question.facts["answer_type"],
        precision=question.facts["precision"],
        choices=question.facts["choices"],
    )


def _score(question: Question, reply: Reply) -> Score:
    return _score_result(question, Reply(text=extract(reply.text, question.facts)))


def extract(answer: str, facts: Any) -> str:
    """The result in an answer, by rules.

    >>> extract("So AB is 5.0 cm.", {"choices": [], "answer_type": "float"})
    '5.0'
    >>> extract("The answer is B", {"choices": ["2", "3"], "answer_type": "text"})
    'B'
    """
    result = final_result(answer)
    if facts["choices"]:
        options = lettered(facts["choices"])
        boxed = choice_letter(result, letters=tuple(options), options=options)
        return boxed or choice_letter(answer, letters=tuple(options), options=options) or ""
    if facts["answer_type"] == "text":
        return result
    if facts["answer_type"] == "list":
        return next(reversed(_LIST.findall(result)), "")
    is_stated = result != answer.strip(" \n\t*$:：.。")
    return _number(result, is_stated=is_stated)


def _number(result: str, *, is_stated: bool) -> str:
    """The number with which a stated result begins, else the last of its words.

    >>> _number("12\\\\text{ cm}^2", is_stated=True), _number("2 and 3 make 5", is_stated=False)
    ('12', '5')
    """
    side = next((part for part in reversed(_SIDES.split(result)) if _NUMBER.search(part)), "")
    side = _LATEX_FRACTION.sub(r"\1/\2", _POWER_OF_UNIT.sub("", side))
    if is_stated:
        side = _BEFORE.sub("", side, count=1)
        if (fraction := _FRACTION.match(side)) is not None:
            return str(int(fraction[1]) / int(fraction[2]))
        if (first := _NUMBER.match(side)) is not None:
            return first.group()
    return next(reversed(_NUMBER.findall(side)), "")


MATHVISTA = Benchmark(
    name="mathvista",
    title="MathVista mini",
    area="general",
    split="testmini",
    source="AI4Math/MathVista",
    load=_load,
    score=_score,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 62.3, "7b": 68.2, "72b": 74.8},
    params=SamplingParams(max_tokens=2048),
    judge=extracting_judge(_score_result),
    version=2,
)
