"""How fast answers are read: megabytes of model text a second, for every parser.

python benchmarks/parsers.py

Answers are made here: long ones of the kind that each parser reads, strict, and with the slips of
recorded answers. Time is of this process alone; the best of some runs counts.
"""

import json
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from qvl.tasks import extraction, grounding, grounding_reader, ocr
from qvl.tasks.extraction_schema import as_schema
from qvl.tasks.json_repair import iter_json

RECORDS = 3000
RUNS = 7
ROWS = {
    "type": "object",
    "properties": {
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
            },
        }
    },
}


class Parser(NamedTuple):
    """A parser and the answer that it reads."""

    name: str
    answer: str
    read: Callable[[str], object]


def parsers() -> list[Parser]:
    """Every parser with an answer of its kind."""
    dice = random.Random(0)
    boxes = [[dice.randint(0, 1400) for _ in range(4)] for _ in range(RECORDS)]
    named = [{"bbox_2d": box, "label": f"person {i} in red"} for i, box in enumerate(boxes)]
    strict = "```json\n[\n\t" + ",\n\t".join(map(json.dumps, named)) + "\n]\n```"
    slips = "".join(
        f'    {{\n        "bbox_2d": {box}, "text_content": "line {i} of it",\n    }},\n'
        for i, box in enumerate(boxes)
    )
    loose = f"```json\n[\n{slips}]\n```"
    points = "\n".join(f'<points x1="{x}" y1="{y}" alt="cup">cup</points>' for x, y, _, _ in boxes)
    plain = "\n".join(f"{','.join(map(str, box))} person {i}" for i, box in enumerate(boxes))
    rows = extraction.format(
        {"rows": [{"name": f"tea {i}", "price": f"RM{box[0]}.50"} for i, box in enumerate(boxes)]}
    )
    schema = as_schema(ROWS)
    page = ocr.parse(loose, level="line")
    return [
        Parser("json, strict", strict, lambda text: list(iter_json(text))),
        Parser("json, with slips", loose, lambda text: list(iter_json(text))),
        Parser("boxes as read", strict, grounding_reader.read),
        Parser("boxes", strict, grounding.parse),
        Parser("boxes with slips", loose, grounding.parse),
        Parser("points in XML", points, grounding.parse),
        Parser("boxes in plain text", plain, grounding.parse),
        Parser("lines of text", loose, lambda text: ocr.parse(text, level="line")),
        Parser("lines in layout order", loose, lambda _: ocr.in_layout_order(page)),
        Parser("text in a fence", ocr.format_text(plain), ocr.parse),
        Parser("fields by a schema", rows, lambda text: extraction.parse(text, schema)),
    ]


def seconds(parser: Parser) -> float:
    """Processor time of the fastest run."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        parser.read(parser.answer)
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Prints the table."""
    print("| parser | answer | MB/s |\n| --- | --- | --- |")
    for parser in parsers():
        size = len(parser.answer.encode()) / 1e6
        print(f"| {parser.name} | {size:.2f} MB | {size / seconds(parser):.1f} |")


if __name__ == "__main__":
    main()
