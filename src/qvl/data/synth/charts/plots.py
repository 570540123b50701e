"""Draws the marks of each kind of chart on axes of matplotlib.

Owns: bars, lines, areas, slices, points, cells, boxes, spokes, and the values written beside them.
Does not own: the figure around them and what is mended in it (``matplotlib_chart``).

    axes, ChartData, ChartStyle -> PLOTTERS[kind] -> Plot(marks, labels, handles)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from qvl.data.synth.charts.records import ChartData, Kind
from qvl.data.synth.charts.styles import ChartStyle
from qvl.data.synth.palette import luminance

MOST_LINE_LABELS = 12
"""Values written beside lines, at most: more run into each other and into the lines."""


class Mark(NamedTuple):
    """An artist that stands for a value."""

    artist: Any
    role: str
    name: str
    colour: tuple[int, int, int] | None


@dataclass(kw_only=True)
class Plot:
    """What was drawn.

    Attributes:
        marks: with a box of their own.
        labels: values written beside marks.
        handles: artist and name for the legend.
        value_axis: where values can be read off; "" where there is no axis for it.
        colours: name of each series' colour; empty when colours tell nothing.
        obstacles: artists that a legend must not cover, beside the marks.
    """

    marks: list[Mark] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    handles: list[tuple[Any, str]] = field(default_factory=list)
    value_axis: Literal["x", "y", ""] = "y"
    colours: tuple[str, ...] = ()
    obstacles: list[Any] = field(default_factory=list)


def rgb(value: str) -> tuple[int, int, int]:
    """The bytes of a colour written ``#rrggbb``.

    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(value[1:])
    return red, green, blue


def ink_on(colour: tuple[int, int, int]) -> str:
    """Black or white, whichever can be read on a colour."""
    return "#111111" if luminance(colour) > 140 else "#ffffff"


def mark_name(word: str, data: ChartData, series: int, category: int) -> str:
    """How a person says which mark is meant."""
    name = data.categories[category]
    if len(data.series) == 1:
        return f"the {word} for {name}"
    return f"the {data.series[series].name} {word} for {name}"


def _edge(style: ChartStyle) -> dict[str, Any]:
    return {"edgecolor": style.ink, "linewidth": 0.8} if style.edges else {}


def _names(style: ChartStyle, count: int) -> tuple[str, ...]:
    return tuple(style.palette[i % len(style.palette)][0] for i in range(count))


def _colour(style: ChartStyle, index: int) -> str:
    return style.palette[index % len(style.palette)][1]


def _heights(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]


def bars(axes: Any, data: ChartData, style: ChartStyle, plot: Plot, series: int = 0) -> None:
    """Upright bars of one series of a chart that may have several side by side."""
    count = 1 if data.kind in ("combo", "histogram") else len(data.series)
    width = style.width / count if data.kind != "histogram" else 1.0
    places = np.arange(len(data.categories)) + (series - (count - 1) / 2) * width
    row, colour = data.series[series], _colour(style, series)
    lying = data.kind == "horizontal_bar"
    edge = _edge(style)
    if data.kind == "histogram":
        edge = {"edgecolor": style.plot, "linewidth": 1.2}
    if lying:
        drawn = axes.barh(places, _heights(row.values), height=width, color=colour, **edge)
    else:
        drawn = axes.bar(places, _heights(row.values), width=width, color=colour, **edge)
    _remember_bars(data, plot, series, drawn, colour)
    if style.wants_labels and data.kind != "combo":
        texts = ["" if v is None else row.unit.short(v) for v in row.values]
        plot.labels += axes.bar_label(drawn, texts, padding=2, fontsize=style.font_px * _SMALL)


_SMALL = 0.62  # of pixels: points at 100 dpi are 0.72 of them, and labels are smaller than text


def _remember_bars(data: ChartData, plot: Plot, series: int, drawn: Any, colour: str) -> None:
    for category, patch in enumerate(drawn.patches):
        if data.value(series, category) is not None:
            name = mark_name("bar", data, series, category)
            plot.marks.append(Mark(patch, "bar", name, rgb(colour)))
    plot.handles.append((drawn, data.series[series].name))


def _all_bars(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(value_axis="x" if data.kind == "horizontal_bar" else "y")
    for series in range(len(data.series)):
        bars(axes, data, style, plot, series)
    if data.kind == "horizontal_bar":
        axes.set_yticks(range(len(data.categories)), data.categories)
        axes.invert_yaxis()
        axes.margins(x=0.12)
    elif data.kind == "histogram":
        edges = [name.partition("–")[0] for name in data.categories]
        edges.append(data.categories[-1].partition("–")[2])
        axes.set_xticks(np.arange(len(edges)) - 0.5, edges)
        axes.margins(y=0.12)
    else:
        axes.set_xticks(range(len(data.categories)), data.categories)
        axes.margins(y=0.14)
    plot.colours = _names(style, len(data.series))
    return plot


def _stacked_bars(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(colours=_names(style, len(data.series)))
    bottom = np.zeros(len(data.categories))
    for series, row in enumerate(data.series):
        colour = _colour(style, series)
        heights = np.array(_heights(row.values))
        drawn = axes.bar(
            range(len(data.categories)), heights, width=style.width, bottom=bottom, color=colour,
            **_edge(style),
        )  # fmt: skip
        bottom += heights
        _remember_bars(data, plot, series, drawn, colour)
        if style.wants_labels:
            texts = [row.unit.number(v) if v is not None else "" for v in row.values]
            plot.labels += axes.bar_label(
                drawn, texts, label_type="center", color=ink_on(rgb(colour)),
                fontsize=style.font_px * _SMALL,
            )  # fmt: skip
    axes.set_xticks(range(len(data.categories)), data.categories)
    axes.margins(y=0.1)
    return plot


def line(axes: Any, data: ChartData, style: ChartStyle, plot: Plot, series: int) -> None:
    """One line."""
    row = data.series[series]
    shapes = "osD^v" if style.markers else ""
    (drawn,) = axes.plot(
        range(len(data.categories)),
        _heights(row.values),
        color=_colour(style, series),
        marker=shapes[series % 5] if shapes else None,
        markersize=style.font_px * 0.32,
        linewidth=max(1.4, style.font_px * 0.13),
    )
    plot.handles.append((drawn, row.name))
    plot.obstacles.append(drawn)
    if style.wants_labels and len(data.categories) * len(data.series) <= MOST_LINE_LABELS:
        for place, value in enumerate(row.values):
            if value is not None:
                plot.labels.append(
                    axes.annotate(
                        row.unit.short(value), (place, value), (0, style.font_px * 0.3),
                        textcoords="offset points", ha="center", fontsize=style.font_px * _SMALL,
                    )
                )  # fmt: skip


def _lines(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(colours=_names(style, len(data.series)))
    for series in range(len(data.series)):
        line(axes, data, style, plot, series)
    axes.set_xticks(range(len(data.categories)), data.categories)
    axes.margins(x=0.04, y=0.14)
    return plot


def _areas(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(colours=_names(style, len(data.series)))
    places = range(len(data.categories))
    bottom = np.zeros(len(data.categories))
    for series, row in enumerate(data.series):
        top = bottom + np.array(_heights(row.values))
        colour = _colour(style, series)
        drawn = axes.fill_between(places, bottom, top, color=colour, alpha=0.92, linewidth=0.6)
        plot.handles.append((drawn, row.name))
        bottom = top
    axes.set_xticks(places, data.categories)
    axes.set_ylim(0, float(bottom.max()) * 1.14)
    axes.margins(x=0.01)
    return plot


def _slices(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    (row,) = data.series
    values = [value or 0.0 for value in row.values]
    count = len(values)
    # With nine colours the tenth slice would repeat the first, beside it.
    colours = [_colour(style, i) for i in range(count)]
    named_beside = not style.legend_outside
    share = iter(values)

    def label(_: float) -> str:
        return row.unit.short(next(share))

    donut = data.kind == "donut"
    drawn = axes.pie(
        values,
        labels=list(data.categories) if named_beside else None,
        autopct=label if style.wants_labels else None,
        pctdistance=0.79 if donut else 0.68,
        startangle=90,
        counterclock=False,
        colors=colours,
        wedgeprops={
            "width": 0.42 if donut else 1.0,
            "edgecolor": style.paper,
            "linewidth": 1.5,
        },
    )
    plot = Plot(value_axis="", colours=_names(style, count))
    for i, wedge in enumerate(drawn[0]):
        name = mark_name("slice", data, 0, i)
        plot.marks.append(Mark(wedge, "slice", name, rgb(colours[i])))
        if not named_beside:
            plot.handles.append((wedge, data.categories[i]))
    if style.wants_labels:
        for colour, text in zip(colours, drawn[2], strict=True):
            text.set(color=ink_on(rgb(colour)), fontsize=style.font_px * _SMALL)
        plot.labels += drawn[2]
    axes.set_aspect("equal")
    return plot


def _points(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(colours=_names(style, len(data.series)))
    for series, row in enumerate(data.series):
        drawn = axes.scatter(
            row.xs,
            _heights(row.values),
            s=(style.font_px * 0.42) ** 2,
            color=_colour(style, series),
            marker="o^sD"[series % 4],
            edgecolors=style.plot,
            linewidths=0.5,
        )
        plot.handles.append((drawn, row.name))
    axes.margins(0.07)
    return plot


def _cells(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    values = np.array([_heights(row.values) for row in data.series])
    mesh = axes.pcolormesh(values, cmap=style.colour_map, edgecolors=style.paper, linewidth=1)
    axes.set_xticks(np.arange(len(data.categories)) + 0.5, data.categories)
    axes.set_yticks(np.arange(len(data.series)) + 0.5, [row.name for row in data.series])
    axes.invert_yaxis()
    plot = Plot(value_axis="")
    return finish_cells(axes, data, style, plot, mesh, np.asarray(values))


def finish_cells(
    axes: Any, data: ChartData, style: ChartStyle, plot: Plot, mesh: Any, values: Any
) -> Plot:
    """Writes values into the cells of a heatmap, or draws the bar that explains its colours."""
    from matplotlib.patches import Rectangle

    for series, row in enumerate(data.series):
        for category, name in enumerate(data.categories):
            fill = tuple(round(255 * part) for part in mesh.to_rgba(values[series, category]))
            colour = (fill[0], fill[1], fill[2])
            # Invisible: it has the cell's extent, which a mesh does not tell.
            corner = Rectangle((category, series), 1, 1, fill=False, linewidth=0, visible=False)
            axes.add_patch(corner)
            said = f"the cell for {row.name} and {name}"
            plot.marks.append(Mark(corner, "cell", said, colour))
            if style.wants_labels:
                text = row.unit.number(values[series, category])
                plot.labels.append(
                    axes.text(
                        category + 0.5, series + 0.5, text, ha="center", va="center",
                        color=ink_on(colour), fontsize=style.font_px * _SMALL,
                    )
                )  # fmt: skip
    unit = data.series[0].unit.name
    bar = axes.figure.colorbar(mesh, ax=axes, label=data.series[0].measure + bracketed(unit))
    bar.outline.set_visible(False)
    axes.grid(False)
    return plot


def bracketed(unit: str) -> str:
    """A unit behind the name of a measure.

    >>> bracketed("kg"), bracketed("")
    (' (kg)', '')
    """
    return f" ({unit})" if unit else ""


def _boxes(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    stats = [
        {
            "whislo": row[0], "q1": row[1], "med": row[2], "q3": row[3], "whishi": row[4],
            "fliers": [],
        }
        for row in zip(*(_heights(series.values) for series in data.series), strict=True)
    ]  # fmt: skip
    thin = {"color": style.ink, "linewidth": 1.2}
    one_colour = len(data.title) % 2 == 0
    drawn = axes.bxp(
        stats, positions=range(len(stats)), widths=style.width * 0.8, patch_artist=True,
        medianprops={**thin, "linewidth": 2.0}, whiskerprops=thin, capprops=thin,
    )  # fmt: skip
    plot = Plot()
    for i, patch in enumerate(drawn["boxes"]):
        colour = _colour(style, 0 if one_colour else i)
        patch.set(facecolor=colour, edgecolor=style.ink)
        name = f"the box for {data.categories[i]}"
        plot.marks.append(Mark(patch, "box", name, rgb(colour)))
    axes.set_xticks(range(len(stats)), data.categories)
    axes.margins(y=0.1)
    return plot


def _spokes(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(value_axis="", colours=_names(style, len(data.series)))
    angles = np.linspace(0, 2 * np.pi, len(data.categories), endpoint=False)
    for series, row in enumerate(data.series):
        closed = [*_heights(row.values), _heights(row.values)[0]]
        colour = _colour(style, series)
        (drawn,) = axes.plot([*angles, angles[0]], closed, color=colour, linewidth=2, marker="o",
                             markersize=style.font_px * 0.28)  # fmt: skip
        axes.fill([*angles, angles[0]], closed, color=colour, alpha=0.15)
        plot.handles.append((drawn, row.name))
    axes.set_xticks(angles, data.categories)
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    axes.tick_params(axis="x", pad=style.font_px * 0.6)
    axes.set_ylim(0, 10)
    axes.set_yticks(range(2, 11, 2))
    axes.set_rlabel_position(180 / len(data.categories))
    return plot


def _two_axes(axes: Any, data: ChartData, style: ChartStyle) -> Plot:
    plot = Plot(colours=_names(style, 2))
    bars(axes, data, style, plot, 0)
    right = axes.twinx()
    line(right, data, style, plot, 1)
    axes.set_xticks(range(len(data.categories)), data.categories)
    axes.margins(y=0.25)
    right.margins(y=0.25)
    return plot


PLOTTERS: dict[Kind, Callable[[Any, ChartData, ChartStyle], Plot]] = {
    "bar": _all_bars,
    "grouped_bar": _all_bars,
    "stacked_bar": _stacked_bars,
    "horizontal_bar": _all_bars,
    "line": _lines,
    "area": _areas,
    "pie": _slices,
    "donut": _slices,
    "scatter": _points,
    "heatmap": _cells,
    "box": _boxes,
    "histogram": _all_bars,
    "radar": _spokes,
    "combo": _two_axes,
}
