"""vLLM is asked in its own words. The stand-in has its interface as documented."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qvl.data.vllm import VllmGenerator
from qvl.errors import InputError, MissingDependencyError
from qvl.messages import Conversation, Image, SamplingParams


class StandIn(ModuleType):
    """A module with the two classes that are used."""

    def __init__(self) -> None:
        super().__init__("vllm")
        self.made: list[dict[str, Any]] = []
        self.chats: list[dict[str, Any]] = []
        self.LLM = self._llm
        self.SamplingParams = lambda **options: SimpleNamespace(**options)

    def _llm(self, **options: Any) -> Any:
        self.made.append(options)

        def chat(conversations: list[Any], **options: Any) -> list[Any]:
            self.chats.append({"conversations": conversations, **options})
            return [
                SimpleNamespace(
                    prompt_token_ids=[1, 2, 3],
                    outputs=[
                        SimpleNamespace(
                            text=str(number),
                            token_ids=[number],
                            finish_reason=("stop", "length")[number % 2],
                        )
                    ],
                )
                for number, _ in enumerate(conversations)
            ]

        return SimpleNamespace(chat=chat)


def test_conversations_go_in_and_answers_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = StandIn()
    monkeypatch.setitem(sys.modules, "vllm", fake)
    generator = VllmGenerator("some/model", tensor_parallel_size=2)
    assert fake.made == [{"model": "some/model", "tensor_parallel_size": 2}]
    pixels = np.zeros((28, 28, 3), np.uint8)
    questions = [Conversation.user("Hi."), Conversation.user(Image(pixels), "What is it?")]
    params = SamplingParams(max_tokens=9, temperature=0.7, seed=4, stop=("x",))
    first, second = generator.generate(questions, params)
    assert (first.text, first.finish_reason, first.prompt_tokens) == ("0", "stop", 3)
    assert (second.token_ids, second.finish_reason) == ((1,), "length")
    (chat,) = fake.chats
    assert chat["conversations"][0] == [{"role": "user", "content": "Hi."}]
    assert chat["conversations"][1][0]["content"][0]["type"] == "image_url"
    drawn = chat["sampling_params"]
    assert (drawn.max_tokens, drawn.temperature, drawn.seed, drawn.stop) == (9, 0.7, 4, ["x"])
    assert not hasattr(drawn, "top_k")
    assert generator.generate([], params) == []
    tools = ({"type": "function", "function": {"name": "look"}},)
    unlike = [questions[0], Conversation(questions[0].messages, tools)]
    with pytest.raises(InputError, match="different tools"):
        generator.generate(unlike, params)
    with pytest.raises(InputError, match="logprobs"):
        generator.generate(questions, SamplingParams(logprobs=1))


def test_without_vllm_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingDependencyError, match="pip install vllm"):
        VllmGenerator("some/model")
