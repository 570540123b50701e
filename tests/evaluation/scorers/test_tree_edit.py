"""Tree edit distance, against every way of editing small trees."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.tree_edit import (
    Costs,
    Tree,
    is_comparable,
    tree_edit_distance,
    tree_of_children,
)

Nested = tuple[str, tuple[Any, ...]]
"""Label and children."""

labels = st.sampled_from(["a", "b", "long"])
trees = st.recursive(
    labels.map(lambda label: (label, ())),
    lambda child: st.tuples(labels, st.lists(child, max_size=3).map(tuple)),
    max_leaves=5,
)


def _flat(tree: Nested) -> tuple[Tree, list[str]]:
    found, children = [tree], list[list[int]]([[]])
    for index, (_, below) in enumerate(found):
        for child in below:
            children[index].append(len(found))
            found.append(child)
            children.append([])
    flat, order = tree_of_children(children)
    return flat, [found[node][0] for node in order]


def _weight(label: str) -> int:
    return len(label)


def _rename(a: str, b: str) -> float:
    return 0.0 if a == b else 0.5 if len(a) == len(b) else 3.0


@cache
def _forests(a: tuple[Nested, ...], b: tuple[Nested, ...]) -> float:
    """The definition: the last root of either side is removed, added, or both are paired."""
    if not a and not b:
        return 0.0
    ways = []
    if a:
        label, below = a[-1]
        ways.append(_forests(a[:-1] + below, b) + _weight(label))
    if b:
        label, below = b[-1]
        ways.append(_forests(a, b[:-1] + below) + _weight(label))
    if a and b:
        pair = _rename(a[-1][0], b[-1][0])
        ways.append(_forests(a[:-1], b[:-1]) + _forests(a[-1][1], b[-1][1]) + pair)
    return min(ways)


def _distance(a: Nested, b: Nested) -> float:
    (tree_a, labels_a), (tree_b, labels_b) = _flat(a), _flat(b)
    weights = [np.array([float(_weight(label)) for label in side]) for side in (labels_a, labels_b)]
    costs: Costs = np.array([[_rename(x, y) for y in labels_b] for x in labels_a])
    return tree_edit_distance(tree_a, tree_b, remove=weights[0], add=weights[1], rename=costs)


@settings(max_examples=150)
@given(trees, trees)
def test_equals_the_definition(a: Nested, b: Nested) -> None:
    assert _distance(a, b) == pytest.approx(_forests((a,), (b,)))


@given(trees)
def test_a_tree_is_itself(tree: Nested) -> None:
    assert _distance(tree, tree) == 0


def test_depth_does_not_matter() -> None:
    chain: list[list[int]] = [[index + 1] for index in range(1500)] + [[]]
    tree, order = tree_of_children(chain)
    assert order[-1] == 0
    ones, rename = np.ones(tree.size), np.zeros((tree.size, tree.size))
    assert tree_edit_distance(tree, tree, remove=ones, add=ones, rename=rename) == 0


def test_what_takes_too_long_is_refused() -> None:
    # A long line of nodes with a leaf before each child: every one of them is a root to visit.
    children: list[list[int]] = []
    for index in range(900):
        children += [[2 * index + 1, 2 * index + 2], []]
    children.append([])
    tree, _ = tree_of_children(children)
    assert not is_comparable(tree, tree)
    with pytest.raises(DataError, match="too long to compare"):
        tree_edit_distance(tree, tree, remove=np.ones(1), add=np.ones(1), rename=np.ones((1, 1)))
