"""Questions about how values go together: over time, between series, along both axes of a scatter.

Owns: trends, changes, series against each other, chains of two steps, correlations. Does not own:
questions about single values (``value_questions``).

    View -> each of RELATION_QUESTIONS -> Turn, or None when the chart cannot answer it
"""

from itertools import pairwise

import numpy as np

from qvl.data.synth.charts.value_questions import Asker, fact
from qvl.data.synth.charts.view import CLEARLY, View, plural, ranked
from qvl.data.synth.picking import lower, pick, shuffled
from qvl.data.synth.turns import Turn

_CLEAR_CORRELATION = 0.6
"""Above it, people see a direction in a cloud of points. Source: ours; Rensink and Baldridge, The
Perception of Correlation in Scatterplots, 2010, measure that correlation is seen as less than it
is."""


def trend(rng: np.random.Generator, view: View) -> Turn | None:
    """Whether a series rises or falls from its first to its last value."""
    data = view.data
    series = int(rng.integers(len(data.series)))
    columns = view.columns(series)
    if not data.is_time or len(columns) < 3:
        return None
    first, last = columns[0], columns[-1]
    a, b = view.at(series, first), view.at(series, last)
    if not view.differ(series, a, b):
        return None
    word = "rise" if b > a else "fall"
    noun = view.noun(series)
    start, end = data.categories[first], data.categories[last]
    do = "Do" if view.is_plural(series) else "Does"
    return Turn(
        kind="trend",
        question=f"{do} the {noun} rise or fall from {start} to {end}?",
        answer=word,
        sentence=f"The {noun} {view.does(series, word)} from {start} to {end}.",
        steps=(fact(view, series, first), fact(view, series, last)),
        about={"series": series, "categories": [first, last]},
    )


def largest_change(rng: np.random.Generator, view: View) -> Turn | None:
    """Between which neighbours a series rises or falls most."""
    data = view.data
    series = int(rng.integers(len(data.series)))
    if not data.is_time or not view.is_complete(series) or len(data.categories) < 4:
        return None
    values, rises = view.values(series), bool(rng.random() < 0.5)
    changes = [(b - a) if rises else (a - b) for a, b in pairwise(values)]
    first, second = ranked(changes, highest=True)[:2]
    step = view.step(series)
    if changes[first] <= 2 * CLEARLY * step or changes[first] - changes[second] <= 2 * step:
        return None
    word = "rise" if rises else "fall"
    start, end = data.categories[first], data.categories[first + 1]
    noun, do = view.noun(series), "do" if view.is_plural(series) else "does"
    return Turn(
        kind="largest change",
        question=f"Between which two neighbouring {plural(data.category_axis)} {do} the {noun} "
        f"{word} most?",
        answer=f"{start} and {end}",
        sentence=f"The {noun} {view.does(series, word)} most between {start} and {end}.",
        steps=(fact(view, series, first), fact(view, series, first + 1)),
        about={"series": series, "rises": rises},
    )


def count_changes(rng: np.random.Generator, view: View) -> Turn | None:
    """How often a series rises or falls from one category to the next."""
    data = view.data
    series = int(rng.integers(len(data.series)))
    if not data.is_time or not view.is_complete(series) or not 4 <= len(data.categories) <= 10:
        return None
    values, rises = view.values(series), bool(rng.random() < 0.5)
    if not all(view.differ(series, a, b) for a, b in pairwise(values)):
        return None
    places = [i + 1 for i, (a, b) in enumerate(pairwise(values)) if (b > a) == rises]
    word, axis = ("rise" if rises else "fall"), data.category_axis
    noun, names = view.noun(series), [data.categories[i] for i in places]
    do = "do" if view.is_plural(series) else "does"
    times = f"{len(places)} time{'s' if len(places) != 1 else ''}"
    return Turn(
        kind="count changes",
        question=f"How many times {do} the {noun} {word} from one {axis} to the next?",
        answer=str(len(places)),
        sentence=f"The {noun} {view.does(series, word)} {times}.",
        steps=(f"A {word} leads to {', '.join(names)}." if names else f"There is no {word}.",),
        value=float(len(places)),
        about={"series": series, "rises": rises},
    )


def best_series(rng: np.random.Generator, view: View) -> Turn | None:
    """Which series has the most or the least in a category."""
    data = view.data
    count = len(data.series)
    if count < 2 or data.kind in ("combo", "box", "scatter"):
        return None
    columns = view.columns(*range(count))
    if not columns:
        return None
    category, highest = pick(rng, columns), bool(rng.random() < 0.65)
    values = [view.at(s, category) for s in range(count)]
    first, second = ranked(values, highest=highest)[:2]
    if not view.differ(first, values[first], values[second]):
        return None
    word = "highest" if highest else "lowest"
    measure = lower(data.series[0].measure)
    group = data.group_axis
    where = view.where(category)
    return Turn(
        kind="best series",
        question=f"Which {group} has the {word} {measure} {where}?",
        answer=data.series[first].name,
        sentence=f"{data.series[first].name} has the {word} {measure} {where}.",
        steps=(fact(view, first, category), fact(view, second, category)),
        about={"category": category, "highest": highest},
    )


def series_difference(rng: np.random.Generator, view: View) -> Turn | None:
    """How much more one series has than another in the same category."""
    data = view.data
    if len(data.series) < 2 or data.kind in ("combo", "box", "scatter"):
        return None
    a, b = shuffled(rng, range(len(data.series)))[:2]
    columns = view.columns(a, b)
    if not columns:
        return None
    category = pick(rng, columns)
    if view.at(a, category) < view.at(b, category):
        a, b = b, a
    first, second = (view.seen(s, view.at(s, category)) for s in (a, b))
    if not view.differ(a, view.at(a, category), view.at(b, category), by=2 * CLEARLY):
        return None
    result = round(first - second, 9)
    shown = view.show(a, result)
    names = [data.series[s].name for s in (a, b)]
    measure, where = lower(data.series[a].measure), view.where(category)
    roughly = "" if view.exact or data.kind == "radar" else "Roughly, w"
    return Turn(
        kind="series difference",
        question=f"{roughly or 'W'}hat is the difference between {names[0]} and {names[1]} "
        f"in {measure} {where}?",
        answer=shown,
        sentence=f"{names[0]} has {view.about()}{shown} more than {names[1]}.",
        steps=(
            fact(view, a, category),
            fact(view, b, category),
            f"{view.show(a, first)} - {view.show(b, second)} = {shown}.",
        ),
        value=result,
        tolerance=0.0 if data.kind == "radar" else view.step(a) + view.step(b),
        about={"series": [a, b], "category": category},
    )


def count_larger(rng: np.random.Generator, view: View) -> Turn | None:
    """In how many categories one series is above another."""
    data = view.data
    if len(data.series) < 2 or data.kind in ("combo", "box", "scatter"):
        return None
    a, b = shuffled(rng, range(len(data.series)))[:2]
    pairs = list(zip(data.series[a].values, data.series[b].values, strict=True))
    if not (view.is_complete(a) and view.is_complete(b)):
        return None
    if not all(x is not None and y is not None and view.differ(a, x, y) for x, y in pairs):
        return None
    names = [
        name
        for name, (x, y) in zip(data.categories, pairs, strict=True)
        if x is not None and y is not None and x > y
    ]
    second = data.series[b].name
    noun, verb = view.noun(a), view.verb(a)
    axis, where = view.axis, view.where_among()
    that = "those" if verb == "are" else "that"
    found = f"{len(names)} {plural(axis) if len(names) != 1 else axis}"
    return Turn(
        kind="count larger",
        question=f"{where} how many {plural(axis)} {verb} the {noun} higher than {that} of "
        f"{second}?",
        answer=str(len(names)),
        sentence=f"The {noun} {verb} higher {where.lower()} {found}.",
        steps=(f"That is so {where.lower()} {', '.join(names)}." if names else "It never is.",),
        value=float(len(names)),
        about={"series": [a, b]},
    )


def other_at_extremum(rng: np.random.Generator, view: View) -> Turn | None:
    """Two steps: where one series is highest, what the other has there."""
    data = view.data
    if len(data.series) < 2 or data.kind in ("box", "scatter"):
        return None
    a, b = shuffled(rng, range(len(data.series)))[:2]
    if not view.is_complete(a):
        return None
    values, highest = view.values(a), bool(rng.random() < 0.65)
    first, second = ranked(values, highest=highest)[:2]
    if first not in view.columns(b) or not view.differ(a, values[first], values[second]):
        return None
    seen = view.seen(b, view.at(b, first))
    word = "highest" if highest else "lowest"
    which = view.which()[0].lower() + view.which()[1:].replace("which", "the", 1)
    roughly = "" if view.exact or data.kind == "radar" else "Roughly, w"
    return Turn(
        kind="other at extremum",
        question=f"{roughly or 'W'}hat {view.verb(b)} the {view.noun(b)} {which} with the {word} "
        f"{view.noun(a)}?",
        answer=view.show(b, seen),
        sentence=fact(view, b, first),
        steps=(
            f"The {view.noun(a)} {view.verb(a)} {word} {view.where(first)}.",
            fact(view, b, first),
        ),
        value=seen,
        tolerance=0.0 if data.kind == "radar" else view.step(b),
        about={"series": [a, b], "highest": highest},
    )


def correlation(rng: np.random.Generator, view: View) -> Turn | None:
    """Whether y rises or falls with x."""
    data = view.data
    if data.kind != "scatter":
        return None
    xs = [x for row in data.series for x in row.xs]
    ys = [y for row in data.series for y in row.values if y is not None]
    r = float(np.corrcoef(xs, ys)[0, 1])
    if abs(r) < _CLEAR_CORRELATION:
        return None
    x, y = lower(data.category_axis), lower(data.series[0].measure)
    word = "increase" if r > 0 else "decrease"
    do = "do" if view.is_plural(0) else "does"
    return Turn(
        kind="correlation",
        question=f"As the {x} increases, {do} the {y} tend to increase or decrease?",
        answer=word,
        sentence=f"The {y} {view.does(0, 'tend')} to {word} as the {x} increases.",
        steps=(f"The points run from the {'lower' if r > 0 else 'upper'} left to the "
               f"{'upper' if r > 0 else 'lower'} right.",),
        about={},
    )  # fmt: skip


def count_points(rng: np.random.Generator, view: View) -> Turn | None:
    """How many points a series has, when there are few and none hides another."""
    data = view.data
    if data.kind != "scatter":
        return None
    series = int(rng.integers(len(data.series)))
    row = data.series[series]
    everything = [
        (x, y) for r in data.series for x, y in zip(r.xs, r.values, strict=True) if y is not None
    ]
    if len(row.xs) > 12 or _crowded(view, everything):
        return None
    who = f" of {row.name}" if row.name else ""
    return Turn(
        kind="count points",
        question=f"How many points{who} are there?",
        answer=str(len(row.xs)),
        sentence=f"There are {len(row.xs)} points{who}.",
        value=float(len(row.xs)),
        about={"series": series},
    )


def _crowded(view: View, points: list[tuple[float, float]]) -> bool:
    """Whether two points are closer than about the size of their marks."""
    height, width = view.drawn.pixels.shape[:2]
    across = np.array(points, float)
    spans = np.ptp(across, axis=0)
    placed = across / np.where(spans > 0, spans, 1) * np.array([width, height]) * 0.75
    gaps = np.hypot(*(placed[:, None] - placed[None]).transpose(2, 0, 1))
    gaps[np.diag_indices(len(gaps))] = np.inf
    return bool(gaps.min() < 12)


def highest_point(rng: np.random.Generator, view: View) -> Turn | None:
    """Which group has the highest or lowest point."""
    data = view.data
    if data.kind != "scatter" or len(data.series) < 2:
        return None
    highest = bool(rng.random() < 0.5)
    best = [
        (max if highest else min)(y for y in row.values if y is not None) for row in data.series
    ]
    first, second = ranked(best, highest=highest)[:2]
    if abs(best[first] - best[second]) < CLEARLY * view.step(first):
        return None
    word = "highest" if highest else "lowest"
    y = lower(data.series[0].measure)
    return Turn(
        kind="highest point",
        question=f"Which group has the point with the {word} {y}?",
        answer=data.series[first].name,
        sentence=f"The point with the {word} {y} belongs to {data.series[first].name}.",
        about={"highest": highest},
    )


RELATION_QUESTIONS: tuple[Asker, ...] = (
    trend, largest_change, count_changes, best_series, series_difference, count_larger,
    other_at_extremum, correlation, count_points, highest_point,
)  # fmt: skip
