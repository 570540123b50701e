"""Stop strings: found across any borders, never shown, never too much withheld."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.inference.stop import StopMatcher


def run(stop: list[str], pieces: list[str]) -> tuple[str, bool]:
    matcher = StopMatcher(stop)
    shown = "".join(matcher.push(piece) for piece in pieces)
    return shown + ("" if matcher.stopped else matcher.finish()), matcher.stopped


def expected(stop: list[str], text: str) -> tuple[str, bool]:
    """The rule, character by character."""
    for end in range(1, len(text) + 1):
        ending = [s for s in stop if text[:end].endswith(s)]
        if ending:
            return text[: end - max(map(len, ending))], True
    return text, False


@pytest.mark.parametrize(
    ("stop", "pieces", "shown", "stopped"),
    [
        (["###"], ["a#", "b##", "#c"], "a#b", True),
        (["###"], ["a##"], "a##", False),
        (["b", "abc"], ["xabc"], "xa", True),
        (["bc", "abc"], ["xa", "bc"], "x", True),
        (["aab"], ["a", "a", "a", "b"], "a", True),
        (["\n\n"], ["one\n", "two\n", "\nthree"], "one\ntwo", True),
        ([], ["a", "b"], "ab", False),
    ],
)
def test_examples(stop: list[str], pieces: list[str], shown: str, stopped: bool) -> None:
    assert run(stop, pieces) == (shown, stopped)


@given(
    stop=st.lists(st.text("ab#", min_size=1, max_size=4), max_size=3),
    pieces=st.lists(st.text("ab#", max_size=4), max_size=12),
)
def test_pieces_do_not_matter(stop: list[str], pieces: list[str]) -> None:
    assert run(stop, pieces) == expected(stop, "".join(pieces))


@given(
    stop=st.lists(st.text("ab#", min_size=1, max_size=4), min_size=1, max_size=3),
    pieces=st.lists(st.text("ab#", min_size=1, max_size=3), max_size=12),
)
def test_only_the_start_of_a_stop_string_is_withheld(stop: list[str], pieces: list[str]) -> None:
    matcher = StopMatcher(stop)
    shown = ""
    for count, piece in enumerate(pieces, start=1):
        shown += matcher.push(piece)
        text = "".join(pieces[:count])
        if not matcher.stopped:
            held = text[len(shown) :]
            assert shown + held == text
            assert not held or any(s.startswith(held) and s != held for s in stop)


def test_nothing_follows_a_stop() -> None:
    matcher = StopMatcher(["."])
    assert matcher.push("a.b") == "a"
    assert matcher.push("c") == ""
    assert matcher.finish() == ""
