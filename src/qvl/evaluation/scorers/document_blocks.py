"""Splits the Markdown or HTML of a page into paragraphs, display formulas and tables.

Owns: what is a table, a formula, a paragraph in a reply. Does not own: comparing them
(``omnidocbench``), boxes of elements (``tasks``).

    reply -> fences off -> HTML tables, pipe tables, display formulas taken out -> lines of text

Linear in the text: a beginning without an end is looked for once. Tables come back as HTML.
"""

import html
import re
from dataclasses import dataclass

_FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*$", re.MULTILINE)
_STYLE = re.compile(r"<style\b", re.IGNORECASE)
_TABLE = re.compile(r"<table(?=[\s>])", re.IGNORECASE)
_FORMULA = re.compile(r"\$\$|\\\[")
_ENDS = {
    "<style": re.compile(r"</style\s*>", re.IGNORECASE),
    "<table": re.compile(r"</table\s*>", re.IGNORECASE),
    "$$": re.compile(r"\$\$"),
    "\\[": re.compile(r"\\\]"),
}
_PIPE_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_CELL_END = re.compile(r"(?<!\\)\|")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,1000}>")
_HEADING = re.compile(r"#{1,6}\s+")
_INLINE_FORMULA = re.compile(r"\$([^$\n]+)\$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """What a page holds, each kind in reading order."""

    texts: tuple[str, ...]
    """Paragraphs, headings and list items, a line each, without marks and tags."""
    formulas: tuple[str, ...]
    """LaTeX of display formulas, without delimiters."""
    tables: tuple[str, ...]
    """HTML."""


def split_blocks(reply: str) -> Blocks:
    """Splits the reply of a model, or a truth in the same form.

    >>> blocks = split_blocks("# Title\\n\\n$$x^2$$\\n\\n| a |\\n|---|\\n| 1 |\\n\\nlast $y$ line")
    >>> blocks.texts, blocks.formulas
    (('Title', 'last y line'), ('x^2',))
    >>> blocks.tables
    ('<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>',)
    """
    text, formulas, tables = cut_out(reply)
    latex = (html.unescape(formula).strip() for formula in formulas)
    # A tag ends a paragraph as the end of a line does.
    lines = (_plain(line) for line in _TAG.sub("\n", text).split("\n"))
    return Blocks(
        texts=tuple(line for line in lines if line),
        formulas=tuple(formula for formula in latex if formula),
        tables=tuple(tables),
    )


def cut_out(reply: str) -> tuple[str, list[str], list[str]]:
    """Takes display formulas and tables out of a reply.

    Returns:
        The rest of the text, each piece replaced by the end of a line; LaTeX of the formulas
        without delimiters; HTML of the tables.
    """
    text, _ = _cut_out(_FENCE.sub("", reply), _STYLE)
    text, tables = _cut_out(_pipes_to_html(text), _TABLE)
    text, formulas = _cut_out(text, _FORMULA)
    return text, [formula[2:-2] for formula in formulas], tables


def _plain(line: str) -> str:
    line = _HEADING.sub("", html.unescape(line).strip(), count=1)
    return _INLINE_FORMULA.sub(r"\1", line).strip()


def _cut_out(text: str, begins: re.Pattern[str]) -> tuple[str, list[str]]:
    """Takes out what stands between a beginning and its end, both included.

    Returns:
        The rest, each piece replaced by the end of a line; and the pieces.
    """
    rest: list[str] = []
    pieces: list[str] = []
    endless: set[str] = set()
    done = at = 0
    while (begin := begins.search(text, at)) is not None:
        at = begin.end()
        kind = begin.group().lower()
        end = None if kind in endless else _ENDS[kind].search(text, at)
        if end is None:
            endless.add(kind)
            continue
        rest.append(text[done : begin.start()])
        pieces.append(text[begin.start() : end.end()])
        done = at = end.end()
    rest.append(text[done:])
    return "\n".join(rest), pieces


def _pipes_to_html(text: str) -> str:
    """Writes the pipe tables of Markdown as HTML: a head, a rule of dashes, rows."""
    lines = text.split("\n")
    written: list[str] = []
    index = 0
    while index < len(lines):
        if index + 1 < len(lines) and _is_row(lines[index]) and _is_rule(lines[index + 1]):
            stop = index + 2
            while stop < len(lines) and _is_row(lines[stop]):
                stop += 1
            written.append(_table_html(lines[index], lines[index + 2 : stop]))
            index = stop
        else:
            written.append(lines[index])
            index += 1
    return "\n".join(written)


def _is_row(line: str) -> bool:
    return line.strip().startswith("|")


def _is_rule(line: str) -> bool:
    line = line.strip()
    return line.startswith("|") and _PIPE_RULE.fullmatch(line) is not None


def _table_html(head: str, rows: list[str]) -> str:
    body = "".join(f"<tr>{_cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{_cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: str, tag: str) -> str:
    parts = _CELL_END.split(row.strip().removeprefix("|").removesuffix("|"))
    return "".join(f"<{tag}>{part.strip()}</{tag}>" for part in parts)
