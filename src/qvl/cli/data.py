"""Makes training data ahead of time.

qvl data make shapes -n 10000 -o shards/shapes
qvl train tiny --shards shards/shapes

A run draws what it needs as it goes; shards are for looking at, for other trainers, and for
machines whose GPU is faster than their processor draws.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from qvl.cli.terminal import progress, write
from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.shards import write_shards
from qvl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = commands.add_parser("make", help="draw samples into shards")
    make.add_argument("generator", help="such as word, line, page, shapes or screen")
    make.add_argument("-n", "--number", type=int, default=1000, help="samples; default 1000")
    make.add_argument("-o", "--output", required=True, metavar="DIR", help="a new folder")
    make.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    """Writes the shards and prints their folder."""
    from qvl.recipes.tiny_stages import GENERATORS

    if args.generator not in GENERATORS:
        raise InputError(
            f"no generator {args.generator!r}, expected one of {', '.join(GENERATORS)}"
        )
    if args.number < 1:
        raise InputError(f"--number is {args.number}, expected at least 1")
    mixture = Mixture(parts={args.generator: (1.0, GENERATORS[args.generator])})

    def samples() -> Iterator[Sample]:
        for number in range(args.number):
            if number % 100 == 0:
                progress(f"{number}/{args.number}", done=False)
            yield mixture.sample(args.seed, number)
        progress(f"{args.number}/{args.number}", done=True)

    write_shards(samples(), Path(args.output))
    write(args.output)
    return 0
