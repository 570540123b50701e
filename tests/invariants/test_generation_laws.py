"""What an answer may not depend on: its neighbours, the cache, the chunks, the stream, the slots.

A random tiny model in float32. Its likeliest token depends on the whole prompt, so a wrong
position, a neighbour's token or a stale cache changes the answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from qvl.inference import runner
from qvl.inference.engine import Engine
from qvl.messages import Conversation, GenerationResult, SamplingParams
from qvl.model.attention import Segments
from qvl.model.kv_cache import KVCache
from tests.inference.tiny import clip, one_thread, picture, tiny_engine, tiny_tokenizer

GREEDY = SamplingParams(max_tokens=12)
SAMPLED = SamplingParams(
    max_tokens=12, temperature=1.2, top_p=0.95, top_k=60, min_p=0.01, repetition_penalty=1.2, seed=7
)


def conversations() -> list[Conversation]:
    """Unlike in every way: length, pictures, videos, turns."""
    return [
        Conversation.user("Hi"),
        Conversation.user(picture(56, 84, 1), "What is this?"),
        Conversation.user("A longer question without a picture. " * 4, system="Be brief."),
        Conversation.user(picture(84, 56, 2), "and", picture(140, 112, 3), "differ how?"),
        Conversation.user(clip(6, 4), "What happens?"),
        Conversation.user(clip(4, 5), picture(56, 56, 6), "Is it in the video?"),
        Conversation.user("Hi!"),
    ]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny_engine(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Engine]:
    folder = tmp_path_factory.mktemp("tiny")
    return lambda **options: tiny_engine(folder, **options)


def tokens(results: list[GenerationResult]) -> list[tuple[int, ...]]:
    return [result.token_ids for result in results]


@pytest.fixture(scope="module")
def alone(engine: Engine) -> dict[SamplingParams, list[GenerationResult]]:
    return {
        params: [engine.generate([c], params)[0] for c in conversations()]
        for params in (GREEDY, SAMPLED)
    }


def test_answers_are_worth_comparing(alone: dict[SamplingParams, list[GenerationResult]]) -> None:
    greedy, sampled = tokens(alone[GREEDY]), tokens(alone[SAMPLED])
    assert len(set(greedy)) == len(greedy), "different prompts, different answers"
    assert greedy != sampled
    assert max(len(set(ids)) for ids in greedy) > 6, "answers that do not just repeat a token"


@pytest.mark.parametrize("params", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_batch_is_single(
    engine: Engine, alone: dict[SamplingParams, list[GenerationResult]], params: SamplingParams
) -> None:
    assert tokens(engine.generate(conversations(), params)) == tokens(alone[params])


@pytest.mark.parametrize(
    "options",
    [
        {"max_step_tokens": 7, "max_running": 5},
        {"max_step_tokens": 64},
        {"max_running": 2},
        {"max_running": 1},
        # Room for two of the seven: 256 bytes a token.
        {"kv_cache_bytes": 256 * 2 * 256},
        {"max_patches_per_chunk": 10},
        {"media_cache_bytes": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("params", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_limits_of_the_engine_change_nothing(
    make: Callable[..., Engine],
    alone: dict[SamplingParams, list[GenerationResult]],
    params: SamplingParams,
    options: dict[str, int],
) -> None:
    assert tokens(make(**options).generate(conversations(), params)) == tokens(alone[params])


def test_fresh_memory_may_hold_anything(
    engine: Engine,
    alone: dict[SamplingParams, list[GenerationResult]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class DirtyCache(KVCache):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            self.keys.fill_(torch.nan)
            self.values.fill_(torch.nan)

    monkeypatch.setattr(runner, "KVCache", DirtyCache)
    assert tokens(engine.generate(conversations(), GREEDY)) == tokens(alone[GREEDY])


@torch.inference_mode()
def test_cached_is_uncached(
    engine: Engine, alone: dict[SamplingParams, list[GenerationResult]]
) -> None:
    """Every token again from the whole row, without a cache."""
    model, vocabulary = engine.model, tiny_tokenizer()
    allowed = [i for i in range(vocabulary.im_end + 1) if i != vocabulary.im_start]
    for conversation, answer in zip(conversations(), tokens(alone[GREEDY]), strict=True):
        inputs = engine.prepare(conversation)
        ids = inputs.input_ids.tolist()
        for count, token in enumerate(answer):
            steps = np.arange(count) + inputs.next_position
            positions = np.concatenate([inputs.position_ids, np.tile(steps, (3, 1))], axis=1)
            logits = model(
                torch.tensor(ids),
                torch.from_numpy(positions),
                segments=Segments([len(ids)]),
                pixel_values=torch.from_numpy(inputs.pixel_values) if inputs.media else None,
                grid_thw=[tuple(grid) for grid in inputs.grid_thw.tolist()],
            )[-1]
            assert allowed[int(logits[allowed].argmax())] == token
            ids.append(token)


@pytest.mark.parametrize("params", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_stream_is_generate(
    engine: Engine, alone: dict[SamplingParams, list[GenerationResult]], params: SamplingParams
) -> None:
    for conversation, result in zip(conversations(), alone[params], strict=True):
        events = list(engine.stream(conversation, params))
        assert "".join(event.text for event in events) == result.text
        assert events[-1].result == result
        assert all(event.result is None for event in events[:-1])


def test_two_streams_at_once_do_not_meet(
    engine: Engine, alone: dict[SamplingParams, list[GenerationResult]]
) -> None:
    first, second = (engine.stream(conversations()[i], GREEDY) for i in (1, 4))
    results = [(a.result, b.result) for a, b in zip(first, second, strict=False)][-1]
    assert alone[GREEDY][1] in results or alone[GREEDY][4] in results


def test_text_is_the_decoded_tokens(
    alone: dict[SamplingParams, list[GenerationResult]],
) -> None:
    for result in alone[GREEDY] + alone[SAMPLED]:
        assert result.text == tiny_tokenizer().decode(result.token_ids)


def test_stop_string_cuts_the_same_answer(
    engine: Engine, alone: dict[SamplingParams, list[GenerationResult]]
) -> None:
    for conversation, whole in list(zip(conversations(), alone[SAMPLED], strict=True))[:3]:
        for start in range(len(whole.text) - 1):
            stop = whole.text[start : start + 2]
            (cut,) = engine.generate([conversation], replace(SAMPLED, stop=(stop,)))
            assert cut.text == whole.text[: whole.text.index(stop)]
            assert cut.finish_reason == "stop"
            assert whole.token_ids[: len(cut.token_ids)] == cut.token_ids


def test_forbidden_tokens_never_appear(engine: Engine) -> None:
    vocabulary = tiny_tokenizer()
    chosen: set[int] = set()
    for seed in range(6):
        hot = SamplingParams(max_tokens=60, temperature=100.0, seed=seed)
        chosen.update(*tokens(engine.generate(conversations()[:3], hot)))
    assert len(chosen) > 100
    assert not chosen & {*vocabulary.vision_ids, vocabulary.im_start}
    assert max(chosen) < vocabulary.vocab_size


def test_seeds_differ_and_repeat(engine: Engine) -> None:
    answers = [
        tokens(engine.generate(conversations(), replace(SAMPLED, seed=seed))) for seed in (1, 2, 1)
    ]
    assert answers[0] == answers[2]
    assert answers[0] != answers[1]


def test_logprobs_are_those_of_a_greedy_choice(
    engine: Engine, alone: dict[SamplingParams, list[GenerationResult]]
) -> None:
    results = engine.generate(conversations(), replace(GREEDY, logprobs=3))
    assert tokens(results) == tokens(alone[GREEDY])
    for result in results:
        assert result.logprobs is not None
        assert [entry.token_id for entry in result.logprobs] == list(result.token_ids)
        for entry in result.logprobs:
            assert entry.top[0] == (entry.token_id, pytest.approx(entry.logprob))
            assert entry.top[0][1] > entry.top[1][1] > entry.top[2][1]


def test_logprobs_do_not_depend_on_sampling(engine: Engine) -> None:
    """The first token stands at the same place whatever the parameters, so its top is the same."""
    first = [
        engine.generate(conversations(), replace(params, logprobs=5))[1].logprobs[0].top
        for params in (GREEDY, SAMPLED)
    ]
    assert [i for i, _ in first[0]] == [i for i, _ in first[1]]
    assert [p for _, p in first[0]] == pytest.approx([p for _, p in first[1]], abs=1e-4)


def test_abandoned_and_interrupted_runs_leave_nothing_behind(
    engine: Engine,
    alone: dict[SamplingParams, list[GenerationResult]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    next(engine.stream(conversations()[1], GREEDY))
    calls = 0
    forward = engine.model.hidden_states

    def interrupted(*args: object, **kwargs: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return forward(*args, **kwargs)

    monkeypatch.setattr(engine.model, "hidden_states", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.generate(conversations(), GREEDY)
    monkeypatch.undo()
    assert tokens(engine.generate(conversations(), GREEDY)) == tokens(alone[GREEDY])


def test_no_conversations_no_answers(engine: Engine) -> None:
    assert engine.generate([], GREEDY) == []
