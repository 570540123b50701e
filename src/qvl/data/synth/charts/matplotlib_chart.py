"""A chart drawn by matplotlib: the figure, its titles and legend, what is mended, what is where.

Owns: everything around the marks. Does not own: the marks (``plots``, ``seaborn_plots``).

    ChartData, ChartStyle -> plot -> titles, legend -> settle what overlaps -> pixels, elements

Text that overlaps is turned, thinned out or left out before anything is rendered, and what can be
read from the picture (``Reading``) follows from what is left.
"""

import logging
import math
import textwrap
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from qvl.data.synth.charts.plots import PLOTTERS, Mark, Plot, bracketed
from qvl.data.synth.charts.records import ChartData, ChartElement, DrawnChart, Reading
from qvl.data.synth.charts.styles import ChartStyle
from qvl.errors import MissingDependencyError
from qvl.geometry import Box

_DPI = 100
_POINTS = 72 / _DPI
"""Points of a pixel."""
_LOG_FROM = 60
"""Largest over smallest value from which the axis is logarithmic."""
_SIDES = ("left", "right", "top", "bottom")
Plotter = Callable[[Any, ChartData, ChartStyle], Plot]


def matplotlib() -> ModuleType:
    """The package.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import matplotlib
        import matplotlib.backends.backend_agg
        import matplotlib.figure
    except ImportError as error:
        raise MissingDependencyError(
            "drawing charts needs the package matplotlib", hint="pip install 'qvl[data]'"
        ) from error
    # That a typeface has no bold weight is no news.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    return matplotlib


@lru_cache(maxsize=256)
def _family(font: Path) -> str:
    """Makes a file known to matplotlib and returns the name of its family."""
    from matplotlib import font_manager

    font_manager.fontManager.addfont(str(font))
    return font_manager.FontProperties(fname=str(font)).get_name()


def _settings(style: ChartStyle) -> dict[str, Any]:
    grid = {"none": ("both", False), "values": ("y", True), "both": ("both", True)}[style.grid]
    size = style.font_px * _POINTS
    return {
        "font.family": [_family(style.font), "DejaVu Sans"],
        "font.size": size,
        "axes.titlesize": size * 1.2,
        "figure.titlesize": size * 1.25,
        "legend.fontsize": size * 0.92,
        "xtick.labelsize": size * 0.92,
        "ytick.labelsize": size * 0.92,
        "figure.facecolor": style.paper,
        "axes.facecolor": style.plot,
        "text.color": style.ink,
        "axes.labelcolor": style.ink,
        "axes.edgecolor": style.ink,
        "xtick.color": style.ink,
        "ytick.color": style.ink,
        "axes.grid": grid[1],
        "axes.grid.axis": grid[0],
        "grid.color": "#8888884d",
        "grid.linestyle": "--" if style.grid_dashed else "-",
        "axes.axisbelow": True,
        "axes.unicode_minus": False,
        "legend.facecolor": style.plot,
        "legend.edgecolor": "#88888880",
        "legend.framealpha": 0.9,
        **{f"axes.spines.{side}": side in style.frame for side in _SIDES},
    }


def draw(
    rng: np.random.Generator, data: ChartData, style: ChartStyle, *, plotter: Plotter | None = None
) -> DrawnChart:
    """Draws a chart.

    Args:
        rng: source of small choices.
        data: what is shown.
        style: how it looks.
        plotter: draws the marks; None takes the one of matplotlib for the kind.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    package = matplotlib()
    with package.rc_context(_settings(style)):
        height, width = style.size
        figure = package.figure.Figure(
            figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained"
        )
        canvas = package.backends.backend_agg.FigureCanvasAgg(figure)
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
        polar = {"projection": "polar"} if data.kind == "radar" else {}
        axes = figure.add_subplot(**polar)
        plot = (plotter or PLOTTERS[data.kind])(axes, data, style)
        is_log = _scale(axes, data, plot)
        titles = _write_titles(rng, figure, axes, data, style, plot)
        legend = _legend(rng, figure, axes, data, style, plot)
        if legend is not None:
            titles["legend"] = legend
        _settle(figure, axes, data, style, plot, titles)
        figure.set_layout_engine("none")  # everything stays where it is
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
        reading = _reading(figure, axes, data, style, plot, is_log)
        elements = [*_title_elements(titles, height), *_mark_elements(plot.marks, height, width)]
    return DrawnChart(pixels=pixels, elements=tuple(elements), reading=reading)


def _scale(axes: Any, data: ChartData, plot: Plot) -> bool:
    """Makes the axis of values logarithmic where values differ that much."""
    if data.kind not in ("bar", "line") or len(data.series) > 1:
        return False
    values = [value for value in data.series[0].values if value is not None]
    if min(values) <= 0 or max(values) / min(values) < _LOG_FROM:
        return False
    axes.set_yscale("log")
    axes.set_ylim(10 ** math.floor(math.log10(min(values))) / 2, max(values) * 4)
    return True


def _write_titles(
    rng: np.random.Generator,
    figure: Any,
    axes: Any,
    data: ChartData,
    style: ChartStyle,
    plot: Plot,
) -> dict[str, Any]:
    """Title and axis titles; returns those that stand on the picture."""
    titles: dict[str, Any] = {}
    if data.title:
        x, side = (0.02, "left") if style.title_left else (0.5, "center")
        weight = "bold" if rng.random() < 0.4 else "normal"
        titles["title"] = figure.suptitle(data.title, x=x, ha=side, fontweight=weight)
    if data.kind in ("pie", "donut", "radar"):
        return titles
    first = data.series[0]
    values = first.measure + bracketed(first.unit.name)
    name = data.category_axis[:1].upper() + data.category_axis[1:]
    if data.kind in ("scatter", "histogram"):
        name += bracketed(data.x_unit.name)
    sides = {"x title": (axes.xaxis, name), "y title": (axes.yaxis, values)}
    if data.kind == "horizontal_bar":
        sides = {"x title": (axes.xaxis, values), "y title": (axes.yaxis, name)}
    elif data.kind == "heatmap":
        rows = data.group_axis[:1].upper() + data.group_axis[1:]
        sides = {"x title": (axes.xaxis, name), "y title": (axes.yaxis, rows)}
    elif data.kind == "combo":
        second = data.series[1]
        right = figure.axes[1].yaxis
        sides["right y title"] = (right, second.measure + bracketed(second.unit.name))
    obvious = data.is_time or name.lower() in ("country", "city", "month")
    for role, (axis, text) in sides.items():
        # An axis of months explains itself; one of values does not.
        if text == name and obvious and rng.random() < 0.5:
            axis.label.set_text("")
            continue
        titles[role] = axis.label
        axis.label.set_text(text)
    return titles


def _legend(
    rng: np.random.Generator, figure: Any, axes: Any, data: ChartData, style: ChartStyle, plot: Plot
) -> Any | None:
    if len(plot.handles) < 2:
        return None
    handles, names = zip(*plot.handles, strict=True)
    axis = data.group_axis or data.category_axis
    heading = axis[:1].upper() + axis[1:] if rng.random() < 0.25 else None
    if style.legend_outside or data.kind in ("pie", "donut", "radar", "combo", "area"):
        if sum(map(len, names)) < 40 and (data.kind == "combo" or rng.random() < 0.5):
            return figure.legend(handles, names, loc="outside lower center", ncols=len(names))
        return figure.legend(handles, names, loc="outside right center", title=heading)
    # Room above the marks, so that the legend covers none.
    low, high = axes.get_ylim() if data.kind != "horizontal_bar" else axes.get_xlim()
    if data.kind not in ("scatter", "horizontal_bar"):
        axes.set_ylim(low, high + (high - low) * 0.12)
    return axes.legend(handles, names, loc="best", title=heading)


def _settle(
    figure: Any,
    axes: Any,
    data: ChartData,
    style: ChartStyle,
    plot: Plot,
    titles: dict[str, Any],
) -> None:
    """Turns, thins out or removes text that overlaps, and a legend that covers marks."""
    figure.draw_without_rendering()
    width = style.size.width
    changed = False
    for role in ("title", "x title", "y title"):
        if role in titles:
            room = style.size.height if role == "y title" else width
            changed |= _wrap(titles[role], room * 0.94, along_y=role == "y title")
    if data.kind not in ("pie", "donut", "radar", "scatter"):
        changed |= _settle_ticks(figure, axes, data)
    legend = titles.get("legend")
    if changed:
        figure.draw_without_rendering()
    if legend is not None and legend.axes is not None and _covers(legend, plot):
        handles, names = zip(*plot.handles, strict=True)
        legend.remove()
        titles["legend"] = figure.legend(handles, names, loc="outside right center")
        figure.draw_without_rendering()
    shown = [text for text in plot.labels if text.get_text()]
    others = [titles["legend"]] if "legend" in titles else []
    if _overlap([*shown, *others]) or _leaves(shown, plot, data):
        for text in plot.labels:
            text.set_visible(False)
        plot.labels = []


def _wrap(text: Any, room: float, *, along_y: bool) -> bool:
    """Breaks a title that is longer than its room into lines; True if it was."""
    extent = text.get_window_extent()
    length = extent.height if along_y else extent.width
    if length <= room:
        return False
    words = text.get_text()
    text.set_text(textwrap.fill(words, max(8, int(len(words) * room / length))))
    return True


def _settle_ticks(figure: Any, axes: Any, data: ChartData) -> bool:
    """Names along x are turned when they run into each other; of a long time some are left out."""
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    if data.kind == "horizontal_bar" or not _overlap(labels, gap=4):
        return False
    count = len(data.categories)
    if data.is_time and count > 8:
        every = next((n for n in (2, 3, 4, 5) if count / n <= 7), 6)
        step = axes.get_xticks()
        axes.set_xticks(step[::every], data.categories[::every])
        figure.draw_without_rendering()
        labels = axes.get_xticklabels()
        if not _overlap(labels, gap=4):
            return True
    for angle, side in ((35, "right"), (90, "center")):
        for label in axes.get_xticklabels():
            label.set(rotation=angle, ha=side, rotation_mode="anchor" if angle == 35 else "default")
        if max(map(len, data.categories)) < 14:
            break
    return True


def _overlap(texts: Sequence[Any], gap: float = 1.0) -> bool:
    extents = [text.get_window_extent().padded(gap / 2) for text in texts]
    return any(a.overlaps(b) for a, b in combinations(extents, 2))


def _covers(legend: Any, plot: Plot) -> bool:
    """Whether a legend inside the plot hides a mark, a line or a value."""
    frame = legend.get_window_extent()
    artists = [mark.artist for mark in plot.marks] + plot.labels
    if any(frame.overlaps(artist.get_window_extent()) for artist in artists):
        return True
    for artist in plot.obstacles:
        path = artist.get_path().transformed(artist.get_transform())
        if path.intersects_bbox(frame, filled=False):
            return True
    return False


def _leaves(labels: Sequence[Any], plot: Plot, data: ChartData) -> bool:
    """Whether a value written inside its mark is larger than it."""
    if data.kind not in ("stacked_bar", "heatmap", "pie", "donut"):
        return False
    marks = [mark.artist.get_window_extent() for mark in plot.marks]
    for text, mark in zip(labels, marks, strict=False):
        extent = text.get_window_extent()
        if data.kind in ("pie", "donut"):
            # A slice is narrower than its box.
            if mark.width * mark.height < 4 * extent.width * extent.height:
                return True
        elif extent.width > mark.width + 1 or extent.height > mark.height:
            return True
    return False


def _reading(
    figure: Any, axes: Any, data: ChartData, style: ChartStyle, plot: Plot, is_log: bool
) -> Reading:
    steps = tuple(
        _step(figure, axes, data, style, plot, series, is_log) for series in range(len(data.series))
    )
    ticks = {label.get_text() for label in axes.get_xticklabels() if label.get_visible()}
    shown = frozenset(
        i for i, name in enumerate(data.categories) if data.kind not in ("line", "area") or
        name in ticks
    )  # fmt: skip
    return Reading(
        exact=bool(plot.labels),
        steps=steps,
        colours=plot.colours if len(set(plot.colours)) == len(plot.colours) else (),
        shown=shown,
        is_log=is_log,
    )


def _step(
    figure: Any,
    axes: Any,
    data: ChartData,
    style: ChartStyle,
    plot: Plot,
    series: int,
    is_log: bool,
) -> float:
    """The finest difference that can be seen between two values of a series.

    A tenth of the distance of two ticks with a grid, a fifth without, but never less than three
    pixels. Source: ours; judged by eye on pictures of all kinds.
    """
    values = [value for value in data.series[series].values if value is not None]
    if data.kind in ("pie", "donut"):
        return 5.0
    if data.kind == "radar":
        return 1.0
    if data.kind == "heatmap":
        every = [value for row in data.series for value in row.values if value is not None]
        return round_step((max(every) - min(every)) / 8)
    if is_log or (data.kind in ("stacked_bar", "area") and series > 0) or not values:
        return math.inf
    where = figure.axes[1] if data.kind == "combo" and series == 1 else axes
    lying = plot.value_axis == "x"
    low, high = where.get_xlim() if lying else where.get_ylim()
    extent = where.get_window_extent()
    pixels = extent.width if lying else extent.height
    ticks = where.get_xticks() if lying else where.get_yticks()
    tick = float(abs(ticks[1] - ticks[0])) if len(ticks) > 1 else abs(high - low)
    share = 10 if style.grid != "none" else 5
    return round_step(max(tick / share, 3 * abs(high - low) / pixels))


def round_step(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten.

    >>> round_step(0.21), round_step(3.0), round_step(10.0)
    (0.5, 5.0, 10.0)
    """
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step) + 1e-9)
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9)))


def _box(extent: Any, height: int) -> Box:
    """Figures of matplotlib count y from below."""
    sides = (extent.x0, height - extent.y1, extent.x1, height - extent.y0)
    return Box(*map(float, sides))


def _title_elements(titles: dict[str, Any], height: int) -> list[ChartElement]:
    said = {
        "title": "the title of the chart",
        "x title": "the title of the x axis",
        "y title": "the title of the y axis",
        "right y title": "the title of the right y axis",
        "legend": "the legend",
    }
    return [
        ChartElement(
            role=role,
            name=said[role],
            box=_box(artist.get_window_extent(), height),
            text="" if role == "legend" else artist.get_text().replace("\n", " "),
        )
        for role, artist in titles.items()
    ]


def _mark_elements(marks: Sequence[Mark], height: int, width: int) -> list[ChartElement]:
    found = []
    for artist, role, name, colour in marks:
        box = _box(artist.get_window_extent(), height)
        inside = Box(max(0, box.x1), max(0, box.y1), min(width, box.x2), min(height, box.y2))
        found.append(ChartElement(role=role, name=name, box=inside, colour=colour))
    return found
