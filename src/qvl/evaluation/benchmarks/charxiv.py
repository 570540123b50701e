"""CharXiv (arXiv 2406.18521): figures of papers, described (four questions) and reasoned about.

Layout: princeton-nlp/CharXiv, val.parquet and test.parquet: figure_path, image, category,
subplot_row, subplot_col, subplot_loc, reasoning_q, reasoning_a, reasoning_q_source,
descriptive_q1 to q4 (numbers of questions), descriptive_a1 to a4. Questions CC BY-SA 4.0. Answers
of the test split are not published.
Prompt: the benchmark's, quoted in ``charxiv_prompts``.
Score: published ones are GPT-4o's judgement. Without `--judge` the score is a rule of our own,
stricter for words, see ``scorers/charxiv``; the judge's prompt is ours too, in the spirit of the
authors' rules but an answer at a time where they grade five.
lmms-eval repeats the figures four times and takes the question by the row's number: of a thousand
figures it asks one question four times each.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.charxiv_prompts import DESCRIPTIVE, REASONING
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.charxiv import charxiv_layout, charxiv_term, charxiv_trend
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, SamplingParams
from qvl.options import shown
from qvl.tasks.json_repair import iter_json

_TREND, _LAYOUT, _NUMBER_OF_SUBPLOTS = 16, 18, 19
_SOURCES = {1: "text in chart", 2: "text in general", 3: "number in chart", 4: "number in general"}
_JUDGE = """You compare an answer about a scientific figure with the correct answer.
The answer is right (1) only if what it finally states means the same as the correct answer: the \
same term or terms, the same number in any notation, the same course of a curve. Another form of \
the same term is right, such as α for alpha or a letter "(a)" left out. Several terms must all be \
there{order}. If the correct answer is "Not Applicable", the answer must say so. Otherwise it is \
wrong (0). An empty answer is wrong.

Question: {question}
Correct answer: {truth}
Answer: {answer}

Reply with JSON only: {{"extracted": "what the answer states", "score": 0 or 1}}"""
_LONGEST = 8_000


def _load_descriptive(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        for place in range(1, 5):
            kind = int(row[f"descriptive_q{place}"])
            if kind not in DESCRIPTIVE:
                raise DataError(f"{row.where}: descriptive_q{place} is {kind}, expected 1 to 19")
            words = DESCRIPTIVE[kind]
            if kind not in (_LAYOUT, _NUMBER_OF_SUBPLOTS):
                words = words.format(_place(row))
            yield _question(
                row,
                folder,
                f"{number}-{place}",
                words,
                f"descriptive_a{place}",
                {"question": str(kind)},
                {"kind": kind, "asked": words.split("\n")[0]},
            )


def _load_reasoning(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        source = int(row["reasoning_q_source"])
        if source not in REASONING:
            raise DataError(f"{row.where}: reasoning_q_source is {source}, expected 1 to 4")
        asked = str(row["reasoning_q"])
        form = _form(str(row.get("reasoning_a", "")))
        yield _question(
            row,
            folder,
            str(number),
            REASONING[source].format(asked, form),
            "reasoning_a",
            {"answer from": _SOURCES[source]},
            {"kind": 0, "asked": asked},
        )


def _question(
    row: Row,
    folder: Path,
    key: str,
    words: str,
    column: str,
    groups: dict[str, str],
    facts: dict[str, Any],
) -> Question:
    answer = row.get(column)
    return ask(
        row,
        folder,
        key=key,
        pictures=[row.get("image")],
        words=words.strip(),
        truth=None if answer is None else str(answer),
        groups={**groups, "field": str(row.get("category", ""))},
        facts={**facts, "cluster": str(row.get("figure_path", key))},
    )


def _place(row: Row) -> str:
    """Which plot of the figure is asked about. Source: descriptive_utils.py of the authors."""
    place = row.get("subplot_loc")
    if place is not None:
        return f"For {place}, "
    line, column = int(row.get("subplot_row", 0)), int(row.get("subplot_col", 0))
    if line == 0:
        return "For the current plot, "
    return f"For the subplot at row {line} and column {column}, "


def _form(answer: str) -> str:
    """How a number is to be written; the benchmark tells its decimals."""
    if "." not in answer:
        return "* Your final answer must be an exact integer."
    decimals = len(answer.split(".")[1])
    return f"* Your final answer must be a number with {decimals} decimal places."


def _score(question: Question, reply: Reply) -> Score:
    if question.truth is None:
        return Score(value=0.0, why="not known: answers are not published", is_parsed=False)
    rules = {_TREND: charxiv_trend, _LAYOUT: charxiv_layout}
    if rule := rules.get(question.facts["kind"]):
        return rule(answer=reply.text, truth=question.truth)
    any_order = question.groups.get("answer from") == _SOURCES[1]
    return charxiv_term(answer=reply.text, truth=question.truth, any_order=any_order)


def _judge_prompt(question: Question, reply: Reply) -> Conversation:
    return Conversation.user(
        _JUDGE.format(
            question=question.facts["asked"],
            truth=question.truth,
            answer=reply.text[:_LONGEST],
            order=", in this order" if question.facts["kind"] else "",
        )
    )


def _read_judge(question: Question, text: str) -> Score:
    for fragment in iter_json(text):
        grade = fragment.value.get("score") if isinstance(fragment.value, dict) else None
        if grade in (0, 1, "0", "1"):
            return Score(value=float(int(grade)), why=f"judged: {json.dumps(fragment.value)[:300]}")
    return Score(value=0.0, why=f"no grade in {shown(text)}", is_parsed=False)


_benchmark = partial(
    Benchmark,
    area="documents",
    split="val",
    source="princeton-nlp/CharXiv",
    score=_score,
    total=mean_percent,
    metric="accuracy",
    params=SamplingParams(max_tokens=1024),
    judge=Judge(version="charxiv qvl 1", prompt=_judge_prompt, read=_read_judge),
)
CHARXIV_REASONING = _benchmark(
    name="charxiv-reasoning",
    title="CharXiv reasoning",
    load=_load_reasoning,
    published={"3b": 31.3, "7b": 42.5, "72b": 49.7},
)
CHARXIV_DESCRIPTIVE = _benchmark(
    name="charxiv-descriptive",
    title="CharXiv descriptive",
    load=_load_descriptive,
    published={"3b": 58.6, "7b": 73.9, "72b": 87.4},
)
