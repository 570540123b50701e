"""Questions whose answers are computed from the values of a chart.

Owns: the kinds of questions and their answers, explanations included. Does not own: what can be
read (``view``), questions about looks (``look_questions``), choosing among them (``samples``).

    View -> each of VALUE_QUESTIONS -> Turn, or None when the chart cannot answer it
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from qvl.data.synth.charts.view import CLEARLY, View, plural, ranked
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.turns import Turn

Asker = Callable[[np.random.Generator, View], Turn | None]
_MOST_ADDED = 6
"""More numbers than this are not added up in the head."""


def _a_series(rng: np.random.Generator, view: View) -> int:
    return int(rng.integers(len(view.data.series)))


def _complete_series(rng: np.random.Generator, view: View) -> int | None:
    """A series all of whose values can be read."""
    fitting = [s for s in range(len(view.data.series)) if view.is_complete(s)]
    return pick(rng, fitting) if fitting else None


def _two_columns(rng: np.random.Generator, view: View, series: int) -> tuple[int, int] | None:
    columns = view.columns(series)
    if len(columns) < 2:
        return None
    first, second = shuffled(rng, columns)[:2]
    return first, second


def fact(view: View, series: int, category: int) -> str:
    """What a mark says, as a sentence."""
    value = view.seen(series, view.at(series, category))
    shown = view.show(series, value)
    verb = view.verb(series)
    return f"The {view.noun(series)} {view.where(category)} {verb} {view.about()}{shown}."


def value(rng: np.random.Generator, view: View) -> Turn | None:
    """What a mark says."""
    series = _a_series(rng, view)
    columns = view.columns(series)
    if not columns:
        return None
    category = pick(rng, columns)
    seen = view.seen(series, view.at(series, category))
    noun, where = view.noun(series), view.where(category)
    question = (
        f"What is the {noun} {where}?" if view.exact else f"Roughly, what is the {noun} {where}?"
    )
    if view.data.kind == "histogram":
        question = f"{'' if view.exact else 'Roughly, '}what is the {noun} {where}?".capitalize()
    return Turn(
        kind="value",
        question=question,
        answer=view.show(series, seen),
        sentence=fact(view, series, category),
        value=seen,
        tolerance=view.step(series) if view.data.kind != "radar" else 0.0,
        about={"series": series, "category": category},
    )


def extremum(rng: np.random.Generator, view: View) -> Turn | None:
    """Which category has the most or the least."""
    series = _complete_series(rng, view)
    if series is None:
        return None
    values, highest = view.values(series), bool(rng.random() < 0.65)
    first, second = ranked(values, highest=highest)[:2]
    if not view.differ(series, values[first], values[second]):
        return None
    name, word = view.data.categories[first], "highest" if highest else "lowest"
    noun = view.noun(series)
    return Turn(
        kind="extremum",
        question=f"{view.which()} {view.verb(series)} the {noun} {word}?",
        answer=name,
        sentence=f"The {noun} {view.verb(series)} {word} {view.where(first)}.",
        steps=(fact(view, series, first), fact(view, series, second)),
        about={"series": series, "highest": highest},
    )


def rank(rng: np.random.Generator, view: View) -> Turn | None:
    """Which category comes second or third."""
    series = _complete_series(rng, view)
    if series is None or len(view.data.categories) < 4:
        return None
    values, highest = view.values(series), bool(rng.random() < 0.7)
    order, place = ranked(values, highest=highest), int(rng.integers(1, 3))
    around = [values[i] for i in order[: place + 2]]
    if not all(view.differ(series, a, b) for a, b in pairwise(around)):
        return None
    word = f"{('second', 'third')[place - 1]} {'highest' if highest else 'lowest'}"
    noun = view.noun(series)
    return Turn(
        kind="rank",
        question=f"{view.which()} {view.verb(series)} the {noun} the {word}?",
        answer=view.data.categories[order[place]],
        sentence=f"The {noun} {view.verb(series)} the {word} {view.where(order[place])}.",
        steps=tuple(fact(view, series, i) for i in order[: place + 1]),
        about={"series": series, "highest": highest, "place": place},
    )


def compare(rng: np.random.Generator, view: View) -> Turn | None:
    """Which of two is larger."""
    series = _a_series(rng, view)
    pair = _two_columns(rng, view, series)
    if pair is None:
        return None
    a, b = pair
    if not view.differ(series, view.at(series, a), view.at(series, b)):
        return None
    names = view.data.categories
    more = a if view.at(series, a) > view.at(series, b) else b
    noun = view.noun(series)
    return Turn(
        kind="compare",
        question=f"{view.verb(series).capitalize()} the {noun} higher {view.where(a)} or "
        f"{view.where(b)}?",
        answer=names[more],
        sentence=f"The {noun} {view.verb(series)} higher {view.where(more)}.",
        steps=(fact(view, series, a), fact(view, series, b)),
        about={"series": series, "categories": [a, b]},
    )


def difference(rng: np.random.Generator, view: View) -> Turn | None:
    """How much more one is than another."""
    series = _a_series(rng, view)
    pair = _two_columns(rng, view, series)
    if pair is None:
        return None
    a, b = sorted(pair, key=lambda i: view.at(series, i), reverse=True)
    if not view.differ(series, view.at(series, a), view.at(series, b), by=2 * CLEARLY):
        return None
    first, second = (view.seen(series, view.at(series, i)) for i in (a, b))
    result = round(first - second, 9)
    shown = view.show(series, result)
    noun, verb = view.noun(series), view.verb(series)
    roughly = "H" if _printed(view) else "Roughly, h"
    return Turn(
        kind="difference",
        question=f"{roughly}ow much higher {verb} the {noun} {view.where(a)} than {view.where(b)}?",
        answer=shown,
        sentence=f"It is {view.about()}{shown} higher.",
        steps=(
            fact(view, series, a),
            fact(view, series, b),
            f"{view.show(series, first)} - {view.show(series, second)} = {shown}.",
        ),
        value=result,
        tolerance=0.0 if view.data.kind == "radar" else 2 * view.step(series),
        about={"series": series, "categories": [a, b]},
    )


def ratio(rng: np.random.Generator, view: View) -> Turn | None:
    """How many times as large one is as another."""
    series = _a_series(rng, view)
    pair = _two_columns(rng, view, series)
    if pair is None:
        return None
    a, b = sorted(pair, key=lambda i: view.at(series, i), reverse=True)
    first, second = (view.seen(series, view.at(series, i)) for i in (a, b))
    step = view.step(series)
    if second <= 12 * step or second <= 0 or first < 1.3 * second or first > 40 * second:
        return None
    result = round(first / second, 1)
    noun, verb = view.noun(series), view.verb(series)
    return Turn(
        kind="ratio",
        question=f"How many times as high {verb} the {noun} {view.where(a)} as {view.where(b)}? "
        "Give one decimal.",
        answer=f"{result:.1f}",
        sentence=f"It is {view.about()}{result:.1f} times as high.",
        steps=(
            fact(view, series, a),
            fact(view, series, b),
            f"{view.show(series, first)} / {view.show(series, second)} is about {result:.1f}.",
        ),
        value=result,
        # The worst that reading both off by one step does, and what rounding does.
        tolerance=round((first + step) / (second - step) - first / second + 0.05, 3),
        about={"series": series, "categories": [a, b]},
    )


def _printed(view: View) -> bool:
    return view.exact or view.data.kind == "radar"


def total(rng: np.random.Generator, view: View) -> Turn | None:
    """The sum of a few values, of a series or of a category."""
    data = view.data
    if not _printed(view) or not data.series[0].is_additive or data.kind in ("combo", "box"):
        return None
    if len(data.series) > 1 and rng.random() < 0.6:
        return _total_of_category(rng, view)
    series = _a_series(rng, view)
    columns = view.columns(series)
    if len(columns) < 2:
        return None
    chosen = sorted(shuffled(rng, columns)[: int(rng.integers(2, 4))])
    values = [view.at(series, i) for i in chosen]
    names = [data.categories[i] for i in chosen]
    result = round(sum(values), 9)
    shown = view.show(series, result)
    noun = view.noun(series)
    return Turn(
        kind="sum",
        question=f"What is the total {noun} for {', '.join(names[:-1])} and {names[-1]}?",
        answer=shown,
        sentence=f"The total is {shown}.",
        steps=(
            *(fact(view, series, i) for i in chosen),
            f"{_plus(view, series, values)} = {shown}.",
        ),
        value=result,
        about={"cells": [[series, i] for i in chosen]},
    )


def _plus(view: View, series: int, values: list[float]) -> str:
    return " + ".join(view.data.series[series].unit.number(value) for value in values)


def _total_of_category(rng: np.random.Generator, view: View) -> Turn | None:
    """Over all series, such as the height of a stack."""
    data = view.data
    count = len(data.series)
    columns = view.columns(*range(count))
    if not columns or count > _MOST_ADDED:
        return None
    category = pick(rng, columns)
    values = [view.at(s, category) for s in range(count)]
    result = round(sum(values), 9)
    shown = view.show(0, result)
    measure = view.noun(0).removesuffix(f" of {data.series[0].name}")
    groups, where = plural(data.group_axis), view.where(category)
    facts = [fact(view, s, category) for s in range(count)]
    return Turn(
        kind="sum",
        question=f"What is the total {measure} of all {groups} {where}?",
        answer=shown,
        sentence=f"All {groups} together have {shown}.",
        steps=(*facts, f"{_plus(view, 0, values)} = {shown}."),
        value=result,
        about={"cells": [[s, category] for s in range(count)]},
    )


def mean(rng: np.random.Generator, view: View) -> Turn | None:
    """The average of a series."""
    data = view.data
    if data.kind in ("pie", "donut", "histogram", "box") or data.title == "Correlation matrix":
        return None
    series = _complete_series(rng, view)
    if not _printed(view) or series is None or len(data.categories) > _MOST_ADDED:
        return None
    values, unit = view.values(series), data.series[series].unit
    decimals = min(2, unit.decimals + 1)
    result = round(sum(values) / len(values), decimals)
    finer = type(unit)(name=unit.name, before=unit.before, after=unit.after, decimals=decimals)
    noun = view.noun(series).removeprefix("average ")
    places = "decimal" if decimals == 1 else "decimals"
    return Turn(
        kind="mean",
        question=f"What is the average {noun} over all {plural(data.category_axis)}? "
        f"Give {decimals} {places}.",
        answer=finer.show(result),
        sentence=f"The average is {finer.show(result)}.",
        steps=(
            f"The values are {', '.join(unit.number(value) for value in values)}.",
            f"They add up to {unit.number(sum(values))}.",
            f"{unit.number(sum(values))} / {len(values)} is {finer.show(result)}.",
        ),
        value=result,
        tolerance=round(0.5 * 10**-decimals, 6),
        about={"series": series, "decimals": decimals},
    )


def count_above(rng: np.random.Generator, view: View) -> Turn | None:
    """How many categories are above or below a threshold that no value is near."""
    series = _complete_series(rng, view)
    if series is None:
        return None
    values = sorted(view.values(series))
    step = view.step(series)
    gaps = [(a, b) for a, b in pairwise(values) if b - a > 2 * step + 1e-9]
    if not gaps:
        return None
    low, high = pick(rng, gaps)
    threshold = _round_between(low + step, high - step)
    above = bool(rng.random() < 0.6)
    result = sum(v > threshold if above else v < threshold for v in values)
    word, noun = "above" if above else "below", view.noun(series)
    shown = _exactly(view, series, threshold)
    matching = [
        name
        for name, v in zip(view.data.categories, view.data.series[series].values, strict=True)
        if v is not None and (v > threshold if above else v < threshold)
    ]
    axis, where, verb = view.axis, view.where_among(), view.verb(series)
    found = f"{result} {plural(axis) if result != 1 else axis}"
    return Turn(
        kind="count",
        question=f"{where} how many {plural(axis)} {verb} the {noun} {word} {shown}?",
        answer=str(result),
        sentence=f"The {noun} {verb} {word} {shown} {where.lower()} {found}.",
        steps=(f"{word.capitalize()} {shown} are {', '.join(matching)}.", f"That makes {result}."),
        value=float(result),
        about={"series": series, "threshold": threshold, "above": above},
    )


def _round_between(low: float, high: float) -> float:
    """The roundest number strictly between two.

    >>> _round_between(18.0, 33.0), _round_between(0.42, 0.44)
    (20.0, 0.43)
    """
    for digits in range(-8, 10):
        unit = 10.0**-digits
        candidate = round((np.floor(low / unit) + 1) * unit, 10)
        if low < candidate < high:
            return float(candidate)
    return (low + high) / 2


def _exactly(view: View, series: int, value: float) -> str:
    """A threshold with all its digits."""
    unit = view.data.series[series].unit
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"{unit.before}{text}{unit.after}"


def spread(rng: np.random.Generator, view: View) -> Turn | None:
    """Highest minus lowest: find both, then subtract."""
    series = _complete_series(rng, view)
    if series is None or view.data.kind == "histogram":
        return None
    values = view.values(series)
    tops, bottoms = ranked(values, highest=True), ranked(values, highest=False)
    first, second = view.seen(series, values[tops[0]]), view.seen(series, values[bottoms[0]])
    if not view.differ(series, first, second, by=2 * CLEARLY):
        return None
    result = round(first - second, 9)
    shown = view.show(series, result)
    noun = view.noun(series)
    return Turn(
        kind="spread",
        question=f"What is the difference between the highest and the lowest {noun}?",
        answer=shown,
        sentence=f"The difference is {view.about()}{shown}.",
        steps=(
            f"The highest is {view.about()}{view.show(series, first)}{_only(view, series, tops)}.",
            f"The lowest is {view.about()}{view.show(series, second)}"
            f"{_only(view, series, bottoms)}.",
            f"{view.show(series, first)} - {view.show(series, second)} = {shown}.",
        ),
        value=result,
        tolerance=0.0 if view.data.kind == "radar" else 2 * view.step(series),
        about={"series": series},
    )


def _only(view: View, series: int, order: list[int]) -> str:
    """Where the first of an order stands, unless the next could be taken for it."""
    values = view.values(series)
    if not view.differ(series, values[order[0]], values[order[1]]):
        return ""
    return f" {view.where(order[0])}"


VALUE_QUESTIONS: tuple[Asker, ...] = (
    value, extremum, rank, compare, difference, ratio, total, mean, count_above, spread,
)  # fmt: skip
