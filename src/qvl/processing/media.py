"""Images and videos behind one face: measured from their headers, then prepared as patches.

Owns: the common shape of both. Does not own decoding (image, video) or patches (patches).

    Image | Video -> measure_media -> MediaPlan;  Image | Video -> prepare_media -> PreparedMedia
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.errors import InputError
from qvl.geometry import PixelLimits, ResizeTransform, patch_grid
from qvl.messages import Image, Video
from qvl.processing.image import measure_image, prepare_image
from qvl.processing.patches import GridTHW, patchify
from qvl.processing.positions import num_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlan:
    """What an image or video becomes.

    Attributes:
        kind: "image" or "video".
        grid: frame pairs, rows and columns of patches.
        transform: between the picture as given and as the model sees it.
        second_per_grid: seconds between two frame pairs; None for an image.
        timestamps_s: time of every frame used, in seconds; None for an image.
    """

    kind: Literal["image", "video"]
    grid: GridTHW
    transform: ResizeTransform
    second_per_grid: float | None = None
    timestamps_s: tuple[float, ...] | None = None

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
    """An image or video ready for the vision tower: float32[P, 1176] and what it came from."""

    plan: MediaPlan
    pixel_values: npt.NDArray[np.float32]


def measure_media(media: Image | Video, limits: PixelLimits) -> MediaPlan:
    """Returns what an image or video will become, without decoding a pixel.

    Raises:
        InputError: it cannot be read, or its options leave no size.
    """
    if isinstance(media, Video):
        raise InputError("videos cannot be read yet")
    transform = measure_image(media, limits)
    rows, columns = patch_grid(transform.resized)
    return MediaPlan(kind="image", grid=GridTHW(1, rows, columns), transform=transform)


def prepare_media(media: Image | Video, limits: PixelLimits) -> PreparedMedia:
    """Decodes, resizes and cuts an image or video into patches.

    Raises:
        InputError: it cannot be read, or its options leave no size.
    """
    if isinstance(media, Video):
        raise InputError("videos cannot be read yet")
    image = prepare_image(media, limits)
    patches = patchify(image.pixels[None])
    plan = MediaPlan(kind="image", grid=patches.grid, transform=image.transform)
    return PreparedMedia(plan=plan, pixel_values=patches.pixel_values)
