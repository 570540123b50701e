"""Gives long videos long captions: windows, captions of each, like ones merged, a summary.

Owns: the step that does it, and what the sample says in the end. Does not own: any of the parts.

    Sample with a video -> windows -> captions -> merged -> summary
        -> Sample: "describe in detail" -> text;  "give the events" -> JSON with times

Source: report section 2.2.1: for videos of more than half an hour, long captions are made from
multi-frame captions; how, it does not say.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from qvl.data.captions.captioner import (
    Asking,
    Tally,
    answer_all,
    summary_question,
    window_question,
)
from qvl.data.captions.merging import SAME, Caption, merge_captions, summarise
from qvl.data.captions.windows import Window, WindowRule, windows_of
from qvl.data.encoding import media_of
from qvl.data.records import Sample
from qvl.data.steps import Failed, Kept, Outcome, Step, batch_step
from qvl.errors import DataError
from qvl.messages import Conversation, Message, Text, TextGenerator, Video
from qvl.tasks import video as video_task
from qvl.tasks.times import TimeFormat
from qvl.tasks.video import Moment

DETAIL_PROMPT = "Describe this video in detail, from beginning to end."

MOST_WINDOWS = 2000
"""Of one video: a bound on what one sample may cost."""

CaptionerFor = Callable[[Sample], TextGenerator]
"""The model that captions a sample: one for all, or an oracle that knows the sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionRule:
    """How long captions are made.

    Attributes:
        windows: how the video is cut up.
        asking: how the model is asked.
        same: likeness from which on neighbours are joined.
        style: of the times in the list of events.
    """

    windows: WindowRule = WindowRule()  # noqa: RUF009 - frozen
    asking: Asking = Asking()  # noqa: RUF009 - frozen
    same: float = SAME
    style: TimeFormat = "hh:mm:ss.ff"


def caption_step(name: str, captioner: CaptionerFor, rule: CaptionRule) -> Step:
    """Answers samples that have a video and no answer yet; the others go on as they are.

    A sample of which a window, or a summary, has no usable answer after all tries is put aside as
    failed, with the reasons. Answers are kept in the store, so that it is cheap to try again.

    Args:
        name: of the step.
        captioner: sample -> the model to ask.
        rule: how.
    """
    return batch_step(name, partial(_caption_batch, captioner, rule), batch_size=1)


def _caption_batch(
    captioner: CaptionerFor, rule: CaptionRule, samples: Sequence[Sample]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for sample in samples:
        if any(message.role == "assistant" for message in sample.conversation.messages):
            outcomes.append(Kept(samples=(sample,)))
            continue
        try:
            outcomes.append(Kept(samples=(captioned(sample, captioner(sample), rule),)))
        except DataError as error:
            outcomes.append(Failed(message=error.message))
    return outcomes


def captioned(sample: Sample, generator: TextGenerator, rule: CaptionRule) -> Sample:
    """Returns the sample with a long caption and a list of events with times as its answers.

    Args:
        sample: with one video and no answers.
        generator: the captioner.
        rule: how.

    Raises:
        DataError: no video, too many windows, or a question without a usable answer.
        InputError: the video cannot be read.
    """
    videos = [part for part in media_of(sample.conversation) if isinstance(part, Video)]
    if len(videos) != 1:
        raise DataError(f"sample has {len(videos)} videos, expected 1 to be captioned")
    tally = Tally()
    captions = _captions(videos[0], generator, rule, tally)
    merged = merge_captions(captions, same=rule.same)
    summary = summarise(
        [caption.text for caption in merged], partial(_sum_up, generator, rule.asking, tally)
    )
    moments = [Moment(start_s=c.start_s, end_s=c.end_s, label=c.text) for c in merged]
    turns = (
        Message("user", (videos[0], Text(DETAIL_PROMPT))),
        Message("assistant", (Text(summary),)),
        Message("user", (Text(video_task.description_prompt(style=rule.style)),)),
        Message(
            "assistant", (Text(video_task.format(moments, form="json", style=rule.style)),)
        ),
    )  # fmt: skip
    counts = {"caption windows": len(captions), "captions asked again": tally.again}
    provenance = replace(sample.provenance, scores={**sample.provenance.scores, **counts})
    return replace(sample, conversation=Conversation(turns), provenance=provenance)


def _captions(
    video: Video, generator: TextGenerator, rule: CaptionRule, tally: Tally
) -> list[Caption]:
    spans: list[Window] = []
    captions = []
    questions = (window_question(window) for window in _noted(video, rule, spans))
    for number, text in enumerate(answer_all(generator, questions, rule.asking, tally)):
        span = spans[number]
        if text is not None:
            captions.append(
                Caption(start_s=span.start_s, end_s=span.end_s, text=text, is_cut=span.is_cut)
            )
    _all_answered(tally, len(spans), "windows")
    return captions


def _noted(video: Video, rule: CaptionRule, spans: list[Window]) -> Iterator[Window]:
    """The windows; of those that went by their times are remembered, not their frames."""
    for window in windows_of(video, rule.windows):
        if len(spans) == MOST_WINDOWS:
            raise DataError(f"video has more than {MOST_WINDOWS:,} windows to be captioned")
        spans.append(replace(window, frames=(), times_s=()))
        yield window


def _sum_up(
    generator: TextGenerator, asking: Asking, tally: Tally, groups: Sequence[Sequence[str]]
) -> list[str]:
    """A text for each group; a group of one is its own."""
    long = [group for group in groups if len(group) > 1]
    answers = list(answer_all(generator, map(summary_question, long), asking, tally))
    _all_answered(tally, len(long), "summaries")
    rest = iter([text for text in answers if text is not None])
    return [next(rest) if len(group) > 1 else group[0] for group in groups]


def _all_answered(tally: Tally, count: int, what: str) -> None:
    if tally.unanswered:
        reasons = sorted(set(tally.unanswered))
        raise DataError(
            f"{len(tally.unanswered)} of {count} {what} have no caption: {'; '.join(reasons[:3])}",
            hint="run it again with the same store: only these are asked again",
        )
