"""Distortions of a picture that carry polygons along: each is a map of points and its inverse.

Owns: the maps, applying one to pixels, polygons and their boxes. Does not own: which distortions a
camera or a scanner makes (``effects``).

    polygon -> Warp.forward -> polygon            exact, point by point
    picture -> warped(picture, warp) -> picture   looks up Warp.backward of every pixel
    polygon -> box_of, quad_of                    what answers state

Points are float64[N, 2], x and y in continuous pixels: pixel (0, 0) covers 0 to 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageOps

from qvl.errors import InputError
from qvl.geometry import Box, ImageSize, clip

Points = npt.NDArray[np.float64]

_CELLS_PX = (64, 32, 16, 8, 4)
"""Pixels are looked up exactly at the corners of cells, and linearly inside. Of these sides the
largest is taken that is exact enough."""
_EXACT_PX = 0.1
_MARGIN_PX = 2
_FAR = -1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Warp:
    """Where points of a picture go, and where points of the result come from.

    Attributes:
        forward: picture -> result.
        backward: result -> picture; its inverse wherever the result shows the picture.
    """

    forward: Callable[[Points], Points]
    backward: Callable[[Points], Points]

    def then(self, other: "Warp") -> "Warp":
        """Returns this warp followed by another."""
        return Warp(
            forward=lambda points: other.forward(self.forward(points)),
            backward=lambda points: self.backward(other.backward(points)),
        )


def projective(matrix: npt.ArrayLike) -> Warp:
    """Returns the map of a 3 x 3 homography. Straight lines stay straight."""
    there = np.asarray(matrix, np.float64)
    back = np.linalg.inv(there)
    return Warp(forward=lambda p: _project(there, p), backward=lambda p: _project(back, p))


def _project(matrix: npt.NDArray[np.floating[Any]], points: Points) -> Points:
    x, y, w = matrix @ np.column_stack([points, np.ones(len(points))]).T
    w = np.where(np.abs(w) < 1e-9, 1e-9, w)
    return np.column_stack([x / w, y / w])


def moved(dx: float, dy: float, *, scale: float = 1.0) -> Warp:
    """Returns a change of size about (0, 0), then a shift."""
    return projective(np.array([[scale, 0, dx], [0, scale, dy], [0, 0, 1]], np.float64))


def rotated(degrees: float) -> Warp:
    """Returns a clockwise turn about (0, 0)."""
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return projective(np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float64))


def between_quads(source: npt.ArrayLike, target: npt.ArrayLike) -> Warp:
    """Returns the homography that takes four corners to four corners.

    Source: Heckbert 1989, Fundamentals of Texture Mapping, section 2.2.3.

    >>> warp = between_quads([[0, 0], [4, 0], [4, 2], [0, 2]], [[1, 1], [9, 1], [9, 5], [1, 5]])
    >>> warp.forward(np.array([[2.0, 1.0]])).round(6).tolist()
    [[5.0, 3.0]]

    Raises:
        InputError: three of the corners lie on a line.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(np.asarray(source), np.asarray(target), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    try:
        solved = np.linalg.solve(np.array(rows, np.float64), np.array(values, np.float64))
        return projective(np.append(solved, 1.0).reshape(3, 3))
    except np.linalg.LinAlgError as error:
        raise InputError("three corners of a quad lie on a line, expected four apart") from error


def waved(amplitude_px: float, length_px: float, phase: float = 0.0) -> Warp:
    """Returns a vertical sine wave along x."""

    def height(x: Points) -> Points:
        return amplitude_px * np.sin(2 * np.pi * x / length_px + phase)

    return Warp(
        forward=lambda p: np.column_stack([p[:, 0], p[:, 1] + height(p[:, 0])]),
        backward=lambda p: np.column_stack([p[:, 0], p[:, 1] - height(p[:, 0])]),
    )


def arched(size: ImageSize, degrees: float) -> Warp:
    """Returns the bend of a strip along an arc of a circle; its middle keeps its length.

    Args:
        size: of the strip.
        degrees: between its ends; above 0 the middle is highest, below 0 lowest. Lines of the strip
            that would pass the centre of the circle make no sense, so a tall strip takes less.

    Raises:
        InputError: the inner edge would have no length, or the ends would meet.
    """
    height, width = size
    if not 0 < abs(degrees) < 350:
        raise InputError(f"a strip is bent by {degrees:g} degrees, expected 0 to 350 either way")
    angle = np.radians(degrees)
    radius = width / angle  # below 0: the centre lies above the strip
    if abs(radius) <= height / 2:
        raise InputError(
            f"a strip of {size} is bent by {degrees:g} degrees, its inner edge would vanish"
        )

    def forward(p: Points) -> Points:
        turn = (p[:, 0] - width / 2) / radius
        r = radius + height / 2 - p[:, 1]
        return np.column_stack(
            [width / 2 + r * np.sin(turn), height / 2 + radius - r * np.cos(turn)]
        )

    def backward(p: Points) -> Points:
        x, y = p[:, 0] - width / 2, height / 2 + radius - p[:, 1]
        side = np.sign(radius)
        turn = np.arctan2(side * x, side * y)
        y = radius + height / 2 - side * np.hypot(x, y)
        return np.column_stack([width / 2 + turn * radius, y])

    return Warp(forward=forward, backward=backward)


def curled(size: ImageSize, *, top_px: float, bottom_px: float, bulge: float, side: float) -> Warp:
    """Returns the bend of a page that does not lie flat, as of an open book.

    The page is a part of a cylinder: its height above the table follows a profile along x, lines
    are seen raised by it, and steep parts are seen shorter.

    Args:
        size: of the page.
        top_px: how far the page's highest point is raised at the upper edge; may be below 0.
        bottom_px: the same at the lower edge.
        bulge: greatest height over width of the page, which foreshortens it; at most 0.3.
        side: 0.4 to 0.6, where along x the highest point is.
    """
    height, width = size
    knots = np.linspace(0, 1, 257)
    # A lump that is 0 at both ends and 1 at `side`: the sine of a smoothly moved argument.
    side = min(max(side, 0.4), 0.6)
    profile = np.sin(np.pi * (knots + (0.5 - side) / (side * (1 - side)) * knots * (1 - knots)))
    slope = np.gradient(profile * bulge, knots)
    along = np.concatenate([[0], np.cumsum(1 / np.sqrt(1 + (slope[1:] + slope[:-1]) ** 2 / 4))])
    along = along / along[-1]
    grow = (bottom_px - top_px) / height

    def forward(p: Points) -> Points:
        lump = np.interp(p[:, 0] / width, knots, profile)
        x = _along(p[:, 0] / width, knots, along) * width
        return np.column_stack([x, p[:, 1] - lump * (top_px + grow * p[:, 1])])

    def backward(p: Points) -> Points:
        share = _along(p[:, 0] / width, along, knots)
        lump = np.interp(share, knots, profile)
        y = (p[:, 1] + lump * top_px) / (1 - lump * grow)
        return np.column_stack([share * width, y])

    return Warp(forward=forward, backward=backward)


def _along(x: Points, knots: Points, values: Points) -> Points:
    """Linear between the knots, and on past both ends with their slopes."""
    first, last = (values[i + 1] - values[i] for i in (0, -2))
    first, last = first / (knots[1] - knots[0]), last / (knots[-1] - knots[-2])
    past = np.minimum(x - knots[0], 0) * first + np.maximum(x - knots[-1], 0) * last
    return np.interp(x, knots, values) + past


def fitted(warp: Warp, source: ImageSize, target: ImageSize, *, margin: float = 0.0) -> Warp:
    """Returns the warp with its result scaled and moved so that all of it lies in the target.

    Args:
        warp: of a picture of the size ``source``.
        source: the picture's size.
        target: size of the result.
        margin: least distance from its edges, as a share of its shorter side.
    """
    border = warp.forward(rectangle(Box(0, 0, source.width, source.height), per_side=64))
    low, high = border.min(0), border.max(0)
    room = np.array([target.width, target.height]) - 2 * margin * min(target)
    scale = float((room / np.maximum(high - low, 1e-6)).min())
    dx, dy = (np.array([target.width, target.height]) - scale * (low + high)) / 2
    return warp.then(moved(dx, dy, scale=scale))


def warped(image: PILImage.Image, warp: Warp, size: ImageSize) -> PILImage.Image:
    """Returns the picture as an RGBA layer of the given size, transparent where nothing lies.

    Args:
        image: RGB or RGBA.
        warp: to apply.
        size: of the result.
    """
    if image.mode == "RGBA":
        return _transformed(ImageOps.expand(image, _MARGIN_PX, (0, 0, 0, 0)), warp, size)
    # Colours go on past the edge, and only the cover ends there: a bicubic filter across the edge
    # itself would draw a bright rim.
    rim = ((_MARGIN_PX, _MARGIN_PX), (_MARGIN_PX, _MARGIN_PX), (0, 0))
    colours = PILImage.fromarray(np.pad(np.asarray(image.convert("RGB")), rim, "edge"))
    cover = ImageOps.expand(PILImage.new("L", image.size, 255), _MARGIN_PX, 0)
    layer = _transformed(PILImage.merge("RGBX", (*colours.split(), cover)), warp, size)
    *channels, alpha = layer.split()
    return PILImage.merge("RGBA", (*channels, alpha))


def _transformed(layer: PILImage.Image, warp: Warp, size: ImageSize) -> PILImage.Image:
    """A picture with a rim of `_MARGIN_PX` through a warp."""
    xs, ys, grid = _looked_up(warp, size, layer.size)
    quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], 2)
    low, high = quads.min(2), quads.max(2)
    seen = (high > 0).all(-1) & (low < np.array(layer.size)).all(-1)
    mesh = [
        (
            (int(xs[j]), int(ys[i]), int(xs[j + 1]), int(ys[i + 1])),
            tuple(quads[i, j].ravel().tolist()),
        )
        for i, j in np.argwhere(seen)
    ]
    return layer.transform(
        (size.width, size.height),
        PILImage.Transform.MESH,
        mesh,
        PILImage.Resampling.BICUBIC,
    )


def _looked_up(
    warp: Warp, size: ImageSize, layer: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Points]:
    """Edges of cells along x and y, and where their corners come from in the layer, float64[R, C,
    2]."""
    far = np.array(layer) + _CELLS_PX[0]
    for cell in _CELLS_PX:
        xs, ys = (np.unique([*range(0, side, cell), side]) for side in (size.width, size.height))
        grid = _backward_grid(warp, xs.astype(np.float64), ys.astype(np.float64))
        exact = _backward_grid(warp, (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2)
        linear = (grid[1:, 1:] + grid[1:, :-1] + grid[:-1, 1:] + grid[:-1, :-1]) / 4
        seen = ((exact > -_CELLS_PX[0]) & (exact < far)).all(-1)
        if np.abs(exact - linear)[seen].max(initial=0) <= _EXACT_PX:
            break
    return xs, ys, grid


def _backward_grid(warp: Warp, xs: Points, ys: Points) -> Points:
    nodes = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        found = np.nan_to_num(warp.backward(nodes), nan=_FAR, posinf=_FAR, neginf=_FAR)
    return (found + _MARGIN_PX).reshape(len(ys), len(xs), 2)


def rectangle(box: Box, *, per_side: int = 1) -> Points:
    """Returns a box as a polygon, clockwise from its left top.

    Args:
        box: x1 y1 x2 y2.
        per_side: points on every side; with more than one, a bend of the side is carried along.

    >>> rectangle(Box(0, 0, 4, 2)).tolist()
    [[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]
    """
    x1, y1, x2, y2 = box
    return subdivided(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64), per_side)


def subdivided(polygon: Points, per_side: int) -> Points:
    """Returns the same polygon with ``per_side`` points for each of its sides."""
    shares = np.arange(per_side)[None, :, None] / per_side
    ends = np.roll(polygon, -1, axis=0)
    return (polygon[:, None] * (1 - shares) + ends[:, None] * shares).reshape(-1, 2)


def box_of(polygon: Points, size: ImageSize | None = None) -> Box:
    """Returns the smallest box around a polygon, cut at the edges of a picture when given.

    >>> box_of(np.array([[1.0, 0.0], [5.0, 2.0], [3.0, 9.0]]), ImageSize(8, 8))
    Box(x1=1.0, y1=0.0, x2=5.0, y2=8)
    """
    (x1, y1), (x2, y2) = polygon.min(0), polygon.max(0)
    box = Box(float(x1), float(y1), float(x2), float(y2))
    return box if size is None else clip(box, size)


def quad_of(polygon: Points) -> Points:
    """Returns the smallest rectangle around a polygon, float64[4, 2], clockwise, beginning with the
    corner nearest to the polygon's first point.

    One of its sides lies on a side of the convex hull. Source: Freeman and Shapira 1975.

    >>> quad_of(np.array([[0.0, 2.0], [2.0, 0.0], [4.0, 2.0], [2.0, 4.0]])).round(6).tolist()
    [[0.0, 2.0], [2.0, 0.0], [4.0, 2.0], [2.0, 4.0]]
    """
    best, least = polygon, np.inf
    hull = _hull(polygon)
    for dx, dy in np.roll(hull, -1, axis=0) - hull:
        along = np.array([dx, dy]) / max(float(np.hypot(dx, dy)), 1e-9)
        axes = np.array([along, [-along[1], along[0]]])
        turned = hull @ axes.T
        (u1, v1), (u2, v2) = turned.min(0), turned.max(0)
        area = (u2 - u1) * (v2 - v1)
        if area < least - 1e-9:
            least = area
            best = np.array([[u1, v1], [u2, v1], [u2, v2], [u1, v2]]) @ axes
    start = int(np.hypot(*(best - polygon[0]).T).argmin())
    return np.roll(best, -start, axis=0)


def _hull(points: Points) -> Points:
    """The convex hull, clockwise on screen. Source: Andrew 1979, monotone chain."""
    ordered = sorted(set(map(tuple, points.tolist())))
    halves = []
    for chain in (ordered, ordered[::-1]):
        half: list[tuple[float, ...]] = []
        for p in chain:
            while len(half) > 1 and (
                (half[-1][0] - half[-2][0]) * (p[1] - half[-2][1])
                <= (half[-1][1] - half[-2][1]) * (p[0] - half[-2][0])
            ):
                half.pop()
            half.append(p)
        halves += half[:-1]
    return np.array(halves or ordered, np.float64)


def carried(warp: Warp, polygons: Sequence[Points]) -> list[Points]:
    """Returns the polygons where the warp puts them, point by point."""
    return [warp.forward(np.asarray(polygon, np.float64)) for polygon in polygons]
