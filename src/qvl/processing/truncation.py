"""Shortening a prompt that is too long, without ever cutting into an image or video.

Owns: which tokens go. Does not own: whether shortening is allowed (the processor raises unless
asked), nor pixels.

    EncodedConversation -> truncate -> a shorter EncodedConversation
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.errors import ContextLengthError
from qvl.processing.chat_template import EncodedConversation

Side = Literal["left", "right"]


def truncate(encoded: EncodedConversation, max_length: int, *, side: Side) -> EncodedConversation:
    """Returns at most ``max_length`` tokens of a conversation.

    "left" forgets the oldest: whole turns, then the beginning of the next one; the system turn and
    the frame of the last turns stay, so the result is a conversation still. "right" cuts the end
    off, as for a row of training. An item whose tokens would be cut goes as a whole.

    Raises:
        ContextLengthError: "left" cannot fit, because what must stay is longer.
    """
    if len(encoded.input_ids) <= max_length:
        return encoded
    keep = _keep_left(encoded, max_length) if side == "left" else _keep_right(encoded, max_length)
    return _select(encoded, keep)


def _keep_right(encoded: EncodedConversation, max_length: int) -> npt.NDArray[np.bool_]:
    end = max_length
    for item in encoded.items:
        if item.start - 1 < end <= item.stop:  # the markers around the pads belong to the item
            end = item.start - 1
    return np.arange(len(encoded.input_ids)) < end


def _keep_left(encoded: EncodedConversation, max_length: int) -> npt.NDArray[np.bool_]:
    keep = np.ones(len(encoded.input_ids), dtype=np.bool_)
    excess = len(keep) - max_length
    last_turn = int(encoded.turn[encoded.is_content].max(initial=-1))
    item_end = np.zeros(len(keep), dtype=np.int64)  # one past the item a token belongs to, or 0
    for item in encoded.items:
        item_end[item.start - 1 : item.stop + 1] = item.stop + 1
    for turn, role in enumerate(encoded.roles):
        if excess <= 0:
            break
        if role == "system" or turn > last_turn:
            continue
        tokens = np.flatnonzero(encoded.turn == turn)
        if turn != last_turn and len(tokens) <= excess:
            keep[tokens] = False
            excess -= len(tokens)
            continue
        content = tokens[encoded.is_content[tokens]]
        taken = min(excess, len(content))
        # An item that would be cut goes as a whole; all its tokens are content.
        if taken and item_end[content[taken - 1]]:
            taken = int(np.searchsorted(content, item_end[content[taken - 1]]))
        keep[content[:taken]] = False
        excess -= taken
    if excess > 0:
        raise ContextLengthError(
            f"{int(keep.sum())} tokens remain after dropping all that may be dropped, "
            f"at most {max_length} are allowed",
            hint="shorten the system prompt or the tools",
        )
    return keep


def _select(encoded: EncodedConversation, keep: npt.NDArray[np.bool_]) -> EncodedConversation:
    new_index: npt.NDArray[np.int64] = np.cumsum(keep) - keep
    items = tuple(
        replace(
            item,
            start=int(new_index[item.start]),
            stop=int(new_index[item.start]) + item.stop - item.start,
        )
        for item in encoded.items
        if keep[item.start]
    )
    return replace(
        encoded,
        input_ids=encoded.input_ids[keep],
        loss_mask=encoded.loss_mask[keep],
        is_content=encoded.is_content[keep],
        turn=encoded.turn[keep],
        items=items,
    )
