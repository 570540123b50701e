"""A page by OmniDocBench's official rules: four distances, tables as trees, formulas as tokens.

Owns: what counts of a page, the official normal forms. Does not own: pairing (``quick_match``),
splitting a reply (``document_blocks``), means over pages (``benchmarks/omnidocbench``).

    reply, PageTruth -> blocks -> normal forms -> matches -> PageResult: edits and lengths by kind

Left out: tables that a model writes in LaTeX, which the official code converts with LaTeXML.
CDM, which compares pictures of formulas, needs LaTeX with its fonts: `token_f1` is our substitute,
has its own name, and gives other numbers.
Source: opendatalab/OmniDocBench, dataset/end2end_dataset.py, utils/data_preprocess.py, of version
1.0; VLMEvalKit OmniDocBench.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qvl.errors import MissingDependencyError
from qvl.evaluation.scorers.document_blocks import cut_out
from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.quick_match import Match, quick_match, whole_blocks
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.teds import teds

TEXTS = frozenset((
    "text_block", "title", "code_txt", "code_txt_caption", "reference", "equation_caption",
    "figure_caption", "figure_footnote", "table_caption", "table_footnote", "code_algorithm",
    "code_algorithm_caption", "header", "footer", "page_footnote", "page_number",
))  # fmt: skip
"""Categories that are looked for in the text of a reply."""
_NOT_COUNTED = frozenset((
    "figure_caption", "figure_footnote", "table_caption", "table_footnote", "code_algorithm",
    "code_algorithm_caption", "header", "footer", "page_footnote", "page_number",
    "equation_caption",
))  # fmt: skip
"""A model may leave them out or not."""

_LONGEST = 200_000
_PICTURE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_INLINE = re.compile(r"\$([^$\n]*)\$|\\\((.{0,2000}?)\\\)")
_ESCAPED = re.compile(r"\\([\\_&%^])")
_DISPLAY = re.compile(r"\\\[(.+?)(?<!\\)\\\]")
_LEFT_OUT = re.compile(
    r"\\tag\{.*?\}|\\hspace\{.*?\}|\\begin\{.*?\}|\\end\{.*?\}|\\arraycolsep.*?\}"
)
# Longer names are not before shorter ones: "\textbf" first loses "\textbf", but "\mathbfcal" loses
# "\mathbf" and keeps "cal", as in the official code.
_STYLES = (
    "\\mathbf", "\\mathrm", "\\mathnormal", "\\mathit", "\\mathbb", "\\mathcal", "\\mathscr",
    "\\mathfrak", "\\mathsf", "\\mathtt", "\\textbf", "\\text", "\\boldmath", "\\boldsymbol",
    "\\operatorname", "\\bm", "\\symbfit", "\\mathbfcal", "\\symbf", "\\scriptscriptstyle",
    "\\notag", "\\setlength", "\\coloneqq", "\\space", "\\thickspace", "\\thinspace",
    "\\medspace", "\\nobreakspace", "\\negmedspace", "\\quad", "\\qquad", "\\enspace",
    "\\substackw", " ",
)  # fmt: skip
_NO_WORD = re.compile(r"[^\w\u4e00-\u9fff]")
_DROPPED_TAG = re.compile(
    r"</?(?:thead|tbody|span|sup|sub|div|p)\b[^>]*>|<colgroup>.*?</colgroup>", re.DOTALL
)
_ATTRIBUTE = re.compile(r' (?:style|height|width|align|class)="[^"]*"')
_HEADER_CELL = re.compile(r"<(/?)th\b")
_WHOLE_TABLE = re.compile(r"<table\b[^>]*>(.*)</table>", re.DOTALL | re.IGNORECASE)
_LATEX_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[^\s]")
_UNSEEN = frozenset((
    "{", "}", "\\left", "\\right", "\\,", "\\;", "\\!", "\\:", "\\quad", "&", "\\[", "\\]", "$",
))  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Edits:
    """Edits of one kind of block, and what they are divided by."""

    edits: int = 0
    length: int = 0

    @property
    def distance(self) -> float | None:
        """0 is right; None where the page has nothing of this kind."""
        return self.edits / self.length if self.length else None


@dataclass(frozen=True, kw_only=True, slots=True)
class PageResult(Score):
    """What one page gives; `value` is 1 less the mean of its distances."""

    text: Edits = field(default_factory=Edits)
    formula: Edits = field(default_factory=Edits)
    table: Edits = field(default_factory=Edits)
    order: Edits = field(default_factory=Edits)
    teds: tuple[float, ...] = ()
    token_f1: tuple[float, ...] = ()
    """Of each formula of the truth."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of the truth."""

    category: str
    order: float
    content: str


def score_page(*, answer: str, truth: Sequence[Block]) -> PageResult:
    """Scores a reply to a page.

    >>> page = [Block(category="title", order=1, content="Title"),
    ...         Block(category="equation_isolated", order=2, content="x^2")]
    >>> result = score_page(answer="# Titles\\n\\n$$x^2$$", truth=page)
    >>> result.text, result.formula.distance
    (Edits(edits=1, length=6), 0.0)

    Raises:
        MissingDependencyError: a formula inside a line needs pylatexenc, which is not installed.
    """
    body, formulas, tables = cut_out(_PICTURE.sub("", answer[:_LONGEST]))
    blocks = sorted(truth, key=lambda block: block.order)
    text, order = _texts(_paragraphs(body), [b for b in blocks if b.category in TEXTS])
    formulas += [match.group(1) or match.group(2) or "" for match in _INLINE.finditer(body)]
    formula, token_f1 = _formulas(
        formulas, [b.content for b in blocks if b.category == "equation_isolated"]
    )
    table, trees = _tables(tables, [b.content for b in blocks if b.category == "table"])
    kinds = {"text": text, "formula": formula, "table": table, "order": order}
    found = {name: edits.distance for name, edits in kinds.items()}
    stated = [value for value in found.values() if value is not None]
    return PageResult(
        value=1 - sum(stated) / len(stated) if stated else 1.0,
        why=", ".join(f"{name} {value:.2f}" for name, value in found.items() if value is not None),
        is_parsed=bool(answer.strip()),
        text=text,
        formula=formula,
        table=table,
        order=order,
        teds=tuple(trees),
        token_f1=tuple(token_f1),
    )


def blocks_of(page: Mapping[str, Any]) -> list[Block]:
    """Returns the blocks of an annotated page; text that goes on elsewhere is one block.

    Args:
        page: with layout_dets and extra, as in OmniDocBench.json.
    """
    groups: list[set[Any]] = []
    for relation in (page.get("extra") or {}).get("relation") or ():
        if relation.get("relation_type") != "truncated":
            continue
        pair = {relation["source_anno_id"], relation["target_anno_id"]}
        group = next((group for group in groups if group & pair), None)
        if group is None:
            groups.append(pair)
        else:
            group |= pair
    joined: dict[int, list[Mapping[str, Any]]] = {}
    blocks = []
    for item in page["layout_dets"]:
        place = next((i for i, group in enumerate(groups) if item.get("anno_id") in group), None)
        if place is None:
            blocks.append(_block(item, _content(item)))
        else:
            joined.setdefault(place, []).append(item)
    for items in joined.values():
        items.sort(key=lambda item: item.get("order") or 0)
        blocks.append(_block(items[0], "".join(map(_content, items))))
    return [block for block in blocks if block.content]


def _content(item: Mapping[str, Any]) -> str:
    key = {"equation_isolated": "latex", "table": "html"}.get(str(item["category_type"]), "text")
    return str(item.get(key) or "")


def _block(item: Mapping[str, Any], content: str) -> Block:
    return Block(
        category=str(item["category_type"]), order=float(item.get("order") or 0), content=content
    )


def _paragraphs(body: str) -> list[str]:
    parts = body.split("\n\n")
    parts = body.split("\n") if len(parts) == 1 else parts
    return [part.strip() for part in parts if part.strip()]


def _texts(answers: Sequence[str], truth: Sequence[Block]) -> tuple[Edits, Edits]:
    """Edits of the text and of the reading order."""
    if not truth:
        return Edits(), Edits()
    given = [text for text in map(normal_text, answers) if text]
    kept = [(block, text) for block in truth if (text := normal_text(block.content))]
    wanted = [text for _, text in kept]
    matches = [
        match
        for match in quick_match(given, wanted)
        if not match.truths or any(kept[i][0].category not in _NOT_COUNTED for i in match.truths)
    ]
    orders = [kept[i][0].order for match in matches for i in match.truths if kept[i][0].order]
    found = sorted(
        (match for match in matches if match.truths and match.answers),
        key=lambda match: match.answers[0],
    )
    read = [kept[i][0].order for match in found for i in match.truths if kept[i][0].order]
    order = Edits(edits=edit_distance(sorted(orders), read), length=max(len(orders), len(read)))
    return _edits(matches, given, wanted), order


def _edits(matches: Sequence[Match], given: Sequence[str], wanted: Sequence[str]) -> Edits:
    edits = length = 0
    for match in matches:
        a = "".join(given[j] for j in match.answers)
        b = "".join(wanted[i] for i in match.truths)
        edits, length = edits + edit_distance(a, b), length + max(len(a), len(b))
    return Edits(edits=edits, length=length)


def _formulas(answers: Sequence[str], truths: Sequence[str]) -> tuple[Edits, list[float]]:
    """Edits, and the likeness of each formula of the truth; what the answer adds costs nothing."""
    if not truths:
        return Edits(), []
    given = [(text, form) for text in answers if (form := normal_formula(text))]
    wanted = [(text, form) for text in truths if (form := normal_formula(text))]
    matches = quick_match([form for _, form in given], [form for _, form in wanted])
    matches = [match for match in matches if match.truths]
    tokens = [
        latex_token_f1(
            answer=" ".join(given[j][0] for j in match.answers),
            truth=" ".join(wanted[i][0] for i in match.truths),
        ).value
        for match in matches
    ]
    return _edits(matches, [form for _, form in given], [form for _, form in wanted]), tokens


def _tables(answers: Sequence[str], truths: Sequence[str]) -> tuple[Edits, list[float]]:
    if not truths:
        return Edits(), []
    matches = [match for match in whole_blocks(answers, truths) if match.truths]
    given, wanted = [normal_table(text) for text in answers], [normal_table(t) for t in truths]
    trees = [
        teds(answer=given[m.answers[0]], truth=wanted[m.truths[0]], headers_as_cells=True).value
        if m.answers
        else 0.0
        for m in matches
    ]
    return _edits(matches, given, wanted), trees


def normal_text(text: str) -> str:
    """Returns letters, digits and Chinese characters; formulas inside a line become characters.

    >>> normal_text("Loss: $\\\\alpha^2$, and/not 5 %"), normal_text("第一段。")
    ('Lossα2andot5', '第一段')
    """
    text = _INLINE.sub(_as_characters, text)
    for spelled in ("\\t", "\\n", "\t", "\n", "/t", "/n"):
        text = text.replace(spelled, "")
    return _NO_WORD.sub("", text)


def _as_characters(match: re.Match[str]) -> str:
    latex = _ESCAPED.sub("", match.group(1) or match.group(2) or "")
    if not any(char in latex for char in "\\^_"):
        return match.group()
    try:
        from pylatexenc.latex2text import LatexNodes2Text
        from pylatexenc.latexwalker import LatexWalkerError
    except ImportError as error:
        raise MissingDependencyError(
            "formulas inside the text of pages are compared as characters, which needs pylatexenc",
            hint="pip install 'qvl[eval]'",
        ) from error
    try:
        return str(LatexNodes2Text().latex_to_text(latex + " " * latex.endswith("\\"))).strip()
    except (LatexWalkerError, ValueError, LookupError, RecursionError, AttributeError, TypeError):
        return match.group()  # as the official code, whatever went wrong


def normal_formula(latex: str) -> str:
    """Returns LaTeX in lower case without fonts, spacing, environments and numbers.

    >>> normal_formula("\\\\[\\\\mathbf{X} \\\\quad+ Y \\\\tag{1}\\\\]")
    '{x}+y'
    """
    inner = _DISPLAY.search(latex)
    latex = inner.group(1).strip() if inner else latex.strip().strip("$")
    latex = _LEFT_OUT.sub("", "".join(latex.split("\n"))).strip(".")
    for style in _STYLES:
        latex = latex.replace(style, "")
    return latex.lower()


def normal_table(text: str) -> str:
    """Returns HTML of a table without what does not change its cells.

    >>> normal_table('<table class="a"><thead><tr><th>x </th></tr></thead></table>')
    '<html><body><table border="1" ><tr><td>x </td></tr></table></body></html>'
    """
    text = _HEADER_CELL.sub(r"<\1td", text)
    text = unicodedata.normalize("NFKC", html.unescape(text).replace("\n", "")).strip()
    inner = _WHOLE_TABLE.search(text)
    text = _ATTRIBUTE.sub("", _DROPPED_TAG.sub("", inner.group(1) if inner else ""))
    return f'<html><body><table border="1" >{" ".join(text.split(" "))}</table></body></html>'


def latex_token_f1(*, answer: str, truth: str) -> Score:
    """Scores a formula by the commands and characters that both have, in any order.

    Our substitute for CDM: it knows no places, and two spellings of one sign differ.

    >>> latex_token_f1(answer="x^{2}", truth="x^2 + 1").value
    0.75
    """
    given, wanted = (
        Counter(token for token in _LATEX_TOKEN.findall(side) if token not in _UNSEEN)
        for side in (answer, truth)
    )
    total = given.total() + wanted.total()
    return Score(
        value=2 * (given & wanted).total() / total if total else 1.0,
        why=f"{(given & wanted).total()} of {wanted.total()} tokens, {given.total()} given",
        is_parsed=bool(given) or not wanted,
    )
