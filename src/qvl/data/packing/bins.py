"""Samples into packs that are full and alike.

Owns: filling packs from a window of samples, choosing packs that share a step. Does not own: which
samples stand in the window (``plan``).

    tokens, patches, costs of a window -> fill_bins() -> pack of each sample
    costs of packs -> alike() -> packs of each step, packs that wait for others like them
    what is left at the end -> spread() or divided() -> as many packs as a step has

Nothing here is random: equal sizes give equal packs on every machine.
"""

import heapq
from collections.abc import Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from qvl.data.packing import PackBudget

Ints = npt.NDArray[np.int64]

COST_WEIGHT = 4.0
"""How much being cheap counts against being full, both as shares of a full pack. On a window of 463
packs of mixed data the costliest cost 1.25 times the mean at 1, 1.07 at 4, 1.06 at 30; packs were
99.8 % full with each."""

BALANCE = 1.05
"""The costliest pack of a step over the mean, up to which packs may share it."""


def fill_bins(tokens: Ints, patches: Ints, costs: Ints, budget: PackBudget) -> Ints:
    """Returns the pack of each sample, int64[S]; packs are numbered from 0.

    Longest first, each into the pack with the least of: room left + `COST_WEIGHT` * cost above
    that of plain tokens. So samples with pictures spread over all packs, and short text fills what
    is left. Packs begin as many as the tokens need; more are opened when nothing fits.
    Source: best fit decreasing (Johnson, Near-optimal bin packing algorithms, 1973), with a load
    balance as in Graham's longest processing time first (1969) in the choice.

    >>> tokens, none = np.array([50, 40, 60, 45]), np.zeros(4, np.int64)
    >>> fill_bins(tokens, none, tokens, PackBudget(max_tokens=100, max_patches=9)).tolist()
    [1, 0, 0, 1]

    Args:
        tokens: int64[S], each at most the budget's.
        patches: int64[S], likewise.
        costs: int64[S].
        budget: of a pack.
    """
    if not len(tokens):
        return np.zeros(0, np.int64)
    rate = float((costs / np.maximum(tokens, 1)).min())
    above = (costs - rate * tokens) / max(rate * budget.max_tokens, 1.0)
    steps = (COST_WEIGHT * above - tokens / budget.max_tokens).tolist()
    order = np.lexsort((-costs, -tokens)).tolist()
    most = len(tokens)
    room, patch_room = np.full(most, budget.max_tokens), np.full(most, budget.max_patches)
    scores, choice = np.zeros(most), np.empty(most)
    full, too_many = np.empty(most, bool), np.empty(most, bool)
    opened = _needed(tokens, patches, budget)
    sizes, patch_sizes = tokens.tolist(), patches.tolist()
    bins = [0] * most
    for sample in order:
        now = slice(0, opened)
        np.less(room[now], sizes[sample], out=full[now])
        if patch_sizes[sample]:
            np.less(patch_room[now], patch_sizes[sample], out=too_many[now])
            np.logical_or(full[now], too_many[now], out=full[now])
        np.copyto(choice[now], scores[now])
        choice[now][full[now]] = np.inf
        chosen = int(choice[now].argmin())
        if full[chosen]:
            chosen = opened
            opened += 1
        room[chosen] -= sizes[sample]
        patch_room[chosen] -= patch_sizes[sample]
        scores[chosen] += steps[sample]
        bins[sample] = chosen
    return np.unique(np.array(bins, np.int64), return_inverse=True)[1].astype(np.int64)


def _needed(tokens: Ints, patches: Ints, budget: PackBudget) -> int:
    """The fewest packs that could hold all."""
    by_tokens = -(-int(tokens.sum()) // budget.max_tokens)
    by_patches = -(-int(patches.sum()) // budget.max_patches)
    return min(len(tokens), max(1, by_tokens, by_patches))


def alike(costs: Sequence[int], packs_per_step: int) -> tuple[list[list[int]], list[int]]:
    """Chooses packs that share a step: the costliest at most `BALANCE` times the mean.

    >>> alike([100, 10, 99, 101, 12, 55], packs_per_step=2)
    ([[3, 0]], [2, 5, 4, 1])

    Returns:
        the packs of each step, and those for which there are not enough others, costliest first.
    """
    order = sorted(range(len(costs)), key=lambda pack: (-costs[pack], pack))
    steps: list[list[int]] = []
    waiting: list[int] = []
    at = 0
    while at + packs_per_step <= len(order):
        group = order[at : at + packs_per_step]
        total = sum(costs[pack] for pack in group)
        if costs[group[0]] * packs_per_step <= BALANCE * total:
            steps.append(group)
            at += packs_per_step
        else:
            waiting.append(order[at])
            at += 1
    return steps, waiting + order[at:]


def spread(tokens: Ints, patches: Ints, costs: Ints, budget: PackBudget, parts: int) -> Ints | None:
    """Returns the pack of each sample, int64[S], for so many packs of like cost, full or not; None
    if the samples were not found to fit into so few. Arguments as `fill_bins`.

    Source: Graham, Bounds on multiprocessing timing anomalies (1969): the costliest first, each to
    the pack that has cost least so far.

    >>> sizes = np.array([3, 3, 2, 2, 2])
    >>> spread(sizes, sizes, sizes, PackBudget(max_tokens=9, max_patches=9), 2).tolist()
    [0, 1, 0, 1, 0]
    """
    loads = [(0, pack) for pack in range(parts)]
    room, patch_room = [budget.max_tokens] * parts, [budget.max_patches] * parts
    bins = np.zeros(len(tokens), np.int64)
    for sample in np.lexsort((-tokens, -costs)).tolist():
        passed = []
        while loads:
            load, pack = heapq.heappop(loads)
            if tokens[sample] <= room[pack] and patches[sample] <= patch_room[pack]:
                break
            passed.append((load, pack))
        else:
            return None
        bins[sample] = pack
        room[pack] -= int(tokens[sample])
        patch_room[pack] -= int(patches[sample])
        for entry in (*passed, (load + int(costs[sample]), pack)):
            heapq.heappush(loads, entry)
    return bins


def divided(packs: Sequence[Ints], costs: Ints, parts: int) -> list[Ints]:
    """Divides packs until there are so many, always the costliest that has more than one sample;
    the last ones are empty when there are fewer samples than parts.

    >>> packs = divided([np.array([0, 1, 2]), np.array([3])], np.array([5, 3, 2, 1]), 3)
    >>> [pack.tolist() for pack in packs]
    [[0], [1, 2], [3]]

    Args:
        packs: numbers of samples, at most ``parts`` of them.
        costs: int64[S].
        parts: packs that are wanted.
    """
    numbers = count()  # so that packs of equal cost have an order
    heap = [(-int(costs[pack].sum()), next(numbers), pack) for pack in packs]
    heapq.heapify(heap)
    done: list[tuple[int, Ints]] = []
    while heap and len(heap) + len(done) < parts:
        cost, _, pack = heapq.heappop(heap)
        if len(pack) == 1:
            done.append((cost, pack))
            continue
        for half in _halves(pack, costs):
            heapq.heappush(heap, (-int(costs[half].sum()), next(numbers), half))
    whole = [*done, *((cost, pack) for cost, _, pack in heap)]
    whole.sort(key=lambda item: item[0])
    empty = np.zeros(0, np.int64)
    return [*(pack for _, pack in whole), *[empty] * (parts - len(whole))]


def _halves(pack: Ints, costs: Ints) -> tuple[Ints, Ints]:
    """Two packs of like cost: each sample, costliest first, to the cheaper one."""
    halves: tuple[list[int], list[int]] = ([], [])
    loads = [0, 0]
    for sample in pack[np.argsort(-costs[pack], kind="stable")].tolist():
        side = int(loads[1] < loads[0])
        halves[side].append(sample)
        loads[side] += int(costs[sample])
    return np.array(halves[0], np.int64), np.array(halves[1], np.int64)
