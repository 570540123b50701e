"""Pairing of blocks as OmniDocBench's quick_match; it was compared with the official code:
1,500 random pages had the same edits and lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.edit_distance import edit_distance, stretch_distances
from qvl.evaluation.scorers.quick_match import (
    Match,
    _is_within,
    quick_match,
    whole_blocks,
)

TITLE, FIRST, SECOND = "Introduction", "thequickbrownfoxjumps", "overthelazydogandruns"


@pytest.mark.parametrize(
    ("answers", "truths", "matches"),
    [
        # Order does not matter for what belongs together.
        ([SECOND, TITLE], [TITLE, SECOND], {((0,), (1,)), ((1,), (0,))}),
        # A paragraph that was broken in two, and two that were written as one.
        ([TITLE, FIRST, SECOND], [TITLE, FIRST + SECOND], {((0,), (0,)), ((1,), (1, 2))}),
        ([TITLE, FIRST + SECOND], [TITLE, FIRST, SECOND], {((0,), (0,)), ((1, 2), (1,))}),
        # What is left over on both sides is paired, however different.
        ([TITLE, "1234567890"], [TITLE, FIRST], {((0,), (0,)), ((1,), (1,))}),
        # What an answer adds counts, once.
        ([TITLE, FIRST, SECOND], [TITLE], {((0,), (0,)), ((), (1, 2))}),
        ([], [TITLE, FIRST], {((0,), ()), ((1,), ())}),
        ([TITLE], [], {((), (0,))}),
        (["xyz"], [TITLE], {((0,), (0,))}),
    ],
)
def test_cases(
    answers: list[str], truths: list[str], matches: set[tuple[tuple[int, ...], tuple[int, ...]]]
) -> None:
    assert {(match.truths, match.answers) for match in quick_match(answers, truths)} == matches


def test_a_missing_block_counts_twice_where_all_answers_are_used() -> None:
    found = quick_match([TITLE], [TITLE, FIRST])
    assert found == [Match((0,), (0,)), Match((1,), ()), Match((1,), ())]


blocks = st.lists(st.text("ab", min_size=1, max_size=8), max_size=5)


@given(blocks, blocks)
def test_no_truth_is_lost_and_no_answer_is_used_twice_without_reason(
    answers: list[str], truths: list[str]
) -> None:
    found = quick_match(answers, truths)
    assert {i for match in found for i in match.truths} == set(range(len(truths)))
    assert all(match.truths or match.answers for match in found)
    whole = whole_blocks(answers, truths)
    assert sorted(i for match in whole for i in match.truths) == list(range(len(truths)))
    assert sorted(j for match in whole for j in match.answers) == list(range(len(answers)))


@given(st.text("abc", min_size=1, max_size=6), st.text("abc", max_size=10))
def test_the_nearest_stretch(piece: str, text: str) -> None:
    stretches = [text[i:j] for i in range(len(text) + 1) for j in range(i, len(text) + 1)]
    assert min(stretch_distances(piece, text)) == min(edit_distance(piece, s) for s in stretches)
    windows = [text[i : i + len(piece)] for i in range(len(text) - len(piece) + 1)]
    near = min((edit_distance(piece, window) for window in windows), default=99)
    assert _is_within(piece, text, 0.4) == (near / len(piece) < 0.4)
    assert _is_within(piece, text, 0.6, or_equal=True) == (near / len(piece) <= 0.6)


def test_pages_of_any_size_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.evaluation.scorers.quick_match._MAX_STEPS", 200_000)
    answers = ["word " * 2000 + str(number) for number in range(40)]
    found = quick_match(answers, [FIRST] * 50)
    assert len(found) == 51
    assert len(found[-1].answers) > 30
