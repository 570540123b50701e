"""Asks a model for captions: of windows of a video, and of captions themselves.

Owns: prompts, asking again, counting, keeping answers. Does not own: which windows there are
(`windows`), what becomes of the captions (`merging`, `long_captions`).

    conversations -> kept answer? -> TextGenerator, a few at a time -> usable? -> text | asked again

An answer counts when it is whole and says something. What is not answered after all tries is
reported with its reason; nothing stands in for it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from qvl.data.captions.windows import Window
from qvl.data.shard_index import write_json
from qvl.endpoint.client import SomeUnanswered
from qvl.errors import DataError, QvlError
from qvl.messages import (
    Conversation,
    GenerationResult,
    Image,
    SamplingParams,
    Text,
    TextGenerator,
    Video,
)
from qvl.tasks.times import format_time

_LEAST_LETTERS = 8
_RETRY_TEMPERATURE = 0.7


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """How captions are asked for.

    Attributes:
        params: of the first try; later ones are drawn at a higher temperature, with another seed.
        tries: for each question.
        batch_size: questions in one call of the model, and windows in memory at once.
        store: folder in which answers are kept from one run to the next; None keeps none.
    """

    params: SamplingParams = SamplingParams(max_tokens=256)  # noqa: RUF009 - frozen
    tries: int = 3
    batch_size: int = 8
    store: Path | None = None


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was asked so far.

    Attributes:
        asked: questions put to the model.
        again: of these, repeated ones.
        kept: questions answered by the store.
        unanswered: for each question given up, why.
    """

    asked: int = 0
    again: int = 0
    kept: int = 0
    unanswered: list[str] | None = None

    def give_up(self, reason: str) -> None:
        """Remembers a question without an answer."""
        self.unanswered = [*(self.unanswered or []), reason]


def window_prompt(window: Window) -> str:
    """The words that ask for the caption of a window."""
    start, end = (format_time(s, style="hh:mm:ss.ff") for s in (window.start_s, window.end_s))
    return (
        f"These are frames of a video, from {start} to {end}. Describe in one to three sentences "
        "where this takes place, who and what is there, and what happens, in order. Tell only what "
        "can be seen."
    )


def window_question(window: Window) -> Conversation:
    """What a model is asked about a window: its frames as a video at their rate, and the words."""
    if len(window.frames) == 1:
        return Conversation.user(Image(window.frames[0]), Text(window_prompt(window)))
    span_s = window.times_s[-1] - window.times_s[0]
    video = Video(list(window.frames), fps=(len(window.frames) - 1) / span_s)
    return Conversation.user(video, Text(window_prompt(window)))


def summary_question(captions: Sequence[str]) -> Conversation:
    """What a model is asked to make one paragraph of captions that follow one another."""
    listed = "\n".join(f"{number}. {text}" for number, text in enumerate(captions, start=1))
    return Conversation.user(
        "These captions describe consecutive parts of one video:\n"
        f"{listed}\n"
        "Write one paragraph that tells what the video shows from beginning to end, in order. Use "
        "only what the captions say, and do not mention captions."
    )


def answer_all(
    generator: TextGenerator, questions: Iterable[Conversation], asking: Asking, tally: Tally
) -> Iterator[str | None]:
    """Yields the answer to each question in order, or None where there is none.

    Args:
        generator: the model.
        questions: taken as many at a time as are asked at once.
        asking: how.
        tally: is added to.

    Raises:
        ConfigError: the model refuses to answer anything at all.
    """
    rest = iter(questions)
    while batch := list(islice(rest, asking.batch_size)):
        yield from _answer_batch(generator, batch, asking, tally)


def _answer_batch(
    generator: TextGenerator, batch: Sequence[Conversation], asking: Asking, tally: Tally
) -> list[str | None]:
    keys = [_key(question, asking.params) for question in batch]
    found = [_stored(asking.store, key) for key in keys]
    tally.kept += sum(text is not None for text in found)
    reasons = [""] * len(batch)
    for attempt in range(asking.tries):
        open_places = [place for place, text in enumerate(found) if text is None]
        if not open_places:
            break
        tally.asked += len(open_places)
        tally.again += len(open_places) if attempt else 0
        params = asking.params if not attempt else _bolder(asking.params, attempt)
        answers = _answers(generator, [batch[place] for place in open_places], params)
        for place, answer in zip(open_places, answers, strict=True):
            reasons[place] = _fault(answer) or ""
            if isinstance(answer, GenerationResult) and not reasons[place]:
                found[place] = " ".join(answer.text.split())
                _store(asking.store, keys[place], found[place])
    for text, reason in zip(found, reasons, strict=True):
        if text is None:
            tally.give_up(reason)
    return found


def _answers(
    generator: TextGenerator, questions: Sequence[Conversation], params: SamplingParams
) -> Sequence[GenerationResult | QvlError]:
    try:
        answers: Sequence[GenerationResult | QvlError] = generator.generate(questions, params)
    except SomeUnanswered as error:
        answers = error.results
    if len(answers) != len(questions):
        raise DataError(f"a captioner gave {len(answers)} answers to {len(questions)} questions")
    return answers


def _fault(answer: GenerationResult | QvlError) -> str | None:
    """Why an answer cannot be used."""
    if isinstance(answer, QvlError):
        return answer.message
    if answer.finish_reason != "stop":
        return "the answer was cut off"
    if sum(map(str.isalpha, answer.text)) < _LEAST_LETTERS:
        return "the answer says nothing"
    return None


def _bolder(params: SamplingParams, attempt: int) -> SamplingParams:
    """A greedy model would only repeat itself."""
    temperature = max(params.temperature, _RETRY_TEMPERATURE)
    return replace(params, temperature=temperature, seed=(params.seed or 0) + attempt)


def _key(question: Conversation, params: SamplingParams) -> str:
    """The same for the same words, pixels and parameters."""
    digest = hashlib.sha256(repr(params).encode())
    for message in question.messages:
        for part in message.content:
            if isinstance(part, Text):
                digest.update(part.text.encode("utf-8", "surrogatepass"))
                continue
            frames = part.source if isinstance(part.source, list) else [part.source]
            for frame in frames:
                pixels = np.asarray(frame)
                digest.update(f"{pixels.shape}".encode())
                digest.update(pixels.tobytes())
    return digest.hexdigest()[:32]


def _stored(store: Path | None, key: str) -> str | None:
    if store is None:
        return None
    try:
        text = json.loads((store / key[:2] / f"{key}.json").read_text(encoding="utf-8"))["text"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not asked yet, or a damaged file: ask
    return text if isinstance(text, str) else None


def _store(store: Path | None, key: str, text: str | None) -> None:
    if store is None:
        return
    folder = store / key[:2]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{key}.json", {"text": text})
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error
