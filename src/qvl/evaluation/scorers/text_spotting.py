"""Words with their places: boxes that overlap and say the same.

Owns: reading OCRBench v2's form of a list, the rule of the Robust Reading Competition. Does not
own: boxes in JSON (``tasks.grounding``).

    answer -> [x1, y1, x2, y2, text], ... -> pairs at an overlap above one half -> equal text? -> F1

Source: OCRBench v2 spotting_metric.py and spotting_eval/script.py (RRC E2E_iou_1_1.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qvl.evaluation.scorers.score import Score, f1
from qvl.geometry import Box, box_iou

SIDE = 1000
"""The question asks for thousandths of the picture's sides, and the data is in them."""
_ITEM = re.compile(
    r"[\[(]" + r"\s*(\d{1,5})\s*," * 4 + r"""\s*("(?:[^"\\]|\\.){0,500}"|'(?:[^'\\]|\\.){0,500}'"""
    r"""|[^\[\]()]{0,500}?)\s*[\])]""",
    re.DOTALL,
)
_OVERLAP, _INSIDE = 0.5, 0.5
_UNREADABLE = "###"
_MARKS = "!?.:,*\"()·[]/'"
"""May be left out at the ends of the truth. Source: RRC, SPECIAL_CHARACTERS."""
_MOST = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Spotted:
    """A text with its place."""

    box: Box
    """In thousandths of the picture's sides."""
    text: str


def read_spotted(answer: str) -> list[Spotted]:
    """Reads the items of an answer; what lies outside the picture is left out, as is said twice.

    >>> read_spotted("[(10, 20, 30, 40, 'Stop'), (10, 20, 30, 2000, 'x')]")
    [Spotted(box=Box(x1=10.0, y1=20.0, x2=30.0, y2=40.0), text='Stop')]
    """
    found: dict[Spotted, None] = {}
    for match in _ITEM.finditer(answer):
        numbers = [int(number) for number in match.groups()[:4]]
        if max(numbers) <= SIDE and len(found) < _MOST:
            text = match.group(5).replace("\n", "").strip().strip('"').strip("'")
            found[Spotted(box=Box(*map(float, numbers)), text=text)] = None
    return list(found)


def text_spotting(*, answer: Sequence[Spotted], truth: Sequence[Spotted]) -> Score:
    """Returns the F1 of places that are right and say the right thing.

    A place takes the first free answer that overlaps it, right or wrong. Texts that people could
    not read, "###", do not count, nor what is found in them.

    >>> there = [Spotted(box=Box(0, 0, 100, 50), text="STOP!")]
    >>> text_spotting(answer=[Spotted(box=Box(0, 0, 90, 50), text="stop")], truth=there).value
    1.0
    """
    given = [item for item in answer if item.box.x1 < item.box.x2 and item.box.y1 < item.box.y2]
    unreadable = [item.box for item in truth if item.text == _UNREADABLE]
    wanted = [item for item in truth if item.text != _UNREADABLE]
    given = [item for item in given if not any(_lies_in(item.box, box) for box in unreadable)]
    free = list(given)
    hits = 0
    for item in wanted:
        partner = next((other for other in free if box_iou(other.box, item.box) > _OVERLAP), None)
        if partner is not None:
            free.remove(partner)
            hits += _says(item.text.upper(), partner.text.upper())
    value = f1(hits / len(given) if given else 0.0, hits / len(wanted) if wanted else 0.0)
    return Score(
        value=value,
        why=f"{hits} of {len(wanted)} texts in their places, {len(given)} given",
        is_parsed=bool(answer),
    )


def _lies_in(box: Box, other: Box) -> bool:
    across = min(box.x2, other.x2) - max(box.x1, other.x1)
    down = min(box.y2, other.y2) - max(box.y1, other.y1)
    area = (box.x2 - box.x1) * (box.y2 - box.y1)
    return max(across, 0.0) * max(down, 0.0) > _INSIDE * area


def _says(truth: str, answer: str) -> bool:
    ways = {truth}
    if truth[:1] and truth[0] in _MARKS:
        ways.add(truth[1:])
    if truth[-1:] and truth[-1] in _MARKS:
        ways |= {way[:-1] for way in list(ways) if way}
    return answer in ways
