"""Sizes, boxes and points, and every conversion between the four spaces a picture lives in.

Owns: `smart_resize`, the original <-> resized transform, the two grids. Does not own: pixels.

    original_px   the picture as a viewer shows it (EXIF orientation applied)
    resized_px    what the model sees; both sides are multiples of 28
    patch         one row of `pixel_values`, 14 x 14 resized pixels
    merged        one token of the language model, 2 x 2 patches = 28 x 28 resized pixels

Sizes are (height, width); boxes and points are (x, y) with the origin at the top left corner,
in continuous pixels: the left edge of the picture is 0, the right edge is its width.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from qvl.errors import ConfigError, InputError

PATCH = 14
"""Side of a patch in resized pixels. Source: released config.json, spatial_patch_size."""

MERGE = 2
"""Patches merged into one token, per side. Source: released config.json, spatial_merge_size."""

FACTOR = PATCH * MERGE
"""Side of a merged token in resized pixels."""

TEMPORAL_PATCH = 2
"""Frames in one temporal patch. Source: released config.json, temporal_patch_size."""

MAX_ASPECT_RATIO = 200
"""Longest over shortest side. Source: qwen-vl-utils vision_process.py, MAX_RATIO."""


class ImageSize(NamedTuple):
    """Height and width, in pixels of a space that the name of the variable states."""

    height: int
    width: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def __str__(self) -> str:
        return f"{self.width} x {self.height} px"


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelLimits:
    """Fewest and most pixels of a resized picture, from the checkpoint's preprocessor_config."""

    min_pixels: int
    max_pixels: int

    def __post_init__(self) -> None:
        if not 0 < self.min_pixels <= self.max_pixels:
            raise ConfigError(
                f"min_pixels {self.min_pixels} and max_pixels {self.max_pixels} of the "
                "preprocessor leave no size, expected 0 < min_pixels <= max_pixels"
            )


class Grid(NamedTuple):
    """Rows and columns of patches (14 px) or of merged tokens (28 px)."""

    height: int
    width: int


class Point(NamedTuple):
    """A place in a picture, in continuous pixels."""

    x: float
    y: float


class Box(NamedTuple):
    """An axis-parallel rectangle: left, top, right, bottom edge in continuous pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


Shape = TypeVar("Shape", Point, Box)


def smart_resize(
    size: ImageSize, *, factor: int = FACTOR, min_pixels: int, max_pixels: float
) -> ImageSize:
    """The size a picture is resized to: near its own shape, sides divisible by `factor`.

    The arithmetic (round half to even, float square root) is the official one to the bit. Neither
    branch checks the other limit again, so extreme shapes may miss a limit by a little.

    References disagree on pictures with a side below 28: transformers 4.51 refuses them;
    qwen-vl-utils 0.0.14 and transformers 5.23 accept them, and so do we. A side that would be
    rounded down to 0 becomes `factor`, as in transformers 5.23.

    Source: qwen-vl-utils 0.0.14 vision_process.py, smart_resize; report section 2.1.1.

    >>> smart_resize(ImageSize(1080, 1920), min_pixels=3136, max_pixels=12845056)
    ImageSize(height=1092, width=1932)

    Raises:
        InputError: an empty picture, one longer than 200 times its width, or crossed limits.
    """
    height, width = size
    if height < 1 or width < 1:
        raise InputError(f"size is {size}, expected at least 1 x 1 px")
    if not 0 < min_pixels <= max_pixels:
        raise InputError(
            f"min_pixels {min_pixels} and max_pixels {max_pixels:.0f} leave no size, expected "
            "0 < min_pixels <= max_pixels",
            hint="give min_pixels and max_pixels together",
        )
    ratio = max(height, width) / min(height, width)
    if ratio > MAX_ASPECT_RATIO:
        raise InputError(
            f"size is {size}: aspect ratio {ratio:.0f} exceeds {MAX_ASPECT_RATIO}",
            hint="crop it or split it into pieces",
        )
    new_height = max(factor, round(height / factor) * factor)
    new_width = max(factor, round(width / factor) * factor)
    if new_height * new_width > max_pixels:
        shrink = math.sqrt((height * width) / max_pixels)
        new_height = max(factor, math.floor(height / shrink / factor) * factor)
        new_width = max(factor, math.floor(width / shrink / factor) * factor)
    elif new_height * new_width < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        new_height = math.ceil(height * grow / factor) * factor
        new_width = math.ceil(width * grow / factor) * factor
    return ImageSize(new_height, new_width)


@dataclass(frozen=True, slots=True)
class ResizeTransform:
    """Maps coordinates between a picture as given and the picture the model saw.

    Both axes scale on their own, because `smart_resize` keeps the aspect ratio only roughly.

    >>> transform = ResizeTransform(ImageSize(100, 200), ImageSize(112, 196))
    >>> transform.to_resized(Point(100, 50))
    Point(x=98.0, y=56.0)
    """

    original: ImageSize
    """Size in original_px."""
    resized: ImageSize
    """Size in resized_px."""

    def to_resized(self, shape: Shape) -> Shape:
        """original_px -> resized_px."""
        return _rescale(shape, self.original, self.resized)

    def to_original(self, shape: Shape) -> Shape:
        """resized_px -> original_px."""
        return _rescale(shape, self.resized, self.original)

    def clip_original(self, shape: Shape) -> Shape:
        """Moves coordinates in original_px that lie outside the picture onto its edge."""
        return clip(shape, self.original)

    def clip_resized(self, shape: Shape) -> Shape:
        """Moves coordinates in resized_px that lie outside the picture onto its edge."""
        return clip(shape, self.resized)


def clip(shape: Shape, size: ImageSize) -> Shape:
    """Moves coordinates outside `size` onto its edge; `size` is in the space of `shape`."""
    limits = (size.width, size.height) * (len(shape) // 2)
    return type(shape)(
        *(min(max(value, 0.0), limit) for value, limit in zip(shape, limits, strict=True))
    )


def box_iou(a: Box, b: Box) -> float:
    """The intersection of two boxes over their union; 0 when both are empty.

    >>> box_iou(Box(0, 0, 2, 2), Box(1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    common = max(0.0, width) * max(0.0, height)
    union = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - common
    return common / union if union > 0 else 0.0


def _rescale(shape: Shape, source: ImageSize, target: ImageSize) -> Shape:
    # Multiplying first keeps corners on corners: 1920 * 1932 / 1920 is 1932.
    ratios = ((target.width, source.width), (target.height, source.height)) * (len(shape) // 2)
    return type(shape)(
        *(value * new / old for value, (new, old) in zip(shape, ratios, strict=True))
    )


def patch_grid(resized: ImageSize) -> Grid:
    """resized_px -> patch: rows and columns of 14 px patches.

    Raises:
        InputError: a side is not a multiple of 28.
    """
    if resized.height % FACTOR or resized.width % FACTOR:
        raise InputError(f"resized size is {resized}, expected sides divisible by {FACTOR}")
    return Grid(resized.height // PATCH, resized.width // PATCH)


def merged_grid(resized: ImageSize) -> Grid:
    """resized_px -> merged: rows and columns of 28 px tokens.

    >>> merged_grid(ImageSize(56, 84))
    Grid(height=2, width=3)
    """
    patches = patch_grid(resized)
    return Grid(patches.height // MERGE, patches.width // MERGE)


def size_of_patch_grid(patches: Grid) -> ImageSize:
    """patch -> resized_px: the size of the picture that has this many patches."""
    return ImageSize(patches.height * PATCH, patches.width * PATCH)


def size_of_merged_grid(tokens: Grid) -> ImageSize:
    """merged -> resized_px: the size of the picture that has this many tokens."""
    return ImageSize(tokens.height * FACTOR, tokens.width * FACTOR)


def num_merged_tokens(resized: ImageSize, *, num_frames: int = 1) -> int:
    """Tokens the language model spends on a picture or on a video of `num_frames` frames.

    >>> num_merged_tokens(ImageSize(560, 1008), num_frames=20)
    7200
    """
    tokens = merged_grid(resized)
    return math.ceil(num_frames / TEMPORAL_PATCH) * tokens.height * tokens.width
