"""Multiple choice about pictures, on files in their published layouts."""

import base64
import csv
import json
from pathlib import Path

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Question, Reply
from qvl.evaluation.benchmarks.blink import BLINK
from qvl.evaluation.benchmarks.crpe import CRPE, ONLY_LETTER
from qvl.evaluation.benchmarks.interleaving import at_marks
from qvl.evaluation.benchmarks.mathverse import MATHVERSE
from qvl.evaluation.benchmarks.mathvision import MATHVISION
from qvl.evaluation.benchmarks.mathvista import MATHVISTA, extract
from qvl.evaluation.benchmarks.mmbench import MMBENCH_CN, MMBENCH_EN, MMBENCH_EN_V11
from qvl.evaluation.benchmarks.mme_realworld import MME_REALWORLD, MME_REALWORLD_CN
from qvl.evaluation.benchmarks.mmmu import MMMU, MMMU_PRO
from qvl.evaluation.benchmarks.mmstar import MMSTAR
from qvl.evaluation.benchmarks.muirbench import MUIRBENCH
from qvl.evaluation.benchmarks.realworldqa import REALWORLDQA
from qvl.messages import Image, Text
from tests.evaluation.benchmarks.published import PICTURE, load, numbers, parquet, values, words
from tests.evaluation.test_layouts import png

SELECT = "Please select the correct answer from the options above."


def _shape(question: Question) -> list[str]:
    """What a question's parts are: its words, and * for a picture."""
    (message,) = question.conversation.messages
    return [part.text if isinstance(part, Text) else "*" for part in message.content]


def _mmmu_row(number: int, **changed: object) -> dict[str, object]:
    images = {f"image_{place}": None for place in range(1, 8)}
    return {
        "id": f"validation_Art_{number}", "question": "<image 2> or <image 1>?",
        "options": "['a cat', 'a dog', '<image 2>']", "answer": "B",
        "question_type": "multiple-choice", **images, "image_1": PICTURE, "image_2": PICTURE,
        **changed,
    }  # fmt: skip


def test_mmmu(tmp_path: Path) -> None:
    rows = [
        _mmmu_row(1),
        _mmmu_row(
            2, question="How long is <image 1>?", options="[]", answer="24", question_type="open"
        ),
        _mmmu_row(
            3,
            question="Name it.",
            options="[]",
            answer="['oil', 'oil paint']",
            question_type="open",
            image_2=None,
        ),
        _mmmu_row(4, image_2=None),
    ]
    # A folder a subject, and all of them in data/.
    whole = load(MMMU, parquet(tmp_path / "all" / "data", "validation", rows).parent)
    parquet(tmp_path / "each" / "Art", "validation", rows)
    parquet(tmp_path / "each" / "Art", "dev", rows)
    parquet(tmp_path / "each" / "Music", "validation", [_mmmu_row(9)])
    assert [q.key for q in load(MMMU, tmp_path / "each")] == [q.key for q in whole] + [
        "validation_Art_9"
    ]
    choice, length, paint, missing = whole
    assert _shape(choice) == [
        "Question: ", "*", " or ", "*", "?\nOptions:\nA. a cat\nB. a dog\nC. ", "*", f"\n{SELECT}",
    ]  # fmt: skip
    picture = choice.conversation.messages[0].content[1]
    assert isinstance(picture, Image)
    assert (picture.min_pixels, picture.max_pixels) == (1_003_520, 4_014_080)
    # The second picture is in no words of the open question: it stands in front.
    assert _shape(length) == [
        "*", "Question: How long is ", "*",
        "?\nAnswer the question using a single word or phrase.",
    ]  # fmt: skip
    assert choice.groups == {"subject": "Art", "kind": "choice"}
    assert missing.broken.endswith("has no picture (number 2)")
    assert values(MMMU, choice, "B", "The answer is (B).", "**B**", "C", "") == [1, 1, 0, 0, 0]
    assert values(MMMU, length, "So it is 24.0", "the length is 24 cm", "25") == [1, 1, 0]
    assert values(MMMU, paint, "It is oil paint", "chalk") == [1, 0]
    found = numbers(MMMU, whole, ["**B**", "24", "oil", ""])
    assert found == {"accuracy": 50, "our_reading": 75}
    hidden = [
        _mmmu_row(1, answer="?"), _mmmu_row(2, options="[]", answer="?", question_type="open"),
    ]  # fmt: skip
    for question in load(MMMU, parquet(tmp_path / "test", "validation", hidden)):
        assert "the server has the answers" in MMMU.score(question, Reply(text="What? B")).why
    parquet(tmp_path / "bad", "validation", [_mmmu_row(1, options="['a'")])
    with pytest.raises(DataError, match="options is no list of options"):
        load(MMMU, tmp_path / "bad")


def test_mmmu_pro(tmp_path: Path) -> None:
    options = str([f"option {number}" for number in range(10)])
    standard = [
        _mmmu_row(n, options=options, answer="J", subject="Art", question="See <image 1>.")
        | {"image_2": None}
        for n in (1, 2)
    ]
    vision = [
        {"id": "v", "image": PICTURE, "options": options, "answer": "A", "subject": "Art"},
    ]
    parquet(tmp_path / "standard (10 options)", "test", standard)
    parquet(tmp_path / "vision", "test", vision)
    questions = load(MMMU_PRO, tmp_path)
    direct = "Answer with the option letter from the given choices directly."
    assert _shape(questions[0])[:2] == ["See ", "*"]
    assert _shape(questions[0])[2].endswith(f"\nJ. option 9\n{direct}")
    last_line = (
        " The last line of your response should be of the following format: 'Answer: $LETTER' "
        "(without quotes) where LETTER is one of options."
    )
    assert _shape(questions[2]) == ["*", direct + last_line]
    found = numbers(MMMU_PRO, questions, ["J", "(A)", "A."])
    assert (found["standard"], found["vision"], found["mean"]) == (50, 100, 75)
    assert values(MMMU_PRO, questions[2], "(B) or (C).\nAnswer: **A**", "Answer: A or B") == [1, 0]


def test_pictures_stand_at_their_marks() -> None:
    assert at_marks("no mark", 2) == [0, 1, "no mark"]
    assert at_marks("<image 1><image 1>", 1) == [0, 0]
    assert at_marks("<image 3>", 1) == [0, 2]
    assert at_marks("<image><image>", 2) == [0, 1]
    assert at_marks("a < b and <imagenet>", 0) == ["a < b and <imagenet>"]


def test_muirbench(tmp_path: Path) -> None:
    row = {
        "idx": "7", "counterpart_idx": "9", "task": "Ordering", "image_relation": "Temporal",
        "image_type": "Slides", "question": "After <image>?", "options": ["<image>", "None"],
        "answer": "B", "image_list": [PICTURE, PICTURE],
    }  # fmt: skip
    (question,) = load(MUIRBENCH, parquet(tmp_path / "data", "test", [row]).parent)
    assert _shape(question) == [
        "After ", "*", "?\nA. ", "*",
        "\nB. None\nAnswer with the option's letter from the given choices directly.",
    ]  # fmt: skip
    assert question.facts["cluster"] == "7"
    assert values(MUIRBENCH, question, "B", "None", "B. None", "A", "C") == [1, 1, 1, 0, 0]


def test_blink(tmp_path: Path) -> None:
    for task, count in (("Counting", 1), ("Jigsaw", 3)):
        rows = [
            {"idx": f"val_{task}_{n}", "question": "?", "sub_task": task, "choices": ["2", "3"],
             "image_1": PICTURE, "image_2": PICTURE if task == "Jigsaw" else None,
             "image_3": None, "image_4": None, "answer": "(A)", "prompt": "How many?\n(A) 2\n(B) 3"}
            for n in range(count)
        ]  # fmt: skip
        parquet(tmp_path / task, "val", rows)
    questions = load(BLINK, tmp_path)
    assert _shape(questions[1]) == [
        "*", "*",
        "Note: You only need to respond with A, B without providing any additional information.\n"
        "How many?\n(A) 2\n(B) 3",
    ]  # fmt: skip
    found = numbers(BLINK, questions, ["(A)", "A", "B", ""])
    assert found == {"accuracy": 50, "mean_of_tasks": pytest.approx(100 * (1 + 1 / 3) / 2)}


def test_mmstar(tmp_path: Path) -> None:
    question = "Which is it?\nOptions: A: cat, B: dog, or owl, C: none, D: all"
    row = {
        "index": 4, "question": question, "image": PICTURE["bytes"], "answer": "B",
        "category": "math", "l2_category": "geometry",
    }  # fmt: skip
    parquet(tmp_path, "mmstar", [row])
    (tmp_path / "mmstar-00000-of-00001.parquet").rename(tmp_path / "mmstar.parquet")
    (found,) = load(MMSTAR, tmp_path)
    assert words(found) == (
        f"{question}\nAnswer with the option's letter from the given choices directly"
    )
    assert found.facts["options"]["B"] == "dog, or owl"
    assert values(MMSTAR, found, "B", "B: dog, or owl", "dog, or owl", "cat") == [1, 1, 1, 0]


def test_crpe_and_realworldqa(tmp_path: Path) -> None:
    options = "What is it?\nA. on\nB. under\nC. in\nD. by\n"
    row = {"question_id": 3, "text": options + ONLY_LETTER, "correct_option": "C",
           "category": "predicate", "image": PICTURE}  # fmt: skip
    (question,) = load(CRPE, parquet(tmp_path / "crpe", "test", [row]))
    assert words(question) == f"{options}\n{ONLY_LETTER}"
    assert values(CRPE, question, "C", "in", "(C) in", "D") == [1, 1, 1, 0]

    rows = [
        {"question": options + ONLY_LETTER, "answer": "A", "image": PICTURE},
        {"question": "Which way is the road going?", "answer": "Downhill", "image": PICTURE},
    ]
    letters, word = load(REALWORLDQA, parquet(tmp_path / "real", "test", rows))
    assert words(letters) == options + ONLY_LETTER
    assert values(REALWORLDQA, letters, "A.", "on", "B") == [1, 1, 0]
    assert values(REALWORLDQA, word, "downhill.", "uphill") == [1, 0]


def test_mme_realworld(tmp_path: Path) -> None:
    row = {
        "bytes": base64.b64encode(png()).decode(), "index": "7", "question": "What colour?",
        "multi-choice options": ["(A) red", "(B) blue", "(C) The image does not feature it."],
        "answer": "A", "category": "Perception/Monitoring", "l2-category": "vehicle",
    }  # fmt: skip
    (question,) = load(MME_REALWORLD, parquet(tmp_path, "train", [row]))
    assert words(question).startswith(
        "What colour? The choices are listed below:\n(A) red\n(B) blue\n(C) The image"
    )
    assert words(question).endswith("correct option.\nThe best answer is: ")
    assert values(MME_REALWORLD, question, "A", "(A) red", "red", "B", "The Answer") == [
        1, 1, 1, 0, 0,
    ]  # fmt: skip
    found = numbers(MME_REALWORLD, [question], ["A"])
    assert found == {"accuracy": 100, "perception": 100}
    row["multi-choice options"] = ["（A）红", "（B）蓝"]
    parquet(tmp_path / "cn", "train", [row])
    (question,) = load(MME_REALWORLD_CN, tmp_path / "cn")
    assert values(MME_REALWORLD_CN, question, "（A）", "红", "蓝") == [1, 1, 0]


def _tsv(path: Path, rows: list[dict[str, object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


def _mmbench_row(index: int, **changed: object) -> dict[str, object]:
    return {
        "index": index, "question": "What is it?", "hint": "Look at the legs.", "A": "cat",
        "B": "dog", "C": "owl", "D": "nan", "answer": "A", "category": "attribute",
        "image": base64.b64encode(png()).decode(), "l2-category": "finegrained", "split": "dev",
        **changed,
    }  # fmt: skip


def test_mmbench_makes_rotations_that_the_file_lacks(tmp_path: Path) -> None:
    _tsv(tmp_path / "MMBench_DEV_EN.tsv", [_mmbench_row(5), _mmbench_row(8, hint="", image="5")])
    questions = load(MMBENCH_EN, tmp_path)
    assert [q.key for q in questions[:3]] == ["5", "1000005", "2000005"]
    assert [q.truth for q in questions[:3]] == ["A", "C", "B"]
    assert words(questions[1]) == (
        "Hint: Look at the legs.\nQuestion: What is it?\nOptions:\nA. dog\nB. owl\nC. cat\n"
        f"{SELECT}"
    )
    assert words(questions[3]).startswith("Question: What is it?")
    assert not any(q.broken for q in questions)
    # The second question is right in two rotations of three: not right.
    found = numbers(MMBENCH_EN, questions, ["A", "C. cat", "cat", "A", "C", "C"])
    assert (found["circular"], found["vanilla"]) == (50, 100)


def test_mmbench_takes_rotations_from_the_file(tmp_path: Path) -> None:
    rows = [
        _mmbench_row(5),
        _mmbench_row(1_000_005, A="dog", B="owl", C="cat", answer="C", image="5"),
        _mmbench_row(6, image=""),
    ]
    _tsv(tmp_path / "MMBench_DEV_EN_V11.tsv", rows)
    questions = load(MMBENCH_EN_V11, tmp_path)
    assert [(q.key, q.truth, bool(q.broken)) for q in questions] == [
        ("5", "A", False), ("1000005", "C", False), ("6", "A", True),
    ]  # fmt: skip
    assert numbers(MMBENCH_EN_V11, questions, ["A", "A", ""])["circular"] == 0
    assert numbers(MMBENCH_EN_V11, questions, ["A", "C", ""])["circular"] == 50
    _tsv(tmp_path / "MMBench_TEST_CN.tsv", [_mmbench_row(5, answer="")])
    hidden = load(MMBENCH_CN, tmp_path, "test")[0]
    assert words(hidden).endswith("\n请直接回答选项字母。")
    assert not MMBENCH_CN.score(hidden, Reply(text="A")).is_parsed
    _tsv(tmp_path / "MMBench_DEV_CN.tsv", [_mmbench_row(5, answer="E")])
    with pytest.raises(DataError, match="answer is 'E', expected one of A, B, C"):
        load(MMBENCH_CN, tmp_path)


def test_mathvista(tmp_path: Path) -> None:
    base: dict[str, object] = {
        "pid": "1", "question": "?", "query": "Hint: h\nQuestion: q\nSolution: ", "choices": None,
        "precision": None, "decoded_image": PICTURE, "metadata": {"task": "geometry", "grade": "x"},
    }  # fmt: skip
    choice = {**base, "question_type": "multi_choice", "answer_type": "text", "answer": "145°",
              "choices": ["135°", "145°"]}  # fmt: skip
    number = {**base, "pid": "2", "question_type": "free_form", "answer_type": "float",
              "answer": "1.40", "precision": 2.0}  # fmt: skip
    whole = {**base, "pid": "3", "question_type": "free_form", "answer_type": "integer",
             "answer": "8"}  # fmt: skip
    rows = [choice, number, whole]
    questions = load(MATHVISTA, parquet(tmp_path / "data", "testmini", rows).parent)
    assert words(questions[0]) == "Hint: h\nQuestion: q\nSolution: "
    reasoned = "The lines are parallel, so x = 35. The answer is (B)"
    assert values(MATHVISTA, questions[0], "B", reasoned, "145°", "A", "") == [1, 1, 1, 0, 0]
    assert values(MATHVISTA, questions[1], "1.4", "about \\boxed{1.40} m", "1.5") == [1, 1, 0]
    assert values(MATHVISTA, questions[2], "8 dogs", "The answer is: 8", "8 or 9") == [1, 1, 0]
    judge = MATHVISTA.judge
    assert judge is not None
    prompt = judge.prompt(questions[0], Reply(text=reasoned)).messages[0].content[0]
    assert isinstance(prompt, Text)
    assert reasoned in prompt.text
    assert judge.read(questions[0], "(B)\n").value == 1
    assert not judge.read(questions[0], "NONE").is_parsed


@pytest.mark.parametrize(
    ("answer", "kind", "number"),
    [
        ("\\boxed{12\\text{ cm}^2}", "integer", "12"),
        ("The area is 0.75 m^2.", "float", "0.75"),
        ("So $x = 12$ cm$^2$", "integer", "12"),
        ("The answer is 5 years (1980 - 1975).", "integer", "5"),
        ("There are 5 red and 3 blue, so 8 in total.", "integer", "8"),
        ("Thus 2^3 = 8", "integer", "8"),
        ("AB = 5\\sqrt{2} \\approx 7.07", "float", "7.07"),
        ("The answer is 3/4", "float", "0.75"),
        ("\\boxed{-\\frac{3}{4}}", "float", "-0.75"),
        ("The answer is 4/0", "float", "4"),
        ("x = y", "integer", ""),
    ],
)
def test_the_number_of_a_mathvista_answer(answer: str, kind: str, number: str) -> None:
    assert extract(answer, {"choices": [], "answer_type": kind}) == number


def test_mathvision(tmp_path: Path) -> None:
    base = {"id": "1", "decoded_image": PICTURE, "level": 3, "subject": "algebra"}
    rows = [
        {**base, "question": "How many?\n<image1>", "options": ["1", "\\frac{1}{2}"],
         "answer": "B"},
        {**base, "id": "2", "question": "Area?", "options": [], "answer": "36\\pi"},
    ]  # fmt: skip
    questions = load(MATHVISION, parquet(tmp_path, "test", rows))
    assert words(questions[0]) == (
        'Please solve the problem step by step and put your answer in one "\\boxed{}".'
        "How many?\n<image1>\nChoices: A. 1\nB. \\frac{1}{2}\nAnswer the question with the "
        "option's letter from the given choices directly."
    )
    assert values(MATHVISION, questions[0], "So \\boxed{B}", "\\boxed{0.5}", "\\boxed{A}") == [
        1, 1, 0,
    ]  # fmt: skip
    assert values(MATHVISION, questions[1], "\\boxed{36 \\pi}", "113.1", "the answer is 36π") == [
        1, 0, 1,
    ]  # fmt: skip


def test_mathverse_leaves_questions_without_pictures_out_of_the_mean(tmp_path: Path) -> None:
    base = {"problem_index": "1", "question": "Find x\nChoices:\nA:30°\nB:60°", "query_wo": "w",
            "answer": "B", "question_type": "multi-choice", "image": PICTURE,
            "metadata": {"subject": "Plane Geometry"}}  # fmt: skip
    rows = [
        {**base, "sample_index": "1", "problem_version": "Text Dominant"},
        {**base, "sample_index": "2", "problem_version": "Vision Only", "question": ""},
        {**base, "sample_index": "3", "problem_version": "Text Only"},
        {**base, "sample_index": "4", "problem_version": "Vision Only",
         "question_type": "free-form", "answer": "5"},
    ]  # fmt: skip
    parquet(tmp_path, "testmini", rows)
    (tmp_path / "testmini-00000-of-00001.parquet").rename(tmp_path / "testmini.parquet")
    questions = load(MATHVERSE, tmp_path)
    assert [len(q.conversation.messages[0].content) for q in questions] == [2, 2, 1, 2]
    assert values(MATHVERSE, questions[0], "60°", "\\boxed{B}", "A") == [1, 1, 0]
    assert values(MATHVERSE, questions[3], "x = 5", "\\boxed{5}", "6") == [1, 1, 0]
    found = numbers(MATHVERSE, questions, ["B", "A", "B", "5"])
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert (found["Vision Only"], found["Text Only"]) == (50, 100)
    assert json.dumps(questions[0].facts)
