"""What one training example is, wherever it comes from.

Owns the record types. Does not own making them (``synth``), their bytes and ids (``encoding``),
storing them (``shards``) or turning them into tensors (``collate``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qvl.messages import Conversation

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?-'\"()/&%$#@+*="
"""Characters that our renderers draw and that dense targets name by index."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DenseTargets:
    """What stands where in the first picture of a sample; training-only labels for the vision
    tower.

    Attributes:
        glyphs: float32[G, 3], x and y of a character's centre in resized_px and its index in
            `ALPHABET`.
        objects: float32[O, 6], a box x1 y1 x2 y2 in resized_px, the index of its kind and of its
            colour.
    """

    glyphs: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    objects: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 6), np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Where a sample comes from, enough to make it again or to leave it out.

    Attributes:
        generator: name of the function or data set.
        seed: numbers given to ``numpy.random.default_rng``; empty for found data.
        licence: SPDX name of the sample's terms; empty when it is not known.
        source: file and place in it of found data, such as ``train.json:12``.
        parents: ids of the samples that this one was made from.
        transforms: names of the steps that changed it, oldest first.
        scores: what filters measured, by their names.
        dropped: step and reason for which it was put aside; empty for a sample in use.
    """

    generator: str
    seed: tuple[int, ...] = ()
    licence: str = "CC0-1.0"
    source: str = ""
    parents: tuple[str, ...] = ()
    transforms: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    dropped: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """An answer that is worse than the last one of its sample's conversation.

    Attributes:
        text: of the answer; calls are spelled out as the model writes them.
        margin: by how much it is worse, on the scale of whoever compared; 0 when nobody said.
        fault: what is wrong with it, when that is known.
    """

    text: str
    margin: float = 0.0
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A conversation with its answers, and what is known about its picture.

    Attributes:
        task: what the answers are about; metrics are kept per task.
        conversation: pictures are uint8[H, W, 3] arrays when synthesised; found pictures and videos
            are files or their bytes.
        facts: what an evaluation needs to judge an answer, in plain JSON values.
        rejected: worse answers in place of the last one; with them the sample is a preference.
    """

    task: str
    conversation: Conversation
    provenance: Provenance
    targets: DenseTargets | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
