"""A prompt with a part of its answer behind it is what decoding would have had at that place."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.inference.sequence import SequenceState
from qvl.messages import Conversation, SamplingParams
from qvl.processing.continuation import continue_inputs
from qvl.processing.processor import Processor
from tests.inference.tiny import clip, picture, tiny_engine
from tests.material import EMBEDDED

PROCESSOR = Processor.from_folder(EMBEDDED)
PROMPTS = [
    PROCESSOR(Conversation.user(*parts))
    for parts in (
        ["hello"],
        [picture(56, 140, 0), "what?"],
        [picture(28, 28, 0), clip(4, 1), "and?"],
    )
]


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PROMPTS), st.lists(st.integers(0, 300), max_size=12), st.integers(0, 12))
def test_prefill_of_the_continued_prompt_is_decoding(prompt, token_ids, cut) -> None:  # type: ignore[no-untyped-def]
    sequence = SequenceState(
        0, prompt, SamplingParams(), max_tokens=100, tokenizer=PROCESSOR.tokenizer, eos_ids=[]
    )
    for token_id in token_ids:
        sequence.append(token_id, None)
    length = len(prompt.input_ids) + len(token_ids)
    # Continued once or twice makes no difference.
    continued = continue_inputs(continue_inputs(prompt, token_ids[:cut]), token_ids[cut:])
    np.testing.assert_array_equal(continued.input_ids, sequence.ids_between(0, length))
    np.testing.assert_array_equal(continued.position_ids, sequence.positions_between(0, length))
    following = sequence.positions_between(length, length + 1)
    assert (following == continued.next_position).all() or following.size == 0
    assert continued.pixel_values is prompt.pixel_values
    assert len(continued.loss_mask) == length
    assert not continued.loss_mask[len(prompt.input_ids) :].any()


def test_negative_ids_are_refused() -> None:
    with pytest.raises(InputError, match="token id is -1, expected 0 or more"):
        continue_inputs(PROMPTS[0], [3, -1])


def test_a_continued_answer_is_the_one_that_was_not_cut(tmp_path: Path) -> None:
    engine = tiny_engine(tmp_path)
    inputs = engine.prepare(Conversation.user(picture(56, 84, 3), "what?"))
    (whole,) = engine.complete([inputs], SamplingParams(max_tokens=24))
    (start,) = engine.complete([inputs], SamplingParams(max_tokens=9))
    continued = continue_inputs(inputs, start.token_ids)
    (rest,) = engine.complete([continued], SamplingParams(max_tokens=15))
    assert len(whole.token_ids) > 9
    assert start.token_ids + rest.token_ids == whole.token_ids
