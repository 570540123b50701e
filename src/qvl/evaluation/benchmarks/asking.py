"""A row's pictures and words as a question; what is missing makes it broken, not absent.

row, pictures, words, truth -> ask -> Question
words as pieces, with the places of pictures between them -> ask -> Question with pictures there
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Question
from qvl.evaluation.layouts.pictures import MissingMedium, picture
from qvl.evaluation.layouts.rows import Row
from qvl.evaluation.scorers.score import Score
from qvl.messages import Conversation, Image, Part, Text

NOT_KNOWN = Score(value=0.0, why="not known: the server has the answers", is_parsed=False)
"""What any answer scores where the truths are not published."""
SHORTLY = "\nAnswer the question using a single word or phrase."
"""Source: LLaVA-1.5 (arXiv 2310.03744), table 7; lmms-eval's prompt for questions about text."""


def ask(
    row: Row,
    folder: Path,
    *,
    key: str,
    pictures: Sequence[Any],
    words: str | Sequence[str | int],
    truth: Any,
    groups: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
) -> Question:
    """Returns a question with its pictures in front, or where its words name them.

    Args:
        row: for messages.
        folder: that names of files are below of.
        key: of the question.
        pictures: as the row has them; see `layouts.pictures.picture`.
        words: of the question; or pieces of them, and the places of pictures between them.
        truth: for the rule.
        groups: slices.
        facts: for the rule and the report.
        min_pixels: of each picture.
        max_pixels: of each picture.
    """
    pieces = [*range(len(pictures)), words] if isinstance(words, str) else words
    parts: list[Part] = []
    broken = ""
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(Text(piece))
            continue
        value = pictures[piece] if 0 <= piece < len(pictures) else None
        try:
            source = picture(value, folder, where=row.where)
            parts.append(Image(source, min_pixels=min_pixels, max_pixels=max_pixels))
        except MissingMedium as error:
            number = "" if isinstance(words, str) else f" (number {piece + 1})"
            broken = f"{error.message}{number}"
    return Question(
        key=key,
        conversation=Conversation.user(*parts),
        truth=truth,
        groups=groups or {},
        facts=facts or {},
        broken=broken,
    )


def fetched_name(folder: Path, sha256: str) -> str:
    """Returns the name of a picture that a data set gives by address and hash only.

    It was fetched before, as images/HASH with or without the ending of a picture.
    """
    found = (f"images/{sha256}{ending}" for ending in ("", ".jpg", ".jpeg", ".png", ".webp"))
    return next((name for name in found if (folder / name).is_file()), f"images/{sha256}")


def with_hash(question: Question, sha256: str) -> Question:
    """Returns the question, broken if its picture is not the one that the data set means.

    An address may have another picture by now.
    """
    part = question.conversation.messages[0].content[0]
    if question.broken or not isinstance(part, Image) or not isinstance(part.source, Path):
        return question
    with open(part.source, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256.lower():
            return question
    return replace(question, broken=f"{part.source} is another picture than the data set means")
