"""What a chart shows and what a drawing of it looks like, as values.

Owns: the record types, how a number with its unit is written. Does not own: inventing data
(``series``), drawing it, asking about it (``questions``).

    ChartData -> a drawing -> DrawnChart(pixels, elements, reading)
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qvl.geometry import Box

Kind = Literal[
    "bar", "grouped_bar", "stacked_bar", "horizontal_bar", "line", "area", "pie", "donut",
    "scatter", "heatmap", "box", "histogram", "radar", "combo",
]  # fmt: skip

FIVE_NUMBERS = ("minimum", "lower quartile", "median", "upper quartile", "maximum")
"""Series of a box plot, one value a box each. Source: Tukey, Exploratory Data Analysis, 1977."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """How values of a measure are written.

    Attributes:
        name: as an axis title has it in brackets, such as "million USD"; empty for plain counts.
        before: sign in front of a number.
        after: words or a sign behind it.
        decimals: digits behind the point.
    """

    name: str = ""
    before: str = ""
    after: str = ""
    decimals: int = 0

    def number(self, value: float) -> str:
        """The number alone.

        >>> Unit(decimals=1).number(12345.64), Unit().number(-0.2)
        ('12,345.6', '0')
        """
        text = f"{value:,.{self.decimals}f}"
        return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text

    def short(self, value: float) -> str:
        """With its sign only, as it stands beside a mark: "$3.5", "42%"."""
        sign = self.after if len(self.after) == 1 else ""
        return _signed(self.before, self.number(value)) + sign

    def show(self, value: float) -> str:
        """With its whole unit, as it stands in a sentence.

        >>> Unit(before="$", after=" million").show(-3.0)
        '-$3 million'
        """
        return _signed(self.before, self.number(value)) + self.after


def _signed(before: str, number: str) -> str:
    return f"-{before}{number[1:]}" if number.startswith("-") else before + number


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One row of values.

    Attributes:
        name: in the legend; empty when the chart has one series.
        values: one a category, None where there is none; y of a scatter's points.
        measure: what is measured, as the axis says.
        unit: of the values.
        xs: of a scatter's points; empty for all other kinds.
        is_additive: whether a sum of values means anything.
    """

    name: str
    values: tuple[float | None, ...]
    measure: str
    unit: Unit
    xs: tuple[float, ...] = ()
    is_additive: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartData:
    """What a chart shows, apart from how.

    Attributes:
        kind: of chart.
        title: above it; empty when there is none.
        category_axis: what the categories are, singular, such as "country"; measure of x in a
            scatter.
        categories: along the axis; empty for a scatter.
        series: at least one.
        is_time: categories follow each other in time.
        group_axis: what the series are, singular; empty when there is one.
        x_unit: of a scatter's x.
    """

    kind: Kind
    title: str
    category_axis: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    is_time: bool = False
    group_axis: str = ""
    x_unit: Unit = Unit()

    def value(self, series: int, category: int) -> float | None:
        """A value, or None where there is none."""
        return self.series[series].values[category]

    def to_json(self) -> dict[str, Any]:
        """Plain values for the facts of a sample."""
        return {
            "kind": self.kind,
            "title": self.title,
            "category_axis": self.category_axis,
            "categories": list(self.categories),
            "group_axis": self.group_axis,
            "series": [
                {
                    "name": s.name,
                    "measure": s.measure,
                    "unit": s.unit.name,
                    "values": list(s.values),
                    **({"xs": list(s.xs)} if s.xs else {}),
                }
                for s in self.series
            ],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartElement:
    """Something on the picture that has a box.

    Attributes:
        role: "title", "legend", "x title", "y title", "bar", "slice", "cell", "box".
        name: how a person would say which one, such as "the bar for Kenya".
        box: in resized_px.
        colour: of a mark's inside, where it is one colour.
        text: of a title, as printed.
    """

    role: str
    name: str
    box: Box
    colour: tuple[int, int, int] | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a person can read from a drawing.

    Attributes:
        exact: values are printed beside their marks.
        steps: of each series, the finest difference of values that can be seen; infinite when
            values cannot be read at all.
        colours: of each series, its colour's name; empty when colours tell nothing.
        shown: categories whose names stand on the axis.
        is_log: the axis of values is logarithmic.
    """

    exact: bool
    steps: tuple[float, ...]
    colours: tuple[str, ...] = ()
    shown: frozenset[int] = frozenset()
    is_log: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnChart:
    """A picture of a chart.

    Attributes:
        pixels: uint8[H, W, 3], sides multiples of 28.
        elements: that can be pointed at.
        reading: what can be read from it.
    """

    pixels: npt.NDArray[np.uint8]
    elements: tuple[ChartElement, ...]
    reading: Reading
