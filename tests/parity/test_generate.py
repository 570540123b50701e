"""Greedy answers, token for token those of transformers' ``generate`` on the same random weights.

Without videos: transformers 5 places the text after them wrongly, see the golden logits.
"""

from collections.abc import Iterator

import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from qvl.inference.engine import Engine
from qvl.messages import Conversation, SamplingParams
from qvl.processing.processor import ModelInputs
from tests.inference.tiny import one_thread, picture, tiny_engine, tiny_tokenizer
from tests.parity.oracle import to_transformers

CONVERSATIONS = [
    Conversation.user("Hi"),
    Conversation.user("Once upon a time, " * 6, system="Tell a story."),
    Conversation.user(picture(56, 84, 1), "What is this?"),
    Conversation.user("Compare", picture(84, 140, 2), "with", picture(252, 56, 3), "please."),
    Conversation.user(picture(140, 140, 4), picture(28, 28, 5)),
]
NUM_TOKENS = 30


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny_engine(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def oracle(engine: Engine) -> Qwen2_5_VLForConditionalGeneration:
    return to_transformers(engine.model)


@torch.inference_mode()
def oracle_answer(
    oracle: Qwen2_5_VLForConditionalGeneration, inputs: ModelInputs, penalty: float
) -> list[int]:
    vocabulary = tiny_tokenizer()
    ids = torch.from_numpy(inputs.input_ids)[None]
    media = {
        "pixel_values": torch.from_numpy(inputs.pixel_values),
        "image_grid_thw": torch.from_numpy(inputs.grid_thw),
    }
    rows = oracle.config.get_text_config().vocab_size
    output = oracle.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == vocabulary.image_pad).int(),
        **(media if inputs.media else {}),
        max_new_tokens=NUM_TOKENS,
        do_sample=False,
        repetition_penalty=penalty,
        suppress_tokens=[
            *vocabulary.vision_ids,
            vocabulary.im_start,
            *range(vocabulary.vocab_size, rows),
        ],
        eos_token_id=list(vocabulary.eos_ids),
        pad_token_id=vocabulary.endoftext,
    )
    return output[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_answers_are_those_of_transformers(
    engine: Engine, oracle: Qwen2_5_VLForConditionalGeneration, penalty: float
) -> None:
    params = SamplingParams(max_tokens=NUM_TOKENS, repetition_penalty=penalty)
    ours = [list(result.token_ids) for result in engine.generate(CONVERSATIONS, params)]
    theirs = [oracle_answer(oracle, engine.prepare(c), penalty) for c in CONVERSATIONS]
    assert ours == theirs
    assert max(map(len, ours)) == NUM_TOKENS
