"""The plan: exact counts, what fits, and suggestions that really make a prompt fit."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import ConfigError
from qvl.geometry import PixelLimits
from qvl.inference.engine_options import EngineOptions
from qvl.inference.plan import Plan, PlanOptions, make_plan
from qvl.messages import Conversation, Image, Part, Text, Video
from qvl.model.config import ModelConfig
from qvl.model.cost import text_flops, vision_flops
from qvl.model.presets import PRESETS
from qvl.processing.processor import Processor
from qvl.processing.settings import InputSettings
from qvl.processing.tokenizer import Tokenizer
from tests.material import material, requires_material
from tests.processing.small import small_tokenizer_spec

CONTEXT = 4096
CONFIG = PRESETS["tiny"]


@cache
def processor() -> Processor:
    small_settings = InputSettings(
        limits=PixelLimits(min_pixels=3136, max_pixels=12_845_056),
        tokens_per_second=2,
        context_length=CONTEXT,
        vocab_size=320,
        token_ids={},
    )
    return Processor(Tokenizer(small_tokenizer_spec()), small_settings)


def config(context: int = CONTEXT) -> ModelConfig:
    return replace(CONFIG, text=replace(CONFIG.text, max_position_embeddings=context))


def picture(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def plan_of(*parts: Part, context: int = CONTEXT, **options: Any) -> Plan:
    wanted = PlanOptions(**{"max_tokens": 64, **options})
    return make_plan(Conversation.user(*parts), processor(), config(context), options=wanted)


def test_counts_and_operations() -> None:
    plan = plan_of(Image(picture(112, 140)), Text("hello"), Image(picture(56, 56)))
    assert [item.num_tokens for item in plan.bill.items] == [20, 4]
    assert (
        plan.bill.total
        == processor()
        .bill(Conversation.user(Image(picture(112, 140)), "hello", Image(picture(56, 56))))
        .total
    )
    assert plan.vision_flops == (
        vision_flops(CONFIG.vision, (1, 8, 10)),
        vision_flops(CONFIG.vision, (1, 4, 4)),
    )
    assert plan.prefill_flops == text_flops(CONFIG.text, num_tokens=plan.bill.total)
    one_by_one = sum(
        text_flops(CONFIG.text, num_tokens=1, num_past=plan.bill.total + step) for step in range(63)
    )
    assert plan.decode_flops == one_by_one
    assert plan.fits
    assert plan.suggestions == ()


def test_bytes_of_cache_and_weights() -> None:
    plan = plan_of(Text("hello"))
    text = CONFIG.text
    per_token = 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim * 2
    assert plan.memory.kv_cache == (plan.bill.total + 64) * per_token
    assert plan.memory.weights == 2 * 5_501_632
    assert plan.memory.pixels == plan.memory.vision_activations == plan.memory.features == 0
    wide = plan_of(Text("hello"), weight_bytes=4)
    assert wide.memory.weights == 2 * plan.memory.weights
    assert wide.memory.kv_cache == plan.memory.kv_cache
    wide = plan_of(Text("hello"), value_bytes=4)
    assert wide.memory.weights == plan.memory.weights
    assert wide.memory.kv_cache == 2 * plan.memory.kv_cache


def test_long_inputs_run_in_chunks_so_activations_are_bounded() -> None:
    big = Image(picture(1120, 1120))
    small_chunks = plan_of(
        big, engine=EngineOptions(max_step_tokens=100, max_patches_per_chunk=100)
    )
    whole = plan_of(big)
    assert small_chunks.memory.text_activations < whole.memory.text_activations
    # 80 x 80 patches are one frame, which is never cut.
    assert small_chunks.memory.vision_activations == whole.memory.vision_activations


def test_pixels_of_a_long_video_are_bounded() -> None:
    frames = Video([picture(224, 224)] * 16)
    engine = EngineOptions(max_patches_per_chunk=600)
    in_pieces, whole = plan_of(frames, engine=engine), plan_of(frames)
    assert in_pieces.bill.total == whole.bill.total
    assert whole.memory.pixels == 8 * 576 * 1176 * 4
    assert in_pieces.memory.pixels == 600 * 1176 * 4


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="max_tokens is 0"):
        PlanOptions(max_tokens=0)


def test_largest_picture_that_fits_the_context() -> None:
    image = Image(picture(2000, 1500))
    plan = plan_of(image, Text("hello"), context=1000)
    assert not plan.fits_context
    (suggestion,) = plan.suggestions
    assert suggestion.option == "max_pixels"
    assert suggestion.min_pixels is None
    smaller = replace(image, max_pixels=int(suggestion.value))
    fitted = plan_of(smaller, Text("hello"), context=1000)
    assert fitted.fits
    assert fitted.bill.media_tokens == suggestion.media_tokens
    one_more = replace(image, max_pixels=int(suggestion.value) + 784)
    assert not plan_of(one_more, Text("hello"), context=1000).fits


def test_largest_picture_that_fits_the_memory() -> None:
    image = Image(picture(1500, 1500))
    needed = plan_of(image).memory.peak
    plan = plan_of(image, memory_bytes=needed // 2)
    assert plan.fits_context
    assert not plan.fits_memory
    (suggestion,) = plan.suggestions
    smaller = replace(image, max_pixels=int(suggestion.value))
    assert plan_of(smaller, memory_bytes=needed // 2).fits


def test_nothing_helps_when_the_text_is_too_long() -> None:
    plan = plan_of(Image(picture(300, 300)), Text("x" * 500), context=400)
    assert not plan.fits
    assert plan.suggestions == ()


def test_a_given_size_is_not_overruled() -> None:
    image = Image(picture(300, 300), resized_height=840, resized_width=840)
    assert plan_of(image, context=500).suggestions == ()
    fixed = Image(picture(112, 112), resized_height=112, resized_width=112, min_pixels=784 * 100)
    plan = plan_of(fixed, Image(picture(900, 900)), context=500)
    (suggestion,) = plan.suggestions
    assert suggestion.media_tokens > 200


def test_a_smaller_limit_than_min_pixels_says_so() -> None:
    image = Image(picture(900, 900), min_pixels=784 * 400)
    (suggestion,) = plan_of(image, context=400).suggestions
    assert suggestion.min_pixels == 3136
    fitted = replace(image, max_pixels=int(suggestion.value), min_pixels=suggestion.min_pixels)
    assert plan_of(fitted, context=400).fits


SIDES = st.integers(28, 1500)
IMAGES = st.lists(
    st.builds(lambda h, w: Image(picture(h, w)), SIDES, SIDES), min_size=1, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(images=IMAGES, context=st.integers(150, 3000))
def test_a_suggestion_keeps_its_promise(images: list[Image], context: int) -> None:
    plan = plan_of(*images, context=context)
    for suggestion in plan.suggestions:
        changed = [replace(image, max_pixels=int(suggestion.value)) for image in images]
        fitted = plan_of(*changed, context=context)
        assert fitted.fits
        assert fitted.bill.media_tokens == suggestion.media_tokens


@requires_material
def test_rate_and_size_that_fit_a_real_video() -> None:
    video = Video(material("cookbooks", "assets", "v_rBMQFpHspmo.mp4"))
    plan = plan_of(video, context=2000)
    assert plan.bill.media_tokens == 144 * 9 * 16
    by_option = {suggestion.option: suggestion for suggestion in plan.suggestions}
    assert set(by_option) == {"max_pixels", "fps"}
    slower = replace(video, fps=by_option["fps"].value)
    size = by_option["max_pixels"]
    assert size.min_pixels == 3136
    smaller = replace(video, max_pixels=int(size.value), min_pixels=size.min_pixels)
    for changed, suggestion in ((slower, by_option["fps"]), (smaller, size)):
        fitted = plan_of(changed, context=2000)
        assert fitted.fits
        assert fitted.bill.media_tokens == suggestion.media_tokens
        assert fitted.bill.total > 1000  # not smaller than it has to be
    counted = replace(video, nframes=200)
    assert {s.option for s in plan_of(counted, context=2000).suggestions} == set(by_option)


def test_rate_of_a_list_of_frames_changes_nothing() -> None:
    video = Video([picture(448, 448)] * 40, fps=2.0)
    plan = plan_of(video, context=1000)
    assert not plan.fits
    assert [suggestion.option for suggestion in plan.suggestions] == ["max_pixels"]
