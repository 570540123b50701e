"""HTML as a row of tags and texts: in linear time, whatever stands in it.

Owns: where tags, comments and texts begin and end. Does not own: what they mean (``web_pages``).

    text -> tokens() -> Tag("p", attributes) | "text" | Tag("p", closes=True)

Pages are often broken on purpose or by accident. Nothing here is read twice: a tag or comment
without an end closes the page, as in browsers. Source: WHATWG HTML, 13.2.5 (tokenization: comments,
raw text, attributes; "eof-in-tag": an unfinished tag is dropped).
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MOST_ATTRIBUTES = 64
"""Attributes of a tag that are read; real ones have up to about thirty."""

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Elements in which nothing but their own end is a tag."""

_OPENING = re.compile(r"<(?:!--|[!?/a-zA-Z])")
_NAME = re.compile(r"[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+ ([^\s/>=][^\s/>=]*+)
    (?: \s*+ = \s*+ (?: "([^"]*+)" | '([^']*+)' | ([^\s>]*+) ) )?""",
    re.VERBOSE,
)
_LONGEST_NAME = 40


class Tag(NamedTuple):
    """The beginning or the end of an element."""

    name: str
    """In lower case."""
    attributes: Mapping[str, str] = {}  # read only
    """By names in lower case, references resolved; the first of equal names counts."""
    closes: bool = False


def tokens(page: str) -> Iterator[Tag | str]:
    """Yields tags and texts; comments, declarations and the contents of raw elements are left out.

    >>> list(tokens('<p class="a">x &lt; y<br/><!-- no --></p>'))
    [Tag(name='p', attributes={'class': 'a'}, closes=False), 'x < y', \
Tag(name='br', attributes={}, closes=False), Tag(name='p', attributes={}, closes=True)]
    """
    at = 0
    while True:
        opening = _OPENING.search(page, at)
        text = page[at : opening.start() if opening else len(page)]
        if text:
            yield html.unescape(text)
        if opening is None:
            return
        start = opening.start()
        if opening.group() == "<!--":
            at = _after(page, "-->", start + 4)
        elif opening.group() in ("<!", "<?"):
            at = _after(page, ">", start + 2)
        else:
            tag, at = _tag(page, start)
            if tag is None:
                if at < 0:
                    return
                continue
            yield tag
            if tag.name in RAW and not tag.closes:
                end = re.compile(rf"</{tag.name}(?=[\s/>])", re.IGNORECASE).search(page, at)
                at = end.start() if end else -1
        if at < 0:
            return


def _after(page: str, end: str, start: int) -> int:
    found = page.find(end, start)
    return found + len(end) if found >= 0 else -1


def _tag(page: str, start: int) -> tuple[Tag | None, int]:
    """The tag that begins at ``start``, and where it ends; -1 when it does not end."""
    closes = page[start + 1] == "/"
    name = _NAME.match(page, start + 1 + closes)
    if name is None:  # "</3": to the next ">", as a comment
        return None, _after(page, ">", start + 2)
    attributes: dict[str, str] = {}
    at = name.end()
    while (found := _ATTRIBUTE.match(page, at)) is not None:
        at = found.end()
        value = found[2] if found[2] is not None else found[3] if found[3] is not None else found[4]
        if len(attributes) < MOST_ATTRIBUTES:
            attributes.setdefault(found[1].lower(), html.unescape(value or ""))
    at = _after(page, ">", at)
    return Tag(name.group()[:_LONGEST_NAME].lower(), attributes, closes), at
