"""Turns nested HTML nodes into typed elements.

Owns: what each tag and class of QwenVL HTML means, boxes. Does not own: finding tags
(``document_reader``), text (``document_text``), the elements themselves (``document_elements``).

    Node -> build() -> elements in reading order, each with its box; the rest in Problems

Whatever has no meaning becomes an `Other` element, so no text is lost. Emphasis is dropped, raised
and lowered text becomes LaTeX.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypedDict, cast

from qvl.geometry import Box, ResizeTransform
from qvl.tasks.document_elements import (
    LEAF_TAGS,
    MAX_SPAN,
    OTHER_TAGS,
    WHITE,
    Address,
    Cell,
    Chart,
    ChemicalFormula,
    Element,
    Figure,
    FigureRole,
    Formula,
    Heading,
    List,
    ListItem,
    MusicSheet,
    Origin,
    Other,
    Paragraph,
    Table,
    is_loose,
    normal_text,
    pictured_kind,
    verbatim_text,
)
from qvl.tasks.document_html import is_safe_style
from qvl.tasks.document_reader import (
    INLINE,
    Child,
    Node,
    Reading,
    attribute,
    class_of,
    decode,
    shortened,
)
from qvl.tasks.document_text import source_and_text, text_of, without_delimiters

_BOX = re.compile(r"data-bbox=\"(\d{1,6}) (\d{1,6}) (\d{1,6}) (\d{1,6})\"")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_LARGEST = 1e6
"""Larger coordinates are no pixels."""
_FENCE = re.compile(r"^[ \t]*```[a-zA-Z]*[ \t]*$", re.MULTILINE)
_SECTIONS = ("thead", "tbody", "tfoot")
_CELL_TAGS = ("td", "th")
_LIST_TAGS = ("ul", "ol")
_LOOSE = INLINE.difference(OTHER_TAGS) | {"br"}
"""Tags that belong to the text around them."""


class _Common(TypedDict):
    """The fields that all elements have."""

    box: Box | None
    complete: bool
    clipped: bool
    raw: tuple[float, ...]


class _Place(NamedTuple):
    box: Box | None
    clipped: bool
    raw: tuple[float, ...]


_NOWHERE = _Place(None, False, ())


def build(reading: Reading, transform: ResizeTransform | None) -> tuple[Element, ...]:
    """The elements of a page in reading order.

    Args:
        reading: what cannot be used is added to its problems.
        transform: maps boxes to original_px; without it they stay in resized_px.
    """
    return tuple(_Builder(reading, transform).elements(reading.root.children, is_page=True))


class _Builder:
    """One method for each kind of node; a node may become several elements."""

    def __init__(self, reading: Reading, transform: ResizeTransform | None) -> None:
        self.problems = reading.problems
        self.transform = transform
        self._has_images = reading.has_images
        self._last_written, self._last_place = "", _NOWHERE
        self._of_tag: dict[str, Callable[[Node], list[Element]]] = {
            "p": self._paragraph,
            **{f"h{level}": self._heading for level in range(1, 7)},
            "ul": self._list,
            "ol": self._list,
            "table": self._table,
            "address": self._address,
            "img": self._image,
        }

    def elements(self, children: Sequence[Child], *, is_page: bool = False) -> list[Element]:
        """The elements of a container; loose text between them becomes elements too."""
        found: list[Element] = []
        loose: list[Child] = []
        style: Node | None = None
        for child in children:
            if isinstance(child, str):
                if loose or child.strip(WHITE):
                    loose.append(child)
                continue
            if child.name in _LOOSE:
                loose.append(child)
                continue
            if loose:
                found += self._loose(loose, is_page)
                loose = []
            if child.name == "style":
                self._unused_style(style)
                style = child
                continue
            built = self._of_tag.get(child.name, self._group)(child)
            if style is not None and built and isinstance(built[0], Table):
                built[0] = self._with_style(built[0], style)
                style = None
            found += built
        self._unused_style(style)
        return found + self._loose(loose, is_page)

    def _loose(self, children: Sequence[Child], is_page: bool) -> list[Element]:
        if not children:
            return []
        text = text_of(children)
        text = normal_text(_FENCE.sub("", text) if is_page and "```" in text else text)
        complete = all(isinstance(child, str) or child.complete for child in children)
        return [Other(text=text, complete=complete)] if text else []

    def _unused_style(self, style: Node | None) -> None:
        if style is not None:
            self.problems.add(f"left out: CSS before no table, {shortened(_css(style))!r}")

    def _with_style(self, table: Table, style: Node) -> Table:
        css = _css(style)
        if not is_safe_style(css):
            self.problems.add(f"CSS that is left out of HTML for people, {shortened(css)!r}")
        return replace(table, style=css)

    def _common(self, node: Node) -> _Common:
        box, clipped, raw = self._place(node)
        return {"box": box, "complete": node.complete, "clipped": clipped, "raw": raw}

    def _place(self, node: Node) -> _Place:
        """Where a node says it is."""
        if not node.attributes:
            return _NOWHERE
        usual = _BOX.search(node.attributes)
        if usual is None:
            corners = self._odd_corners(node)
            return _NOWHERE if corners is None else self._mapped(corners)
        written, x1, y1, x2, y2 = usual.group(0, 1, 2, 3, 4)
        if written != self._last_written:  # a picture repeats the box around it
            self._last_written = written
            self._last_place = self._mapped((float(x1), float(y1), float(x2), float(y2)))
        return self._last_place

    def _mapped(self, corners: tuple[float, float, float, float]) -> _Place:
        x1, y1, x2, y2 = corners
        box = Box(*corners)
        if x1 > x2 or y1 > y2:
            box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        if self.transform is None:
            return _Place(box, False, corners)
        mapped = self.transform.to_original(box)
        inside = self.transform.clip_original(mapped)
        return _Place(inside, inside != mapped, corners)

    def _odd_corners(self, node: Node) -> tuple[float, float, float, float] | None:
        """The corners of a box that is not written as usual."""
        if "data-bbox" in node.attributes:
            numbers = self._numbers(node, "data-bbox")
            return (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None
        if "data-polygon" in node.attributes:
            numbers = self._numbers(node, "data-polygon")
            xs, ys = numbers[::2], numbers[1::2]
            return (min(xs), min(ys), max(xs), max(ys)) if numbers else None
        return None

    def _numbers(self, node: Node, name: str) -> tuple[float, ...]:
        """The numbers of a box or polygon; empty when they are not what they should be."""
        value = attribute(node, name)
        numbers = tuple(float(number) for number in _NUMBER.findall(value[:1000]))
        is_sound = all(math.isfinite(n) and abs(n) <= _LARGEST for n in numbers)
        few = len(numbers) == 4 if name == "data-bbox" else len(numbers) >= 6
        if is_sound and few and len(numbers) % 2 == 0:
            return numbers
        expected = "4 numbers" if name == "data-bbox" else "3 points or more"
        self.problems.add(f"{name} of a <{node.name}> is {shortened(value)!r}, expected {expected}")
        return ()

    def _paragraph(self, node: Node) -> list[Element]:
        text = text_of(node.children)
        return [Paragraph(text=text, **self._common(node)), *self._images_in(node)]

    def _heading(self, node: Node) -> list[Element]:
        heading = Heading(
            level=int(node.name[1]), text=text_of(node.children), **self._common(node)
        )
        return [heading, *self._images_in(node)]

    def _images_in(self, node: Node) -> list[Element]:
        """Pictures inside text stand after it."""
        if not self._has_images:
            return []
        return [figure for image in _all_images(node) for figure in self._image(image)]

    def _image(self, node: Node) -> list[Element]:
        """A picture without a class; its alternative text is its caption."""
        common = self._common(node)
        words = normal_text(attribute(node, "alt"))
        role: FigureRole = "caption" if words else "plain"
        return [Figure(picture=common["box"], text=words, role=role, **common)]

    def _list(self, node: Node) -> list[Element]:
        items: list[ListItem] = []
        for child in node.children:
            if isinstance(child, str):
                items += [ListItem(text=text)] if (text := normal_text(decode(child))) else []
            elif child.name in _LIST_TAGS and items:  # nested without an item of its own
                (below, *_) = self._list(child)
                last = items.pop()
                children = (*last.children, cast(List, below))
                items.append(ListItem(text=last.text, box=last.box, children=children))
            elif child.name != "img":
                items.append(self._item(child))
        start = attribute(node, "start")
        number = int(start) if re.fullmatch(r"-?\d{1,9}", start) else 1
        is_ordered = node.name == "ol"
        common = self._common(node)
        made = List(
            items=tuple(items),
            ordered=is_ordered,
            start=number if is_ordered else 1,
            **common,
        )
        return [made, *self._images_in(node)]

    def _item(self, node: Node) -> ListItem:
        if node.name in _LIST_TAGS:
            return ListItem(text="", children=(cast(List, self._list(node)[0]),))
        words = [c for c in node.children if isinstance(c, str) or c.name not in _LIST_TAGS]
        below = [c for c in node.children if isinstance(c, Node) and c.name in _LIST_TAGS]
        return ListItem(
            text=text_of(words),
            box=self._place(node).box,
            children=tuple(cast(List, self._list(child)[0]) for child in below),
        )

    def _table(self, node: Node) -> list[Element]:
        rows: list[tuple[Cell, ...]] = []
        loose_cells: list[Cell] = []
        beside: list[Child] = []
        caption = ""
        for child, in_head in _rows_of(node):
            if isinstance(child, str):
                beside.append(child)
            elif child.name == "tr":
                rows.append(tuple(self._cells(child, in_head, beside)))
            elif child.name in _CELL_TAGS:  # a row without its tag
                loose_cells.append(self._cell(child, in_head))
            elif child.name == "caption":
                caption = "\n".join(filter(None, (caption, text_of(child.children))))
            elif child.name not in ("colgroup", "img"):
                beside.append(child)
        if loose_cells:
            rows.append(tuple(loose_cells))
        table = Table(rows=tuple(rows), name=class_of(node), caption=caption, **self._common(node))
        others = [made for made in self.elements(beside) if not isinstance(made, Figure)]
        return [table, *self._images_in(node), *others]

    def _cells(self, row: Node, in_head: bool, beside: list[Child]) -> list[Cell]:
        cells = [
            Cell(decode(text), in_head or tag == "th")
            if not attributes
            else self._cell(Node(tag, attributes, [text]), in_head)
            for tag, attributes, text in row.cells
        ]
        for child in row.children:
            if isinstance(child, Node) and child.name in _CELL_TAGS:
                cells.append(self._cell(child, in_head))
            elif isinstance(child, str) or child.name not in ("img", "br"):
                beside.append(child)
        return cells

    def _cell(self, node: Node, in_head: bool) -> Cell:
        header = in_head or node.name == "th"
        if not node.attributes:
            return Cell(text_of(node.children), header)
        return Cell(
            text_of(node.children), header, self._span(node, "rowspan"), self._span(node, "colspan")
        )

    def _span(self, node: Node, name: str) -> int:
        value = attribute(node, name).strip()
        if not value or value == "1":
            return 1
        if value.isascii() and value.isdigit() and 1 <= len(value) < 9:
            number = int(value)
            if 1 <= number <= MAX_SPAN:
                return number
        self.problems.add(f"{name} is {shortened(value)!r}, expected 1 to {MAX_SPAN}")
        return 1

    def _address(self, node: Node) -> list[Element]:
        parts: list[Paragraph] = []
        for child in _blocks_and_runs(node.children):
            if isinstance(child, Node):
                parts.append(Paragraph(text=text_of(child.children), **self._common(child)))
            elif text := normal_text(text_of(child)):
                parts.append(Paragraph(text=text))
        address = Address(parts=tuple(parts), name=class_of(node), **self._common(node))
        return [address, *self._images_in(node)]

    def _group(self, node: Node) -> list[Element]:
        """A div or its like: pictured, a group with a name or a box, or nothing but a wrapper."""
        name = class_of(node)
        kind = pictured_kind(name)
        if kind is not None:
            return self._pictured(node, kind, name)
        tag = node.name if node.name in OTHER_TAGS else "span"
        common = self._common(node)
        if tag in LEAF_TAGS or not any(_is_block(child) for child in node.children):
            text = text_of(node.children)
            has_any = bool(normal_text(text) or name or common["box"])
            made = [Other(tag=tag, name=name, text=text, **common)] if has_any else []
            return [*made, *self._images_in(node)]
        children = self.elements(node.children)
        if not (name or common["box"]) or all(map(is_loose, children)):
            return children
        return [Other(tag=tag, name=name, children=tuple(children), **common)]

    def _pictured(self, node: Node, kind: str, name: str) -> list[Element]:
        common = self._common(node)
        images = list(_all_images(node))
        picture = self._place(images[0]).box if images else None
        others = [figure for image in images[1:] for figure in self._image(image)]
        if kind in ("caption", "ocr", "plain"):
            text = text_of(node.children)
            role = cast(FigureRole, "caption" if kind == "plain" and normal_text(text) else kind)
            return [Figure(picture=picture, text=text, role=role, **common), *others]
        if kind == "chart":
            return [*self._chart(node, picture), *others]
        source, text = source_and_text(node)
        if kind == "music_sheet":
            return [MusicSheet(picture=picture, abc=source, text=text, **common), *others]
        if kind == "chemical_formula":
            return [ChemicalFormula(picture=picture, smiles=source, text=text, **common), *others]
        formula = Formula(
            picture=picture,
            latex=without_delimiters(source),
            text=text,
            origin=_origin(name),
            **common,
        )
        return [formula, *others]

    def _chart(self, node: Node, picture: Box | None) -> list[Element]:
        parts = [c for c in node.children if isinstance(c, Node) and c.name in ("style", "table")]
        tables = [made for made in self.elements(parts) if not isinstance(made, Figure)]
        table = next((made for made in tables if isinstance(made, Table)), None)
        words = [child for child in node.children if child not in parts]
        chart = Chart(picture=picture, table=table, text=text_of(words), **self._common(node))
        return [chart, *(made for made in tables if made is not table)]


def _is_block(child: Child) -> bool:
    return isinstance(child, Node) and child.name != "br" and child.name not in INLINE


def _all_images(node: Node) -> list[Node]:
    found: list[Node] = []
    for child in node.children:
        if isinstance(child, Node):
            found += [child] if child.name == "img" else _all_images(child)
    return found


def _blocks_and_runs(children: Sequence[Child]) -> list[Node | list[Child]]:
    """Children with everything between two blocks put together."""
    parts: list[Node | list[Child]] = []
    for child in children:
        if _is_block(child) and isinstance(child, Node):
            parts += [] if child.name == "img" else [child]
        elif parts and isinstance(parts[-1], list):
            parts[-1].append(child)
        else:
            parts.append([child])
    return parts


def _rows_of(table: Node) -> list[tuple[Child, bool]]:
    """The children of a table without its sections, and whether they stood in its <thead>."""
    rows: list[tuple[Child, bool]] = []
    for child in table.children:
        if isinstance(child, Node) and child.name in _SECTIONS:
            rows += [(row, child.name == "thead") for row in child.children]
        else:
            rows.append((child, False))
    return rows


def _origin(name: str) -> Origin:
    return (
        "handwritten" if "handwritten" in name else
        "machine_printed" if "machine_printed" in name else ""
    )  # fmt: skip


def _css(style: Node) -> str:
    return verbatim_text("".join(child for child in style.children if isinstance(child, str)))
