"""How a document looks: typefaces, sizes, colours, spacing, and the CSS that says it.

Owns: the choices. Does not own: what stands on the page (``layouts``).

    rng, fonts -> sampled() -> Style -> css() -> the head of the page
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from qvl.data.synth.documents.tables import LOOKS, Look, css
from qvl.data.synth.fonts import font_files
from qvl.data.synth.picking import pick
from qvl.data.synth.words import Split
from qvl.geometry import ImageSize

_PAGE_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")

_ACCENTS = ("#1f4e79", "#7a1f2b", "#2e5e4e", "#5a3d7a", "#a0522d", "#222222", "#0b6e6e", "#b3541e")
_SERIFS = ("Serif", "Caladea", "Libertine", "Garamond", "FreeSerif")
_NO_TEXT = ("Mono", "Courier", "Hack", "Fira Code", "Narrow", "Keyboard")
"""Families for code or narrow columns; whole pages are not set in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """Looks of one document.

    Attributes:
        font: of the text; a CSS family.
        heading_font: of headings.
        size_px: of the text.
        line: height over size.
        ink: colour of the text.
        accent: colour of headings and rules.
        paper: colour of the page.
        justified: both edges straight.
        indented: first lines stand in, instead of space between paragraphs.
        numbered: headings have numbers.
        coloured: headings in the accent's colour.
        bullet: mark of list entries.
        table_look: of all tables.
        grey: figures without colours.
    """

    font: str
    heading_font: str
    size_px: float
    line: float
    ink: str
    accent: str
    paper: str
    justified: bool
    indented: bool
    numbered: bool
    coloured: bool
    bullet: str
    table_look: Look
    grey: bool

    @property
    def gap_px(self) -> float:
        """Between blocks."""
        return self.size_px * (0.35 if self.indented else 0.75)

    def characters_in(self, size: ImageSize) -> int:
        """Roughly how many fit on a page."""
        wide = size.width / (self.size_px * 0.47)
        return int(wide * size.height / (self.size_px * self.line))


def sampled(rng: np.random.Generator, *, fonts: Split = "train", size_px: float = 14) -> Style:
    """Returns the looks of a document.

    Args:
        rng: source of randomness.
        fonts: which families.
        size_px: of the text, about.
    """
    families = text_families(fonts)
    font = pick(rng, families)
    grey = int(rng.integers(0, 50))
    tint = int(rng.integers(243, 256))
    return Style(
        font=font,
        heading_font=font if rng.random() < 0.5 else pick(rng, families),
        size_px=round(size_px * float(rng.uniform(0.88, 1.2)), 1),
        line=round(float(rng.uniform(1.3, 1.6)), 2),
        ink=f"rgb({grey},{grey},{grey})",
        accent=pick(rng, _ACCENTS),
        paper="#fff" if rng.random() < 0.7 else f"rgb({tint},{tint},{tint - 6})",
        justified=rng.random() < 0.5,
        indented=rng.random() < 0.35,
        numbered=rng.random() < 0.4,
        coloured=rng.random() < 0.5,
        bullet=pick(rng, ("•", "•", "–", "■", "○", "▪")),
        table_look=pick(rng, LOOKS),
        grey=rng.random() < 0.25,
    )


@lru_cache
def text_families(fonts: Split) -> tuple[str, ...]:
    """Returns installed families of a split that a page can be set in.

    Raises:
        MissingDependencyError: too few fonts are installed.
    """
    names = {ImageFont.truetype(str(path), 10).getname()[0] or "" for path in font_files(fonts)}
    return tuple(sorted(n for n in names if n and not any(word in n for word in _NO_TEXT)))


def is_serif(family: str) -> bool:
    """Whether letters of a family have feet."""
    return any(word in family for word in _SERIFS)


def page_css(style: Style, size: ImageSize, *, margin_px: float, columns: int) -> str:
    """The style sheet of a page of this size, whose flow has so many columns."""
    fallback = f'"DejaVu Sans", {"serif" if is_serif(style.font) else "sans-serif"}'
    values = {
        "paper": style.paper,
        "width": f"{size.width}px",
        "height": f"{size.height}px",
        "margin": f"{margin_px:.0f}px",
        "ink": style.ink,
        "accent": style.accent if style.coloured else style.ink,
        "size": f"{style.size_px}px",
        "line": style.line,
        "gap": f"{style.gap_px:.1f}px",
        "font": f'"{style.font}", {fallback}',
        "heading-font": f'"{style.heading_font}", {fallback}',
        "columns": columns,
        "align": "justify" if style.justified else "left",
        "indent": "1.4em" if style.indented else "0",
        "filter": "grayscale(1)" if style.grey else "none",
    }
    variables = "".join(f"--{name}: {value};" for name, value in values.items())
    table = css(style.table_look, "grid", ink=style.ink, tint=f"{style.accent}33", pale="#88888822")
    return f":root {{ {variables} }}\n{_PAGE_CSS}\n{table}"
