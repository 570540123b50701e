"""Web pages as documents: the main text and its pictures in order, without the furniture.

Owns: which elements hold text, which are furniture, where a page's pictures lie on disk. Does not
own: tags (``markup``), fetching (nobody does), judging the result (``filters.interleaved``).

    page.html -> tokens -> blocks of text and pictures -> read_page() -> Document
    folder of pages -> WebPages -> pages[number] -> Sample

Everything is bounded: size, depth, number of nodes; a page beyond that is refused, not cut.
Pictures are files below the root, under the path the page names, or under host/path for an address,
as ``wget --force-directories`` lays them.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.markup import Tag, tokens
from qvl.data.interchange.named_files import Stamp, stamps
from qvl.data.interleaved import Document, Node, Paragraph, Picture, sample_of
from qvl.data.records import Provenance, Sample
from qvl.errors import DataError
from qvl.geometry import ImageSize

MAX_PAGE_BYTES = 8 * 2**20
"""Largest page; one of 8 MiB is a list or a dump. Our choice."""

MAX_NODES = 10_000
"""Paragraphs and pictures of a page. Our choice: far smaller documents are dropped as too large."""

MAX_DEPTH = 256
"""Elements within each other that are kept count of. Source: half of what Chromium's parser keeps
(html_construction_site.cc, kMaximumHTMLParserDOMTreeDepth)."""

# Elements whose contents are no part of what a page tells. Source: WHATWG HTML, 4.3 and 4.10
# (navigation, asides, footers; forms); OBELICS, obelics/utils/tags_attributes.py, keeps neither.
_FURNITURE_TAGS = """script style noscript template head title nav footer aside form button select
    option textarea input label svg canvas math iframe frameset object embed audio video map dialog
    menu xmp noembed noframes"""
_FURNITURE = frozenset(_FURNITURE_TAGS.split())
# Names of classes and ids by which pages mark furniture. Source: OBELICS,
# config_extract_web_documents.yaml (footer, site-info); Mozilla Readability, unlikelyCandidates.
_FURNITURE_NAMES = re.compile(
    r"(?:^|[\s_-])(?:footer|site-info|nav(?:bar|igation)?|menu|sidebar|breadcrumbs?|comments?|"
    r"cookies?|consent|banner|advert(?:s|isement)?|ads?|promo|popup|modal|social|share|sharing|"
    r"related|newsletter|subscribe|pagination|pager|masthead|disqus|skip-link|hidden)(?:$|[\s_-])",
    re.IGNORECASE,
)
_FURNITURE_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "menu", "dialog"}
)
# Elements within a line; all others end a paragraph. Source: OBELICS, UNWRAP_TAGS.
_INLINE_TAGS = """a abbr acronym b bdi bdo big cite code data dfn em font i ins kbd mark q rp rt
    ruby s samp small span strike strong sub sup time tt u var wbr"""
_INLINE = frozenset(_INLINE_TAGS.split())
_VOID_TAGS = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_TAGS.split())
_CLOSED_BY_THE_NEXT = {"p": {"p"}, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}}
_SPACE = re.compile(r"\s+")
_LINE = "\0"  # stands for a line break while spaces are folded

# Source: jusText 3.0, algorithm.rst and core.py: short blocks with links are furniture, and so are
# blocks with more than a fifth of their letters in links. Longer blocks may have more here:
# paragraphs of encyclopedias link every third word.
_SHORT_CHARS, _SHORT_LINKED, _LONG_LINKED = 200, 0.2, 0.5


def read_page(page: str, *, address: str = "") -> Document:
    """Returns the main text of a page with its pictures; their sources are what the page names.

    Args:
        page: HTML, however broken.
        address: of the page, kept in the document.

    Raises:
        DataError: the page is too large, or has too many parts.

    >>> read_page('<nav>Home</nav><p>A <b>cup</b>.<img src="c.png" alt="Cup" width=300 height=200>')
    Document(nodes=(Paragraph(text='A cup.'), Picture(source='c.png', alt='Cup', words='', \
size=ImageSize(height=200, width=300))), address='')
    """
    if len(page) > MAX_PAGE_BYTES:
        raise DataError(f"page has {len(page):,} characters, expected at most {MAX_PAGE_BYTES:,}")
    reader = _Reader()
    for token in tokens(page):
        if isinstance(token, str):
            reader.text(token)
        elif token.closes:
            reader.close(token.name)
        else:
            reader.open(token)
    reader.end_paragraph()
    return Document(nodes=tuple(reader.nodes), address=address)


class _Reader:
    """The open elements, the paragraph that is being read, and the nodes so far."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._open: list[tuple[str, bool]] = []  # name, whether it is furniture
        self._count: Counter[str] = Counter()
        self._furniture = 0
        self._links = 0
        self._beyond = 0
        self._text: list[str] = []
        self._linked = 0

    def open(self, tag: Tag) -> None:
        name = tag.name
        for closed in _CLOSED_BY_THE_NEXT.get(name, ()):
            if self._open and self._open[-1][0] == closed:
                self.close(closed)
        if name not in _INLINE:
            self.line_break() if name == "br" else self.end_paragraph()
        if name == "img" and not self._furniture:
            self._add(_picture(tag))
        if name in _VOID:
            return
        if len(self._open) >= MAX_DEPTH:
            self._beyond += 1
            return
        is_furniture = _is_furniture(tag)
        self._open.append((name, is_furniture))
        self._count[name] += 1
        self._furniture += is_furniture
        self._links += name == "a"

    def close(self, name: str) -> None:
        if name not in _INLINE:
            self.end_paragraph()
        if self._beyond:
            self._beyond -= 1
            return
        if not self._count[name]:
            return
        while True:
            last, is_furniture = self._open.pop()
            self._count[last] -= 1
            self._furniture -= is_furniture
            self._links -= last == "a"
            if last == name:
                return

    def text(self, text: str) -> None:
        if self._furniture:
            return
        self._text.append(text.replace(_LINE, ""))
        if self._links:
            self._linked += len(text.strip())

    def line_break(self) -> None:
        if self._text and not self._furniture:
            self._text.append(_LINE)

    def end_paragraph(self) -> None:
        if not self._text:
            return
        lines = "".join(self._text).split(_LINE)
        text = "\n".join(filter(None, (_SPACE.sub(" ", line).strip() for line in lines)))
        linked = self._linked / max(1, len(text))
        self._text, self._linked = [], 0
        if text and linked <= (_SHORT_LINKED if len(text) < _SHORT_CHARS else _LONG_LINKED):
            self._add(Paragraph(text=text))

    def _add(self, node: Node) -> None:
        if len(self.nodes) >= MAX_NODES:
            raise DataError(f"page has more than {MAX_NODES:,} paragraphs and pictures")
        self.nodes.append(node)


def _is_furniture(tag: Tag) -> bool:
    attributes = tag.attributes
    if tag.name in _FURNITURE or attributes.get("role", "").lower() in _FURNITURE_ROLES:
        return True
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if tag.name in ("html", "body", "main", "article"):
        return False  # themes put all kinds of words into their classes
    names = f"{attributes.get('class', '')[:300]} {attributes.get('id', '')[:100]}"
    return _FURNITURE_NAMES.search(names) is not None


def _picture(tag: Tag) -> Picture:
    """The picture of an ``img``; where it is loaded late, what will be loaded."""
    attributes = tag.attributes
    places = [attributes.get(name, "").strip() for name in ("data-src", "data-original", "src")]
    first = attributes.get("srcset", "").split(",")[0].split()
    source = next(filter(None, [*places, *first[:1]]), "")
    alt = _SPACE.sub(" ", attributes.get("alt", "")).strip()
    return Picture(source=source, alt=alt, size=_declared_size(attributes.get))


def _declared_size(attribute: Any) -> ImageSize | None:
    sides = []
    for name in ("height", "width"):
        found = re.match(r"\s*(\d{1,6})\s*(?:px)?\s*$", attribute(name) or "")
        if found is None or not int(found[1]):
            return None
        sides.append(int(found[1]))
    return ImageSize(*sides)


def local_source(source: Any, *, folder: Path, root: Path) -> Any:
    """Returns the file of a picture where there is one, else the source as it is.

    Args:
        source: as the page or record names it; bytes and data URIs are returned as they are.
        folder: of the page, for names relative to it.
        root: no file outside of it is taken.
    """
    if not isinstance(source, str) or not source or source.startswith("data:"):
        return source
    try:
        parts = urlsplit(source)
        path = unquote(parts.path)
    except ValueError:
        return source
    if parts.scheme in ("http", "https") or (not parts.scheme and parts.netloc):
        place = root / parts.netloc / path.lstrip("/")
    elif parts.scheme:
        return source
    else:
        place = root / path.lstrip("/") if path.startswith("/") else folder / path
    try:
        resolved = place.resolve()
        if resolved.is_relative_to(root.resolve()) and resolved.is_file():
            return resolved
    except (OSError, ValueError, RuntimeError):
        return source  # too long, a loop of links, a zero byte
    return source


@dataclass(frozen=True)
class WebPages:
    """The pages of a folder and of the folders in it, by number, in the order of their paths.

    Attributes:
        path: a folder with files that end in .html or .htm, or one such file.
        root: folder of the pictures; None for that of the pages.
        licence: SPDX name of their terms; empty when it is not known.
    """

    path: Path
    root: Path | None = None
    licence: str = ""

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        file = self._files[number]
        try:
            document = read_page(_page(file), address=str(file.relative_to(self._folder)))
        except DataError as error:
            raise DataError(f"{self.where(number)}: {error.message}", hint=error.hint) from error
        root = self._folder if self.root is None else self.root
        nodes = [
            replace(node, source=local_source(node.source, folder=file.parent, root=root))
            if isinstance(node, Picture)
            else node
            for node in document.nodes
        ]
        provenance = Provenance(
            generator="web_pages", licence=self.licence, source=self.where(number)
        )
        return sample_of(Document(nodes=tuple(nodes), address=document.address), provenance)

    def where(self, number: int) -> str:
        """Returns the file of a page, as messages name it."""
        return str(self._files[number].relative_to(self._folder))

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of names, sizes and times of these pages and of their pictures."""
        pictures: list[Stamp] = []
        for number in range(start, stop):
            try:
                sample = self[number]
            except DataError:
                continue
            pictures += stamps(part.source for part in media_of(sample.conversation))
        return fingerprint(stamps(self._files[start:stop]), pictures, str(self.root), self.licence)

    @property
    def _folder(self) -> Path:
        return self.path if self.path.is_dir() else self.path.parent

    @cached_property
    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        found = [file for file in self.path.rglob("*.htm*") if file.suffix in (".html", ".htm")]
        if not found:
            raise DataError(f"{self.path} holds no .html files")
        return sorted(found)


def _page(file: Path) -> str:
    try:
        with open(file, "rb") as opened:
            data = opened.read(MAX_PAGE_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_PAGE_BYTES:
        raise DataError(f"page has more than {MAX_PAGE_BYTES:,} bytes")
    # What is damaged is marked by U+FFFD, and dropped where documents are cleaned.
    return data.decode(_encoding(data), "replace")


def _encoding(data: bytes) -> str:
    """The encoding a page declares, if it is one, else one that fits. Source: WHATWG HTML, 13.2.3.2
    (the first 1024 bytes; windows-1252 where nothing else is known), WHATWG Encoding, 4.2 (Latin-1
    means windows-1252)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    found = re.search(rb"""charset\s*=\s*["']?([A-Za-z0-9_-]{1,30})""", data[:1024])
    if found is None:
        return "utf-8-sig" if _is_utf8(data) else "cp1252"
    name = found[1].decode("ascii").lower()
    if name in ("iso-8859-1", "latin1", "ascii", "us-ascii"):
        return "cp1252"
    try:
        # Codecs such as "zip" are no encodings of text.
        return name if isinstance("".encode(name), bytes) and b"".decode(name) == "" else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
