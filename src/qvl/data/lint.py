"""Finds what is wrong with training data before it is trained on.

Owns: the checks of samples and of the whole set. Does not own: reading data (``interchange``,
``shards``), which names malformed records.

    data -> each sample: check_sample(), its length -> problems; places, ids -> the whole set
        -> problems -> LintReport

Whether boxes are in pixels or in thousandths of the picture cannot be told from one box, so it is
told from all of them, see `CoordinateEvidence`.
"""

import html
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from qvl.data.encoding import content_id, media_of
from qvl.data.interchange.annotations import Problem
from qvl.data.interchange.opening import Data, where
from qvl.data.interleaved import TASK as DOCUMENT
from qvl.data.lengths import bill_of, too_long
from qvl.data.places import Place, answer_text, places
from qvl.data.preferences import preference_problems
from qvl.data.records import Sample
from qvl.errors import ConfigError, DataError, QvlError
from qvl.messages import Image, Video
from qvl.processing.image import load_image
from qvl.processing.processor import Processor
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video

_MOST_LISTED = 1000
_MOST_PLACES_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class LintReport:
    """What a set of samples is like.

    Attributes:
        num_samples: looked at.
        num_bad: with at least one problem of their own.
        problems: the first of them, each with its place.
        num_problems: all of them.
    """

    num_samples: int
    num_bad: int
    problems: tuple[Problem, ...]
    num_problems: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.num_problems

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.num_problems > len(self.problems):
            lines.append(f"... and {self.num_problems - len(self.problems)} more problems")
        lines.append(
            f"{self.num_samples} samples, {self.num_bad} bad, {self.num_problems} problems"
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(p.where)}</td><td>{html.escape(p.message)}</td></tr>"
            for p in self.problems
        )
        return (
            f"<p>{self.num_samples} samples, {self.num_bad} bad, {self.num_problems} problems</p>"
            f"<table>{rows}</table>"
        )

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "samples": self.num_samples,
            "bad": self.num_bad,
            "num_problems": self.num_problems,
            "problems": [problem._asdict() for problem in self.problems],
        }


@dataclass(kw_only=True)
class CoordinateEvidence:
    """Whether boxes are in pixels of the resized picture, or in thousandths of it.

    The rule, over the whole set: every number is at most 1000, there are at least `LEAST_PLACES`
    places, and one of two things holds that pixels do not explain:

    1. At least `OUTSIDE_SHARE` of the places in pictures with a side below 1000 px lie outside
       their picture. Annotations in pixels have a stray box, not every twentieth.
    2. Pictures with a side above 1000 px have no number beyond 1000, although by chance they
       would: the farthest of a picture's places is taken to lie anywhere along the side, so that
       it stays below 1000 with the probability 1000 / side, and in all pictures together with
       the product, which is less than `CHANCE`.

    Source: Qwen2-VL wrote thousandths (report section 2.1.2), Qwen2.5-VL pixels; the numbers of
    this rule are ours.
    """

    LEAST_PLACES = 20
    OUTSIDE_SHARE = 0.05
    CHANCE = 1e-3
    SCALE = 1000

    largest: float = 0.0
    num_places: int = 0
    num_small: int = 0
    num_outside: int = 0
    log_chance: float = 0.0

    def add(self, found: list[Place]) -> None:
        """Takes the places of a sample into account."""
        pictures: dict[int, list[Place]] = {}
        for place in found:
            pictures.setdefault(place.picture, []).append(place)
        for group in pictures.values():
            size = group[0].transform.resized
            self.num_places += len(group)
            self.largest = max(self.largest, *(max(place.raw) for place in group))
            if min(size) < self.SCALE:
                self.num_small += len(group)
                self.num_outside += sum(not place.is_inside for place in group)
            for side in size:
                if side > self.SCALE:
                    self.log_chance += math.log(self.SCALE / side)

    @property
    def is_thousandths(self) -> bool:
        """Whether the rule holds."""
        if self.num_places < self.LEAST_PLACES or self.largest > self.SCALE:
            return False
        leaves = self.num_small > 0 and self.num_outside >= self.OUTSIDE_SHARE * self.num_small
        return leaves or self.log_chance < math.log(self.CHANCE)


@dataclass(kw_only=True)
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    num_problems: int = 0
    bad: int = 0
    first_of_id: dict[bytes, int] = field(default_factory=dict)
    evidence: CoordinateEvidence = field(default_factory=CoordinateEvidence)

    def add(self, place: str, messages: list[str]) -> None:
        self.bad += bool(messages)
        self.num_problems += len(messages)
        room = _MOST_LISTED - len(self.problems)
        self.problems += [Problem(place, message) for message in messages[:room]]


def lint(
    data: Data,
    *,
    processor: Processor | None = None,
    max_tokens: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LintReport:
    """Looks at every sample, and at all of them together.

    Memory grows by about 150 bytes a sample, for the search of duplicates.

    Args:
        data: shards, an annotation file, or parquet files.
        processor: of the model that is trained; boxes are in pixels of the picture as it resizes
            it. None has the limits of the released models.
        max_tokens: most of a sample, as the processor counts them; None for any number.
        progress: called with how many samples are done, and how many there are.

    Raises:
        ConfigError: there is a most of tokens and no processor.
    """
    if max_tokens is not None and processor is None:
        raise ConfigError(f"max_tokens is {max_tokens:,}, and no processor counts tokens")
    limits = DEFAULT_LIMITS if processor is None else processor.settings.limits
    findings = _Findings()
    for number in range(len(data)):
        if progress is not None and number % 100 == 0:
            progress(number, len(data))
        place = where(data, number)
        try:
            sample = data[number]
        except QvlError as error:
            findings.add(place, [error.message.removeprefix(f"{place}: ")])
            continue
        messages = [*check_sample(sample)]
        try:
            found = places(sample, limits, questions=True)
            messages += _outside(found)
            if processor is not None and max_tokens is not None:
                messages += _longer(sample, processor, max_tokens)
            findings.evidence.add(found)
            key = bytes.fromhex(content_id(sample))
        except QvlError:
            pass  # its media cannot be read, which is said already
        else:
            first = findings.first_of_id.setdefault(key, number)
            if first != number:
                messages.append(f"the same as {where(data, first)}")
        findings.add(place, messages)
    if progress is not None:
        progress(len(data), len(data))
    return _report(data, findings)


def check_sample(sample: Sample) -> Iterator[str]:
    """Yields what is wrong with one sample: its media, its turns, its answers."""
    yield from _media_problems(sample)
    yield from turn_problems(sample)


def readable(sample: Sample) -> Sample:
    """Returns the sample as it is, its media decoded once; for `steps.map_step`.

    Raises:
        DataError: a picture is cut off or damaged, or a video cannot be read.
    """
    for problem in _media_problems(sample):
        raise DataError(problem)
    return sample


def _media_problems(sample: Sample) -> Iterator[str]:
    for number, part in enumerate(media_of(sample.conversation)):
        fault = _unreadable(part)
        if fault is not None:
            yield f"{'picture' if isinstance(part, Image) else 'video'} {number}: {fault}"
    yield from preference_problems(sample)


def _unreadable(part: Image | Video) -> str | None:
    """Why an item cannot be read, or None: pictures are decoded, videos read packet by packet."""
    try:
        if isinstance(part, Image):
            load_image(part.source)
        else:
            measure_video(part, DEFAULT_LIMITS)
    except QvlError as error:
        return error.message
    return None


def turn_problems(sample: Sample) -> Iterator[str]:
    """Yields what is wrong with the order of a sample's turns, and which are empty. A document is
    one turn, which nobody asked for."""
    roles = [message.role for message in sample.conversation.messages]
    spoken = [role for role in roles if role != "system"]
    is_document = sample.task == DOCUMENT and spoken == ["assistant"]
    if "system" in roles[1:]:
        yield "a system turn stands after the beginning"
    if spoken[:1] != ["user"] and not is_document:
        yield f"begins with a turn by {spoken[0] if spoken else 'nobody'}, expected user"
    if "assistant" not in spoken:
        yield "there is no answer"
    elif spoken[-1] != "assistant":
        yield f"ends with a turn by {spoken[-1]}, expected assistant"
    for before, after in pairwise(spoken):
        # A tool may answer more than once, and then the model goes on.
        if before == after != "tool" or (after == "tool" and before == "user"):
            yield f"a turn by {after} follows one by {before}"
            break
    for number, message in enumerate(sample.conversation.messages):
        if message.role == "assistant" and not answer_text(message).strip():
            yield f"turn {number} is an empty answer"
        elif message.role == "user" and not message.content:
            yield f"turn {number} is an empty question"


def _longer(sample: Sample, processor: Processor, max_tokens: int) -> list[str]:
    """The fault of a sample of which training would say the same: both count before they decode."""
    _, num_tokens = bill_of(sample, processor)
    return [too_long(num_tokens, max_tokens)] if num_tokens > max_tokens else []


def _outside(found: list[Place]) -> list[str]:
    outside = [place for place in found if not place.is_inside]
    messages = [
        f"turn {place.turn}: {_numbers(place.raw)} of {place.label!r} lies outside picture "
        f"{place.picture}, which is {place.transform.resized} as the model sees it"
        for place in outside[:_MOST_PLACES_NAMED]
    ]
    if len(outside) > _MOST_PLACES_NAMED:
        messages.append(f"{len(outside) - _MOST_PLACES_NAMED} more places lie outside")
    return messages


def _numbers(numbers: tuple[float, ...]) -> str:
    return f"({', '.join(f'{value:g}' for value in numbers)})"


def _report(data: Data, findings: _Findings) -> LintReport:
    evidence = findings.evidence
    whole: list[Problem] = []
    if not len(data):
        whole.append(Problem("all", "there are no samples"))
    if evidence.is_thousandths:
        message = (
            f"boxes look like thousandths of the picture, not pixels: of {evidence.num_places} "
            f"places none has a number above {evidence.largest:g}, and {evidence.num_outside} of "
            f"{evidence.num_small} in pictures below 1000 px lie outside them"
        )
        whole.append(Problem("all", message))
    return LintReport(
        num_samples=len(data),
        num_bad=findings.bad,
        problems=(*whole, *findings.problems),
        num_problems=findings.num_problems + len(whole),
    )
