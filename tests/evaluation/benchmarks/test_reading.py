"""Benchmarks of documents and text in pictures, on files in their published layouts."""

from pathlib import Path

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Reply
from qvl.evaluation.benchmarks.ai2d import AI2D
from qvl.evaluation.benchmarks.chartqa import CHARTQA
from qvl.evaluation.benchmarks.docvqa import DOCVQA, INFOVQA
from qvl.evaluation.benchmarks.ocrbench import OCRBENCH
from qvl.evaluation.benchmarks.textvqa import TEXTVQA
from qvl.messages import Image
from tests.evaluation.benchmarks.published import PICTURE, load, numbers, parquet, values, words


def test_chartqa(tmp_path: Path) -> None:
    rows = [
        {"type": "human_test", "question": "How many?", "answer": "20", "image": PICTURE},
        {"type": "human_test", "question": "Which year?", "answer": "2010", "image": PICTURE},
        {"type": "augmented_test", "question": "What colour?", "answer": "Red", "image": PICTURE},
    ]
    questions = load(CHARTQA, parquet(tmp_path / "data", "test", rows).parent)
    assert words(questions[0]) == "How many?\nAnswer the question with a single word."
    assert values(CHARTQA, questions[0], "21", "21.1", " 20\n") == [1, 0, 1]
    found = numbers(CHARTQA, questions, ["21", "2011", "blue"])
    assert (found["human"], found["augmented"], found["mean"]) == (100, 0, 50)
    assert found["strict_years"] == pytest.approx(100 / 3)


@pytest.mark.parametrize(("benchmark", "config"), [(DOCVQA, "DocVQA"), (INFOVQA, "InfographicVQA")])
def test_docvqa_and_infovqa(tmp_path: Path, benchmark: Benchmark, config: str) -> None:
    rows = [
        {"questionId": "7", "question": "Total?", "question_types": ["table/list"],
         "image": PICTURE, "docId": 3, "answers": ["$ 12", "12"]},
        {"questionId": "8", "question": "Name?", "question_types": ["form"], "image": PICTURE,
         "docId": 3, "answers": ["Bob"]},
    ]  # fmt: skip
    folder = parquet(tmp_path / config, "validation", rows).parent
    questions = load(benchmark, folder)
    assert [question.key for question in questions] == ["7", "8"]
    assert words(questions[1]) == "Name?\nAnswer the question using a single word or phrase."
    assert numbers(benchmark, questions, ["12", "bib"])["anls"] == pytest.approx(
        100 * (1 + 2 / 3) / 2
    )
    # Answers of the test split are not published.
    parquet(tmp_path / config, "test", [{**rows[0], "answers": None}])
    (hidden,) = load(benchmark, folder, "test")
    assert not benchmark.score(hidden, Reply(text="12")).is_parsed


def test_textvqa(tmp_path: Path) -> None:
    rows = [
        {"question_id": 1, "question": "what does it say?", "image_id": "a", "image": PICTURE,
         "answers": ["Stop"] * 2 + ["halt"] * 8},
    ]  # fmt: skip
    (question,) = load(TEXTVQA, parquet(tmp_path, "validation", rows))
    assert words(question).startswith("What does it say?\nAnswer")
    assert values(TEXTVQA, question, "halt.", "STOP", "go") == pytest.approx([1, 0.6, 0])


def test_ai2d(tmp_path: Path) -> None:
    rows = [{"question": "Which?", "options": ["cat", "dog"], "answer": "1", "image": PICTURE}]
    (question,) = load(AI2D, parquet(tmp_path, "test", rows))
    assert words(question) == (
        "Which?\nA. cat\nB. dog\nAnswer with the option's letter from the given choices directly."
    )
    assert values(AI2D, question, "B", "(b)", "dog", "A", "C") == [1, 1, 1, 0, 0]
    parquet(tmp_path, "test", [{**rows[0], "answer": "2"}])
    with pytest.raises(DataError, match="answer is '2', expected a number below 2"):
        load(AI2D, tmp_path)


def test_ocrbench(tmp_path: Path) -> None:
    kind = "Handwritten Mathematical Expression Recognition"
    rows: list[dict[str, object]] = [
        {"dataset": "IIIT5K", "question": " What is written? ", "answer": ["CENTRE"],
         "question_type": "Regular Text Recognition", "image": PICTURE},
        {"dataset": "HME100k", "question": "Formula?", "answer": ["x ^ 2"], "question_type": kind,
         "image": PICTURE},
    ]  # fmt: skip
    questions = load(OCRBENCH, parquet(tmp_path, "test", rows))
    picture = questions[0].conversation.messages[0].content[0]
    assert isinstance(picture, Image)
    assert picture.min_pixels == 78_400
    assert words(questions[0]) == "What is written?"
    assert values(OCRBENCH, questions[0], "It says centre.", "center") == [1, 0]
    assert values(OCRBENCH, questions[1], "x^2 = 4", "X^2") == [1, 0]
    found = numbers(OCRBENCH, questions, ["centre", ""])
    assert found["points"] == 500
    assert found[kind] == 0


def test_a_question_without_its_picture_stays_in_the_count(tmp_path: Path) -> None:
    row = {"question": "Which?", "options": ["a"], "answer": "0"}
    rows: list[dict[str, object]] = [{**row, "image": None}, {**row, "image": PICTURE}]
    questions = load(AI2D, parquet(tmp_path, "test", rows))
    assert [bool(question.broken) for question in questions] == [True, False]
