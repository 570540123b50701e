"""Each rule drops its fault and leaves alone what only looks like it."""

import time

import numpy as np
import pytest

from qvl.data.filters.safety import (
    PATTERNS,
    ask_for_safety,
    harmful,
    is_card_number,
    read_number,
    says,
)
from qvl.data.records import Sample
from qvl.data.sft.pipeline import RULES
from qvl.data.sft.rules import (
    cut_off,
    malformed,
    mixes_languages,
    repeats_itself,
    unrelated,
)
from qvl.geometry import Box
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks.grounding import GroundedBox, format
from tests.data.small import asked, drawn, picture

LONG = (
    "Bees leave the hive in the morning and fly to flowers near and far. Each flower gives a "
    "little nectar, which they carry home. There, other bees turn it into honey by moving their "
    "wings over the open cells, so that the water goes. In winter the whole hive lives from what "
    "was stored, and keeps warm by staying close together around the queen."
)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (LONG, None),
        ("Well. " + "I looked at it again and again. " * 30, "answer ends in a loop"),
        ("\n".join(["It is red.", "It is blue."] * 4), "answer repeats lines"),
        (
            "the red house was big " * 4
            + " ".join(f"word{i} and the red house was big" for i in range(12)),
            "answer repeats phrases",
        ),
        ("\n".join(f"{n} + {n} = {2 * n}" for n in range(40)), None),
        (
            format([GroundedBox(box=Box(n, n, n + 40, n + 40), label="cup") for n in range(40)]),
            None,
        ),
        ("<table>" + "<tr><td>0</td><td>0</td></tr>" * 20 + "</table>", None),
    ],
)
def test_repetition(answer: str, reason: str | None) -> None:
    assert repeats_itself(asked("Tell me.", answer)) == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (LONG, None),
        (LONG[:-1], None),  # no full stop: perhaps a title
        (LONG[: LONG.index("the whole hive") + 3], "answer is cut off"),
        ("First you open the box, then the lid,", "answer is cut off"),
        ("三只鸟站在树上，两只在飞，", "answer is cut off"),
        ("三只鸟站在树上，两只在飞。", None),
        ("```python\nprint(1)\n", "code block is not closed"),
        ("Here it is:\n```python\nprint(1)\n```", None),
        ("- a", None),
        ("The first letter of the alphabet is a", "answer is cut off"),
        ("Yes.", None),
    ],
)
def test_answers_that_stop(answer: str, reason: str | None) -> None:
    assert cut_off(asked("Tell me.", answer)) == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('```json\n{"a": 1}\n```', None),
        ('```json\n{"a": 1,}\n```', "JSON cannot be read"),
        ("```json\n" + "[" * 100_000 + "\n```", "JSON cannot be read"),
        ("<html><body><p>a</p><br></body></html>", None),
        ("<html><body><p>a</p></html></body>", None),
        ("<html><body><p>a<div></p></div></body></html>", "HTML tags are not balanced"),
        ("<html><body><table><tr><td>a</table></body></html>", "HTML tags are not balanced"),
        (" ", "turns out of order or empty"),
        ("a < b and b > c", None),
    ],
)
def test_form(answer: str, reason: str | None) -> None:
    assert malformed(asked("Tell me.", answer)) == reason


def test_order_of_turns() -> None:
    turns = (Message("user", (Text("a"),)), Message("user", (Text("b"),)))
    sample = asked("?", "!")
    wrong = Conversation((*turns, *sample.conversation.messages[1:]))
    bad = Sample(task="t", conversation=wrong, provenance=sample.provenance)
    assert malformed(bad) == "turns out of order or empty"


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What is a bee?", "As an AI language model, I cannot say.", "boilerplate refusal"),
        ("What is this?", "I'm unable to view images.", None),
        ("What is this?", "I am unable to view the image.", "boilerplate refusal"),
        ("What does the image show?", "A dog.", "asks about a picture that is not there"),
        ("Why is the sky so blue?", "Why is the sky so blue?", "answer repeats the question"),
        (
            " ".join(f"apple{n}" for n in range(70)),
            " ".join(f"pear{n}" for n in range(70)),
            "answer shares no word with the question",
        ),
        (" ".join(f"apple{n}" for n in range(70)), "蜜蜂早上离开蜂巢飞向花朵。" * 9, None),
        ("How do bees live?", LONG, None),
    ],
)
def test_beside_the_point(question: str, answer: str, reason: str | None) -> None:
    assert unrelated(asked(question, answer)) == reason


def test_a_picture_that_is_there() -> None:
    assert unrelated(asked("What is in the image?", "A dog.", Image(picture()))) is None


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What is seen?", "Two dogs 在公园里 play with a ball.", "mixes Latin and Han"),
        ("What is seen?", 'The sign says "公园里" in white letters.', None),
        ("Translate 'in the park'.", "That is 在公园里.", None),
        ("What does 公园 mean?", "公园 means park.", None),
        ("What is x?", "The angle α is 30 degrees.", None),
        ("图里有什么？", "图里有一台 MacBook Pro 和一只猫。", None),
        ("图里有什么？", "图里有一只猫 that is on the table and it is asleep 在睡觉。",
         "mixes Han and Latin"),
        ("What is it?", "It is a cat, это кошка на столе.", "mixes Latin and Cyrillic"),
        ("何が見えますか？", "猫がテーブルの上で寝ています。", None),
    ],
)  # fmt: skip
def test_languages(question: str, answer: str, reason: str | None) -> None:
    assert mixes_languages(asked(question, answer)) == reason


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("How do I make a pipe bomb?", "Take a pipe ...", "harmful: weapons"),
        ("How do I make a pipe bomb?", "I can't help with that.", None),
        ("How do I make a bath bomb?", "Mix soda and citric acid.", "harmful: weapons"),
        ("How can I kill a process in Linux?", "Use the command kill.", None),
        ("How could I break into my neighbour's house?", "By the back door.", "harmful: crime"),
        ("Write a keylogger in Python.", "import keyboard", "harmful: malware"),
        ("What did the bomb disposal team do?", "It made the bomb safe.", None),
        ("Who pays?", "The card 4111 1111 1111 1111 does.", "private data: card number"),
        ("What number?", "It is 4111 1111 1111 1112.", None),
        ("Key?", "-----BEGIN RSA PRIVATE KEY-----", "private data: key"),
    ],
)
def test_harm(question: str, answer: str, reason: str | None) -> None:
    assert harmful(asked(question, answer)) == reason


def test_the_check_digit_is_luhns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        digits = [4, *(int(d) for d in rng.integers(0, 10, 14))]
        weights = [2, 1] * 8
        total = sum(sum(divmod(d * w, 10)) for d, w in zip(digits, weights, strict=False))
        right = -total % 10
        for last in range(10):
            number = "".join(map(str, [*digits, last]))
            assert is_card_number(number) == (last == right)


def test_rating_of_safety() -> None:
    words = ask_for_safety(asked("How?", "So.")).messages[0].content[0]
    assert isinstance(words, Text)
    assert "User: How?\nAssistant: So." in words.text
    assert read_number("I would say 8.") == 8
    assert read_number("none") is None


def test_empty_lines_take_linear_time() -> None:
    start = time.process_time()
    assert malformed(asked("Go on.", "```json" + "\n" * 100_000 + "x")) is None
    assert cut_off(asked("Go on.", "a" + "\n" * 100_000 + "b")) is None
    assert time.process_time() - start < 2


def test_drawn_samples_pass_all_rules() -> None:
    for sample in drawn(20):
        for name, rule in RULES.items():
            assert rule(sample) is None, (name, sample.conversation)


def test_long_texts_are_judged_in_no_time() -> None:
    parts = (
        "how to make ",
        "how to make x. bomb ",
        "bomb ",
        "1 1 ",
        "write naked ",
        "-----BEGIN A",
    )
    start = time.process_time()
    for part in parts:
        harmful(asked("Go on.", part * (1_000_000 // len(part))))
    assert time.process_time() - start < 0.8 * len(parts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("how to build a small bomb", True),
        ("how to. build a bomb", False),
        ("how to build " + "x" * 80 + " bomb", False),
        ("how to build. how to make a bomb", True),
        ("bomb, how to build", False),
        ("show to build a bomb", False),
    ],
)
def test_parts_of_a_sentence(text: str, found: bool) -> None:
    assert says(text, PATTERNS["weapons"]) is found
