"""Asking a model the questions of a benchmark, and going on where an earlier run stopped.

Owns the order of a run, batches, what becomes of questions that fail. Does not own answers on disk
(``answers``), scores (``scoring``), the model.

    questions - answered ones -> batches -> TextGenerator -> answers.jsonl, failures.jsonl

A question that cannot be answered is written down with the reason, asked again by the next run, and
counts as wrong until then. Nothing is left out of the count.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from qvl.data.atomic import whole_file
from qvl.endpoint.client import SomeUnanswered
from qvl.errors import ConfigError, DataError, QvlError
from qvl.evaluation.answers import Answer, AnswerFile, cut_to_length, sizes_of
from qvl.evaluation.benchmark import Question
from qvl.geometry import PixelLimits, ResizeTransform
from qvl.messages import (
    Conversation,
    GenerationResult,
    Image,
    SamplingParams,
    TextGenerator,
    Video,
)
from qvl.processing.media import measure_media
from qvl.processing.settings import DEFAULT_LIMITS

FAILURES = "failures.jsonl"
# So many batches without a single answer mean that the model is gone, not that questions are bad.
_MOST_EMPTY_BATCHES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        done: questions answered, earlier runs included.
        failed: of this run.
        total: questions.
        seconds_left: at the pace of this run.
    """

    done: int
    failed: int
    total: int
    seconds_left: float


@dataclass(kw_only=True, slots=True)
class RunSummary:
    """What a run did.

    Attributes:
        answered: questions that have an answer now.
        new: answered by this run.
        failures: reason of each question that failed, by its key.
        generating_s: seconds in which the model worked.
        wall_s: seconds of all of it.
    """

    answered: int = 0
    new: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    generating_s: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """How questions are asked.

    Attributes:
        generator: answers conversations.
        params: of drawing answers.
        limits: pixel limits of the model, for parts that have none of their own.
        batch_size: questions that are given to the model at once.
    """

    generator: TextGenerator
    params: SamplingParams
    limits: PixelLimits = DEFAULT_LIMITS
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"batch_size is {self.batch_size}, expected 1 or more")


def ask_all(
    questions: Iterable[Question],
    folder: Path,
    asking: Asking,
    *,
    total: int = 0,
    report: Callable[[Progress], None] = lambda progress: None,
) -> RunSummary:
    """Asks every question that has no answer yet.

    Args:
        questions: of the run.
        folder: of the run.
        asking: the model, and how it is asked.
        total: questions, for progress.
        report: called after each batch.

    Raises:
        DataError: answers cannot be written or are damaged, or nothing is answered any more.
        ConfigError: the model refuses every question for good.
    """
    began = time.monotonic()
    file, summary = AnswerFile(folder), RunSummary()
    summary.answered = len(file.keys)
    empty = 0
    todo = (q for q in questions if q.key not in file.keys and not q.broken)
    try:
        for batch in _batches(todo, asking.batch_size):
            start = time.monotonic()
            answers, failures = _ask(batch, asking)
            summary.generating_s += time.monotonic() - start
            file.append(answers)
            summary.failures.update(failures)
            summary.answered, summary.new = len(file.keys), summary.new + len(answers)
            report(_progress(summary, total=total, seconds=time.monotonic() - began))
            empty = 0 if answers else empty + 1
            if empty == _MOST_EMPTY_BATCHES:
                reason = next(reversed(failures.values()))
                raise DataError(
                    f"{empty} batches in a row got no answer; the last reason: {reason}",
                    hint="the same command goes on with the questions that are left",
                )
    finally:  # after Ctrl-C as well
        write_failures(folder, summary.failures)
        summary.wall_s = time.monotonic() - began
    return summary


def _progress(summary: RunSummary, *, total: int, seconds: float) -> Progress:
    """How far a run is, and how long the rest takes if it is no slower."""
    failed = len(summary.failures)
    left = max(0, total - summary.answered - failed)
    return Progress(
        done=summary.answered,
        failed=failed,
        total=total,
        seconds_left=seconds * left / max(1, summary.new + failed),
    )


def _batches(questions: Iterator[Question], size: int) -> Iterator[list[Question]]:
    while batch := list(islice(questions, size)):
        yield batch


def _ask(batch: Sequence[Question], asking: Asking) -> tuple[list[Answer], dict[str, str]]:
    """Answers, and reasons of the questions without one."""
    start = time.monotonic()
    failures: dict[str, str] = {}
    measured: list[tuple[Question, tuple[ResizeTransform, ...]]] = []
    for question in batch:
        try:
            measured.append((question, transforms_of(question.conversation, asking.limits)))
        except QvlError as error:
            failures[question.key] = error.message
    results = _results([question for question, _ in measured], asking) if measured else []
    seconds = (time.monotonic() - start) / max(1, len(measured))
    answers = []
    for (question, transforms), result in zip(measured, results, strict=True):
        if isinstance(result, QvlError):
            failures[question.key] = result.message
            continue
        text, cut = cut_to_length(result.text)
        answers.append(
            Answer(
                key=question.key,
                text=text,
                finish_reason=result.finish_reason,
                sizes=sizes_of(transforms),
                prompt_tokens=result.prompt_tokens,
                completion_tokens=result.completion_tokens,
                seconds=round(seconds, 4),
                cut_characters=cut,
            )
        )
    return answers, failures


def _results(batch: Sequence[Question], asking: Asking) -> list[GenerationResult | QvlError]:
    """The batch's results; when one question spoils it, each is asked alone."""
    try:
        return [*asking.generator.generate([q.conversation for q in batch], asking.params)]
    except SomeUnanswered as partly:
        return [*partly.results]
    except ConfigError:
        raise
    except QvlError as error:
        if len(batch) == 1:
            return [error]
        return [result for question in batch for result in _results([question], asking)]


def transforms_of(conversation: Conversation, limits: PixelLimits) -> tuple[ResizeTransform, ...]:
    """Returns how the pictures and videos of a conversation are resized, by their headers.

    Raises:
        InputError: one cannot be read.
    """
    return tuple(
        measure_media(part, limits).transform
        for message in conversation.messages
        for part in message.content
        if isinstance(part, Image | Video)
    )


def write_failures(folder: Path, failures: Mapping[str, str]) -> None:
    """Replaces the reasons of the run before, at once.

    Raises:
        DataError: they cannot be written.
    """
    lines = [json.dumps({"key": key, "reason": why}) + "\n" for key, why in failures.items()]
    with whole_file(folder / FAILURES) as file:
        file.write("".join(lines).encode())


def read_failures(folder: Path) -> dict[str, str]:
    """Reasons of the questions that the last run could not answer, by their keys.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / FAILURES
    if not path.exists():
        return {}
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return {str(line["key"]): str(line["reason"]) for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged: {error}", hint="delete it: reasons only are lost, no answers"
        ) from error
