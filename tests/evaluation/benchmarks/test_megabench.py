"""MEGA-Bench: its layout, readings and metrics; expected values are the reference's."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.benchmark import Question, Reply
from qvl.evaluation.benchmarks.megabench import MEGABENCH
from qvl.evaluation.scorers.megabench import METRICS, PROGRAM, UNRULED, similarity
from qvl.evaluation.scorers.megabench_answers import read_fields
from qvl.evaluation.scoring import check_code_allowed
from qvl.messages import Image, Text
from tests.evaluation.benchmarks.published import load, numbers, parquet, values
from tests.evaluation.test_layouts import png

MEDIA = ("global_media", "example_media", "query_media")
TEXTS = {"task_description": "Do", "example_text": "", "query_text": "it."}


def _row(number: int, task: str, metrics: dict[str, Any], answer: dict[str, str]) -> dict[str, Any]:
    return {
        "id": str(number), "task_name": task, "task_description": "Look at <image>.",
        "example_text": "Example: <image> is A.", "query_text": "And <image>?",
        "global_media": "['./data/a.png']", "example_media": "['./data/b.png']",
        "query_media": "['./data/c.png']", "answer": str(answer), "eval_context": "{}",
        "metric_info": str(metrics),
    }  # fmt: skip


def _metrics(fields: dict[str, str], way: str = "json", **more: Any) -> dict[str, Any]:
    return {
        "field_score_function": fields, "response_parse_function": way,
        "aggregation": {"function": "mean", "field_weights": dict.fromkeys(fields, 1)}, **more,
    }  # fmt: skip


def test_megabench(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in "abc":
        (tmp_path / "data" / f"{name}.png").write_bytes(png())
    letter = _metrics({"choice": "exact_str_match"}, "answer_string")
    pair = _metrics({"name": "simple_str_match", "tags": "jaccard_index"})
    judged = _metrics({"poem": "gpt_4o_as_judge"}, "answer_string")
    rows = [
        _row(1, "letters", letter, {"choice": "B"}),
        _row(2, "letters", letter, {"choice": "C"}),
        _row(3, "pairs", pair, {"name": "New-York", "tags": "['a', 'b']"}),
    ]
    parquet(tmp_path / "core", "test", rows)
    parquet(tmp_path / "open", "test", [_row(4, "poems", judged, {"poem": "x"})])
    questions = load(MEGABENCH, tmp_path)
    (message,) = questions[0].conversation.messages
    assert [part.text if isinstance(part, Text) else "*" for part in message.content] == [
        "Look at ", "*", ".\nExample: ", "*", " is A.\nAnd ", "*", "?",
    ]  # fmt: skip
    pictures = [part.source for part in message.content if isinstance(part, Image)]
    assert pictures == [tmp_path / "data" / f"{name}.png" for name in "abc"]
    assert values(MEGABENCH, questions[0], "So.\nAnswer: B", "B. dog", "**Answer: (B)**", "C") == [
        1, 1, 1, 0,
    ]  # fmt: skip
    answer = '```json\n{"name": "new york", "tags": ["b", "c"]}\n```'
    assert values(MEGABENCH, questions[2], answer) == [pytest.approx((1 + 1 / 3) / 2)]
    poem = MEGABENCH.score(questions[3], Reply(text="Answer: roses"))
    assert (poem.is_parsed, poem.why) == (False, "gpt_4o_as_judge needs a model's judgement")
    found = numbers(MEGABENCH, questions, ["Answer: B", "Answer: B", answer, "Answer: roses"])
    assert found["ruled"] == pytest.approx((50 + 200 / 3) / 2)
    assert found["overall"] == pytest.approx((50 + 200 / 3) / 3)
    assert (found["tasks"], found["tasks_ruled"], found["open"]) == (3, 2, 0)
    shutil.rmtree(tmp_path / "data")
    assert all(question.broken for question in load(MEGABENCH, tmp_path))
    parquet(tmp_path / "core", "test", [{**rows[0], "answer": "['B']"}])
    with pytest.raises(DataError, match="answer is a list, expected dict"):
        load(MEGABENCH, tmp_path)


def _one(tmp_path: Path, row: dict[str, Any]) -> Question:
    parquet(tmp_path / "core", "test", [{**row, **dict.fromkeys(MEDIA, "[]"), **TEXTS}])
    parquet(tmp_path / "open", "test", [])
    (question,) = load(MEGABENCH, tmp_path)
    return question


def test_a_text_without_a_truth_keeps_constraints(tmp_path: Path) -> None:
    metrics = _metrics({"##poem": "constrained_generation"}, "dummy")
    row = _row(1, "poems", metrics, {"##poem": ""})
    row["eval_context"] = str({"acrostic": "ab", "contain": "[bee]"})
    question = _one(tmp_path, row)
    assert values(MEGABENCH, question, "A day\nBees hum", "A day\nBirds sing", "") == [1, 0, 0]
    assert MEGABENCH.score(question, Reply(text="A day\nBees hum")).why == (
        "##poem 1.00 (all 2 kept)"
    )
    row["eval_context"] = str({"syllables": "575", "contain": "[bee]"})
    haiku = _one(tmp_path, row)
    score = MEGABENCH.score(haiku, Reply(text="Bees"))
    assert (score.is_parsed, score.why) == (False, "syllables needs a dictionary of sounds")
    assert numbers(MEGABENCH, [question, haiku], ["A\nBee", "Bees"])["tasks_ruled"] == 0


def test_plans_are_carried_out(tmp_path: Path) -> None:
    row = _row(
        1, "doors", _metrics({"plan": "symbolic_planning_test"}, "answer_string"), {"plan": ""}
    )
    row["eval_context"] = str(
        {
            "domain_pddl": "(define (domain d) (:action go :parameters (?d) :effect (was ?d)))",
            "task_pddl": "(define (problem p) (:init) (:goal (and (was a) (was b))))",
        }
    )
    question = _one(tmp_path, row)
    answers = ("So:\nAnswer: (go a)\n(go b)", "Answer: (go a)")
    assert values(MEGABENCH, question, *answers) == [1, 0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runs programs")
def test_programs_run_only_where_it_was_allowed(tmp_path: Path) -> None:
    row = _row(1, "sums", _metrics({"code": "program_judge"}, "answer_string"), {"code": "x"})
    cases = [
        {"input": ["1 2"], "expected": "3"},
        {"input": ["2", "2"], "expected": "4\n"},
    ]
    row["eval_context"] = str({"test_case": cases})
    question = _one(tmp_path, row)
    whole = (
        "Answer: ```python\nimport sys\nprint(sum(map(int, sys.stdin.read().split())))\nexit()\n```"
    )
    half = "Answer: ```python\nprint(sum(map(int, input().split())))\n```"
    refused = MEGABENCH.score(question, Reply(text=whole))
    assert (refused.value, refused.is_parsed) == (0, False)
    assert "--allow-code" in refused.why
    check_code_allowed(MEGABENCH, allow_code=False)  # the other tasks need no program
    allowed = MEGABENCH.with_code
    assert allowed is not None
    assert values(allowed, question, whole, half, "Answer: ```\nprint(3)\n```") == [1, 0.5, 0.5]
    assert "case 2: " in allowed.score(question, Reply(text=half)).why
    assert numbers(MEGABENCH, [question], [whole])["tasks_ruled"] == 0
    found = numbers(allowed, [question], [whole])
    assert (found["tasks_ruled"], found["overall"]) == (1, 100)
    row["eval_context"] = str({"test_case": [{"input": ["1"]}]})
    with pytest.raises(DataError, match="test_case of program_judge has no input or no expected"):
        allowed.score(_one(tmp_path, row), Reply(text=whole))


@pytest.mark.parametrize(
    ("metric", "given", "truth", "value"),
    [
        ("exact_str_match", "(B) dog", "B", 1),
        ("exact_str_match", "Bob", "B", 1),  # as in the reference
        ("near_str_match", "The Café", "cafe", 1),
        ("near_str_match", "coffee", "cafe", 0),
        ("multi_ref_phrase", "New York", "['NYC'，'new york']", 1),
        ("number_rel_diff_ratio", "8", "10", 0.8),
        ("positive_int_match", "0", "-1", -1),
        ("general_single_numerical_match", "x = 10.05", "10", 1),
        ("boxed_single_numerical_match", "so \\boxed{\\frac{1}{2}}", "\\boxed{0.5}", 1),
        ("text_with_latex_expr_equality", "area $2x+1$", "Area $1 + 2x$", 1),
        ("normalized_rmse", "0.55", "0.5", 0.5),
        ("angle_seq_float_rmse", "[10, 20]", "[12, 24]", 0.7),
        ("set_equality", "b, a", "['a', 'b']", 1),
        ("set_precision", "['a', 'c']", "['a', 'b']", 0.5),
        ("chess_move_list_jaccard_index", "Nf3, Qxe5#", "['Qxe5', 'Kd1']", 1 / 3),
        ("longest_common_list_prefix_ratio", "[1, 2, 9]", "[1, 2, 3, 4]", 0.5),
        ("dict_precision", "{'a': 1, 'c': 2}", "{'a': 1, 'b': 2}", 0.5),
        ("dict_exact_str_match_agg_recall", "{'a': 'x'}", "{'a': 'x', 'b': 'y'}", 0.5),
        ("dict_jaccard_agg_jaccard", "{'a': [1, 2]}", "{'a': [1], 'b': [2]}", 0.25),
        ("nbbox_iou_tuple", "[[0, 0, 1, 1]]", "[(0, 0, 1, 0.5)]", 0.5),
        ("nbbox_iou_sequence", "[[0, 0, 1, 1]]", "[[0, 0, 1, 1], [0, 0, 1, 1]]", 0),
        ("xml_norm_point_distance", "<point>0.5, 0.5</point>", "<point>0.5, 0.25</point>", 0.75),
        ("sequence_coords_similarity", "[[0.5, 0.5]]", "[[0.5, 0.5]]", 1),
        ("bleu", "a b c d and much more", "a b c d", 0.4723665527),  # the sides exchanged, as there
        ("bleu", "a b c d", "a b c d and much more", 0.4111336169),
    ],
)
def test_a_metric(metric: str, given: str, truth: str, value: float) -> None:
    assert METRICS[metric](given, truth, {}).value == pytest.approx(value)


def test_points_are_in_a_box_of_the_context() -> None:
    metric, context = (
        METRICS["xml_norm_point_in_bbox"],
        {"bounding_boxes": ["(0.1, 0.1, 0.3, 0.3)"]},
    )
    points = ("<point>0.2, 0.2</point>", "<point>0.5, 0.2</point>", "<point>0.2, 0.2</point>" * 2)
    assert [metric(point, "", context).value for point in points] == [1, 0, 0]


def test_metrics_are_named_as_in_the_data() -> None:
    assert not set(METRICS) & set(UNRULED)
    assert len({*METRICS, *UNRULED, PROGRAM}) == 49


def test_numbers_that_no_float_holds_are_none() -> None:
    for answer in ("9" * 4000, "1e999", "<point>nan, 0</point>", "[[1e999, 0, 0, 1]]", "True"):
        for metric in METRICS.values():
            assert -1 <= metric(answer, "3", {}).value <= 1


@given(st.text(alphabet="abc", max_size=8), st.text(alphabet="abc", max_size=8))
def test_similarity_is_that_of_an_oracle(a: str, b: str) -> None:
    oracle = pytest.importorskip("rapidfuzz").distance.DamerauLevenshtein
    assert similarity(a, b) == pytest.approx(oracle.normalized_similarity(a, b))


@given(st.text(alphabet="Answer: {}[]'\",1a\n`", max_size=50))
def test_no_answer_breaks_a_reading_or_a_metric(answer: str) -> None:
    for way in ("answer_string", "verbatim_answer_string", "json", "dummy"):
        found = read_fields(answer, way, ["x"], is_one_line=True)
        for metric in METRICS.values():
            assert -1 <= metric(found.get("x", ""), "['a']", {}).value <= 1
