"""The first table in a piece of HTML, as a tree of elements.

Owns: tags, forgotten end tags, an end in the middle. Does not own: Markdown tables
(``document_blocks``), comparing (``teds``).

    html -> tags and text between them -> open elements -> Element of the table, or None

Linear in the text whatever it holds: a tag is at most a thousand characters and has no "<" inside,
everything else is text. No element is invented (there is no implied ``tbody``), as in libxml2.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})((?:\s[^<>]{0,1000})?)/?>")
_CUT_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,1000}$")
_SPAN = re.compile(r"""\b(colspan|rowspan)\s*=\s*["']?\s*(\d{1,4})\b""", re.IGNORECASE)
_NEVER_HOLD = frozenset(("br", "img", "hr", "input", "col", "wbr", "meta", "link"))
_MAX_DEPTH = 24
"""Elements below this stay empty and what would be in them follows them."""

_SECTIONS = frozenset(("thead", "tbody", "tfoot"))
_CELLS = frozenset(("td", "th"))

_ENDED_BY: dict[str, frozenset[str]] = {
    **dict.fromkeys(_CELLS, _CELLS),
    "tr": _CELLS | {"tr"},
    **dict.fromkeys(_SECTIONS, _CELLS | _SECTIONS | {"tr"}),
}
"""A start tag ends these elements if they are open in the same table."""


@dataclass(kw_only=True, slots=True)
class Element:
    """An element of the table and what is in it, in order."""

    tag: str
    colspan: int = 1
    rowspan: int = 1
    content: list["Element | str"] = field(default_factory=list)

    @property
    def children(self) -> list["Element"]:
        """The elements in it."""
        return [item for item in self.content if isinstance(item, Element)]


def parse_table(text: str, *, headers_as_cells: bool = False) -> Element | None:
    """Reads the first table of a text; None if there is none.

    >>> table = parse_table("<table><tr><td>a<td>b</td></tr>")
    >>> [cell.content for cell in table.children[0].children]
    [['a'], ['b']]

    Args:
        text: HTML, perhaps with other text around it, perhaps cut off.
        headers_as_cells: take ``th`` for ``td`` and look through ``thead``, ``tbody``, ``tfoot``
            and ``span``.
    """
    open_elements: list[Element] = []
    table: Element | None = None
    for item in _pieces(text):
        if isinstance(item, str):
            if open_elements:
                open_elements[-1].content.append(html.unescape(item))
            continue
        is_end, tag, attributes = bool(item[1]), item[2].lower(), item[3]
        if table is None and (is_end or tag != "table"):
            continue
        if headers_as_cells:
            if tag in _SECTIONS or tag == "span":
                continue
            tag = "td" if tag == "th" else tag
        if is_end:
            _close(open_elements, {tag})
            if not open_elements:
                return table
            continue
        _close(open_elements, _ENDED_BY.get(tag, frozenset()))
        element = Element(tag=tag)
        for name, number in _SPAN.findall(attributes):
            setattr(element, name.lower(), int(number))
        if table is None:
            table = element
        else:
            open_elements[-1].content.append(element)
        if tag not in _NEVER_HOLD and len(open_elements) < _MAX_DEPTH:
            open_elements.append(element)
    return table


def _close(open_elements: list[Element], tags: set[str] | frozenset[str]) -> None:
    """Closes the outermost open element with one of these tags, in the innermost open table."""
    place = None
    for index in range(len(open_elements) - 1, -1, -1):
        if open_elements[index].tag in tags:
            place = index
        if open_elements[index].tag == "table":
            break
    if place is not None:
        del open_elements[place:]


def _pieces(text: str) -> Iterator["str | re.Match[str]"]:
    """Tags, and the texts between them."""
    text = _without_comments(text)
    cut = _CUT_TAG.search(text, max(0, len(text) - 1000))
    if cut is not None:
        text = text[: cut.start()]
    start = 0
    for tag in _TAG.finditer(text):
        if tag.start() > start:
            yield text[start : tag.start()]
        yield tag
        start = tag.end()
    if start < len(text):
        yield text[start:]


def _without_comments(text: str) -> str:
    pieces = []
    start = 0
    while (begin := text.find("<!--", start)) >= 0:
        pieces.append(text[start:begin])
        end = text.find("-->", begin)
        if end < 0:
            return "".join(pieces)
        start = end + 3
    return "".join([*pieces, text[start:]])


def descendants(elements: Sequence[Element]) -> Iterator[Element]:
    """Yields elements and all that are in them, parents first."""
    stack = list(reversed(elements))
    while stack:
        element = stack.pop()
        yield element
        stack += reversed(element.children)
