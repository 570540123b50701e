"""What charts and tables are about: measures with units and plausible sizes, and what they are
measured for.

Owns: the lists, in the file ``topics.json`` beside this one. Does not own: choosing from them and
inventing values (``series``).

    topics.json -> TOPICS, SHARES, ABILITIES, PAIRS, MEASURED

Names of companies and products are invented; so are the numbers for real countries and cities:
pictures teach reading, not facts.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from qvl.data.synth.charts.records import Unit


class Dimension(NamedTuple):
    """Names that values belong to."""

    name: str
    """Singular."""
    labels: tuple[str, ...]
    is_ordered: bool = False
    """Neighbours stay together and in this order."""
    is_time: bool = False


class Measure(NamedTuple):
    """Something with a number, and its usual range."""

    name: str
    unit: Unit
    low: float
    high: float
    is_additive: bool = True
    """Whether a sum of values means anything."""


class Topic(NamedTuple):
    """A field of life: what is measured there, and for what."""

    measures: tuple[Measure, ...]
    dimensions: tuple[Dimension, ...]


class Shares(NamedTuple):
    """Parts of a whole, for values that add up to 100 %."""

    title: str
    dimension: Dimension


class Abilities(NamedTuple):
    """Things rated from 0 to 10 in several ways, for radar charts."""

    title: str
    spokes: Dimension
    things: tuple[str, ...]


class Pair(NamedTuple):
    """Two measures of one thing, for scatter plots."""

    x: Measure
    y: Measure
    sign: int
    """Of their correlation."""


class Measured(NamedTuple):
    """A measure of many things, for histograms."""

    measure: Measure
    things: str


def _time(name: str, labels: tuple[str, ...]) -> Dimension:
    return Dimension(name, labels, is_ordered=True, is_time=True)


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YEAR = _time("year", tuple(str(year) for year in range(1996, 2027)))
MONTH = _time("month", MONTHS)
QUARTER = _time("quarter", tuple(f"Q{q} {year}" for year in range(2019, 2026) for q in range(1, 5)))
WEEKDAY = _time("day", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
WEEK = _time("week", tuple(f"Week {week}" for week in range(1, 25)))
DATE = _time("date", tuple(f"{day} {month}" for month in MONTHS[2:6] for day in range(1, 31)))
TIMES = (YEAR, MONTH, QUARTER, WEEKDAY, WEEK, DATE)


def _measure(name: str, unit: list[Any], low: float, high: float, additive: bool = True) -> Measure:
    sign, before, after, decimals = unit
    return Measure(
        name, Unit(name=sign, before=before, after=after, decimals=decimals), low, high, additive
    )


def _load() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    shared = {
        name: Dimension(name, tuple(labels), is_ordered=name == "age group")
        for name, labels in found["dimensions"].items()
    } | {"month": MONTH}

    def dimension(entry: str | list[Any]) -> Dimension:
        if isinstance(entry, str):
            return shared[entry]
        name, labels, is_ordered = entry
        return Dimension(name, tuple(labels), is_ordered)

    topics = tuple(
        Topic(
            tuple(_measure(*measure) for measure in topic["measures"]),
            tuple(map(dimension, topic["dimensions"])),
        )
        for topic in found["topics"]
    )
    return {
        "topics": topics,
        "shares": tuple(
            Shares(title, Dimension(name, tuple(parts))) for title, name, parts in found["shares"]
        ),
        "abilities": tuple(
            Abilities(title, Dimension(name, tuple(spokes)), tuple(things))
            for title, name, spokes, things in found["abilities"]
        ),
        "pairs": tuple(
            Pair(_measure(*x), _measure(*y), int(sign)) for x, y, sign in found["pairs"]
        ),
        "measured": tuple(Measured(_measure(*entry[:4]), entry[4]) for entry in found["measured"]),
    }


_LISTS = _load()
TOPICS: tuple[Topic, ...] = _LISTS["topics"]
SHARES: tuple[Shares, ...] = _LISTS["shares"]
ABILITIES: tuple[Abilities, ...] = _LISTS["abilities"]
PAIRS: tuple[Pair, ...] = _LISTS["pairs"]
MEASURED: tuple[Measured, ...] = _LISTS["measured"]
