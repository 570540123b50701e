"""Images and videos behind one face: measured from their headers, then prepared as patches.

Owns: the common shape of both, and whether a video is decoded at once or in pieces. Does not own
decoding (image, video, video_chunks) or patches (patches).

    Image | Video -> measure_media -> MediaPlan;  Image | Video -> prepare_media -> PreparedMedia
    PreparedMedia as the source of another Image | Video -> the same again, without any work
"""

from dataclasses import dataclass, field, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.errors import InputError
from qvl.geometry import TEMPORAL_PATCH, PixelLimits, ResizeTransform, patch_grid
from qvl.messages import Image, PreparedSource, Video
from qvl.processing.image import measure_image, prepare_image
from qvl.processing.patches import PATCH_DIM, GridTHW, patchify
from qvl.processing.positions import num_tokens
from qvl.processing.video import VideoMeasure, measure_video, prepare_video
from qvl.processing.video_chunks import VideoChunks
from qvl.video_facts import VideoFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlan:
    """What an image or video becomes.

    Attributes:
        kind: "image" or "video".
        grid: frame pairs, rows and columns of patches.
        transform: between the picture as given and as the model sees it.
        num_frames: frames used; 1 for an image.
        second_per_grid: seconds between two frame pairs; None for an image.
        facts: which frames of the file these are, and when they are shown; None for an image.
    """

    kind: Literal["image", "video"]
    grid: GridTHW
    transform: ResizeTransform
    num_frames: int = 1
    second_per_grid: float | None = None
    facts: VideoFacts | None = None

    @property
    def num_tokens(self) -> int:
        """Pad tokens in the prompt."""
        return num_tokens(self.grid)

    @property
    def num_patches(self) -> int:
        """Rows of ``pixel_values``."""
        return self.grid.t * self.grid.h * self.grid.w


def _no_pixels() -> npt.NDArray[np.float32]:
    return np.empty((0, PATCH_DIM), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMedia(PreparedSource):
    """An image or video ready for the vision tower, or past it.

    Attributes:
        plan: what it becomes.
        pixel_values: float32[P, 1176], rows in merge order; no rows if one of the others is set.
        chunks: a video to be decoded in pieces; None otherwise.
        features: what the tower made of it, on its device and opaque here; None before.
    """

    plan: MediaPlan
    pixel_values: npt.NDArray[np.float32] = field(default_factory=_no_pixels)
    chunks: VideoChunks | None = None
    features: object | None = None


def measure_media(media: Image | Video, limits: PixelLimits) -> MediaPlan:
    """Returns what an image or video will become, without decoding a pixel.

    Raises:
        InputError: it cannot be read, or its options leave no size.
    """
    if isinstance(media.source, PreparedSource):
        return _prepared_before(media).plan
    if isinstance(media, Image):
        return _plan("image", measure_image(media, limits))
    return plan_of_frames(measure_video(media, limits))


def plan_of_frames(measured: VideoMeasure) -> MediaPlan:
    """Returns what a video becomes from which of its frames are used."""
    return _plan(
        "video",
        measured.transform,
        num_frames=len(measured.plan.indices),
        second_per_grid=measured.plan.second_per_grid,
        facts=measured.facts,
    )


def prepare_media(media: Image | Video, limits: PixelLimits) -> PreparedMedia:
    """Decodes, resizes and cuts an image or video into patches.

    Raises:
        InputError: it cannot be read, or its options leave no size.
    """
    if isinstance(media.source, PreparedSource):
        return _prepared_before(media)
    if isinstance(media, Image):
        image = prepare_image(media, limits)
        return PreparedMedia(
            plan=_plan("image", image.transform),
            pixel_values=patchify(image.pixels[None]).pixel_values,
        )
    video = prepare_video(media, limits)
    plan = _plan(
        "video",
        video.transform,
        num_frames=len(video.frames),
        second_per_grid=video.second_per_grid,
        facts=video.facts,
    )
    return PreparedMedia(plan=plan, pixel_values=patchify(video.frames).pixel_values)


def prepare_bounded(
    media: Image | Video, limits: PixelLimits, *, plan: MediaPlan, max_patches: int
) -> PreparedMedia:
    """As `prepare_media`, but a long video is left to be decoded in pieces of bounded size.

    Args:
        media: the item.
        limits: pixel limits of the checkpoint.
        plan: what `measure_media` says of it.
        max_patches: more than these are too many to be in memory at once.

    Raises:
        InputError: as `prepare_media`; of a long video damage shows when its pieces are read.
    """
    is_open = isinstance(media.source, PreparedSource)
    if isinstance(media, Image) or is_open or plan.num_patches <= max_patches:
        return prepare_media(media, limits)
    chunks = VideoChunks(video=media, limits=limits, grid=plan.grid, max_patches=max_patches)
    return PreparedMedia(plan=plan, chunks=chunks)


def _prepared_before(media: Image | Video) -> PreparedMedia:
    kind = "image" if isinstance(media, Image) else "video"
    prepared = media.source
    if not isinstance(prepared, PreparedMedia) or prepared.plan.kind != kind:
        raise InputError(f"{kind} source was prepared as something else")
    options = [item.name for item in fields(media) if item.name != "source"]
    for name in options:
        if getattr(media, name) is not None:
            raise InputError(
                f"option {name} has no effect on a {kind} that is prepared already",
                hint="give the options before it is prepared",
            )
    return prepared


def _plan(
    kind: Literal["image", "video"],
    transform: ResizeTransform,
    *,
    num_frames: int = 1,
    second_per_grid: float | None = None,
    facts: VideoFacts | None = None,
) -> MediaPlan:
    rows, columns = patch_grid(transform.resized)
    return MediaPlan(
        kind=kind,
        grid=GridTHW(-(-num_frames // TEMPORAL_PATCH), rows, columns),
        transform=transform,
        num_frames=num_frames,
        second_per_grid=second_per_grid,
        facts=facts,
    )
