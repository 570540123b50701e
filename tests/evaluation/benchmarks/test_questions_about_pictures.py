"""Yes or no, open and judged questions about pictures, on files in their published layouts."""

import json
from pathlib import Path

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks.hallusionbench import HALLUSIONBENCH
from qvl.evaluation.benchmarks.mm_mt_bench import MM_MT_BENCH
from qvl.evaluation.benchmarks.mme import MME
from qvl.evaluation.benchmarks.mmvet import MMVET
from qvl.evaluation.benchmarks.mtvqa import MTVQA
from qvl.evaluation.benchmarks.pope import POPE
from qvl.messages import Text
from tests.evaluation.benchmarks.published import PICTURE, load, numbers, parquet, values, words


def test_mme(tmp_path: Path) -> None:
    rows = [
        {"question_id": f"{task}/{picture}.jpg", "image": PICTURE, "category": task,
         "question": f"Is {answer} right? Please answer yes or no. ", "answer": answer}
        for task, picture in (("count", 1), ("count", 2), ("code_reasoning", 1))
        for answer in ("Yes", "No")
    ]  # fmt: skip
    questions = load(MME, parquet(tmp_path / "data", "test", rows).parent)
    assert words(questions[0]) == "Is Yes right? Please answer yes or no."
    assert values(MME, questions[0], "Yes.", "yes, it is", "No", "yes or no", "") == [
        1, 1, 0, 0, 0,
    ]  # fmt: skip
    found = numbers(MME, questions, ["Yes", "No", "Yes", "Yes", "No", "No"])
    # count: 3 of 4 and 1 of 2 pictures; code: 1 of 2 and none.
    assert (found["count"], found["code_reasoning"]) == (125, 50)
    assert (found["perception"], found["cognition"], found["sum"]) == (125, 50, 175)
    # Of half a picture the other half is wrong.
    assert numbers(MME, questions[:1], ["Yes"])["count"] == 50
    parquet(tmp_path / "bad", "test", [{**rows[0], "answer": "maybe"}])
    with pytest.raises(DataError, match="answer is 'maybe', expected yes or no"):
        load(MME, tmp_path / "bad")


def test_pope(tmp_path: Path) -> None:
    rows = [
        {"question_id": n, "question": f"Is there a {n}?", "answer": answer,
         "image_source": "COCO_1", "image": PICTURE, "category": category}
        for category in ("random", "adversarial")
        for n, answer in enumerate(("yes", "yes", "no"))
    ]  # fmt: skip
    questions = load(POPE, parquet(tmp_path, "test", rows))
    assert words(questions[0]) == (
        "Is there a 0?\nAnswer the question using a single word or phrase."
    )
    found = numbers(POPE, questions, ["Yes.", "No", "no", "yes", "yes", "No, there is not"])
    # random: precision 1, recall 1/2; adversarial: all right.
    assert found["f1"] == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert found["accuracy"] == pytest.approx(100 * (2 / 3 + 1) / 2)
    # "Yes." is no bare word: lmms-eval finds nothing in the first category.
    assert found["f1_exact"] == pytest.approx(50)
    assert found["f1_pope"] == pytest.approx(found["f1"])


def test_hallusionbench(tmp_path: Path) -> None:
    rows = [
        {"category": category, "subcategory": "chart", "set_id": "0", "figure_id": figure,
         "question_id": question, "question": "Is it?", "gt_answer": str(question),
         "image": PICTURE}
        for category in ("VD", "VS")
        for figure in (0, 1)
        for question in (0, 1)
    ]  # fmt: skip
    questions = load(HALLUSIONBENCH, parquet(tmp_path / "data", "image", rows).parent)
    assert words(questions[0]) == "Is it? Please answer yes or no."
    assert [question.truth for question in questions[:2]] == ["no", "yes"]
    # One answer of eight is wrong: one figure of four, one question of four.
    answers = ["no", "yes", "no", "no", "no", "yes", "no", "yes"]
    found = numbers(HALLUSIONBENCH, questions, answers)
    assert (found["aAcc"], found["fAcc"], found["qAcc"]) == (87.5, 75, 75)
    assert found["mean"] == pytest.approx((87.5 + 75 + 75) / 3)
    parquet(tmp_path / "text", "non_image", [{**rows[0], "image": None}])
    (alone,) = load(HALLUSIONBENCH, tmp_path / "text", "non_image")
    assert not alone.broken


def test_mtvqa(tmp_path: Path) -> None:
    pairs = [
        {"question": "Was steht da?", "answer": "Bitte warten."},
        {"question": "Wo?", "answer": "Ulm"},
    ]
    row = {"image": PICTURE, "id": "a", "qa_pairs": str(pairs), "lang": "DE"}
    questions = load(MTVQA, parquet(tmp_path, "test", [row]))
    assert [question.key for question in questions] == ["0-a-0", "0-a-1"]
    assert words(questions[1]) == (
        "Wo?\nAnswer the question using a word or phrase in the language of the question."
    )
    assert values(MTVQA, questions[0], "Da steht: bitte warten", "warten", "") == [1, 0, 0]
    parquet(tmp_path, "test", [{**row, "qa_pairs": "[{'question': 'x'}]"}])
    with pytest.raises(DataError, match="qa_pairs is no list"):
        load(MTVQA, tmp_path)


def test_mmvet_is_graded_by_a_judge_and_by_words(tmp_path: Path) -> None:
    row = {"question_id": "v1_0", "image": PICTURE, "question": "What is x?",
           "answer": "-1<AND>-5<OR>minus one", "capability": "ocr,math"}  # fmt: skip
    (question,) = load(MMVET, parquet(tmp_path, "test", [row]))
    assert words(question) == "What is x?"
    assert values(MMVET, question, "x = -1", "Minus One", "-1 or -5", "7") == [0.5, 1, 1, 0]
    assert numbers(MMVET, [question], ["x = -1"]) == {"grade": 50, "math": 50, "ocr": 50}
    judge = MMVET.judge
    assert judge is not None
    prompt = judge.prompt(question, Reply(text="x = -1")).messages[0].content[0]
    assert isinstance(prompt, Text)
    lines = prompt.text.split("\n")
    examples = [line for line in lines[4:] if line.count(" | ") == 3]
    given = [line.split(" | ")[-1] for line in examples[:-1]]
    assert given == ["0.0", "0.5", "0.5", "0.5", "1.0", "0.4", "1.0"]  # the authors' seven
    assert prompt.text.endswith("\nWhat is x? | -1 <AND> -5 <OR> minus one | x = -1 | ")
    grades = [judge.read(question, text) for text in ("0.5", " 1.0 | ok", "0", "1.5", "good")]
    assert [grade.value for grade in grades] == [0.5, 1, 0, 0, 0]
    assert [grade.is_parsed for grade in grades] == [True, True, True, False, False]


def test_mm_mt_bench_asks_each_turn_with_the_references_before_it(tmp_path: Path) -> None:
    talk = {
        "messages": [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
            {"role": "assistant", "content": "A cat."},
            {"role": "user", "content": "How old?"},
            {"role": "assistant", "content": "Two years."},
        ]
    }
    row = {"image": PICTURE, "conversation": json.dumps(talk), "category": "photo"}
    first, second = load(MM_MT_BENCH, parquet(tmp_path, "eval", [row]))
    assert (first.truth, second.truth) == ("A cat.", "Two years.")
    assert [message.role for message in second.conversation.messages] == [
        "user", "assistant", "user",
    ]  # fmt: skip
    judge = MM_MT_BENCH.judge
    assert judge is not None
    system, asked = judge.prompt(second, Reply(text="Old.")).messages
    assert system.role == "system"
    shown = "".join(part.text if isinstance(part, Text) else "*" for part in asked.content)
    assert shown == (
        "<|The Start of Conversation with User|>\n\n"
        "### User:\n*What?\n\n### Reference answer:\nA cat.\n\n"
        "### User:\nHow old?\n\n### Reference answer:\nTwo years.\n\n"
        "\n\n### Assistant's answer:\nOld.\n\n<|The End of Conversation with User|>\n\n\n"
    )
    rated = [judge.read(second, text) for text in ("Rating: [[7]]", "[[2.5]]", "[[0]]", "7")]
    assert [score.value for score in rated] == [0.7, 0.25, 0, 0]
    assert [score.is_parsed for score in rated] == [True, True, False, False]
    assert not MM_MT_BENCH.score(first, Reply(text="A cat.")).is_parsed
    parquet(tmp_path, "eval", [{**row, "conversation": json.dumps({"messages": [{}]})}])
    with pytest.raises(DataError, match="conversation cannot be read"):
        load(MM_MT_BENCH, tmp_path)
