"""OCRBench v2: each kind of task, on a file in its published layout."""

from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Question
from qvl.evaluation.benchmarks.ocrbench_v2 import _GROUPS, OCRBENCH_V2_EN, OCRBENCH_V2_ZH
from tests.evaluation.benchmarks.published import PICTURE, load, numbers, parquet, values, words


def asked(
    folder: Path, kind: str, answers: list[str], question: str = "What?", **more: Any
) -> Question:
    """One question of a kind."""
    row = {
        "id": 5, "dataset_name": "x", "question": f" {question}", "type": kind, "answers": answers,
        "image": PICTURE, "eval": more.get("eval"), "bbox": more.get("bbox"),
        "bbox_list": more.get("bbox_list"), "content": more.get("content"),
    }  # fmt: skip
    benchmark = OCRBENCH_V2_ZH if kind.endswith("cn") else OCRBENCH_V2_EN
    (found,) = load(benchmark, parquet(folder / "data", "test", [row]).parent)
    return found


def test_all_tasks_have_a_group() -> None:
    assert {language: len(set(tasks.values())) for language, tasks in _GROUPS.items()} == {
        "en": 8,
        "cn": 5,
    }
    assert sum(map(len, _GROUPS.values())) == 30


@pytest.mark.parametrize(
    ("kind", "answers", "more", "given", "scores"),
    [
        ("text recognition en", ["Stop"], {}, ["It says STOP.", "sto"], [1, 0]),
        ("text recognition en", ["Stop"], {"eval": "case sensitive"}, ["Stop!", "STOP"], [1, 0]),
        ("science QA en", ["B"], {"eval": "multiple choice"}, ["B.", "B. two"], [1, 0]),
        ("cognition VQA en", ["one two three four five"], {},
         ["one two three four", "one"], [18 / 23, 0]),
        ("reasoning VQA cn", ["张 三"], {}, ["他是张三。", "张四"], [1, 0]),
        ("text counting en", ["8"], {"eval": "exact match"}, ["There are 8", "9"], [1, 0]),
        ("text counting en", ["8"], {"eval": "regression"}, ["6 words", "3", "20"], [0.75, 0, 0]),
        ("formula recognition en", ["x ^ 2"], {}, ["$x^2$", "x^3"], [1, 0]),
        ("formula recognition cn", [r"\text{a}^2"], {}, ["a^2"], [1]),
        ("key information extraction en", ["{'total': ['8.75'], 'date': ['1 June', '1/6']}"], {},
         ['{"total": "8.75", "date": "1/6"}', '```json\n{"total": "8.7"}\n```', "none"],
         [1, 0, 0]),
        ("key information extraction cn", ['{"姓名": "张三"}'], {}, ['{"姓名": "张 三"}'], [1]),
        ("text grounding en", ["0", "0", "100", "100"], {},
         ["(0, 0, 100, 50)", "[0,0,1,1] or [0, 0, 100, 100]", "(0, 0, 2000, 9)"], [0.5, 1, 0]),
        ("VQA with position en", ["Stop"], {"bbox": [0, 0, 100, 100]},
         ['{"answer": "stop", "bbox": [0, 0, 100, 50]}', '{"bbox": "[0, 0, 100, 100]"}', "stop"],
         [0.75, 0.5, 0]),
        ("text spotting en", [], {"bbox_list": [[0, 0, 100, 0, 100, 50, 0, 50],
          [200, 0, 300, 0, 300, 50, 200, 50]], "content": ["Stop!", "###"]},
         ["[(0, 0, 100, 50, 'stop'), (210, 0, 290, 50, 'x')]", "[(0, 0, 100, 50, 'go')]", "stop"],
         [1, 0, 0]),
        ("document parsing en", ["# A\none\ntwo"], {}, ["# B\n1\n2", "no heading"], [1, 0.6]),
        ("chart parsing en", ["{'a': {'x': 1}}"], {}, ['{"a": {"x": 1}}', "none"], [1, 0]),
        ("handwritten answer extraction cn", ["AC"], {}, ["A、C", "A"], [1, 0]),
    ],
)  # fmt: skip
def test_tasks(
    tmp_path: Path,
    kind: str,
    answers: list[str],
    more: dict[str, Any],
    given: list[str],
    scores: list[float],
) -> None:
    benchmark = OCRBENCH_V2_ZH if kind.endswith("cn") else OCRBENCH_V2_EN
    question = asked(tmp_path, kind, answers, **more)
    assert words(question) == "What?"
    assert values(benchmark, question, *given) == pytest.approx(scores)


def test_tables_in_both_forms(tmp_path: Path) -> None:
    truth = "<table><tr><td>a</td><td>b</td></tr></table>"
    question = asked(tmp_path, "table parsing en", [truth], "Write the table as HTML.")
    assert values(OCRBENCH_V2_EN, question, f"Here:\n{truth}", "| a | b |") == [1, 0]
    truth = "| a | b |\n|---|---|\n| 1 | 2 |"
    question = asked(tmp_path, "table parsing en", [truth], "Write the table as Markdown.")
    answers = [f"```markdown\n{truth}\n```", truth.replace("2", "3"), ""]
    assert values(OCRBENCH_V2_EN, question, *answers) == pytest.approx([1, 5 / 6, 0], abs=1e-3)


def test_long_texts(tmp_path: Path) -> None:
    question = asked(tmp_path, "full-page OCR en", ["a b c d e f"])
    right, near, none = values(OCRBENCH_V2_EN, question, "a b c d e f", "a b c d e", "")
    assert right > 0.99
    assert right > near > 0.5
    assert none == 0
    pytest.importorskip("jieba")
    question = asked(tmp_path, "text translation cn", ["我们在学习人工智能"])
    assert values(OCRBENCH_V2_ZH, question, "我们学习人工智能")[0] > 0.4


def test_numbers_are_means_over_groups(tmp_path: Path) -> None:
    row = {"id": 1, "question": "What?", "answers": ["Stop"], "image": PICTURE, "eval": None,
           "bbox": None, "bbox_list": None, "content": None}  # fmt: skip
    kinds = ["text recognition en", "cognition VQA en", "diagram QA en", "cognition VQA cn"]
    rows = [{**row, "id": number, "type": kind} for number, kind in enumerate(kinds)]
    questions = load(OCRBENCH_V2_EN, parquet(tmp_path, "test", rows))
    assert [question.key for question in questions] == ["0", "1", "2"]
    found = numbers(OCRBENCH_V2_EN, questions, ["go", "stop", "go"])
    assert (found["mean"], found["understanding"]) == (25, 50)
    assert found["by_question"] == pytest.approx(100 / 3)
    assert len(load(OCRBENCH_V2_ZH, tmp_path)) == 1
    parquet(tmp_path, "test", [{**rows[0], "type": "poetry en"}])
    with pytest.raises(DataError, match="type is 'poetry en'"):
        load(OCRBENCH_V2_EN, tmp_path)


def test_translations_without_a_truth_are_left_out(tmp_path: Path) -> None:
    row = {"question": "What?", "image": PICTURE, "eval": None, "bbox": None, "bbox_list": None,
           "content": None}  # fmt: skip
    kinds = [("reasoning VQA cn", "是"), ("text translation cn", ""), ("full-page OCR cn", "a b")]
    rows = [
        {**row, "id": number, "type": kind, "answers": [truth]}
        for number, (kind, truth) in enumerate(kinds)
    ]
    questions = load(OCRBENCH_V2_ZH, parquet(tmp_path, "test", rows))
    found = numbers(OCRBENCH_V2_ZH, questions, ["是", "Hello", ""])
    assert (found["knowledge"], found["recognition"], found["mean"]) == (100, 0, 50)
    assert (found["left_out"], found["by_question"]) == (1, pytest.approx(100 / 3))
