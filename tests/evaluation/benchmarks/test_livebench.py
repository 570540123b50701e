"""LiveBench, on files in its published layout: releases, tasks, instructions."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks.livebench import livebench_benchmarks
from tests.evaluation.benchmarks.published import load, numbers, parquet, values, words

BENCHMARKS = {benchmark.name: benchmark for benchmark in livebench_benchmarks()}


def _row(key: str, task: str, truth: str, **more: Any) -> dict[str, Any]:
    return {
        "question_id": key, "category": "c", "task": task, "subtask": None, "ground_truth": truth,
        "turns": [f"Ask {key}"], "livebench_release_date": datetime(2024, 6, 24),
        "livebench_removal_date": "", **more,
    }  # fmt: skip


def test_a_release_has_what_was_out_and_not_withdrawn(tmp_path: Path) -> None:
    math = BENCHMARKS["livebench-math"]
    rows = [
        _row("1", "math_comp", "B", subtask="amc_12a_2023"),
        _row("2", "math_comp", "073", subtask="aime_i_2024"),
        _row("3", "olympiad", "1,2", subtask="imo_2023"),
        _row("4", "AMPS_Hard", "x", livebench_removal_date="2024-07-26"),
        _row("5", "AMPS_Hard", "x", livebench_release_date=datetime(2024, 11, 25)),
        _row("6", "AMPS_Hard", "x^2", livebench_removal_date="2024-11-25"),
    ]
    folder = parquet(tmp_path / "data", "test", rows).parent
    questions = load(math, folder)
    assert [question.key for question in questions] == ["1", "2", "3", "6"]
    assert words(questions[0]) == "Ask 1"
    assert values(math, questions[0], "BBBBB", "CCCCC") == [1, 0]
    assert values(math, questions[1], "073", "73") == [1, 0]
    found = numbers(math, questions, ["BBBBB", "1", "Answer: 1,2", "\\boxed{y}"])
    assert (found["math_comp"], found["olympiad"], found["AMPS_Hard"]) == (50, 100, 0)
    assert found["mean_of_tasks"] == 50
    assert [q.key for q in load(math, folder, "2024-11-25")] == ["1", "2", "3", "5"]
    with pytest.raises(DataError, match="no release 'test', expected a day"):
        load(math, folder, "test")


def test_tasks_without_a_rule_are_unread(tmp_path: Path) -> None:
    data = BENCHMARKS["livebench-data-analysis"]
    rows = [_row("1", "cta", "date"), _row("2", "tablereformat", "{}")]
    questions = load(data, parquet(tmp_path / "data", "test", rows).parent)
    assert not data.score(questions[1], Reply(text="{}")).is_parsed
    found = numbers(data, questions, ["Date", "{}"])
    assert (found["mean_of_tasks"], found["tasks"], found["tasks_ruled"]) == (100, 2, 1)


def test_instructions_count_half_each_and_half_together(tmp_path: Path) -> None:
    following = BENCHMARKS["livebench-instruction-following"]
    row = _row(
        "1", "paraphrase", "",
        instruction_id_list=["punctuation:no_comma", "startend:end_checker"],
        kwargs=[{"end_phrase": None}, {"end_phrase": "The end"}],
    )  # fmt: skip
    (question,) = load(following, parquet(tmp_path / "data", "test", [row]).parent)
    assert values(following, question, "So it goes. The end", "So, The end", "a, b") == [
        1, 0.25, 0,
    ]  # fmt: skip
