"""Invents what a chart shows: a topic, its categories, and values that look measured.

Owns: forms of data, correlations, distributions, missing values, titles. Does not own: the lists of
topics (``topics``), plain rows of numbers (``values``), how a chart looks (``styles``).

    kind -> invent(rng, kind) -> ChartData
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from qvl.data.synth.charts.records import FIVE_NUMBERS, ChartData, Kind, Series, Unit
from qvl.data.synth.charts.topics import (
    ABILITIES,
    MEASURED,
    PAIRS,
    SHARES,
    TIMES,
    TOPICS,
    YEAR,
    Dimension,
    Measure,
    Topic,
)
from qvl.data.synth.charts.values import (
    entity_values,
    labels_of,
    rounded,
    shares_of_100,
    time_values,
)
from qvl.data.synth.picking import lower, pick

_PERCENT = Unit(name="%", after="%")
_POINTS = Unit()
_GAP_SHARE = 0.12
"""Of charts over time, those that miss values."""


def invent(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Returns data for a chart of a kind."""
    return _INVENTORS[kind](rng, kind)


def _topic(rng: np.random.Generator) -> tuple[Topic, Measure]:
    topic = pick(rng, TOPICS)
    return topic, pick(rng, topic.measures)


def _plain_dimension(rng: np.random.Generator, topic: Topic) -> Dimension:
    return pick(rng, [d for d in topic.dimensions if not d.is_time] or topic.dimensions)


def _time_dimension(rng: np.random.Generator) -> Dimension:
    return TIMES[int(rng.choice(len(TIMES), p=[0.4, 0.25, 0.15, 0.05, 0.08, 0.07]))]


def _season(dimension: Dimension) -> int:
    return {"month": 12, "quarter": 4, "date": 7}.get(dimension.name, 0)


def _title(
    rng: np.random.Generator, measure: str, axis: str, labels: Sequence[str], groups: str = ""
) -> str:
    """Says what is shown; now and then there is none."""
    over_time = any(axis == time.name for time in TIMES)
    rows = f" by {groups}" if groups else ""
    if axis == "year" and rng.random() < 0.6:
        return f"{measure}{rows}{pick(rng, (', ', ' '))}{labels[0]}–{labels[-1]}"
    if over_time and rng.random() < 0.6:
        text = f"{measure}{rows} over time" if axis != "day" else f"{measure}{rows} in a week"
    else:
        text = f"{measure} by {axis}" + (f" and {groups}" if groups else "")
    form = rng.random()
    if form < 0.3 and not over_time:
        return f"{text}, {int(rng.integers(2012, 2027))}"
    if form < 0.4:
        return f"Figure {int(rng.integers(1, 9))}: {text}"
    if form < 0.5:
        return text.upper() if len(text) < 36 else text
    if form < 0.58 and not over_time and not groups and not measure.startswith("Distribution"):
        return f"Which {axis} has the highest {lower(measure)}?"
    return text


def _one_row(rng: np.random.Generator, kind: Kind) -> ChartData:
    """One series over things or over time."""
    topic, measure = _topic(rng)
    over_time = kind in ("line", "area") or (kind == "bar" and rng.random() < 0.35)
    if over_time:
        dimension = _time_dimension(rng)
        labels = labels_of(rng, dimension, _length(rng, dimension, kind))
        values: list[float | None] = [
            *time_values(rng, measure, len(labels), season=_season(dimension))
        ]
        values = _with_gaps(rng, values) if kind in ("bar", "line") else values
    else:
        dimension = _plain_dimension(rng, topic)
        labels = labels_of(rng, dimension, int(rng.integers(4, 11)))
        values = [*entity_values(rng, measure, len(labels))]
        if measure.is_additive and kind == "bar" and rng.random() < 0.08:  # orders of magnitude
            powers = 10 ** rng.uniform(0.0, 3.0, len(labels))
            values = [*rounded(max(1.0, measure.low / 10) * powers, measure.unit)]
        if not dimension.is_ordered and rng.random() < 0.35:  # sorted, as reports often are
            order = np.argsort([value or 0.0 for value in values])[:: int(rng.choice([1, -1]))]
            labels = tuple(labels[int(i)] for i in order)
            values = [values[int(i)] for i in order]
    return ChartData(
        kind=kind,
        title=_title(rng, measure.name, dimension.name, labels),
        category_axis=dimension.name,
        categories=labels,
        series=(_series("", values, measure),),
        is_time=dimension.is_time,
    )


def _length(rng: np.random.Generator, dimension: Dimension, kind: Kind) -> int:
    if kind not in ("line", "area"):
        return int(rng.integers(4, 10))
    if dimension.name in ("date", "week"):
        return int(rng.integers(10, 24))
    return int(rng.integers(5, 17))


def _series(name: str, values: Sequence[float | None], measure: Measure) -> Series:
    return Series(
        name=name,
        values=tuple(values),
        measure=measure.name,
        unit=measure.unit,
        is_additive=measure.is_additive,
    )


def _with_gaps(rng: np.random.Generator, values: list[float | None]) -> list[float | None]:
    """Now and then a value is missing; never the first or the last."""
    if len(values) < 6 or rng.random() >= _GAP_SHARE:
        return values
    gaps = {int(i) for i in rng.integers(1, len(values) - 1, int(rng.integers(1, 3)))}
    return [None if i in gaps else value for i, value in enumerate(values)]


def _several_rows(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Two to five series."""
    topic, measure = _topic(rng)
    if kind in ("stacked_bar", "area"):
        additive = [m for m in topic.measures if m.is_additive]
        measure = pick(rng, additive) if additive else TOPICS[0].measures[0]
    groups = _plain_dimension(rng, topic)
    others = [d for d in topic.dimensions if d != groups and not d.is_time]
    over_time = kind in ("line", "area") or not others or rng.random() < 0.5
    dimension = _time_dimension(rng) if over_time else pick(rng, others)
    most = 5 if kind in ("line", "area", "stacked_bar") else 4
    names = labels_of(rng, groups, int(rng.integers(2, most + 1)))
    count = _length(rng, dimension, kind) if over_time else int(rng.integers(3, 8))
    if kind in ("grouped_bar", "horizontal_bar"):
        count = min(count, 24 // len(names), 8)
    labels = labels_of(rng, dimension, count)
    season = _season(dimension)
    rows = [
        time_values(rng, measure, len(labels), season=season)
        if over_time
        else entity_values(rng, measure, len(labels))
        for _ in names
    ]
    return ChartData(
        kind=kind,
        title=_title(rng, measure.name, dimension.name, labels, groups.name),
        category_axis=dimension.name,
        categories=labels,
        series=tuple(_series(name, row, measure) for name, row in zip(names, rows, strict=True)),
        is_time=dimension.is_time,
        group_axis=groups.name,
    )


def _one_or_several(rng: np.random.Generator, kind: Kind) -> ChartData:
    return _one_row(rng, kind) if rng.random() < 0.45 else _several_rows(rng, kind)


def _parts(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Shares of 100 %."""
    shares = pick(rng, SHARES)
    labels = labels_of(rng, shares.dimension, int(rng.integers(3, 8)))
    values = shares_of_100(rng, len(labels), int(rng.random() < 0.3))
    unit = replace(_PERCENT, decimals=int(any(value % 1 for value in values)))
    year = f", {int(rng.integers(2010, 2027))}" if rng.random() < 0.4 else ""
    return ChartData(
        kind=kind,
        title=shares.title + year,
        category_axis=shares.dimension.name,
        categories=labels,
        series=(Series(name="", values=tuple(values), measure="Share", unit=unit),),
    )


def _ratings(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Points of 0 to 10 in several ways."""
    abilities = pick(rng, ABILITIES)
    spokes = labels_of(rng, abilities.spokes, int(rng.integers(5, 8)))
    things = [abilities.things[int(i)] for i in rng.permutation(len(abilities.things))]
    series = tuple(
        Series(
            name=thing,
            values=tuple(float(v) for v in rng.integers(2, 11, len(spokes))),
            measure="Points",
            unit=_POINTS,
            is_additive=False,
        )
        for thing in things[: int(rng.integers(1, 4))]
    )
    return ChartData(
        kind=kind,
        title=abilities.title,
        category_axis=abilities.spokes.name,
        categories=spokes,
        series=series,
        group_axis="series" if len(series) > 1 else "",
    )


def _points(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Pairs of measures that go together more or less."""
    pair = pick(rng, PAIRS)
    x, y = pair.x.name, pair.y.name
    names = ("",) if rng.random() < 0.5 else pick(rng, _GROUPS)
    strength = float(rng.uniform(0.75, 0.97)) * pair.sign
    series = []
    for name in names:
        count = int(rng.integers(8, 41)) // len(names) + 4
        across = rng.uniform(0.03, 0.97, count)
        noise = rng.normal(0, 0.27, count)
        up = 0.5 + strength * (across - 0.5) + np.sqrt(1 - strength**2) * noise
        up = (up + rng.uniform(-0.08, 0.08)).clip(0.02, 0.98)
        xs = pair.x.low + (pair.x.high - pair.x.low) * across
        ys = pair.y.low + (pair.y.high - pair.y.low) * up
        series.append(
            replace(
                _series(name, rounded(ys, replace(pair.y.unit, decimals=1)), pair.y),
                xs=tuple(rounded(xs, replace(pair.x.unit, decimals=1))),
            )
        )
    return ChartData(
        kind=kind,
        title=pick(rng, (f"{y} against {lower(x)}", f"{x} and {lower(y)}")),
        category_axis=pair.x.name,
        categories=(),
        series=tuple(series),
        group_axis="group" if len(series) > 1 else "",
        x_unit=pair.x.unit,
    )  # fmt: skip


_GROUPS = (
    ("Group A", "Group B"), ("Group A", "Group B", "Group C"), ("Women", "Men"), ("2020", "2025"),
    ("Before", "After"), ("Urban", "Rural"), ("Test", "Control"), ("Old", "New"),
)  # fmt: skip


def _grid(rng: np.random.Generator, kind: Kind) -> ChartData:
    """A value for every pair of a row and a column: rows are series."""
    if rng.random() < 0.15:
        return _correlations(rng, kind)
    topic, measure = _topic(rng)
    rows = _plain_dimension(rng, topic)
    others = [d for d in topic.dimensions if d != rows and not d.is_time]
    columns = pick(rng, others) if others and rng.random() < 0.5 else pick(rng, TIMES[:4])
    names = labels_of(rng, rows, int(rng.integers(3, 8)))
    labels = labels_of(rng, columns, int(rng.integers(3, 10)))
    return ChartData(
        kind=kind,
        title=_title(rng, measure.name, columns.name, labels, rows.name),
        category_axis=columns.name,
        categories=labels,
        series=tuple(_series(n, entity_values(rng, measure, len(labels)), measure) for n in names),
        is_time=columns.is_time,
        group_axis=rows.name,
    )


def _correlations(rng: np.random.Generator, kind: Kind) -> ChartData:
    """A correlation matrix of data that were drawn, so that it is one."""
    topic = pick(rng, [topic for topic in TOPICS if len(topic.dimensions[0].labels) >= 5])
    names = labels_of(rng, topic.dimensions[0], int(rng.integers(4, 7)))
    mixed = rng.normal(size=(60, len(names))) @ rng.normal(size=(len(names), len(names)))
    matrix = np.atleast_2d(np.corrcoef(mixed, rowvar=False))
    measure = Measure("Correlation", Unit(decimals=2), -1.0, 1.0, is_additive=False)
    return ChartData(
        kind=kind,
        title="Correlation matrix",
        category_axis=topic.dimensions[0].name,
        categories=names,
        series=tuple(
            _series(name, rounded(row, measure.unit), measure)
            for name, row in zip(names, matrix, strict=True)
        ),
        group_axis=f"second {topic.dimensions[0].name}",
    )


def _distributions(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Five numbers for each of several groups."""
    topic, measure = _topic(rng)
    dimension = _plain_dimension(rng, topic)
    labels = labels_of(rng, dimension, int(rng.integers(3, 7)))
    span = measure.high - measure.low
    rows = []
    for _ in labels:
        middle, width = rng.uniform(0.3, 0.7), rng.uniform(0.08, 0.26)
        inner = np.sort(rng.uniform(-1, 1, 3)) * np.array([1, 0.5, 1])
        low, high = inner[0] - rng.uniform(0.3, 1), inner[2] + rng.uniform(0.3, 1)
        five = np.array([low, *np.sort([inner[0] - 0.1, inner[1], inner[2] + 0.1]), high])
        values = measure.low + span * (middle + width * five / 2).clip(0.01, 0.99)
        rows.append(rounded(np.sort(values), measure.unit))
    return ChartData(
        kind=kind,
        title=_title(rng, f"Distribution of {lower(measure.name)}", dimension.name, labels),
        category_axis=dimension.name,
        categories=labels,
        series=tuple(
            replace(_series(name, column, measure), is_additive=False)
            for name, column in zip(FIVE_NUMBERS, zip(*rows, strict=True), strict=True)
        ),
    )


def _bins(rng: np.random.Generator, kind: Kind) -> ChartData:
    """How many things fall into each range."""
    measure, things = pick(rng, MEASURED)
    count = int(rng.integers(5, 11))
    step = _nice((measure.high - measure.low) / count)
    edges = [measure.low + i * step for i in range(count + 1)]
    centre, width = rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.25)
    drawn = rng.normal(centre, width, int(rng.integers(60, 400)))
    if rng.random() < 0.3:
        drawn = rng.gamma(2.0, 0.16, len(drawn))
    counts, _ = np.histogram(drawn, bins=count, range=(0.0, 1.0))
    labels = tuple(f"{a:g}–{b:g}" for a, b in pairwise(edges))
    values = tuple(float(value) for value in counts)
    measured = f"Number of {things}"
    return ChartData(
        kind=kind,
        title=pick(rng, (f"Distribution of {lower(measure.name)}", f"{measure.name} of {things}")),
        category_axis=measure.name,
        categories=labels,
        series=(Series(name="", values=values, measure=measured, unit=_POINTS),),
        x_unit=measure.unit,
    )


def _nice(step: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten.

    >>> _nice(1.4), _nice(7.5), _nice(0.21)
    (2.0, 10.0, 0.25)
    """
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step * (1 - 1e-9)))


def _two_axes(rng: np.random.Generator, kind: Kind) -> ChartData:
    """Two measures over the same time, each with an axis of its own."""
    topic, first = _topic(rng)
    others = [m for m in topic.measures if m.unit != first.unit] or [TOPICS[2].measures[0]]
    second = pick(rng, others)
    dimension = pick(rng, (YEAR, *TIMES[1:3]))
    labels = labels_of(rng, dimension, int(rng.integers(5, 10)))
    season = _season(dimension)
    return ChartData(
        kind=kind,
        title=_title(rng, f"{first.name} and {lower(second.name)}", dimension.name, labels),
        category_axis=dimension.name,
        categories=labels,
        series=tuple(
            _series(m.name, time_values(rng, m, len(labels), season=season), m)
            for m in (first, second)
        ),
        is_time=True,
        group_axis="measure",
    )


_INVENTORS: dict[Kind, Callable[[np.random.Generator, Kind], ChartData]] = {
    "bar": _one_row,
    "grouped_bar": _several_rows,
    "stacked_bar": _several_rows,
    "horizontal_bar": _one_or_several,
    "line": _one_or_several,
    "area": _one_or_several,
    "pie": _parts,
    "donut": _parts,
    "scatter": _points,
    "heatmap": _grid,
    "box": _distributions,
    "histogram": _bins,
    "radar": _ratings,
    "combo": _two_axes,
}
KINDS: tuple[Kind, ...] = tuple(_INVENTORS)
"""All kinds of charts."""
