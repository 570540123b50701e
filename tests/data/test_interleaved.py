"""A document is the same after it was a sample, and after it was stored."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.encoding import decode_sample, encode_sample
from qvl.data.interleaved import (
    Document,
    Node,
    Paragraph,
    Picture,
    document_of,
    paragraphs_of,
    sample_of,
    with_nodes,
)
from qvl.data.records import Provenance
from qvl.errors import DataError
from qvl.messages import Image
from tests.data.small import asked, picture

ORIGIN = Provenance(generator="test")
LONG = 300_000
WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
NODES = st.lists(
    WORDS.map(lambda text: paragraphs_of(text)[:1]).filter(bool).map(lambda found: found[0])
    | st.builds(Picture, source=st.sampled_from(["a.png", "b.png"]), alt=WORDS, words=WORDS),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(NODES, WORDS)
def test_a_sample_holds_its_document(nodes: list[Node], address: str) -> None:
    document = Document(nodes=tuple(nodes), address=address)
    sample = sample_of(document, ORIGIN, {"more": 1})
    assert document_of(sample) == document
    assert with_nodes(sample, nodes) == sample
    assert sample.facts["more"] == 1


def test_a_document_is_stored_whole() -> None:
    nodes = (
        Paragraph(text="Before."),
        Picture(source=picture(), alt="A cup", words="CUP"),
        Picture(source=picture(shade=3)),
        Paragraph(text="One\nline more."),
        Paragraph(text="After."),
    )
    sample = sample_of(Document(nodes=nodes, address="http://a/b"), ORIGIN)
    (turn,) = sample.conversation.messages
    texts = ["[picture]" if isinstance(part, Image) else part.text for part in turn.content]  # type: ignore[union-attr]
    assert "".join(texts) == "Before.\n[picture][picture]\nOne\nline more.\n\nAfter."
    stored = decode_sample(encode_sample(sample).files)
    assert document_of(stored) == Document(nodes=nodes, address="http://a/b")


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(DataError, match="is a conversation"):
        document_of(asked("What?", "A cup."))


@pytest.mark.parametrize("told", [None, 3, "x", [3, None], [{"alt": 5}]])
def test_odd_facts_cost_no_picture(told: object) -> None:
    sample = sample_of(Document(nodes=(Picture(source=np.zeros((28, 28, 3), np.uint8)),)), ORIGIN)
    odd = replace(sample, facts={"pictures": told})
    assert len(document_of(odd).pictures) == 1


def test_white_space_is_read_in_linear_time() -> None:
    start = time.process_time()
    assert len(paragraphs_of("a" + " " * LONG + "b")) == 1
    assert [item.text for item in paragraphs_of("a" + " \n" * LONG + "b")] == ["a", "b"]
    assert time.process_time() - start < 2
