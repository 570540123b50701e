"""What answering a conversation will cost, before a weight is loaded or a pixel decoded.

Owns: putting the token counts, the model's formulas and the engine's way of working together.
Does not own the formulas (model/cost), the counts (processing), what would fit instead (fit).

    Conversation -> Processor.bill -> make_plan -> Plan: operations, bytes, suggestions
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qvl.errors import ConfigError
from qvl.inference.engine_options import EngineOptions
from qvl.inference.fit import Suggestion, suggest
from qvl.messages import Conversation, Image, SamplingParams, Video
from qvl.model.config import ModelConfig
from qvl.model.cost import (
    kv_bytes_per_token,
    num_parameters,
    text_activation_bytes,
    text_flops,
    vision_activation_bytes,
    vision_flops,
)
from qvl.processing.bill import Bill
from qvl.processing.media import MediaPlan
from qvl.processing.patches import PATCH_DIM
from qvl.processing.processor import Processor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How the model will be run.

    Attributes:
        max_tokens: most tokens of the answer.
        weight_bytes: bytes of a weight; 2 for bfloat16.
        value_bytes: bytes of a number in activations and cache, which can be wider.
        memory_bytes: memory at hand; None means that only the context limits.
        engine: limits of the engine.
    """

    max_tokens: int = SamplingParams().max_tokens
    weight_bytes: int = 2
    value_bytes: int = 2
    memory_bytes: int | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)

    def __post_init__(self) -> None:
        for name in ("max_tokens", "weight_bytes", "value_bytes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"PlanOptions.{name} is {getattr(self, name)}, expected >= 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of one request, alone in the engine.

    Attributes:
        weights: all parameters.
        kv_cache: keys and values of prompt and answer.
        pixels: ``pixel_values`` in float32, twice where several items are put together; of a video
            too long for one chunk of the tower, a chunk.
        features: what the tower hands to the language model.
        vision_activations: of the largest chunk in the tower.
        text_activations: of the largest step in the language model.
    """

    weights: int
    kv_cache: int
    pixels: int
    features: int
    vision_activations: int
    text_activations: int

    @property
    def peak(self) -> int:
        """Most bytes at once: pixels are gone when the language model starts."""
        vision_phase = self.pixels + self.vision_activations
        return (
            self.weights + self.kv_cache + self.features + max(vision_phase, self.text_activations)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cost of answering one conversation.

    Attributes:
        bill: exact tokens of every item and of the text.
        options: what the plan is for.
        vision_flops: operations of the tower, for each item.
        prefill_flops: operations of the language model on the prompt.
        decode_flops: operations of the language model for the longest answer.
        memory: estimate of the bytes, by what they are for.
        context_length: most tokens of prompt and answer together.
        suggestions: if it does not fit, the options that would make it fit, one by one.
    """

    bill: Bill
    options: PlanOptions
    vision_flops: tuple[int, ...]
    prefill_flops: int
    decode_flops: int
    memory: Memory
    context_length: int
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def fits_context(self) -> bool:
        """Whether prompt and longest answer stay within the context."""
        return self.bill.total + self.options.max_tokens <= self.context_length

    @property
    def fits_memory(self) -> bool:
        """Whether the peak stays within the memory at hand, as far as one is given."""
        at_hand = self.options.memory_bytes
        return at_hand is None or self.memory.peak <= at_hand

    @property
    def fits(self) -> bool:
        """Whether it can be run as it is."""
        return self.fits_context and self.fits_memory


def make_plan(
    conversation: Conversation,
    processor: Processor,
    config: ModelConfig,
    *,
    options: PlanOptions | None = None,
) -> Plan:
    """Returns what a conversation will cost, and what to change if it does not fit.

    Token counts are exact and operations are those of all matrix products. The memory is an
    estimate of the arrays alive at the worst moment; allocators add to it.

    Raises:
        InputError: an item cannot be read, or its options leave no size.
    """
    options = options or PlanOptions()
    bill = processor.bill(conversation)
    plan = _plan_of(bill, config, options)
    if plan.fits:
        return plan

    def fits(items: Sequence[MediaPlan]) -> bool:
        return _plan_of(replace(bill, items=tuple(items)), config, options).fits

    media = [
        part
        for message in conversation.messages
        for part in message.content
        if isinstance(part, Image | Video)
    ]
    suggestions = suggest(media, limits=processor.settings.limits, fits=fits)
    return _plan_of(bill, config, options, suggestions)


def _plan_of(
    bill: Bill,
    config: ModelConfig,
    options: PlanOptions,
    suggestions: tuple[Suggestion, ...] = (),
) -> Plan:
    text = config.text
    return Plan(
        bill=bill,
        options=options,
        vision_flops=tuple(vision_flops(config.vision, item.grid) for item in bill.items),
        prefill_flops=text_flops(text, num_tokens=bill.total),
        # The first token of the answer comes out of the prompt; the last one is never read.
        decode_flops=text_flops(
            text,
            num_tokens=options.max_tokens - 1,
            num_past=bill.total,
            num_logits=options.max_tokens - 1,
        ),
        memory=_memory(bill, config, options),
        context_length=text.max_position_embeddings,
        suggestions=suggestions,
    )


def _memory(bill: Bill, config: ModelConfig, options: PlanOptions) -> Memory:
    size = options.value_bytes
    # A frame pair is never cut, so one larger than a chunk is a chunk of its own.
    largest_frame = max((item.grid.h * item.grid.w for item in bill.items), default=0)
    chunk = min(bill.num_patches, max(options.engine.max_patches_per_chunk, largest_frame))
    num_tokens = bill.total + options.max_tokens
    whole = [item.num_patches for item in bill.items if item.kind == "image"]
    videos = [item.num_patches for item in bill.items if item.kind == "video"]
    whole += [patches for patches in videos if patches <= chunk]
    piece = chunk if len(whole) < len(bill.items) else 0
    return Memory(
        weights=num_parameters(config) * options.weight_bytes,
        kv_cache=num_tokens * kv_bytes_per_token(config.text, value_bytes=size),
        pixels=(min(2, len(whole)) * sum(whole) + piece) * PATCH_DIM * 4,
        features=2 * bill.media_tokens * config.text.hidden_size * size,
        vision_activations=vision_activation_bytes(config.vision, chunk, value_bytes=size),
        text_activations=text_activation_bytes(
            config.text, min(bill.total, options.engine.max_step_tokens), value_bytes=size
        ),
    )
