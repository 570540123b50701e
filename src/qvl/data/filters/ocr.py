"""Rules for pictures of text: what is labelled can be read.

Owns: functions for `steps.filter_step` about samples of ``synth.ocr``, whose facts list their
lines. Does not own: rules for all samples (``rules``).

    Sample -> rule -> None to keep it | why it is dropped
"""

from typing import Any

import numpy as np

from qvl.data.records import Sample
from qvl.errors import DataError
from qvl.messages import Image


def letters_at_least(sample: Sample, *, size_px: float) -> str | None:
    """Drops a sample with smaller letters, as they are in the picture.

    Args:
        sample: with the size of its smallest letters in its facts.
        size_px: size of the font; small Latin letters are half as high.
    """
    smallest = _fact(sample, "smallest_px")
    return None if smallest >= size_px else f"letters below {size_px:g} px"


def lines_stand_out(sample: Sample, *, levels: float) -> str | None:
    """Drops a sample with a line that hardly differs from its ground, after light and camera.

    Args:
        sample: with boxes of its lines in its facts, its picture an array.
        levels: between the darkest and the brightest hundredth of a line's box, of 255.
    """
    picture = next(
        part.source
        for message in sample.conversation.messages
        for part in message.content
        if isinstance(part, Image)
    )
    if not isinstance(picture, np.ndarray):
        raise DataError(f"picture of a {sample.task!r} sample is no array of pixels")
    # Weights of ITU-R BT.601, as in palette.luminance.
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    for line in _fact(sample, "lines"):
        x1, y1, x2, y2 = line["box"]
        low, high = np.percentile(grey[y1:y2, x1:x2], (1, 99)) if x2 > x1 and y2 > y1 else (0, 0)
        if high - low < levels:
            return f"a line within {levels:g} levels of its ground"
    return None


def _fact(sample: Sample, name: str) -> Any:
    if name not in sample.facts:
        raise DataError(
            f"a {sample.task!r} sample has no {name!r} in its facts",
            hint="this rule is for samples drawn by qvl.data.synth.ocr",
        )
    return sample.facts[name]
