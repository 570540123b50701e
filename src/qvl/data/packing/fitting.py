"""Samples that are larger than a pack, made to fit.

Owns: smaller pictures, fewer turns. Does not own: who measures them (``lengths``), or what is done
with those that do not fit (``planned``).

    Source of samples + budget -> FittedSource -> the same samples, none larger than the budget

Nothing is cut inside a picture, a video or an answer. Sizes are told from the heads of files.
"""

import bisect
from dataclasses import dataclass, replace
from typing import Literal

from qvl.data.fingerprint import fingerprint
from qvl.data.lengths import bill_of, undecoded
from qvl.data.packing import PackBudget
from qvl.data.places import places
from qvl.data.records import Sample
from qvl.data.sources import Source
from qvl.errors import ConfigError, DataError
from qvl.messages import Conversation, Part, Text
from qvl.processing.media import MediaPlan
from qvl.processing.processor import Processor

Fitting = Literal["shrink", "cut"]

LEAST_SHARE = 0.25
"""Pictures keep at least this share of their pixels, half of each side: small print is lost below.
"""

_FINER = 0.95
"""Between two tries; sizes come in steps of 28 px, so the first guess may be a little too large."""

TOO_SMALL = f"too long even with {LEAST_SHARE:.0%} of the pixels of its pictures"
NO_PICTURES = "too long, and without pictures to shrink"
COORDINATES = "too long, and its answers hold coordinates in its pictures"
PREFERENCE = "too long, and a preference, whose answers cannot be left out"
ONE_ANSWER = "too long even with its first answer alone"


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedSource:
    """Samples of a source, those too large for a pack made smaller.

    Attributes:
        source: of the samples.
        processor: whose tokens are counted.
        budget: of a pack.
        how: "shrink" lowers the resolution of all pictures and videos of a sample alike; "cut"
            leaves out whole exchanges from the end of the conversation, up to an answer.
    """

    source: Source
    processor: Processor
    budget: PackBudget
    how: Fitting

    def __post_init__(self) -> None:
        if self.how not in ("shrink", "cut"):
            raise ConfigError(f"samples are made to fit by {self.how!r}, expected shrink or cut")

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, number: int, /) -> Sample:
        """Returns a sample that fits; it keeps what else is known of it.

        Raises:
            DataError: it cannot be made to fit; the message is one of a few, to be counted.
        """
        sample = undecoded(self.source, number)
        if self._fits(sample):
            return sample
        return self._shrunk(sample) if self.how == "shrink" else self._cut(sample)

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the samples and of what they are made to fit."""
        return fingerprint(self.source.fingerprint(start, stop), self.budget, self.how)

    def _fits(self, sample: Sample) -> bool:
        bill, tokens = bill_of(sample, self.processor)
        return tokens <= self.budget.max_tokens and bill.num_patches <= self.budget.max_patches

    def _shrunk(self, sample: Sample) -> Sample:
        bill, tokens = bill_of(sample, self.processor)
        if not bill.items:
            raise DataError(NO_PICTURES)
        # Coordinates are in pixels of the resized picture: in a smaller one they would be wrong.
        if sample.targets is not None or places(
            sample, self.processor.settings.limits, questions=True
        ):
            raise DataError(COORDINATES)
        least = self.processor.settings.limits.min_pixels
        share = min(
            (self.budget.max_tokens - tokens) / bill.media_tokens + 1,
            self.budget.max_patches / bill.num_patches,
        )
        while share >= LEAST_SHARE:
            smaller = _resized(sample.conversation, bill.items, share, least=least)
            if self._fits(replace(sample, conversation=smaller)):
                return replace(sample, conversation=smaller)
            share *= _FINER
        raise DataError(TOO_SMALL)

    def _cut(self, sample: Sample) -> Sample:
        if sample.rejected:  # they stand in place of the last answer
            raise DataError(PREFERENCE)
        messages = sample.conversation.messages
        shorter = [
            replace(sample, conversation=replace(sample.conversation, messages=messages[:end]))
            for end in range(1, len(messages))
            # After a call comes its result.
            if messages[end - 1].role == "assistant" and messages[end].role != "tool"
        ]
        fitting = bisect.bisect_left(shorter, True, key=lambda one: not self._fits(one))
        if not fitting:
            raise DataError(ONE_ANSWER)
        return shorter[fitting - 1]


def _resized(
    conversation: Conversation, items: tuple[MediaPlan, ...], share: float, *, least: int
) -> Conversation:
    """All pictures, and frames of videos, with this share of their pixels."""
    plans = iter(items)

    def smaller(part: Part) -> Part:
        if isinstance(part, Text):
            return part
        height, width = next(plans).transform.resized
        most = max(1, int(height * width * share))
        return replace(
            part,
            max_pixels=most,
            min_pixels=min(least if part.min_pixels is None else part.min_pixels, most),
            resized_height=None,
            resized_width=None,
        )

    messages = [
        replace(message, content=tuple(map(smaller, message.content)))
        for message in conversation.messages
    ]
    return replace(conversation, messages=tuple(messages))
