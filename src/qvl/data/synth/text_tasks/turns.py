"""Questions and answers as a sample.

Owns: putting turns, pictures and facts together. Does not own: what is asked.

    [(question, answer), ...], pictures -> sample_of() -> Sample
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qvl.data.records import Provenance, Sample
from qvl.messages import Conversation, Image, Message, Text


def sample_of(
    turns: Sequence[tuple[str, str]],
    *,
    task: str,
    generator: str,
    seed: tuple[int, ...],
    facts: Mapping[str, Any],
    pictures: Sequence[npt.NDArray[np.uint8]] = (),
    licence: str = "CC0-1.0",
) -> Sample:
    """Returns a conversation; the pictures stand before the first question.

    Args:
        turns: questions with their answers, in order.
        task: of the sample.
        generator: module and function that drew it.
        seed: recorded in the sample.
        facts: what an evaluation needs.
        pictures: uint8[H, W, 3] each, with sides that are multiples of 28.
        licence: SPDX expression.
    """
    messages = []
    for number, (question, answer) in enumerate(turns):
        shown = tuple(map(Image, pictures)) if number == 0 else ()
        messages.append(Message("user", (*shown, Text(question))))
        messages.append(Message("assistant", (Text(answer),)))
    return Sample(
        task=task,
        conversation=Conversation(tuple(messages)),
        provenance=Provenance(generator=generator, seed=seed, licence=licence),
        facts=dict(facts),
    )
