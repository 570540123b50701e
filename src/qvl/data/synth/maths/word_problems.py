"""Arithmetic in everyday stories.

Owns: the stories. Does not own: how solutions are written (``solutions``).

    names and numbers -> story with a question -> steps in words and numbers -> Exercise
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from qvl.data.synth.maths.solutions import Exercise, money
from qvl.data.synth.picking import pick, shuffled

NAMES = (
    "Ann", "Ben", "Carla", "David", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jun", "Kofi",
    "Lena", "Mei", "Nadia", "Omar", "Priya", "Rosa", "Sam", "Tariq", "Yuki",
)  # fmt: skip

_GOODS = (
    ("pencil", 20, 150), ("notebook", 150, 600), ("apple", 30, 120), ("cup of tea", 150, 450),
    ("bus ticket", 120, 380), ("sandwich", 250, 800), ("candle", 100, 500), ("ball", 200, 900),
)  # fmt: skip
"""Thing, least and most price in cents."""
_PLURALS = {"cup of tea": "cups of tea", "sandwich": "sandwiches"}


def _whole(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _several(count: int, thing: str) -> str:
    return f"{count} {thing if count == 1 else _PLURALS.get(thing, thing + 's')}"


def _shopping(rng: np.random.Generator) -> Exercise:
    name = pick(rng, NAMES)
    goods = shuffled(rng, _GOODS)[: _whole(rng, 1, 3)]
    rows = [
        (thing, _whole(rng, 1, 8), 5 * _whole(rng, low // 5, high // 5))
        for thing, low, high in goods
    ]
    total = sum(count * price for _, count, price in rows)
    paid = next(note * 100 for note in (5, 10, 20, 50, 100, 200) if note * 100 > total)
    bought = [
        f"{_several(count, thing)} at {money(price)}{' each' if count > 1 else ''}"
        for thing, count, price in rows
    ]
    basket = bought[0] if len(bought) == 1 else f"{', '.join(bought[:-1])} and {bought[-1]}"
    steps = [
        f"{_several(count, thing)}: {count} * {money(price)} = {money(count * price)}"
        for thing, count, price in rows
    ]
    if len(rows) > 1:
        terms = " + ".join(money(count * price) for _, count, price in rows)
        steps.append(f"Together: {terms} = {money(total)}")
    steps.append(f"Change: {money(paid)} - {money(total)} = {money(paid - total)}")
    return Exercise(
        question=f"{name} buys {basket} and pays with {money(paid)}. How much change is given?",
        steps=tuple(steps),
        answer=money(paid - total),
        kind="shopping",
    )


def _journey(rng: np.random.Generator) -> Exercise:
    name, speed = pick(rng, NAMES), 10 * _whole(rng, 2, 12)
    half_hours = _whole(rng, 2, 11)
    distance = speed * half_hours // 2
    hours = f"{half_hours / 2:g}"
    taken = f"{hours} hour{'s' if half_hours != 2 else ''}"
    if rng.random() < 0.5:
        return Exercise(
            question=f"{name} drives {taken} at {speed} km/h. How far is that?",
            steps=("Distance is speed times time.", f"{speed} * {hours} = {distance}"),
            answer=f"{distance} km",
            kind="journey",
        )
    return Exercise(
        question=f"{name} drives {distance} km at {speed} km/h. How many hours does it take?",
        steps=("Time is distance divided by speed.", f"{distance} / {speed} = {hours}"),
        answer=taken,
        kind="journey",
    )


def _sharing(rng: np.random.Generator) -> Exercise:
    children, each = _whole(rng, 3, 12), _whole(rng, 2, 15)
    left = _whole(rng, 0, children - 1)
    total = children * each + left
    thing = pick(rng, ("sweets", "marbles", "cards", "stickers", "nuts"))
    return Exercise(
        question=f"{total} {thing} are shared equally among {children} children. How many does "
        "each child get, and how many are left over?",
        steps=(
            f"{total} / {children} = {each} with {left} left",
            f"Check: {children} * {each} + {left} = {total}",
        ),
        answer=f"{each} each, {left} left over",
        kind="sharing",
    )


def _ages(rng: np.random.Generator) -> Exercise:
    one, other = shuffled(rng, NAMES)[:2]
    age, factor, years = _whole(rng, 4, 15), _whole(rng, 2, 4), _whole(rng, 2, 12)
    total = age + factor * age + 2 * years
    return Exercise(
        question=f"{one} is {factor} times as old as {other}. In {years} years they will be "
        f"{total} years old together. How old is {other} now?",
        steps=(
            f"In {years} years both are {years} older, so now they are {total} - {2 * years} = "
            f"{total - 2 * years} together.",
            f"That is {factor} + 1 = {factor + 1} times the age of {other}.",
            f"{total - 2 * years} / {factor + 1} = {age}",
        ),
        answer=f"{age} years",
        kind="ages",
    )


def _discount(rng: np.random.Generator) -> Exercise:
    percent, price = 5 * _whole(rng, 1, 12), 20 * _whole(rng, 1, 30)
    off = percent * price // 100
    thing = pick(rng, ("coat", "bicycle", "lamp", "table", "phone", "guitar"))
    return Exercise(
        question=f"A {thing} costs ${price}. It is reduced by {percent}%. What does it cost now?",
        steps=(f"{percent}% of {price} is {off}", f"{price} - {off} = {price - off}"),
        answer=f"${price - off}",
        kind="discount",
    )


def _clock(rng: np.random.Generator) -> Exercise:
    start, minutes = 5 * _whole(rng, 72, 240), 5 * _whole(rng, 3, 70)
    end = (start + minutes) % 1440
    thing = pick(rng, ("film", "train ride", "lesson", "flight", "concert", "match"))
    begins, ends = (f"{t // 60:02d}:{t % 60:02d}" for t in (start, end))
    to_full = -start % 60
    steps = []
    if 0 < to_full <= minutes:
        full = start + to_full
        steps.append(f"From {begins} to {full // 60 % 24:02d}:00 it is {to_full} minutes.")
        rest = minutes - to_full
        steps.append(
            f"{minutes} - {to_full} = {rest} minutes are left: {rest // 60} h {rest % 60} min."
        )
    else:
        steps.append(f"{minutes} minutes are {minutes // 60} h {minutes % 60} min.")
    steps.append(f"So it ends at {ends}.")
    return Exercise(
        question=f"A {thing} begins at {begins} and takes {minutes} minutes. When does it end?",
        steps=tuple(steps),
        answer=ends,
        kind="clock",
    )


def _work(rng: np.random.Generator) -> Exercise:
    workers, days, factor = _whole(rng, 2, 6), _whole(rng, 3, 12), _whole(rng, 2, 4)
    thing = pick(rng, ("a wall", "a fence", "a road", "a garden"))
    total = workers * factor * days
    return Exercise(
        question=f"{workers * factor} workers build {thing} in {days} days. At the same pace, how "
        f"many days do {workers} workers need?",
        steps=(
            f"The whole work is {workers * factor} * {days} = {total} days of one worker.",
            f"{total} / {workers} = {total // workers}",
        ),
        answer=f"{total // workers} days",
        kind="work",
    )


def _chance(rng: np.random.Generator) -> Exercise:
    colours = shuffled(rng, ("red", "blue", "green", "white"))[:3]
    counts = [_whole(rng, 1, 9) for _ in colours]
    total = sum(counts)
    share = Fraction(counts[0], total)
    listed = ", ".join(f"{n} {c}" for n, c in zip(counts[:-1], colours[:-1], strict=True))
    steps = [
        f"There are {' + '.join(map(str, counts))} = {total} balls.",
        f"{counts[0]} of {total}",
    ]
    if str(share) != f"{counts[0]}/{total}":
        steps.append(f"In lowest terms: {counts[0]}/{total} = {share}")
    return Exercise(
        question=f"A bag holds {listed} and {counts[-1]} {colours[-1]} balls. One is drawn without "
        f"looking. What is the probability that it is {colours[0]}?",
        steps=tuple(steps),
        answer=str(share),
        kind="chance",
    )


WORD_PROBLEMS: tuple[Callable[[np.random.Generator], Exercise], ...] = (
    _shopping, _journey, _sharing, _ages, _discount, _clock, _work, _chance,
)  # fmt: skip
