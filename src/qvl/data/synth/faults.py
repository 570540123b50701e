"""Answers that are wrong in one way, made from right ones: preferences whose truth is known.

Owns: the faults, and the generator that puts them beside a right answer. Does not own: the pictures
and right answers (the generators of ``synth``), preferences (``preferences``).

    drawn Sample -> fault by fault: wrong answer | None where it does not apply
        -> Sample with ``rejected``

Each fault is one that a model makes: another thing's box, a count that is off by one, a letter
misread, a form that was not asked for, an answer that does not stop. Only the last answer of a
conversation is changed.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from qvl.data.mixture import Mixture
from qvl.data.preferences import CUT, chosen_text
from qvl.data.records import Rejected, Sample
from qvl.data.synth.canvas import SHAPES
from qvl.data.synth.instructed import said
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.errors import ConfigError, DataError
from qvl.geometry import FACTOR, Box, Point, box_iou
from qvl.messages import Image
from qvl.processing.image import measure_size
from qvl.tasks import grounding

Fault = Callable[[np.random.Generator, Sample, str], str | None]
"""Gets a sample and its right answer; returns a wrong one, or None where it is impossible."""

# A box that overlaps the right one by more would be right to some judges.
_MOST_OVERLAP = 0.3
_TRIES = 20
# Letters that are read for one another.
_ALIKE = ("ao", "ce", "il", "nm", "uv", "hb", "rt", "sz", "OQ", "EF", "IL", "MN", "UV", "PR", "BD")
_COUNT = re.compile(r"\d{1,3}")
_NUMBER_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def wrong_place(rng: np.random.Generator, sample: Sample, answer: str) -> str | None:
    """One box or point stands where another thing is, or nothing."""
    items = list(grounding.parse(answer).items)
    if not items or sample.task == "spot":
        return None
    at = int(rng.integers(len(items)))
    item = items[at]
    box = _elsewhere(rng, sample, item)
    if box is None:
        return None
    if isinstance(item, grounding.GroundedBox):
        items[at] = replace(item, box=box)
    else:
        centre = Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)
        items[at] = replace(item, point=centre)
    return grounding.format(items)


def wrong_count(rng: np.random.Generator, sample: Sample, answer: str) -> str | None:
    """A number that is off by one or two."""
    count = _said(sample, answer)
    if not _COUNT.fullmatch(count):
        return None
    off = [number for number in range(int(count) - 2, int(count) + 3) if number != int(count)]
    near = [number for number in off if number >= 0 and abs(number - int(count)) == 1]
    other = rng.choice(near if rng.random() < 0.7 else [number for number in off if number >= 0])
    return answer.replace(count, str(other))


def wrong_word(rng: np.random.Generator, sample: Sample, answer: str) -> str | None:
    """Another colour or kind of shape; a letter misread in what was read."""
    word = _said(sample, answer)
    for names in (COLOUR_NAMES, SHAPES):
        if word in names:
            return answer.replace(word, str(rng.choice([name for name in names if name != word])))
    if sample.task not in ("word", "line", "page") or not answer.strip():
        return None
    return _misread(rng, answer)


def wrong_form(rng: np.random.Generator, sample: Sample, answer: str) -> str | None:
    """What is said is right, and not in the form that was asked for."""
    items = grounding.parse(answer).items
    if items and sample.task != "spot":
        if all(isinstance(item, grounding.GroundedBox) for item in items) and rng.random() < 0.5:
            return grounding.format(items, style="text")
        return json.dumps([_thousandths(item, sample) for item in items])
    if "form" in sample.facts:
        return _said(sample, answer)
    if _COUNT.fullmatch(answer) and int(answer) < len(_NUMBER_WORDS):
        return _NUMBER_WORDS[int(answer)]
    if sample.task in ("word", "line", "page"):
        return json.dumps({"text": answer})
    return None


def over_long(rng: np.random.Generator, sample: Sample, answer: str) -> str | None:
    """The right answer, and then once or twice more."""
    return "\n".join([answer] * int(rng.integers(2, 4)))


def cut(rng: np.random.Generator, sample: Sample, answer: str) -> str | None:
    """The beginning of the right answer."""
    if len(answer) < 8:
        return None
    return answer[: int(len(answer) * rng.uniform(0.4, 0.8))].rstrip()


FAULTS: dict[str, Fault] = {
    "wrong place": wrong_place,
    "wrong count": wrong_count,
    "wrong word": wrong_word,
    "wrong form": wrong_form,
    "over-long": over_long,
    CUT: cut,
}
"""Faults by name."""

WRONG = ("wrong place", "wrong count", "wrong word")
"""Those of which the answer is false; in the others it is true and badly given."""


def preference_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    base: Mixture,
    faults: Sequence[str] = tuple(FAULTS),
    most: int = 1,
) -> Sample:
    """Returns a drawn sample of which faulty answers are rejected.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        base: generators of right answers.
        faults: names of `FAULTS` to choose from.
        most: rejected answers, each with a fault of its own.

    Raises:
        ConfigError: there is no such fault, or none is possible with these generators.
    """
    unknown = [name for name in faults if name not in FAULTS]
    if unknown or not faults or most < 1:
        raise ConfigError(
            f"{most} faults of {list(faults)} wanted, expected at least 1 of {', '.join(FAULTS)}"
        )
    for number in range(_TRIES):
        sample = base.sample(*seed, number)
        rejected = _spoilt(rng, sample, faults, most)
        if rejected:
            return replace(
                sample, rejected=rejected, provenance=replace(sample.provenance, seed=seed)
            )
    raise ConfigError(f"none of the faults {', '.join(faults)} is possible with these generators")


def _spoilt(
    rng: np.random.Generator, sample: Sample, faults: Sequence[str], most: int
) -> tuple[Rejected, ...]:
    right = chosen_text(sample)
    found: dict[str, Rejected] = {}
    for index in rng.permutation(len(faults)):
        name = faults[int(index)]
        text = FAULTS[name](rng, sample, right)
        if text is not None and text.strip() not in ("", right.strip()):
            found.setdefault(text, Rejected(text=text, fault=name))
        if len(found) == most:
            break
    return tuple(found.values())


def _said(sample: Sample, answer: str) -> str:
    """What an answer says, whatever form was asked for."""
    return said(answer, sample.facts["form"]) if "form" in sample.facts else answer


def _elsewhere(rng: np.random.Generator, sample: Sample, item: grounding.Grounded) -> Box | None:
    """A place away from the right one: preferably another thing's."""
    known = sample.facts.get("shapes", sample.facts.get("buttons", []))
    right = _around(item)
    others = [Box(*box) for _, box in known]
    others = [
        box for box in others if box_iou(box, right) <= _MOST_OVERLAP and not _holds(box, item)
    ]
    if others and rng.random() < 0.7:
        return others[int(rng.integers(len(others)))]
    height, width = _size_of(sample)
    w, h = max(8.0, right.x2 - right.x1), max(8.0, right.y2 - right.y1)
    for _ in range(_TRIES):
        x, y = rng.uniform(0, max(1, width - w)), rng.uniform(0, max(1, height - h))
        box = Box(round(x), round(y), round(x + w), round(y + h))
        if box_iou(box, right) <= _MOST_OVERLAP and not _holds(box, item):
            return box
    return None


def _around(item: grounding.Grounded) -> Box:
    if isinstance(item, grounding.GroundedBox):
        return item.box
    x, y = item.point
    return Box(x - FACTOR / 2, y - FACTOR / 2, x + FACTOR / 2, y + FACTOR / 2)


def _holds(box: Box, item: grounding.Grounded) -> bool:
    """Whether a point lies in a box, whose middle it could not be then."""
    if isinstance(item, grounding.GroundedBox):
        return False
    x, y = item.point
    return box.x1 <= x <= box.x2 and box.y1 <= y <= box.y2


def _size_of(sample: Sample) -> tuple[int, int]:
    for message in sample.conversation.messages:
        for part in message.content:
            if isinstance(part, Image):
                height, width = measure_size(part.source)
                return height, width
    raise DataError(f"a {sample.task!r} sample with places has no picture")


def _thousandths(item: grounding.Grounded, sample: Sample) -> dict[str, object]:
    """A place as models of another series write it. Source: Qwen2-VL report, section 2.1.2."""
    height, width = _size_of(sample)
    numbers = list(item.box if isinstance(item, grounding.GroundedBox) else item.point)
    scaled = [round(value * 1000 / (height if i % 2 else width)) for i, value in enumerate(numbers)]
    key = "bbox_2d" if len(numbers) == 4 else "point_2d"
    return {key: scaled, "label": item.label}


def _misread(rng: np.random.Generator, text: str) -> str:
    places = [i for i, letter in enumerate(text) if not letter.isspace()]
    at = int(rng.choice(places))
    for pair in _ALIKE:
        if text[at] in pair and rng.random() < 0.8:
            return text[:at] + pair[1 - pair.index(text[at])] + text[at + 1 :]
    if rng.random() < 0.3 and len(places) > 2:
        return text[:at] + text[at + 1 :]
    letters = [c for c in "abcdefghijklmnopqrstuvwxyz" if c != text[at].lower()]
    letter = str(rng.choice(letters))
    return text[:at] + (letter.upper() if text[at].isupper() else letter) + text[at + 1 :]
