"""How fast duplicates are found, and in how much memory.

    python benchmarks/dedup.py                    # a million samples, about a minute
    python benchmarks/dedup.py --samples 100000

Signatures are made of texts of 200 words and of pictures of 448 x 448 pixels. The search runs on
random signatures with planted groups: every tenth sample has a near one, and every tenth picture.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
from clock import peak_mib, time_runs

from qvl.data.dedup.duplicates import NearRule, find_duplicates
from qvl.data.dedup.minhash import MinHash
from qvl.data.dedup.pictures import THUMBNAIL_BYTES, picture_signature
from qvl.data.dedup.signatures import SignatureFolder, finish, save_columns
from qvl.data.synth.words import random_word

WORDS, TEXTS, PICTURES = 200, 500, 100
PER_PART = 100_000


def making() -> Iterator[tuple[str, str, str, float]]:
    """Signatures a second."""
    rng = np.random.default_rng(0)
    vocabulary = [random_word(rng, plain=True) for _ in range(5000)]
    texts = [
        " ".join(vocabulary[int(i)] for i in rng.integers(0, 5000, WORDS)) for _ in range(TEXTS)
    ]
    scheme = MinHash()
    timing = time_runs(lambda: [scheme.signature(text) for text in texts], warm=1, repeats=3)
    speed = f"{TEXTS / min(timing.seconds):,.0f} texts/s"
    yield "text signature", speed, f"{WORDS} words", timing.others
    picture = PIL.Image.fromarray(rng.integers(0, 256, (448, 448, 3), np.uint8))
    timing = time_runs(
        lambda: [picture_signature(picture) for _ in range(PICTURES)], warm=1, repeats=3
    )
    speed = f"{PICTURES / min(timing.seconds):,.0f} pictures/s"
    yield "picture signature", speed, "448 x 448, decoded", timing.others


def plant(folder: Path, samples: int) -> int:
    """Writes signatures of samples with a text and a picture each; returns how many are near
    another."""
    rng = np.random.default_rng(1)
    scheme = MinHash()
    planted = 0
    for part, start in enumerate(range(0, samples, PER_PART)):
        count = min(PER_PART, samples - start)
        texts = rng.integers(0, 2**32 - 1, (count, scheme.size), np.uint32)
        bits = rng.integers(0, 2**64, count, np.uint64)
        thumbnails = rng.integers(0, 256, (count, THUMBNAIL_BYTES), np.uint8)
        copies = np.arange(9, count, 10)
        same = rng.random((len(copies), scheme.size)) < 0.93
        texts[copies] = np.where(same, texts[copies - 9], texts[copies])
        flips = np.uint64(1) << rng.integers(0, 64, (len(copies), 2), np.uint64)
        bits[copies] = bits[copies - 9] ^ flips[:, 0] ^ flips[:, 1]
        thumbnails[copies] = thumbnails[copies - 9]
        planted += len(copies)
        columns = {
            "contents": rng.integers(0, 2**64, (count, 2), np.uint64),
            "texts": texts,
            "has_text": np.ones(count, bool),
            "keys": scheme.band_keys(texts),
            "scores": np.zeros(count),
            "num_pictures": np.ones(count, np.int32),
            "videos": np.zeros(count, np.uint64),
            "bits": bits,
            "thumbnails": thumbnails,
        }
        save_columns(folder, part, columns)
    parts = -(-samples // PER_PART)
    finish(folder, num_samples=samples, num_parts=parts, num_bands=scheme.bands)
    return planted


def search_alone(folder: Path, by: str) -> dict[str, float]:
    """Runs in its own process, so that its peak is its own."""
    signatures = SignatureFolder(folder)
    base = peak_mib()
    rule = NearRule(by=by)  # type: ignore[arg-type]
    found: list[int] = []
    start = time.process_time()
    timing = time_runs(
        lambda: found.append(int((find_duplicates(signatures, rule).kinds == 2).sum())),
        warm=0,
        repeats=1,
    )
    return {
        "cpu_s": time.process_time() - start,
        "mib": peak_mib(),
        "base_mib": base,
        "found": found[0],
        "others": timing.others,
    }


def searching(samples: int) -> Iterator[tuple[str, str, str, float]]:
    """The search by texts, by pictures, by both."""
    with tempfile.TemporaryDirectory() as name:
        planted = plant(Path(name), samples)
        for by in ("text", "picture", "both"):
            command = [sys.executable, __file__, "--only-search", name, "--by", by]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            speed = f"{found['cpu_s']:.1f} s of one core"
            remark = (
                f"{samples:,} samples; {found['found']:,} of {planted:,} planted found; peak "
                f"{found['mib']:.0f} MiB, {found['base_mib']:.0f} MiB before"
            )
            yield f"search by {by}", speed, remark, found["others"]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--only-search", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--by", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_search is not None:
        print(json.dumps(search_alone(args.only_search, args.by)))
        return
    print("| what | speed | remark | others' share |\n| --- | --- | --- | --- |", flush=True)
    for rows in (making(), searching(args.samples)):
        for what, speed, remark, others in rows:
            print(f"| {what} | {speed} | {remark} | {others:.0%} |", flush=True)


if __name__ == "__main__":
    main()
