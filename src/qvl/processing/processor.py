"""A conversation as the arrays a model reads.

Owns: the order of the steps and the shape of the result. Every step lives in a module of its own.

    Conversation -> render -> measure items -> encode -> fit the length -> prepare items
                 -> positions -> ModelInputs

Shapes: T tokens, P patches, N images and videos.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qvl.errors import ConfigError, ContextLengthError, InputError
from qvl.geometry import PixelLimits
from qvl.messages import Conversation, Image, Video
from qvl.processing.bill import Bill
from qvl.processing.chat_template import EncodedConversation, EncodedItem, Piece, encode, render
from qvl.processing.media import (
    MediaPlan,
    PreparedMedia,
    measure_media,
    prepare_bounded,
    prepare_media,
)
from qvl.processing.patches import PATCH_DIM
from qvl.processing.positions import Positions, TextRun, VisionRun, mrope_positions
from qvl.processing.settings import InputSettings, check_tokenizer, load_settings
from qvl.processing.tokenizer import Tokenizer
from qvl.processing.truncation import Side, truncate
from qvl.processing.video_chunks import VideoChunks


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaItem(MediaPlan):
    """One image or video of a prompt: what it became, and where its pad tokens lie.

    Attributes:
        span: index of its first pad token, and one past its last.
        chunks: its patches if they are decoded in pieces; then they are not in ``pixel_values``.
        features: what the vision tower made of it, opaque here; then it has no patches any more.
    """

    span: tuple[int, int]
    chunks: VideoChunks | None = None
    features: object | None = None

    @property
    def is_in_pixel_values(self) -> bool:
        """Whether its patches are among the ``pixel_values``."""
        return self.chunks is None and self.features is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInputs:
    """What the model reads of one conversation.

    Attributes:
        input_ids: int64[T].
        position_ids: int64[3, T], M-RoPE ids: temporal, height, width.
        next_position: M-RoPE id, on all axes, of the first token after the prompt.
        loss_mask: bool[T], True where training predicts the token.
        pixel_values: float32[P, 1176], images and videos in order of appearance, except those
            that are decoded in pieces or encoded already.
        grid_thw: int64[N, 3] in patches, in the same order.
        media: the items, in the same order.
    """

    input_ids: npt.NDArray[np.int64]
    position_ids: npt.NDArray[np.int64]
    next_position: int
    loss_mask: npt.NDArray[np.bool_]
    pixel_values: npt.NDArray[np.float32]
    grid_thw: npt.NDArray[np.int64]
    media: tuple[MediaItem, ...]

    @property
    def num_patches(self) -> int:
        """Patches that the vision tower has to read, wherever they are."""
        return sum(item.num_patches for item in self.media if item.features is None)


class Processor:
    """Turns conversations into model inputs, as one checkpoint wants them.

    Attributes:
        tokenizer: the checkpoint's.
        settings: pixel limits, rate of the temporal axis, context length.
    """

    def __init__(self, tokenizer: Tokenizer, settings: InputSettings) -> None:
        """Pairs a tokenizer with settings.

        Raises:
            CheckpointError: they do not belong together.
        """
        check_tokenizer(tokenizer, settings)
        self.tokenizer = tokenizer
        self.settings = settings

    @classmethod
    def from_folder(cls, folder: str | Path, adapter: str | Path | None = None) -> "Processor":
        """Reads ``tokenizer.json``, ``config.json`` and ``preprocessor_config.json``.

        Args:
            folder: of the model.
            adapter: see `load_settings`.

        Raises:
            CheckpointError: a file is missing or unreadable, or they do not belong together.
        """
        return cls(Tokenizer.from_folder(folder), load_settings(folder, adapter))

    def shrinking_to(self, max_pixels: int) -> "Processor":
        """Returns one that shrinks pictures to at most ``max_pixels`` where a message sets none.

        Raises:
            ConfigError: the checkpoint's smallest picture is larger.
        """
        least = self.settings.limits.min_pixels
        if max_pixels < least:
            raise ConfigError(
                f"max_pixels is {max_pixels:,}, the model enlarges pictures to {least:,}"
            )
        limits = PixelLimits(min_pixels=least, max_pixels=max_pixels)
        return Processor(self.tokenizer, replace(self.settings, limits=limits))

    def __call__(
        self,
        conversation: Conversation,
        *,
        add_generation_prompt: bool = True,
        add_vision_id: bool = False,
        max_length: int | None = None,
        truncate: Side | None = None,
        max_patches: int | None = None,
    ) -> ModelInputs:
        """Returns the inputs of one conversation.

        Everything is measured before anything is decoded, so a prompt that is too long is refused
        at once, and items that truncation drops are never decoded.

        Args:
            conversation: the turns so far.
            add_generation_prompt: end with the head of an assistant turn; False for training.
            add_vision_id: number the items: "Picture 1: ", "Video 1: ".
            max_length: most tokens; None for the model's context length.
            truncate: what to do with a longer prompt: None refuses it, "left" forgets the
                oldest, "right" cuts the end off. Items go as a whole.
            max_patches: a video of more patches is left to be decoded in pieces, see
                `MediaItem.chunks`; None decodes every video whole.

        Raises:
            InputError: an item cannot be read, or an option makes no sense.
            ContextLengthError: the prompt is longer than ``max_length``.
        """
        if truncate == "right" and add_generation_prompt:
            raise InputError(
                "truncate 'right' would cut off the head of the answer, "
                "expected 'left' where an answer follows",
            )
        limit = self.settings.context_length if max_length is None else max_length
        pieces = render(
            conversation, add_generation_prompt=add_generation_prompt, add_vision_id=add_vision_id
        )
        media = _media_of(pieces)
        plans = [measure_media(item, self.settings.limits) for item in media]
        encoded = _fit(self._encode(pieces, plans), plans, limit, truncate)
        positions = self._positions(encoded, plans)
        prepared = [
            self._prepare(media[item.index], plans[item.index], max_patches)
            for item in encoded.items
        ]
        return ModelInputs(
            input_ids=encoded.input_ids,
            position_ids=positions.position_ids,
            next_position=positions.next_position,
            loss_mask=encoded.loss_mask,
            pixel_values=_stack([item.pixel_values for item in prepared]),
            grid_thw=np.array([item.plan.grid for item in prepared], np.int64).reshape(-1, 3),
            media=tuple(map(_placed, prepared, encoded.items)),
        )

    def bill(
        self,
        conversation: Conversation,
        *,
        add_generation_prompt: bool = True,
        add_vision_id: bool = False,
    ) -> Bill:
        """Returns the exact token counts of a conversation without decoding its pixels.

        Raises:
            InputError: an item cannot be read, or its options leave no size.
        """
        pieces = render(
            conversation, add_generation_prompt=add_generation_prompt, add_vision_id=add_vision_id
        )
        plans = [measure_media(item, self.settings.limits) for item in _media_of(pieces)]
        encoded = self._encode(pieces, plans)
        return Bill(
            items=tuple(plans),
            text_tokens=len(encoded.input_ids) - sum(plan.num_tokens for plan in plans),
            answer_tokens=int(encoded.loss_mask.sum()),
            next_position=self._positions(encoded, plans).next_position,
        )

    def _encode(self, pieces: Sequence[Piece], plans: Sequence[MediaPlan]) -> EncodedConversation:
        return encode(pieces, self.tokenizer, num_item_tokens=[plan.num_tokens for plan in plans])

    def _prepare(
        self, media: Image | Video, plan: MediaPlan, max_patches: int | None
    ) -> PreparedMedia:
        limits = self.settings.limits
        if max_patches is None:
            prepared = prepare_media(media, limits)
        else:
            prepared = prepare_bounded(media, limits, plan=plan, max_patches=max_patches)
        if prepared.plan != plan:
            raise InputError(
                f"the header of the {plan.kind} says {plan.transform.original}, its pixels are "
                f"{prepared.plan.transform.original}",
                hint="the file is damaged, or was changed while it was read",
            )
        return prepared

    def _positions(self, encoded: EncodedConversation, plans: Sequence[MediaPlan]) -> Positions:
        runs: list[TextRun | VisionRun] = []
        place = 0
        for item in encoded.items:
            plan = plans[item.index]
            runs += [TextRun(item.start - place), VisionRun(plan.grid, plan.second_per_grid)]
            place = item.stop
        runs.append(TextRun(len(encoded.input_ids) - place))
        return mrope_positions(runs, tokens_per_second=self.settings.tokens_per_second)


def _media_of(pieces: Sequence[Piece]) -> list[Image | Video]:
    return [piece.media for piece in pieces if piece.media is not None]


def _placed(prepared: PreparedMedia, place: EncodedItem) -> MediaItem:
    plan = prepared.plan
    return MediaItem(
        kind=plan.kind,
        grid=plan.grid,
        transform=plan.transform,
        num_frames=plan.num_frames,
        second_per_grid=plan.second_per_grid,
        facts=plan.facts,
        span=(place.start, place.stop),
        chunks=prepared.chunks,
        features=prepared.features,
    )


def _fit(
    encoded: EncodedConversation,
    plans: Sequence[MediaPlan],
    limit: int,
    side: Side | None,
) -> EncodedConversation:
    length = len(encoded.input_ids)
    if length <= limit:
        return encoded
    if side is not None:
        return truncate(encoded, limit, side=side)
    images = [plan.num_tokens for plan in plans if plan.kind == "image"]
    videos = [plan.num_tokens for plan in plans if plan.kind == "video"]
    text = length - sum(images) - sum(videos)
    raise ContextLengthError(
        f"the prompt has {length} tokens ({text} of text, {sum(images)} in {len(images)} images, "
        f"{sum(videos)} in {len(videos)} videos), at most {limit} are allowed",
        hint="lower max_pixels or fps, or shorten the text" if images or videos else None,
    )


def _stack(parts: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    if len(parts) == 1:  # a long video is gigabytes; do not copy it
        return parts[0]
    return np.concatenate([np.empty((0, PATCH_DIM), dtype=np.float32), *parts])
