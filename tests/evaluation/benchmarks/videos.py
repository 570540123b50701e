"""Small videos where a benchmark has its own, and the parts of its questions."""

from functools import cache
from pathlib import Path

from qvl.evaluation.benchmark import Question
from qvl.messages import Text, Video
from tests.processing.clips import make_clip


@cache
def _clip(seconds: int) -> bytes:
    return make_clip(10 * seconds, fps=10)


def clip_at(path: Path, *, seconds: int = 2) -> Path:
    """Writes a clip; returns where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_clip(seconds))
    return path


def video_of(question: Question) -> Video:
    """The only video of a question."""
    parts = question.conversation.messages[0].content
    (video,) = (part for part in parts if isinstance(part, Video))
    return video


def texts_of(question: Question) -> list[str]:
    """The texts of a question, in order."""
    parts = question.conversation.messages[-1].content
    return [part.text for part in parts if isinstance(part, Text)]
