"""Conversations to model inputs: recorded prompts, the bill's law, truncation, bad checkpoints."""

import json
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import CheckpointError, ContextLengthError, InputError
from qvl.geometry import PixelLimits
from qvl.messages import Conversation, Image, Message, Part, Text, Video
from qvl.processing.media import measure_media
from qvl.processing.patches import patchify
from qvl.processing.processor import ModelInputs, Processor
from qvl.processing.settings import DEFAULT_LIMITS, InputSettings
from qvl.processing.tokenizer import Tokenizer
from tests.material import material, requires_material
from tests.processing.small import (
    small_config,
    small_tokenizer_spec,
    write_small_checkpoint,
)

SETTINGS = InputSettings(
    limits=PixelLimits(min_pixels=3136, max_pixels=50176),
    tokens_per_second=2,
    context_length=4096,
    vocab_size=320,
    token_ids={},
)


@cache
def small() -> Processor:
    return Processor(Tokenizer(small_tokenizer_spec()), SETTINGS)


def picture(height: int = 56, width: int = 56) -> np.ndarray:
    values = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3))
    return values.astype(np.uint8)


def clip(frames: int, height: int = 56, width: int = 56) -> list[np.ndarray]:
    return [picture(height, width) for _ in range(frames)]


@requires_material
def test_recorded_prompts() -> None:
    tokenizer = Tokenizer.from_folder(material("tokenizer"))
    settings = replace(SETTINGS, limits=DEFAULT_LIMITS, context_length=100_000, vocab_size=152_064)
    processor = Processor(tokenizer, settings)
    cases = json.loads(material("golden", "processor.json").read_text())["cases"]
    assert len(cases) == 4
    for case in cases:
        sizes, videos = iter(case["image_sizes_hw"]), iter(case["videos"])
        parts: list[Part] = []
        for part in case["content"]:
            if part["type"] == "text":
                parts.append(Text(part["text"]))
            elif part["type"] == "image":
                parts.append(Image(picture(*next(sizes))))
            else:
                video = next(videos)
                # Recorded with 4 tokens as the least for a frame too, not the video default of 128.
                frames = clip(*video["frames_hw"])
                parts.append(Video(frames, fps=video["fps"], min_pixels=3136))
        inputs = processor(Conversation.user(*parts))
        runs = [[key, len(list(group))] for key, group in groupby(inputs.input_ids.tolist())]
        assert runs == case["ids_runs"], case["name"]
        assert len(inputs.input_ids) == case["length"]
        grids = [*(case["image_grid_thw"] or []), *(case["video_grid_thw"] or [])]
        assert inputs.grid_thw.tolist() == grids
        seconds = [item.second_per_grid for item in inputs.media if item.kind == "video"]
        assert seconds == (case["second_per_grid_ts"] or [])


def test_one_picture_all_fields() -> None:
    pixels = picture(112, 140)
    inputs = small()(Conversation.user("hello", Image(pixels)))
    (item,) = inputs.media
    start, stop = item.span
    assert stop - start == 20
    assert (inputs.input_ids[start:stop] == small().tokenizer.image_pad).all()
    assert inputs.grid_thw.tolist() == [[1, 8, 10]]
    np.testing.assert_array_equal(inputs.pixel_values, patchify(pixels[None]).pixel_values)
    assert inputs.position_ids.shape == (3, len(inputs.input_ids))
    np.testing.assert_array_equal(inputs.position_ids[:, :start], [range(start)] * 3)
    assert inputs.position_ids[1, start:stop].tolist() == [start + i // 5 for i in range(20)]
    assert inputs.position_ids[2, start:stop].tolist() == [start + i % 5 for i in range(20)]
    assert inputs.next_position == inputs.position_ids.max() + 1
    assert not inputs.loss_mask.any()
    assert (item.transform.original, item.transform.resized) == ((112, 140), (112, 140))


def test_images_and_videos_keep_their_order() -> None:
    parts = (Image(picture(56, 84)), Video(clip(4)), Text("x"), Image(picture(84, 56)))
    inputs = small()(Conversation.user(*parts))
    assert [item.kind for item in inputs.media] == ["image", "video", "image"]
    assert inputs.grid_thw.tolist() == [list(item.grid) for item in inputs.media]
    assert inputs.grid_thw[[0, 2]].tolist() == [[1, 4, 6], [1, 6, 4]]
    alone = [small()(Conversation.user(part)).pixel_values for part in (parts[0], *parts[3:])]
    np.testing.assert_array_equal(inputs.pixel_values[:24], alone[0])
    np.testing.assert_array_equal(inputs.pixel_values[-24:], alone[1])


def test_a_file_that_changes_while_it_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = measure_media(Image(picture(56, 84)), SETTINGS.limits)
    monkeypatch.setattr("qvl.processing.processor.measure_media", lambda *_: other)
    with pytest.raises(InputError, match=r"says 84 x 56 px, its pixels are 56 x 56 px"):
        small()(Conversation.user(Image(picture(56, 56))))


def test_text_alone_has_no_pixels() -> None:
    inputs = small()(Conversation.user("hello"))
    assert inputs.pixel_values.shape == (0, 1176)
    assert inputs.grid_thw.shape == (0, 3)
    assert inputs.media == ()


SIDES = st.integers(1, 90)
PARTS = st.one_of(
    st.text(max_size=12).map(Text),
    st.builds(lambda h, w: Image(picture(h, w)), SIDES, SIDES),
    st.builds(
        lambda h, w, limit: Image(picture(h, w), max_pixels=limit),
        SIDES,
        SIDES,
        st.integers(3136, 9000),
    ),
    st.builds(
        lambda n, h, w, fps: Video(clip(n, h, w), fps=fps),
        st.integers(2, 7),
        SIDES,
        SIDES,
        st.sampled_from([None, 1.0, 3.7]),
    ),
)


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=5), prompt=st.booleans(), ids=st.booleans())
def test_bill_equals_what_is_then_delivered(parts: list[Part], prompt: bool, ids: bool) -> None:
    conversation = Conversation.user(*parts)
    options = {"add_generation_prompt": prompt, "add_vision_id": ids}
    bill = small().bill(conversation, **options)
    inputs = small()(conversation, **options)
    assert bill.total == len(inputs.input_ids)
    assert bill.next_position == inputs.next_position
    assert bill.num_patches == len(inputs.pixel_values)
    delivered = [(item.kind, item.grid, item.span[1] - item.span[0]) for item in inputs.media]
    assert [(item.kind, item.grid, item.num_tokens) for item in bill.items] == delivered
    pads = {small().tokenizer.image_pad, small().tokenizer.video_pad}
    num_pads = sum(int((inputs.input_ids == pad).sum()) for pad in pads)
    assert bill.media_tokens == num_pads


def test_bill_reads_no_pixels(tmp_path: Path) -> None:
    import PIL.Image

    path = tmp_path / "cut.png"
    PIL.Image.fromarray(picture(300, 400)).save(path)
    path.write_bytes(path.read_bytes()[:200])  # the header is whole, the pixels are gone
    conversation = Conversation.user(Image(path))
    assert small().bill(conversation).media_tokens == 54
    with pytest.raises(InputError, match=r"cut\.png"):
        small()(conversation)


def test_too_long_prompt_names_the_counts_before_decoding(tmp_path: Path) -> None:
    import PIL.Image

    path = tmp_path / "cut.png"
    PIL.Image.fromarray(picture(300, 400)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    conversation = Conversation.user("hello", Image(path))
    with pytest.raises(ContextLengthError) as caught:
        small()(conversation, max_length=100)
    total = small().bill(conversation).total
    assert f"{total} tokens" in str(caught.value)
    assert "54 in 1 images" in str(caught.value)
    assert "at most 100" in str(caught.value)


def test_context_length_is_the_default_limit() -> None:
    with pytest.raises(ContextLengthError, match="at most 4096"):
        small()(Conversation.user("x" * 5000))


def _assert_items_whole(inputs: ModelInputs) -> None:
    tokenizer = small().tokenizer
    assert len(inputs.grid_thw) == len(inputs.media)
    assert len(inputs.pixel_values) == inputs.grid_thw.prod(axis=1).sum()
    for item in inputs.media:
        start, stop = item.span
        assert inputs.input_ids[start - 1] == tokenizer.vision_start
        assert inputs.input_ids[stop] == tokenizer.vision_end
        assert stop - start == item.num_tokens
    num_pads = int((inputs.input_ids == tokenizer.image_pad).sum())
    assert num_pads == sum(item.num_tokens for item in inputs.media)
    for marker in (tokenizer.vision_start, tokenizer.vision_end):
        assert int((inputs.input_ids == marker).sum()) == len(inputs.media)


def _dialogue() -> Conversation:
    return Conversation(
        (
            Message("system", (Text("Be brief."),)),
            Message("user", (Image(picture(112, 112)), Text("hello"))),
            Message("assistant", (Text("hello"),)),
            Message("user", (Text("and"), Image(picture(84, 84)), Text("now?"))),
        )
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_truncation_at_every_length_keeps_items_whole(side: Any) -> None:
    prompt = side == "left"
    whole = small()(_dialogue(), add_generation_prompt=prompt)
    shortest = 60 if prompt else 0
    for max_length in range(shortest, len(whole.input_ids) + 2):
        inputs = small()(
            _dialogue(), add_generation_prompt=prompt, max_length=max_length, truncate=side
        )
        assert len(inputs.input_ids) <= max_length
        _assert_items_whole(inputs)
        if side == "right":
            np.testing.assert_array_equal(
                inputs.input_ids, whole.input_ids[: len(inputs.input_ids)]
            )
        text = small().tokenizer.decode(inputs.input_ids.tolist(), skip_special_tokens=False)
        if prompt:
            assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>")
            assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
            assert text.count("<|im_start|>") == text.count("<|im_end|>") + 1


def test_left_truncation_forgets_the_oldest_first() -> None:
    whole = small()(_dialogue())
    shown = []
    for max_length in range(60, len(whole.input_ids) + 1):
        inputs = small()(_dialogue(), max_length=max_length, truncate="left")
        shown.append([item.num_tokens for item in inputs.media])
    # 16 tokens is the old picture, 9 the new one.
    assert [kept for kept, _ in groupby(shown)] == [[], [9], [16, 9]]


def test_left_truncation_refuses_to_cut_the_system_turn() -> None:
    conversation = Conversation.user("hello", system="x" * 300)
    with pytest.raises(ContextLengthError, match="at most 200"):
        small()(conversation, max_length=200, truncate="left")


def test_times_of_the_frames_are_kept() -> None:
    inputs = small()(Conversation.user(Video(clip(6), fps=2.0)))
    (item,) = inputs.media
    assert item.facts.timestamps_s == (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
    assert (item.num_frames, item.grid.t, item.second_per_grid) == (6, 3, 1.0)
    start, stop = item.span
    times = inputs.position_ids[0, start:stop].reshape(3, -1) - start
    assert times[:, 0].tolist() == [0, 2, 4]


@requires_material
def test_bill_of_a_real_video() -> None:
    path = material("cookbooks", "assets", "v_rBMQFpHspmo.mp4")
    conversation = Conversation.user(Video(path, fps=0.2, max_pixels=20_000, min_pixels=3136), "?")
    bill = small().bill(conversation)
    inputs = small()(conversation)
    assert bill.total == len(inputs.input_ids)
    assert bill.next_position == inputs.next_position
    assert [bill.items[0].grid, bill.items[0].second_per_grid] == [
        inputs.media[0].grid,
        inputs.media[0].second_per_grid,
    ]
    times = inputs.media[0].facts.timestamps_s
    assert times is not None
    assert len(times) == inputs.media[0].num_frames == 28


def test_left_truncation_keeps_the_frame_of_the_last_turn() -> None:
    with pytest.raises(ContextLengthError, match="at most 30"):
        small()(_dialogue(), max_length=30, truncate="left")


def test_right_truncation_has_no_place_before_an_answer() -> None:
    with pytest.raises(InputError, match="expected 'left'"):
        small()(Conversation.user("hello"), truncate="right")


def test_a_dropped_picture_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    import PIL.Image

    PIL.Image.fromarray(picture(112, 112)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    conversation = Conversation((Message("user", (Image(path), Text("hello"))),))
    inputs = small()(conversation, max_length=70, truncate="left")
    assert inputs.media == ()


def test_folder_is_read_and_checked(tmp_path: Path) -> None:
    processor = Processor.from_folder(write_small_checkpoint(tmp_path))
    assert processor.settings.limits == PixelLimits(min_pixels=3136, max_pixels=50176)
    assert processor.settings.tokens_per_second == 2
    assert processor.settings.context_length == 4096
    assert len(processor.settings.token_ids) == 5


def test_nested_config_and_newer_limits(tmp_path: Path) -> None:
    config = small_config()
    inner = {name: config.pop(name) for name in ("vocab_size", "max_position_embeddings")}
    write_small_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "text_config": inner}))
    size = {"size": {"shortest_edge": 784, "longest_edge": 7840}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(size))
    processor = Processor.from_folder(tmp_path)
    assert processor.settings.limits == PixelLimits(min_pixels=784, max_pixels=7840)
    assert (processor.settings.context_length, processor.settings.vocab_size) == (4096, 320)


def test_without_a_preprocessor_file_the_published_limits_hold(tmp_path: Path) -> None:
    write_small_checkpoint(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    assert Processor.from_folder(tmp_path).settings.limits == PixelLimits(
        min_pixels=3136, max_pixels=12_845_056
    )


def _vision(**changes: object) -> dict[str, object]:
    return {"vision_config": {**small_config()["vision_config"], **changes}}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"vocab_size": 100}, "the model embeds 100"),
        ({"image_token_id": 151655}, "image_token_id is 151655"),
        ({"video_token_id": 6}, "video_token_id is 6"),
        ({"vision_start_token_id": "x"}, "vision_start_token_id is 'x'"),
        ({"vocab_size": None}, "vocab_size is None"),
        ({"max_position_embeddings": -1}, "max_position_embeddings is -1"),
        ({"vision_config": None}, "no vision_config"),
        ({"model_type": "qwen2_vl", **_vision(tokens_per_second=None)}, "model_type is 'qwen2_vl'"),
        (_vision(patch_size=16), "patch_size is 16, expected 14"),
        (_vision(tokens_per_second=None), "tokens_per_second is None"),
        (_vision(temporal_patch_size=1), "temporal_patch_size is 1, expected 2"),
    ],
)
def test_a_config_that_does_not_belong_is_named(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    write_small_checkpoint(tmp_path, **change)
    with pytest.raises(CheckpointError) as caught:
        Processor.from_folder(tmp_path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not valid JSON"),
        ('{"min_pixels": 9, "max_pixels": 3}', "leave no size"),
        ('{"max_pixels": "many"}', "max_pixels is 'many'"),
        ('{"image_mean": [0.5, 0.5, 0.5]}', "image_mean"),
        ('{"patch_size": 16}', "patch_size is 16"),
    ],
)
def test_a_preprocessor_file_that_is_not_ours_is_named(
    tmp_path: Path, content: str, complaint: str
) -> None:
    write_small_checkpoint(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises(CheckpointError, match=complaint):
        Processor.from_folder(tmp_path)
