"""Numbers worked out: terms, long multiplication and division, fractions, percent, powers.

Owns: the exercises of arithmetic. Does not own: stories around them (``word_problems``), how
solutions are written (``solutions``).

    random numbers -> Exercise, every step computed in whole numbers or fractions
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from qvl.data.synth.maths.solutions import Exercise, written
from qvl.data.synth.picking import pick


def _whole(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _term(rng: np.random.Generator) -> Exercise:
    """Several operations in their order."""
    numbers = [_whole(rng, 2, 40) for _ in range(_whole(rng, 3, 5))]
    signs = [pick(rng, ("+", "-", "*")) for _ in numbers[1:]]
    parts: list[str] = [str(numbers[0])]
    for sign, number in zip(signs, numbers[1:], strict=True):
        parts += [sign, str(number)]
    term = " ".join(parts)
    steps = []
    tokens = list(parts)
    for level in (("*",), ("+", "-")):
        while (place := next((i for i, t in enumerate(tokens) if t in level), None)) is not None:
            left, sign, right = int(tokens[place - 1]), tokens[place], int(tokens[place + 1])
            result = left * right if sign == "*" else left + right if sign == "+" else left - right
            steps.append(f"{left} {sign} {right} = {result}")
            tokens[place - 1 : place + 2] = [str(result)]
    first = (
        f"Multiplication comes first in {term}." if "*" in signs else f"From left to right: {term}."
    )
    return Exercise(
        question=pick(rng, ("What is {}?", "Calculate {}.", "Work out {}.")).format(term),
        steps=(first, *steps),
        answer=tokens[0],
        kind="term",
    )


def _long_product(rng: np.random.Generator) -> Exercise:
    """A multiplication, digit by digit."""
    a, b = _whole(rng, 12, 999), _whole(rng, 12, 999)
    digits = [(int(d) * 10**i) for i, d in enumerate(str(b)[::-1])]
    parts = [(part, a * part) for part in digits if part][::-1]
    steps = [f"{b} = {' + '.join(str(part) for part, _ in parts)}"]
    steps += [f"{a} * {part} = {product}" for part, product in parts]
    steps.append(f"{' + '.join(str(product) for _, product in parts)} = {a * b}")
    question = pick(rng, ("What is {} * {}?", "Multiply {} by {}.", "{} times {} is what?"))
    return Exercise(
        question=question.format(a, b), steps=tuple(steps), answer=str(a * b), kind="product"
    )


def _division(rng: np.random.Generator) -> Exercise:
    """A division with remainder, digit by digit."""
    divisor, dividend = _whole(rng, 3, 25), _whole(rng, 100, 99_999)
    steps, rest = [], 0
    for digit in str(dividend):
        rest = 10 * rest + int(digit)
        if rest >= divisor:
            times = rest // divisor
            steps.append(f"{divisor} goes into {rest} {times} times, {rest - times * divisor} left")
            rest -= times * divisor
    quotient, remainder = divmod(dividend, divisor)
    steps.append(f"{quotient} * {divisor} + {remainder} = {dividend}")
    return Exercise(
        question=f"Divide {dividend} by {divisor}. Give the quotient and the remainder.",
        steps=tuple(steps),
        answer=f"{quotient} remainder {remainder}",
        kind="division",
    )


def _fractions(rng: np.random.Generator) -> Exercise:
    a, b = (Fraction(_whole(rng, 1, 11), _whole(rng, 2, 12)) for _ in range(2))
    sign = pick(rng, ("+", "-", "*", "/"))
    asked = f"{a.numerator}/{a.denominator} {sign} {b.numerator}/{b.denominator}"
    if sign == "/":  # from left to right, four numbers with three strokes would mean something else
        asked = f"({a.numerator}/{a.denominator}) / ({b.numerator}/{b.denominator})"
    if sign in "+-":
        common = math.lcm(a.denominator, b.denominator)
        top, other = int(a * common), int(b * common)
        total = top + other if sign == "+" else top - other
        result = Fraction(total, common)
        steps = [
            f"The smallest common denominator of {a.denominator} and {b.denominator} is {common}.",
            f"{top}/{common} {sign} {other}/{common} = {total}/{common}",
        ]
        unreduced = f"{total}/{common}"
    else:
        by = b if sign == "*" else 1 / b
        result = a * by
        top, bottom = a.numerator * by.numerator, a.denominator * by.denominator
        unreduced = f"{top}/{bottom}"
        steps = []
        if sign == "/":
            steps.append(
                f"Dividing by {b.numerator}/{b.denominator} is multiplying by "
                f"{by.numerator}/{by.denominator}."
            )
        steps.append(
            f"({a.numerator} * {by.numerator}) / ({a.denominator} * {by.denominator}) = {unreduced}"
        )
    if unreduced != written(result):
        steps.append(f"In lowest terms: {unreduced} = {written(result)}")
    return Exercise(
        question=f"What is {asked}? Give the result in lowest terms.",
        steps=tuple(steps),
        answer=written(result),
        kind="fractions",
    )


def _percent(rng: np.random.Generator) -> Exercise:
    share, hundredths = 5 * _whole(rng, 1, 19), _whole(rng, 2, 60)
    base = 20 * hundredths
    part = share * base // 100
    one = Fraction(base, 100)
    return Exercise(
        question=f"What is {share}% of {base}?",
        steps=(
            f"1% of {base} is {base} / 100 = {float(one):g}",
            f"{share}% is {share} * {float(one):g} = {part}",
        ),
        answer=str(part),
        kind="percent",
    )


def _divisors(rng: np.random.Generator) -> Exercise:
    """The greatest common divisor, by Euclid's algorithm."""
    factor = _whole(rng, 2, 24)
    a, b = factor * _whole(rng, 5, 40), factor * _whole(rng, 5, 40)
    a, b = max(a, b), min(a, b)
    steps, x, y = [], a, b
    while y:
        steps.append(f"{x} = {x // y} * {y} + {x % y}")
        x, y = y, x % y
    steps.append(f"Nothing is left, so the last divisor, {x}, divides both.")
    return Exercise(
        question=f"What is the greatest common divisor of {a} and {b}?",
        steps=tuple(steps),
        answer=str(x),
        kind="divisors",
    )


def _power(rng: np.random.Generator) -> Exercise:
    base, exponent = _whole(rng, 2, 12), _whole(rng, 2, 5)
    steps, value = [], base
    for _ in range(exponent - 1):
        steps.append(f"{value} * {base} = {value * base}")
        value *= base
    return Exercise(
        question=f"What is {base} to the power of {exponent}?",
        steps=(f"{base}^{exponent} = {' * '.join([str(base)] * exponent)}", *steps),
        answer=str(value),
        kind="power",
    )


def _average(rng: np.random.Generator) -> Exercise:
    count, mean = _whole(rng, 3, 6), _whole(rng, 10, 60)
    numbers = [mean + _whole(rng, -9, 9) for _ in range(count - 1)]
    numbers.append(count * mean - sum(numbers))
    shown = ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
    ordered = sorted(numbers)
    if count % 2 and rng.random() < 0.5:
        return Exercise(
            question=f"What is the median of {shown}?",
            steps=(f"In order: {', '.join(map(str, ordered))}", "The median is the middle one."),
            answer=str(ordered[count // 2]),
            kind="median",
        )
    total = " + ".join(f"({n})" if n < 0 else str(n) for n in numbers)
    return Exercise(
        question=f"What is the mean of {shown}?",
        steps=(f"{total} = {count * mean}", f"{count * mean} / {count} = {mean}"),
        answer=str(mean),
        kind="mean",
    )


ARITHMETIC: tuple[Callable[[np.random.Generator], Exercise], ...] = (
    _term, _long_product, _division, _fractions, _percent, _divisors, _power, _average,
)  # fmt: skip
