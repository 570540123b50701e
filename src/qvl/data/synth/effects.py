"""What paper, scanners and cameras do to a picture, with the polygons of what is on it carried
along.

Owns: whole effects, each a function of a random generator. Does not own: the maps (``warps``),
surfaces (``textures``), effects that move nothing (``canvas.photograph``).

    picture, polygons -> printed() | scanned() | photographed() -> picture, polygons

A result has the size of its picture, whose sides are multiples of 28. All of the picture stays
visible. A polygon keeps its number of points; give it more by ``warps.rectangle(per_side=...)``
where its sides shall bend, and read it by ``warps.box_of`` or ``warps.quad_of``.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image as PILImage
from PIL import ImageChops, ImageFilter, ImageOps

from qvl.data.synth.canvas import photograph
from qvl.data.synth.textures import Plane, paper, picture, smooth_noise, surface
from qvl.data.synth.warps import (
    Points,
    Warp,
    between_quads,
    carried,
    curled,
    fitted,
    moved,
    rotated,
    warped,
)
from qvl.errors import InputError
from qvl.geometry import FACTOR, ImageSize

Labelled = tuple[PILImage.Image, list[Points]]
"""An RGB picture, and polygons in its pixels."""

_MOST_SKEW_DEG = 3.0
"""Sheets lie about so crooked in a feeder; more is a photograph."""
_JPEG_QUALITY = (50, 95)
"""Source: SynthDoG, config_en.yaml, quality."""
_MOST_TAPER = 0.25
"""Source: SynthDoG, config_en.yaml, perspective: a side keeps 0.75 to 1 of its length."""
_MOST_SHADOW = 160 / 255
"""Source: SynthDoG, config_en.yaml, shadow intensity of 0 to 160."""
_MOTION_PX = (3, 5)
"""Source: SynthDoG, config_en.yaml, motion blur k."""
_MOST_BLUR = 1.5
"""Deviation in pixels. Source: SynthDoG, config_en.yaml, gaussian blur sigma."""
_BLUR_OF_DETAIL = 1 / 14
"""Deviation over the height of letters; from twice as much on, e, c and o look the same."""


def size_of(image: PILImage.Image) -> ImageSize:
    """Returns the size of a picture that is its own resized_px space.

    Raises:
        InputError: a side is no multiple of 28, so a model would see another size.
    """
    size = ImageSize(image.height, image.width)
    if size.height % FACTOR or size.width % FACTOR:
        raise InputError(f"picture is {size}, expected sides that are multiples of {FACTOR}")
    return size


def printed(
    rng: np.random.Generator,
    image: PILImage.Image,
    polygons: Sequence[Points],
    *,
    strength: float = 1.0,
) -> Labelled:
    """Returns the picture as ink on paper; nothing moves.

    Args:
        rng: source of randomness.
        image: RGB, dark on white; white becomes paper.
        polygons: float64[N, 2] each, in pixels of the picture.
        strength: 0 is clean new paper, 1 paper that has been through many hands.
    """
    sheet = paper(rng, size_of(image), strength=strength)
    if rng.random() < 0.3 * strength:  # toner that does not cover evenly
        worn = smooth_noise(rng, size_of(image), 4.0)
        fade = float(rng.uniform(0.1, 0.4))
        pixels = np.asarray(image, np.float32)
        image = picture(pixels + (255 - pixels) * (fade * np.clip(worn, 0, 1))[:, :, None])
    return ImageChops.multiply(image.convert("RGB"), sheet), list(polygons)


def scanned(
    rng: np.random.Generator,
    image: PILImage.Image,
    polygons: Sequence[Points],
    *,
    strength: float = 1.0,
    detail_px: float = 12.0,
) -> Labelled:
    """Returns the picture as a scanner or a fax machine keeps a sheet.

    Skew, the other side shining through, grey or black and white, speckles, streaks, dark edges.

    Args:
        rng: source of randomness.
        image: RGB, a sheet that fills the picture.
        polygons: float64[N, 2] each, in pixels of the picture.
        strength: 0 leaves it alone, 1 is as bad as what offices still keep.
        detail_px: height of the smallest letters; they stay readable.
    """
    size = size_of(image)
    image = image.convert("RGB")
    if rng.random() < 0.3 * strength:
        image = _bleed_through(rng, image)
    if rng.random() < 0.7 * strength:
        degrees = float(rng.normal(0, _MOST_SKEW_DEG / 2.5 * strength))
        centre = moved(-size.width / 2, -size.height / 2)
        warp = fitted(centre.then(rotated(float(np.clip(degrees, -4, 4)))), size, size)
        bed = int(rng.choice([255, 248, 230, 20], p=[0.4, 0.25, 0.15, 0.2]))
        image, polygons = _laid(image, polygons, warp, _plain(size, bed))
    form = rng.random()
    if form < 0.25 * strength and detail_px >= 10:
        image = _bilevel(rng, image)
    elif form < 0.65:
        image = image.convert("L").convert("RGB")
    pixels = np.asarray(image, np.float32)
    if rng.random() < 0.3 * strength:
        pixels = pixels * _dark_edge(rng, size)[:, :, None]
    image = picture(pixels)
    if rng.random() < 0.5 * strength:
        image = _speckled(rng, image, strength)
    if rng.random() < 0.15 * strength:
        image = _streaked(rng, image)
    if rng.random() < 0.4 * strength:
        most = min(0.8, detail_px * _BLUR_OF_DETAIL)
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, max(0.2, most)))))
    if rng.random() < 0.7 * strength:
        image = jpeg(rng, image)
    return image, list(polygons)


def photographed(
    rng: np.random.Generator,
    image: PILImage.Image,
    polygons: Sequence[Points],
    *,
    strength: float = 1.0,
    detail_px: float = 12.0,
    background: PILImage.Image | None = None,
) -> Labelled:
    """Returns the picture as a sheet or plate that somebody photographed.

    Curled paper, perspective, what it lies on, its shadow, uneven light, shadows of others, the
    colour of light, motion, blur, noise and JPEG.

    Args:
        rng: source of randomness.
        image: RGB, a sheet that fills the picture.
        polygons: float64[N, 2] each, in pixels of the picture.
        strength: 0 leaves all but the background alone, 1 is as bad as everyday pictures get.
        detail_px: height of the smallest letters; they stay readable.
        background: of the same size; None draws one.
    """
    size = size_of(image)
    warp = _pose(rng, size, strength)
    if background is None:
        background = surface(rng, size)
    image, polygons = _laid(image, polygons, warp, background, shadow=rng)
    image = lit(rng, image, strength=strength)
    most = min(_MOST_BLUR, detail_px * _BLUR_OF_DETAIL) * strength
    if rng.random() < 0.5 * strength and detail_px >= 14:
        image = _moved_lens(rng, image)
    elif most > 0.2:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, most))))
    # What moves nothing also blurs; small letters get less of it.
    return photograph(rng, image, strength=strength * min(1.0, detail_px / 20)), list(polygons)


def lit(
    rng: np.random.Generator, image: PILImage.Image, *, strength: float = 1.0
) -> PILImage.Image:
    """Returns the picture under warm, cold, uneven light, perhaps with a shadow across."""
    size = ImageSize(image.height, image.width)
    pixels = np.asarray(image.convert("RGB"), np.float32)
    light = 1 + 0.18 * strength * float(rng.uniform(0, 1)) * smooth_noise(rng, size, max(size) / 2)
    if rng.random() < 0.5 * strength:
        light *= 1 - _shadow(rng, size) * strength
    warmth = float(rng.uniform(-0.08, 0.08)) * strength
    colour = np.array([1 + warmth, 1 + 0.2 * warmth, 1 - warmth], np.float32)
    return picture(pixels * light[:, :, None] * colour)


def jpeg(rng: np.random.Generator, image: PILImage.Image) -> PILImage.Image:
    """Returns the picture after one round of JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(*_JPEG_QUALITY, endpoint=True)))
    return PILImage.open(file).convert("RGB")


def _pose(rng: np.random.Generator, size: ImageSize, strength: float) -> Warp:
    """How the sheet lies before the camera, all of it in view."""
    height, width = size
    warp = moved(0, 0)
    if rng.random() < 0.5 * strength:
        lift = float(rng.uniform(-0.05, 0.05)) * height * strength
        warp = curled(
            size,
            top_px=lift,
            bottom_px=lift * float(rng.uniform(0.2, 1)),
            bulge=float(rng.uniform(0, 0.25)) * strength,
            side=float(rng.uniform(0.4, 0.6)),
        )
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    taper = _MOST_TAPER * strength * float(rng.uniform(0, 1))
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * np.array([width, height])
    tilted = corners + inward * rng.uniform(0, taper / 2, (4, 2))
    warp = warp.then(between_quads(corners, tilted))
    degrees = float(np.clip(rng.normal(0, 3 * strength), -9, 9))
    warp = warp.then(moved(-width / 2, -height / 2)).then(rotated(degrees))
    return fitted(warp, size, size, margin=float(rng.uniform(0, 0.05)))


def _laid(
    image: PILImage.Image,
    polygons: Sequence[Points],
    warp: Warp,
    background: PILImage.Image,
    *,
    shadow: np.random.Generator | None = None,
) -> Labelled:
    """The warped picture on a background, with the shadow it throws."""
    layer = warped(image, warp, ImageSize(background.height, background.width))
    ground = background.convert("RGB")
    if shadow is not None:
        soft = float(shadow.uniform(2, 10))
        dx, dy = (int(v) for v in shadow.integers(-6, 7, 2))
        mask = ImageChops.offset(layer.getchannel("A"), dx, dy)
        mask = mask.filter(ImageFilter.BoxBlur(soft))
        weight = float(shadow.uniform(0.1, 0.55))
        ground.paste((0, 0, 0), mask=mask.point(lambda value: int(value * weight)))
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground, carried(warp, polygons)


def _plain(size: ImageSize, shade: int) -> PILImage.Image:
    return PILImage.new("RGB", (size.width, size.height), (shade, shade, shade))


def _shadow(rng: np.random.Generator, size: ImageSize) -> Plane:
    """float32[H, W] of 0 to 1: how dark the edge of a hand or a lamp's shade makes it."""
    y, x = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    angle = float(rng.uniform(0, 2 * np.pi))
    away = np.cos(angle) * (x / size.width - 0.5) + np.sin(angle) * (y / size.height - 0.5)
    away += 0.1 * smooth_noise(rng, size, max(size) / 2)
    softness = float(rng.uniform(0.02, 0.3))
    edge = float(rng.uniform(-0.35, 0.35))
    covered = 1 / (1 + np.exp(np.clip(-(away - edge) / softness * 4, -30, 30)))
    return np.asarray(float(rng.uniform(0, _MOST_SHADOW)) * covered, np.float32)


def _moved_lens(rng: np.random.Generator, image: PILImage.Image) -> PILImage.Image:
    length = int(rng.choice(_MOTION_PX))
    kernel = np.zeros((length, length), np.float32)
    angle = float(rng.uniform(0, np.pi))
    for share in np.linspace(-0.5, 0.5, 4 * length):
        column, row = (
            round((length - 1) * (0.5 + share * direction))
            for direction in (np.cos(angle), np.sin(angle))
        )
        kernel[row, column] = 1
    weights = (kernel / kernel.sum()).ravel().tolist()
    return image.filter(ImageFilter.Kernel((length, length), weights, scale=1))


def _bleed_through(rng: np.random.Generator, image: PILImage.Image) -> PILImage.Image:
    """The other side of the sheet, mirrored; it has print like this one."""
    other = ImageOps.mirror(image).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.8, 2.0))))
    weight = float(rng.uniform(0.04, 0.18))
    faint = PILImage.blend(PILImage.new("RGB", image.size, (255, 255, 255)), other, weight)
    return ImageChops.multiply(image, faint)


def _bilevel(rng: np.random.Generator, image: PILImage.Image) -> PILImage.Image:
    """Black and white by a threshold between the paper and the ink."""
    grey = np.asarray(image.convert("L"))
    dark, light = (float(v) for v in np.percentile(grey, (1, 75)))
    threshold = dark + (light - dark) * float(rng.uniform(0.45, 0.75))
    return PILImage.fromarray(np.where(grey > threshold, 255, 0).astype(np.uint8)).convert("RGB")


def _dark_edge(rng: np.random.Generator, size: ImageSize) -> Plane:
    """float32[H, W]: the gutter of a book, or a lid that did not close."""
    plane = np.ones(size, np.float32)
    axis = int(rng.integers(2))
    side = size[1 - axis]
    reach = float(rng.uniform(0.01, 0.06)) * side
    depth = float(rng.uniform(0.2, 0.7))
    line = 1 - depth * np.exp(-np.arange(side, dtype=np.float32) / reach)
    if rng.random() < 0.5:
        line = line[::-1]
    return plane * (line[None, :] if axis == 0 else line[:, None])


def _speckled(rng: np.random.Generator, image: PILImage.Image, strength: float) -> PILImage.Image:
    """Dust, dark and light, of one to three pixels."""
    pixels = np.asarray(image).copy()
    height, width = pixels.shape[:2]
    count = int(height * width * float(rng.uniform(0, 8e-4)) * strength)
    ys, xs = rng.integers(0, height, count), rng.integers(0, width, count)
    shades = np.where(rng.random(count) < 0.6, 30, 250).astype(np.uint8)
    wide, tall = rng.integers(1, 4, count), rng.integers(1, 3, count)
    for y, x, shade, w, h in zip(ys, xs, shades, wide, tall, strict=True):
        pixels[y : y + h, x : x + w] = shade
    return PILImage.fromarray(pixels)


def _streaked(rng: np.random.Generator, image: PILImage.Image) -> PILImage.Image:
    """Lines along the feed, from dirt before the sensor."""
    pixels = np.asarray(image, np.float32).copy()
    for _ in range(int(rng.integers(1, 5))):
        x = int(rng.integers(pixels.shape[1]))
        pixels[:, x : x + int(rng.integers(1, 3))] -= float(rng.uniform(-60, 60))
    return picture(pixels)
