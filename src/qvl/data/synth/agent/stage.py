"""A page that is alive in the browser: looked at, asked, acted upon.

Owns: one page at a time, input, its clock. Does not own: the browser (``render.chromium``), which
action comes next (``expert``).

    HTML, Device -> stage() -> screenshot() | evaluate() | tree() | perform(action), in resized_px

Nothing depends on how fast the machine is: time passes by ``advance`` of ``runtime.js`` only, and
a page is scrolled at once. Chromium's own scrolling by touch goes on after the finger has left, for
as long as the machine has time.
"""

import base64
import contextlib
import io
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.synth.agent.look import Device
from qvl.data.synth.render.chromium import PageFault, chromium
from qvl.errors import DataError
from qvl.geometry import Point
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    MoveTo,
    OpenApp,
    Press,
    PressSystem,
    Scroll,
    Terminate,
    Type,
    Wait,
)

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page, Route

Result = TypeVar("Result")

SECONDS = 20.0
_ADDRESS = "http://page.invalid/"
"""Where every page lives. Source: RFC 2606, the domain ``invalid`` is never given away."""
_STEP_MS = 300
"""What an action takes on the page's clock."""
_DRAG_STEPS = 8
_KEYS = {
    "ctrl": "Control",
    "alt": "Alt",
    "shift": "Shift",
    "enter": "Enter",
    "esc": "Escape",
    "tab": "Tab",
    "delete": "Delete",
    "backspace": "Backspace",
    "home": "Home",
    "end": "End",
}

_SCROLL = """([x, y, dx, dy]) => {
  let el = document.elementFromPoint(x, y);
  for (; el; el = el.parentElement) {
    const { overflowX, overflowY } = getComputedStyle(el);
    const tall = dy && /auto|scroll/.test(overflowY) && el.scrollHeight > el.clientHeight;
    const wide = dx && /auto|scroll/.test(overflowX) && el.scrollWidth > el.clientWidth;
    if (tall || wide) { el.scrollBy(dx, dy); return true; }
  }
  return false;
}"""
# Chromium makes a click of a tap when it has time, so it is waited for; a long press makes none.
_AWAIT_CLICK = """() => {
  window.tapped = new Promise((done) => {
    addEventListener("click", () => done(true), { once: true, capture: true });
    setTimeout(() => done(false), 1500);
  });
}"""
_IS_SLIDER = "([x, y]) => Boolean(document.elementFromPoint(x, y)?.closest('[data-slider]'))"


@dataclass(kw_only=True, slots=True)
class Stage:
    """A page in a browser, and a cursor on it. Made by `stage`."""

    device: Device
    _page: "Page"
    _cdp: "CDPSession"
    _cursor: Point

    def evaluate(self, script: str, value: Any = None) -> Any:
        """Returns what a JavaScript function returns for a value.

        Raises:
            DataError: it fails, or takes too long.
        """
        return _run(self._page.evaluate(script, value))

    def screenshot(self) -> npt.NDArray[np.uint8]:
        """Returns uint8[H, W, 3], sides multiples of 28."""
        shot = _run(
            self._cdp.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        )
        picture = PILImage.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
        height, width = (side * self.device.scale for side in self.device.size)
        if picture.size != (width, height):
            raise DataError(f"the browser's picture is {picture.size}, expected {(width, height)}")
        return np.asarray(picture, np.uint8)

    def tree(self) -> dict[str, tuple[str, str]]:
        """Returns role and name in the accessibility tree of every element with ``data-e``."""
        nodes, document = _run(self._trees())
        roles = {
            node["backendDOMNodeId"]: (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes["nodes"]
            if "backendDOMNodeId" in node and not node.get("ignored")
        }
        found: dict[str, tuple[str, str]] = {}
        todo = [document["root"]]
        while todo:
            node = todo.pop()
            todo += node.get("children", ())
            attributes = node.get("attributes", ())
            named = dict(zip(attributes[::2], attributes[1::2], strict=True))
            if "data-e" in named and node["backendNodeId"] in roles:
                found[named["data-e"]] = roles[node["backendNodeId"]]
        return found

    def perform(self, action: Action) -> None:
        """Does an action; its places are in pixels of the screenshot.

        Raises:
            DataError: the page fails or hangs.
        """
        _run(self._do(action))

    async def _trees(self) -> tuple[Any, Any]:
        nodes = await self._cdp.send("Accessibility.getFullAXTree")
        return nodes, await self._cdp.send("DOM.getDocument", {"depth": -1})

    async def _do(self, action: Action) -> None:
        match action:
            case Click():
                await self._click(action)
            case MoveTo(point=point):
                self._cursor = point
                await self._page.mouse.move(*self._css(point))
            case Drag(start=start, end=end):
                await self._drag(self._cursor if start is None else start, end)
            case LongPress(point=point, seconds=seconds):
                await self._page.evaluate(_AWAIT_CLICK)
                await self._touch("touchStart", point)
                await self._advance(1000 * seconds)
                await self._touch("touchEnd", None)
                await self._page.evaluate("() => window.tapped")
            case Scroll(point=point, pixels=pixels):
                at = self._cursor if point is None else point
                way = -pixels / self.device.scale
                await self._page.evaluate(_SCROLL, [*self._css(at), 0, way])
            case Press(keys=("clear",)):  # the key of mobile devices
                await self._chord(("ctrl", "a"))
                await self._page.keyboard.press("Delete")
            case Press(keys=keys):
                await self._chord(keys)
            case Type(text=text):
                await self._page.keyboard.insert_text(text)
            case PressSystem(button="Enter"):
                await self._page.keyboard.press("Enter")
            case PressSystem(button="Back"):
                await self._page.evaluate("() => goBack()")
            case PressSystem(button="Home"):
                await self._page.evaluate("() => run([['set', 'ui.launcher', true]])")
            case OpenApp(name=name):
                await self._page.evaluate("name => openApp(name)", name)
            case Wait(seconds=seconds):
                await self._advance(1000 * seconds)
            case PressSystem() | Terminate():
                pass
        await self._advance(_STEP_MS)

    async def _click(self, action: Click) -> None:
        place = self._cursor if action.point is None else action.point
        self._cursor = place
        x, y = self._css(place)
        if self.device.is_mobile:
            await self._page.evaluate(_AWAIT_CLICK)
            await self._page.touchscreen.tap(x, y)
            await self._page.evaluate("() => window.tapped")
        else:
            await self._page.mouse.click(x, y, button=action.button, click_count=action.count)

    async def _drag(self, start: Point, end: Point) -> None:
        (x1, y1), (x2, y2) = self._css(start), self._css(end)
        self._cursor = end
        if self.device.is_mobile and not await self._page.evaluate(_IS_SLIDER, [x1, y1]):
            await self._page.evaluate(_SCROLL, [x1, y1, x1 - x2, y1 - y2])
            return
        if self.device.is_mobile:
            await self._touch("touchStart", start)
            for step in range(1, _DRAG_STEPS + 1):
                share = step / _DRAG_STEPS
                between = Point(
                    start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share
                )
                await self._touch("touchMove", between)
            await self._touch("touchEnd", None)
            return
        await self._page.mouse.move(x1, y1)
        await self._page.mouse.down()
        await self._page.mouse.move(x2, y2, steps=_DRAG_STEPS)
        await self._page.mouse.up()

    async def _touch(self, kind: str, place: Point | None) -> None:
        # Source: Chrome DevTools Protocol, Input.dispatchTouchEvent.
        points = [] if place is None else [dict(zip("xy", self._css(place), strict=True))]
        await self._cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def _chord(self, keys: tuple[str, ...]) -> None:
        names = [_KEYS.get(key.lower(), key) for key in keys]
        for name in names:
            await self._page.keyboard.down(name)
        for name in reversed(names):
            await self._page.keyboard.up(name)

    async def _advance(self, ms: float) -> None:
        await self._page.evaluate("ms => advance(ms)", ms)

    def _css(self, place: Point) -> tuple[float, float]:
        return place.x / self.device.scale, place.y / self.device.scale


@contextlib.contextmanager
def stage(html: str, device: Device) -> Iterator[Stage]:
    """Opens a page in a window that no other stage has.

    Args:
        html: with ``runtime.js``, see `frames.page`.
        device: whose screen it fills.

    Raises:
        DataError: the browser or the page fails, or hangs.
        MissingDependencyError: there is no browser.
    """
    browser, window = _typed(
        lambda: chromium().visit(lambda browser: _opened(browser, html, device), seconds=SECONDS)
    )
    middle = Point(device.size.width * device.scale / 2, device.size.height * device.scale / 2)
    opened = Stage(device=device, _page=window.page, _cdp=window.cdp, _cursor=middle)
    try:
        yield opened
    except DataError:
        # Whatever it hangs in must not meet the next page.
        with contextlib.suppress(DataError):
            _run(window.page.context.close())
        raise
    else:
        _free[browser].setdefault(device.is_mobile, []).append(window)


@dataclass(kw_only=True)  # without slots: Playwright keeps an attribute on handlers
class _Window:
    """A window of the browser and the page it is to show; opening one costs more than a page."""

    page: "Page"
    cdp: "CDPSession"
    html: str = ""

    async def answer(self, route: "Route") -> None:
        if route.request.url == _ADDRESS:
            await route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
        else:
            await route.abort()


_free: WeakKeyDictionary["Browser", dict[bool, list[_Window]]] = WeakKeyDictionary()
"""Windows that no stage has, with and without touch; gone when their browser is."""


async def _opened(browser: "Browser", html: str, device: Device) -> tuple["Browser", _Window]:
    free = _free.setdefault(browser, {}).setdefault(device.is_mobile, [])
    window = free.pop() if free else await _new_window(browser, device)
    window.html = html
    height, width = device.size
    metrics = {
        "width": width, "height": height, "screenWidth": width, "screenHeight": height,
        "deviceScaleFactor": device.scale, "mobile": device.is_mobile,
    }  # fmt: skip
    await window.cdp.send("Emulation.setDeviceMetricsOverride", metrics)
    await window.page.mouse.move(0, 0)
    await window.page.goto(_ADDRESS, wait_until="load")
    return browser, window


async def _new_window(browser: "Browser", device: Device) -> _Window:
    context = await browser.new_context(
        no_viewport=True, has_touch=device.is_mobile, reduced_motion="reduce", locale="en-GB",
        timezone_id="UTC", service_workers="block", accept_downloads=False,
    )  # fmt: skip
    page = await context.new_page()
    window = _Window(page=page, cdp=await context.new_cdp_session(page))
    await context.route("**/*", window.answer)
    return window


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    return _typed(lambda: chromium().run(work, seconds=SECONDS))


def _typed(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except PageFault as fault:
        raise DataError(f"the page fails: {fault}", hint="look at it in a browser") from fault
