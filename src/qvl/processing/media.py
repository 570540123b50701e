"""Images and videos behind one face: measured from their headers, then prepared as patches.

Owns: the common shape of both. Does not own decoding (image, video) or patches (patches).

    Image | Video -> measure_media -> MediaPlan;  Image | Video -> prepare_media -> PreparedMedia
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.geometry import TEMPORAL_PATCH, PixelLimits, ResizeTransform, patch_grid
from qvl.messages import Image, Video
from qvl.processing.frame_sampling import FramePlan
from qvl.processing.image import measure_image, prepare_image
from qvl.processing.patches import GridTHW, patchify
from qvl.processing.positions import num_tokens
from qvl.processing.video import measure_video, prepare_video


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlan:
    """What an image or video becomes.

    Attributes:
        kind: "image" or "video".
        grid: frame pairs, rows and columns of patches.
        transform: between the picture as given and as the model sees it.
        num_frames: frames used; 1 for an image.
        second_per_grid: seconds between two frame pairs; None for an image.
    """

    kind: Literal["image", "video"]
    grid: GridTHW
    transform: ResizeTransform
    num_frames: int = 1
    second_per_grid: float | None = None

    @property
    def num_tokens(self) -> int:
        """Pad tokens in the prompt."""
        return num_tokens(self.grid)

    @property
    def num_patches(self) -> int:
        """Rows of ``pixel_values``."""
        return self.grid.t * self.grid.h * self.grid.w


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMedia:
    """An image or video ready for the vision tower.

    Attributes:
        pixel_values: float32[P, 1176], rows in merge order.
        timestamps_s: when each frame used is shown, in seconds; None for an image.
    """

    plan: MediaPlan
    pixel_values: npt.NDArray[np.float32]
    timestamps_s: tuple[float, ...] | None = None


def measure_media(media: Image | Video, limits: PixelLimits) -> MediaPlan:
    """Returns what an image or video will become, without decoding a pixel.

    Raises:
        InputError: it cannot be read, or its options leave no size.
    """
    if isinstance(media, Image):
        return _plan("image", measure_image(media, limits))
    measured = measure_video(media, limits)
    return plan_of_frames(measured.plan, measured.transform)


def plan_of_frames(frames: FramePlan, transform: ResizeTransform) -> MediaPlan:
    """Returns what a video becomes from which of its frames are used."""
    return _plan(
        "video",
        transform,
        num_frames=len(frames.indices),
        second_per_grid=frames.second_per_grid,
    )


def prepare_media(media: Image | Video, limits: PixelLimits) -> PreparedMedia:
    """Decodes, resizes and cuts an image or video into patches.

    Raises:
        InputError: it cannot be read, or its options leave no size.
    """
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
    )
    return PreparedMedia(
        plan=plan,
        pixel_values=patchify(video.frames).pixel_values,
        timestamps_s=tuple(video.timestamps_s.tolist()),
    )


def _plan(
    kind: Literal["image", "video"],
    transform: ResizeTransform,
    *,
    num_frames: int = 1,
    second_per_grid: float | None = None,
) -> MediaPlan:
    rows, columns = patch_grid(transform.resized)
    return MediaPlan(
        kind=kind,
        grid=GridTHW(-(-num_frames // TEMPORAL_PATCH), rows, columns),
        transform=transform,
        num_frames=num_frames,
        second_per_grid=second_per_grid,
    )
