"""Reads the HTML that models write: fenced or not, cut off, with wrong or missing closing tags.

Owns: finding tags in text and nesting them. Does not own: what they mean (``document_builder``).

    text -> every '<' that begins a tag -> stack of open nodes -> Reading(root, problems)

A '<' that begins no known tag is text, as in ``a < b`` or ``<name>``. Nothing is executed; scripts
and the like are left out and named in ``problems``. The time is linear in the length of the text.
"""

import html
import re
from typing import NamedTuple

from qvl.tasks.document_elements import WHITE, pictured_kind

MAX_DEPTH = 40
"""Deeper nesting is flattened; pages nest five or six levels."""

MAX_NODES = 2_000_000
"""Tags that are read; an answer of 30,000 tokens has fewer than 10,000."""

MAX_PROBLEMS = 50
"""Different problems that are listed; the others are counted."""

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TEXT_BLOCKS = _HEADINGS | {"p"}
_ROWS = frozenset({"thead", "tbody", "tfoot", "tr"})
_TABLE_FRAME = _ROWS | {"table"}
_CELLS = frozenset({"td", "th"})
_LISTS = frozenset({"ul", "ol"})
_GROUPS = frozenset(
    {
        "div", "section", "article", "header", "footer", "main", "nav", "aside", "blockquote",
        "pre", "figure", "figcaption", "center", "form", "fieldset", "legend", "details",
        "summary", "dl", "dt", "dd", "address",
    }
)  # fmt: skip
_BLOCKS = _TEXT_BLOCKS | _GROUPS | _LISTS | {"table"}
INLINE = frozenset(
    {
        "a", "abbr", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del", "dfn", "em",
        "font", "i", "ins", "kbd", "label", "mark", "math", "mfrac", "mi", "mn", "mo", "mrow",
        "msub", "msup", "option", "q", "rp", "rt", "ruby", "s", "samp", "select", "small", "span",
        "strike", "strong", "sub", "sup", "textarea", "time", "tt", "u", "var",
    }
)  # fmt: skip
"""Tags inside running text; what they hold is text."""
_FRAME = frozenset({"html", "body", "head"})
_VOID = frozenset(
    {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "param", "source", "wbr"}
)
_DROPPED = frozenset(
    {
        "applet", "audio", "canvas", "embed", "frame", "iframe", "noscript", "object", "script",
        "svg", "template", "title", "video",
    }
)  # fmt: skip
"""Left out with all they hold."""
_INNER = _ROWS | _CELLS | {"li", "caption", "colgroup"}
_KNOWN = _BLOCKS | INLINE | _FRAME | _VOID | _DROPPED | _INNER | {"style"}
_NOTHING: frozenset[str] = frozenset()
_TABLE = frozenset({"table"})
_CAPTION = frozenset({"caption"})
_DEFINITION = frozenset({"dt", "dd"})
_ENDS = {
    **dict.fromkeys(("td", "th", "caption"), (_CELLS | _CAPTION, _TABLE)),
    "tr": (_CAPTION | {"tr"}, _TABLE),
    **dict.fromkeys(("thead", "tbody", "tfoot"), (_ROWS | _CAPTION, _TABLE)),
    "li": (frozenset({"li"}), _LISTS),
    **dict.fromkeys(_DEFINITION, (_DEFINITION, frozenset({"dl"}))),
}
"""What the beginning of a node ends, and what it does not reach beyond."""
_NEEDS_NO_END = {"td": "tr", "th": "tr", "li": "ul", "p": ""}
"""Where these may begin without ending anything: the usual parent."""
_WITH_SOURCE = frozenset({"formula", "music_sheet", "chemical_formula"})
_SPACELESS = _TABLE_FRAME | _LISTS | {"colgroup"}
"""White space directly inside these means nothing."""

_VALUE = r"\"(?:[^\"<]|<(?![a-zA-Z/!]))*+\"|'(?:[^'<]|<(?![a-zA-Z/!]))*+'|[^\s<>\"'=`]++"
_ATTRIBUTES = rf"(?:\s++[a-zA-Z_:@][^\s=<>\"'/]*+(?:\s*+=\s*+(?:{_VALUE}))?+)*+"
_TAG = re.compile(
    # Most elements hold nothing but text; those are read in one step.
    rf"<(?:(td|th|div|li|p|h[1-6])({_ATTRIBUTES})\s*+>([^<]*+)</\1>"
    r"|(/?)([a-zA-Z][a-zA-Z0-9]{0,15})"
    rf"({_ATTRIBUTES}"
    # A quote too many or too few, as in data-bbox="1 2 3 4>.
    r"|\s(?>[^<>]*?[a-z]\s*=\s*[\"'])[^<>]*+)"
    r"\s*/?>"
    r"|!--.*?(?:-->|\Z)|![a-zA-Z][^<>]*>)",
    re.DOTALL,
)
_CELL = re.compile(r"<(t[dh])((?: [a-z]+=\"\d+\")*)>([^<]*)</")
_PLAIN_ROW = re.compile(r"((?:\s*+<t[dh](?: [a-z]+=\"\d+\")*+>[^<]*+</t[dh]>)++)\s*+</tr>")
"""The rest of a row as most are: cells of text alone. Read in one step."""
_CUT_TAG = re.compile(r"<[/!]?(?:[a-zA-Z][a-zA-Z0-9]{0,15}(?:\s[^<>]*)?)?\Z")
_OPENING_FENCE = re.compile(r"\s*```[a-zA-Z]*[ \t]*(?:\n|\Z)|\s*")
_CLOSING_FENCE = re.compile(r"```\s*\Z")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_HANDLER = re.compile(
    r"\s(on[a-zA-Z]{3,20})\s*=|=\s*[\"']?\s*(javascript|vbscript):", re.IGNORECASE
)


class Node:
    """One tag with what it holds."""

    __slots__ = ("attributes", "cells", "children", "complete", "name")

    def __init__(self, name: str, attributes: str, children: list["Node | str"]) -> None:
        self.name = name
        self.attributes = attributes
        """As written, after the name."""
        self.children = children
        self.complete = True
        """False when the text ended inside it."""
        self.cells: list[tuple[str, str, str]] = []
        """Of a row of plain cells, in place of children: tag, attributes and text of each."""


Child = Node | str


class Problems:
    """What could not be used, in order, each once with a count."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._num_others = 0

    def add(self, message: str) -> None:
        """Notes one; messages about model text are cut short by the caller."""
        if message in self._counts or len(self._counts) < MAX_PROBLEMS:
            self._counts[message] = self._counts.get(message, 0) + 1
        else:
            self._num_others += 1

    def lines(self) -> tuple[str, ...]:
        """One line each."""
        lines = [text if n == 1 else f"{text} ({n} times)" for text, n in self._counts.items()]
        return (*lines, *([f"{self._num_others} more problems"] if self._num_others else []))


class Reading(NamedTuple):
    """A text as nested nodes."""

    root: Node
    problems: Problems
    answered: bool
    """True when the text has any tag of a page."""
    truncated: bool
    """True when the text ended before the page did."""
    has_images: bool


def read(text: str) -> Reading:
    """Nests the tags of a text; never fails.

    >>> root = read('```html\\n<p>one <b>two</b><p>a < b <x>').root
    >>> [(child.name, child.complete) for child in root.children]
    [('p', True), ('p', False)]
    >>> root.children[1].children
    ['a < b ', '<x>']
    """
    reader = _Reader(text)
    reader.run()
    return Reading(
        root=reader.root,
        problems=reader.problems,
        answered=reader.answered,
        truncated=reader.truncated,
        has_images=reader.has_images,
    )


def decode(text: str) -> str:
    """Text with its entities decoded; only those that end in a semicolon are any.

    >>> decode("R&amp;D &copy 2 &lt;&#x41;")
    'R&D &copy 2 <A'
    """
    return _ENTITY.sub(_decoded, text) if "&" in text else text


_FREQUENT = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#39;": "'"}


def _decoded(entity: "re.Match[str]") -> str:
    return _FREQUENT.get(entity.group()) or html.unescape(entity.group())


class _Reader:
    """One pass over a text; ``stack`` holds the open nodes, the root first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Node("", "", [])
        self.problems = Problems()
        self.answered = False
        self.truncated = False
        self.has_images = False
        self._stack = [self.root]
        self._too_deep: list[str] = []
        self._has_frame = False
        self._frame_closed = False

    def run(self) -> None:
        text = self.text
        fence = _OPENING_FENCE.match(text)
        at = fence.end() if fence is not None else 0
        closing = _CLOSING_FENCE.search(text, max(at, len(text) - 64))
        end = closing.start() if closing is not None else len(text)
        num_nodes = 0
        stack = self._stack
        while (match := _TAG.search(text, at, end)) is not None:
            start, stop = match.span()
            if start > at:
                self._add_text(text[at:start])
            at = stop
            leaf, leaf_attributes, leaf_text, closes, name, attributes = match.groups()
            num_nodes += 1
            if num_nodes > MAX_NODES:
                self.problems.add(f"more than {MAX_NODES:,} tags; what follows is not read")
                self.truncated = True
                return
            in_source = stack[-1].name == "div" and self._in_source()
            if leaf is not None:
                if not in_source:
                    self._add_leaf(leaf, leaf_attributes, leaf_text)
                    continue
                closes, name, attributes = "", leaf, leaf_attributes
                at = match.start(3)  # its beginning alone
            if name is None:  # a comment or a declaration
                if text.startswith("<!--", start):
                    self._note("a comment", text[start:stop])
                continue
            name = name.lower()
            if name not in _KNOWN or (in_source and _is_source_text(name, closes, attributes)):
                self._add_text(text[start:at])
            elif closes:
                self._close(name)
            elif name in _DROPPED or name == "style":
                at = self._skip(name, match, end)
            else:
                at = self._open(name, attributes, at)
        self._finish(text[at:end])

    def _finish(self, rest: str) -> None:
        """Takes the text after the last tag, and marks what is still open."""
        cut = _CUT_TAG.search(rest, max(0, rest.rfind("<"))) if "<" in rest else None
        if cut is not None and not self._frame_closed:
            self._note("a tag that was cut off", cut.group())
            rest = rest[: cut.start()]
            self.truncated = True
        if rest.strip(WHITE):
            self._add_text(rest)
        for node in self._stack[1:]:
            node.complete = False
        missing_end = self._has_frame and not self._frame_closed
        self.truncated |= missing_end or len(self._stack) > 1

    def _in_source(self) -> bool:
        """Whether the innermost node is the div that holds the source of a formula or a sheet."""
        stack = self._stack
        if len(stack) < 3 or stack[-1].name != "div" or stack[-2].name != "div":
            return False
        return pictured_kind(class_of(stack[-2])) in _WITH_SOURCE

    def _add_text(self, text: str) -> None:
        top = self._stack[-1]
        if top.name not in _SPACELESS or text.strip(WHITE):
            top.children.append(text)

    def _add_leaf(self, name: str, attributes: str, text: str) -> None:
        """Adds an element that holds nothing but text."""
        if attributes:
            self._check_handlers(name, attributes)
        self.answered = True
        if self._stack[-1].name != _NEEDS_NO_END.get(name, ""):
            self._end_implied(name, "data-bbox" in attributes)
        self._stack[-1].children.append(Node(name, attributes, [text]))

    def _check_handlers(self, name: str, attributes: str) -> None:
        lower = attributes.lower()
        if "on" not in lower and "script" not in lower:  # quicker than the pattern
            return
        handler = _HANDLER.search(attributes)
        if handler is not None:
            self.problems.add(f"left out: {(handler[1] or handler[2]).lower()} of a <{name}>")

    def _open(self, name: str, attributes: str, at: int) -> int:
        """Opens a node, after closing what its beginning ends; returns where to read on."""
        if name in _FRAME:
            self._has_frame |= name != "head"
            self.answered = True
            return at
        if attributes:
            self._check_handlers(name, attributes)
        stack = self._stack
        if name in _VOID:
            if name in ("br", "img"):
                self.has_images |= name == "img"
                stack[-1].children.append(Node(name, attributes, []))
            return at
        self.answered |= name not in INLINE
        self._end_implied(name, "data-bbox" in attributes)
        if len(stack) > MAX_DEPTH:
            self.problems.add(f"nested deeper than {MAX_DEPTH}, flattened from there")
            self._too_deep.append(name)
            return at
        node = Node(name, attributes, [])
        stack[-1].children.append(node)
        if name == "tr" and (row := _PLAIN_ROW.match(self.text, at)) is not None:
            node.cells = _CELL.findall(row[1])
            return row.end()
        stack.append(node)
        return at

    def _end_implied(self, name: str, has_box: bool) -> None:
        """Closes the nodes that cannot hold a node of this name."""
        ended = _ENDS.get(name)
        if ended is not None:
            self._pop_within(*ended)
        elif name in _BLOCKS:
            stack = self._stack
            if has_box and self._in_source():
                del stack[-2:]
            while stack[-1].name in INLINE or stack[-1].name in _TEXT_BLOCKS:
                stack.pop()
            if has_box and stack[-1].name in _TABLE_FRAME:  # its closing tag was forgotten
                self._pop_within(_TABLE, _NOTHING)

    def _pop_within(self, names: frozenset[str], barriers: frozenset[str]) -> None:
        """Closes the outermost open node of these names above the nearest barrier."""
        stack = self._stack
        found = None
        for index in range(len(stack) - 1, 0, -1):
            if stack[index].name in names:
                found = index
            elif stack[index].name in barriers:
                break
        if found is not None:
            del stack[found:]

    def _close(self, name: str) -> None:
        stack = self._stack
        if name in _FRAME:
            if name != "head":
                del stack[1:]
                self._frame_closed = True
            return
        if self._too_deep and name in self._too_deep:
            self._too_deep.pop()
            return
        if name in _VOID:
            return
        same = _HEADINGS if name in _HEADINGS else {name}
        stays_in_block = name in INLINE or name in _TEXT_BLOCKS
        for index in range(len(stack) - 1, 0, -1):
            other = stack[index].name
            if other in same:
                del stack[index:]
                return
            if stays_in_block and other not in INLINE and other not in _TEXT_BLOCKS:
                break
        if not stays_in_block:
            self.problems.add(f"a closing </{name}> without an opening one")

    def _skip(self, name: str, match: "re.Match[str]", end: int) -> int:
        """Leaves out a node with all it holds, but keeps CSS; returns where to read on."""
        start = match.end()
        closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self.text, start, end)
        stop, after = (end, end) if closing is None else closing.span()
        if match.group().endswith("/>") and name != "script":
            stop = after = start
        if name == "style" and closing is not None and "<" not in self.text[start:stop]:
            self._end_implied("table", False)
            style = Node(name, match[6], [self.text[start:stop]])
            self._stack[-1].children.append(style)
        elif name == "style" and closing is None:
            self._note("a <style> that was cut off", self.text[start:stop])
            self.truncated = True
        else:
            self._note(f"<{name}>", self.text[start:stop])
        return after

    def _note(self, what: str, text: str) -> None:
        self.problems.add(f"left out: {what}, {shortened(text)!r}")


def shortened(text: str) -> str:
    """A model's words on one line, short enough for a message."""
    words = " ".join(text[:200].split())
    return words if len(words) <= 60 and len(text) <= 200 else words[:57] + "..."


def class_of(node: Node) -> str:
    """The class of a node: words between single spaces."""
    usual = _CLASS.match(node.attributes)  # most have it first, and plain
    return usual[1] if usual is not None else " ".join(attribute(node, "class").split())


def _is_source_text(name: str, closes: str, attributes: str) -> bool:
    """Whether a tag inside LaTeX, ABC or SMILES is a part of it, as in ``A<B c>d``."""
    if closes:
        return name in INLINE
    return name not in ("br", "div", "img") and "data-bbox" not in attributes


_CLASS = re.compile(r' class="((?:[a-z0-9_]+ )*[a-z0-9_]+)"')
_ATTRIBUTE = re.compile(
    r"([a-zA-Z_:@][^\s=<>\"'/]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s<>\"']+)|[\"']([^\"'<>]*))"
)


def attribute(node: Node, name: str) -> str:
    """The value of an attribute, entities decoded; empty when it is missing."""
    if name in node.attributes:
        for key, double, single, bare, broken in _ATTRIBUTE.findall(node.attributes):
            if key == name or key.lower() == name:
                return decode(double or single or bare or broken)
    return ""
