"""All layouts by name, with their shares, sizes and letter sizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qvl.data.synth.documents.layouts import display, office, press, science
from qvl.data.synth.documents.layouts.sheet import Page, Sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A kind of document.

    Attributes:
        make: fills a sheet.
        share: of all pages.
        aspect: least and most height over width.
        text_px: size of the text on a page 896 px wide.
    """

    make: Callable[[Sheet], Page]
    share: float
    aspect: tuple[float, float] = (1.29, 1.42)
    text_px: float = 14.0


LAYOUTS: Mapping[str, Layout] = {
    "report": Layout(make=press.report, share=0.16),
    "paper": Layout(make=science.paper, share=0.17, text_px=13),
    "textbook": Layout(make=science.textbook, share=0.12, text_px=15),
    "exercises": Layout(make=science.exercises, share=0.06, text_px=16),
    "article": Layout(make=press.article, share=0.08, text_px=13),
    "magazine": Layout(make=press.magazine, share=0.08),
    "newsletter": Layout(make=press.newsletter, share=0.05),
    "letter": Layout(make=office.letter, share=0.06, text_px=15),
    "invoice": Layout(make=office.invoice, share=0.06, text_px=14),
    "form": Layout(make=office.form, share=0.05, text_px=15),
    "slide": Layout(make=display.slide, share=0.06, aspect=(0.54, 0.78), text_px=24),
    "menu": Layout(make=display.menu, share=0.03, aspect=(1.2, 1.7), text_px=17),
    "song": Layout(make=display.song, share=0.06, text_px=16),
    "cover": Layout(make=display.cover, share=0.03, text_px=18),
}
"""Aspects: between letter (1.294) and A4 (1.414), screens 9 to 16 up to 3 to 4."""
