"""What the rules call clear is clear: a picture of which nothing is known never is."""

import random
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np

from qvl.data.filters.interleaved.first_pass import (
    GOOD,
    Evidence,
    Pictured,
    balance,
    evidence,
    relevance,
    text_quality,
)
from qvl.data.filters.interleaved.images import information, look
from qvl.data.interleaved import Document, Paragraph

MILL = frozenset({"mill", "river", "wheel"})
KNOWN = Pictured(words=MILL, near=MILL, far=(), mark="a", information=0.5)
UNKNOWN = replace(KNOWN, words=frozenset(), mark="b")


def evidence_of(*pictures: Pictured, words: int = 60) -> Evidence:
    return Evidence(text="", language="en", words=("word",) * words, pictures=pictures)


def test_relevance_needs_words_of_all_pictures() -> None:
    assert relevance(evidence_of(KNOWN)).score == GOOD
    assert relevance(evidence_of(KNOWN, UNKNOWN)).score is None
    strange = replace(KNOWN, near=frozenset({"bread"}), far=(MILL,))
    assert relevance(evidence_of(strange, strange, UNKNOWN)).score == 0
    assert relevance(evidence_of(UNKNOWN)).score is None


def test_balance_follows_the_words_for_each_picture() -> None:
    scores = [balance(evidence_of(KNOWN, words=words)).score for words in (2, 12, 60, 500, 900)]
    assert scores == [0, None, 10, None, 0]
    plain = replace(KNOWN, information=0.0)
    assert balance(evidence_of(plain)).score == 0


def test_information_is_what_can_be_seen() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((200, 300, 3), 180, np.uint8)
    slope = np.broadcast_to(np.linspace(0, 255, 300)[None, :, None], (200, 300, 3))
    noisy = (flat + rng.normal(0, 3, flat.shape)).clip(0, 255).astype(np.uint8)
    blocks = np.kron(rng.integers(0, 256, (10, 15, 3), np.uint8), np.ones((20, 20, 1), np.uint8))
    flat_ones = [information(look(pixels)) for pixels in (flat, slope.astype(np.uint8), noisy)]
    assert max(flat_ones) < 0.02
    assert information(look(blocks)) > 0.4
    assert information(look(np.zeros((2, 900, 3), np.uint8))) == 0


def test_text_without_sentences_is_judged_in_linear_time() -> None:
    """Prose by all other numbers, of many words and without one full stop."""
    rng = random.Random(0)
    words = ["".join(rng.choices("bdfglmnrst", k=5)) for _ in range(20_000)]
    text = " ".join(f"of the {one} and {other}," for one, other in pairwise(words))
    start = time.process_time()
    assert text_quality(evidence(Document(nodes=(Paragraph(text=text),)))).score is None
    assert time.process_time() - start < 5
