"""The fewest changes that turn one sequence into another.

Owns: Levenshtein distance of texts and of token lists. Does not own: what is compared or what the
distance is divided by.

    a, b -> equal ends cut off -> one pass over the longer, the shorter as bits of an integer

Each step handles a whole row of the usual table in a few operations on Python's integers, so time
is len(longer) * len(shorter) / 64 machine words: 4 s for an answer of a megabyte against a truth
of 10,000 characters.
"""

from collections.abc import Sequence

from qvl.errors import DataError

MAX_SHORTER = 50_000
"""Longest of the shorter sequences; a page has a few thousand characters."""


def edit_distance(a: Sequence[object], b: Sequence[object]) -> int:
    """Returns the fewest insertions, deletions and replacements between two sequences.

    Source: Myers 1999, A fast bit-vector algorithm for approximate string matching; in the form
    of Hyyrö 2003 for the distance of whole strings.

    >>> edit_distance("kitten", "sitting"), edit_distance(["a", "b"], ["b"])
    (3, 1)

    Args:
        a: a text, or a list of hashable tokens.
        b: the same.

    Raises:
        DataError: both are longer than `MAX_SHORTER`.
    """
    if a == b:
        return 0
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    stop = 0
    while stop < len(short) - start and short[-1 - stop] == long[-1 - stop]:
        stop += 1
    short, long = short[start : len(short) - stop], long[start : len(long) - stop]
    if not short:
        return len(long)
    if len(short) > MAX_SHORTER:
        raise DataError(
            f"both sequences are long ({len(a):,} and {len(b):,}), expected one of at most "
            f"{MAX_SHORTER:,}",
            hint="score a page at a time",
        )
    return _distance(long, short)


def _distance(long: Sequence[object], short: Sequence[object]) -> int:
    places: dict[object, int] = {}
    for index, token in enumerate(short):
        places[token] = places.get(token, 0) | 1 << index
    ones = (1 << len(short)) - 1
    last = 1 << len(short) - 1
    rises, falls = ones, 0  # where the column's entries step up or down by one
    distance = len(short)
    for token in long:
        match = places.get(token, 0)
        diagonal = (((match & rises) + rises) ^ rises) | match | falls
        up = falls | ~(diagonal | rises) & ones
        down = rises & diagonal
        if up & last:
            distance += 1
        elif down & last:
            distance -= 1
        up = up << 1 | 1
        down <<= 1
        rises = (down | ~(diagonal | up)) & ones
        falls = up & diagonal & ones
    return distance


def stretch_distances(piece: str, text: str) -> list[int]:
    """Returns the edits between a piece and the nearest stretch of a text that ends at each place.

    Source: as `edit_distance`, but a stretch may begin anywhere at no cost.

    >>> stretch_distances("cat", "a cut")
    [3, 2, 2, 2, 2, 1]

    Args:
        piece: not empty.
        text: of N characters.

    Returns:
        N + 1 distances; the first is that of the empty stretch.
    """
    places: dict[str, int] = {}
    for index, char in enumerate(piece):
        places[char] = places.get(char, 0) | 1 << index
    ones, last = (1 << len(piece)) - 1, 1 << len(piece) - 1
    rises, falls, distance = ones, 0, len(piece)
    distances = [distance]
    for char in text:
        match = places.get(char, 0)
        diagonal = (((match & rises) + rises) ^ rises) | match | falls
        up, down = falls | ~(diagonal | rises) & ones, rises & diagonal
        distance += bool(up & last) - bool(down & last)
        distances.append(distance)
        up <<= 1
        down <<= 1
        rises = (down | ~(diagonal | up)) & ones
        falls = up & diagonal & ones
    return distances


def normalised_distance(a: Sequence[object], b: Sequence[object]) -> float:
    """Returns the distance over the longer length, 0 for two empty sequences."""
    longer = max(len(a), len(b))
    return edit_distance(a, b) / longer if longer else 0.0
