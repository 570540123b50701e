"""Drawing one thing from simple forms, remembering which form belongs to which part.

Owns: forms in a square of 100 by 100 with smooth edges. Does not own: what things look like
(``drawings``).

    Pen -> polygon(), ellipse(), ... with part= -> cutout() -> Cutout with its parts
"""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw

from qvl.data.synth.grounding.cutouts import Cutout, Noun, trimmed
from qvl.data.synth.palette import Colour

XY = tuple[float, float]

_SIDE = 256
# Drawn larger and averaged, so that edges are smooth.
_FINER = 2


def shade(colour: Colour, light: float) -> Colour:
    """Returns a colour with its light changed: 1 keeps it, below is darker, above lighter."""
    if light <= 1:
        r, g, b = (round(channel * light) for channel in colour)
    else:
        r, g, b = (round(255 - (255 - channel) / light) for channel in colour)
    return r, g, b


class Pen:
    """A thing under construction. Coordinates are 0 to 100, x right, y down.

    Args:
        outline: width of the dark line around every form; 0 for none.
    """

    def __init__(self, outline: float = 0.0) -> None:
        side = _SIDE * _FINER
        self._scale = side / 100
        self._picture = PILImage.new("RGBA", (side, side))
        self._numbers = PILImage.new("L", (side, side))
        self._draw = ImageDraw.Draw(self._picture)
        self._mark = ImageDraw.Draw(self._numbers)
        self._parts: list[str] = []
        self._outline = outline

    def polygon(self, points: Sequence[XY], fill: Colour, part: str = "") -> None:
        """A filled polygon."""
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        self._draw.polygon(scaled, fill=(*fill, 255))
        self._mark.polygon(scaled, fill=self._number(part))
        if self._outline:
            width = round(self._outline * self._scale)
            ring = [*scaled, scaled[0], scaled[1]]
            # Round forms have corners too blunt to need joints, which cost most of the time.
            joint = "curve" if len(points) < 20 else None
            self._draw.line(ring, fill=(*shade(fill, 0.45), 255), width=width, joint=joint)
            # The edge of a part is part of it.
            self._mark.line(ring, fill=self._number(part), width=width, joint=joint)

    def rectangle(
        self, x1: float, y1: float, x2: float, y2: float, fill: Colour, part: str = "", r: float = 0
    ) -> None:
        """A rectangle, its corners rounded by ``r``."""
        if r <= 0:
            self.polygon([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], fill, part)
            return
        corners = [(x2 - r, y1 + r, -90), (x2 - r, y2 - r, 0), (x1 + r, y2 - r, 90)]
        corners.append((x1 + r, y1 + r, 180))
        points = [
            _around(x, y, r, r, start + step * 15) for x, y, start in corners for step in range(7)
        ]
        self.polygon(points, fill, part)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, fill: Colour, part: str = ""
    ) -> None:
        """An ellipse around (x, y)."""
        self.polygon([_around(x, y, rx, ry, step * 6) for step in range(60)], fill, part)

    def sector(
        self, x: float, y: float, rx: float, ry: float, span: XY, fill: Colour, part: str = ""
    ) -> None:
        """The piece of an ellipse between two angles in degrees, clockwise from the right, cut by
        the straight line between its ends."""
        steps = np.linspace(*span, 40)
        self.polygon([_around(x, y, rx, ry, float(step)) for step in steps], fill, part)

    def line(self, points: Sequence[XY], width: float, fill: Colour, part: str = "") -> None:
        """A line with round ends and corners."""
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        thick = max(1, round(width * self._scale))
        for pen, ink in ((self._draw, (*fill, 255)), (self._mark, self._number(part))):
            pen.line(scaled, fill=ink, width=thick, joint="curve")
            for x, y in (scaled[0], scaled[-1]):
                pen.circle((x, y), thick / 2, fill=ink)

    def cutout(
        self, noun: Noun, colour: str, colours: frozenset[str], *, is_flat: bool = False
    ) -> Cutout:
        """Returns what was drawn."""
        picture = self._picture.convert("RGBa").reduce(_FINER).convert("RGBA")
        numbers = self._numbers.resize((_SIDE, _SIDE), PILImage.Resampling.NEAREST)
        return trimmed(
            Cutout(
                pixels=np.asarray(picture),
                noun=noun,
                colour=colour,
                colours=colours,
                parts=tuple(self._parts),
                part_map=np.asarray(numbers) if self._parts else None,
                is_flat=is_flat,
            )
        )

    def _number(self, part: str) -> int:
        if not part:
            return 0
        if part not in self._parts:
            self._parts.append(part)
        return 1 + self._parts.index(part)


def _around(x: float, y: float, rx: float, ry: float, degrees: float) -> XY:
    angle = math.radians(degrees)
    return x + rx * math.cos(angle), y + ry * math.sin(angle)
