"""The actions of ``qvl data`` that curate whole sets: dedup, decontaminate, mix.

Owns: arguments into sources, rules and plans. Does not own: what a duplicate or a leak is
(``data.dedup``), how shares are kept (``data.sft.mixing``, ``data.weights``, ``data.budget``).

    sets -> one source -> a step or an order -> run_local -> shards
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from qvl.cli.data_run import positive, run_options, tell
from qvl.cli.options import load_processor, model_folder
from qvl.cli.terminal import note, write, write_json
from qvl.data.budget import BudgetSource
from qvl.data.dedup.contamination import EvaluationIndex, leak_step
from qvl.data.dedup.duplicates import NearRule, run_without_duplicates
from qvl.data.dedup.signatures import SignatureOptions
from qvl.data.interchange.opening import Data, open_data
from qvl.data.local import run_local
from qvl.data.sft.mixing import MixedSource, mixed_half
from qvl.data.shards import ShardReader
from qvl.data.sources import JoinedSource, Source
from qvl.data.weights import MOST_EPOCHS, STAGE_TOKENS, TokenPlan, plan_tokens, supply_of
from qvl.errors import InputError

INDEX = "evaluation.npz"
"""Where `decontaminate` keeps the index of evaluation sets in its folder, unless told."""


def dedup(args: argparse.Namespace) -> int:
    """Takes the sets without their duplicates into shards."""
    options = run_options(args)
    least = NearRule().least_similarity if args.similarity is None else args.similarity
    if not 0 < least <= 1:
        raise InputError(f"--similarity is {least:g}, expected more than 0, at most 1")
    source = _joined([Path(name) for name in args.data], args)
    summary = run_without_duplicates(
        source,
        Path(args.output),
        rule=NearRule(by=args.by, least_similarity=least),
        options=SignatureOptions(score=args.best),
        processes=positive(args.processes, "--processes"),
        run_options=options,
        note=note,
    )
    return tell(summary, source, args)


def decontaminate(args: argparse.Namespace) -> int:
    """Takes the sets without what is in evaluation sets into shards."""
    options = run_options(args)
    processes = positive(args.processes, "--processes")
    source = _joined([Path(name) for name in args.data], args)
    index = _index(args)
    step = leak_step("decontaminated", index)
    folder = Path(args.output)
    summary = run_local(source, [step], folder, processes=processes, options=options)
    return tell(summary, source, args)


def _index(args: argparse.Namespace) -> Path:
    """The file of the index: the one that is given, or one made of the sets."""
    sets = [Path(name) for name in args.against]
    if any(path.suffix == ".npz" for path in sets):
        if len(sets) > 1 or args.prompt or args.index is not None:
            raise InputError(
                f"--against has the index {next(p for p in sets if p.suffix == '.npz')} beside "
                "other sets, --prompt or --index, expected it alone",
                hint="make one index of all sets",
            )
        return sets[0]
    path = Path(args.output, INDEX) if args.index is None else Path(args.index)
    if path.suffix != ".npz":
        raise InputError(f"--index is {path}, expected a name that ends in .npz")
    index = EvaluationIndex.of(sets, prompts=args.prompt)
    index.save(path)
    note(f"{index}; index: {path}")
    return path


def mix(args: argparse.Namespace) -> int:
    """Takes several sets into shards, by shares of samples or of tokens."""
    options = run_options(args)
    names, shares = _shares(args.data)
    if args.tokens is None:
        if args.plan or args.epochs is not None or args.seed:
            raise InputError("--plan, --epochs or --seed without a budget", hint="add --tokens N")
        source = _in_turns(names, shares, args)
    else:
        plan, sources = _plan(names, shares, args)
        if args.plan:
            if args.json:
                write_json(plan.to_json())
            else:
                write(str(plan))
            return 0
        source = BudgetSource.of(plan, sources, seed=args.seed)
    if args.output is None:
        raise InputError("there is no folder for the shards", hint="add -o DIR")
    processes = positive(args.processes, "--processes")
    summary = run_local(source, [], Path(args.output), processes=processes, options=options)
    return tell(summary, source, args)


def _shares(data: Sequence[str]) -> tuple[list[str], list[float]]:
    """The sets and their shares, 1 where none is stated; a name that exists is a name."""
    names, shares = [], []
    for item in data:
        name, equals, share = item.rpartition("=")
        if not equals or Path(item).exists():
            name, share = item, "1"
        try:
            shares.append(float(share))
        except ValueError as error:
            raise InputError(f"{item} has the share {share!r}, expected a number") from error
        names.append(name)
    if len(set(names)) < len(names):
        raise InputError("a set is named twice, expected each once", hint="add its shares up")
    return names, shares


def _in_turns(names: Sequence[str], shares: Sequence[float], args: argparse.Namespace) -> Source:
    whole = tuple(round(share) for share in shares)
    if any(share < 1 or share != n for share, n in zip(shares, whole, strict=True)):
        raise InputError(
            f"shares are {', '.join(f'{share:g}' for share in shares)}, expected whole numbers of "
            "at least 1",
            hint="say 3 and 1 instead of 0.75 and 0.25; --tokens N takes any shares",
        )
    if len(names) == 1:
        return mixed_half(_shards(names[0]))
    sources = tuple(_open(Path(name), args) for name in names)
    return MixedSource(sources=sources, shares=whole)


def _plan(
    names: Sequence[str], shares: Sequence[float], args: argparse.Namespace
) -> tuple[TokenPlan, dict[str, Source]]:
    """The plan of a budget, and the sets by name."""
    readers = {name: _shards(name) for name in names}
    processor = load_processor(model_folder(args, weights=False), args)
    epochs = MOST_EPOCHS if args.epochs is None else args.epochs
    supplies = [
        supply_of(name, readers[name], processor, share=share, most_epochs=epochs)
        for name, share in zip(names, shares, strict=True)
    ]
    return plan_tokens(supplies, _budget(args.tokens)), dict(readers)


def _budget(text: str) -> int:
    if text in STAGE_TOKENS:
        return STAGE_TOKENS[text]
    try:
        number = int(float(text.replace(",", "").replace("_", "")))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"--tokens is {text!r}, expected a number such as 1.5e9, or one of "
            f"{', '.join(STAGE_TOKENS)}"
        ) from error
    return positive(number, "--tokens")


def _shards(name: str) -> ShardReader:
    data = open_data(Path(name))
    if not isinstance(data, ShardReader):
        raise InputError(
            f"{name} is no folder of shards, whose lengths are known",
            hint=f"qvl data convert {name} -o DIR",
        )
    return data


def _joined(paths: Sequence[Path], args: argparse.Namespace) -> Source:
    sources = tuple(_open(path, args) for path in paths)
    return sources[0] if len(sources) == 1 else JoinedSource(sources=sources)


def _open(path: Path, args: argparse.Namespace) -> Data:
    root = Path(args.root) if args.root else None
    return open_data(path, root=root, licence=args.licence)
