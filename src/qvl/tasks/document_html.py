"""Writes elements as HTML: for a model to learn from, and for people to look at.

Owns: the markup. Everything from a model is escaped and only tags of this file are written, so the
result runs no script and loads nothing. Does not own: reading it back (``document``).

    elements -> markup() -> fragments;  pages -> page_html() -> one file that stands alone

Source: Qwen2.5-VL technical report, section 2.2.1 (QwenVL HTML); the order of attributes and the
white space are those of a recorded answer (cookbooks/document_parsing.ipynb).
"""

import html
import re
from collections.abc import Callable, Iterable, Sequence

from qvl.errors import InputError
from qvl.geometry import Box
from qvl.tasks.document_elements import (
    Address,
    Cell,
    Chart,
    ChemicalFormula,
    Element,
    Figure,
    Formula,
    Heading,
    List,
    ListItem,
    MusicSheet,
    Other,
    Paragraph,
    Pictured,
    Table,
)

WriteBox = Callable[[Box], str]
"""Box -> the value of its ``data-bbox``."""

PictureSource = Callable[[Pictured], str | None]
"""Where the picture of an element is: an address for ``src``, or None."""

_FIGURE_CLASS = {"plain": "image", "caption": "image caption", "ocr": "image ocr"}

_SAFE_RULE = re.compile(r"[\w\s.,#:>*-]*\{[\w\s.,#%:;-]*\}")
"""A CSS rule that can load nothing: no address, no function, no escape, no string."""

_PAGE_STYLE = """
body { max-width: 50em; margin: 2em auto; padding: 0 1em; font: 1em/1.5 sans-serif; }
table { border-collapse: collapse; } td, th { border: 1px solid #999; padding: 0.2em 0.5em; }
img { max-width: 100%; } pre, .formula, .music, .chemical { overflow-x: auto; }
.music div, .chemical div { white-space: pre-wrap; font-family: monospace; }
section + section { border-top: 2px solid #999; }
[data-incomplete] { border-right: 3px solid #c60; }
"""


def integers(box: Box) -> str:
    """Coordinates as models write them: whole resized pixels."""
    return " ".join(str(round(value)) for value in box)


def hundredths(box: Box) -> str:
    """Coordinates to a hundredth of a pixel, without zeros that say nothing."""
    return " ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in box)


class Markup:
    """Writes elements in one spelling.

    Args:
        write_box: how coordinates are spelled.
        source: where the pictures are; None for elements without pictures.
        for_people: leave out CSS that could load something, and mark what was cut off.
    """

    def __init__(
        self,
        write_box: WriteBox,
        *,
        source: PictureSource | None = None,
        for_people: bool = False,
    ) -> None:
        self._write_box = write_box
        self._source = source
        self._for_people = for_people

    def element(self, element: Element) -> str:
        """One element."""
        if isinstance(element, Heading):
            return self._block(f"h{element.level}", element, text_markup(element.text))
        if isinstance(element, Paragraph):
            return self._block("p", element, text_markup(element.text))
        if isinstance(element, List):
            return self._list(element)
        if isinstance(element, Table):
            return self.table(element)
        if isinstance(element, Pictured):
            return self._pictured(element)
        if isinstance(element, Address):
            inner = "".join(
                self._block("p", part, text_markup(part.text)) for part in element.parts
            )
            return self._block("address", element, inner, element.name)
        if isinstance(element, Other):
            inner = "".join(map(self.element, element.children))
            text = (
                source_markup(element.text) if element.tag == "pre" else text_markup(element.text)
            )
            return self._block(element.tag, element, text + inner, element.name)
        raise InputError(f"a {type(element).__name__} is no kind of element")

    def table(self, table: Table) -> str:
        """A table, after its CSS."""
        caption = f"<caption>{text_markup(table.caption)}</caption>" if table.caption else ""
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
        style = table.style
        if self._for_people and not is_safe_style(style):
            style = ""
        before = f"<style>{style}</style>" if style else ""
        box = self._box(table.box)
        name = f' class="{html.escape(table.name)}"' if table.name else ""
        return f"{before}<table{box}{name}{self._mark(table)}>{caption}{rows}</table>"

    def _pictured(self, element: Pictured) -> str:
        name, attributes, inner = "", "", text_markup(element.text)
        if isinstance(element, Figure):
            name = _FIGURE_CLASS[element.role]
            inner = f"<p>{inner}</p>" if element.role != "plain" else ""
        elif isinstance(element, Chart):
            name = "chart"
            table = self.table(element.table) if element.table is not None else ""
            inner = table + (f"<p>{inner}</p>" if inner else "")
        elif isinstance(element, Formula):
            name = f"formula {element.origin}".rstrip()
            inner = f"<div>$${source_markup(element.latex)}$$</div>{inner}"
        elif isinstance(element, MusicSheet):
            name, attributes = "music sheet", ' format="abc notation"'
            inner = f"<div>{source_markup(element.abc)}</div>{inner}"
        elif isinstance(element, ChemicalFormula):
            name, attributes = "chemical formula", ' format="smile"'
            inner = f"<div>{source_markup(element.smiles)}</div>{inner}"
        image = f"<img{self._box(element.picture)}{self._src(element)}/>"
        return self._block("div", element, image + inner, name, attributes)

    def _list(self, element: List) -> str:
        tag = "ol" if element.ordered else "ul"
        start = f' start="{element.start}"' if element.start != 1 else ""
        items = "".join(map(self._item, element.items))
        return f"<{tag}{start}{self._box(element.box)}{self._mark(element)}>{items}</{tag}>"

    def _item(self, item: ListItem) -> str:
        below = "".join(map(self._list, item.children))
        return f"<li{self._box(item.box)}>{text_markup(item.text)}{below}</li>"

    def _block(
        self, tag: str, element: Element, inner: str, name: str = "", attributes: str = ""
    ) -> str:
        named = f' class="{html.escape(name)}"' if name else ""
        box = self._box(element.box)
        return f"<{tag}{named}{attributes}{box}{self._mark(element)}>{inner}</{tag}>"

    def _box(self, box: Box | None) -> str:
        return "" if box is None else f' data-bbox="{self._write_box(box)}"'

    def _mark(self, element: Element) -> str:
        return "" if element.complete or not self._for_people else " data-incomplete"

    def _src(self, element: Pictured) -> str:
        address = self._source(element) if self._source is not None else None
        return "" if address is None else f' src="{html.escape(address)}"'


def page_html(
    pages: Iterable[Sequence[Element]],
    *,
    title: str = "",
    source: Callable[[int], PictureSource] | None = None,
) -> str:
    """Pages as one file that stands alone: no script, nothing that is loaded.

    Args:
        pages: the elements of each; boxes in original_px.
        title: of the file.
        source: number of a page, from 0 -> where its pictures are, as data URIs for a file that
            stands alone.
    """
    sections = []
    for index, elements in enumerate(pages):
        where = None if source is None else source(index)
        markup = Markup(hundredths, source=where, for_people=True)
        body = "\n".join(map(markup.element, elements))
        sections.append(f"<section>\n{body}\n</section>")
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_PAGE_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def is_safe_style(css: str) -> bool:
    """Whether CSS can load nothing and reach nothing outside its rules.

    >>> is_safe_style("table1 td { color: red; }"), is_safe_style("p { background: url(x) }")
    (True, False)
    """
    rest = _SAFE_RULE.sub("", css)
    return not rest.strip()


def text_markup(text: str) -> str:
    """Running text; newlines are line breaks."""
    escaped = html.escape(text, quote=False)
    return escaped.replace("\n", "<br/>") if "\n" in escaped else escaped


def source_markup(text: str) -> str:
    """LaTeX, ABC and SMILES; newlines stay."""
    return html.escape(text, quote=False)


def _cell(cell: Cell) -> str:
    tag = "th" if cell.header else "td"
    rows = f' rowspan="{cell.row_span}"' if cell.row_span > 1 else ""
    columns = f' colspan="{cell.col_span}"' if cell.col_span > 1 else ""
    return f"<{tag}{rows}{columns}>{text_markup(cell.text)}</{tag}>"
