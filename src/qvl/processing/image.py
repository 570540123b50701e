"""A picture in any form -> resized RGB pixels and the transform back.

Owns: decoding with Pillow under limits, orientation, alpha, deep and unusual colour modes,
resizing. Does not own: where sizes come from (geometry), patches (patches).

    source -> open_image (header only) -> RGB on white -> smart_resize, bicubic -> PreparedImage
"""

import contextlib
import logging
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from qvl.errors import InputError
from qvl.geometry import ImageSize, PixelLimits, ResizeTransform, smart_resize
from qvl.messages import Image, PreparedSource
from qvl.options import shown
from qvl.processing.sources import blame, locate_source

MAX_SOURCE_PIXELS = 2 * (1024 * 1024 * 1024 // 4 // 3)
"""Largest picture that is decoded. Source: Pillow, twice Image.MAX_IMAGE_PIXELS."""

FORMATS = (
    "PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "ICO", "TGA", "AVIF",
    "JPEG2000",
)  # fmt: skip
"""Formats that are read. Pillow knows more; some of them start other programs (EPS)."""

_ORIENTATION_TAG = 0x0112  # Source: Exif 2.32, tag Orientation

# What Pillow's decoders raise on damaged files; found by mutating real files.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
    RuntimeError, struct.error, zlib.error, PIL.Image.DecompressionBombError,
)  # fmt: skip

# Pillow logs some of them as well; without a handler Python would print that on stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

ImageSource = str | Path | bytes | PIL.Image.Image | NDArray[np.uint8] | PreparedSource


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedImage:
    """What the model sees of one picture."""

    pixels: NDArray[np.uint8]
    """uint8[H, W, 3], RGB, H and W multiples of 28."""
    transform: ResizeTransform
    """Between original_px (orientation applied) and resized_px."""


def prepare_image(image: Image, limits: PixelLimits) -> PreparedImage:
    """Decodes and resizes one picture.

    The size is settled from the file's header, so a picture of an impossible shape is refused
    before anything is decoded.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_image (bicubic by Pillow).

    Raises:
        InputError: the source is no readable picture, or its options leave no size.
    """
    with _opened(image.source) as opened:
        plan_image_size(_oriented_size(opened), image, limits)
        rgb = _to_upright_rgb(opened)
        # Some formats tell their orientation only at the end of the file.
        original = ImageSize(rgb.height, rgb.width)
        resized = plan_image_size(original, image, limits)
        return PreparedImage(
            pixels=resize_pixels(rgb, resized), transform=ResizeTransform(original, resized)
        )


def load_image(source: ImageSource) -> PIL.Image.Image:
    """Decodes a picture to RGB, upright, transparent parts on white.

    A Pillow picture that still carries an EXIF orientation is turned upright as well.

    Raises:
        InputError: the source is no readable picture.
    """
    with _opened(source) as opened:
        return _to_upright_rgb(opened)


def measure_image(image: Image, limits: PixelLimits) -> ResizeTransform:
    """Original and resized size of a picture, from the header of its file.

    Raises:
        InputError: the source is no readable picture, or its options leave no size.
    """
    with _opened(image.source) as opened:
        original = _oriented_size(opened)
        return ResizeTransform(original, plan_image_size(original, image, limits))


def measure_size(source: ImageSource) -> ImageSize:
    """Size of a picture as shown, in original_px, from the header of its file.

    Raises:
        InputError: the source is no readable picture.
    """
    with _opened(source) as opened:
        return _oriented_size(opened)


def plan_image_size(original: ImageSize, image: Image, limits: PixelLimits) -> ImageSize:
    """The resized size that the options of an image part ask for.

    `resized_height` and `resized_width` are rounded by `smart_resize` under the checkpoint's
    limits; min_pixels and max_pixels of the part do not apply to them.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_image.
    """
    if image.resized_height is not None and image.resized_width is not None:
        wanted = ImageSize(image.resized_height, image.resized_width)
        return smart_resize(wanted, min_pixels=limits.min_pixels, max_pixels=limits.max_pixels)
    return smart_resize(
        original,
        min_pixels=limits.min_pixels if image.min_pixels is None else image.min_pixels,
        max_pixels=limits.max_pixels if image.max_pixels is None else image.max_pixels,
    )


def resize_pixels(rgb: PIL.Image.Image, size: ImageSize) -> NDArray[np.uint8]:
    """Bicubic with antialiasing -> uint8[H, W, 3]."""
    resized = rgb.resize((size.width, size.height), PIL.Image.Resampling.BICUBIC)
    return np.asarray(resized)


@contextlib.contextmanager
def _opened(source: object) -> Iterator[PIL.Image.Image]:
    """The picture with its header read and its size checked; names it when something fails."""
    if isinstance(source, np.ndarray):
        with blame("picture array"):
            yield _image_from_array(source)
        return
    if isinstance(source, PIL.Image.Image):
        with blame("picture"), _quiet_pillow(), _decoding():
            _check_size(source)
            yield source
        return
    if not isinstance(source, str | Path | bytes):
        raise InputError(
            f"image source is a {type(source).__name__}, "
            "expected a path, bytes, a Pillow picture or a uint8[H, W, 3] array"
        )
    located = locate_source(source, kind="image")
    name = f"picture {shown(str(located))}" if isinstance(located, Path) else "picture"
    with blame(name), _quiet_pillow(), _decoding(), _open_file(located) as image:
        _check_size(image)
        yield image


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    """Turns what Pillow raises on damaged files into an InputError."""
    try:
        yield
    except PIL.UnidentifiedImageError:
        raise InputError(
            f"in no known format, expected one of {', '.join(FORMATS)}",
            hint="give pages of a PDF and frames of a video as pictures",
        ) from None
    except PIL.Image.DecompressionBombError:
        raise InputError(f"more than {MAX_SOURCE_PIXELS:,} pixels") from None
    except _DECODER_ERRORS as error:
        reason = shown(str(error) or type(error).__name__)
        raise InputError(f"damaged or cut off: {reason}") from None


def _open_file(located: Path | bytes) -> PIL.Image.Image:
    PIL.Image.init()  # Pillow loads its readers late, and not all of them are built everywhere
    known = [name for name in FORMATS if name in PIL.Image.OPEN]
    return PIL.Image.open(located if isinstance(located, Path) else BytesIO(located), formats=known)


def _check_size(image: PIL.Image.Image) -> None:
    if image.width < 1 or image.height < 1:
        raise InputError(f"size is {image.width} x {image.height} px, expected at least 1 x 1")
    if image.width * image.height > MAX_SOURCE_PIXELS:
        raise InputError(
            f"size is {image.width:,} x {image.height:,} px, "
            f"more than {MAX_SOURCE_PIXELS:,} pixels",
            hint="scale it down or cut it into pieces first",
        )


def _image_from_array(array: NDArray[np.generic]) -> PIL.Image.Image:
    shape = " x ".join(str(side) for side in array.shape) or "a scalar"
    if array.dtype != np.uint8:
        raise InputError(
            f"its type is {array.dtype}, expected uint8",
            hint="bring the values to 0..255 and convert with .astype(numpy.uint8)",
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        first = array.ndim == 3 and array.shape[0] in (1, 3, 4)
        raise InputError(
            f"its shape is {shape}, expected H x W, H x W x 3 or H x W x 4",
            hint="move the channels to the end: array.transpose(1, 2, 0)" if first else None,
        )
    if array.shape[0] * array.shape[1] > MAX_SOURCE_PIXELS:
        raise InputError(f"its shape is {shape}, more than {MAX_SOURCE_PIXELS:,} pixels")
    if array.size == 0:
        raise InputError(f"its shape is {shape}, expected at least 1 x 1 px")
    return PIL.Image.fromarray(np.ascontiguousarray(array))


def _orientation(image: PIL.Image.Image) -> int:
    """EXIF orientation, 1 (upright) where there is none or it cannot be read."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODER_ERRORS:  # damaged EXIF beside sound pixels is common
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _oriented_size(image: PIL.Image.Image) -> ImageSize:
    # 5 to 8 swap rows and columns; Pillow itself turns a TIFF, and its size says so from the start.
    turned = _orientation(image) >= 5 and image.format != "TIFF"
    return ImageSize(image.width, image.height) if turned else ImageSize(image.height, image.width)


_TRANSPOSE = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
"""How each EXIF orientation is put upright. Source: Exif 2.32, tag Orientation."""


def _to_upright_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    with _quiet_libtiff() if image.format == "TIFF" else contextlib.nullcontext():
        image.load()
    orientation = _orientation(image)
    rgb = _to_rgb(image)
    return rgb.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else rgb


def _to_rgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """RGB; transparent parts on white, values deeper than 8 bits scaled down, not clipped.

    Source: qwen-vl-utils 0.0.14 vision_process.py, to_rgb, for RGBA. It drops the transparency of
    the other modes and clips 16-bit values to white; we treat them as a viewer shows them.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return _eight_bit_grey(image).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = PIL.Image.new("RGB", rgba.size, (255, 255, 255))
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image.convert("RGB")


def _eight_bit_grey(image: PIL.Image.Image) -> PIL.Image.Image:
    """16-bit values over 257; other integers and floats as 0..255 if they fit, else stretched."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return PIL.Image.fromarray((values.astype(np.uint32) * 255 // 65535).astype(np.uint8))
    with np.errstate(invalid="ignore"):  # what is not a number is refused in the next lines
        values = values.astype(np.float64)
        low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InputError("values are infinite or not a number, expected finite ones")
    if low >= 0 and 255 < high <= 65535 and image.mode == "I":
        values = values / 257
    elif low < 0 or high > 255 or (image.mode == "F" and high <= 1):
        values = (values - low) * (255 / max(high - low, 1e-12))
    return PIL.Image.fromarray(values.round().astype(np.uint8))


_stderr_lock = threading.Lock()


@contextlib.contextmanager
def _quiet_libtiff() -> Iterator[None]:
    """Hides what libtiff writes to the process's own stderr; Pillow raises the same as an error."""
    with _stderr_lock, contextlib.ExitStack() as undo:
        try:
            stderr = os.dup(2)
        except OSError:  # a process without stderr
            yield
            return
        undo.callback(os.close, stderr)
        undo.callback(os.dup2, stderr, 2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        undo.callback(os.close, nowhere)
        os.dup2(nowhere, 2)
        yield


_quiet_lock = threading.Lock()
_quiet_users = 0
_quiet_filters = warnings.catch_warnings()


@contextlib.contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Hides Pillow's own warnings; what matters of them is an InputError here.

    `catch_warnings` changes the whole process, so threads that overlap share one change: the
    first installs it, the last takes it back.
    """
    global _quiet_users, _quiet_filters
    with _quiet_lock:
        if _quiet_users == 0:
            _quiet_filters = warnings.catch_warnings()
            _quiet_filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _quiet_users += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_users -= 1
            if _quiet_users == 0:
                _quiet_filters.__exit__(None, None, None)
