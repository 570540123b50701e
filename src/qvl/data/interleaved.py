"""Documents of paragraphs and pictures in reading order, and the samples they are stored as.

Owns: the document, its place in a conversation. Does not own: reading pages and records of others
(``interchange``), the rules by which documents are kept (``filters.interleaved``).

    Document(Paragraph, Picture, Paragraph, ...) -> sample_of() -> Sample: one assistant turn
    Sample -> document_of() -> the same document

A model learns a document as one long answer: its words are predicted, its pictures are given. The
paragraphs of a stretch are divided by empty lines, so a paragraph holds none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qvl.data.records import Provenance, Sample
from qvl.errors import DataError
from qvl.geometry import ImageSize
from qvl.messages import Conversation, Image, Message, Part, Text

TASK = "interleaved"

# It begins with a character that is no other white space, so that long runs of it are read once.
_BREAK = re.compile(r"\n\s*\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """A stretch of text without empty lines."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture of a document.

    Attributes:
        source: whatever `messages.Image` takes, or an address that was not fetched.
        alt: what the page says in its place.
        words: words that can be read in it, when somebody read them.
        size: original_px, when it is known without opening the picture.
    """

    source: Any
    alt: str = ""
    words: str = ""
    size: ImageSize | None = None


Node = Paragraph | Picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """Paragraphs and pictures in reading order.

    Attributes:
        nodes: of the document.
        address: where it was found.
    """

    nodes: tuple[Node, ...]
    address: str = ""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The texts of all paragraphs."""
        return tuple(node.text for node in self.nodes if isinstance(node, Paragraph))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures."""
        return tuple(node for node in self.nodes if isinstance(node, Picture))

    @property
    def text(self) -> str:
        """All words, paragraphs divided by empty lines."""
        return "\n\n".join(self.paragraphs)


def paragraphs_of(text: str) -> list[Paragraph]:
    """Divides a text at its empty lines.

    >>> [paragraph.text for paragraph in paragraphs_of("One.\\n \\nTwo\\nlines.\\n")]
    ['One.', 'Two\\nlines.']
    """
    return [Paragraph(text=text) for piece in _BREAK.split(text) if (text := piece.strip())]


def sample_of(
    document: Document, provenance: Provenance, facts: Mapping[str, Any] | None = None
) -> Sample:
    """Returns the sample that holds a document.

    Args:
        document: its pictures are whatever a sample may hold.
        provenance: of the sample.
        facts: further ones.
    """
    pictures = [{"alt": item.alt, "words": item.words} for item in document.pictures]
    known = {**(facts or {}), "pictures": pictures}
    if document.address:
        known["address"] = document.address
    return Sample(
        task=TASK,
        conversation=Conversation((Message("assistant", _parts(document.nodes)),)),
        provenance=provenance,
        facts=known,
    )


def with_nodes(sample: Sample, nodes: Iterable[Node]) -> Sample:
    """Returns the sample with other nodes; provenance and further facts stay."""
    document = replace(document_of(sample), nodes=tuple(nodes))
    return sample_of(document, sample.provenance, sample.facts)


def document_of(sample: Sample) -> Document:
    """Returns the document that a sample holds.

    Raises:
        DataError: the sample is no document.
    """
    (turn, *others) = sample.conversation.messages
    if others or turn.role != "assistant":
        raise DataError(f"sample of task {sample.task!r} is a conversation, expected a document")
    told = sample.facts.get("pictures", ())
    described = iter(told if isinstance(told, list | tuple) else ())
    nodes: list[Node] = []
    for part in turn.content:
        if isinstance(part, Text):
            nodes += paragraphs_of(part.text)
        elif isinstance(part, Image):
            told_here = next(described, None)
            known = told_here if isinstance(told_here, Mapping) else {}
            nodes.append(
                Picture(
                    source=part.source,
                    alt=str(known.get("alt", "")),
                    words=str(known.get("words", "")),
                )
            )
        else:
            raise DataError("a document holds a video, expected paragraphs and pictures")
    return Document(nodes=tuple(nodes), address=str(sample.facts.get("address", "")))


def _parts(nodes: tuple[Node, ...]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for number, node in enumerate(nodes):
        if isinstance(node, Picture):
            parts.append(Image(node.source))
            continue
        before = nodes[number - 1] if number else None
        after = nodes[number + 1] if number + 1 < len(nodes) else None
        text = ("\n" if isinstance(before, Picture) else "") + node.text
        text += "\n" if isinstance(after, Picture) else "\n\n" if after is not None else ""
        if isinstance(before, Paragraph):
            last = parts.pop()
            assert isinstance(last, Text)
            text = last.text + text
        parts.append(Text(text))
    return tuple(parts)
