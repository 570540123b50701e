"""How many samples a second each data recipe draws, one process, nothing stored.

python benchmarks/generators.py
python benchmarks/generators.py --seconds 20 charts documents

Prints a table in Markdown. The clock on the wall counts, because pages are drawn by a browser that
is a process of its own. The last column is the share of the machine that other processes took, the
browser among them: half of two processors belongs to it where pages are drawn, and none elsewhere.
"""

import argparse
import inspect
import sys
import time

from clock import time_runs

from qvl.errors import ConfigError, MissingDependencyError
from qvl.messages import Image, Video
from qvl.recipes.data_recipes import DATA_RECIPES

SEED_STRIDE = 97
"""Samples are taken from all over a source; a prime, so that no part is favoured."""


def drawn(name: str, seconds: float) -> str:
    """Returns a row of the table."""
    needed = [
        p.name for p in inspect.signature(DATA_RECIPES[name]).parameters.values()
        if p.default is p.empty
    ]  # fmt: skip
    if needed:
        return f"| {name} | | needs {', '.join(needed)} | |"
    try:
        source, _ = DATA_RECIPES[name]()
        source[0]  # starts the browser, loads typefaces
    except (ConfigError, MissingDependencyError) as error:
        return f"| {name} | | | {str(error).splitlines()[0]} |"
    counts = {"samples": 0, "pictures": 0, "turns": 0}

    def draw() -> None:
        end = time.perf_counter() + seconds
        number = 1
        while time.perf_counter() < end:
            sample = source[number * SEED_STRIDE % len(source)]
            number += 1
            counts["samples"] += 1
            for message in sample.conversation.messages:
                counts["turns"] += message.role == "assistant"
                counts["pictures"] += sum(isinstance(p, Image | Video) for p in message.content)

    timing = time_runs(draw, warm=0, repeats=1)
    rate = counts["samples"] / timing.seconds[0]
    return (
        f"| {name} | {rate:,.1f} | {counts['pictures'] / counts['samples']:.1f} pictures, "
        f"{counts['turns'] / counts['samples']:.1f} answers | {timing.others:.0%} |"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=list(DATA_RECIPES), metavar="RECIPE")
    parser.add_argument("--seconds", type=float, default=8.0, help="of drawing, for each")
    args = parser.parse_args()
    unknown = [name for name in args.recipes if name not in DATA_RECIPES]
    if unknown:
        sys.exit(f"no recipe {unknown[0]!r}; there are {', '.join(DATA_RECIPES)}")
    print("| recipe | samples/s | a sample has | others' share |\n| --- | --- | --- | --- |")
    for name in args.recipes:
        print(drawn(name, args.seconds), flush=True)


if __name__ == "__main__":
    main()
