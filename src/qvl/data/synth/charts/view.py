"""What of a chart's data can be read from its picture, and how it is said.

Owns: which values, differences and names are visible; the words for a value. Does not own: the
questions (``value_questions``, ``look_questions``).

    ChartData, DrawnChart -> View -> readable values, phrases
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qvl.data.synth.charts.records import ChartData, DrawnChart
from qvl.data.synth.picking import lower

_PLURALS = {"criterion": "criteria", "activity": "activities", "series": "series"}
CLEARLY = 2.0
"""Steps of reading by which two values must differ to be called different."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A chart as a reader sees it."""

    data: ChartData
    drawn: DrawnChart

    @property
    def exact(self) -> bool:
        """Whether values are printed."""
        return self.drawn.reading.exact

    @property
    def shades_only(self) -> bool:
        """Whether values are shades: of two one sees which is more, and not how much it is."""
        return self.data.kind == "heatmap" and not self.exact

    def step(self, series: int) -> float:
        """Finest readable difference; 0 where values are printed."""
        return 0.0 if self.exact else self.drawn.reading.steps[series]

    def columns(self, *series: int) -> list[int]:
        """Categories whose names and values in all of the series can be read."""
        return [
            i
            for i in sorted(self.drawn.reading.shown)
            if all(self.data.value(s, i) is not None for s in series)
            and all(self.step(s) < float("inf") for s in series)
        ]

    def is_complete(self, series: int) -> bool:
        """Whether every value of a series can be read: only then it has a readable extremum."""
        return len(self.columns(series)) == len(self.data.categories) > 1

    def values(self, series: int) -> list[float]:
        """The values of a series that has all."""
        return [value for value in self.data.series[series].values if value is not None]

    def at(self, series: int, category: int) -> float:
        """A value that is there."""
        value = self.data.value(series, category)
        assert value is not None, "ask for what columns() returned"
        return value

    def seen(self, series: int, value: float) -> float:
        """A value as a reader would state it."""
        step = self.step(series)
        unit = self.data.series[series].unit
        return round(value, unit.decimals) if step == 0 else round(round(value / step) * step, 9)

    def differ(self, series: int, first: float, second: float, *, by: float = CLEARLY) -> bool:
        """Whether two values are visibly different."""
        if self.step(series) == 0:
            return first != second
        return abs(first - second) >= by * self.step(series)

    def show(self, series: int, value: float) -> str:
        """A value with its unit; no decimals that cannot be seen."""
        unit = self.data.series[series].unit
        step = self.step(series)
        if step and step == int(step):
            unit = type(unit)(name=unit.name, before=unit.before, after=unit.after)
        return unit.show(value)

    def noun(self, series: int) -> str:
        """What a value of a series is, such as "revenue of Laptops"."""
        data, row = self.data, self.data.series[series]
        measure = lower(row.measure)
        if data.kind == "box":
            return f"{row.name} of {measure}"
        if data.kind in ("pie", "donut"):
            return "share"
        if data.kind == "combo" or len(data.series) == 1:
            return measure
        return f"{measure} of {row.name}"

    def where(self, category: int) -> str:
        """Where a value stands, such as "in 2003" or "for Kenya"."""
        data, name = self.data, self.data.categories[category]
        if data.kind in ("pie", "donut"):
            return f"of {name}"
        if data.kind == "histogram":
            return f"in the range {name}"
        if data.category_axis in ("date", "day"):
            return f"on {name}"
        return f"in {name}" if data.is_time else f"for {name}"

    @property
    def axis(self) -> str:
        """What a category is called."""
        return "range" if self.data.kind == "histogram" else self.data.category_axis

    def where_among(self) -> str:
        """The word before several categories: "In 3 years", "For which country"."""
        if self.data.category_axis in ("date", "day"):
            return "On"
        return "In" if self.data.is_time or self.data.kind == "histogram" else "For"

    def which(self) -> str:
        """Asks for a category: "In which year" or "For which country"."""
        return f"{self.where_among()} which {self.axis}"

    def is_plural(self, series: int) -> bool:
        """Whether `noun` takes "are"."""
        data = self.data
        if data.kind in ("box", "pie", "donut"):
            return False
        return is_plural(data.series[series].measure)

    def verb(self, series: int) -> str:
        """ "is" or "are", to go with `noun`."""
        return "are" if self.is_plural(series) else "is"

    def does(self, series: int, word: str) -> str:
        """ "rises" or "rise", to go with `noun`."""
        return word if self.is_plural(series) else word + "s"

    def about(self) -> str:
        """A word before values that are not printed."""
        return "" if self.exact or self.data.kind == "radar" else "about "


def plural(name: str) -> str:
    """Several of a thing.

    >>> plural("country"), plural("day"), plural("criterion"), plural("crop")
    ('countries', 'days', 'criteria', 'crops')
    """
    if name in _PLURALS:
        return _PLURALS[name]
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s")


_PARTICIPLES = ("sold", "treated", "scored", "returned", "generated", "enrolled", "drunk")


def is_plural(measure: str) -> bool:
    """Whether a measure's main word is a plural.

    >>> is_plural("Hours of sunshine"), is_plural("Patients treated"), is_plural("Coffee drunk")
    (True, True, False)
    """
    words = re.split(r" of | per ", measure)[0].split()
    while len(words) > 1 and words[-1] in _PARTICIPLES:
        words.pop()
    return words[-1].endswith("s") and not words[-1].endswith("ss")


def ranked(values: Sequence[float], *, highest: bool) -> list[int]:
    """Indices of values, the most extreme first."""
    return sorted(range(len(values)), key=lambda i: values[i], reverse=highest)
