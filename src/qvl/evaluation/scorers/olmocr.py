"""Unit tests of a page's text: what must be there, what must not, what stands before what.

Owns: the rules of olmOCR-bench, one function a kind of test. Does not own: the list of tests
(``benchmarks/olmocr_bench``).

    text of a page, test -> both in one form -> nearest stretch -> passed or not, and why

Formulas are compared as LaTeX in a normal form; the original draws both with KaTeX in a browser and
compares where the signs lie, so it also passes other spellings of the same formula. Headings of
tables are the header cells and the outermost cells in the row or column.
Source: allenai/olmocr olmocr/bench/tests.py.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qvl.errors import DataError, MissingDependencyError
from qvl.evaluation.scorers.document_blocks import cut_out
from qvl.evaluation.scorers.edit_distance import stretch_distances
from qvl.evaluation.scorers.omnidocbench_page import normal_formula
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.table_html import Element, parse_table
from qvl.options import shown

_LONGEST = 200_000
_MOST_REPEATS, _LONGEST_NGRAM = 30, 5
_LEAST_ALIKE = 0.5
_MOST_CELLS = 100_000
_BREAK, _STYLE = re.compile(r"<br/?>"), re.compile(r"</?[bi]>")
_MARKED = (re.compile(r"(\*\*|__)(.*?)\1"), re.compile(r"(\*|_)(.*?)\1"))
_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚", "'") | dict.fromkeys("“”„", '"') | dict.fromkeys("–—‑‒−", "-")
    | {"＿": "_", "\u00b5": "\u03bc"}
)  # fmt: skip
_FORMULAS = tuple(
    # A second beginning ends the search, so that time is linear.
    re.compile(rf"{begin}((?:(?!{begin}).){{1,2000}}?){end}", re.DOTALL)
    for begin, end in ((r"\\\(", r"\\\)"), (r"\\\[", r"\\\]"), (r"\$\$", r"\$\$"), (r"\$", r"\$"))
)
_NOT_ENGLISH = re.compile(
    "[\u4e00-\u9fff\u3040-\u309f\u30a0-\u30ff\U0001f600-\U0001f64f\U0001f300-\U0001f5ff"
    "\U0001f680-\U0001f6ff\U0001f1e0-\U0001f1ff]"
)
_Side = Literal["up", "down", "left", "right"]


def passes(*, text: str, test: Mapping[str, Any]) -> Score:
    """Scores 1 if a page's text passes a test.

    >>> passes(text="**Hello**  world", test={"type": "present", "text": "Hello world"}).value
    1.0

    Args:
        text: Markdown of the page.
        test: with type, and what this type has; see the dataset's card.

    Raises:
        DataError: the type is unknown, or what it needs is missing.
        MissingDependencyError: rapidfuzz is not installed.
    """
    kind = test.get("type")
    text = text[:_LONGEST]
    try:
        if kind in ("present", "absent"):
            return _present(text, test, wanted=kind == "present")
        if kind == "order":
            return _order(text, test)
        if kind == "table":
            return _table(text, test)
        if kind == "math":
            return _math(text, str(test["math"]))
        if kind == "baseline":
            return readable(text=text)
    except KeyError as error:
        raise DataError(f"a test of type {kind!r} has no {error}") from error
    raise DataError(
        f"type of a test is {kind!r}, expected present, absent, order, table, math or baseline"
    )


def plain(text: str) -> str:
    """The form in which texts are compared: no emphasis, single spaces, plain quotes and dashes.

    >>> plain("**“A”**  – _b_<br>")
    '"A" - b '
    """
    text = _STYLE.sub("", _BREAK.sub(" ", text))
    for mark in _MARKED:
        text = mark.sub(r"\2", text)
    text = re.sub(r"\s+", " ", text)
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def _fuzz() -> Any:
    try:
        from rapidfuzz import fuzz
    except ImportError as error:
        raise MissingDependencyError(
            "tests of olmOCR-bench look for nearly equal texts with rapidfuzz",
            hint="pip install 'qvl[eval]'",
        ) from error
    return fuzz


def _present(text: str, test: Mapping[str, Any], *, wanted: bool) -> Score:
    query, content = plain(str(test["text"])), plain(text)
    if not test.get("case_sensitive", True):
        query, content = query.lower(), content.lower()
    first, last = int(test.get("first_n") or 0), int(test.get("last_n") or 0)
    if first or last:
        content = content[:first] + (content[-last:] if last else "")
    diffs = int(test.get("max_diffs") or 0)
    # In a text shorter than the query anything is found.
    ratio = 0.0
    if len(content) >= len(query) - diffs:
        ratio = _fuzz().partial_ratio(query, content) / 100
    is_there = ratio >= 1 - diffs / max(len(query), 1)
    return Score(
        value=float(is_there == wanted),
        why=f"{shown(query)} is {'there' if is_there else f'not there, {ratio:.0%} alike'}",
        is_parsed=bool(text.strip()),
    )


def _order(text: str, test: Mapping[str, Any]) -> Score:
    content, diffs = plain(text), int(test.get("max_diffs") or 0)
    before, after = (
        _starts(plain(str(test[name])), content, diffs) for name in ("before", "after")
    )
    is_right = bool(before and after) and min(before) < max(after)
    missing = "before" if not before else "after" if not after else ""
    return Score(
        value=float(is_right),
        why=f"{shown(test[missing])} is not there" if missing else f"{before} before {after}",
        is_parsed=bool(text.strip()),
    )


def _starts(piece: str, text: str, diffs: int) -> list[int]:
    """Where stretches near a piece begin; of those that overlap the nearest, and the first."""
    if not piece:
        return []
    backwards = stretch_distances(piece[::-1], text[::-1])
    near = [
        (len(text) - end, distance) for end, distance in enumerate(backwards) if distance <= diffs
    ]
    near.reverse()
    groups: list[list[tuple[int, int]]] = []
    for start, distance in near:
        if groups and start - groups[-1][-1][0] <= max(diffs, 1):
            groups[-1].append((start, distance))
        else:
            groups.append([(start, distance)])
    return [min(group, key=lambda item: (item[1], item[0]))[0] for group in groups]


def readable(*, text: str) -> Score:
    """Scores 1 if a text has letters, does not end in a loop, and is in the page's script.

    >>> [readable(text=text).value for text in ("Text.", "...", "la " * 60, "你好")]
    [1.0, 0.0, 0.0, 0.0]
    """
    if not any(char.isalnum() for char in text):
        return Score(value=0.0, why="no letters or digits", is_parsed=False)
    for length in range(1, _LONGEST_NGRAM + 1):
        end, count = text[-length:], 1
        while text[-length * (count + 1) : len(text) - length * count] == end:
            count += 1
        if count > _MOST_REPEATS:
            return Score(value=0.0, why=f"ends in {shown(end)} {count} times")
    odd = _NOT_ENGLISH.search(text)
    return Score(value=float(odd is None), why=f"has {odd.group()!r}" if odd else "readable")


def _math(text: str, truth: str) -> Score:
    wanted = _bare(truth)
    found = []
    for pattern in _FORMULAS:
        found += pattern.findall(text)
        text = pattern.sub("", text)
    is_there = any(formula.strip() == truth or _bare(formula) == wanted for formula in found)
    return Score(
        value=float(is_there),
        why=f"{shown(truth)} is {'' if is_there else 'not '}one of {len(found)} formulas, by text",
        is_parsed=bool(found),
    )


def _bare(latex: str) -> str:
    for sign in ("\\left", "\\right", "\\,", "\\;", "\\!", "\\ ", "{", "}", "&"):
        latex = latex.replace(sign, "")
    return "".join(normal_formula(latex).split())


@dataclass(kw_only=True, slots=True, eq=False)
class _Cell:
    """A cell of a table and the field of the grid that it takes."""

    text: str
    is_header: bool
    rows: range
    columns: range


@dataclass(kw_only=True, slots=True)
class _Grid:
    cells: list[_Cell] = field(default_factory=list)
    at: dict[tuple[int, int], _Cell] = field(default_factory=dict)

    def beside(self, cell: _Cell, side: _Side) -> list[_Cell]:
        """The cells that touch one on a side."""
        rows, columns = cell.rows, cell.columns
        places = {
            "up": [(rows.start - 1, c) for c in columns],
            "down": [(rows.stop, c) for c in columns],
            "left": [(r, columns.start - 1) for r in rows],
            "right": [(r, columns.stop) for r in rows],
        }[side]
        return [self.at[place] for place in places if place in self.at]

    def headings(self, cell: _Cell, side: Literal["up", "left"]) -> list[_Cell]:
        """Header cells on the way to the edge, and the cells at the edge."""
        found: list[_Cell] = []
        for r in cell.rows if side == "left" else range(cell.rows.start):
            for c in range(cell.columns.start) if side == "left" else cell.columns:
                other = self.at.get((r, c))
                if other is not None and (other.is_header or (r if side == "up" else c) == 0):
                    found.append(other)
        return found


def _table(text: str, test: Mapping[str, Any]) -> Score:
    fuzz, diffs = _fuzz(), int(test.get("max_diffs") or 0)

    def alike(wanted: str, cell: _Cell) -> bool:
        least = max(_LEAST_ALIKE, 1 - diffs / max(len(wanted), 1))
        return bool(fuzz.ratio(wanted, cell.text) / 100 >= least)

    wanted = plain(str(test["cell"]))
    sides: tuple[_Side, ...] = ("up", "down", "left", "right")
    beside = {side: plain(str(test[side])) for side in sides if test.get(side)}
    grids = [_grid(table) for html in cut_out(text)[2] if (table := parse_table(html))]
    seen = 0
    for grid in grids:
        for cell in (cell for cell in grid.cells if alike(wanted, cell)):
            seen += 1
            if not all(
                any(alike(other, near) for near in grid.beside(cell, side))
                for side, other in beside.items()
            ):
                continue
            top, left = (plain(str(test.get(f"{name}_heading") or "")) for name in ("top", "left"))
            if top and not any(alike(top, near) for near in grid.headings(cell, "up")):
                continue
            if left and not any(alike(left, near) for near in grid.headings(cell, "left")):
                continue
            return Score(value=1.0, why=f"{shown(wanted)} stands as it should")
    return Score(
        value=0.0,
        why=f"{shown(wanted)} is in {seen} cells of {len(grids)} tables, with other neighbours",
        is_parsed=bool(grids),
    )


def _grid(table: Element) -> _Grid:
    grid = _Grid()
    for row, element in enumerate(_rows(table)):
        column = 0
        for cell in (child for child in element.children if child.tag in ("td", "th")):
            while (row, column) in grid.at:
                column += 1
            placed = _Cell(
                text=plain(_text(cell)).strip(),
                is_header=cell.tag == "th",
                rows=range(row, row + max(cell.rowspan, 1)),
                columns=range(column, column + max(cell.colspan, 1)),
            )
            if len(grid.at) + len(placed.rows) * len(placed.columns) > _MOST_CELLS:
                return grid
            grid.cells.append(placed)
            grid.at |= {(r, c): placed for r in placed.rows for c in placed.columns}
    return grid


def _rows(element: Element) -> list[Element]:
    rows: list[Element] = []
    for child in element.children:
        rows += [child] if child.tag == "tr" else _rows(child) if child.tag[0] == "t" else []
    return rows


def _text(element: Element) -> str:
    return "".join(
        item if isinstance(item, str) else " " if item.tag == "br" else _text(item)
        for item in element.content
    )
