"""The laws of generation on a CUDA device."""

from pathlib import Path

import pytest
import torch

from qvl.inference.engine import Engine
from qvl.messages import Conversation, SamplingParams
from tests.inference.tiny import clip, picture, tiny_engine

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

GREEDY = SamplingParams(max_tokens=16)
SAMPLED = SamplingParams(
    max_tokens=16, temperature=1.1, top_p=0.95, repetition_penalty=1.1, seed=5, logprobs=2
)


def conversations() -> list[Conversation]:
    return [
        Conversation.user("Hi"),
        Conversation.user(picture(112, 84, 1), "What is this?"),
        Conversation.user(clip(6, 2), picture(56, 56, 3), "Is it in the video? " * 5),
    ]


def engine_on(folder: Path, device: str, dtype: torch.dtype) -> Engine:
    engine = tiny_engine(folder)
    return Engine(engine.model.to(device, dtype), engine.processor)


@pytest.mark.parametrize("params", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_cuda_answers_as_the_cpu_does(tmp_path: Path, params: SamplingParams) -> None:
    answers = [
        [result.token_ids for result in engine.generate(conversations(), params)]
        for engine in (engine_on(tmp_path, device, torch.float32) for device in ("cpu", "cuda"))
    ]
    assert answers[0] == answers[1]


def test_batch_is_single(tmp_path: Path) -> None:
    engine = engine_on(tmp_path, "cuda", torch.float32)
    together = [result.token_ids for result in engine.generate(conversations(), SAMPLED)]
    alone = [engine.generate([c], SAMPLED)[0].token_ids for c in conversations()]
    assert together == alone


def test_bfloat16_answers(tmp_path: Path) -> None:
    engine = engine_on(tmp_path, "cuda", torch.bfloat16)
    results = engine.generate(conversations(), SAMPLED)
    assert all(0 < result.completion_tokens <= 16 for result in results)
