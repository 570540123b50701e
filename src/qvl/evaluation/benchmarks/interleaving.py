"""Pictures where a question's words name them: "<image 2>" by number, "<image>" in order.

Owns: cutting words at marks, pictures that no mark names, pixel limits of a benchmark. Does not own
what a row has (``benchmarks``), nor its pictures' forms (``layouts/pictures``).

    words with marks, pictures of a row -> ask_marked -> Question with pictures in place
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Question
from qvl.evaluation.layouts.pictures import MissingMedium, picture
from qvl.evaluation.layouts.rows import Row
from qvl.messages import Conversation, Image, Part, Text

_MARK = re.compile(r"<image(?: (\d{1,3}))?>")


def at_marks(words: str, count: int) -> list[str | int]:
    """Words cut at their marks, each mark as the place of its picture; unnamed pictures in front.

    A picture named twice is shown twice, as the official MMMU prompt of Qwen2-VL does.

    >>> at_marks("Is <image 2> like <image 1>?", 2)
    ['Is ', 1, ' like ', 0, '?']
    >>> at_marks("Which is older? A. <image> B. <image>", 3)
    [2, 'Which is older? A. ', 0, ' B. ', 1]

    Args:
        words: of a question.
        count: pictures there are; a mark beyond them names one that is missing.
    """
    pieces: list[str | int] = []
    end = unnumbered = 0
    for mark in _MARK.finditer(words):
        if mark.group(1):
            place = int(mark.group(1)) - 1
        else:
            place, unnumbered = unnumbered, unnumbered + 1
        pieces += [words[end : mark.start()], place]
        end = mark.end()
    pieces.append(words[end:])
    unnamed: list[str | int] = [place for place in range(count) if place not in pieces]
    return unnamed + [piece for piece in pieces if piece != ""]


def ask_marked(
    row: Row,
    folder: Path,
    *,
    key: str,
    pictures: Sequence[Any],
    words: str,
    truth: Any,
    groups: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
) -> Question:
    """Returns a question with its pictures at their marks; a missing one makes it broken.

    Args:
        row: for messages.
        folder: that names of files are below of.
        key: of the question.
        pictures: as the row has them; null only where no mark names it.
        words: with marks.
        truth: for the rule.
        groups: slices.
        facts: for the rule and the report.
        min_pixels: of each picture.
        max_pixels: of each picture.
    """
    parts: list[Part] = []
    broken = ""
    for piece in at_marks(words, len(pictures)):
        if isinstance(piece, str):
            parts.append(Text(piece))
            continue
        try:
            source = picture(
                pictures[piece] if 0 <= piece < len(pictures) else None, folder, where=row.where
            )
        except MissingMedium as error:
            broken = f"{error.message} {piece + 1}"
            continue
        parts.append(Image(source, min_pixels=min_pixels, max_pixels=max_pixels))
    return Question(
        key=key,
        conversation=Conversation.user(*parts),
        truth=truth,
        groups=groups or {},
        facts=facts or {},
        broken=broken,
    )
