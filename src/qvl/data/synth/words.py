"""Words to draw: common ones, invented ones, numbers. Held-out words never reach training.

The split is a property of the word itself, so every generator and every run agrees on it.
"""

import zlib
from pathlib import Path
from typing import Literal

import numpy as np

Split = Literal["train", "heldout"]

# One word in eight is kept for evaluation.
_HELDOUT_SHARE = 8

COMMON = tuple(Path(__file__).with_name("common_words.txt").read_text().split())
"""Everyday English words, one a line in the file beside this one."""

_ONSETS = (
    *"bcdfghjklmnprstvwxyz",
    "bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "kn", "ph", "pl", "pr",
    "qu", "sc", "sh", "sk", "sl", "sm", "sn", "sp", "st", "str", "sw", "th", "tr", "tw", "wh",
)  # fmt: skip
_NUCLEI = (*"aeiouy", "ai", "au", "ea", "ee", "ei", "ia", "ie", "io", "oa", "oo", "ou", "ue")
_CODAS = (
    *"bdfgklmnprstwxz",
    "ck", "ft", "ld", "ll", "lt", "mp", "nd", "ng", "nk", "nt", "pt", "rd", "rk", "rn",
    "rt", "sh", "sk", "ss", "st", "th", "tt",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SYMBOLS = ".,:;!?-'\"()/&%$#@+*="


def is_heldout(word: str) -> bool:
    """True if the word is kept for evaluation, whatever its case."""
    return zlib.crc32(word.lower().encode()) % _HELDOUT_SHARE == 0


def _pick(rng: np.random.Generator, choices: tuple[str, ...] | str) -> str:
    return choices[int(rng.integers(len(choices)))]


def _invented(rng: np.random.Generator) -> str:
    word = ""
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.8:
            word += _pick(rng, _ONSETS)
        word += _pick(rng, _NUCLEI)
        if rng.random() < 0.5:
            word += _pick(rng, _CODAS)
    return word


def _number(rng: np.random.Generator) -> str:
    form = int(rng.integers(5))
    if form == 0:
        return f"{rng.integers(0, 1000) / 10 ** int(rng.integers(0, 3)):.2f}"
    if form == 1:
        return f"{rng.integers(1, 29):02d}/{rng.integers(1, 13):02d}/{rng.integers(1990, 2040)}"
    if form == 2:
        return f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}"
    if form == 3:
        return f"${rng.integers(1, 100)}.{rng.integers(0, 100):02d}"
    return str(rng.integers(0, 10 ** int(rng.integers(1, 7))))


def random_word(
    rng: np.random.Generator, *, split: Split = "train", max_letters: int = 10, plain: bool = False
) -> str:
    """Returns a word of the split, of at most ``max_letters`` characters.

    Args:
        rng: source of randomness.
        split: held-out words are those of `is_heldout`; numbers belong to both.
        max_letters: longest word wanted.
        plain: only letters, common or invented.
    """
    while True:
        form = rng.random()
        if form < 0.4:
            word = _pick(rng, COMMON)
        elif form < 0.72 or plain:
            word = _invented(rng)
        elif form < 0.84:
            word = "".join(_pick(rng, _LETTERS) for _ in range(int(rng.integers(1, 8))))
        else:
            word = _number(rng)
        if len(word) > max_letters:
            continue
        if word.isalpha() and is_heldout(word) != (split == "heldout"):
            continue
        return _cased(rng, word) if word.isalpha() else word


def _cased(rng: np.random.Generator, word: str) -> str:
    form = rng.random()
    if form < 0.5:
        return word
    if form < 0.8:
        return word.capitalize()
    return word.upper()


def random_line(rng: np.random.Generator, *, max_characters: int, split: Split = "train") -> str:
    """Returns words joined by single spaces, at most ``max_characters`` long, with some
    punctuation."""
    line = random_word(rng, split=split, max_letters=max(1, min(10, max_characters)))
    while rng.random() < 0.85:
        mark = _pick(rng, _SYMBOLS) if rng.random() < 0.12 else ""
        longer = f"{line}{mark} {random_word(rng, split=split)}"
        if len(longer) > max_characters:
            break
        line = longer
    return line
