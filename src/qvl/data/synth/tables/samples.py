"""Samples about tables: their structure in several spellings, questions, boxes of cells.

Owns: which table is drawn how, what is asked about it, what happened to the picture. Does not own:
content, drawings, the answers.

    rng -> TableContent -> Pillow or Chromium -> wear that carries boxes along -> turns -> Sample
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.effects import photographed, printed, scanned
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.tables.content import TableContent, invent_table
from qvl.data.synth.tables.drawing import DrawnTable, draw_table, random_table_style
from qvl.data.synth.tables.grid import Placed
from qvl.data.synth.tables.page import draw_table_page
from qvl.data.synth.tables.questions import TABLE_QUESTIONS
from qvl.data.synth.turns import Turn, conversation, given_away, worded
from qvl.data.synth.warps import box_of, rectangle
from qvl.data.synth.words import Split
from qvl.geometry import Box
from qvl.tasks import document, grounding
from qvl.tasks.document_elements import Table
from qvl.tasks.document_markdown import to_markdown

Renderer = Literal["pillow", "chromium"]
Task = Literal["qwenvl", "html", "markdown", "csv", "questions", "boxes"]
TASKS: tuple[Task, ...] = ("qwenvl", "html", "markdown", "csv", "questions", "boxes")
_TASK_SHARES = np.array([0.3, 0.12, 0.08, 0.06, 0.32, 0.12])
_ASK_MARKDOWN = ("Convert the table to Markdown.", "Write this table in Markdown.")
_ASK_CSV = ("Extract the table as CSV.", "Write this table as comma-separated values.")
_LEAST_FONT_PX = 13


def table_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    renderer: Renderer = "pillow",
    task: Task | None = None,
    fonts: Split = "train",
    languages: float = 0.12,
    most_turns: int = 4,
    worn: float = 0.35,
) -> Sample:
    """Returns a picture of a table and a conversation about it.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        renderer: what draws.
        task: what is asked; None takes any, as far as the table allows it.
        fonts: which typefaces.
        languages: share of tables in other languages than English.
        most_turns: of a conversation.
        worn: share of pictures that were printed, scanned or photographed; boxes go along.

    Raises:
        MissingDependencyError: fonts, or Chromium for its pages, are not installed.
    """
    content = invent_table(rng, languages=languages)
    style = random_table_style(rng, content, fonts=fonts)
    if renderer == "chromium":
        drawn = draw_table_page(rng, content, style)
    else:
        drawn = draw_table(content, style)
    if rng.random() < worn:
        drawn = _worn(rng, drawn, float(style.font_px))
    chosen = task or TASKS[int(rng.choice(len(TASKS), p=_TASK_SHARES))]
    turns, asked, name = _converse(rng, content, drawn, chosen, most_turns)
    return Sample(
        task=f"table {name}",
        conversation=conversation(np.asarray(drawn.image, np.uint8), turns),
        provenance=Provenance(generator="tables.samples.table_sample", seed=seed),
        facts={
            "renderer": renderer,
            "language": content.language,
            "tables": [_found(drawn)],
            "questions": [turn.to_json() for turn in asked],
            "row_axis": content.row_axis,
            "row_names": list(content.row_names),
            "columns": [
                {"name": c.full_name, "unit": c.unit.name, "numbers": list(c.numbers)}
                for c in content.columns
            ],
        },
    )


def _worn(rng: np.random.Generator, drawn: DrawnTable, letters_px: float) -> DrawnTable:
    """The picture as it came off a printer, a scanner, a camera; small letters only mildly."""
    polygons = [rectangle(drawn.box), *(rectangle(box) for _, box in drawn.cells)]
    strength = 0.5 if letters_px > _LEAST_FONT_PX + 2 else 0.25
    form = rng.random()
    if form < 0.3:
        image = photograph(rng, drawn.image, strength=strength)
    elif form < 0.55:
        image, polygons = printed(rng, drawn.image, polygons, strength=strength)
    elif form < 0.85:
        image, polygons = scanned(
            rng, drawn.image, polygons, strength=strength, detail_px=letters_px
        )
    else:
        image, polygons = photographed(
            rng, drawn.image, polygons, strength=strength, detail_px=letters_px
        )
    whole, *boxes = (box_of(polygon) for polygon in polygons)
    cells = tuple((p, box) for (p, _), box in zip(drawn.cells, boxes, strict=True))
    return replace(drawn, image=image, box=whole, cells=cells)


def _found(drawn: DrawnTable) -> dict[str, Any]:
    """The table as a recogniser would report it, surely."""
    return {
        "box": [round(v, 1) for v in drawn.box],
        "confidence": 1.0,
        "cells": [
            {
                "row": p.row,
                "column": p.column,
                "row_span": p.row_span,
                "column_span": p.column_span,
                "text": p.cell.text,
                "header": p.cell.header,
                "box": [round(v, 1) for v in box],
                "confidence": 1.0,
            }
            for p, box in drawn.cells
        ],
    }


def _converse(
    rng: np.random.Generator,
    content: TableContent,
    drawn: DrawnTable,
    task: Task,
    most_turns: int,
) -> tuple[list[tuple[str, str]], list[Turn], str]:
    """Returns turns, the records of questions, and what they are; what a table cannot answer
    becomes its structure."""
    table = content.table
    if task in ("markdown", "csv") and _is_flat(table):
        if task == "markdown":
            return [(pick(rng, _ASK_MARKDOWN), to_markdown([table]).strip())], [], task
        return [(pick(rng, _ASK_CSV), _csv(table))], [], task
    if task == "html":
        return [(document.prompt("plain"), document.format([table]))], [], task
    if task == "boxes":
        return _locate(rng, drawn, most_turns), [], task
    if task == "questions" and content.columns:
        asked: list[Turn] = []
        count = int(rng.integers(1, most_turns + 1))
        for asker in shuffled(rng, TABLE_QUESTIONS):
            turn = asker(rng, content)
            if turn is not None and len(asked) < count and not given_away(turn, asked):
                asked.append(turn)
        if asked:
            return worded(rng, asked), asked, task
    height, width = drawn.image.height, drawn.image.width
    boxed = replace(table, box=_within(drawn.box, height, width))
    return [(document.prompt(), document.format([boxed]))], [], "qwenvl"


def _is_flat(table: Table) -> bool:
    """Whether rows of plain cells say all of it."""
    cells = [cell for row in table.rows for cell in row]
    no_spans = all(cell.row_span == cell.col_span == 1 for cell in cells)
    return no_spans and not table.caption


def _csv(table: Table) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([cell.text for cell in row] for row in table.rows)
    return file.getvalue().strip()


def _locate(rng: np.random.Generator, drawn: DrawnTable, most_turns: int) -> list[tuple[str, str]]:
    """Single cells by what they say or where they stand, the head, the whole table."""
    height, width = drawn.image.height, drawn.image.width
    said = Counter(p.cell.text for p, _ in drawn.cells)
    wanted: list[tuple[str, Sequence[tuple[Placed, Box]]]] = []
    for placed, box in shuffled(rng, drawn.cells)[: int(rng.integers(1, most_turns + 1))]:
        if placed.cell.text and said[placed.cell.text] == 1:
            wanted.append((f'the cell with the text "{placed.cell.text}"', [(placed, box)]))
        elif placed.row_span == placed.column_span == 1:
            where = f"the cell in row {placed.row + 1} and column {placed.column + 1}"
            wanted.append((where, [(placed, box)]))
    heads = [(p, box) for p, box in drawn.cells if p.cell.header and p.row == 0]
    if heads and rng.random() < 0.3:
        wanted = [("all cells of the first header row", heads)]
    turns = []
    for thing, found in wanted:
        items = [
            grounding.GroundedBox(
                box=_within(box, height, width), label=p.cell.text or "empty cell"
            )
            for p, box in found
        ]
        turns.append((grounding.prompt(thing), grounding.format(items)))
    if turns and rng.random() < 0.7:
        return turns
    whole = grounding.GroundedBox(box=_within(drawn.box, height, width), label="table")
    return [(grounding.prompt("the table"), grounding.format([whole]))]


def _within(box: Box, height: int, width: int) -> Box:
    x1, y1, x2, y2 = box
    return Box(max(0.0, x1), max(0.0, y1), min(width - 1.0, x2), min(height - 1.0, y2))
