"""The global order of samples: a pure function of seed, epoch and position.

Owns: the permutation of an epoch. Nothing is stored: any position is computed on its own, and no
process holds a list of millions. Does not own: sets and their weights (``packing.epochs``).

    position -> epoch, place -> permuted by a keyed Feistel network -> number of the sample

A Feistel network permutes 2^(2b) numbers whatever its round function is; applied again until the
result is below the size (cycle walking), it permutes exactly the numbers below the size.
Source: Black and Rogaway, Ciphers with Arbitrary Finite Domains (2002), sections 3 and 5.
"""

from typing import overload

import numpy as np
import numpy.typing as npt

from qvl.errors import ConfigError

Numbers = npt.NDArray[np.int64]

_ROUNDS = 6
"""Four rounds hide a pattern of neighbours; two more cost little. Source: Luby and Rackoff (1988)
for four."""
_LARGEST = 2**62


@overload
def place_in_order(position: int, *, size: int, seed: int) -> int: ...
@overload
def place_in_order(position: Numbers, *, size: int, seed: int) -> Numbers: ...
def place_in_order(position: int | Numbers, *, size: int, seed: int) -> int | Numbers:
    """Returns the number of the sample at a position, or of those at several.

    Every ``size`` positions are an epoch, in which every sample comes once; each epoch has an order
    of its own.

    Args:
        position: 0 or more, without end; an array for many at once.
        size: of the set of samples.
        seed: another seed gives other orders.

    >>> sorted(place_in_order(position, size=5, seed=1) for position in range(5, 10))
    [0, 1, 2, 3, 4]

    Raises:
        ConfigError: the size is 0 or too large, or a position or the seed is negative.
    """
    positions = np.atleast_1d(np.asarray(position, np.int64))
    if not 0 < size <= _LARGEST:
        raise ConfigError(f"an order of {size} samples, expected 1 to {_LARGEST}")
    if seed < 0 or (positions.size and positions.min() < 0):
        raise ConfigError(f"seed {seed} or a position is negative, expected 0 or more")
    epochs, places = np.divmod(positions, size)
    numbers = np.empty_like(places)
    for epoch in np.unique(epochs).tolist():
        here = epochs == epoch
        numbers[here] = _permuted(places[here].astype(np.uint64), size, _keys(seed, epoch))
    return numbers if isinstance(position, np.ndarray) else int(numbers[0])


def _keys(seed: int, epoch: int) -> npt.NDArray[np.uint64]:
    return (
        np.random.SeedSequence((seed, epoch)).generate_state(_ROUNDS, np.uint64).astype(np.uint64)
    )


def _permuted(
    places: npt.NDArray[np.uint64], size: int, keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    """Walks each place along its cycle until it is below the size: fewer than four steps each on
    average, as the domain is less than four times the size."""
    half_bits = max(1, -(-(size - 1).bit_length() // 2))
    numbers = _feistel(places, half_bits, keys)
    outside = numbers >= size
    while outside.any():
        numbers[outside] = _feistel(numbers[outside], half_bits, keys)
        outside = numbers >= size
    return numbers


def _feistel(
    numbers: npt.NDArray[np.uint64], half_bits: int, keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    bits, mask = np.uint64(half_bits), np.uint64(2**half_bits - 1)
    left, right = numbers >> bits, numbers & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return (left << bits) | right


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Every bit depends on every bit. Source: Steele, Lea, Flood, SplitMix64 (2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
