"""Unknowns: linear and quadratic equations, systems, sequences, functions.

Owns: the exercises of algebra. Does not own: how solutions are written (``solutions``).

    chosen solution -> equation that has it -> steps back -> Exercise
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from qvl.data.synth.maths.solutions import Exercise, signed
from qvl.data.synth.picking import pick

_UNKNOWNS = ("x", "y", "n", "t")


def _whole(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _nonzero(rng: np.random.Generator, most: int) -> int:
    value = _whole(rng, 1, most)
    return value if rng.random() < 0.5 else -value


def times(factor: int, name: str) -> str:
    """A multiple of an unknown: "x", "-x", "3x"."""
    return {1: name, -1: f"-{name}"}.get(factor, f"{factor}{name}")


def _linear(rng: np.random.Generator) -> Exercise:
    """a x + b = c x + d."""
    name, solution = pick(rng, _UNKNOWNS), _whole(rng, -12, 12)
    a = _whole(rng, 2, 12)
    c = _whole(rng, 1, a - 1) if rng.random() < 0.6 else 0
    b = _nonzero(rng, 30)
    d = (a - c) * solution + b
    right = f"{times(c, name)} {signed(d)}" if c else str(d)
    steps = []
    if c:
        left = f"{times(a - c, name)} {signed(b)}"
        steps.append(f"Subtract {times(c, name)} from both sides: {left} = {d}")
    verb = "Subtract" if b > 0 else "Add"
    way = "from" if b > 0 else "to"
    steps.append(f"{verb} {abs(b)} {way} both sides: {times(a - c, name)} = {d - b}")
    if a - c != 1:
        steps.append(f"Divide both sides by {a - c}: {name} = {solution}")
    return Exercise(
        question=f"Solve {times(a, name)} {signed(b)} = {right} for {name}.",
        steps=tuple(steps),
        answer=f"{name} = {solution}",
        kind="linear",
    )


def _quadratic(rng: np.random.Generator) -> Exercise:
    """x^2 + p x + q = 0 with whole roots."""
    one, other = sorted((_whole(rng, -12, 12), _whole(rng, -12, 12)))
    p, q = -(one + other), one * other
    middle = "" if p == 0 else f" {signed(p)}x" if abs(p) != 1 else (" + x" if p > 0 else " - x")
    end = "" if q == 0 else f" {signed(q)}"
    factors = " ".join(f"(x {signed(-root)})" if root else "(x)" for root in (one, other))
    answer = f"x = {one}" if one == other else f"x = {one} or x = {other}"
    return Exercise(
        question=f"Solve x^2{middle}{end} = 0.",
        steps=(
            f"Find two numbers with the sum {-p} and the product {q}: {one} and {other}.",
            f"So the left side is {factors}.",
            "A product is 0 when one of its factors is 0.",
        ),
        answer=answer,
        kind="quadratic",
    )


def _system(rng: np.random.Generator) -> Exercise:
    """Two equations, by adding multiples of them."""
    while True:
        x, y = _whole(rng, -9, 9), _whole(rng, -9, 9)
        a, b, c, d = (_nonzero(rng, 6) for _ in range(4))
        if a * d - b * c:
            break
    e, f = a * x + b * y, c * x + d * y

    def row(p: int, q: int, r: int) -> str:
        return f"{times(p, 'x')} {'+' if q > 0 else '-'} {times(abs(q), 'y')} = {r}"

    determinant = a * d - b * c
    steps = (
        f"Multiply the first equation by {d} and the second by {b}, so that y has the factor "
        f"{b * d} in both.",
        f"Subtract them: {a * d - b * c}x = {d * e - b * f}, so x = {x}",
        f"Put x into the first equation: {a * x} {'+' if b > 0 else '-'} {times(abs(b), 'y')} = {e}"
        f", so y = {y}",
    )
    assert determinant * x == d * e - b * f
    return Exercise(
        question=f"Solve the system of equations: {row(a, b, e)} and {row(c, d, f)}.",
        steps=steps,
        answer=f"x = {x}, y = {y}",
        kind="system",
    )


def _sequence(rng: np.random.Generator) -> Exercise:
    """The next number of a sequence whose rule the steps name."""
    form = _whole(rng, 0, 3)
    start = _whole(rng, 1, 20)
    if form == 0:
        step = _nonzero(rng, 15)
        numbers = [start + i * step for i in range(6)]
        rule = f"Each number is the one before {signed(step)}."
    elif form == 1:
        factor = _whole(rng, 2, 4)
        numbers = [start * factor**i for i in range(6)]
        rule = f"Each number is {factor} times the one before."
    elif form == 2:
        step = _whole(rng, 1, 5)
        numbers = [start + step * i * (i + 1) // 2 for i in range(6)]
        gaps = ", ".join(str(b - a) for a, b in pairwise(numbers))
        rule = f"The differences are {gaps}: each is {step} more than the one before."
    else:
        numbers = [start, _whole(rng, 1, 20)]
        while len(numbers) < 7:
            numbers.append(numbers[-1] + numbers[-2])
        rule = "Each number is the sum of the two before it."
    shown = ", ".join(map(str, numbers[:-1]))
    return Exercise(
        question=f"What is the next number of the sequence {shown}, ...?",
        steps=(rule, f"So after {numbers[-2]} comes {numbers[-1]}."),
        answer=str(numbers[-1]),
        kind="sequence",
    )


def _function(rng: np.random.Generator) -> Exercise:
    """The value of a function at a place."""
    a, b, c = _nonzero(rng, 5), _nonzero(rng, 9), _nonzero(rng, 20)
    at = _whole(rng, -6, 6)
    value = a * at * at + b * at + c
    place = f"({at})" if at < 0 else str(at)
    form = f"{times(a, 'x^2')} {'+' if b > 0 else '-'} {times(abs(b), 'x')} {signed(c)}"
    return Exercise(
        question=f"Let f(x) = {form}. What is f({at})?",
        steps=(
            f"{place}^2 = {at * at}",
            f"{a} * {at * at} = {a * at * at}",
            f"{b} * {place} = {b * at}",
            f"{a * at * at} {signed(b * at)} {signed(c)} = {value}",
        ),
        answer=str(value),
        kind="function",
    )


ALGEBRA: tuple[Callable[[np.random.Generator], Exercise], ...] = (
    _linear, _quadratic, _system, _sequence, _function,
)  # fmt: skip
