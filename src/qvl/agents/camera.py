"""Pictures of a page, and the way from their pixels back to the page.

Owns: screenshots, screenshot pixels -> CSS pixels. Does not own: which page (``tabs``).

    page -> take() -> PNG in device pixels, view;   Action + size of the picture -> in_view() -> CSS

A small screen shows a page made for large ones shrunk, so the page tells how much it shows.
"""

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qvl.geometry import Box, ImageSize, Point, ResizeTransform
from qvl.tasks.actions import AnyAction, mapped, places

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page


class Camera:
    """Takes pictures of what pages show."""

    def __init__(self, size: ImageSize, *, scale: float, mobile: bool) -> None:
        """Prepares for a kind of screen.

        Args:
            size: of the screen in CSS pixels.
            scale: device pixels per CSS pixel.
            mobile: as the pages' context.
        """
        self._metrics = {
            "width": size.width,
            "height": size.height,
            "screenWidth": size.width,
            "screenHeight": size.height,
            "deviceScaleFactor": scale,
            "mobile": mobile,
        }
        self._sessions: dict[Page, CDPSession] = {}
        self.view = Box(0, 0, size.width, size.height)
        """What the last picture showed, in CSS pixels of the page."""

    async def take(self, page: "Page", *, loading: bool) -> bytes:
        """Returns a PNG of the visible part of a page.

        Playwright's own screenshot waits until a page that is on its way has come.

        Args:
            page: any page of the context.
            loading: another page is on its way; until it has come, this one tells no measures, and
                those of the picture before hold.
        """
        cdp = await self._session(page)
        if not loading:
            seen = (await cdp.send("Page.getLayoutMetrics"))["cssVisualViewport"]
            left, top = seen["offsetX"], seen["offsetY"]
            self.view = Box(left, top, left + seen["clientWidth"], top + seen["clientHeight"])
        picture = await cdp.send("Page.captureScreenshot", {"format": "png"})
        return base64.b64decode(picture["data"])

    async def _session(self, page: "Page") -> "CDPSession":
        """A session that knows the screen and stays open.

        To take a picture Chromium changes the measures of a page for a moment and goes back to
        those its session set: a session that set none, or that ends, leaves a mobile page as a
        desktop page.
        """
        session = self._sessions.get(page)
        if session is None:
            self._sessions = {
                key: old for key, old in self._sessions.items() if not key.is_closed()
            }
            session = await page.context.new_cdp_session(page)
            await session.send("Emulation.setDeviceMetricsOverride", self._metrics)
            self._sessions[page] = session
        return session


def in_view(action: AnyAction, picture: ImageSize, view: Box) -> AnyAction:
    """Pixels of a picture -> CSS pixels of the page, for all of an action.

    >>> from qvl.tasks.actions import MoveTo
    >>> in_view(MoveTo(point=Point(20, 10)), ImageSize(100, 200), Box(5, 0, 105, 50))
    MoveTo(point=Point(x=15.0, y=5.0))
    """
    size = ImageSize(round(view.y2 - view.y1), round(view.x2 - view.x1))
    scaled = mapped(action, ResizeTransform(size, picture))
    moved: dict[str, Any] = {
        name: Point(place.x + view.x1, place.y + view.y1) for name, place in places(scaled).items()
    }
    return replace(scaled, **moved)
