"""A chart said otherwise: as a table in several spellings, as a summary, as a caption.

Owns: prompts for them and the answers. Does not own: how QwenVL HTML, Markdown and JSON are spelled
(``tasks``).

    ChartData, DrawnChart -> table_turn | summary_turn | caption_turn -> (question, answer)
"""

import csv
import io
import json

import numpy as np

from qvl.data.synth.charts.look_questions import KIND_NAMES
from qvl.data.synth.charts.plots import bracketed
from qvl.data.synth.charts.records import ChartData, DrawnChart
from qvl.data.synth.charts.view import View, ranked
from qvl.data.synth.picking import listed, lower, pick
from qvl.geometry import Box
from qvl.tasks import document, extraction
from qvl.tasks.document_elements import Cell, Chart, Table
from qvl.tasks.document_markdown import to_markdown
from qvl.tasks.json_repair import JsonValue

_ASK = {
    "markdown": (
        "Convert the chart to a Markdown table.",
        "Turn this chart into a table in Markdown.",
        "What data does the chart show? Answer with a Markdown table.",
    ),
    "csv": (
        "Extract the data of the chart as CSV.",
        "Write the values of this chart as comma-separated values with a header row.",
    ),
    "json": (
        "Extract the data of the chart as a JSON list with an object for each row.",
        "Write the values of this chart as JSON, one object a row.",
    ),
}
_ASK_CAPTION = (
    "Write a caption for this chart.",
    "Describe the chart.",
    "What does the chart show?",
)
_FIELDS: dict[str, JsonValue] = {
    "chart_type": {"type": "string"},
    "title": {"type": "string"},
    "x_axis": {"type": "string"},
    "y_axis": {"type": "string"},
    "legend": {"type": "array", "items": {"type": "string"}},
    "num_categories": {"type": "integer"},
}
"""Of a summary, as JSON Schema."""


def can_be_table(drawn: DrawnChart, data: ChartData) -> bool:
    """Whether every value can be read, so that a table of them is no guess."""
    view = View(data=data, drawn=drawn)
    if not view.exact and data.kind in ("pie", "donut", "heatmap"):
        return False
    return bool(data.categories) and all(
        view.columns(s) == [i for i, v in enumerate(data.series[s].values) if v is not None]
        for s in range(len(data.series))
    )


def table(data: ChartData, drawn: DrawnChart) -> list[list[str]]:
    """Head and rows: the categories down, the series across; numbers as they can be seen."""
    view = View(data=data, drawn=drawn)
    axis = data.category_axis + bracketed(data.x_unit.name)
    head = [axis[:1].upper() + axis[1:]]
    for row in data.series:
        name = row.name or row.measure
        head.append(
            name + bracketed(row.unit.name) if not row.name or data.kind == "combo" else name
        )
    rows = [head]
    for category, name in enumerate(data.categories):
        cells = [name]
        for series, row in enumerate(data.series):
            value = data.value(series, category)
            if value is None:
                cells.append("")
                continue
            whole = view.step(series) and view.step(series) % 1 == 0
            cells.append(f"{view.seen(series, value):.{0 if whole else row.unit.decimals}f}")
        rows.append(cells)
    return rows


def table_turn(
    rng: np.random.Generator, data: ChartData, drawn: DrawnChart, box: Box
) -> tuple[str, str, str]:
    """Returns the form, a prompt and the table in that form.

    Args:
        rng: source of randomness.
        data: of the chart.
        drawn: its picture.
        box: of the whole chart, for QwenVL HTML.
    """
    rows = table(data, drawn)
    form = ("qwenvl", *_ASK)[int(rng.choice(4, p=[0.4, 0.25, 0.15, 0.2]))]
    cells = Table(
        rows=tuple(tuple(Cell(text, header=i == 0) for text in row) for i, row in enumerate(rows))
    )
    if form == "qwenvl":
        chart = Chart(box=box, picture=box, table=cells)
        return form, document.prompt(), document.format([chart])
    question = pick(rng, _ASK[form])
    if form == "markdown":
        return form, question, to_markdown([cells]).strip()
    if form == "csv":
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        return form, question, file.getvalue().strip()
    records = [dict(zip(rows[0], map(_number, row), strict=True)) for row in rows[1:]]
    body = ",\n".join(f"  {json.dumps(record, ensure_ascii=False)}" for record in records)
    return form, question, f"```json\n[\n{body}\n]\n```"


def _number(text: str) -> JsonValue:
    """A number where the text is one and its spelling is plain; None for an empty cell."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def summary_turn(data: ChartData, drawn: DrawnChart) -> tuple[str, str]:
    """What stands on the chart, as fields."""
    texts = {element.role: element.text for element in drawn.elements}
    has_legend = "legend" in texts
    of_slices = data.kind in ("pie", "donut")
    names = list(data.categories) if of_slices else [row.name for row in data.series]
    record: dict[str, JsonValue] = {
        "chart_type": KIND_NAMES[data.kind],
        "title": texts.get("title", ""),
        "x_axis": texts.get("x title", ""),
        "y_axis": texts.get("y title", ""),
        "legend": [*names] if has_legend else [],
        "num_categories": len(data.categories),
    }
    if len(drawn.reading.shown) < len(data.categories) or data.kind == "scatter":
        del record["num_categories"]
    schema = {"type": "object", "properties": {name: _FIELDS[name] for name in record}}
    return extraction.prompt(schema), extraction.format(record)


def caption_turn(rng: np.random.Generator, data: ChartData, drawn: DrawnChart) -> tuple[str, str]:
    """A few sentences that say what is shown and what stands out, as far as it can be read."""
    view = View(data=data, drawn=drawn)
    name = KIND_NAMES[data.kind]
    first = data.series[0]
    what = lower(first.measure)
    if data.kind == "combo":
        what = listed([lower(row.measure) for row in data.series])
    article = "An" if name[0] in "aeiou" else "A"
    title = next((e.text for e in drawn.elements if e.role == "title"), "")
    titled = f' titled "{title}"' if title and rng.random() < 0.6 else ""
    shows = f"{article} {name}{titled} shows the {what}{_along(data)}."
    if data.kind == "scatter":
        shows = (
            f"{article} {name}{titled} shows the {what} against the {lower(data.category_axis)}."
        )
    sentences = [shows]
    if len(data.series) > 1 and data.kind not in ("box", "combo", "heatmap"):
        sentences.append(f"It compares {listed([row.name for row in data.series])}.")
    if len(data.series) == 1 and _all_fit(view):
        sentences.append(_every_value(view))
    sentences += [said for s in range(min(3, len(data.series))) if (said := _standing_out(view, s))]
    return pick(rng, _ASK_CAPTION), " ".join(sentences)


def _all_fit(view: View) -> bool:
    """Whether all values are printed, and few enough to be named."""
    return view.exact and view.is_complete(0) and len(view.data.categories) <= 6


def _every_value(view: View) -> str:
    pairs = zip(view.data.categories, view.values(0), strict=True)
    said = listed([f"{name} with {view.show(0, value)}" for name, value in pairs])
    return f"There are {said}."


def _along(data: ChartData) -> str:
    if data.kind in ("scatter", "combo") or not data.categories:
        return ""
    if data.is_time:
        return f" from {data.categories[0]} to {data.categories[-1]}"
    if data.kind == "histogram":
        return ""
    return f" by {data.category_axis}"


def _standing_out(view: View, series: int) -> str:
    """Highest and lowest value, and the way a series of time goes, if they can be seen."""
    if not view.is_complete(series) or view.data.kind in ("box", "heatmap"):
        return ""
    values, data = view.values(series), view.data
    top, second = ranked(values, highest=True)[:2]
    bottom, last = ranked(values, highest=False)[:2]
    said = []
    if data.is_time and view.differ(series, values[0], values[-1]):
        word = "rise" if values[-1] > values[0] else "fall"
        ends = [view.show(series, view.seen(series, values[i])) for i in (0, -1)]
        said.append(f"{view.does(series, word)} from {view.about()}{ends[0]} to {ends[1]}")
    verb = view.verb(series)
    if view.differ(series, values[top], values[second]):
        shown = view.show(series, view.seen(series, values[top]))
        said.append(f"{verb} highest {view.where(top)} at {view.about()}{shown}")
    if view.differ(series, values[bottom], values[last]):
        shown = view.show(series, view.seen(series, values[bottom]))
        said.append(f"{verb} lowest {view.where(bottom)} at {view.about()}{shown}")
    return f"The {view.noun(series)} {listed(said)}." if said else ""
