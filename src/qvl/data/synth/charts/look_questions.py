"""Questions about what stands on a chart: titles, axes, legend, colours, numbers of things.

Owns: these questions. Does not own: questions about values (``value_questions``).

    View -> each of LOOK_QUESTIONS -> Turn, or None when the chart cannot answer it
"""

import numpy as np

from qvl.data.synth.charts.value_questions import Asker
from qvl.data.synth.charts.view import View, plural
from qvl.data.synth.picking import listed
from qvl.data.synth.turns import Turn

KIND_NAMES = {
    "bar": "bar chart", "grouped_bar": "grouped bar chart", "stacked_bar": "stacked bar chart",
    "horizontal_bar": "horizontal bar chart", "line": "line chart", "area": "area chart",
    "pie": "pie chart", "donut": "donut chart", "scatter": "scatter plot", "heatmap": "heatmap",
    "box": "box plot", "histogram": "histogram", "radar": "radar chart",
    "combo": "bar and line chart",
}  # fmt: skip
"""What people call the kinds."""


def _printed_text(view: View, role: str) -> str:
    return next((e.text for e in view.drawn.elements if e.role == role), "")


def _has_legend(view: View) -> bool:
    return any(element.role == "legend" for element in view.drawn.elements)


def title(rng: np.random.Generator, view: View) -> Turn | None:
    """What stands above the chart."""
    text = _printed_text(view, "title")
    if not text:
        return None
    return Turn(
        kind="title",
        question="What is the title of the chart?",
        answer=text,
        sentence=f'The title is "{text}".',
    )


def axis(rng: np.random.Generator, view: View) -> Turn | None:
    """What an axis is called."""
    roles = [role for role in ("x title", "y title", "right y title") if _printed_text(view, role)]
    if not roles:
        return None
    role = roles[int(rng.integers(len(roles)))]
    name, text = role.removesuffix(" title"), _printed_text(view, role)
    if role == "y title" and "right y title" in roles:
        name = "left y"
    return Turn(
        kind="axis",
        question=f"What is the title of the {name} axis?",
        answer=text,
        sentence=f'The {name} axis is titled "{text}".',
        about={"role": role},
    )


def colour_of(rng: np.random.Generator, view: View) -> Turn | None:
    """Which colour stands for a series, or for a slice."""
    names, colours = _coloured(view)
    if not colours:
        return None
    i = int(rng.integers(len(names)))
    return Turn(
        kind="colour of",
        question=f"What color represents {names[i]}?",
        answer=colours[i],
        sentence=f"{names[i]} is shown in {colours[i]}.",
        about={"index": i},
    )


def shown_in(rng: np.random.Generator, view: View) -> Turn | None:
    """What a colour stands for."""
    names, colours = _coloured(view)
    if not colours:
        return None
    i = int(rng.integers(len(names)))
    what = view.data.group_axis or view.data.category_axis
    return Turn(
        kind="shown in",
        question=f"Which {what} is shown in {colours[i]}?",
        answer=names[i],
        sentence=f"{names[i]} is shown in {colours[i]}.",
        about={"index": i},
    )


def _coloured(view: View) -> tuple[list[str], tuple[str, ...]]:
    """Names and colours where a colour means something."""
    data, colours = view.data, view.drawn.reading.colours
    if data.kind in ("pie", "donut"):
        return list(data.categories), colours
    if not _has_legend(view) or len(data.series) != len(colours):
        return [], ()
    return [row.name for row in data.series], colours


def legend(rng: np.random.Generator, view: View) -> Turn | None:
    """All names in the legend."""
    data = view.data
    if not _has_legend(view):
        return None
    names = (
        list(data.categories)
        if data.kind in ("pie", "donut")
        else [row.name for row in data.series]
    )
    return Turn(
        kind="legend",
        question="Which entries does the legend have?",
        answer=", ".join(names),
        sentence=f"The legend has {listed(names)}.",
    )


def count_categories(rng: np.random.Generator, view: View) -> Turn | None:
    """How many categories there are."""
    data = view.data
    count = len(data.categories)
    if not count or len(view.drawn.reading.shown) < count:
        return None
    things = {"histogram": "bars", "pie": "slices", "donut": "slices", "box": "boxes"}.get(
        data.kind, plural(data.category_axis)
    )
    return Turn(
        kind="count categories",
        question=f"How many {things} are shown in the chart?",
        answer=str(count),
        sentence=f"The chart shows {count} {things}.",
        value=float(count),
    )


def count_series(rng: np.random.Generator, view: View) -> Turn | None:
    """How many lines, or groups of bars, there are."""
    data = view.data
    if len(data.series) < 2 or data.kind in ("box", "combo"):
        return None
    count, things = len(data.series), "lines" if data.kind == "line" else plural(data.group_axis)
    return Turn(
        kind="count series",
        question=f"How many {things} does the chart compare?",
        answer=str(count),
        sentence=f"The chart compares {count} {things}.",
        value=float(count),
    )


def kind(rng: np.random.Generator, view: View) -> Turn | None:
    """What kind of chart it is."""
    name = KIND_NAMES[view.data.kind]
    article = "an" if name[0] in "aeiou" else "a"
    return Turn(
        kind="kind",
        question="What type of chart is this?",
        answer=name,
        sentence=f"This is {article} {name}.",
    )


def missing(rng: np.random.Generator, view: View) -> Turn | None:
    """Where a value is missing."""
    data = view.data
    gaps = [
        (s, i)
        for s in range(len(data.series))
        for i, value in enumerate(data.series[s].values)
        if value is None and i in view.drawn.reading.shown
    ]
    if len(gaps) != 1:
        return None
    ((series, category),) = gaps
    return Turn(
        kind="missing",
        question=f"{view.which()} is there no value of the {view.noun(series)}?",
        answer=data.categories[category],
        sentence=f"There is no value {view.where(category)}.",
        about={"series": series},
    )


LOOK_QUESTIONS: tuple[Asker, ...] = (
    title, axis, colour_of, shown_in, legend, count_categories, count_series, kind, missing,
)  # fmt: skip
