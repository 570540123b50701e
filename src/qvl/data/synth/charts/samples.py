"""Samples about charts: questions, tables, captions and boxes of one drawn chart.

Owns: which chart is drawn by what, what is asked about it, the conversation. Does not own: the
data (``series``), the drawings, the answers.

    rng -> ChartData, ChartStyle -> a drawing -> turns -> light wear of the picture -> Sample
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from PIL import Image as PILImage

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.charts.descriptions import (
    can_be_table,
    caption_turn,
    summary_turn,
    table_turn,
)
from qvl.data.synth.charts.look_questions import LOOK_QUESTIONS
from qvl.data.synth.charts.matplotlib_chart import draw
from qvl.data.synth.charts.plotly_chart import PLOTLY_KINDS, draw_plotly
from qvl.data.synth.charts.records import ChartData, ChartElement, DrawnChart, Kind
from qvl.data.synth.charts.relation_questions import RELATION_QUESTIONS
from qvl.data.synth.charts.seaborn_plots import SEABORN_PLOTTERS
from qvl.data.synth.charts.series import KINDS, invent
from qvl.data.synth.charts.styles import ChartStyle, random_style
from qvl.data.synth.charts.value_questions import VALUE_QUESTIONS
from qvl.data.synth.charts.view import View
from qvl.data.synth.picking import shuffled
from qvl.data.synth.turns import Turn, conversation, given_away, worded
from qvl.data.synth.words import Split
from qvl.geometry import Box
from qvl.tasks import grounding

Renderer = Literal["matplotlib", "seaborn", "plotly"]
Task = Literal["questions", "table", "caption", "summary", "boxes"]
TASKS: tuple[Task, ...] = ("questions", "table", "caption", "summary", "boxes")

_KIND_SHARES = np.array([12, 12, 10, 10, 12, 5, 7, 5, 7, 7, 5, 4, 4, 5], float)
"""In the order of `KINDS`: bars and lines are the most common. Source: ours."""
_TASK_SHARES = np.array([0.55, 0.17, 0.08, 0.05, 0.15])
_LEAST_SIDE_PX = 8.0
"""Below, a mark is too thin to be asked for."""
_MOST_BOXES = 12
_WRITTEN_CELLS = 0.7
"""Share of heatmaps with their values in the cells, before chance writes some into the others; a
shade alone tells more from less, but not how much. Ours."""


def chart_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    renderer: Renderer = "matplotlib",
    kinds: Sequence[Kind] = KINDS,
    task: Task | None = None,
    side_tokens: tuple[int, int] = (16, 33),
    fonts: Split = "train",
    most_turns: int = 4,
    explained: bool = False,
    strength: float = 0.15,
) -> Sample:
    """Returns a chart and a conversation about it.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        renderer: which library draws; kinds that it does not draw are drawn by matplotlib.
        kinds: of charts to choose from.
        task: what is asked; None takes any, as far as the chart allows it.
        side_tokens: least and most merged tokens (28 px) of the width.
        fonts: which typefaces.
        most_turns: of a conversation.
        explained: ask only what takes steps, as far as the chart allows it, and answer with them.
        strength: of what happened to the picture on its way; nothing moves.

    Raises:
        MissingDependencyError: the library is not installed.
    """
    shares = np.array([_KIND_SHARES[KINDS.index(kind)] for kind in kinds])
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    data = invent(rng, kind)
    if rng.random() < 0.06:
        data = replace(data, title="")
    style = random_style(rng, side_tokens=side_tokens, fonts=fonts)
    if kind == "heatmap" and rng.random() < _WRITTEN_CELLS:
        style = replace(style, wants_labels=True)
    drawn = _draw(rng, data, style, renderer)
    chosen = task or TASKS[int(rng.choice(len(TASKS), p=_TASK_SHARES))]
    turns, asked, name = _converse(rng, data, drawn, chosen, most_turns, explained=explained)
    pixels = photograph(rng, PILImage.fromarray(drawn.pixels), strength=strength)
    return Sample(
        task=f"chart {name}",
        conversation=conversation(np.asarray(pixels, np.uint8), turns),
        provenance=Provenance(generator="charts.samples.chart_sample", seed=seed),
        facts={
            "renderer": renderer,
            "chart": data.to_json(),
            "questions": [turn.to_json() for turn in asked],
            "readable": {
                "printed": drawn.reading.exact,
                # JSON has no infinity: None is a series that cannot be read.
                "steps": [s if np.isfinite(s) else None for s in drawn.reading.steps],
            },
            "elements": [[e.role, e.name, [round(v, 1) for v in e.box]] for e in drawn.elements],
        },
    )


def _draw(
    rng: np.random.Generator, data: ChartData, style: ChartStyle, renderer: Renderer
) -> DrawnChart:
    if renderer == "plotly" and data.kind in PLOTLY_KINDS:
        return draw_plotly(data, style)
    plotter = SEABORN_PLOTTERS.get(data.kind) if renderer == "seaborn" else None
    return draw(rng, data, style, plotter=plotter)


def _converse(
    rng: np.random.Generator,
    data: ChartData,
    drawn: DrawnChart,
    task: Task,
    most_turns: int,
    *,
    explained: bool,
) -> tuple[list[tuple[str, str]], list[Turn], str]:
    """Returns questions with answers, the records of those about values, and what they are."""
    if task == "table" and can_be_table(drawn, data):
        height, width = drawn.pixels.shape[:2]
        form, question, answer = table_turn(rng, data, drawn, Box(0, 0, width - 1, height - 1))
        return [(question, answer)], [], f"to {form} table"
    if task == "caption":
        return [caption_turn(rng, data, drawn)], [], "caption"
    if task == "summary":
        return [summary_turn(data, drawn)], [], "summary"
    if task == "boxes":
        turns = _locate(rng, drawn, most_turns)
        if turns:
            return turns, [], "boxes"
    view, count = View(data=data, drawn=drawn), int(rng.integers(1, most_turns + 1))
    asked = choose_turns(rng, view, count, with_steps=explained)
    if not asked:  # nothing there takes steps
        asked = choose_turns(rng, view, count)
    return worded(rng, asked, explained=explained), asked, "questions"


def choose_turns(
    rng: np.random.Generator, view: View, count: int, *, with_steps: bool = False
) -> list[Turn]:
    """Questions of different kinds that the chart can answer, none answered by one before it.

    Args:
        rng: source of randomness.
        view: of the chart.
        count: of questions, as far as there are so many.
        with_steps: only those whose answers take steps.
    """
    askers = shuffled(rng, VALUE_QUESTIONS) + shuffled(rng, RELATION_QUESTIONS)
    looks = shuffled(rng, LOOK_QUESTIONS)
    order = shuffled(rng, askers)
    # About a quarter of the questions are about looks.
    for place in range(0, len(looks)):
        order.insert(min(len(order), place * 4 + int(rng.integers(4))), looks[place])
    chosen: list[Turn] = []
    for asker in order:
        if len(chosen) == count:
            break
        turn = asker(rng, view)
        if turn is not None and view.shades_only:
            turn = None if turn.value is not None else replace(turn, steps=())
        if turn is None or (with_steps and not turn.steps):
            continue
        if not given_away(turn, chosen):
            chosen.append(turn)
    return chosen


def _locate(rng: np.random.Generator, drawn: DrawnChart, most_turns: int) -> list[tuple[str, str]]:
    """Asks for single elements, or for all marks of a kind."""
    size = drawn.pixels.shape
    elements = [e for e in drawn.elements if _is_large(e)]
    marks = [e for e in elements if e.colour is not None]
    if marks and len(marks) <= _MOST_BOXES and rng.random() < 0.25:
        role = marks[0].role
        names = "boxes of the box plot" if role == "box" else f"{role}s"
        thing = f"all {names}"
        boxes = [_boxed(e, size, e.name.removeprefix("the ")) for e in marks]
        return [(grounding.prompt(thing), grounding.format(boxes))]
    unique = {e.name: e for e in elements}
    chosen = shuffled(rng, list(unique.values()))[: int(rng.integers(1, most_turns + 1))]
    return [
        (grounding.prompt(e.name), grounding.format([_boxed(e, size, e.name.removeprefix("the "))]))
        for e in chosen
    ]


def _is_large(element: ChartElement) -> bool:
    box = element.box
    return min(box.x2 - box.x1, box.y2 - box.y1) >= _LEAST_SIDE_PX


def _boxed(element: ChartElement, size: tuple[int, ...], label: str) -> grounding.GroundedBox:
    height, width = size[:2]
    x1, y1, x2, y2 = element.box
    box = Box(max(0, x1), max(0, y1), min(width - 1, x2), min(height - 1, y2))
    return grounding.GroundedBox(box=box, label=label)
