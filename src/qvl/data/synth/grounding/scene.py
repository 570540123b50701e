"""Things put into a picture, and what of each can then be seen.

Owns: who covers whom, visible masks and boxes, shadows, leaving out what is hidden. Does not own:
choosing and placing things (``arranging``), questions (``questions``).

    Background, layers from back to front -> compose() -> Scene: pixels and things with true boxes

Every thing in a composed scene shows at least a given share of itself, and stands out from what is
behind it, so nothing can be half seen and half forgotten: what is too hidden, or too like its
surroundings, is taken out of the picture, not only out of the labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageFilter

from qvl.data.synth.grounding.contrast import stands_out
from qvl.data.synth.grounding.cutouts import Cutout, Noun, solid
from qvl.geometry import Box, ImageSize, Point

MIN_VISIBLE = 0.5
"""Least share of a thing that is seen; with less, kinds are guessed. Flat things need
`MIN_VISIBLE_FLAT`: what lies on a rug does not hide what it is."""
MIN_VISIBLE_FLAT = 0.25
MIN_SIDE_PX = 22
"""Least visible width and height: a patch and a half, as the rule ``boxes_at_least`` of the
recipes asks for."""
_MIN_PART_PX = 40
"""Least visible pixels of a part that is pointed at."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A cut-out at its place.

    Attributes:
        cutout: in its final size.
        x: of its left edge in the picture; may be outside.
        y: of its top edge.
    """

    cutout: Cutout
    x: int
    y: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """What can be seen of one thing.

    Attributes:
        noun: what it is called.
        box: around what is visible, in pixels of the picture.
        visible: share of the whole thing that is seen, 0 to 1.
        colour: its name, or empty.
        colours: all colours that somebody could call it; None when colours are not known.
        point: a visible pixel's middle, as far inside as there is.
        parts: boxes and inner points of its visible parts.
        under: index of the flat thing it lies on, or -1.
        is_flat: others may lie on it.
        mask: bool of the size of ``box``, what is visible; None when only the box is known.
        is_crowd: True for a region of several that are not told apart.
        licence: of its pixels.
    """

    noun: Noun
    box: Box
    visible: float = 1.0
    colour: str = ""
    colours: frozenset[str] | None = None
    point: Point
    parts: tuple[tuple[str, Box, Point], ...] = ()
    under: int = -1
    is_flat: bool = False
    mask: Mask | None = field(default=None, repr=False)
    is_crowd: bool = False
    licence: str = ""

    @property
    def centre(self) -> Point:
        """The middle of its box."""
        return Point((self.box.x1 + self.box.x2) / 2, (self.box.y1 + self.box.y2) / 2)

    @property
    def area(self) -> float:
        """Square pixels of its box."""
        return (self.box.x2 - self.box.x1) * (self.box.y2 - self.box.y1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A picture and all things in it that have names.

    Attributes:
        pixels: uint8[H, W, 3], the picture is its own resized_px space.
        things: from back to front.
        unsure: names, of kinds and groups, of which there may be more in the picture than
            ``things`` has.
        absent: names that are known not to be in the picture; None when everything that is not in
            ``things`` is absent.
    """

    pixels: npt.NDArray[np.uint8]
    things: tuple[Thing, ...]
    unsure: frozenset[str] = frozenset()
    absent: frozenset[str] | None = None

    @property
    def size(self) -> ImageSize:
        """Height and width."""
        return ImageSize(*self.pixels.shape[:2])


def compose(
    pixels: npt.NDArray[np.uint8],
    layers: Sequence[Layer],
    *,
    shadow: tuple[int, int, float, float] | None = None,
) -> Scene:
    """Paints layers over a background.

    Args:
        pixels: uint8[H, W, 3], the background; not changed.
        layers: from back to front.
        shadow: pixels to the right and down, blur, and darkness from 0 to 1; None for no shadows.
    """
    size = ImageSize(*pixels.shape[:2])
    kept = list(layers)
    while True:
        owners = _owners(kept, size)
        seen = np.bincount(owners.ravel() + 1, minlength=len(kept) + 1)[1:]
        shares = [
            count / max(1, solid(layer.cutout.pixels).sum())
            for count, layer in zip(seen, kept, strict=True)
        ]
        clear = _clear(pixels, kept, owners)
        staying = [
            layer
            for i, (layer, is_clear) in enumerate(zip(kept, clear, strict=True))
            if is_clear and _is_enough(owners, i, layer, float(shares[i]))
        ]
        if len(staying) == len(kept):
            break
        kept = staying  # looked at again: without these, other things are behind those above
    things = [_thing(owners, i, layer, float(shares[i])) for i, layer in enumerate(kept)]
    return Scene(
        pixels=_painted(pixels, kept, shadow),
        things=tuple(_placed_on_flat(things)),
    )


def _owners(layers: Sequence[Layer], size: ImageSize) -> npt.NDArray[np.int32]:
    """int32[H, W], the index of the layer seen at each pixel, -1 for the background."""
    owners = np.full(size, -1, np.int32)
    for number, layer in enumerate(layers):
        region, inside = overlap(layer, size)
        owners[region][solid(layer.cutout.pixels)[inside]] = number
    return owners


def overlap(layer: Layer, size: ImageSize) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Returns the part of the picture that a layer covers, and the part of the layer that is in
    the picture."""
    height, width = layer.cutout.pixels.shape[:2]
    top, left = max(0, layer.y), max(0, layer.x)
    bottom, right = min(size.height, layer.y + height), min(size.width, layer.x + width)
    bottom, right = max(top, bottom), max(left, right)
    outer = np.s_[top:bottom, left:right]
    inner = np.s_[top - layer.y : bottom - layer.y, left - layer.x : right - layer.x]
    return outer, inner


def _clear(
    pixels: npt.NDArray[np.uint8], layers: Sequence[Layer], owners: npt.NDArray[np.int32]
) -> Iterator[bool]:
    """Whether each layer stands out from the background and the layers below it."""
    canvas = PILImage.fromarray(pixels).copy()
    for number, layer in enumerate(layers):
        region, _ = overlap(layer, ImageSize(*owners.shape))
        yield is_clear(layer, canvas, owners[region] == number)
        paint(canvas, layer)


def is_clear(layer: Layer, canvas: PILImage.Image, seen: Mask | None = None) -> bool:
    """Returns whether a layer stands out from an RGB picture that it is to be painted on.

    Args:
        layer: at its place.
        canvas: without it.
        seen: bool of the part of the picture that it covers, where it will be seen; None for all
            of it.
    """
    (rows, columns), inside = overlap(layer, ImageSize(canvas.height, canvas.width))
    thing = layer.cutout.pixels[inside]
    seen = solid(thing) if seen is None else seen
    if not seen.any():
        return False
    behind = canvas.crop((columns.start, rows.start, columns.stop, rows.stop))
    return stands_out(thing[seen][:, :3], np.asarray(behind)[seen])


def paint(canvas: PILImage.Image, layer: Layer) -> None:
    """Puts a layer over an RGB picture."""
    picture = PILImage.fromarray(layer.cutout.pixels)
    canvas.paste(picture, (layer.x, layer.y), picture)


def _is_enough(owners: npt.NDArray[np.int32], number: int, layer: Layer, visible: float) -> bool:
    least = MIN_VISIBLE_FLAT if layer.cutout.is_flat else MIN_VISIBLE
    if visible < least:
        return False
    region, _ = overlap(layer, ImageSize(*owners.shape))
    box = box_of_mask(owners[region] == number)
    return min(box.x2 - box.x1, box.y2 - box.y1) >= MIN_SIDE_PX


def _thing(owners: npt.NDArray[np.int32], number: int, layer: Layer, visible: float) -> Thing:
    region, inside = overlap(layer, ImageSize(*owners.shape))
    top, left = region[0].start, region[1].start
    mask = owners[region] == number
    box = box_of_mask(mask)
    cutout = layer.cutout
    parts = []
    if cutout.part_map is not None:
        numbers = cutout.part_map[inside]
        for index, name in enumerate(cutout.parts, start=1):
            seen = mask & (numbers == index)
            whole = int((cutout.part_map == index).sum())
            if seen.sum() >= max(_MIN_PART_PX, MIN_VISIBLE * whole):
                parts.append((name, _moved(box_of_mask(seen), left, top), _inner(seen, left, top)))
    x1, y1, x2, y2 = (int(value) for value in box)
    return Thing(
        noun=cutout.noun,
        box=_moved(box, left, top),
        visible=round(visible, 4),
        colour=cutout.colour,
        colours=cutout.colours,
        point=_inner(mask, left, top),
        parts=tuple(parts),
        is_flat=cutout.is_flat,
        mask=mask[y1:y2, x1:x2],
        licence=cutout.licence,
    )


def box_of_mask(mask: Mask) -> Box:
    """Returns the box around the true pixels of bool[H, W]; without area when there are none.

    >>> box_of_mask(np.array([[False, False, False], [False, True, True]]))
    Box(x1=1.0, y1=1.0, x2=3.0, y2=2.0)
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return Box(0.0, 0.0, 0.0, 0.0)
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def inner_point(mask: Mask) -> Point:
    """Returns the middle of the true pixel that is deepest inside: where people would point.

    The depth is the distance to the nearest pixel outside along rows and columns, so a ring is
    pointed at on its band and not in its hole.
    """
    height, width = mask.shape
    # Large masks are looked at in steps; the chosen pixel is a true one all the same.
    step = max(1, max(height, width) // 96)
    small = np.pad(mask[::step, ::step], 1)
    depth = np.minimum(_run(small, 0), _run(small, 1))[1:-1, 1:-1]
    middle = np.array([(depth.shape[0] - 1) / 2, (depth.shape[1] - 1) / 2])
    if not depth.any():  # thinner than a step
        ys, xs = mask.nonzero()
        nearest = int(np.hypot(ys - height / 2, xs - width / 2).argmin())
        return Point(float(xs[nearest]) + 0.5, float(ys[nearest]) + 0.5)
    best = np.argwhere(depth >= 0.9 * depth.max())
    y, x = best[np.hypot(*(best - middle).T).argmin()] * step
    return Point(float(x) + 0.5, float(y) + 0.5)


def _run(mask: Mask, axis: int) -> npt.NDArray[np.int32]:
    """How far each true pixel is from a false one, along an axis. The border must be false."""
    lines = np.moveaxis(mask, axis, 0)
    places = np.arange(len(lines))[:, None]
    before = np.maximum.accumulate(np.where(lines, 0, places), 0)
    after = np.minimum.accumulate(np.where(lines, len(lines), places)[::-1], 0)[::-1]
    return np.moveaxis(np.minimum(places - before, after - places), 0, axis).astype(np.int32)


def _inner(mask: Mask, left: int, top: int) -> Point:
    x, y = inner_point(mask)
    return Point(x + left, y + top)


def _moved(box: Box, left: float, top: float) -> Box:
    return Box(box.x1 + left, box.y1 + top, box.x2 + left, box.y2 + top)


def _placed_on_flat(things: Sequence[Thing]) -> list[Thing]:
    """The things, each with the flat thing it lies on: wholly within its box and drawn after it."""
    placed = []
    for number, thing in enumerate(things):
        under = -1
        for other in range(number):
            outer = things[other].box
            if things[other].is_flat and not thing.is_flat and _is_within(thing.box, outer):
                under = other
        placed.append(replace(thing, under=under))
    return placed


def _is_within(inner: Box, outer: Box) -> bool:
    return (
        outer.x1 <= inner.x1
        and outer.y1 <= inner.y1
        and inner.x2 <= outer.x2
        and inner.y2 <= outer.y2
    )


def _painted(
    pixels: npt.NDArray[np.uint8],
    layers: Sequence[Layer],
    shadow: tuple[int, int, float, float] | None,
) -> npt.NDArray[np.uint8]:
    canvas = PILImage.fromarray(pixels).copy()
    for layer in layers:
        if shadow is not None:
            right, down, blur, darkness = shadow
            margin = round(2 * blur)
            opacity = PILImage.fromarray(layer.cutout.pixels).getchannel("A")
            cover = PILImage.new("L", (opacity.width + 2 * margin, opacity.height + 2 * margin))
            cover.paste(opacity, (margin, margin))
            cover = cover.filter(ImageFilter.GaussianBlur(blur)).point(
                lambda level, dark=darkness: round(level * dark)
            )
            at = (layer.x + right - margin, layer.y + down - margin)
            canvas.paste((0, 0, 0), at, cover)
        paint(canvas, layer)
    return np.asarray(canvas, np.uint8)
