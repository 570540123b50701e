"""TEDS: how alike two tables are, as trees of rows and cells.

Owns: nodes, costs and the quotient. Does not own: HTML (``table_html``), trees (``tree_edit``).

    two tables -> trees that end at the cells -> cheapest edit -> 1 - edits / nodes of the larger

Cells are compared by their characters and inner tags. Only ``td`` is a cell: what stands in ``th``
is not looked at. OmniDocBench turns headers into cells first, see ``headers_as_cells``.
Source: Zhong et al. 2020, Image-based table recognition (PubTabNet), src/metric.py.
"""

from collections.abc import Sequence

import numpy as np

from qvl.evaluation.scorers.edit_distance import normalised_distance
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.table_html import Element, descendants, parse_table
from qvl.evaluation.scorers.tree_edit import (
    Costs,
    is_comparable,
    tree_edit_distance,
    tree_of_children,
)

_SHORT = 48
"""Tokens; cells up to here are compared many at a time."""


def teds(
    *,
    answer: str,
    truth: str,
    structure_only: bool = False,
    headers_as_cells: bool = False,
) -> Score:
    """Scores the first table of an answer.

    >>> table = "<table><tr><td>a</td><td>b</td></tr></table>"
    >>> teds(answer=table.replace(">b<", ">c<"), truth=table).value
    0.6666666666666667

    Args:
        answer: HTML with a table, perhaps cut off.
        truth: the same.
        structure_only: do not look into cells (TEDS-S).
        headers_as_cells: compare header cells as cells, with or without ``thead`` around them.
    """
    given, wanted = (
        parse_table(text, headers_as_cells=headers_as_cells) for text in (answer, truth)
    )
    if given is None or wanted is None:
        side = "answer" if given is None else "truth"
        return Score(value=0.0, why=f"no table in the {side}", is_parsed=given is not None)
    num_nodes = [sum(1 for _ in descendants(table.children)) for table in (given, wanted)]
    nodes_a, nodes_b = _nodes(given), _nodes(wanted)
    tree_a, order_a = tree_of_children(nodes_a[1])
    tree_b, order_b = tree_of_children(nodes_b[1])
    if not is_comparable(tree_a, tree_b):
        return Score(
            value=0.0,
            why=f"tables of {num_nodes[0]:,} and {num_nodes[1]:,} nodes are too large to compare",
        )
    rename = _rename_costs(
        [nodes_a[0][node] for node in order_a],
        [nodes_b[0][node] for node in order_b],
        structure_only,
    )
    edits = tree_edit_distance(
        tree_a, tree_b, remove=np.ones(tree_a.size), add=np.ones(tree_b.size), rename=rename
    )
    larger = max(num_nodes)
    return Score(
        value=max(0.0, 1 - edits / larger) if larger else 1.0,
        why=f"{edits:.2f} edits in {larger} nodes",
    )


def _nodes(table: Element) -> tuple[list[Element], list[list[int]]]:
    """The elements down to the cells, and of each its children; the table is number 0."""
    elements, children = [table], list[list[int]]([[]])
    for index, element in enumerate(elements):  # grows while it is walked
        if element.tag == "td":
            continue
        for child in element.children:
            children[index].append(len(elements))
            elements.append(child)
            children.append([])
    return elements, children


def _rename_costs(a: Sequence[Element], b: Sequence[Element], structure_only: bool) -> Costs:
    """float64[N, M]: 1 for other tags or spans, for two cells the distance of their contents."""
    kinds: dict[tuple[str, int, int], int] = {}

    def kind(element: Element) -> int:
        # Spans of other elements than cells mean nothing.
        spans = (element.colspan, element.rowspan) if element.tag == "td" else (1, 1)
        return kinds.setdefault((element.tag, *spans), len(kinds))

    kinds_a, kinds_b = np.array([kind(e) for e in a]), np.array([kind(e) for e in b])
    costs = (kinds_a[:, None] != kinds_b[None, :]).astype(np.float64)
    if structure_only:
        return costs
    cells_a, cells_b = ([i for i, e in enumerate(side) if e.tag == "td"] for side in (a, b))
    if cells_a and cells_b:
        block = np.ix_(cells_a, cells_b)
        contents = _distances([_tokens(a[i]) for i in cells_a], [_tokens(b[i]) for i in cells_b])
        costs[block] = np.where(costs[block] == 1, 1.0, contents)
    return costs


def _tokens(cell: Element) -> tuple[str, ...]:
    """Characters of a cell, and its inner tags as one token each."""
    tokens: list[str] = []
    stack: list[Element | str] = list(reversed(cell.content))
    while stack:
        item = stack.pop()
        if isinstance(item, Element):
            tokens.append(f"<{item.tag}>")
            stack.append(f"</{item.tag}>\0")
            stack += reversed(item.content)
        elif item.endswith("\0"):
            tokens.append(item[:-1])
        else:
            tokens += item
    return tuple(tokens)


def _distances(a: Sequence[tuple[str, ...]], b: Sequence[tuple[str, ...]]) -> Costs:
    """float64[len(a), len(b)]: normalised distances; equal contents are compared once."""
    rows, columns = list(dict.fromkeys(a)), list(dict.fromkeys(b))
    table = np.zeros((len(rows), len(columns)))
    short = [j for j, tokens in enumerate(columns) if len(tokens) <= _SHORT]
    ids: dict[str, int] = {}
    packed = _packed([columns[j] for j in short], ids)
    lengths = np.array([len(columns[j]) for j in short])
    long = [j for j, tokens in enumerate(columns) if len(tokens) > _SHORT]
    for i, tokens in enumerate(rows):
        if len(tokens) <= _SHORT and short:
            numbers = [ids.get(token, -2) for token in tokens]
            longer = np.maximum(lengths, len(tokens))
            table[i, short] = _many_distances(numbers, packed, lengths) / np.maximum(longer, 1)
        else:
            for j in short:
                table[i, j] = normalised_distance(tokens, columns[j])
        for j in long:
            table[i, j] = normalised_distance(tokens, columns[j])
    place_a = {tokens: i for i, tokens in enumerate(rows)}
    place_b = {tokens: j for j, tokens in enumerate(columns)}
    return table[np.ix_([place_a[t] for t in a], [place_b[t] for t in b])]


def _packed(texts: Sequence[tuple[str, ...]], ids: dict[str, int]) -> np.ndarray:
    """int64[len(texts), longest]: numbers of tokens, padded with -1."""
    packed = np.full((len(texts), max(map(len, texts), default=0)), -1)
    for i, tokens in enumerate(texts):
        packed[i, : len(tokens)] = [ids.setdefault(token, len(ids)) for token in tokens]
    return packed


def _many_distances(tokens: Sequence[int], packed: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """int64[K]: edit distances of one text from K others, by the usual table, K tables at once."""
    steps = np.arange(packed.shape[1] + 1)
    row = np.broadcast_to(steps, (len(packed), len(steps)))
    for count, token in enumerate(tokens, start=1):
        below = np.empty_like(row)
        below[:, 0] = count
        below[:, 1:] = np.minimum(row[:, 1:] + 1, row[:, :-1] + (packed != token))
        row = np.minimum.accumulate(below - steps, axis=1) + steps
    return row[np.arange(len(packed)), lengths]
