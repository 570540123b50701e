"""Rules for boxes, points and the words they stand for.

Owns: functions for `steps.filter_step`; bind their numbers with `functools.partial`. Does not own:
rules for samples of any kind (``rules``), finding boxes (``pseudo_label``).

    Sample -> rule -> None to keep it | why it is dropped
"""

import re
from collections import Counter
from itertools import combinations

from qvl.data.places import Place, answer_text, places
from qvl.data.records import Sample
from qvl.geometry import Box, box_iou
from qvl.messages import Text
from qvl.tasks import grounding

VAGUE = frozenset(
    {
        "object", "objects", "thing", "things", "item", "items", "something", "stuff", "it", "that",
        "this", "one", "area", "region", "part", "picture", "image", "photo", "background", "scene",
    }
)  # fmt: skip
"""Words that stand for anything; with them alone a box cannot be found again."""

_LONGEST_LABEL = 200
"""Referring expressions of people have 3 to 10 words. Source: Yu et al. 2016, "Modeling Context in
Referring Expressions", section 3: 3.5 words in RefCOCO, 8.4 in RefCOCOg."""

_SAME_PLACE = 0.95


def labels_clear(sample: Sample) -> str | None:
    """Drops a sample with a label that is empty, vague, endless, or holds markup."""
    for place in places(sample):
        label = " ".join(place.label.split())
        bare = re.sub(r"^(?:a|an|the)\s+", "", label.lower()).strip(" .")
        if not bare:
            return "place without a label"
        if bare in VAGUE:
            return "vague label"
        if len(label) > _LONGEST_LABEL:
            return f"label above {_LONGEST_LABEL} characters"
        if re.search(r"<\|?\w+\|?>|bbox_2d|```", label):
            return "markup in a label"
    return None


def phrases_single(sample: Sample) -> str | None:
    """Drops a sample that asks for "the cup" and places several: the phrase is ambiguous."""
    found = Counter((place.turn, place.label.lower()) for place in places(sample))
    messages = sample.conversation.messages
    for (turn, label), count in found.items():
        if count < 2 or turn == 0:
            continue
        asked = " ".join(p.text for p in messages[turn - 1].content if isinstance(p, Text)).lower()
        if re.search(rf"\bthe {re.escape(label)}(?!\w)", asked):
            return "phrase that means several"
    return None


def places_at_most(sample: Sample, *, most: int) -> str | None:
    """Drops a sample with an answer that lists more than ``most`` boxes and points."""
    longest = max(Counter(place.turn for place in places(sample)).values(), default=0)
    return f"more than {most} places" if longest > most else None


def boxes_between(sample: Sample, *, least: float, most: float) -> str | None:
    """Drops a sample with a box of too small or too large a share of its picture.

    Args:
        sample: without boxes it is kept.
        least: share of the picture's pixels, 0 to 1.
        most: the same; a box of nearly all of the picture points at nothing.
    """
    for place in places(sample):
        if isinstance(place.shape, Box):
            share = _area(place.shape) / place.transform.original.area
            if share < least:
                return f"box below {least:.2%} of its picture"
            if share > most:
                return f"box above {most:.0%} of its picture"
    return None


def boxes_distinct(sample: Sample, *, iou: float = 0.9) -> str | None:
    """Drops a sample that states one box twice, or gives one box two names."""
    for first, second in _pairs(places(sample)):
        assert isinstance(first.shape, Box)
        assert isinstance(second.shape, Box)
        overlap = box_iou(first.shape, second.shape)
        if first.label == second.label and overlap >= iou:
            return "box stated twice"
        if first.label != second.label and overlap >= _SAME_PLACE:
            return "one box with two names"
    return None


def answers_readable(sample: Sample) -> str | None:
    """Drops a sample with an answer of boxes that is cut off or partly unreadable."""
    for message in sample.conversation.messages:
        if message.role != "assistant":
            continue
        result = grounding.parse(answer_text(message))
        if result.answered and result.truncated:
            return "answer cut off"
        if result.problems:
            return "place that cannot be read"
    return None


def _area(box: Box) -> float:
    return max(0.0, box.x2 - box.x1) * max(0.0, box.y2 - box.y1)


def _pairs(found: list[Place]) -> list[tuple[Place, Place]]:
    """Pairs of boxes that one answer states of one picture."""
    boxes = [place for place in found if isinstance(place.shape, Box)]
    return [
        (first, second)
        for first, second in combinations(boxes, 2)
        if (first.turn, first.picture) == (second.turn, second.picture)
    ]
