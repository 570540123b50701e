"""A prompt with the beginning of its answer behind it, so that an answer can be continued.

Owns: ids and positions of such a prompt. Does not own: why an answer is continued.

    ModelInputs + token ids -> continue_inputs() -> ModelInputs
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qvl.errors import InputError
from qvl.processing.positions import decode_positions
from qvl.processing.processor import ModelInputs


def continue_inputs(inputs: ModelInputs, token_ids: Sequence[int]) -> ModelInputs:
    """The inputs with more tokens behind them, at the positions that decoding gave them.

    On all three axes they count on from ``next_position``; pixels and items stay.

    Args:
        inputs: of a prompt, perhaps continued before.
        token_ids: text tokens of the answer so far.

    Raises:
        InputError: an id is negative.
    """
    ids = np.asarray(token_ids, dtype=np.int64).reshape(-1)
    if (ids < 0).any():
        raise InputError(f"token id is {int(ids.min())}, expected 0 or more")
    positions = decode_positions(inputs.next_position, len(ids))
    return replace(
        inputs,
        input_ids=np.concatenate([inputs.input_ids, ids]),
        position_ids=np.concatenate([inputs.position_ids, positions], axis=1),
        next_position=inputs.next_position + len(ids),
        loss_mask=np.concatenate([inputs.loss_mask, np.zeros(len(ids), dtype=np.bool_)]),
    )
