"""How fast the data engine is on this machine: drawing, storing, reading, and how much it holds.

python benchmarks/data.py
python benchmarks/data.py --seconds 2 --records 100000

Prints a table in Markdown. Speeds are for a second of one processor's work, so that other work on
the machine does not count as ours; its share stands at the end of each row, as it still takes
caches and clock. The index row runs in a process of its own, whose peak memory is told.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from clock import peak_mib, time_runs

from qvl.data.local import run_local
from qvl.data.mixture import Mixture
from qvl.data.order import place_in_order
from qvl.data.records import Provenance, Sample
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader, write_shards
from qvl.data.sources import DrawnSource
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample, page_sample, word_sample
from qvl.errors import MissingDependencyError
from qvl.messages import Conversation, Image, Message, Text
from qvl.recipes.data_recipes import grounding

GENERATORS = {
    "word": word_sample,
    "line": line_sample,
    "page": page_sample,
    "shapes": shapes_sample,
    "screen": screen_sample,
}
STORED = 400
MIB = 2**20


class Work(NamedTuple):
    """What a call took."""

    cpu_s: float
    """Processor seconds of this process."""
    others: float
    """Share of the machine, 0 to 1, that other processes took meanwhile."""
    peak_mib: float
    """Most memory of this process so far."""


def work(run: Callable[[], Any], *, warm: int = 0) -> Work:
    """Does it, perhaps once unseen before."""
    for _ in range(warm):
        run()
    start = time.process_time()
    timing = time_runs(run, warm=0, repeats=1)
    return Work(time.process_time() - start, timing.others, peak_mib())


def rows(seconds: float, records: int) -> Iterator[tuple[str, str, str, float]]:
    """Yields what was measured: what, how fast, a remark, others' share of the machine."""
    for name, generator in GENERATORS.items():
        try:
            yield generating(name, generator, seconds)
        except MissingDependencyError as error:
            print(f"{name}: {error}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        yield from storing(Path(folder))
        yield running(Path(folder) / "run")
    yield ordering(seconds)
    yield indexing(records)


def generating(
    name: str, generator: Callable[..., Sample], seconds: float
) -> tuple[str, str, str, float]:
    """Samples drawn a second."""
    mixture = Mixture(parts={name: (1.0, generator)})
    count = 0

    def draw() -> None:
        nonlocal count
        end = time.process_time() + seconds
        while time.process_time() < end:
            mixture.sample(0, count)
            count += 1

    timing = work(draw)
    return f"draw {name}", f"{count / timing.cpu_s:,.0f} samples/s", "", timing.others


def storing(folder: Path) -> Iterator[tuple[str, str, str, float]]:
    """Shards written and read: PNG is most of it."""
    source = DrawnSource(mixture=Mixture(parts={"shapes": (1.0, shapes_sample)}), count=STORED)
    samples = [source[number] for number in range(STORED)]
    write = work(lambda: write_shards(samples, folder / "drawn"))
    reader = ShardReader(folder / "drawn")
    size = sum(int(shard["num_bytes"]) for shard in reader.shards) / MIB
    raw = sum(image.height * image.width * 3 for i in range(STORED) for image in reader.media(i))
    remark = f"{STORED} pictures, {size:.1f} MiB of shards, {raw / MIB:.0f} MiB of pixels"
    yield "write drawn", rate(size, STORED, write.cpu_s), remark, write.others
    read = work(lambda: [*reader], warm=1)
    yield "read, pixels decoded", rate(size, STORED, read.cpu_s), "", read.others
    order = place_in_order(np.arange(STORED), size=STORED, seed=1).tolist()
    files = work(lambda: [reader.files(n) for n in order], warm=1)
    remark = "random order, hashes checked"
    yield "read, bytes only", rate(size, STORED, files.cpu_s), remark, files.others
    yield from storing_found(folder / "found")


def storing_found(folder: Path) -> Iterator[tuple[str, str, str, float]]:
    """Shards of picture files, whose bytes are taken as they are."""
    rng = np.random.default_rng(0)
    samples = []
    for number in range(STORED):
        file = io.BytesIO()
        pixels = rng.integers(0, 256, (480, 640, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(file, "JPEG", quality=80)
        turns = (
            Message("user", (Image(file.getvalue()), Text("What is it?"))),
            Message("assistant", (Text(f"Noise number {number}."),)),
        )
        origin = Provenance(generator="benchmark", seed=(number,))
        samples.append(Sample(task="noise", conversation=Conversation(turns), provenance=origin))
    write = work(lambda: write_shards(samples, folder))
    reader = ShardReader(folder)
    size = sum(int(shard["num_bytes"]) for shard in reader.shards) / MIB
    remark = f"{STORED} JPEG files of 640 x 480, {size:.0f} MiB of shards"
    yield "write found", rate(size, STORED, write.cpu_s), remark, write.others
    read = work(lambda: [reader[number] for number in range(STORED)], warm=1)
    yield "read found", rate(size, STORED, read.cpu_s), "hashes checked", read.others


def rate(size: float, count: int, seconds: float) -> str:
    """Bytes and samples a second."""
    return f"{size / seconds:,.0f} MiB/s, {count / seconds:,.0f} samples/s"


def running(folder: Path) -> tuple[str, str, str, float]:
    """A whole run: drawn, filtered, stored."""
    source, steps = grounding()
    assert isinstance(source, DrawnSource)
    source = DrawnSource(mixture=source.mixture, count=STORED)
    options = RunOptions(per_shard=100)
    kept: list[int] = []
    timing = work(lambda: kept.append(run_local(source, steps, folder, options=options).num_kept))
    speed = f"{STORED / timing.cpu_s:,.0f} samples/s"
    return "run grounding", speed, f"{kept[0]} of {STORED} kept", timing.others


def ordering(seconds: float) -> tuple[str, str, str, float]:
    """Positions of the global order a second, in blocks as a loader asks for them."""
    size, block, count = 10**9, 10_000, 0

    def walk() -> None:
        nonlocal count
        end = time.process_time() + seconds
        while time.process_time() < end:
            place_in_order(np.arange(count, count + block), size=size, seed=0)
            count += block

    timing = work(walk)
    speed = f"{count / timing.cpu_s / 1e6:.1f} M positions/s"
    return "global order", speed, f"of {size:,} samples", timing.others


def indexing(records: int) -> tuple[str, str, str, float]:
    """Writes and opens shards of text in a process of its own."""
    command = [sys.executable, __file__, "--only-index", "--records", str(records)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    speed = f"{records / found['write_s']:,.0f} records/s written"
    remark = (
        f"{records:,} records; opened in {found['open_s']:.2f} s; a random one in "
        f"{1000 * found['read_s']:.1f} ms; peak {found['write_mib']:.0f} MiB writing, "
        f"{found['read_mib']:.0f} MiB after reading, {found['base_mib']:.0f} MiB before"
    )
    return "index", speed, remark, found["others"]


def index_alone(records: int) -> dict[str, float]:
    """Runs in its own process, so that its peak is its own."""

    def texts() -> Iterator[Sample]:
        for number in range(records):
            turns = (
                Message("user", (Text(f"What is {number}?"),)),
                Message("assistant", (Text(f"A number: {number}."),)),
            )
            origin = Provenance(generator="benchmark", seed=(number,))
            yield Sample(task="text", conversation=Conversation(turns), provenance=origin)

    base = work(lambda: None).peak_mib
    with tempfile.TemporaryDirectory() as folder:
        write = work(lambda: write_shards(texts(), Path(folder)))
        opened = work(lambda: ShardReader(Path(folder)))
        reader = ShardReader(Path(folder))
        order = place_in_order(np.arange(2000), size=records, seed=0).tolist()
        read = work(lambda: [reader[number] for number in order])
    return {
        "write_s": write.cpu_s,
        "open_s": opened.cpu_s,
        "read_s": read.cpu_s / len(order),
        "base_mib": base,
        "write_mib": write.peak_mib,
        "read_mib": read.peak_mib,
        "others": write.others,
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each generator")
    parser.add_argument("--records", type=int, default=1_000_000, help="of the index")
    parser.add_argument("--only-index", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_index:
        print(json.dumps(index_alone(args.records)))
        return
    print("| what | speed | remark | others' share |\n| --- | --- | --- | --- |", flush=True)
    for what, speed, remark, others in rows(args.seconds, args.records):
        print(f"| {what} | {speed} | {remark} | {others:.0%} |", flush=True)


if __name__ == "__main__":
    main()
