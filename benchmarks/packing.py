"""How full packs are, how alike the packs of a step, and what planning a million samples takes.

python benchmarks/packing.py
python benchmarks/packing.py --tokens 32768 --ranks 64
python benchmarks/packing.py --shards FOLDER --model FOLDER     # sizes of real samples instead

Prints a table in Markdown. Sizes are drawn (see `drawn_lengths`) or those of shards, drawn again
until there are enough; costs are those of a 3B model that is trained whole. Three ways to make
steps of as many packs as there are ranks:

- planned: `qvl.data.packing`
- first fit: in windows of 256 samples of the same order, packs as they come
- padded: samples of the same order, in batches padded to their longest, as many as fit

**full** is tokens over the room for them. **max/mean** is the cost of the costliest pack of a step
over the mean, the mean of all steps and the worst in a hundred: what the other ranks wait. Padding
costs what tokens cost. Time is that of the processor, memory the growth of the process.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clock import peak_mib

from qvl.data.lengths import Lengths, measure
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel, sample_costs
from qvl.data.packing.epochs import EpochOrder
from qvl.data.packing.plan import Sizes, make_plan
from qvl.data.shards import ShardReader
from qvl.model.presets import PRESETS
from qvl.processing.processor import Processor

Ints = npt.NDArray[np.int64]

PEERS = 100_000
"""Samples that the simple ways get: their numbers do not depend on it."""

SHARES = {"text": 0.5, "picture": 0.25, "page": 0.1, "pictures": 0.1, "video": 0.05}
"""Half text, half with media by entries, as in the report's fine-tuning data (section 2.3.1); the
rest is our guess at a broad mixture."""


def drawn_lengths(count: int, most: int, seed: int = 0) -> Lengths:
    """Sizes of a mixture: lognormal text with a median of 350 tokens and a tail to ``most``;
    pictures of 0.2 to 1 megapixels, pages of 0.7 to 2.8, two to eight pictures of up to 0.3,
    videos of 8 to 48 frames; questions and answers about media are a third as long as text."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(SHARES), count, p=list(SHARES.values()))
    text = np.clip(rng.lognormal(np.log(350), 1.0, count), 20, most).astype(np.int64)
    text = np.where(kinds == "text", text, np.minimum(text // 3 + 40, most // 8))
    items = np.select(
        [kinds == "text", kinds == "pictures"], [0, rng.integers(2, 9, count)], 1
    ).astype(np.int32)
    kind = np.repeat(kinds, items)
    sides = {"picture": (16, 37), "page": (30, 60), "pictures": (8, 20), "video": (9, 17)}
    low, high = (np.vectorize({k: v[i] for k, v in sides.items()}.get)(kind) for i in (0, 1))
    grids = np.stack(
        [
            np.where(kind == "video", rng.integers(4, 25, len(kind)), 1),
            2 * rng.integers(low, high),
            2 * rng.integers(low, high),
        ],
        1,
    ).astype(np.int32)
    lengths = Lengths(
        tokens=text.astype(np.int32), answers=(text // 2).astype(np.int32), grids=grids, items=items
    )
    return with_tokens(lengths, text + lengths.patches // 4)


def with_tokens(lengths: Lengths, tokens: Ints) -> Lengths:
    """The same samples with other counts of tokens."""
    return Lengths(
        tokens=tokens.astype(np.int32),
        answers=lengths.answers,
        grids=lengths.grids,
        items=lengths.items,
    )


def stored_lengths(shards: Path, model: Path, count: int) -> Lengths:
    """Sizes of the samples of shards, drawn again until there are so many."""
    found = measure(ShardReader(shards), Processor.from_folder(model))
    return found.take(np.random.default_rng(0).integers(0, len(found), count))


def first_fit(order: Ints, sizes: Sizes, budget: PackBudget) -> list[Ints]:
    """Packs of windows of 256 samples, each into the first pack that has room."""
    packs: list[Ints] = []
    for start in range(0, len(order), 256):
        room: list[int] = []
        members: list[list[int]] = []
        for sample in order[start : start + 256].tolist():
            size = int(sizes.tokens[sample])
            at = next((i for i, left in enumerate(room) if left >= size), len(room))
            if at == len(room):
                room.append(budget.max_tokens)
                members.append([])
            room[at] -= size
            members[at].append(sample)
        packs += [np.array(pack, np.int64) for pack in members]
    return packs


def padded(order: Ints, sizes: Sizes, budget: PackBudget) -> list[Ints]:
    """Batches in order, as many samples as fit when all are as long as the longest."""
    batches: list[list[int]] = [[]]
    longest = 0
    for sample in order.tolist():
        size = int(sizes.tokens[sample])
        longest = max(longest, size)
        if (len(batches[-1]) + 1) * longest > budget.max_tokens:
            batches.append([])
            longest = size
        batches[-1].append(sample)
    return [np.array(batch, np.int64) for batch in batches]


def row(name: str, tokens: Ints, costs: npt.NDArray[np.float64], budget: PackBudget) -> str:
    """A line of the table, from what each pack holds and costs: [steps, ranks]."""
    uneven = costs.max(1) / costs.mean(1)
    return (
        f"| {name} | {tokens.sum() / (tokens.size * budget.max_tokens):.1%} | "
        f"{uneven.mean():.3f} | {np.quantile(uneven, 0.99):.3f} |"
    )


def peers(lengths: Lengths, sizes: Sizes, ranks: int, budget: PackBudget, cost: CostModel) -> None:
    """Prints the lines of the simple ways."""
    samples = np.arange(min(PEERS, len(lengths)))
    order = EpochOrder(sets=(samples,), weights=(1.0,), seed=1)
    numbers = order.take(0, 0, len(order))
    for name, make in (("first fit", first_fit), ("padded", padded)):
        packs = make(numbers, sizes, budget)
        packs = packs[: len(packs) // ranks * ranks]
        costs = sizes.costs
        if make is padded:
            longest = sizes.tokens[: len(lengths)].copy()
            for pack in packs:
                longest[pack] = sizes.tokens[pack].max()
            costs = sample_costs(with_tokens(lengths, longest), cost)
        loads = np.array([costs[pack].sum() for pack in packs], np.float64).reshape(-1, ranks)
        held = np.array([sizes.tokens[pack].sum() for pack in packs]).reshape(-1, ranks)
        print(row(f"{name}, {ranks} ranks", held, loads, budget) + " | |", flush=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, nargs="*", default=[8192, 32768], help="of a pack")
    parser.add_argument("--ranks", type=int, nargs="*", default=[8, 64])
    parser.add_argument("--shards", type=Path, help="whose sizes are taken; needs --model")
    parser.add_argument("--model", type=Path, help="folder with the tokenizer")
    args = parser.parse_args()
    if (args.shards is None) != (args.model is None):
        sys.exit("--shards and --model go together")
    cost = CostModel(config=PRESETS["3b"])
    print("| | full | max/mean | worst of 100 | time | memory |\n" + "| --- " * 6 + "|")
    for most in args.tokens:
        budget = PackBudget(max_tokens=most, max_patches=4 * most)
        if args.shards is None:
            lengths = drawn_lengths(args.samples, most)
        else:
            lengths = stored_lengths(args.shards, args.model, args.samples)
        fits = (lengths.tokens <= most) & (lengths.tokens > 0)
        sizes = Sizes(lengths.tokens.astype(np.int64), lengths.patches, sample_costs(lengths, cost))
        print(
            f"| **{most} tokens** | {fits.mean():.1%} of the samples fit, "
            f"{sizes.tokens[fits].mean():,.0f} tokens each | | | | |"
        )
        lengths = lengths.take(np.flatnonzero(fits)[:PEERS])
        sizes = sizes.of(np.flatnonzero(fits))
        order = EpochOrder(sets=(np.arange(len(sizes.tokens)),), weights=(1.0,), seed=1)
        for ranks in args.ranks:
            before, start = peak_mib(afresh=True), time.process_time()
            plan = make_plan(order, sizes, epochs=1, budget=budget, packs_per_step=ranks)
            seconds, grown = time.process_time() - start, peak_mib() - before
            loads = plan.sums(sizes.costs).astype(np.float64)
            line = row(f"planned, {ranks} ranks", plan.sums(sizes.tokens), loads, budget)
            print(f"{line} {seconds:.1f} s | {grown:.0f} MiB |", flush=True)
            peers(lengths, sizes, ranks, budget, cost)


if __name__ == "__main__":
    main()
