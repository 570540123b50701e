"""The cheapest way to turn one ordered tree into another by removing, adding and renaming nodes.

Owns: the distance, for any costs. Does not own: what the trees are (``teds``, ``donut``).

    two trees in postorder, three costs -> pairs of subtrees, small ones first -> distance

Source: Zhang and Shasha 1989, Simple fast algorithms for the editing distance between trees and
related problems. Here rows of the table are handled at once with numpy, and leaves, which are most
nodes of a table, in closed form.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qvl.errors import DataError

Costs = npt.NDArray[np.float64]

_MAX_NODES = 2000
_MAX_ROWS = 1_000_000
"""Rows of tables of subtrees, 10 microseconds each; two tables of 160 x 10 cells need half."""


class Tree(NamedTuple):
    """An ordered tree in postorder: children before their parent, left before right."""

    first: list[int]
    """Of each node the first leaf below it, itself for a leaf; indices into the postorder."""

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.first)


def tree_of_children(children: list[list[int]]) -> tuple[Tree, list[int]]:
    """Brings a tree into postorder, without recursion, so that depth does not matter.

    Args:
        children: of each node its children, in order; node 0 is the root.

    Returns:
        The tree, and of each place in the postorder the node that stands there.

    >>> tree_of_children([[1, 2], [], [3], []])
    (Tree(first=[0, 1, 1, 0]), [1, 3, 2, 0])
    """
    order: list[int] = []
    stack = [0]
    while stack:  # parents first and right before left is postorder backwards
        node = stack.pop()
        order.append(node)
        stack += children[node]
    order.reverse()
    place = {node: index for index, node in enumerate(order)}
    first: list[int] = []
    for index, node in enumerate(order):
        below = children[node]
        first.append(first[place[below[0]]] if below else index)
    return Tree(first), order


def is_comparable(a: Tree, b: Tree) -> bool:
    """Whether the distance of two trees can be had in about ten seconds."""
    if max(a.size, b.size) > _MAX_NODES:
        return False
    rows = sum(root - a.first[root] + 1 for root in _branching_roots(a))
    return rows * len(_branching_roots(b)) <= _MAX_ROWS


def tree_edit_distance(a: Tree, b: Tree, *, remove: Costs, add: Costs, rename: Costs) -> float:
    """Returns the least total cost of turning one tree into the other.

    Args:
        a: a tree of N nodes.
        b: a tree of M nodes.
        remove: float64[N], cost of removing each node of ``a``.
        add: float64[M], cost of adding each node of ``b``.
        rename: float64[N, M], cost of turning a node into another.

    Raises:
        DataError: the trees are too large, see `is_comparable`.
    """
    if not is_comparable(a, b):
        raise DataError(
            f"trees of {a.size:,} and {b.size:,} nodes take too long to compare, expected at most "
            f"{_MAX_NODES:,} nodes, flat rather than deep"
        )
    distances = np.zeros((a.size, b.size))
    _leaves(a, b, distances, remove, add, rename)
    _leaves(b, a, distances.T, add, remove, rename.T)
    for i in _branching_roots(a):
        for j in _branching_roots(b):
            _forests(a, b, (i, j), distances, remove, add, rename)
    return float(distances[-1, -1])


def _leaves(a: Tree, b: Tree, distances: Costs, remove: Costs, add: Costs, rename: Costs) -> None:
    """Every leaf of ``a`` against every subtree of ``b``.

    All of the subtree is added but the node that the leaf becomes, if it becomes one at all.
    """
    leaves = [node for node, first in enumerate(a.first) if first == node]
    saved = rename[leaves] - add  # what becoming that node costs above adding it
    sums = np.concatenate([[0.0], np.cumsum(add)])
    for node, first in enumerate(b.first):
        best = np.minimum(saved[:, first : node + 1].min(axis=1), remove[leaves])
        distances[leaves, node] = sums[node + 1] - sums[first] + best


def _branching_roots(tree: Tree) -> list[int]:
    """Nodes with a sibling to their left, and the root, but no leaves; in postorder.

    All other nodes share their first leaf with one of these and are met on its way.
    """
    last_of = {first: node for node, first in enumerate(tree.first)}
    return sorted(node for first, node in last_of.items() if node != first)


def _forests(
    a: Tree,
    b: Tree,
    roots: tuple[int, int],
    distances: Costs,
    remove: Costs,
    add: Costs,
    rename: Costs,
) -> None:
    """Fills the distances of all pairs of subtrees whose first leaves are those of the roots."""
    (i, j), (i0, j0) = roots, (a.first[roots[0]], b.first[roots[1]])
    # A prefix of b as a forest: column k stands for its nodes j0 .. j0 + k - 1.
    adding = np.concatenate([[0.0], np.cumsum(add[j0 : j + 1])])
    firsts = np.array(b.first[j0 : j + 1])
    before = firsts - j0
    whole = firsts == j0
    rows = np.empty((i - i0 + 2, j - j0 + 2))
    rows[0] = adding
    for node in range(i0, i + 1):
        above = rows[node - i0]
        removed = above[1:] + remove[node]
        if a.first[node] == i0:
            renamed = above[:-1] + rename[node, j0 : j + 1]
            apart = rows[0][before] + distances[node, j0 : j + 1]
            kept = np.where(whole, renamed, apart)
        else:
            kept = rows[a.first[node] - i0][before] + distances[node, j0 : j + 1]
        row = rows[node - i0 + 1]
        row[0] = above[0] + remove[node]
        row[1:] = np.minimum(removed, kept)
        # Adding nodes one after the other is a running minimum, once their costs are taken off.
        row[:] = np.minimum.accumulate(row - adding) + adding
        if a.first[node] == i0:
            distances[node, j0 : j + 1][whole] = row[1:][whole]
