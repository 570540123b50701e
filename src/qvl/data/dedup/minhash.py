"""How alike two texts are, estimated from short signatures.

Owns: shingles, MinHash signatures, the keys of their bands, what a choice of bands finds. Does not
own: which pairs are compared (``clusters``), whole data sets (``signatures``, ``duplicates``).

    text -> words -> shingles of n words -> smallest of each of H hashes -> uint32[H]
    uint32[N, H] -> a key for every band of rows -> uint64[bands, N]

Two texts have equal values at one place of their signatures with a probability equal to the Jaccard
similarity of their sets of shingles, so the share of equal places estimates it, with a standard
error of sqrt(s (1 - s) / H).
Source: Broder, On the resemblance and containment of documents (1997).
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qvl.data.texts import words_of
from qvl.errors import ConfigError

Hashes = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]

NO_TEXT = np.uint32(2**32 - 1)
"""Every value of the signature of a text without words; such texts are like no other."""

_BLOCK = 4096
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True, slots=True)
class MinHash:
    """How signatures are made.

    Attributes:
        shingle: words of a shingle; a shorter text is one shingle.
        bands: groups of a signature's values; texts that agree in one whole group are compared.
        rows: values of a group.
        seed: another seed gives other hash functions.

    Source of 5, 14 and 8: Penedo et al., The FineWeb Datasets (2024), section 3.4.
    """

    shingle: int = 5
    bands: int = 14
    rows: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.shingle, self.bands, self.rows) < 1 or self.bands * self.rows > 4096:
            raise ConfigError(
                f"MinHash with shingles of {self.shingle} words, {self.bands} bands of {self.rows} "
                "rows; expected at least 1 of each, and at most 4096 values"
            )

    @property
    def size(self) -> int:
        """Values of a signature."""
        return self.bands * self.rows

    def signature(self, text: str) -> Signatures:
        """Returns uint32[size]; all `NO_TEXT` for a text without words.

        Source of the hash functions (multiply, add, upper half): Dietzfelbinger et al., A reliable
        randomized algorithm for the closest-pair problem (1997), section 2.
        """
        shingles = shingle_hashes(words_of(text), self.shingle)
        lowest = np.full(self.size, NO_TEXT, np.uint32)
        factors, offsets = _coefficients(self.size, self.seed)
        for start in range(0, len(shingles), _BLOCK):
            block = shingles[start : start + _BLOCK] >> np.uint64(32)
            values = (factors[:, None] * block + offsets[:, None]) >> np.uint64(32)
            np.minimum(lowest, values.min(axis=1).astype(np.uint32), out=lowest)
        return lowest

    def band_keys(self, signatures: Signatures) -> Hashes:
        """Returns a key of every band: uint32[N, size] -> uint64[bands, N]."""
        groups = signatures.reshape(len(signatures), self.bands, self.rows)
        keys = np.zeros((self.bands, len(signatures)), np.uint64)
        for row in range(self.rows):
            keys = mixed(keys ^ groups[:, :, row].T.astype(np.uint64)) * _MULTIPLIER
        return keys

    def chance(self, similarity: float) -> float:
        """The probability that a pair of this similarity is compared: 1 - (1 - s^rows)^bands.

        >>> scheme = MinHash()
        >>> [round(scheme.chance(s), 3) for s in (0.5, 0.7, 0.8, 0.9)]
        [0.053, 0.565, 0.924, 1.0]

        Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.2.
        """
        return 1 - (1 - similarity**self.rows) ** self.bands


def similarity(one: Signatures, other: Signatures) -> npt.NDArray[np.float32]:
    """The share of equal values: uint32[..., H], uint32[..., H] -> float32[...]; 0 without text."""
    equal = (one == other) & (one != NO_TEXT)
    return equal.mean(axis=-1, dtype=np.float32)


def shingle_hashes(words: list[str], length: int) -> Hashes:
    """Hashes of all runs of ``length`` words, each once: uint64[S]; of all words if they are fewer.

    >>> len(shingle_hashes("a b c a b c".split(), 2)), len(shingle_hashes(["a"], 5))
    (3, 1)
    """
    return np.unique(run_hashes(words, min(length, len(words))))


def run_hashes(words: list[str], length: int) -> Hashes:
    """Hashes of the runs of ``length`` words that begin at each word, in order.

    The hash of a run depends on the words and on nothing else, in every process.
    """
    count = len(words) - length + 1
    if length < 1 or count < 1:
        return np.zeros(0, np.uint64)
    hashes = np.array([_word_hash(word) for word in words], np.uint64)
    runs = np.zeros(count, np.uint64)
    for place in range(length):
        runs = runs * _MULTIPLIER + hashes[place : place + count]
    return mixed(runs)


@lru_cache(maxsize=2**16)
def _word_hash(word: str) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@lru_cache
def _coefficients(size: int, seed: int) -> tuple[Hashes, Hashes]:
    state: Hashes = (
        np.random.SeedSequence(seed).generate_state(2 * size, np.uint64).astype(np.uint64)
    )
    return state[:size] | np.uint64(1), state[size:]


def mixed(values: Hashes) -> Hashes:
    """Every bit depends on every bit. Source: Steele, Lea, Flood, SplitMix64 (2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
