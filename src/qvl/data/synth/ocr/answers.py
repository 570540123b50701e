"""Questions about the text of a picture, and their answers from its lines.

Owns: which ways of asking suit a picture, lines as answers and as facts. Does not own: prompts and
written forms (``tasks.ocr``), drawing.

    picture, lines, form -> Conversation, facts
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Literal

import numpy as np
from PIL import Image as PILImage

from qvl.data.synth.ocr.languages import Language
from qvl.data.synth.ocr.sheet import Line
from qvl.data.synth.warps import Points, box_of, quad_of
from qvl.geometry import Box, ImageSize, Point
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import ocr

Form = Literal["text", "line", "word", "quad"]
"""The text alone; lines or words with their boxes; lines with their corners as well."""


def whole_box(polygon: Points, size: ImageSize) -> Box:
    """Returns the box of whole pixels around a polygon, inside the picture."""
    x1, y1, x2, y2 = box_of(polygon, size)
    return Box(int(np.floor(x1)), int(np.floor(y1)), int(np.ceil(x2)), int(np.ceil(y2)))


def corners(polygon: Points, size: ImageSize) -> tuple[Point, ...]:
    """Returns the corners of the smallest rectangle around a polygon, in whole pixels inside the
    picture, from where the text begins."""
    inside = np.clip(quad_of(polygon).round(), 0, (size.width, size.height))
    return tuple(Point(int(x), int(y)) for x, y in inside)


def page_text(lines: Sequence[Line]) -> str:
    """Returns all text: rows below one another, parts of a row with a space between."""
    return "\n".join(
        " ".join(line.text for line in row) for _, row in groupby(lines, lambda line: line.row)
    )


def forms_for(language: Language, *, quads: bool) -> tuple[Form, ...]:
    """Returns the ways of asking that have one answer; words stand apart only where spaces do."""
    words: tuple[Form, ...] = ("word",) if language.spaced else ()
    return ("text", "line", *words, *(("quad",) if quads else ()))


def asked(
    rng: np.random.Generator,
    lines: Sequence[Line],
    language: Language,
    form: Form,
    size: ImageSize,
) -> tuple[str, str]:
    """Returns a question of the form and its answer."""
    if form == "text":
        style = _style(rng, language)
        return ocr.prompt(style=style), ocr.format_text(page_text(lines))
    if form == "word":
        found = [
            ocr.TextLine(text=word.text, box=whole_box(word.polygon, size))
            for line in lines
            for word in line.words
        ]
        return ocr.prompt("word"), ocr.format_lines(found)
    found = [
        ocr.TextLine(
            text=line.text,
            box=whole_box(line.polygon, size),
            outline=corners(line.polygon, size) if form == "quad" else (),
        )
        for line in lines
    ]
    return ocr.prompt("line", outlines=form == "quad"), ocr.format_lines(found)


def _style(rng: np.random.Generator, language: Language) -> ocr.Style:
    styles: list[ocr.Style] = ["full", "lines", "plain"]
    if language.code == "zh":
        styles.append("chinese")
    return styles[int(rng.integers(len(styles)))]


def conversation(image: PILImage.Image, turns: Sequence[tuple[str, str]]) -> Conversation:
    """Returns the picture with questions and answers about it."""
    messages = []
    for number, (question, answer) in enumerate(turns):
        picture = (Image(np.asarray(image, np.uint8)),) if number == 0 else ()
        messages.append(Message("user", (*picture, Text(question))))
        messages.append(Message("assistant", (Text(answer),)))
    return Conversation(tuple(messages))


def facts(lines: Sequence[Line], language: Language, size: ImageSize) -> dict[str, Any]:
    """Returns what an evaluation needs: the text, and every line and word with its place."""
    return {
        "language": language.code,
        "text": page_text(lines),
        "smallest_px": round(min((line.size_px for line in lines), default=0.0), 1),
        "lines": [
            {
                "text": line.text,
                "box": list(whole_box(line.polygon, size)),
                "quad": [list(point) for point in corners(line.polygon, size)],
                "words": [[word.text, list(whole_box(word.polygon, size))] for word in line.words],
            }
            for line in lines
        ],
    }
