"""A page of HTML becomes a picture, and values that a script reads from the same layout.

Owns: what is asked for, its limits, what fails how. Does not own: the browser (``chromium``), what
pages say (the generators).

    html, size -> Chromium of this process -> script -> value;  the same layout -> picture

The browser starts with the first page of a process and stays, so generators stay plain functions
that travel to other processes. The same HTML gives the same bytes with the same Chromium and fonts.
"""

import io
import math
from typing import Any, NamedTuple

from PIL import Image as PILImage

from qvl.data.synth.render.chromium import Order, PageFault, chromium
from qvl.errors import DataError, InputError
from qvl.geometry import ImageSize
from qvl.options import shown

MOST_CHARACTERS = 8_000_000
"""Of the HTML: a page with several large pictures in it."""
MOST_PIXELS = 16_777_216
"""Of the picture. Source: above the 12,845,056 px of the released preprocessor_config.json, more
would be shrunk anyway."""
MOST_SIDE_PX = 16_384
"""Of the picture: Chromium draws larger ones with repeated parts. Source: its limit of textures."""
MOST_VALUE_CHARACTERS = 4_000_000
"""Of the script's value as JSON."""
SECONDS = 20.0


class RenderedPage(NamedTuple):
    """A page as drawn."""

    picture: PILImage.Image
    """RGB."""
    value: Any
    """What the script returned, through JSON."""


def render_page(
    html: str,
    *,
    size: ImageSize,
    script: str = "() => null",
    scale: float = 1.0,
    whole: bool = False,
    seconds: float = SECONDS,
) -> RenderedPage:
    """Draws a page.

    Args:
        html: a whole page. It reaches no network: pictures are ``data:`` addresses, fonts those of
            the system. Its scripts run; dates and random numbers would make it differ.
        size: of the window in CSS pixels.
        script: a JavaScript function, run when all has loaded and before the picture is taken, so
            it may change the page. It finds the functions of ``measure.js`` as ``measure``; their
            boxes are in pixels of the picture.
        scale: pixels of the picture per CSS pixel.
        whole: the picture is as high as the content, rounded up to a multiple of 28 CSS pixels, and
            the window with it before the script runs; else it is as high as the window.
        seconds: how long it may take; the browser is started anew after a page that hangs.

    Raises:
        InputError: the HTML, the picture or the whole page is beyond its limit.
        DataError: the page hangs or crashes, its script fails or returns too much.
        MissingDependencyError: Playwright or Chromium is not installed.
    """
    if not 0 < scale <= 8 or not 0 < seconds < 3600:
        raise InputError(f"scale is {scale:g} and seconds {seconds:g}, expected 0 < scale <= 8")
    check_picture_size(size, scale)
    if len(html) > MOST_CHARACTERS:
        raise InputError(f"page has {len(html)} characters, expected at most {MOST_CHARACTERS}")
    order = Order(
        html=html,
        size=size,
        script=script,
        scale=scale,
        whole=whole,
        most_characters=MOST_VALUE_CHARACTERS,
        check_size=check_picture_size,
    )
    try:
        png, value = chromium().draw(order, seconds=seconds)
    except PageFault as fault:
        raise DataError(
            f"page {shown(html)} cannot be drawn: {fault}",
            hint="look at it in a browser",
        ) from fault
    return RenderedPage(PILImage.open(io.BytesIO(png)).convert("RGB"), value)


def check_picture_size(size: ImageSize, scale: float) -> None:
    """Raises an `InputError` for a picture that is empty or too large; ``size`` in CSS pixels."""
    height, width = (math.ceil(side * scale) for side in size)
    if min(height, width) < 1 or max(height, width) > MOST_SIDE_PX or height * width > MOST_PIXELS:
        raise InputError(
            f"the picture of a page would be {width} x {height} px, expected at most "
            f"{MOST_PIXELS} pixels and sides of 1 to {MOST_SIDE_PX}"
        )
