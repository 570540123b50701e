"""A long video goes through the tower in pieces, and what was encoded is not encoded again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from qvl.errors import InputError
from qvl.inference.engine import Engine
from qvl.messages import Conversation, SamplingParams, Video
from qvl.processing import video_chunks
from qvl.processing.media import prepare_media
from tests.inference.tiny import clip, one_thread, picture, tiny_engine

SHORT = SamplingParams(max_tokens=6)
PAIR = 4 * 6
"""Patches of one pair of frames of `clip`: 56 x 84 px."""


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def small(num_frames: int, seed: int) -> Video:
    """A clip that stays 56 x 84 px."""
    return Video(clip(num_frames, seed).source, fps=2.0, resized_height=56, resized_width=84)


def features_of(video: Video) -> torch.Tensor:
    features = video.source.features  # type: ignore[union-attr]
    assert isinstance(features, torch.Tensor)
    return features


def watch_tower(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Records how many patches each call of the vision tower gets."""
    calls: list[int] = []
    encode = engine.model.encode_media

    def counted(pixel_values: torch.Tensor, grids: list) -> torch.Tensor:
        calls.append(len(pixel_values))
        return encode(pixel_values, grids)

    monkeypatch.setattr(engine.model, "encode_media", counted)
    return calls


def test_features_in_pieces_are_those_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = small(14, seed=1)
    at_once, in_pieces = tiny_engine(tmp_path), tiny_engine(tmp_path, max_patches_per_chunk=50)
    calls = watch_tower(in_pieces, monkeypatch)
    whole, pieces = features_of(at_once.encode(video)), features_of(in_pieces.encode(video))
    assert calls == [2 * PAIR, 2 * PAIR, 2 * PAIR, PAIR]
    assert whole.shape == (7 * PAIR // 4, 48)
    torch.testing.assert_close(pieces, whole, atol=1e-6, rtol=0)
    prepared = prepare_media(video, at_once.processor.settings.limits)
    with torch.inference_mode():
        direct = at_once.model.encode_media(
            torch.from_numpy(prepared.pixel_values), [prepared.plan.grid]
        )
    torch.testing.assert_close(whole, direct, atol=0, rtol=0)


def test_answers_are_those_of_the_whole(tmp_path: Path) -> None:
    conversation = Conversation.user(picture(56, 56, 3), small(14, 1), picture(56, 84, 4), "What?")
    engines = [tiny_engine(tmp_path), tiny_engine(tmp_path, max_patches_per_chunk=50)]
    assert not engines[1].prepare(conversation).media[1].is_in_pixel_values
    first, second = (engine.generate([conversation], SHORT) for engine in engines)
    assert first[0].token_ids == second[0].token_ids


def test_whole_and_in_pieces_share_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny_engine(tmp_path, max_patches_per_chunk=50)
    calls = watch_tower(engine, monkeypatch)
    conversation = Conversation.user(small(14, 1), "What?")
    whole = engine.processor(conversation)
    assert len(whole.pixel_values) == 7 * PAIR
    (first,) = engine.complete([whole], SHORT)
    assert sum(calls) == 7 * PAIR
    (second,) = engine.complete([engine.prepare(conversation)], SHORT)
    assert sum(calls) == 7 * PAIR, "found piece by piece"
    assert first == second


def test_what_is_encoded_is_neither_decoded_nor_encoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny_engine(tmp_path, max_patches_per_chunk=50, media_cache_bytes=0)
    video = small(14, seed=1)
    expected = engine.generate([Conversation.user(video, "What?")], SHORT)
    calls = watch_tower(engine, monkeypatch)
    encoded = engine.encode(video)
    assert sum(calls) == 7 * PAIR
    monkeypatch.setattr(
        video_chunks, "iter_frames", lambda *args, **options: pytest.fail("decodes")
    )
    for _ in range(2):
        assert engine.generate([Conversation.user(encoded, "What?")], SHORT) == expected
    assert engine.encode(encoded) is encoded
    mixed = Conversation.user(picture(56, 56, 0), encoded, "And?", picture(56, 56, 0))
    assert engine.generate([mixed], SHORT)[0].prompt_tokens > 7 * PAIR // 4
    assert sum(calls) == 7 * PAIR + 16, "and the picture, once"


def test_features_of_another_model_are_refused(tmp_path: Path) -> None:
    engine = tiny_engine(tmp_path)
    encoded = engine.encode(small(4, seed=1))
    foreign = Video(replace(encoded.source, features=features_of(encoded)[:, :40]))  # type: ignore[type-var]
    with pytest.raises(InputError, match="encoded to 40 numbers a token by another model"):
        engine.generate([Conversation.user(foreign, "What?")], SHORT)


def test_pictures_can_be_encoded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tiny_engine(tmp_path)
    plain = Conversation.user(picture(56, 84, 2), "What?")
    encoded = engine.encode(picture(56, 84, 2))
    calls = watch_tower(engine, monkeypatch)
    assert engine.generate([Conversation.user(encoded, "What?")], SHORT) == engine.generate(
        [plain], SHORT
    )
    assert calls == [], "the plain one is found in the cache"
