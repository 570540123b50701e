"""How fast the cheap rules for interleaved documents are, and that memory does not grow.

python benchmarks/curation.py
python benchmarks/curation.py --records 100000 --seconds 60

Streams records of metadata, without pictures, through reading, cleaning and the rules of the four
scores, and prints a table in Markdown at 10,000, 100,000 and 1,000,000 records, or where time is
over. Speeds are for a second of one processor's work; the share of the machine that other processes
took stands at the end. Records are drawn articles as OBELICS stores them; a pool of a hundred
comes again and again with other numbers in it, as drawing would take longer than judging.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from clock import peak_mib, time_runs

from qvl.data.filters.interleaved.cleaning import (
    Cleaning,
    ImageLimits,
    document_problem,
    without_bad_nodes,
)
from qvl.data.filters.interleaved.first_pass import RULES, evidence
from qvl.data.interchange.interleaved_records import read_document
from qvl.data.interleaved import Document, Paragraph, document_of
from qvl.data.synth.interleaved.articles import interleaved_sample

POOL = 100
MARKS = (10_000, 100_000, 1_000_000)


def pool() -> list[str]:
    """Lines of JSON, a document each; "@" stands for the number of the record."""
    lines = []
    for number in range(POOL):
        rng = np.random.default_rng((0, number))
        document = document_of(interleaved_sample(rng, seed=(0, number), defects=0.5))
        lines.append(json.dumps(record(document, number)))
    return lines


def record(document: Document, number: int) -> dict[str, Any]:
    """A document as OBELICS stores it, its pictures by address."""
    texts: list[str | None] = []
    images: list[str | None] = []
    metadata: list[dict[str, Any] | None] = []
    for place, node in enumerate(document.nodes):
        if isinstance(node, Paragraph):
            texts.append(node.text)
            images.append(None)
            metadata.append(None)
            continue
        height, width = node.source.shape[:2]
        texts.append(None)
        images.append(f"https://pictures.example/{number}/{place}/@.jpg")
        metadata.append({"alt_text": node.alt, "original_height": height, "original_width": width})
    return {
        "texts": texts,
        "images": images,
        "metadata": json.dumps(metadata),
        "general_metadata": json.dumps({"url": f"https://pages.example/{number}/@"}),
    }


def stream(lines: list[str], count: int) -> Iterator[str]:
    """Yields as many lines, each with its own number."""
    for number in range(count):
        yield lines[number % len(lines)].replace("@", str(number))


def judged(line: str, rules: Cleaning) -> str:
    """What becomes of a record."""
    document = read_document(json.loads(line), locate=lambda name: name)
    document, _ = without_bad_nodes(document, rules)
    problem = document_problem(document, rules)
    if problem is not None:
        return f"clean: {problem}"
    found = evidence(document, opens=False)
    verdicts = {name: rule(found).score for name, rule in RULES.items()}
    bad = next((name for name, score in verdicts.items() if score == 0), None)
    if bad is not None:
        return f"score: {bad}"
    return "kept" if None not in verdicts.values() else "asked of a model"


def main() -> None:
    """Prints the table, and what became of the records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=MARKS[-1])
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after so many")
    args = parser.parse_args()
    lines = pool()
    rules = Cleaning(image=ImageLimits(is_opened=False))
    counts: Counter[str] = Counter()
    records = stream(lines, args.records)
    print("| records | records/s | peak memory | others' share |\n| --- | --- | --- | --- |")
    print(f"| 0 | | {peak_mib():.0f} MiB | |", flush=True)
    begin = time.perf_counter()
    done = 0
    for mark in sorted({*(m for m in MARKS if m < args.records), args.records}):
        before, start = done, time.process_time()

        def work(mark: int = mark) -> None:
            nonlocal done
            while done < mark and time.perf_counter() - begin < args.seconds:
                counts[judged(next(records), rules)] += 1
                done += 1

        timing = time_runs(work, warm=0, repeats=1)
        if done == before:
            break
        speed = (done - before) / (time.process_time() - start)
        print(
            f"| {done:,} | {speed:,.0f} | {peak_mib():.0f} MiB | {timing.others:.0%} |", flush=True
        )
    print(file=sys.stderr)
    for name, count in counts.most_common():
        print(f"{name}: {count / done:.1%}", file=sys.stderr)


if __name__ == "__main__":
    main()
