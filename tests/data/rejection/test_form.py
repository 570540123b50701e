"""Mixed languages, endless and repeated answers are told from good ones."""

import time

import pytest

from qvl.data.rejection.form import FormLimits, form_problem, repeats, switches_language

ENGLISH = "How many circles are there in the picture?"
CHINESE = "图中有几个圆形?"
GOOD = (
    "I look at the picture from left to right. There is a red circle at the left edge, and a "
    "second one, which is blue, stands near the middle. The square does not count.\nAnswer: 2"
)


@pytest.mark.parametrize(
    ("answer", "question", "is_mixed"),
    [
        (GOOD, ENGLISH, False),
        ("我看到两个圆形, 所以答案是 2。", CHINESE, False),
        ("There are 两个 circles.", ENGLISH, True),
        ("我看到 two circles in the picture 所以答案是 2。", CHINESE, True),
        ("我用 YOLO 和 RGB 数了两个圆形。", CHINESE, False),
        ("I see two circles in the picture, so it is 2.", CHINESE, True),
        ('The sign says "出口" so it is an exit.', ENGLISH, False),
        ("It says “Ausgang ist hier und nicht dort drüben”, an exit.", ENGLISH, False),
        ("The angle α is 3 times β.", ENGLISH, False),
        ("Ответ: two circles.", ENGLISH, True),
        ("```python\nx = '三个圆形'\n```\nAnswer: 3", ENGLISH, False),
        ("It is $\\text{三个}$ here.", ENGLISH, False),
        ("The sign says 出.", ENGLISH, False),  # a single slip
        (f"{GOOD} Aber das ist nicht alles, denn der Kreis ist auch noch da.", ENGLISH, True),
        ("Je vois un cercle rouge et il y a aussi un carré dans le coin.", ENGLISH, True),
        (
            "Je vois un cercle rouge et il y a aussi un carré.",
            "Combien de cercles y a-t-il ?",
            False,
        ),
        ("円は二つあります。", "丸はいくつありますか。", False),
        ("Tokyo, Osaka, Kyoto", "Which cities are named on the map?", False),
        ("12", "34 + 5 = ?", False),
        ("", ENGLISH, False),
    ],
)
def test_languages(answer: str, question: str, is_mixed: bool) -> None:
    assert switches_language(answer, question) is is_mixed


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (GOOD, None),
        ("Wait, let me count the circles again. " * 20 + "\nAnswer: 2", "repetition"),
        ("Fine so far.\n" + "Let me think about the picture.\n" * 20 + GOOD, "repetition"),
        ("a" * 8001, "too long"),
        (GOOD.replace("second", "第二个"), "code-switching"),
    ],
)
def test_the_first_fault_is_named(answer: str, problem: str | None) -> None:
    assert form_problem(answer, ENGLISH, FormLimits()) == problem


def test_lists_are_no_repetition() -> None:
    rows = "\n".join(f"{number}. The shape number {number} is a circle." for number in range(1, 20))
    assert not repeats(rows)


def test_long_answers_take_no_long_time() -> None:
    text = "\n".join("abc"[number % 3] * 7 + str(number) for number in range(800))
    start = time.process_time()
    form_problem(text, ENGLISH, FormLimits())
    switches_language("'" * 8000, ENGLISH)
    switches_language("$" * 8001, ENGLISH)
    assert time.process_time() - start < 5
