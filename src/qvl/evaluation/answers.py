"""The raw answers of a run, one line each: kept as they came, so that scoring can be done again.

Owns the file: appending, repairing a torn end, reading. Does not own asking (``run``), nor scores.

    Answer -> AnswerFile.append -> answers.jsonl -> read_answers -> {key: Answer}
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from qvl.errors import DataError
from qvl.evaluation.benchmark import Reply
from qvl.geometry import ImageSize, ResizeTransform

ANSWERS = "answers.jsonl"
LONGEST_TEXT = 200_000
"""Characters of an answer that are kept; what is longer is cut, and said to be."""
_TAIL_BYTES = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One line of the file.

    Attributes:
        key: of the question.
        text: at most `LONGEST_TEXT` characters.
        finish_reason: "stop" or "length".
        sizes: (original height, width, resized height, width) of each picture or video.
        prompt_tokens: of the question.
        completion_tokens: of the answer.
        seconds: its share of the batch's time.
        cut_characters: that were not kept.
    """

    key: str
    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    sizes: tuple[tuple[int, int, int, int], ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cut_characters: int = 0

    def reply(self) -> Reply:
        """What a rule looks at."""
        transforms = tuple(
            ResizeTransform(ImageSize(a, b), ImageSize(c, d)) for a, b, c, d in self.sizes
        )
        return Reply(text=self.text, transforms=transforms, finish_reason=self.finish_reason)


def cut_to_length(text: str) -> tuple[str, int]:
    """Returns what is kept of an answer, and how many characters are not.

    >>> cut_to_length("short")
    ('short', 0)
    """
    return text[:LONGEST_TEXT], max(0, len(text) - LONGEST_TEXT)


def sizes_of(transforms: Sequence[ResizeTransform]) -> tuple[tuple[int, int, int, int], ...]:
    """Transforms as numbers of a line."""
    return tuple((*item.original, *item.resized) for item in transforms)


class AnswerFile:
    """Appends lines that survive a crash, and knows which keys it has.

    Raises:
        DataError: a line that is not the last is damaged, or a key comes twice.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ANSWERS
        folder.mkdir(parents=True, exist_ok=True)
        self._repair()
        self.keys = {answer.key for answer in read_answers(folder)}

    def _repair(self) -> None:
        """Cuts off what a crash left of a line that was being written."""
        if not self.path.exists():
            return
        with open(self.path, "rb+") as file:
            end = start = file.seek(0, os.SEEK_END)
            whole = 0
            while start and not whole:
                start = max(0, start - _TAIL_BYTES)
                file.seek(start)
                # A character is written in up to 12 bytes: the torn line may be several pieces.
                lines = file.read(_TAIL_BYTES).rfind(b"\n") + 1
                whole = start + lines if lines else 0
            if whole != end:
                file.truncate(whole)

    def append(self, answers: Sequence[Answer]) -> None:
        """Writes lines and waits until they are on the disk.

        Raises:
            DataError: they cannot be written.
        """
        lines = [json.dumps(asdict(answer), ensure_ascii=True) + "\n" for answer in answers]
        try:
            with open(self.path, "a", encoding="ascii") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror}") from error
        self.keys.update(answer.key for answer in answers)


def read_answers(folder: Path) -> Iterator[Answer]:
    """Reads the answers of a run; none if there is no file.

    What a crash left of a line that was being written is no answer.

    Raises:
        DataError: a line is damaged, or a key comes twice.
    """
    path = folder / ANSWERS
    if not path.exists():
        return
    seen: set[str] = set()
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith("\n"):
                return
            answer = _read(line, path, number)
            if answer.key in seen:
                raise DataError(f"{path}, line {number}: a second answer to {answer.key!r}")
            seen.add(answer.key)
            yield answer


def _read(line: str, path: Path, number: int) -> Answer:
    try:
        found: dict[str, Any] = json.loads(line)
        sizes = tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in found.pop("sizes"))
        return Answer(**found, sizes=sizes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path}, line {number} is not an answer: {error}", hint="delete that line"
        ) from error
