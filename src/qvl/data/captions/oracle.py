"""A captioner that knows: it reads from the events of a drawn film what a window shows.

Owns: true captions of drawn videos, in the place of a model. Does not own: the films.

    Sample of a drawn film -> film_captioner() -> FilmCaptioner (a TextGenerator)
        question about a window -> times in its words -> sentences of the events then
        question about captions -> their sentences, told once each

Drawn long videos get their captions from it. As it makes no mistakes, what is wrong in a long
caption is the fault of windows and merging, which is how those are judged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qvl.data.records import Sample
from qvl.data.synth.video.questions import TOLD
from qvl.errors import DataError
from qvl.messages import Conversation, GenerationResult, SamplingParams, Text
from qvl.tasks.times import parse_time

_SPAN = re.compile(r"frames of a video, from (\S+) to (\S+)\. ")
_LISTED = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_SENTENCE = re.compile(r"[^.]+\.")
_ROUNDING_S = 0.006
"""Times in a question are rounded to a hundredth of a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmEvent:
    """What the oracle knows of one event."""

    kind: str
    start_s: float
    end_s: float
    sentence: str


def film_captioner(sample: Sample) -> "FilmCaptioner":
    """Returns the captioner of a sample of ``synth.video``.

    Raises:
        DataError: its facts tell no events.
    """
    try:
        events = tuple(
            FilmEvent(kind=kind, start_s=start_s, end_s=end_s, sentence=sentence)
            for kind, start_s, end_s, _, sentence, _ in sample.facts["events"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"facts of a {sample.task!r} sample tell no events, expected those of a drawn film"
        ) from error
    return FilmCaptioner(events=events)


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmCaptioner:
    """Answers the questions of `captioner` from the events of a film."""

    events: tuple[FilmEvent, ...]

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers each question; the words are those of the events."""
        return [_result(self._answer(conversation)) for conversation in conversations]

    def _answer(self, conversation: Conversation) -> str:
        words = " ".join(
            part.text for part in conversation.messages[-1].content if isinstance(part, Text)
        )
        span = _SPAN.search(words)
        if span is None:
            return _told_once(_LISTED.findall(words))
        start_s, end_s = (parse_time(text) for text in span.groups())
        if start_s is None or end_s is None:
            raise DataError(f"question about a window without times: {words[:80]!r}")
        return self.caption(start_s, end_s)

    def caption(self, start_s: float, end_s: float) -> str:
        """What is to be seen between two times: the places, then what happens."""
        scenes = [
            e.sentence for e in self.events
            if e.kind == "scene" and e.start_s < end_s - _ROUNDING_S
            and e.end_s > start_s + _ROUNDING_S
        ]  # fmt: skip
        told = [
            e.sentence for e in self.events
            if e.kind in TOLD and e.kind != "slide" and start_s - _ROUNDING_S <= e.start_s
            and e.start_s < end_s - _ROUNDING_S
        ]  # fmt: skip
        return " ".join([*scenes, *told])


def _told_once(captions: Sequence[str]) -> str:
    """The sentences of captions in order; of what is said again, the first."""
    sentences = [match.strip() for text in captions for match in _SENTENCE.findall(text)]
    return " ".join(dict.fromkeys(sentences))


def _result(text: str) -> GenerationResult:
    return GenerationResult(
        text=text, token_ids=(), finish_reason="stop", prompt_tokens=0, completion_tokens=0
    )
