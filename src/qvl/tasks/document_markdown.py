"""Writes elements as Markdown that reads as the page did.

Owns: what of an element Markdown can say, and the escaping that keeps text as it was. Does not
own: HTML (``document_html``), which stands in for tables that Markdown cannot hold.

    elements -> to_markdown() -> GitHub flavoured Markdown, a blank line between blocks

Formulas are ``$$...$$``, inline ones stay ``$...$``; notes and molecules are fenced blocks.
Source: CommonMark 0.31 (escapes, fences, breaks); GitHub Flavored Markdown specification (tables).
"""

import re
from collections.abc import Iterable, Iterator

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
    walk,
)
from qvl.tasks.document_html import Markup, PictureSource, hundredths

# A dollar sign opens a formula before a character that is no space, and closes it after one,
# unless a digit follows: "$5 and $6" is none. Source: pandoc, tex_math_dollars.
_MATH = re.compile(
    r"\$\$(?!\s)(?:[^$\\]|\\.)+\$\$|(?<!\\)\$(?![\s$])(?:[^$\\\n]|\\[^\n])*(?<!\s)\$(?![\d$])"
    r"|\\\((?:[^\\\n]|\\[^)\n])+\\\)|\\\[(?:[^\\]|\\[^\]])+\\\]"
)
# An underscore inside a word is one; one at its end could close an emphasis.
_ANYWHERE = re.compile(r"[\\`*\[\]<>|~$]|&(?=[#\w])|_(?![^\W_])")
_LINE_START = re.compile(r"^([ \t]*)(?:([#+=-])|(\d{1,9})([.)]))", re.MULTILINE)
_BACKTICKS = re.compile(r"`+")


def to_markdown(elements: Iterable[Element], *, source: PictureSource | None = None) -> str:
    """The elements as Markdown, with a newline at the end unless it is empty.

    Args:
        elements: in reading order.
        source: where the pictures of elements are; those without an address are named in words.
    """
    blocks: list[str] = []
    before: Element | None = None
    second = False
    for element in _without_groups(elements):
        # Two lists in a row would be one, unless their marks differ.
        second = isinstance(before, List) and isinstance(element, List) and not second
        blocks += filter(None, _blocks(element, source, second))
        before = element
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _without_groups(elements: Iterable[Element]) -> Iterator[Element]:
    return (e for e in walk(elements) if not (isinstance(e, Other) and e.children))


def escape(text: str) -> str:
    """Text that Markdown shows as it is; formulas inside stay formulas.

    >>> print(escape("# 5 * 3 = $x_1*y$, costs $5 or $6"))
    \\# 5 \\* 3 = $x_1*y$, costs \\$5 or \\$6
    """
    pieces, at = [], 0
    for formula in _MATH.finditer(text):
        pieces += [_escape_plain(text[at : formula.start()]), _inline_formula(formula.group())]
        at = formula.end()
    pieces.append(_escape_plain(text[at:]))
    marked = _LINE_START.sub(_escape_start, "".join(pieces))
    return marked.replace("\n", "\\\n")  # a break, not a space


def _escape_plain(text: str) -> str:
    return _ANYWHERE.sub(lambda found: "\\" + found.group(), text)


def _escape_start(found: "re.Match[str]") -> str:
    """What would begin a heading, a list, a rule or an underline."""
    space, sign, number, dot = found.groups()
    return f"{space}\\{sign}" if sign else f"{space}{number}\\{dot}"


def _inline_formula(formula: str) -> str:
    if formula.startswith("\\("):
        return f"${formula[2:-2].strip()}$"
    if formula.startswith("\\["):
        return f"$${formula[2:-2].strip()}$$"
    return formula


def _blocks(element: Element, source: PictureSource | None, second: bool) -> list[str]:
    if isinstance(element, Heading):
        text = escape(element.text).replace("\\\n", " ")
        return [f"{'#' * element.level} {_closing_hashes(text)}"] if text else []
    if isinstance(element, Paragraph):
        return [escape(element.text)]
    if isinstance(element, List):
        return [_list(element, second)]
    if isinstance(element, Table):
        return _table(element)
    if isinstance(element, Pictured):
        return _pictured(element, source)
    if isinstance(element, Address):
        return ["\\\n".join(escape(part.text) for part in element.parts if part.text)]
    if isinstance(element, Other):
        return [_fenced(element.text, "") if element.tag == "pre" else escape(element.text)]
    return []


def _closing_hashes(text: str) -> str:
    """A heading drops the hashes at its end."""
    return re.sub(r"#(?=#*$)", r"\\#", text)


def _list(element: List, second: bool) -> str:
    lines = []
    for number, item in enumerate(element.items, start=max(0, element.start)):
        mark = (
            f"{number}{')' if second else '.'} " if element.ordered else ("* " if second else "- ")
        )
        lines.append(mark + _item(item).replace("\n", "\n" + " " * len(mark)))
    return "\n".join(line.rstrip(" ") for line in lines)


def _item(item: ListItem) -> str:
    text = escape(item.text)
    for index, child in enumerate(item.children):
        # A list that does not start at 1 cannot interrupt a paragraph.
        gap = "\n\n" if child.ordered and child.start != 1 else "\n"
        text += gap + _list(child, index % 2 == 1)
    return text


def _table(table: Table) -> list[str]:
    caption = [escape(table.caption)] if table.caption else []
    if not table.rows:
        return caption
    if not _fits(table):
        return [Markup(hundredths, for_people=True).table(table).replace(" data-incomplete", "")]
    rows = [list(row) for row in table.rows]
    width = max(len(row) for row in rows)
    if not all(cell.header for cell in rows[0]):
        rows.insert(0, [])  # it has no head, and Markdown wants one
    lines = [_row(row, width) for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return [*caption, "\n".join(lines)]


def _fits(table: Table) -> bool:
    """Whether Markdown can say it: no spans, one head row at most."""
    cells = [cell for row in table.rows for cell in row]
    has_spans = any(cell.row_span > 1 or cell.col_span > 1 for cell in cells)
    head_rows = [bool(row) and all(cell.header for cell in row) for row in table.rows]
    return bool(cells) and not has_spans and not any(head_rows[1:])


def _row(cells: list[Cell], width: int) -> str:
    texts = [_cell(cell.text) for cell in cells] + [""] * (width - len(cells))
    return "| " + " | ".join(texts) + " |"


def _cell(text: str) -> str:
    # A bar ends a cell even inside a formula.
    escaped = re.sub(r"(?<!\\)\|", r"\\|", escape(text))
    return escaped.replace("\\\n", "<br>").replace("\n", " ")


def _pictured(element: Pictured, source: PictureSource | None) -> list[str]:
    if isinstance(element, Figure):
        return [_picture(element, source, element.text)]
    if isinstance(element, Chart):
        table = _table(element.table) if element.table is not None else []
        return [_picture(element, source, ""), *table, escape(element.text)]
    blocks: list[str] = []
    if isinstance(element, Formula) and element.latex:
        blocks = [f"$$\n{_one_paragraph(element.latex)}\n$$"]
    elif isinstance(element, MusicSheet) and element.abc:
        blocks = [_fenced(element.abc, "abc")]
    elif isinstance(element, ChemicalFormula) and element.smiles:
        blocks = [_fenced(element.smiles, "smiles")]
    blocks = blocks or [_picture(element, source, "")]
    return [*blocks, escape(element.text)]


def _picture(element: Pictured, source: PictureSource | None, words: str) -> str:
    text = escape(words).replace("\\\n", " ")
    address = None if source is None else source(element)
    if address is not None:
        return f"![{text}](<{address}>)"
    kind = element.kind.replace("_", " ")
    return f"*({kind})* {text}".rstrip()


def _one_paragraph(latex: str) -> str:
    """A blank line would end the formula."""
    return re.sub(r"\n\s*\n", "\n", latex)


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
