"""Keeps evaluation sets out of training data.

Owns: the index of evaluation sets, the rules by which a sample is theirs. Does not own: hashing
(``minhash``, ``pictures``), which sets there are: they are given as files.

    files -> EvaluationIndex.of() -> leak_step(name, FILE) -> leaks(sample) -> reason or None

A text leaks when it shares a run of 13 words with an evaluation text, or all of an evaluation text
of 8 to 12 words; a picture when it looks the same as one of theirs; a video when six of its eight
frames look the same as theirs at the same places. Shorter evaluation texts, such as "yes", say
nothing about a leak and are counted.
Source of 13 and 8: Brown et al., Language Models are Few-Shot Learners (2020), appendix C, where
the runs are 8 to 13 words long. That paper also leaves out runs that many texts share; here they
are given: the wordings of prompts.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image

from qvl.data.atomic import whole_file
from qvl.data.dedup.minhash import Hashes, run_hashes
from qvl.data.dedup.pictures import (
    THUMBNAIL_BYTES,
    SamePicture,
    Thumbnails,
    picture_signature,
)
from qvl.data.encoding import media_of
from qvl.data.filters.video import looks
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.opening import open_data
from qvl.data.records import Sample
from qvl.data.steps import Step, filter_step
from qvl.data.texts import answer_texts, query_text, words_of
from qvl.errors import DataError
from qvl.messages import Image, Video
from qvl.processing.image import load_image

LONGEST_RUN, SHORTEST_RUN = 13, 8
FRAMES, FRAMES_SAME = 8, 6
"""Of a video: looked at, and alike in the same video; two may differ where it was cut. Ours."""

_MAX_TEXT_BYTES = 2**30


@dataclass(kw_only=True)
class _Found:
    """What was found in evaluation sets so far; texts are kept as hashes only."""

    runs: defaultdict[int, list[Hashes]] = field(default_factory=lambda: defaultdict(list))
    bits: list[int] = field(default_factory=list)
    thumbnails: list[Thumbnails] = field(default_factory=list)
    frames: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    frame_thumbnails: list[Thumbnails] = field(default_factory=list)
    num_texts: int = 0
    num_short: int = 0

    def add(self, sample: Sample) -> None:
        for text in (query_text(sample), *answer_texts(sample)):
            self.add_text(text)
        for picture in _pictures(sample):
            signature = picture_signature(load_image(picture.source))
            self.bits.append(signature.bits)
            self.thumbnails.append(signature.thumbnail)
        for video in _videos(sample):
            bits, thumbnails = _frames_of(video)
            self.frames.append(bits)
            self.frame_thumbnails.append(thumbnails)

    def add_text(self, text: str) -> None:
        words = words_of(text)
        length = min(len(words), LONGEST_RUN)
        self.num_texts += 1
        if length < SHORTEST_RUN:
            self.num_short += 1
        else:
            self.runs[length].append(run_hashes(words, length))


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationIndex:
    """What evaluation sets hold, as hashes.

    Attributes:
        runs: length in words -> uint64[R], sorted.
        bits: uint64[P] of their pictures.
        thumbnails: uint8[P, 48] of them.
        frames: uint64[V, 8] of frames of their videos, at even distances.
        frame_thumbnails: uint8[V, 8, 48] of them.
        num_texts: that were looked at.
        num_short: of these, too short to be recognised.
    """

    runs: Mapping[int, Hashes]
    bits: npt.NDArray[np.uint64]
    thumbnails: Thumbnails
    frames: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, FRAMES), np.uint64))
    frame_thumbnails: Thumbnails = field(
        default_factory=lambda: np.zeros((0, FRAMES, THUMBNAIL_BYTES), np.uint8)
    )
    num_texts: int = 0
    num_short: int = 0

    @classmethod
    def of(cls, paths: Sequence[Path], *, prompts: Iterable[str] = ()) -> "EvaluationIndex":
        """Reads evaluation sets.

        Args:
            paths: shards, annotation files and parquet as `open_data` reads them, and .txt files of
                a text a line.
            prompts: wordings that many samples share; runs of words in them are no leak.

        Raises:
            DataError: a file cannot be read.
        """
        found = _Found()
        for path in paths:
            if path.suffix == ".txt":
                for line in _lines(path):
                    found.add_text(line)
                continue
            data = open_data(path)
            for number in range(len(data)):
                found.add(data[number])
        shared = [words_of(prompt) for prompt in prompts]
        return cls(
            runs={
                length: _without(hashes, [run_hashes(words, length) for words in shared])
                for length, hashes in sorted(found.runs.items())
            },
            bits=np.array(found.bits, np.uint64),
            thumbnails=np.array(found.thumbnails, np.uint8).reshape(-1, THUMBNAIL_BYTES),
            frames=np.array(found.frames, np.uint64).reshape(-1, FRAMES),
            frame_thumbnails=np.array(found.frame_thumbnails, np.uint8).reshape(
                -1, FRAMES, THUMBNAIL_BYTES
            ),
            num_texts=found.num_texts,
            num_short=found.num_short,
        )

    def __str__(self) -> str:
        return (
            f"{self.num_texts} evaluation texts, {self.num_short} of them too short to be "
            f"recognised, {len(self.bits)} pictures, {len(self.frames)} videos"
        )

    def has_text(self, text: str) -> bool:
        """Whether a text shares a run of words with an evaluation set."""
        words = words_of(text)
        return any(
            np.isin(run_hashes(words, length), known, kind="sort").any()
            for length, known in self.runs.items()
            if len(words) >= length
        )

    def has_picture(self, picture: Image, rule: SamePicture) -> bool:
        """Whether a picture looks the same as one of an evaluation set; all are compared."""
        if not len(self.bits):
            return False
        bits, thumbnail = picture_signature(load_image(picture.source))
        near = np.flatnonzero(np.bitwise_count(self.bits ^ np.uint64(bits)) <= rule.radius)
        gaps = np.abs(self.thumbnails[near].astype(np.int16) - thumbnail).mean(axis=1)
        return bool((gaps <= rule.levels).any())

    def has_video(self, video: Video, rule: SamePicture) -> bool:
        """Whether a video shows the same as one of an evaluation set; all are compared."""
        if not len(self.frames):
            return False
        bits, thumbnails = _frames_of(video)
        near = np.bitwise_count(self.frames ^ bits) <= rule.radius
        gaps = np.abs(self.frame_thumbnails.astype(np.int16) - thumbnails).mean(axis=2)
        same = (near & (gaps <= rule.levels)).sum(axis=1)
        return bool((same >= FRAMES_SAME).any())

    def save(self, path: Path) -> None:
        """Writes the index whole or not at all."""
        with whole_file(path) as file:
            np.savez_compressed(
                file,
                hashes=np.concatenate([np.zeros(0, np.uint64), *self.runs.values()]),
                lengths=np.repeat([*self.runs], [len(found) for found in self.runs.values()]),
                bits=self.bits,
                thumbnails=self.thumbnails,
                frames=self.frames,
                frame_thumbnails=self.frame_thumbnails,
                counts=np.array([self.num_texts, self.num_short]),
            )
        _loaded.cache_clear()

    @classmethod
    def load(cls, path: Path) -> "EvaluationIndex":
        """Reads an index.

        Raises:
            DataError: there is none, or it is damaged.
        """
        try:
            with np.load(path) as found:
                hashes, lengths = found["hashes"], found["lengths"]
                return cls(
                    runs={n: hashes[lengths == n] for n in np.unique(lengths).tolist()},
                    bits=found["bits"],
                    thumbnails=found["thumbnails"],
                    frames=found["frames"],
                    frame_thumbnails=found["frame_thumbnails"],
                    num_texts=int(found["counts"][0]),
                    num_short=int(found["counts"][1]),
                )
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise DataError(
                f"{path} is no index of evaluation sets: {error}",
                hint="make one with EvaluationIndex.of(files).save(path)",
            ) from error


def leak_step(name: str, index: Path, *, rule: SamePicture | None = None) -> Step:
    """Returns the step that drops what `leaks`; another index in the same file is another step.

    Args:
        name: of the step.
        index: file of an `EvaluationIndex`.
        rule: when pictures are the same.

    Raises:
        DataError: there is no index.
    """
    EvaluationIndex.load(index)
    step = filter_step(name, partial(leaks, index=index.absolute(), rule=rule))
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    return replace(step, fingerprint=fingerprint(step.fingerprint, digest))


def leaks(sample: Sample, *, index: Path, rule: SamePicture | None = None) -> str | None:
    """Drops a sample that holds a text, a picture or a video of an evaluation set.

    Args:
        sample: every user turn and every answer is looked at, every picture and every video.
        index: file of an `EvaluationIndex`.
        rule: when pictures are the same.

    Raises:
        DataError: there is no index.
    """
    known = _loaded(index)
    if any(known.has_text(text) for text in (query_text(sample), *answer_texts(sample))):
        return "text of an evaluation set"
    same = rule or SamePicture()
    if any(known.has_picture(part, same) for part in _pictures(sample)):
        return "picture of an evaluation set"
    if any(known.has_video(part, same) for part in _videos(sample)):
        return "video of an evaluation set"
    return None


@lru_cache(maxsize=4)
def _loaded(path: Path) -> EvaluationIndex:
    return EvaluationIndex.load(path)


def _pictures(sample: Sample) -> Iterator[Image]:
    return (part for part in media_of(sample.conversation) if isinstance(part, Image))


def _videos(sample: Sample) -> Iterator[Video]:
    return (part for part in media_of(sample.conversation) if isinstance(part, Video))


def _frames_of(video: Video) -> tuple[npt.NDArray[np.uint64], Thumbnails]:
    """uint64[8] and uint8[8, 48] of frames at even distances; short videos repeat theirs."""
    shown = looks(video, count=FRAMES)
    signatures = [
        picture_signature(PIL.Image.fromarray(pixels.astype(np.uint8))) for pixels in shown
    ]
    chosen = [signatures[i * len(signatures) // FRAMES] for i in range(FRAMES)]
    bits = np.array([signature.bits for signature in chosen], np.uint64)
    return bits, np.array([signature.thumbnail for signature in chosen], np.uint8)


def _without(found: list[Hashes], shared: list[Hashes]) -> Hashes:
    known = np.unique(np.concatenate(found))
    none = np.zeros(0, np.uint64)
    return np.setdiff1d(known, np.concatenate([none, *shared]), assume_unique=False)


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MAX_TEXT_BYTES:
            raise DataError(f"{path} has more than {_MAX_TEXT_BYTES:,} bytes")
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no UTF-8 at byte {error.start:,}", hint="convert it to UTF-8"
        ) from error
