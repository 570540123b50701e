"""Tells the category of a question from its words, without a model: trained in seconds.

Owns: features, training, confidence, the file. Does not own: the categories (``taxonomy``), what it
is trained on (``templates``, or tagged samples).

    Sample -> words, pairs of words, kinds of media -> hashed -> linear -> softmax -> category

Deterministic: no random numbers, the same weights from the same samples in the same order.
Source: Joulin et al., Bag of Tricks for Efficient Text Classification (2017), section 2, for the
features; the optimiser is Adam on all samples at once (Kingma and Ba, 2015).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qvl.data.atomic import whole_file
from qvl.data.dedup.minhash import run_hashes
from qvl.data.encoding import media_of
from qvl.data.records import Sample
from qvl.data.sft.taxonomy import CATEGORIES
from qvl.data.sft.templates import templated
from qvl.data.texts import query_text, words_of
from qvl.errors import ConfigError, DataError
from qvl.messages import Video

Floats = npt.NDArray[np.float32]

NUM_FEATURES = 2**13

_FIRST_WORDS, _LAST_WORDS = 150, 50
_LONGEST_QUERY = 20_000
_EPOCHS, _RATE, _DECAY = 300, 0.05, 1e-5


class Verdict(NamedTuple):
    """A category and how sure the classifier is of it, 0 to 1."""

    category: str
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Classifier:
    """A trained classifier.

    Attributes:
        categories: C of them.
        weights: float32[features, C].
        bias: float32[C].
    """

    categories: tuple[str, ...]
    weights: Floats
    bias: Floats

    def classify(self, sample: Sample) -> Verdict:
        """Returns the likeliest category; a question without words or media has no confidence."""
        places = features_of(sample)
        if not len(places):
            return Verdict(self.categories[0], 0.0)
        logits = self.weights[places].sum(axis=0) / np.sqrt(len(places)) + self.bias
        shares = np.exp(logits - logits.max())
        best = int(shares.argmax())
        return Verdict(self.categories[best], float(shares[best] / shares.sum()))

    def save(self, path: Path) -> None:
        """Writes it whole or not at all."""
        names = np.array(self.categories)
        with whole_file(path) as file:
            np.savez_compressed(file, categories=names, weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Reads one.

        Raises:
            DataError: there is none, or it is damaged, or it has other categories.
        """
        try:
            with np.load(path) as found:
                names = tuple(map(str, found["categories"]))
                weights = found["weights"].astype(np.float32)
                bias = found["bias"].astype(np.float32)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path} is no classifier: {error}") from error
        if not set(names) <= set(CATEGORIES) or weights.shape != (NUM_FEATURES, len(names)):
            raise DataError(
                f"{path} is a classifier of other categories or features",
                hint="train it again with this version",
            )
        return cls(categories=names, weights=weights, bias=bias)


def features_of(sample: Sample) -> npt.NDArray[np.int64]:
    """The places of a question's features, each once: words, pairs of neighbours, media, tools.

    Of a long question the first and the last words count: what is wanted stands there.
    """
    words = words_of(query_text(sample)[:_LONGEST_QUERY])
    if len(words) > _FIRST_WORDS + _LAST_WORDS:
        words = words[:_FIRST_WORDS] + words[-_LAST_WORDS:]
    media = media_of(sample.conversation)
    kinds = ["video" if isinstance(part, Video) else "image" for part in media]
    marks = [f"<{kind}>" for kind in sorted(set(kinds))]
    if len(kinds) > 1:
        marks.append("<several>")
    if sample.conversation.tools:
        marks.append("<tools>")
    if not words and not marks:
        return np.zeros(0, np.int64)
    # The marks also stand beside the first word: "how many" with a picture and without differ.
    edges = [mark + word for mark in marks or ["<text>"] for word in words[:3]]
    hashes = np.concatenate(
        [run_hashes(words, 1), run_hashes(words, 2), run_hashes(marks + edges, 1)]
    )
    return np.unique(hashes % np.uint64(NUM_FEATURES)).astype(np.int64)


def train(samples: Iterable[tuple[Sample, str]]) -> Classifier:
    """Returns a classifier of the categories that the samples have.

    Args:
        samples: with their categories; a few dozen of each are enough to begin with.

    Raises:
        ConfigError: fewer than two categories, or one that is not in the taxonomy.
    """
    rows: list[npt.NDArray[np.int64]] = []
    labels: list[str] = []
    for sample, category in samples:
        places = features_of(sample)
        if len(places):
            rows.append(places)
            labels.append(category)
    names = tuple(name for name in CATEGORIES if name in set(labels))
    if len(names) < 2 or not set(labels) <= set(CATEGORIES):
        raise ConfigError(
            f"a classifier of the categories {sorted(set(labels))[:5]}, expected at least two of "
            "the taxonomy"
        )
    truth = np.array([names.index(label) for label in labels])
    weights, bias = _fitted(rows, truth, len(names))
    return Classifier(categories=names, weights=weights, bias=bias)


def _fitted(
    rows: Sequence[npt.NDArray[np.int64]], truth: npt.NDArray[np.int64], count: int
) -> tuple[Floats, Floats]:
    """Softmax regression on sparse rows by Adam, categories weighted alike."""
    lengths = np.array([len(row) for row in rows])
    starts = np.cumsum(lengths) - lengths
    places = np.concatenate(rows)
    scale = (1 / np.sqrt(lengths)).astype(np.float32)[:, None]
    row_of = np.repeat(np.arange(len(rows)), lengths)
    by_place = np.argsort(places, kind="stable")
    used, first = np.unique(places[by_place], return_index=True)
    row_by_place = row_of[by_place]
    importance = 1 / np.bincount(truth, minlength=count)[truth]
    importance = (importance / importance.sum()).astype(np.float32)[:, None]
    answers = np.zeros((len(rows), count), np.float32)
    answers[np.arange(len(rows)), truth] = 1

    weights = np.zeros((NUM_FEATURES + 1, count), np.float32)  # the last row is the bias
    moments = np.zeros((2, *weights.shape), np.float32)
    for epoch in range(1, _EPOCHS + 1):
        logits = np.add.reduceat(weights[places], starts, axis=0) * scale + weights[-1]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        errors = (shares / shares.sum(axis=1, keepdims=True) - answers) * importance
        slope = _DECAY * weights
        slope[-1] = errors.sum(axis=0)
        slope[used] += np.add.reduceat((errors * scale)[row_by_place], first, axis=0)
        moments[0] += 0.1 * (slope - moments[0])
        moments[1] += 0.001 * (slope**2 - moments[1])
        step = moments[0] / (1 - 0.9**epoch)
        weights -= _RATE * step / (np.sqrt(moments[1] / (1 - 0.999**epoch)) + 1e-8)
    return weights[:-1], weights[-1]


@lru_cache(maxsize=1)
def templated_classifier() -> Classifier:
    """The classifier trained on the templates; made once in each process."""
    return train(templated(split="train"))
