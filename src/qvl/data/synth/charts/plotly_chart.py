"""A chart drawn by plotly's own JavaScript, as it comes with the Python package, in Chromium.

Owns: figures for plotly, what its drawing tells. Does not own: the browser (``render``).

    ChartData, ChartStyle -> figure as JSON -> page with plotly.js -> pixels, boxes -> DrawnChart
"""

import json
import math
import textwrap
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageFont

from qvl.data.synth.charts.matplotlib_chart import round_step
from qvl.data.synth.charts.plots import bracketed, ink_on, mark_name, rgb
from qvl.data.synth.charts.records import ChartData, ChartElement, DrawnChart, Kind, Reading
from qvl.data.synth.charts.styles import ChartStyle
from qvl.data.synth.render.page import render_page
from qvl.errors import MissingDependencyError
from qvl.geometry import Box

PLOTLY_KINDS: tuple[Kind, ...] = (
    "bar", "grouped_bar", "stacked_bar", "horizontal_bar", "line", "area", "pie", "donut",
    "scatter",
)  # fmt: skip

_SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8").split("\n", 1)[1]
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
_MOST_LINE_LABELS = 10
_MARGIN = 10
_SECONDS = 90.0
"""A page has five megabytes of JavaScript to read; on a busy machine that takes a while."""
_STANDOFF = 12


@lru_cache(maxsize=1)
def _plotly_js() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingDependencyError(
            "drawing charts as plotly does needs the package plotly",
            hint="pip install 'qvl[data]'",
        ) from error
    return str(get_plotlyjs())


def draw_plotly(data: ChartData, style: ChartStyle) -> DrawnChart:
    """Draws a chart of one of `PLOTLY_KINDS`.

    Raises:
        MissingDependencyError: plotly, Playwright or Chromium is not installed.
        DataError: the page cannot be drawn.
    """
    family, _ = ImageFont.truetype(str(style.font), 12).getname()
    figure = {
        "data": _traces(data, style),
        "layout": _layout(data, style, family or "sans-serif"),
        "labelled": _is_labelled(data, style),
        "lying": data.kind == "horizontal_bar",
        "inside": data.kind == "stacked_bar",
        "plain_mode": "lines+markers" if style.markers else "lines",
    }
    # "</script>" inside a name would end the script; names here are ours, JSON escapes it anyway.
    said = json.dumps(figure).replace("</", "<\\/")
    height, width = style.size
    html = (
        '<!doctype html><meta charset="utf-8">'
        f"<style>body{{margin:{_MARGIN}px;background:{style.paper};overflow:hidden}}</style>"
        f'<div id="chart" style="width:{width - 2 * _MARGIN}px;height:{height - 2 * _MARGIN}px">'
        "</div>"
        f"<script>{_plotly_js()}</script>"
    )
    script = f"() => ({_SCRIPT})({said})"
    page = render_page(html, size=style.size, script=script, seconds=_SECONDS)
    pixels = np.asarray(page.picture, np.uint8)
    return DrawnChart(
        pixels=pixels,
        elements=tuple(_elements(data, style, page.value)),
        reading=_reading(data, style, page.value),
    )


def _is_labelled(data: ChartData, style: ChartStyle) -> bool:
    if data.kind in ("area", "scatter"):
        return False
    values = len(data.series) * len(data.categories)
    return style.wants_labels and (data.kind != "line" or values <= _MOST_LINE_LABELS)


def _colours(style: ChartStyle, count: int) -> list[str]:
    return [style.palette[i % len(style.palette)][1] for i in range(count)]


def _traces(data: ChartData, style: ChartStyle) -> list[dict[str, Any]]:
    if data.kind in ("pie", "donut"):
        return [_pie(data, style)]
    traces: list[dict[str, Any]] = []
    for i, (row, colour) in enumerate(
        zip(data.series, _colours(style, len(data.series)), strict=True)
    ):
        categories, values = list(row.xs or data.categories), list(row.values)
        labels = ["" if value is None else row.unit.short(value) for value in values]
        text = {"text": labels} if _is_labelled(data, style) else {}
        font = {"textfont": {"size": style.font_px * 0.86}} if text else {}
        trace: dict[str, Any] = {"name": row.name, **text, **font}
        if data.kind in ("line", "area", "scatter"):
            marks = "markers" if data.kind == "scatter" else "lines"
            if data.kind == "line" and style.markers:
                marks = "lines+markers"
            trace |= {
                "type": "scatter",
                "x": categories,
                "y": values,
                "mode": marks + ("+text" if text else ""),
                "textposition": "top center",
                "line": {"color": colour, "width": 2.5},
                "marker": {"color": colour, "size": style.font_px * 0.5, "symbol": _SYMBOLS[i % 5]},
            }
            if data.kind == "area":
                trace |= {"stackgroup": "one", "fillcolor": colour, "line": {"color": colour}}
        else:
            lying = data.kind == "horizontal_bar"
            stacked = data.kind == "stacked_bar"
            trace |= {
                "type": "bar",
                "x": values if lying else categories,
                "y": categories if lying else values,
                "orientation": "h" if lying else "v",
                "marker": {"color": colour},
                "textposition": "inside" if stacked else "outside",
                "constraintext": "none",
                "textangle": 0,
                "cliponaxis": False,
            }
            if stacked and text:
                trace["textfont"] = {**font["textfont"], "color": ink_on(rgb(colour))}
                trace["insidetextanchor"] = "middle"
        traces.append(trace)
    return traces


def _pie(data: ChartData, style: ChartStyle) -> dict[str, Any]:
    (row,) = data.series
    values = [value or 0.0 for value in row.values]
    return {
        "type": "pie",
        "labels": list(data.categories),
        "values": values,
        "hole": 0.5 if data.kind == "donut" else 0,
        "sort": False,
        "direction": "clockwise",
        "marker": {
            "colors": _colours(style, len(values)),
            "line": {"color": style.paper, "width": 1},
        },
        "text": [row.unit.short(value) for value in values],
        "textinfo": "text" if style.wants_labels else "none",
        "textposition": "inside",
        "insidetextorientation": "horizontal",
        "textfont": {"color": [ink_on(rgb(c)) for c in _colours(style, len(values))]},
    }


def _layout(data: ChartData, style: ChartStyle, family: str) -> dict[str, Any]:
    height, width = style.size
    across = max(20, int(width * 0.92 / (style.font_px * 0.75)))
    title = "<br>".join(textwrap.wrap(data.title, across))
    grid = {"gridcolor": "#8888884d", "zerolinecolor": "#88888880", "automargin": True}
    names = data.category_axis[:1].upper() + data.category_axis[1:]
    first = data.series[0]
    measure = "<br>".join(
        textwrap.wrap(first.measure + bracketed(first.unit.name), max(12, height // 14))
    )
    category = {
        **grid,
        "title": {"text": names + bracketed(data.x_unit.name), "standoff": _STANDOFF},
        "showgrid": style.grid == "both",
        "tickangle": None if len(data.categories) > 7 else 0,
    }
    if data.kind != "scatter":
        category["type"] = "category"
        if data.kind not in ("line", "area"):
            category["dtick"] = 1
    value = {
        **grid,
        "title": {"text": measure, "standoff": _STANDOFF},
        "showgrid": style.grid != "none",
    }
    lying = data.kind == "horizontal_bar"
    if lying:
        category["autorange"] = "reversed"
    many = len(data.series) > 1 or data.kind in ("pie", "donut")
    beside: dict[str, Any] = {}
    if not style.legend_outside and len(data.categories) <= 7:  # more are written aslant
        beside = {"orientation": "h", "y": -0.18, "x": 0.5, "xanchor": "center"}
    return {
        "width": width - 2 * _MARGIN,
        "height": height - 2 * _MARGIN,
        "title": {
            "text": title,
            "x": 0.02 if style.title_left else 0.5,
            "y": 0.98,
            "yanchor": "top",
            "font": {"size": style.font_px * 1.3},
            "automargin": True,
        },
        "font": {"family": family, "size": style.font_px, "color": style.ink},
        "paper_bgcolor": style.paper,
        "plot_bgcolor": style.plot,
        "barmode": "stack" if data.kind == "stacked_bar" else "group",
        "bargap": 1 - style.width,
        "showlegend": many,
        "legend": beside,
        "margin": {"l": 50, "r": 30, "t": 40 if title else 20, "b": 50},
        "xaxis": value if lying else category,
        "yaxis": category if lying else value,
        "uniformtext": {"mode": "show", "minsize": style.font_px * 0.8},
    }


def _elements(data: ChartData, style: ChartStyle, found: dict[str, Any]) -> list[ChartElement]:
    said = {
        "title": "the title of the chart",
        "x_title": "the title of the x axis",
        "y_title": "the title of the y axis",
        "legend": "the legend",
    }
    elements = [
        ChartElement(
            role=role.replace("_", " "),
            name=name,
            box=Box(*found[role]["box"]),
            text=" ".join(found[role]["text"].split()),
        )
        for role, name in said.items()
        if found[role]
    ]
    colours = [rgb(colour) for colour in _colours(style, len(data.categories) + len(data.series))]
    for series, boxes in enumerate(found["bars"]):
        present = [i for i, value in enumerate(data.series[series].values) if value is not None]
        if len(boxes) == len(data.categories):
            present = list(range(len(data.categories)))
        for category, box in zip(present, boxes, strict=True):
            name = mark_name("bar", data, series, category)
            elements.append(
                ChartElement(role="bar", name=name, box=Box(*box), colour=colours[series])
            )
    for category, box in enumerate(found["slices"]):
        name = mark_name("slice", data, 0, category)
        elements.append(
            ChartElement(role="slice", name=name, box=Box(*box), colour=colours[category])
        )
    return elements


def _reading(data: ChartData, style: ChartStyle, found: dict[str, Any]) -> Reading:
    count = len(data.categories) if data.kind in ("pie", "donut") else len(data.series)
    names = tuple(style.palette[i % len(style.palette)][0] for i in range(count))
    # Names of the axis that run into each other cannot be read.
    boxes = [Box(*box) for box in found["tick_boxes"]]
    collide = any(_meet(a, b) for a, b in combinations(boxes, 2)) and len(boxes) < 8
    ticks = set() if collide else set(found["ticks"])
    line = data.kind in ("line", "area")
    shown = [i for i, name in enumerate(data.categories) if not line or name in ticks]
    return Reading(
        exact=bool(found["exact"]),
        steps=tuple(_step(data, style, found, i) for i in range(len(data.series))),
        colours=names if len(set(names)) == len(names) else (),
        shown=frozenset(shown),
    )


def _meet(a: Box, b: Box) -> bool:
    return a.x1 < b.x2 and b.x1 < a.x2 and a.y1 < b.y2 and b.y1 < a.y2


def _step(data: ChartData, style: ChartStyle, found: dict[str, Any], series: int) -> float:
    """As of charts by matplotlib."""
    if data.kind in ("pie", "donut"):
        return 5.0
    if data.kind in ("stacked_bar", "area") and series > 0:
        return math.inf
    low, high = found["range"]
    share = 10 if style.grid != "none" else 5
    return round_step(max(float(found["step"]) / share, 3 * abs(high - low) / found["length"]))
