"""Boxes against boxes: hits at an overlap of one half.

Owns: the rules of referring expressions and of box lists. Does not own: reading boxes out of an
answer and bringing them into the picture's own pixels (``tasks.grounding``), mean average
precision (``coco_map``).

    boxes of an answer, boxes of the truth, both in original_px -> overlap -> hit or miss

Boxes are continuous: no pixel is added to a side. They never are anything but pixels; what a value
below 1 or 1000 might mean is not guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from qvl.evaluation.scorers.score import Score, f1
from qvl.geometry import Box, box_iou

HIT_AT = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxScore(Score):
    """Whether the box is right."""

    iou: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxListScore(Score):
    """F1 of a list of boxes, with the pairs that met."""

    pairs: tuple[tuple[int, int], ...]
    """Index of a box of the answer and of the truth."""
    precision: float
    recall: float


def referred_box(*, boxes: Sequence[Box], truth: Box, hit_at: float = HIT_AT) -> BoxScore:
    """Scores the first box of an answer: 1 if it overlaps the truth by at least one half.

    Source: RefCOCO, as in Qwen-VL eval_mm/evaluate_grounding.py and VLMEvalKit refcoco.py.

    >>> referred_box(boxes=[Box(0, 0, 1, 1)], truth=Box(0, 0, 2, 1)).value
    1.0

    Args:
        boxes: of the answer, in original_px; a miss if there are none.
        truth: in original_px.
        hit_at: smallest overlap that counts.
    """
    if not boxes:
        return BoxScore(value=0.0, why="no box in the answer", is_parsed=False, iou=0.0)
    iou = box_iou(boxes[0], truth)
    more = f", the first of {len(boxes)} boxes" if len(boxes) > 1 else ""
    return BoxScore(value=float(iou >= hit_at), why=f"overlap {iou:.2f}{more}", iou=iou)


def box_list_f1(
    *, boxes: Sequence[Box], truths: Sequence[Box], hit_at: float = HIT_AT
) -> BoxListScore:
    """Scores a list of boxes: each in turn takes the best box of the truth that is left.

    Two empty lists agree.

    >>> score = box_list_f1(boxes=[Box(0, 0, 1, 1), Box(5, 5, 6, 6)], truths=[Box(0, 0, 1, 1)])
    >>> score.precision, score.recall
    (0.5, 1.0)
    """
    left = dict(enumerate(truths))
    pairs = []
    for index, box in enumerate(boxes):
        if not left:
            break
        best = max(left, key=lambda other: box_iou(box, left[other]))
        if box_iou(box, left[best]) >= hit_at:
            pairs.append((index, best))
            del left[best]
    precision = len(pairs) / len(boxes) if boxes else float(not truths)
    recall = len(pairs) / len(truths) if truths else float(not boxes)
    return BoxListScore(
        value=f1(precision, recall),
        why=f"{len(pairs)} of {len(truths)} boxes found, {len(boxes)} given",
        is_parsed=bool(boxes) or not truths,
        pairs=tuple(pairs),
        precision=precision,
        recall=recall,
    )
