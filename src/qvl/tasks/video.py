"""Moments of a video: how to ask for them, how to write them, how to read and check them.

Owns: prompts, the written forms, typed results in the time of the caller's own file. Does not own:
spellings that models invent (``moment_reader``), one time (``times``), drawing (``draw_video``).

    query -> prompt() -> model -> answer -> parse(answer, facts) -> VideoReading
    annotations -> to_model_time() -> format() -> training text

Models write times from the first frame they see; results count from the first frame of the file
when the facts of the video are given.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from qvl.errors import InputError
from qvl.tasks.json_repair import JsonValue
from qvl.tasks.moment_ranges import Span
from qvl.tasks.moment_reader import read
from qvl.tasks.times import TimeFormat, check_style, format_time
from qvl.video_facts import VideoFacts

Form = Literal["sentence", "json", "lines"]

ABSENT = "The given query does not occur in the video."
"""The sentence for no moment at all. Ours: no published answer says it."""

# Source: official cookbooks/video_understanding.ipynb; the last two are ours, in its words.
_FORMAT_REQUESTS: dict[TimeFormat, str] = {
    "seconds": "Use seconds for time format.",
    "mm:ss.ff": "Use ‘mm:ss.ff’ as time format.",
    "hh:mm:ss.ff": "Use ‘hh:mm:ss.ff’ as time format.",
    "hmsf": "Use ‘hh:mm:ss:ff’ as time format.",
}
_FORMAT_NAMES: dict[TimeFormat, str] = {"seconds": "seconds", "hmsf": "hh:mm:ss:ff"}

_SLACK_S = 0.005
"""Times are written to a hundredth of a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A stretch of a video; an instant has equal ends."""

    start_s: float
    """After the first frame of the file when `parse` had facts, else of what the model saw."""
    end_s: float
    label: str = ""
    """What happens then, if the answer says."""
    start_frame: int | None = None
    """The frame of the file shown nearest to ``start_s``; None without facts."""
    end_frame: int | None = None
    swapped: bool = False
    """True when the model wrote the end first."""
    clipped: bool = False
    """True when the model placed an end outside what it saw; ``raw`` has what it wrote."""
    off_grid: bool = False
    """True when the model saw no frame within it: it is finer than the sampling."""
    raw: str = field(default="", compare=False)
    """The words or the JSON that state it."""

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary, times to a thousandth of a second."""
        return {
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "start_frame": self.start_frame,
            "end_frame": self.end_frame,
            "label": self.label,
            "swapped": self.swapped,
            "clipped": self.clipped,
            "off_grid": self.off_grid,
            "raw": self.raw,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReading:
    """What an answer states, in the order it states it."""

    moments: tuple[Moment, ...]
    text: str
    """The whole answer."""
    answered: bool
    """True when the answer states times, or that there are none; False for prose alone."""
    truncated: bool
    """True when the answer ended in the middle; what was cut off is not in ``moments``."""
    problems: tuple[str, ...] = ()
    """What was stated but could not be used, one line each."""


def prompt(query: str, *, style: TimeFormat | None = "mm:ss.ff") -> str:
    """The words that ask when something happens.

    Source: official cookbooks/video_understanding.ipynb.

    >>> prompt("a goal", style="seconds")
    "Give the query: 'a goal', when does the described content occur in the video? \
Use seconds for time format."

    Args:
        query: what to look for, in words.
        style: how times are to be written; None leaves that open.

    Raises:
        InputError: an empty query or an unknown format.
    """
    if not query.strip():
        raise InputError("nothing to look for", hint="describe it, for example 'the goal'")
    if style is not None:
        check_style(style)
    asked = (
        f"Give the query: '{query.strip()}', when does the described content occur in the video?"
    )
    return asked if style is None else f"{asked} {_FORMAT_REQUESTS[style]}"


def description_prompt(*, style: TimeFormat = "mm:ss.ff") -> str:
    """The words that ask for everything that happens, with times.

    Source: official cookbooks/video_understanding.ipynb.
    """
    check_style(style)
    name = _FORMAT_NAMES.get(style, style)
    return (
        "Localize a series of activity events in the video, output the start and end timestamp "
        "for each event, and describe each event with sentences. Provide the result in json "
        f"format with '{name}' format for time depiction."
    )


def parse(
    text: str,
    *,
    facts: VideoFacts | None = None,
    fps: float | None = None,
    is_cut: bool = False,
) -> VideoReading:
    """Reads the moments of an answer and checks them; never fails on what a model wrote.

    Ends written in the wrong order are put right and flagged. An end outside the part that the
    model saw is moved to its border and flagged; a moment that lies outside altogether is a
    problem, no moment.

    >>> parse("The event happens in 01:32.40 - 01:35.60.").moments
    (Moment(start_s=92.4, end_s=95.6, label='', start_frame=None, end_frame=None, swapped=False, \
clipped=False, off_grid=False, raw='01:32.40 - 01:35.60'),)

    Args:
        text: the model's answer, in any of the documented forms or near them.
        facts: of the video as the model saw it; without them times stay as written.
        fps: frames per second for times in hmsf; by default that of the facts.
        is_cut: a limit ended the answer, so a time at its very end may lack digits.
    """
    rate = facts.fps if fps is None and facts is not None else fps
    reading = read(text, fps=rate, is_cut=is_cut)
    problems = list(reading.problems)
    moments = []
    for span in reading.spans:
        moment = _ordered(span)
        checked = moment if facts is None else _checked(moment, facts)
        if checked is not None:
            moments.append(checked)
        elif facts is not None:
            problems.append(
                f"{span.raw[:80]} lies outside what the model saw, "
                f"0 to {facts.end_s - facts.start_s:.2f} s"
            )
    return VideoReading(
        moments=tuple(moments),
        text=text,
        answered=reading.answered,
        truncated=reading.truncated or is_cut,
        problems=tuple(problems),
    )


def _ordered(span: Span) -> Moment:
    return Moment(
        start_s=min(span.start_s, span.end_s),
        end_s=max(span.start_s, span.end_s),
        label=span.label,
        swapped=span.start_s > span.end_s,
        raw=span.raw,
    )


def _checked(moment: Moment, facts: VideoFacts) -> Moment | None:
    """In the time of the file and inside what the model saw; None if nothing of it is."""
    start_s, end_s = facts.start_s + moment.start_s, facts.start_s + moment.end_s
    first_s, last_s = facts.start_s, facts.end_s
    if end_s < first_s - _SLACK_S or start_s > last_s + _SLACK_S:
        return None
    clipped = start_s < first_s - _SLACK_S or end_s > last_s + _SLACK_S
    start_s, end_s = max(start_s, first_s), min(end_s, last_s)
    start_s, end_s = min(start_s, last_s), max(end_s, first_s)
    return replace(
        moment,
        start_s=start_s,
        end_s=end_s,
        start_frame=facts.frame_at(start_s),
        end_frame=facts.frame_at(end_s),
        clipped=clipped,
        off_grid=facts.num_samples_within(start_s, end_s) == 0,
    )


def to_model_time(moment: Moment, facts: VideoFacts) -> Moment:
    """Time of the file to the time that a model writes: after the first frame it sees."""
    last_s = facts.end_s - facts.start_s
    return Moment(
        start_s=min(max(moment.start_s - facts.start_s, 0.0), last_s),
        end_s=min(max(moment.end_s - facts.start_s, 0.0), last_s),
        label=moment.label,
    )


def format(
    moments: Sequence[Moment],
    *,
    form: Form = "sentence",
    style: TimeFormat = "mm:ss.ff",
    fps: float | None = None,
) -> str:
    """Writes an answer as the model writes it; `parse` reads it back unchanged.

    >>> format([Moment(start_s=64, end_s=72)], style="seconds")
    'The given query happens in 64.0 - 72.0 seconds.'
    >>> format([Moment(start_s=5, end_s=9.5, label="A man jumps.")], form="lines")
    '00:05.00 - 00:09.50: A man jumps.'

    Args:
        moments: in the model's time; written to a hundredth of a second, or to a frame in hmsf.
        form: "sentence" for moments without labels, "json" and "lines" for events with them.
        style: how times are written.
        fps: frames per second, for hmsf.

    Raises:
        InputError: an unknown form or format, or one that cannot hold a moment.
    """
    if form not in get_args(Form):
        raise InputError(f"form is {form!r}, expected one of {', '.join(get_args(Form))}")
    pairs = [
        (
            format_time(moment.start_s, style=style, fps=fps),
            format_time(moment.end_s, style=style, fps=fps),
        )
        for moment in moments
    ]
    for moment in moments:
        _check_holds(moment, form)
    if form == "json":
        records = [
            {"start_time": start, "end_time": end, "description": moment.label}
            for (start, end), moment in zip(pairs, moments, strict=True)
        ]
        return f"```json\n{json.dumps(records, ensure_ascii=False, indent=4)}\n```"
    ranges = [f"{start} - {end}" for start, end in pairs]
    unit = " seconds" if style == "seconds" else ""
    if form == "lines":
        return "\n".join(
            f"{stretch}{unit}: {moment.label}" if moment.label else f"{stretch}{unit}"
            for stretch, moment in zip(ranges, moments, strict=True)
        )
    if not ranges:
        return ABSENT
    subject = "The given query" if style == "seconds" else "The event"
    return f"{subject} happens in {', '.join(ranges)}{unit}."


def _check_holds(moment: Moment, form: Form) -> None:
    if moment.end_s < moment.start_s:
        raise InputError(f"moment ends at {moment.end_s} s before it starts at {moment.start_s} s")
    label = moment.label
    if form == "sentence" and label:
        raise InputError(f"form 'sentence' cannot hold the label {label!r}", hint="use form='json'")
    if form == "lines" and label:
        one_line = label.isprintable() and label == " ".join(label.split(" ")).strip()
        # Signs alone are read as punctuation, brackets as JSON.
        if not one_line or not any(map(str.isalnum, label)) or re.search(r"[\[{]", label):
            raise InputError(
                f"form 'lines' cannot hold the label {label!r}, expected one printable line of "
                "words without brackets",
                hint="use form='json'",
            )
