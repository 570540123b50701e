"""Restored text: the run of words that is most like the truth."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.restored_text import _TOKEN, restored_text


@pytest.mark.parametrize(
    ("answer", "truth", "value", "jaccard"),
    [
        ("the cat", "the cat", 1, 1),
        ("I think: the cat sat.", "the cat", 1, 1),
        ("The cat", "the cat", 0, 1 / 3),
        ("the dog, the cat", "the cat", 1, 1),
        ("cat", "the cat", 0, 0),
        ("", "the cat", 0, 0),
        ("I cannot see the cat", "the cat", 0, 0),
    ],
)
def test_cases(answer: str, truth: str, value: float, jaccard: float) -> None:
    score = restored_text(answer=answer, truth=truth)
    assert (score.value, score.jaccard) == (value, pytest.approx(jaccard))


words = st.lists(st.sampled_from(["a", "b", "ab", "ba", "."]), max_size=12).map(" ".join)


@given(words, words.filter(bool))
def test_as_by_comparing_every_run(answer: str, truth: str) -> None:
    tokens, wanted = _TOKEN.findall(answer), _TOKEN.findall(truth)
    best, run = 0.0, []
    for start in range(len(tokens) - len(wanted) + 1):
        candidate = tokens[start : start + len(wanted)]
        if set(candidate) & set(wanted):
            likeness = SequenceMatcher(None, " ".join(candidate), truth).ratio()
            if likeness > best:
                best, run = likeness, candidate
    assert restored_text(answer=answer, truth=truth).value == float(bool(run) and run == wanted)


def test_an_endless_answer_takes_no_time() -> None:
    assert restored_text(answer="the cat " * 100_000, truth="a big cat on the old mat").value == 0
