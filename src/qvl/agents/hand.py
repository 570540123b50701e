"""Mouse, keyboard and finger on the pages of a browser.

Owns: how each action is done. Does not own: which page (``tabs``), the names of keys (``keys``).

    Action in CSS pixels -> do(action, tabs) -> input events, and the browser's own shortcuts

A page sees only its own keys; the shortcuts of the window around it, such as going back, are done
here, for the model sees no window.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from qvl.agents.executor import ActionError
from qvl.agents.keys import browser_key, chord
from qvl.agents.tabs import Tabs
from qvl.geometry import Point
from qvl.options import shown
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
    from playwright.async_api import CDPSession, Page

LONGEST_WAIT_SECONDS = 30.0
LONGEST_PRESS_SECONDS = 10.0
LONGEST_TYPED = 500
"""Characters typed key by key; longer text is put in at once, as from a clipboard."""
LONGEST_TEXT = 100_000
DRAG_STEPS = 12
"""Places a drag passes; pages that follow the mouse need some."""
MOST_OPTIONS = 20
_LOOK_SECONDS = 1.0

_OPTIONS_OF_FOCUSED_LIST = """() => {
  const list = document.activeElement;
  if (!list || list.tagName !== "SELECT" || list.size > 1 || list.multiple) return null;
  return Array.from(list.options).slice(0, %d).map(option => option.label.slice(0, 60));
}""" % (MOST_OPTIONS + 1)  # noqa: UP031 (braces of the script)


class Hand:
    """Does actions on the page in front; remembers where the cursor is."""

    def __init__(self, tabs: Tabs, *, cursor: Point, touches: bool) -> None:
        """Takes a window in hand.

        Args:
            tabs: the window.
            cursor: where the cursor is at first, in CSS pixels.
            touches: tap with a finger instead of clicking.
        """
        self._tabs = tabs
        self._cursor = cursor
        self._touches = touches

    def seconds(self, action: Action) -> float:
        """How long an action may take of itself."""
        match action:
            case Wait():
                return min(action.seconds, LONGEST_WAIT_SECONDS)
            case LongPress():
                return min(action.seconds, LONGEST_PRESS_SECONDS)
            case _:
                return 0.0

    async def do(self, action: Action) -> None:
        """Does an action; places are in CSS pixels.

        Raises:
            ActionError: a browser has no such thing.
        """
        page = self._tabs.page
        match action:
            case Click():
                await self._click(page, action)
            case MoveTo():
                await self._move(page, action.point)
            case Drag():
                await self._drag(
                    page, self._cursor if action.start is None else action.start, action
                )
            case LongPress():
                await self._long_press(page, action)
            case Scroll():
                await self._move(page, self._cursor if action.point is None else action.point)
                await page.mouse.wheel(0, -action.pixels)
            case Press():
                await self._press(page, [browser_key(name) for name in chord(action.keys)])
            case Type():
                await _type(page, action.text)
            case PressSystem():
                await self._system(page, action)
            case Wait():
                await asyncio.sleep(self.seconds(action))
                if action.seconds > LONGEST_WAIT_SECONDS:
                    self._tabs.note(f"waited {LONGEST_WAIT_SECONDS:g} s, the most at once")
            case OpenApp():
                raise ActionError(
                    f"a browser has no apps, so {shown(action.name)} cannot be opened"
                )
            case Terminate():
                pass  # the end of a task is nothing to do

    async def _move(self, page: "Page", place: Point) -> None:
        self._cursor = place
        if not self._touches:
            await page.mouse.move(place.x, place.y)

    async def _click(self, page: "Page", action: Click) -> None:
        self._cursor = self._cursor if action.point is None else action.point
        x, y = self._cursor
        if self._touches and action.button == "left":
            for _ in range(action.count):
                await page.touchscreen.tap(x, y)
        else:
            await page.mouse.click(x, y, button=action.button, click_count=action.count)

    async def look(self) -> None:
        """Tells of a list that dropped down: the system draws it, so no screenshot has it."""
        from playwright.async_api import Error

        if self._tabs.loading:
            return
        with contextlib.suppress(Error, TimeoutError):  # the page goes away or hangs
            async with asyncio.timeout(_LOOK_SECONDS):
                options = await self._tabs.page.evaluate(_OPTIONS_OF_FOCUSED_LIST)
            if options:
                named = ", ".join(shown(option) for option in options[:MOST_OPTIONS])
                more = ", ..." if len(options) > MOST_OPTIONS else ""
                self._tabs.note(
                    f"a list has the focus, its choices are {named}{more}; type the beginning of "
                    "one and press Enter"
                )

    async def _drag(self, page: "Page", start: Point, action: Drag) -> None:
        end = self._cursor = action.end
        if self._touches:
            async with _finger(page, start) as cdp:
                for step in range(1, DRAG_STEPS + 1):
                    share = step / DRAG_STEPS
                    between = Point(
                        start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share
                    )
                    await _touch(cdp, "touchMove", between)
                    await asyncio.sleep(0.02)
            return
        await page.mouse.move(start.x, start.y)
        await page.mouse.down()
        try:
            await page.mouse.move(end.x, end.y, steps=DRAG_STEPS)
        finally:
            await page.mouse.up()

    async def _long_press(self, page: "Page", action: LongPress) -> None:
        self._cursor = action.point
        if self._touches:
            async with _finger(page, action.point):
                await asyncio.sleep(self.seconds(action))
            return
        await page.mouse.move(action.point.x, action.point.y)
        await page.mouse.down()
        try:
            await asyncio.sleep(self.seconds(action))
        finally:
            await page.mouse.up()

    async def _press(self, page: "Page", keys: list[str]) -> None:
        # With a modifier held, "C" means the key and not a capital letter.
        keys = [key.lower() if len(keys) > 1 and len(key) == 1 else key for key in keys]
        shortcut = self._shortcut(page, tuple(keys))
        if shortcut is not None:
            await shortcut()
            return
        held: list[str] = []
        try:
            for key in keys:
                await page.keyboard.down(key)
                held.append(key)
        finally:
            for key in reversed(held):
                await page.keyboard.up(key)

    def _shortcut(
        self, page: "Page", keys: tuple[str, ...]
    ) -> Callable[[], Awaitable[object]] | None:
        """What the window around a page would do on these keys."""

        async def front(step: int) -> None:
            self._tabs.front(step)
            await self._tabs.page.bring_to_front()

        match keys:
            case ("Alt", "ArrowLeft"):
                return lambda: _back(page)
            case ("Alt", "ArrowRight"):
                return lambda: page.go_forward(wait_until="commit")
            case ("F5",) | ("Control", "r"):
                return lambda: page.reload(wait_until="commit")
            case ("Control", "w"):
                return lambda: self._close(page)
            case ("Control", "Tab"):
                return lambda: front(1)
            case ("Control", "Shift", "Tab"):
                return lambda: front(-1)
            case _:
                return None

    async def _close(self, page: "Page") -> None:
        if len(page.context.pages) == 1:
            raise ActionError("this is the only tab, it stays open")
        await page.close()

    async def _system(self, page: "Page", action: PressSystem) -> None:
        match action.button:
            case "Back":
                before = page.url
                await _back(page)
                if page.url == before and len(page.context.pages) > 1:
                    await page.close()  # as on a mobile device: back from a new tab closes it
            case "Home":
                await page.goto(self._tabs.start, wait_until="commit")
            case "Enter":
                await page.keyboard.press("Enter")
            case "Menu":
                raise ActionError("a browser has no menu of apps")


async def _back(page: "Page") -> None:
    await page.go_back(wait_until="commit")
    if page.url == "about:blank":  # what a new tab shows before its first page
        await page.go_forward(wait_until="commit")
        raise ActionError("there is no page before this one")


async def _type(page: "Page", text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ActionError(f"the text has {len(text):,} characters, at most {LONGEST_TEXT:,} go")
    if len(text) > LONGEST_TYPED:
        await page.keyboard.insert_text(text)
    else:
        await page.keyboard.type(text)


@contextlib.asynccontextmanager
async def _finger(page: "Page", place: Point) -> AsyncIterator["CDPSession"]:
    """A finger put down at a place, and lifted at the end. Playwright itself only taps."""
    cdp = await page.context.new_cdp_session(page)
    try:
        await _touch(cdp, "touchStart", place)
        try:
            yield cdp
        finally:
            await _touch(cdp, "touchEnd", None)
    finally:
        await cdp.detach()


async def _touch(cdp: "CDPSession", kind: str, place: Point | None) -> None:
    # Source: Chrome DevTools Protocol, Input.dispatchTouchEvent.
    points = [] if place is None else [{"x": place.x, "y": place.y}]
    await cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
