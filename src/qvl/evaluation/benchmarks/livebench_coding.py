"""LiveBench's coding: problems of competitions, whole or half solved (arXiv 2406.19314).

Layout: livebench/coding, data/test-*.parquet: question_id, task, turns, public_test_cases,
private_test_cases, partial_solution, original_json with metadata, and dates as in ``livebench``.
Splits: the day of a release, as there.
Prompt: the turn.
Score: all tests pass, by task, then the mean of tasks. They run in a sandbox, only where code of
the model is allowed (`--allow-code`), without packages but Python's own. "code_generation" of later
releases needs packages and is unread and left out of the headline. Scoring holds the packed tests
of all questions, 250 MB.

Source: LiveBench/LiveBench process_results/coding, lcb_runner/evaluation/testing_util.py.
Differences: each case has a process of its own; the block of an answer that has the function is
taken, else the longest, where that code takes the last; a program that ends with an error code is
wrong.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.code_blocks import code_in
from qvl.evaluation.benchmarks.competition_tests import cases_of
from qvl.evaluation.benchmarks.livebench import released_rows, total_of_tasks
from qvl.evaluation.benchmarks.program_cases import run_cases
from qvl.evaluation.layouts.rows import Row
from qvl.evaluation.sandbox import Limits
from qvl.evaluation.scorers.score import Score
from qvl.messages import Conversation, SamplingParams

_RULED = ("LCB_generation", "coding_completion")
_LIMITS = Limits(seconds=8, output_bytes=2**24)
"""LiveCodeBench's six seconds a case, and two for beginning a process."""
_STARRED = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random",
    "statistics", "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
_KNOWN = "".join(f"from {name} import *\n" for name in _STARRED) + (
    f"import {', '.join(_STARRED)}\nsys.setrecursionlimit(600_000)\n"
)
"""Names that answers use without importing them. Source: testing_util.py, run_test."""
_RELATIVE, _ABSOLUTE = 1e-5, 1e-8
"""By how much numbers may differ. Source: there, by numpy.allclose."""
_AT_ONCE = 4
"""Rows in memory together; the tests of one have megabytes."""


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row, prompt in released_rows(folder, split, at_once=_AT_ONCE):
        task = str(row["task"])
        facts: dict[str, Any] = {"tests": [], "function": "", "begun": ""}
        if task in _RULED:
            facts = {
                "tests": [str(row["public_test_cases"]), str(row["private_test_cases"])],
                "function": _function_of(row),
                "begun": str(row.get("partial_solution", "")),
            }
        yield Question(
            key=str(row["question_id"]),
            conversation=Conversation.user(prompt),
            truth=str(row.get("solution", "")),
            groups={"task": task},
            facts=facts,
        )


def _function_of(row: Row) -> str:
    """The function that tests call; empty where they give an input to read."""
    try:
        metadata = json.loads(row["original_json"]["metadata"])
        return str(metadata.get("func_name") or "")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{row.where}: original_json has no metadata: {error!r}") from error


def _score(question: Question, reply: Reply) -> Score:
    task, facts = question.groups["task"], question.facts
    if task not in _RULED:
        return Score(value=0.0, why=f"{task} needs packages", is_parsed=False)
    code = code_in(reply.text, defines=facts["function"])
    if facts["begun"] and not code.startswith(facts["begun"]):
        code = f"{facts['begun']}\n{code}"
    try:
        cases = cases_of(*facts["tests"])
    except DataError as error:
        raise DataError(f"question {question.key}: {error.message}") from error
    results = run_cases(
        code,
        cases,
        limits=_LIMITS,
        is_same=_is_same_value if facts["function"] else _is_same_output,
        function=facts["function"],
        known=_KNOWN,
    )
    wrong = next(filter(None, results), "") if cases else "it has no tests"
    return Score(
        value=float(not wrong),
        why=wrong or f"all {len(cases)} cases right",
        is_parsed=bool(reply.text.strip()),
    )


def _is_same_value(output: str, expected: str) -> bool:
    """Whether two texts are the same JSON; an only result may be in a list."""
    try:
        given, wanted = json.loads(output), json.loads(expected)
    except (ValueError, RecursionError):
        return False
    return bool(given == wanted or (isinstance(wanted, list) and wanted and given == wanted[0]))


def _is_same_output(output: str, expected: str) -> bool:
    """Whether lines are the same but for space around them, or numbers that are close.

    >>> _is_same_output("Yes \\n0.333333\\n", "Yes\\n0.333333")
    True
    >>> _is_same_output("1.0000001\\n2", "1\\n2"), _is_same_output("1 2", "1\\n2")
    (True, False)
    """
    given, wanted = (
        [line.strip() for line in text.strip().split("\n") if line.strip()]
        for text in (output, expected)
    )
    if given == wanted or len(given) != len(wanted):
        return given == wanted
    try:
        pairs = [(float(a), float(b)) for a, b in zip(given, wanted, strict=True)]
    except ValueError:
        return False
    if all(line.isdigit() for line in (*given, *wanted)):
        return False  # whole numbers are equal or not
    return all(abs(a - b) <= _ABSOLUTE + _RELATIVE * abs(b) for a, b in pairs)


def _is_ruled(scored: Scored) -> bool:
    return scored.groups["task"] in _RULED


LIVEBENCH_CODING = Benchmark(
    name="livebench-coding",
    title="LiveBench coding",
    area="text",
    split="2024-08-31",
    source="livebench/coding",
    load=_load,
    score=_score,
    total=partial(total_of_tasks, is_ruled=_is_ruled),
    metric="mean_of_tasks",
    params=SamplingParams(max_tokens=4096),
    in_headline=_is_ruled,
    executes_code=True,
)
