"""Drawn pictures with a caption that tells them from others, for contrastive training.

Owns: how a caption is worded. Does not own: the pictures (``shapes``, ``text``).

    drawn Sample with facts -> Sample: the picture, its caption
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from qvl.data.mixture import Mixture
from qvl.data.records import Provenance, Sample
from qvl.errors import DataError
from qvl.messages import Conversation, Image, Message, Text

PROMPT = "Describe the image."
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def caption_sample(rng: np.random.Generator, *, seed: tuple[int, ...], base: Mixture) -> Sample:
    """Returns a drawn picture with its caption as the only answer.

    Args:
        rng: unused; what is random is drawn by the generator.
        seed: recorded in the sample.
        base: generators that state ``shapes`` or ``text`` among their facts.

    Raises:
        DataError: a generator states neither.
    """
    sample = base.sample(*seed)
    turns = (
        Message("user", (_picture(sample), Text(PROMPT))),
        Message("assistant", (Text(caption_of(sample)),)),
    )
    return replace(
        sample,
        task="caption",
        conversation=Conversation(turns),
        provenance=Provenance(generator="captions.caption_sample", seed=seed),
    )


def caption_of(sample: Sample) -> str:
    """Returns a sentence about what is drawn: shapes from the top down, or the words.

    Raises:
        DataError: nothing is stated of the picture.
    """
    if "shapes" in sample.facts:
        drawn = sorted(sample.facts["shapes"], key=lambda item: (item[1][1], item[1][0]))
        counts = Counter(str(name) for name, _ in drawn)
        things = [_counted(name, count) for name, count in counts.items()]
        return f"From top to bottom: {', '.join(things)}."
    if "text" in sample.facts:
        return f'The words "{sample.facts["text"]}".'
    raise DataError(f"a {sample.task!r} sample states neither shapes nor text to caption")


def _counted(name: str, count: int) -> str:
    """
    >>> _counted("red cross", 2), _counted("blue circle", 1)
    ('two red crosses', 'a blue circle')
    """
    if count == 1:
        return f"a{'n' if name[0] in 'aeiou' else ''} {name}"
    plural = "es" if name.endswith("cross") else "s"
    return f"{_NUMBERS[count] if count < len(_NUMBERS) else count} {name}{plural}"


def _picture(sample: Sample) -> Image:
    for message in sample.conversation.messages:
        for part in message.content:
            if isinstance(part, Image):
                return part
    raise DataError(f"a {sample.task!r} sample has no picture")
