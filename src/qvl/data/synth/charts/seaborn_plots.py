"""Draws the marks of charts with seaborn, whose ways of drawing differ from matplotlib's own.

Owns: bars, lines, points, cells and boxes by seaborn. Does not own: the figure around them, which
is that of ``matplotlib_chart``.

    axes, ChartData, ChartStyle -> SEABORN_PLOTTERS[kind] -> Plot
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from qvl.data.synth.charts.plots import Mark, Plot, finish_cells, mark_name, rgb
from qvl.data.synth.charts.records import FIVE_NUMBERS, ChartData, Kind
from qvl.data.synth.charts.styles import ChartStyle
from qvl.errors import MissingDependencyError

_SMALL = 0.62  # points of small text for each pixel of plain text


def seaborn() -> ModuleType:
    """The package.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import seaborn
    except ImportError as error:
        raise MissingDependencyError(
            "drawing charts as seaborn does needs the package seaborn",
            hint="pip install 'qvl[data]'",
        ) from error
    return seaborn


def _long(data: ChartData) -> dict[str, list[Any]]:
    """A row for every value, which is how seaborn wants data."""
    rows = [
        (category, value, series.name)
        for series in data.series
        for category, value in zip(data.categories, series.values, strict=True)
    ]
    category, values, names = zip(*rows, strict=True)
    return {
        "category": [*category],
        "value": [np.nan if value is None else value for value in values],
        "series": [*names],
    }


def _look(data: ChartData, style: ChartStyle) -> dict[str, Any]:
    colours = [style.palette[i % len(style.palette)][1] for i in range(len(data.series))]
    if len(data.series) == 1:
        return {"color": colours[0]}
    return {"hue": "series", "palette": colours, "legend": False}


def _plot(data: ChartData, style: ChartStyle) -> Plot:
    return Plot(colours=tuple(style.palette[i][0] for i in range(len(data.series))))


def _bars(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    lying = data.kind == "horizontal_bar"
    x, y = ("value", "category") if lying else ("category", "value")
    seaborn().barplot(
        _long(data), x=x, y=y, ax=axes, saturation=1, width=style.width, errorbar=None,
        orient="y" if lying else "x", **_look(data, style),
    )  # fmt: skip
    plot = _plot(data, style)
    plot.value_axis = "x" if lying else "y"
    for series, drawn in enumerate(axes.containers):
        colour = rgb(style.palette[series][1])
        present = [i for i, value in enumerate(data.series[series].values) if value is not None]
        # A missing value has no bar at all, or an empty one.
        patches = [patch for patch in drawn.patches if np.isfinite(patch.get_height())]
        for category, patch in zip(present, patches, strict=True):
            name = mark_name("bar", data, series, category)
            plot.marks.append(Mark(patch, "bar", name, colour))
        plot.handles.append((drawn, data.series[series].name))
        if style.wants_labels:
            unit = data.series[series].unit
            texts = [
                unit.short(value) if value is not None else ""
                for value in data.series[series].values
            ]
            if len(texts) == len(drawn.patches):
                size = style.font_px * _SMALL
                plot.labels += axes.bar_label(drawn, texts, padding=2, fontsize=size)
    axes.margins(**({"x": 0.12} if lying else {"y": 0.14}))
    return plot


def _lines(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    seaborn().lineplot(
        _long(data), x="category", y="value", ax=axes, errorbar=None, linewidth=2,
        marker="o" if style.markers else "", **_look(data, style),
    )  # fmt: skip
    plot = _plot(data, style)
    for drawn, row in zip(axes.get_lines(), data.series, strict=False):
        plot.handles.append((drawn, row.name))
        plot.obstacles.append(drawn)
    axes.set_xticks(range(len(data.categories)), data.categories)
    axes.margins(x=0.04, y=0.14)
    return plot


def _points(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = _plot(data, style)
    for i, row in enumerate(data.series):
        seaborn().scatterplot(
            x=list(row.xs), y=list(row.values), ax=axes, color=style.palette[i][1],
            s=(style.font_px * 0.5) ** 2, marker="osD^"[i % 4],
        )  # fmt: skip
        plot.handles.append((axes.collections[-1], row.name))
    axes.margins(0.07)
    return plot


def _cells(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    values = np.array([row.values for row in data.series], dtype=float)
    seaborn().heatmap(
        values, ax=axes, cmap=style.colour_map, cbar=False, linewidths=0.6, linecolor=style.paper,
        xticklabels=list(data.categories), yticklabels=[row.name for row in data.series],
    )  # fmt: skip
    for label in axes.get_yticklabels():
        label.set(rotation=0, va="center")
    return finish_cells(axes, data, style, Plot(value_axis=""), axes.collections[0], values)


def _boxes(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    groups = [list(column) for column in zip(*(row.values for row in data.series), strict=True)]
    assert tuple(row.name for row in data.series) == FIVE_NUMBERS
    colours = [style.palette[i % len(style.palette)][1] for i in range(len(groups))]
    seaborn().boxplot(
        groups, ax=axes, palette=colours, width=style.width * 0.7, saturation=1, whis=(0, 100),
        linecolor=style.ink,
    )  # fmt: skip
    plot = Plot()
    for i, patch in enumerate(axes.patches):
        name = f"the box for {data.categories[i]}"
        plot.marks.append(Mark(patch, "box", name, rgb(colours[i])))
    axes.set_xticks(range(len(groups)), data.categories)
    axes.margins(y=0.1)
    return plot


SEABORN_PLOTTERS: dict[Kind, Callable[[Any, ChartData, ChartStyle], Plot]] = {
    "bar": _bars,
    "grouped_bar": _bars,
    "horizontal_bar": _bars,
    "line": _lines,
    "scatter": _points,
    "heatmap": _cells,
    "box": _boxes,
}
