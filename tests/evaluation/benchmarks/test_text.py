"""Benchmarks of text alone, on files in their published layouts."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmarks.gpqa import ANSWER_LAST, GPQA
from qvl.evaluation.benchmarks.ifeval import IFEVAL
from qvl.evaluation.benchmarks.mmlu_pro import MMLU_PRO
from qvl.evaluation.benchmarks.mmlu_redux import MMLU_REDUX
from qvl.evaluation.benchmarks.written_maths import GSM8K, MATH, MATH_500
from tests.evaluation.benchmarks.published import load, numbers, parquet, values, words


def test_mmlu_pro_shows_five_worked_examples_of_the_category(tmp_path: Path) -> None:
    row = {"question_id": 1, "question": "Q?", "options": ["x", "y", "N/A"], "answer": "B",
           "answer_index": 1, "category": "law", "src": "s",
           "cot_content": "A: Let's think step by step. Hm. The answer is (B)."}  # fmt: skip
    examples = [{**row, "question": f"E{number}?"} for number in range(6)]
    examples.append({**row, "question": "other", "category": "health"})
    folder = parquet(tmp_path / "data", "validation", examples).parent
    parquet(tmp_path / "data", "test", [row])
    (question,) = load(MMLU_PRO, folder)
    text = words(question)
    assert text.startswith(
        "The following are multiple choice questions (with answers) about law. Think step by step "
        'and then finish your answer with "the answer is (X)" where X is the correct letter '
        "choice.\n\n\nQuestion:\nE0?\nOptions:\nA. x\nB. y\n"
        "Answer: Let's think step by step. Hm. The answer is (B).\n\nQuestion:\nE1?"
    )
    assert text.endswith("Q?\nOptions:\nA. x\nB. y\nAnswer: Let's think step by step.")
    assert (text.count("Question:"), "other" in text) == (6, False)
    assert values(MMLU_PRO, question, "So the answer is (B).", "B", "A", "?") == [1, 1, 0, 0]
    assert numbers(MMLU_PRO, [question], ["not A, so B"]) == {"accuracy": 0, "official": 100}


def _write_arrow(folder: Path, rows: list[dict[str, Any]]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist(rows)
    folder.mkdir(parents=True)
    path = folder / "data-00000-of-00001.arrow"
    with (
        pyarrow.OSFile(str(path), "wb") as file,
        pyarrow.ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_table(table)


def test_mmlu_redux_counts_questions_without_error_and_corrected_ones(tmp_path: Path) -> None:
    row = {"question": "Q?", "choices": ["w", "x", "y", "z"], "answer": 0, "error_type": "ok",
           "source": None, "correct_answer": None, "potential_reason": None}  # fmt: skip
    rows = [
        row,
        {**row, "error_type": "wrong_groundtruth", "correct_answer": "2"},
        {**row, "error_type": "bad_question_clarity"},
        {**row, "error_type": "wrong_groundtruth", "correct_answer": "none of them"},
    ]
    _write_arrow(tmp_path / "anatomy", rows)
    (tmp_path / ".cache").mkdir()
    questions = load(MMLU_REDUX, tmp_path)
    assert words(questions[0]) == f"{ANSWER_LAST}\n\nQ?\n\nA) w\nB) x\nC) y\nD) z"
    assert [question.truth for question in questions] == ["A", "C", "A", "A"]
    found = numbers(MMLU_REDUX, questions, ["Answer: A", "Answer: A", "Answer: A", "Answer: B"])
    assert found == {"accuracy": 50, "ok_only": 100, "uncorrected": 75}
    _write_arrow(tmp_path / "law", [{**row, "answer": 4}])
    with pytest.raises(DataError, match="answer is 4, expected a number below 4"):
        load(MMLU_REDUX, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no files data"):
        load(MMLU_REDUX, tmp_path)


def test_gpqa_has_the_same_order_in_every_run(tmp_path: Path) -> None:
    rows = [
        {"Record ID": f"rec{number}", "Question": f"Q{number},\nwhich?", "Correct Answer": "right ",
         "Incorrect Answer 1": "a", "Incorrect Answer 2": "b", "Incorrect Answer 3": "c",
         "Subdomain": "Genetics", "High-level domain": "Biology"}
        for number in range(12)
    ]  # fmt: skip
    with open(tmp_path / "gpqa_diamond.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    questions = load(GPQA, tmp_path)
    assert [question.truth for question in questions] == [q.truth for q in load(GPQA, tmp_path)]
    assert len({question.truth for question in questions}) > 1
    first = questions[0]
    assert words(first).startswith(f"{ANSWER_LAST}\n\nQ0,\nwhich?\n\nA) ")
    assert f"{first.truth}) right" in words(first)
    others = [letter for letter in "ABCD" if letter != first.truth]
    assert values(GPQA, first, f"Hm.\nAnswer: {first.truth}", f"Answer: {others[0]}") == [1, 0]
    with pytest.raises(DataError, match="cannot be read"):
        load(GPQA, tmp_path, "main")


def test_gsm8k(tmp_path: Path) -> None:
    row = {"question": "How many?", "answer": "3*6=<<3*6=18>>18\n#### 1,018"}
    (question,) = load(GSM8K, parquet(tmp_path / "main", "test", [row]).parent)
    assert words(question) == (
        "How many?\nPlease reason step by step, and put your final answer within \\boxed{}."
    )
    assert values(GSM8K, question, "\\boxed{1018}", "So 1,018 dollars.", "\\boxed{18}", "?") == [
        1, 1, 0, 0,
    ]  # fmt: skip
    found = numbers(GSM8K, [question], ["\\boxed{1018} in 2 days"])
    assert found == {"accuracy": 100, "last_number": 0}
    parquet(tmp_path / "main", "test", [{**row, "answer": "18"}])
    with pytest.raises(DataError, match="answer has no ####"):
        load(GSM8K, tmp_path)


def test_math(tmp_path: Path) -> None:
    row = {"problem": "Find x.", "level": "Level 3", "type": "Algebra",
           "solution": "As $x$ is half, $x = \\boxed{\\frac{1}{2}}$."}  # fmt: skip
    for subject in ("algebra", "geometry"):
        parquet(tmp_path / subject, "test", [row])
    questions = load(MATH, tmp_path)
    assert [question.key for question in questions] == ["algebra-0", "geometry-1"]
    assert questions[0].truth == "\\frac{1}{2}"
    assert values(MATH, questions[0], "\\boxed{0.5}", "\\boxed{1/2}", "\\boxed{2}", "x") == [
        1, 1, 0, 0,
    ]  # fmt: skip
    line = {"problem": "P", "solution": "s", "answer": "(3, \\pi)", "subject": "Algebra",
            "level": 2, "unique_id": "test/algebra/1.json"}  # fmt: skip
    (tmp_path / "test.jsonl").write_text(json.dumps(line) + "\n")
    (question,) = load(MATH_500, tmp_path)
    assert values(MATH_500, question, "\\boxed{(3,\\pi)}", "\\boxed{(\\pi, 3)}") == [1, 0]


def test_ifeval(tmp_path: Path) -> None:
    line = {
        "key": 1000, "prompt": "Say it without commas, twice.",
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{}, {"num_words": 3, "relation": "at least"}],
    }  # fmt: skip
    path = tmp_path / "ifeval_input_data.jsonl"
    path.write_text(json.dumps(line) + "\n")
    (question,) = load(IFEVAL, tmp_path)
    assert words(question) == line["prompt"]
    assert values(IFEVAL, question, "one two three", "one, two three", "one", "") == [1, 0, 0, 0]
    found = numbers(IFEVAL, [question], ["Sure, here:\none two three"])
    assert found == {
        "prompt_strict": 0, "prompt_loose": 100, "instruction_strict": 50, "instruction_loose": 100,
    }  # fmt: skip
    path.write_text(json.dumps({**line, "kwargs": [{}]}) + "\n")
    with pytest.raises(DataError, match="1 arguments for the instructions"):
        load(IFEVAL, tmp_path)
