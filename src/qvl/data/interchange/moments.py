"""Found videos with moments: a folder of files and a list of what happens when -> samples.

Owns: the spellings of such lists, finding the files, one sample a video. Does not own: questions
about single moments (`asked_one_by_one` makes a sample for each), decoding.

    annotations + folder -> MomentFile[number] -> Sample: a video at a rate of the rule, its events
        -> flat_map_step(asked_one_by_one) -> Sample: when does this happen?

Spellings, told apart by their shape:

    {"ID": {"duration": 82.7, "timestamps": [[0.8, 19.9]], "sentences": ["..."]}}    ActivityNet
    {"vid": "ID", "query": "...", "duration": 150, "relevant_windows": [[12, 40]]}   QVHighlights
    ID 24.3 30.4##a person opens a door                                              Charades-STA
    [{"video": "a.mp4", "moments": [{"start": 1.5, "end": 4, "description": "..."}]}]

Source: the annotation files of ActivityNet Captions (Krishna et al. 2017), QVHighlights (Lei et al.
2021), Charades-STA (Gao et al. 2017).
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np

from qvl.data.fingerprint import fingerprint
from qvl.data.frame_rates import RateRule, even_rates, possible_rates
from qvl.data.records import Provenance, Sample
from qvl.errors import ConfigError, DataError, QvlError
from qvl.messages import Conversation, Message, Text, Video
from qvl.options import shown
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.sources import VIDEO_SUFFIXES
from qvl.processing.video import measure_video
from qvl.tasks import video as video_task
from qvl.tasks.times import TimeFormat
from qvl.tasks.video import Moment
from qvl.video_facts import VideoFacts

MAX_FILE_BYTES = 2**30
"""Largest list that is read: all of it is in memory."""

OVERRUN_S = 2.0
"""How far a moment may reach beyond the end of its video; annotators' players round."""

_USUAL_FPS = 30.0
_LINE = re.compile(r"(\S+)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s*##\s*(.+)")
_STYLES: tuple[TimeFormat, ...] = tuple(s for s in get_args(TimeFormat) if s != "hmsf")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatedVideo:
    """What a list says of one video.

    Attributes:
        name: of its file, with or without ending.
        duration_s: as stated; None when it is not.
        moments: start, end and words of each.
    """

    name: str
    duration_s: float | None
    moments: tuple[tuple[float, float, str], ...]


class MomentFile:
    """The samples of a list of moments, one a video, by number.

    The rate at which a video is seen follows from a rule for the whole set, see ``frame_rates``.
    A video that is missing, too short, or shorter than its moments raises a `DataError` when it is
    asked for; the others are not affected.

    Args:
        path: of the list, ``.json``, ``.jsonl`` or ``.txt``.
        root: folder in which videos are; None for that of the list.
        licence: SPDX name of the terms of the data set; empty when it is not known.
        frames: fewest and most frames that are seen of a video.
        seed: of rates and formats of time.

    Raises:
        DataError: the list cannot be read; a fault names its place.
    """

    def __init__(
        self,
        path: Path,
        *,
        root: Path | None = None,
        licence: str = "",
        frames: tuple[int, int] = (4, 256),
        seed: int = 0,
    ) -> None:
        self.path = path
        self.root = path.parent if root is None else root
        self.licence = licence
        self.frames = frames
        self.seed = seed
        self.videos = read_moments(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.root, self.licence, self.frames, self.seed)

    def __len__(self) -> int:
        return len(self.videos)

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        video = self.videos[number]
        try:
            return self._sample(video, number)
        except QvlError as error:
            raise DataError(f"{self.where(number)}: {error.message}", hint=error.hint) from error

    def where(self, number: int) -> str:
        """Returns list and video, as messages name them."""
        return f"{self.path.name}:{self.videos[number].name}"

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the list, and of size and time of the files of these videos."""
        files: list[tuple[str, int, int]] = []
        for video in self.videos[start:stop]:
            try:
                status = self._file(video.name).stat()
            except (DataError, OSError):
                continue
            files.append((video.name, status.st_size, status.st_mtime_ns))
        rest = (self._sha256, self.licence, self.frames, self.seed, start, stop)
        return fingerprint(files, *rest)

    @cached_property
    def _sha256(self) -> str:
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _rule(self) -> RateRule:
        """From the stated lengths; files without one are measured."""
        possible = []
        for video in self.videos:
            try:
                length_s = video.duration_s or self._measured(self._file(video.name)).duration_s
            except QvlError:
                continue  # named when it is asked for
            rates = possible_rates(duration_s=length_s, fps=_USUAL_FPS, frames=self.frames)
            if rates is not None:
                possible.append(rates)
        return even_rates(possible)

    def _sample(self, video: AnnotatedVideo, number: int) -> Sample:
        path = self._file(video.name)
        facts = self._measured(path)
        rates = possible_rates(duration_s=facts.duration_s, fps=facts.fps, frames=self.frames)
        if rates is None:
            raise DataError(
                f"{facts.num_frames} frames in {facts.duration_s:.2f} s, "
                f"expected at least {self.frames[0]}"
            )
        rng = np.random.default_rng((self.seed, number))
        try:
            rate = self._rule.rate(rng, rates)
        except ConfigError:  # its stated length is wrong by an octave; any rate that it allows
            rate = even_rates([rates]).rate(rng, rates)
        moments = [
            Moment(start_s=start, end_s=end, label=text)
            for start, end, text in _within(video, facts.duration_s)
        ]
        style = _STYLES[int(rng.integers(len(_STYLES)))]
        part = Video(path, fps=rate, max_frames=self.frames[1])
        return Sample(
            task="video",
            conversation=_dialogue(
                part,
                video_task.description_prompt(style=style),
                video_task.format(moments, form="json", style=style),
            ),
            provenance=Provenance(
                generator=self.path.name, licence=self.licence, source=self.where(number)
            ),
            facts={
                "duration_s": facts.duration_s,
                "time_format": style,
                "moments": [[m.start_s, m.end_s, m.label] for m in moments],
            },
        )

    def _measured(self, path: Path) -> VideoFacts:
        return measure_video(Video(path), DEFAULT_LIMITS).facts

    def _file(self, name: str) -> Path:
        folder = self.root.resolve()
        for ending in ("", *sorted(VIDEO_SUFFIXES)):
            path = (folder / f"{name}{ending}").resolve()
            if not path.is_relative_to(folder):
                raise DataError(f"video {shown(name)} lies outside {self.root}")
            if path.is_file():
                return path
        raise DataError(f"no file of video {shown(name)} in {self.root}")


def _reopened(
    path: Path, root: Path, licence: str, frames: tuple[int, int], seed: int
) -> MomentFile:
    return MomentFile(path, root=root, licence=licence, frames=frames, seed=seed)


def asked_one_by_one(sample: Sample) -> Sequence[Sample]:
    """A sample of `MomentFile` -> one for each thing that happens, asked when; for `flat_map_step`.

    What happens several times, in the same words, is one question with several moments.
    """
    by_words: dict[str, list[Moment]] = {}
    for start_s, end_s, words in sample.facts["moments"]:
        query = words.strip().rstrip(".")
        by_words.setdefault(query, []).append(Moment(start_s=start_s, end_s=end_s))
    part = sample.conversation.messages[0].content[0]
    style: TimeFormat = sample.facts["time_format"]
    return [
        Sample(
            task=sample.task,
            conversation=_dialogue(
                part,
                video_task.prompt(query, style=style),
                video_task.format(sorted(moments, key=lambda m: m.start_s), style=style),
            ),
            provenance=sample.provenance,
            facts={**sample.facts, "query": query},
        )
        for query, moments in by_words.items()
        if query
    ]


def _dialogue(part: Any, question: str, answer: str) -> Conversation:
    asked = Message("user", (part, Text(question)))
    return Conversation((asked, Message("assistant", (Text(answer),))))


def _within(video: AnnotatedVideo, duration_s: float) -> list[tuple[float, float, str]]:
    """The moments in order, cut at the end of the video.

    Raises:
        DataError: one reaches beyond it by more than `OVERRUN_S`.
    """
    moments = []
    for start_s, end_s, text in sorted(video.moments):
        if end_s > duration_s + OVERRUN_S or start_s >= duration_s:
            raise DataError(
                f"moment {start_s:g} to {end_s:g} s reaches beyond the end at {duration_s:.2f} s"
            )
        moments.append((start_s, min(end_s, duration_s), text))
    return moments


def read_moments(path: Path) -> list[AnnotatedVideo]:
    """Reads a list in any of the spellings; entries of one video are put together.

    Raises:
        DataError: it cannot be read, or an entry is malformed; the message names it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(f"{path} has {size:,} bytes, expected at most {MAX_FILE_BYTES:,}")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8: {error}") from error
    found: dict[str, AnnotatedVideo] = {}
    for where, entry in _entries(path, text):
        try:
            video = _video(entry)
        except DataError as error:
            raise DataError(f"{path.name}, {where}: {error.message}") from error
        before = found.get(video.name)
        moments = (*(before.moments if before else ()), *video.moments)
        duration_s = video.duration_s or (before.duration_s if before else None)
        found[video.name] = AnnotatedVideo(name=video.name, duration_s=duration_s, moments=moments)
    if not found:
        raise DataError(f"{path} names no videos")
    return list(found.values())


def _entries(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".txt":
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield f"line {number}", line.strip()
        return
    try:
        if path.suffix == ".jsonl":
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    yield f"line {number}", json.loads(line)
            return
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield (
                f"entry {shown(name)}",
                {"video": name, **entry} if isinstance(entry, Mapping) else entry,
            )
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield f"entry {number}", entry
    else:
        raise DataError(f"{path} holds {shown(value)}, expected an object or a list")


def _video(entry: Any) -> AnnotatedVideo:
    if isinstance(entry, str):
        parts = _LINE.fullmatch(entry)
        if parts is None:
            raise DataError(f"{shown(entry)}, expected 'ID START END##SENTENCE'")
        name, start, end, words = parts.groups()
        return AnnotatedVideo(name=name, duration_s=None, moments=(_moment(start, end, words),))
    if not isinstance(entry, Mapping):
        raise DataError(f"{shown(entry)}, expected an object")
    name = entry.get("video", entry.get("vid"))
    if not isinstance(name, str) or not name:
        raise DataError(f"video is {shown(name)}, expected the name of a file")
    duration = entry.get("duration")
    return AnnotatedVideo(
        name=name,
        duration_s=None if duration is None else _seconds(duration, "duration"),
        moments=tuple(_moments(entry)),
    )


def _moments(entry: Mapping[Any, Any]) -> Iterator[tuple[float, float, str]]:
    if "timestamps" in entry:
        spans, words = entry["timestamps"], entry.get("sentences")
        if not isinstance(spans, list) or not isinstance(words, list) or len(spans) != len(words):
            raise DataError("timestamps and sentences are not lists of one length")
    elif "relevant_windows" in entry:
        spans = entry["relevant_windows"]
        if not isinstance(spans, list):
            raise DataError(f"relevant_windows is {shown(spans)}, expected a list")
        words = [entry.get("query")] * len(spans)
    elif isinstance(entry.get("moments"), list):
        records = entry["moments"]
        if not all(isinstance(record, Mapping) for record in records):
            raise DataError("moments are no objects with start, end and description")
        spans = [[record.get("start"), record.get("end")] for record in records]
        words = [record.get("description") for record in records]
    else:
        raise DataError(
            f"keys {shown(sorted(map(str, entry)))}, expected timestamps, relevant_windows or "
            "moments"
        )
    for span, text in zip(spans, words, strict=True):
        if not isinstance(span, list | tuple) or len(span) != 2:
            raise DataError(f"moment is {shown(span)}, expected a start and an end")
        yield _moment(span[0], span[1], text)


def _moment(start: Any, end: Any, words: Any) -> tuple[float, float, str]:
    start_s, end_s = _seconds(start, "start"), _seconds(end, "end")
    if not isinstance(words, str) or not words.strip():
        raise DataError(f"moment {start_s:g} to {end_s:g} s has no words")
    # Some annotators wrote the end first.
    return min(start_s, end_s), max(start_s, end_s), " ".join(words.split())


def _seconds(value: Any, name: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if isinstance(value, bool) or not (math.isfinite(seconds) and seconds >= 0):
        raise DataError(f"{name} is {shown(value)}, expected seconds, 0 or more")
    return seconds
