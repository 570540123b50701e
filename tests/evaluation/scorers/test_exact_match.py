"""Equality of whole answers."""

from qvl.evaluation.scorers.exact_match import exact_match, exact_match_verbatim


def test_case_and_ends_do_not_matter() -> None:
    assert exact_match(answer=" Red\n", truths=["blue", "red "]).value == 1
    assert exact_match(answer="reddish", truths=["red"]).value == 0


def test_verbatim_keeps_case() -> None:
    assert exact_match_verbatim(answer=" Red", truths=["Red"]).value == 1
    assert exact_match_verbatim(answer="red", truths=["Red"]).value == 0


def test_nothing_is_unread() -> None:
    score = exact_match(answer=" ", truths=["red"])
    assert not score.is_parsed
    assert "'red'" in score.why
