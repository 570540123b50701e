"""Plans in a small world: what is allowed, what is not, what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.plans import plan_reaches_goal
from qvl.evaluation.scorers.score import Score

DOMAIN = """
; a ferry that takes one car at a time
(define (domain ferry)
  (:requirements :typing :negative-preconditions :equality)
  (:types car place)
  (:predicates (at ?c - car ?p - place) (here ?p - place) (aboard ?c - car) (busy))
  (:functions (total-cost))
  (:action SAIL
    :parameters (?from ?to - place)
    :precondition (and (here ?from) (not (= ?from ?to)))
    :effect (and (here ?to) (not (here ?from)) (increase (total-cost) 3)))
  (:action board
    :parameters (?c - car ?p - place)
    :precondition (and (at ?c ?p) (here ?p) (not (busy)))
    :effect (and (aboard ?c) (busy) (not (at ?c ?p))))
  (:action leave
    :parameters (?c - car ?p - place)
    :precondition (and (aboard ?c) (or (here ?p) (here nowhere)))
    :effect (and (at ?c ?p) (not (busy)) (not (aboard ?c)))))
"""
PROBLEM = """
(define (problem two)
  (:domain ferry)
  (:objects c1 c2 - car Left Right - place)
  (:init (= (total-cost) 0) (here Left) (at c1 Left) (at c2 Left))
  (:goal (and (at c1 Right) (not (busy)))))
"""
PLAN = "(board c1 left)\n(sail left right)\n(leave c1 right)"


def _score(answer: str, domain: str = DOMAIN, problem: str = PROBLEM) -> Score:
    return plan_reaches_goal(answer=answer, domain=domain, problem=problem)


def test_a_plan_reaches_its_goal() -> None:
    assert _score(PLAN).value == 1
    assert _score(PLAN).why == "3 steps reach the goal"
    for same in (
        PLAN.upper(),
        PLAN.replace("\n", " ; then\n  "),
        f"First the car:\n{PLAN}\nDone.",
        f"{PLAN}\n(sail right left)",
    ):
        assert _score(same).value == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "0 steps, the goal is not reached"),
        ("(board c1 left)\n(sail left right)", "2 steps, the goal is not reached"),
        ("(board c1 right)", "step 1, 'board c1 right', is not allowed there"),
        # what must not hold is looked at, by the reference too little
        ("(board c1 left)\n(board c2 left)", "step 2, 'board c2 left', is not allowed there"),
        ("(sail left left)", "step 1, 'sail left left', is not allowed there"),
        ("(swim c1)", "step 1 is no action: '(swim c1)'"),
        ("(board c1)", "step 1 is no action: '(board c1)'"),
        ("()", "step 1 is no action: '()'"),
        ("(board c1 left", "step 1 is no action: '(board c1 left'"),
        ("(board c1 left) (sail left right)", "step 1 is no action: '(board c1 left) (sail"),
    ],
)
def test_a_plan_fails_where_it_does(answer: str, why: str) -> None:
    score = _score(answer)
    assert (score.value, score.is_parsed) == (0, True)
    assert score.why.startswith(why)


def test_what_an_action_takes_and_gives_holds() -> None:
    domain = (
        "(define (domain d) (:action stay :parameters (?p) :effect (and (on ?p) (not (on ?p)))))"
    )
    problem = "(define (problem p) (:init) (:goal (on a)))"
    assert _score("(stay a)", domain, problem).value == 1
    assert _score("(stay b)", domain, problem).value == 0


@pytest.mark.parametrize(
    ("domain", "problem", "why"),
    [
        ("", PROBLEM, "one definition in brackets"),
        ("(define", PROBLEM, "one definition in brackets"),
        (")", PROBLEM, "closes that none opened"),
        ("(define (domain d))", PROBLEM, "no actions"),
        ("(define (:action))", PROBLEM, "an action has no name"),
        (f"(define {'(' * 99}{')' * 99})", PROBLEM, "nested too deep"),
        (DOMAIN, "(define (problem p) (:init))", "no first state or no goal"),
        (DOMAIN, PROBLEM.replace("(and (at c1 Right)", "(forall (?c) (at ?c Right)"), "'forall'"),
        (DOMAIN.replace("(busy) (not (at", "(when (a) (busy)) (not (at"), PROBLEM, "'when'"),
    ],
)
def test_a_task_that_cannot_be_read_is_unread(domain: str, problem: str, why: str) -> None:
    score = _score(PLAN, domain, problem)
    assert (score.value, score.is_parsed) == (0, False)
    assert why in score.why


@given(st.text(alphabet="()?:;=- \nand", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    for arguments in ((text, DOMAIN, PROBLEM), (PLAN, text, PROBLEM), (PLAN, DOMAIN, text)):
        assert 0 <= _score(*arguments).value <= 1
