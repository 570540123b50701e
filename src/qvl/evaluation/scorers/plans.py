"""Whether a plan can be carried out and reaches its goal, in worlds that PDDL describes.

Owns: reading PDDL's actions, first state and goal, and going through a plan step by step. Does not
own finding a plan, types of objects, costs, time.

    domain, problem -> actions, state, goal
    plan -> each step: what it needs holds -> what it changes -> does the goal hold?

Conditions are "and", "or", "not", "=" and facts; a domain with others, such as "forall", is unread.
Source: TIGER-AI-Lab/MEGA-Bench symbolic_planning.py; Fox and Long 2003 (PDDL 2.1). Differences:
that code never looks at what must not hold, so plans pass there that their domain forbids; it
tells capitals apart, which PDDL does not, and leaves out steps that are indented.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qvl.evaluation.scorers.score import Score

Node = Any
"""A word, or a list of nodes."""
Fact = tuple[str, ...]

_LONGEST = 500_000
_DEEPEST = 50
_TOKEN = re.compile(r"[()]|[^\s()]+")
_COMMENT = re.compile(r";[^\n]*")
_STEP = re.compile(r"\(([^()]+)\)")
_COSTS = frozenset(("increase", "decrease", "assign", "scale-up", "scale-down"))
_UNREAD = frozenset(("forall", "exists", "when", "imply", "preference"))


class _UnreadError(ValueError):
    """PDDL that is damaged, or that says more than is read here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Action:
    parameters: tuple[str, ...]
    needs: Node
    changes: Node


def plan_reaches_goal(*, answer: str, domain: str, problem: str) -> Score:
    """Scores 1 if every step of a plan is allowed where it stands and the goal holds at the end.

    >>> domain = '''(define (domain door) (:action open :parameters (?d)
    ... :precondition (not (is-open ?d)) :effect (and (is-open ?d) (not (is-shut ?d)))))'''
    >>> problem = "(define (problem p) (:init (is-shut a)) (:goal (and (is-open a))))"
    >>> plan_reaches_goal(answer="(open a)", domain=domain, problem=problem).value
    1.0
    >>> plan_reaches_goal(answer="(open a)\\n(open a)", domain=domain, problem=problem).why
    "step 2, 'open a', is not allowed there"

    Args:
        answer: a step a line in brackets; other lines are left out.
        domain: PDDL with the actions.
        problem: PDDL with the first state and the goal.
    """
    steps = [
        line.strip()
        for line in _COMMENT.sub("", answer[:_LONGEST].lower()).splitlines()
        if line.strip().startswith("(")
    ]
    try:
        actions, (state, goal) = _actions(domain), _task(problem)
        for number, step in enumerate(steps, 1):
            written = _STEP.fullmatch(step)
            name, *objects = written.group(1).split() or [""] if written else [""]
            action = actions.get(name)
            if action is None or len(objects) != len(action.parameters):
                return Score(value=0.0, why=f"step {number} is no action: {step[:80]!r}")
            bound = dict(zip(action.parameters, objects, strict=True))
            if not _holds(action.needs, state, bound):
                shown = " ".join((name, *objects))[:80]
                return Score(value=0.0, why=f"step {number}, {shown!r}, is not allowed there")
            gone, new = _changes(action.changes, bound)
            state = (state - gone) | new
        if _holds(goal, state, {}):
            return Score(value=1.0, why=f"{len(steps)} steps reach the goal")
    except _UnreadError as error:
        return Score(value=0.0, why=f"the task is not read: {error}", is_parsed=False)
    return Score(value=0.0, why=f"{len(steps)} steps, the goal is not reached")


def _read(text: str) -> list[Node]:
    """The parts of a definition, "(define ...)", with names in small letters."""
    if len(text) > _LONGEST:
        raise _UnreadError(f"{len(text)} characters of PDDL")
    stack: list[list[Node]] = [[]]
    for token in _TOKEN.findall(_COMMENT.sub("", text.lower())):
        if token == "(":
            stack.append([])
            if len(stack) > _DEEPEST:
                raise _UnreadError("brackets are nested too deep")
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) == 1:
            raise _UnreadError("a bracket closes that none opened")
        else:
            node = stack.pop()
            stack[-1].append(node)
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise _UnreadError("PDDL is one definition in brackets")
    return stack[0][0]


def _parts(text: str, kind: str) -> list[list[Node]]:
    return [node for node in _read(text) if isinstance(node, list) and node[:1] == [kind]]


def _actions(domain: str) -> dict[str, _Action]:
    found = {}
    for _, *rest in _parts(domain, ":action"):
        if len(rest) % 2 == 0 or not isinstance(rest[0], str):
            raise _UnreadError("an action has no name")
        given = dict(zip(map(str, rest[1::2]), rest[2::2], strict=True))
        found[rest[0]] = _Action(
            parameters=tuple(
                word
                for word in given.get(":parameters", ())
                if isinstance(word, str) and word.startswith("?")
            ),
            needs=given.get(":precondition", []),
            changes=given.get(":effect", []),
        )
    if not found:
        raise _UnreadError("the domain has no actions")
    return found


def _task(problem: str) -> tuple[frozenset[Fact], Node]:
    first, goals = _parts(problem, ":init"), _parts(problem, ":goal")
    if len(first) != 1 or len(goals) != 1 or len(goals[0]) != 2:
        raise _UnreadError("the problem has no first state or no goal")
    facts = [node for node in first[0][1:] if node[:1] != ["="]]
    return frozenset(_fact(node, {}) for node in facts), goals[0][1]


def _fact(node: Node, bound: Mapping[str, str]) -> Fact:
    if not isinstance(node, list) or not node or not all(isinstance(word, str) for word in node):
        raise _UnreadError(f"{str(node)[:60]} is no fact")
    if node[0] in _UNREAD:
        raise _UnreadError(f"it has {node[0]!r}")
    return tuple(bound.get(word, word) for word in node)


def _holds(node: Node, state: frozenset[Fact], bound: Mapping[str, str]) -> bool:
    head, inner = _head(node)
    if head in ("and", ""):
        return all(_holds(part, state, bound) for part in inner)
    if head == "or":
        return any(_holds(part, state, bound) for part in inner)
    if head == "not" and len(inner) == 1:
        return not _holds(inner[0], state, bound)
    fact = _fact(node, bound)
    return len(set(fact[1:])) == 1 if head == "=" else fact in state


def _changes(node: Node, bound: Mapping[str, str]) -> tuple[set[Fact], set[Fact]]:
    """Facts that hold no more, and those that do now; what is both holds."""
    head, inner = _head(node)
    gone: set[Fact] = set()
    new: set[Fact] = set()
    if head in ("and", ""):
        for part in inner:
            ended, began = _changes(part, bound)
            gone |= ended
            new |= began
    elif head == "not" and len(inner) == 1:
        gone.add(_fact(inner[0], bound))
    elif head not in _COSTS:
        new.add(_fact(node, bound))
    return gone, new


def _head(node: Node) -> tuple[str, Sequence[Node]]:
    """What a condition is, and its parts; an empty one asks for nothing."""
    if node == []:
        return "", ()
    if not isinstance(node, list) or not isinstance(node[0], str):
        raise _UnreadError(f"{str(node)[:60]} is no condition")
    if node[0] in _UNREAD:
        raise _UnreadError(f"it has {node[0]!r}")
    return node[0], node[1:]
