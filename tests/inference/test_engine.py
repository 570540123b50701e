"""The engine's edges: limits, errors, what is encoded how often."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from qvl.errors import CheckpointError, ConfigError, ContextLengthError, InputError
from qvl.inference.engine import Engine
from qvl.inference.engine_options import EngineOptions
from qvl.inference.runner import memory_budget
from qvl.messages import Conversation, Image, SamplingParams, TextGenerator
from tests.inference.tiny import one_thread, picture, tiny_engine, tiny_tokenizer

SHORT = SamplingParams(max_tokens=4)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return tiny_engine(tmp_path)


def count_items(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Records how many pictures each call of the vision tower gets."""
    calls: list[int] = []
    encode = engine.model.encode_media

    def counted(pixel_values: torch.Tensor, grids: list, **options: int) -> torch.Tensor:
        calls.append(len(grids))
        return encode(pixel_values, grids, **options)

    monkeypatch.setattr(engine.model, "encode_media", counted)
    return calls


def test_engine_is_a_text_generator(engine: Engine) -> None:
    generator: TextGenerator = engine
    (result,) = generator.generate([Conversation.user("Hi")], SHORT)
    assert result.completion_tokens <= 4
    assert result.prompt_tokens == len(engine.prepare(Conversation.user("Hi")).input_ids)


def test_prompt_longer_than_the_context_is_refused(tmp_path: Path) -> None:
    engine = tiny_engine(tmp_path, context=100)
    with pytest.raises(ContextLengthError, match="at most 99"):
        engine.generate([Conversation.user("x" * 200)], SHORT)
    inputs = tiny_engine(tmp_path).prepare(Conversation.user("x" * 200))
    with pytest.raises(ContextLengthError, match="at most 100"):
        engine.complete([inputs], SHORT)


def test_answer_ends_with_the_context(tmp_path: Path) -> None:
    conversation = Conversation.user("Hi")
    prompt = len(tiny_engine(tmp_path).prepare(conversation).input_ids)
    engine = tiny_engine(tmp_path, context=prompt + 5)
    (result,) = engine.generate([conversation], SamplingParams(max_tokens=50))
    assert result.finish_reason == "length"
    assert result.completion_tokens == 5


def test_request_without_memory_is_refused_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny_engine(tmp_path, kv_cache_bytes=256 * 128)
    calls = count_items(engine, monkeypatch)
    conversation = Conversation.user(picture(56, 56, 0), "x")
    with pytest.raises(ContextLengthError, match="at most 128 tokens fit"):
        engine.generate([conversation], SamplingParams(max_tokens=1000))
    assert calls == []


def test_bad_conversation_of_a_batch_is_named(engine: Engine) -> None:
    good, bad = Conversation.user("Hi"), Conversation.user(Image("missing.png"), "What?")
    with pytest.raises(InputError, match=r"^conversation 2: .*missing\.png"):
        engine.generate([good, good, bad], SHORT)
    with pytest.raises(InputError, match=r"^(?!conversation)"):
        engine.generate([bad], SHORT)


def test_stream_raises_before_the_first_piece(engine: Engine) -> None:
    with pytest.raises(InputError):
        engine.stream(Conversation.user(Image("missing.png"), "What?"), SHORT)


def test_what_is_no_conversation_is_named(engine: Engine) -> None:
    turns: Any = [{"role": "user", "content": "Hi"}]
    with pytest.raises(InputError, match=r"conversation 1: a list is given.*parse_conversation"):
        engine.generate([Conversation.user("Hi"), turns], SHORT)
    one: Any = Conversation.user("Hi")
    with pytest.raises(InputError, match="expected a list"):
        engine.generate(one, SHORT)
    with pytest.raises(InputError, match="a list is given"):
        engine.stream(turns, SHORT)


def test_prepared_inputs_can_be_used_again(engine: Engine) -> None:
    inputs = engine.prepare(Conversation.user(picture(56, 56, 0), "What?"))
    first, second = engine.complete([inputs, inputs], SHORT)
    assert first == second
    assert list(engine.stream(inputs, SHORT))[-1].result == first
    assert len(inputs.pixel_values) == 16


def test_pictures_are_encoded_together_and_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_items(engine, monkeypatch)
    conversations = [
        Conversation.user(picture(56, 56, seed), picture(56, 84, 9), "What?") for seed in (1, 2)
    ]
    engine.generate(conversations, SHORT)
    assert calls == [3], "the picture that both show is encoded once"
    engine.generate(conversations, SHORT)
    assert calls == [3], "and found again"


def test_damaged_weights_are_reported(engine: Engine) -> None:
    with torch.no_grad():
        engine.model.model.norm.weight[0] = torch.nan
    with pytest.raises(CheckpointError, match="not a number"):
        engine.generate([Conversation.user("Hi")], SHORT)


def test_end_tokens_of_the_checkpoint_are_added(tmp_path: Path) -> None:
    plain = tiny_engine(tmp_path)
    conversation = Conversation.user("Hi")
    (whole,) = plain.generate([conversation], SamplingParams(max_tokens=10))
    ending = whole.token_ids[3]
    engine = Engine(plain.model, plain.processor, eos_ids=[ending])
    (result,) = engine.generate([conversation], SamplingParams(max_tokens=10))
    assert result.token_ids == whole.token_ids[: whole.token_ids.index(ending) + 1]
    assert result.finish_reason == "stop"
    assert result.text == tiny_tokenizer().decode(result.token_ids[:-1])


def test_conversations_are_prepared_as_slots_come_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny_engine(tmp_path, max_running=2, max_step_tokens=64)
    prepared = 0
    prepare = engine.prepare

    def counted(conversation: Conversation) -> object:
        nonlocal prepared
        prepared += 1
        return prepare(conversation)

    monkeypatch.setattr(engine, "prepare", counted)
    seen = []
    hidden_states = engine.model.hidden_states

    def watched(*args: object, **options: object) -> torch.Tensor:
        seen.append(prepared)
        return hidden_states(*args, **options)

    monkeypatch.setattr(engine.model, "hidden_states", watched)
    engine.generate([Conversation.user("Hi")] * 9, SHORT)
    assert seen[0] <= 2
    assert seen[-1] == 9


@pytest.mark.parametrize(
    "options",
    [
        {"max_running": 0},
        {"max_step_tokens": 8, "max_running": 9},
        {"kv_cache_bytes": 0},
        {"media_cache_bytes": -1},
    ],
    ids=str,
)
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"EngineOptions\.\w+ is"):
        EngineOptions(**options)


def test_what_earlier_runs_took_is_free_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of 40 GB that is given back stays with torch; the device does not call it free."""
    gb = 10**9
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (20 * gb, 80 * gb))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 56 * gb)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 16 * gb)
    assert memory_budget(torch.device("cuda")) == 48 * gb
