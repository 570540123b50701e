"""Pictures on pages: scenes, and pictures with words in them.

Owns: the pictures with words as HTML. Does not own: the scenes (``scenes``), charts (``figures``),
where pictures stand (``layouts``).

    rng -> scene() -> Drawing(markup, description)
    rng -> worded() -> Drawing(markup, description, lines of text)
"""

import html
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.documents import people, scenes
from qvl.data.synth.documents.prose import Subject, fill, point, short_title
from qvl.data.synth.picking import pick, shuffled


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A figure before it has a place.

    Attributes:
        markup: HTML that fills the box it stands in.
        description: a sentence about what can be seen.
        lines: words in it, in reading order; empty when there are none.
        aspect: width over height that suits it.
    """

    markup: str
    description: str
    lines: tuple[str, ...] = ()
    aspect: float


def scene(rng: np.random.Generator, aspect: float = 1.5) -> Drawing:
    """A picture without words, of this width over height."""
    markup, seen = scenes.scene(rng, aspect)
    return Drawing(markup=markup, description=seen, aspect=aspect)


def worded(rng: np.random.Generator, subject: Subject, font: str) -> Drawing:
    """A picture with words in it.

    Args:
        rng: source of randomness.
        subject: of the words.
        font: CSS family for them.
    """
    make: Callable[[np.random.Generator, Subject], Drawing] = pick(
        rng, (_poster, _board, _flow_chart, _label, _sign)
    )
    drawing = make(rng, subject)
    body = f'<div class="worded" style="font-family:{font}">{drawing.markup}</div>'
    return Drawing(
        markup=body, description=drawing.description, lines=drawing.lines, aspect=drawing.aspect
    )


def _rows(lines: list[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """Lines of (text, CSS), one under the other."""
    body = "".join(f'<div style="{style}">{html.escape(text)}</div>' for text, style in lines)
    return body, tuple(text for text, _ in lines)


_LARGE = "font-size:1.8em;font-weight:700;line-height:1.15"
_EVENTS = ("An exhibition", "A public lecture", "Open day", "Workshop and talk")


def _poster(rng: np.random.Generator, subject: Subject) -> Drawing:
    paper, ink, accent = pick(
        rng,
        (
            ("#f4e9d2", "#2b2b2b", "#b5392b"), ("#143d4f", "#f3efe2", "#f2b134"),
            ("#fbfbf8", "#1f1f1f", "#2a6f97"), ("#8c2f39", "#fff3e6", "#ffd38a"),
        ),
    )  # fmt: skip
    date = people.day(rng)
    body, lines = _rows(
        [
            (short_title(rng, subject), f"{_LARGE};color:{accent}"),
            (pick(rng, _EVENTS), "font-size:1.15em"),
            (f"{date.day} {date:%B}, {rng.integers(9, 21)}:00", "font-size:1.15em;font-weight:700"),
            (f"{pick(rng, people.STREETS)}, {pick(rng, people.TOWNS)}", "font-size:0.95em"),
        ]
    )  # fmt: skip
    markup = (
        f'<div class="poster" style="background:{paper};color:{ink};border:5px solid {accent}">'
        f"{body}</div>"
    )
    return Drawing(markup=markup, description="A poster for an event.", lines=lines, aspect=1.25)


def _board(rng: np.random.Generator, subject: Subject) -> Drawing:
    paper, ink = pick(rng, (("#26483a", "#eef3ea"), ("#fdfdfd", "#23408e"), ("#3a3a3c", "#f0ece0")))
    lines = [(short_title(rng, subject), "font-size:1.3em;text-decoration:underline")]
    lines += [(f"- {point(rng, subject)}", "font-size:1em") for _ in range(int(rng.integers(2, 4)))]
    body, texts = _rows(lines)
    markup = f'<div class="board" style="background:{paper};color:{ink}">{body}</div>'
    return Drawing(
        markup=markup, description="A board with handwritten notes.", lines=texts, aspect=1.6
    )


def _flow_chart(rng: np.random.Generator, subject: Subject) -> Drawing:
    count = int(rng.integers(3, 5))
    texts = shuffled(rng, [*subject.methods, *subject.acts, *subject.causes])[:count]
    texts = [text[0].upper() + text[1:] for text in texts]
    colour = pick(rng, ("#dbe9f6", "#e6f2dc", "#fbe8d3", "#ffffff", "#ece4f4"))
    boxes = '<div class="arrow"></div>'.join(
        f'<div class="step" style="background:{colour}">{html.escape(text)}</div>' for text in texts
    )
    return Drawing(
        markup=f'<div class="steps">{boxes}</div>',
        description=f"A diagram of {count} boxes joined by arrows.",
        lines=tuple(texts),
        aspect=2.6,
    )


def _label(rng: np.random.Generator, subject: Subject) -> Drawing:
    low, colour = int(rng.integers(5, 40)), pick(rng, ("#2f6b4f", "#7a3b2e", "#2d4f86", "#3b3b3b"))
    body, lines = _rows(
        [
            (people.firm(rng), "font-size:1.1em;letter-spacing:0.03em"),
            (pick(rng, subject.subjects).title(), _LARGE),
            (f"No. {rng.integers(100, 9999)}", "font-size:1em"),
            (f"{low}0 g", "font-size:1em"),
        ]
    )  # fmt: skip
    markup = (
        f'<div class="poster" style="background:#fffdf6;color:{colour};border:2px solid {colour};'
        f'outline:5px solid #fffdf6;outline-offset:-9px">{body}</div>'
    )
    return Drawing(markup=markup, description="A printed label.", lines=lines, aspect=1.5)


def _sign(rng: np.random.Generator, subject: Subject) -> Drawing:
    back = pick(rng, ("#1f5fa8", "#1d7a4a", "#2b2b2b", "#b3261e"))
    towns = shuffled(rng, people.TOWNS)[:3]
    rows = [(town, f"{rng.integers(2, 140)} km") for town in towns]
    body = "".join(
        f'<div class="way"><span>{town}</span><span>{far}</span></div>' for town, far in rows
    )
    scenery = scene(rng)
    markup = (
        f'<div class="behind">{scenery.markup}</div>'
        f'<div class="sign" style="background:{back}">{body}</div>'
    )
    lines = tuple(f"{town} {far}" for town, far in rows)
    return Drawing(
        markup=markup, description="A road sign with distances.", lines=lines, aspect=1.5
    )


def logo(rng: np.random.Generator, colour: str) -> str:
    """A mark as firms print it beside their name; no words."""
    form = int(rng.integers(4))
    shape = (
        '<circle cx="20" cy="20" r="17"/><circle cx="27" cy="15" r="9" fill="#fff"/>',
        '<polygon points="20,3 38,36 2,36"/><polygon points="20,16 29,33 11,33" fill="#fff"/>',
        '<rect x="3" y="3" width="15" height="34"/><rect x="22" y="14" width="15" height="23"/>',
        '<path d="M4 20 Q12 2 20 20 T36 20 L36 36 L4 36 Z"/>',
    )[form]
    return f'<svg viewBox="0 0 40 40" width="100%" height="100%" fill="{colour}">{shape}</svg>'


def printed_caption(rng: np.random.Generator, subject: Subject, drawing: Drawing) -> str:
    """What is printed below a figure: more about the text than about the picture."""
    choices = (
        ("From the archive of {actors}.", "Material of {actors}, {year}.")
        if drawing.lines
        else (
            "{Place}, where {subjects} were studied.",
            "View of {place} in {year}.",
            "{Place} before {act}.",
        )
    )
    return fill(rng, pick(rng, choices), subject)
