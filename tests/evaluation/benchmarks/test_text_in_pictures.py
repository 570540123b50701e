"""Benchmarks of text in pictures, charts and papers, on files in their published layouts."""

import base64
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks.cc_ocr import CC_OCR
from qvl.evaluation.benchmarks.charxiv import CHARXIV_DESCRIPTIVE, CHARXIV_REASONING
from qvl.evaluation.benchmarks.seedbench2plus import SEEDBENCH2PLUS
from qvl.evaluation.benchmarks.vcr import VCR_HARD
from qvl.messages import Text
from tests.evaluation.benchmarks.published import PICTURE, load, numbers, parquet, values, words
from tests.evaluation.test_layouts import png


def tsv(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Rows as a table of VLMEvalKit's kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


def test_seedbench2plus(tmp_path: Path) -> None:
    row = {
        "data_id": "a.png", "question_id": "7", "question_image_type": "chart",
        "question": "Which?", "choice_A": "one", "choice_B": "two", "choice_C": "three",
        "choice_D": "four", "answer": "B", "image": PICTURE,
    }  # fmt: skip
    rows = [row, {**row, "question_id": "8", "question_image_type": "web"}]
    questions = load(SEEDBENCH2PLUS, parquet(tmp_path / "data", "test", rows).parent)
    assert words(questions[0]) == (
        "Which?\nA. one\nB. two\nC. three\nD. four\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert values(SEEDBENCH2PLUS, questions[0], "B", "(B) two", "The answer is A", "") == [
        1, 1, 0, 0,
    ]  # fmt: skip
    found = numbers(SEEDBENCH2PLUS, questions, ["The answer is B", "B."])
    assert (found["accuracy"], found["first_character"], found["Chart"]) == (100, 50, 100)
    with pytest.raises(DataError, match="answer is 'E', expected A, B, C or D"):
        load(SEEDBENCH2PLUS, parquet(tmp_path, "test", [{**row, "answer": "E"}]))


def test_vcr(tmp_path: Path) -> None:
    rows = [
        {"question_id": 1, "image": PICTURE, "caption": "x", "stacked_image": PICTURE,
         "crossed_text": ["the old oak tree", "in 1999, it fell"]},
        {"question_id": 2, "image": PICTURE, "caption": "x", "stacked_image": None,
         "crossed_text": ["a house"]},
    ]  # fmt: skip
    first, second = load(VCR_HARD, parquet(tmp_path / "data", "test", rows).parent)
    assert words(first).startswith("What is the covered texts in the image? Please restore")
    assert second.broken
    right = "the old oak tree stood; in 1999, it fell"
    assert values(VCR_HARD, first, right, "The old oak tree", "Sorry, the old oak tree") == [
        1, 0, 0,
    ]  # fmt: skip
    # Three covered texts in all: one right, one with two of four words, one without an answer.
    found = numbers(VCR_HARD, [first, second], ["the old oak tree. In 1999, it fel", ""])
    assert found["exact_match"] == pytest.approx(100 / 3)
    assert found["jaccard"] == pytest.approx(100 * (1 + 3 / 7) / 3)


def cc_ocr_set(folder: Path, place: str, rows: Sequence[tuple[str, str]]) -> None:
    """One of the sets of CC-OCR."""
    picture = base64.b64encode(png()).decode()
    records = [
        {"index": str(i), "image": picture, "question": question, "answer": answer}
        for i, (question, answer) in enumerate(rows)
    ]
    tsv(folder / place, records)


def test_cc_ocr(tmp_path: Path) -> None:
    cc_ocr_set(tmp_path, "multi_scene_ocr/document_text/CORD_100.tsv", [("Read.", "Total: 8.75")])
    cc_ocr_set(tmp_path, "multi_scene_ocr/document_text/zh_doc_100.tsv", [("读", "第一段")])
    cc_ocr_set(tmp_path, "multi_lan_ocr/Korean/Korean_150.tsv", [("Read.", "가 나")])
    cc_ocr_set(tmp_path, "doc_parsing/table/table_scan_eng_75.tsv",
        [("Table?", "<table><tr><td>a</td><td>b</td></tr></table>")])  # fmt: skip
    cc_ocr_set(tmp_path, "doc_parsing/formula/formula_100.tsv", [("Formula?", "x ^ 2")])
    with pytest.raises(DataError, match="has no kie/"):
        load(CC_OCR, tmp_path)
    cc_ocr_set(tmp_path, "kie/constrained_category/SROIE_10.tsv",
        [("Fields?", '{"company": "A B", "total": "8.75"}')])  # fmt: skip
    questions = {question.key: question for question in load(CC_OCR, tmp_path)}
    cord, chinese = (
        questions["multi_scene_ocr-CORD_100-0"],
        questions["multi_scene_ocr-zh_doc_100-0"],
    )
    assert words(cord) == "Read."
    assert cord.groups == {"track": "multi_scene_ocr", "kind": "document_text", "set": "CORD"}
    assert values(CC_OCR, cord, "8.75 TOTAL", "total", "") == pytest.approx([1, 2 / 3, 0])
    assert values(CC_OCR, chinese, "段一第", "第一") == pytest.approx([1, 0.8])
    korean = questions["multi_lan_ocr-Korean_150-0"]
    assert values(CC_OCR, korean, "나가") == [1]
    table = questions["doc_parsing-table_scan_eng_75-0"]
    html = "```html\n<table border=1>\n<tr> <td>a</td><td>c</td> </tr></table>\n```"
    assert values(CC_OCR, table, html, "no table") == pytest.approx([2 / 3, 0])
    fields = questions["kie-SROIE_10-0"]
    answers = ['```json\n{"company": "A  B", "total": "8.75"}```', '{"company": "A B", "tot', "A B"]
    assert values(CC_OCR, fields, *answers) == pytest.approx([1, 2 / 3, 0])
    given = {
        cord.key: "total", chinese.key: "第一段", korean.key: "가", table.key: html,
        "doc_parsing-formula_100-0": "$x^3$", fields.key: answers[1],
    }  # fmt: skip
    found = numbers(CC_OCR, list(questions.values()), [given[key] for key in questions])
    assert found["multi_scene_ocr"] == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert found["multi_lan_ocr"] == pytest.approx(200 / 3)
    assert found["doc_parsing"] == pytest.approx(100 * (2 / 3 + 2 / 5) / 2)
    assert found["kie"] == pytest.approx(200 / 3)
    tracks = [found[track] for track in ("multi_scene_ocr", "multi_lan_ocr", "doc_parsing", "kie")]
    assert found["mean"] == pytest.approx(sum(tracks) / 4)


CHARXIV_ROW = {
    "category": "cs", "figure_path": "images/0.jpg", "image": PICTURE, "subplot_row": 1,
    "subplot_col": 2, "subplot_loc": None, "num_subplots": 4, "reasoning_q": "Which is higher?",
    "reasoning_a": "0.25", "reasoning_q_source": 4, "reasoning_a_type": 4, "descriptive_q1": 1,
    "descriptive_a1": "(a) Loss of α", "descriptive_q2": 16, "descriptive_a2": "Decreases",
    "descriptive_q3": 18, "descriptive_a3": "2 by 2", "descriptive_q4": 8,
    "descriptive_a4": "Not Applicable",
}  # fmt: skip


def test_charxiv_describes(tmp_path: Path) -> None:
    place = {"subplot_row": 0, "subplot_col": 0}
    rows = [CHARXIV_ROW, {**CHARXIV_ROW, **place}, {**CHARXIV_ROW, "subplot_loc": "the inset"}]
    folder = parquet(tmp_path, "val", rows)
    questions = load(CHARXIV_DESCRIPTIVE, folder)
    assert [question.key for question in questions[:5]] == ["0-1", "0-2", "0-3", "0-4", "1-1"]
    title, trend, layout, difference = questions[:4]
    assert words(title) == (
        "For the subplot at row 1 and column 2, what is its title?\n"
        "    * Your final answer should be the most relevant title of the plot that is explicitly "
        "written.\n    * If the plot does not have an explicit title or contains only a letter, "
        "answer 'Not Applicable'."
    )
    assert words(questions[4]).startswith("For the current plot, what is its title?")
    assert words(questions[8]).startswith("For the inset, what is its title?")
    assert words(layout).startswith("What is the layout of the subplots?")
    assert values(CHARXIV_DESCRIPTIVE, title, r'"Loss of $\alpha$"', "Loss of β") == [1, 0]
    assert values(CHARXIV_DESCRIPTIVE, trend, "It goes down.", "It falls, then rises") == [1, 0]
    assert values(CHARXIV_DESCRIPTIVE, layout, "The layout is 2 by 2.", "2 by 3", "4") == [1, 0, 0]
    assert values(CHARXIV_DESCRIPTIVE, difference, "Not Applicable", "0") == [1, 0]
    answers = ["Loss of alpha", "up", "2x2", ""] * 3
    assert numbers(CHARXIV_DESCRIPTIVE, questions, answers)["accuracy"] == pytest.approx(50)


def test_charxiv_reasons(tmp_path: Path) -> None:
    rows = [
        CHARXIV_ROW,
        {**CHARXIV_ROW, "reasoning_q_source": 1, "reasoning_a": "B, C"},
        {**CHARXIV_ROW, "reasoning_a": None},
    ]
    number, terms, hidden = load(CHARXIV_REASONING, parquet(tmp_path, "val", rows))
    assert words(number) == (
        "Which is higher?\n    * Your final answer must be a number with 2 decimal places."
    )
    assert "separate them with commas" in words(terms)
    assert values(CHARXIV_REASONING, number, "0.25", r"So it is \boxed{1/4}.", "0.2") == [1, 1, 0]
    assert values(CHARXIV_REASONING, terms, "The answer is B, C.", "C, B", "B") == [1, 1, 0]
    assert not CHARXIV_REASONING.score(hidden, Reply(text="0.25")).is_parsed
    judge = CHARXIV_REASONING.judge
    assert judge is not None
    (part,) = judge.prompt(terms, Reply(text="C and B")).messages[0].content
    assert isinstance(part, Text)
    assert "Correct answer: B, C\nAnswer: C and B" in part.text
    assert "in this order" not in part.text
    graded = [judge.read(terms, text) for text in ('```json\n{"score": 1}\n```', "right", "[1]")]
    assert [(score.value, score.is_parsed) for score in graded] == [
        (1, True),
        (0, False),
        (0, False),
    ]
