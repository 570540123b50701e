"""Choosing from lists with a random generator, and fitting names into sentences."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of them, each as likely."""
    return choices[int(rng.integers(len(choices)))]


def shuffled(rng: np.random.Generator, things: Sequence[T]) -> list[T]:
    """All of them in any order."""
    return [things[int(i)] for i in rng.permutation(len(things))]


def lower(name: str) -> str:
    """A name within a sentence; what is written in capitals stays so.

    >>> lower("Average rent"), lower("CO2 emissions")
    ('average rent', 'CO2 emissions')
    """
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def listed(names: Sequence[str], word: str = "and") -> str:
    """Names in a row, as in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
