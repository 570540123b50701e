"""The letter that an answer chooses, by our own reading."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.choice_letters import choice, choice_letter
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

DIFFER = {
    "b.": "a small letter alone is a choice; they know capitals only",
    "A cat. The answer is D": "they take the article that begins it; the statement is clearer",
    "ABCD": "no letter stands alone; they take the last",
    "Answer": "its first letter is no choice",
    "(B) and not (C)": "two letters marked alike; they take the last",
}
"""Answer -> why our letter is not that of lmms-eval's shared extractor."""


@requires_material
def test_recorded_letters() -> None:
    for case in vectors("choice_letters"):
        letter = choice_letter(case["response"]) or ""
        assert (letter == case["lmms_eval"]) is (case["response"] not in DIFFER), case


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("B) the dog", "B"),
        ("B.the dog", "B"),
        ("**Answer:** C", "C"),
        ("The correct answer is **(C)** because A is wrong.", "C"),
        ("Option A is wrong. Option B fits better, so the answer is B.", "B"),
        ("At first I thought the answer is A. But no: the answer is D", "D"),
        ("I would choose option C.", "C"),
        ("final answer: (b)", "B"),
        ("\\boxed{D}", "D"),
        ("<answer> A </answer>", "A"),
        ("答案：B", "B"),
        ("故选C。", "C"),
        ("正解はDです", "D"),
        ("It must be D, I think", "D"),
        ("D: fish", "D"),
        ("B\n\nA is wrong since...", "B"),
        ("Option A is wrong. Option B is not. (C)", "C"),
        ("Option C can be excluded, D fits", None),
        ("A and C are wrong, so B", None),
        ("A dog barks", None),
        ("A to-do list", None),
        ("I think so", None),
        ("B and C", None),
        ("U.S.A.", None),
        ("vitamin-C", "C"),
        ("E", None),
        ("", None),
        ("The answer is a dog", None),
        ("DNA", None),
    ],
)
def test_statements(answer: str, letter: str | None) -> None:
    assert choice_letter(answer) == letter


def test_texts_of_options() -> None:
    options = {"A": "cat", "B": "hot dog", "C": "dog"}
    assert choice_letter("I see a cat.", options=options) == "A"
    assert choice_letter("It is a hot dog!", options=options) is None  # also contains "dog"
    assert choice_letter("category", options=options) is None
    assert choice_letter("C, not the cat", options=options) == "C"


def test_other_letters() -> None:
    assert choice_letter("The answer is H.", letters="ABCDEFGH") == "H"
    assert choice_letter("I think it is G", letters="ABCDEFGHI") == "G"


def test_scores_say_what_was_chosen() -> None:
    assert choice(answer="(A)", truth="B").why == "chose A, expected B"
    score = choice(answer="maybe", truth="B")
    assert (score.value, score.is_parsed) == (0, False)


@pytest.mark.parametrize("letter", ["A", "B", "C", "D"])
@pytest.mark.parametrize(
    "answer",
    [
        "The answer is {} because it is red.",
        "Option {} is correct.",
        "{} is the right answer",
        "So it must be {} as shown in the figure.",
        "{} matches what stands in the picture",
    ],
)
def test_an_article_is_told_from_the_letter_by_what_follows(answer: str, letter: str) -> None:
    assert choice_letter(answer.format(letter)) == letter


@given(
    st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}.", "{}: x", "Answer: {}", "[{}]"])
)
def test_every_form_of_every_letter(letter: str, form: str) -> None:
    assert choice_letter(form.format(letter)) == letter


@given(st.text(max_size=200))
def test_any_text_gives_a_letter_or_none(text: str) -> None:
    assert choice_letter(text, options={"A": "x", "B": ""}) in ("A", "B", "C", "D", None)


@pytest.mark.parametrize("piece", ["answer is ", "(A", "A ", "answer: (", "**", "option "])
def test_endless_answers(piece: str) -> None:
    start = time.process_time()
    choice_letter(piece * (1_000_000 // len(piece)))
    assert time.process_time() - start < 2
