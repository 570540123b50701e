"""The browser of this process: one Chromium with one page, started late and again when it died.

Owns: finding and starting Chromium, its event loop in a thread, deadlines, closing the way out.
Does not own: limits of what is drawn and errors in the user's words (``page``).

    chromium() -> Chromium of this process;   draw(Order) -> load, script, picture -> PNG, value
    visit(work), run(work) -> the caller's own work with the browser

Without a network three times over: every request but that of the page itself is refused, names
do not resolve, and the only way out is a proxy that does not exist.
"""

import asyncio
import atexit
import base64
import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qvl.errors import MissingDependencyError
from qvl.geometry import FACTOR, ImageSize

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page, Playwright, Route

Result = TypeVar("Result")

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Looked for on PATH, in this order; then the one that Playwright downloads itself."""

_ADDRESS = "http://page.invalid/"
"""Where the page lives. Source: RFC 2606 section 2, the domain ``invalid`` is never given away."""
_NOWHERE = "http://127.0.0.1:9"
_FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--hide-scrollbars",
    "--disable-gpu",
    # The same glyphs and colours on every machine and at every place of a line.
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-color-profile=srgb",
)
_PAGES_PER_BROWSER = 2000  # memory of a browser grows slowly
_START_SECONDS = 60.0
_GRACE_SECONDS = 5.0
_MEASURE = Path(__file__).with_name("measure.js").read_text(encoding="utf-8")

# The root's scroll height is at least that of the window, so it tells only what is beyond.
_HEIGHT = """() => {
    const root = document.documentElement;
    return root.scrollHeight > root.clientHeight
        ? root.scrollHeight
        : Math.max(1, Math.ceil(root.getBoundingClientRect().bottom));
}"""
_EVALUATE = """async most => {
    await document.fonts.ready;
    const text = JSON.stringify(await (%s)()) ?? "null";
    if (text.length > most) throw new Error(`value of ${text.length} characters`);
    return text;
}"""


class PageFault(Exception):
    """A page could not be drawn; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One page to draw; sizes in CSS pixels."""

    html: str
    size: ImageSize
    script: str
    scale: float
    whole: bool
    most_characters: int
    check_size: Callable[[ImageSize, float], None]


class Chromium:
    """A browser and the thread whose event loop drives it, so that it works where a loop runs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._undo = contextlib.AsyncExitStack()
        self._page: Page | None = None
        self._cdp: CDPSession
        self._html = ""
        self._num_drawn = 0
        threading.Thread(target=self._loop.run_forever, name="qvl-render", daemon=True).start()

    def draw(self, order: Order, *, seconds: float) -> tuple[bytes, Any]:
        """Returns a PNG and the script's value.

        Raises:
            PageFault: the page hangs or crashes, or its script fails.
            MissingDependencyError: there is no browser.
        """
        with self._lock:
            if self._num_drawn >= _PAGES_PER_BROWSER:
                self.close()
            try:
                return self._try(order, seconds)
            except PageFault:
                if self._is_alive():
                    raise
            # It died, perhaps long before this page: a second try is not the page's fault.
            self.close()
            return self._try(order, seconds)

    def visit(
        self, work: "Callable[[Browser], Coroutine[Any, Any, Result]]", *, seconds: float
    ) -> Result:
        """Runs work of the caller's own with the browser, such as pages that stay open.

        Raises:
            PageFault: it fails, or takes too long.
            MissingDependencyError: there is no browser.
        """
        with self._lock:
            if self._num_drawn >= _PAGES_PER_BROWSER or not self._is_alive():
                self.close()
                self._start()
            self._num_drawn += 1
            assert self._page is not None
            browser = self._page.context.browser
            assert browser is not None
            return self.run(work(browser), seconds=seconds)

    def run(self, work: Coroutine[Any, Any, Result], *, seconds: float) -> Result:
        """Goes on with what `visit` opened.

        Raises:
            PageFault: as `visit`; after a timeout the browser is closed, with all that is open.
        """
        try:
            return self._run(work, seconds)
        except TimeoutError:
            self.close()
            raise PageFault(f"not done after {seconds:g} s") from None
        except _playwright_errors() as error:
            raise PageFault(_first_line(error)) from error

    def _try(self, order: Order, seconds: float) -> tuple[bytes, Any]:
        if self._page is None:
            self._start()
        self._num_drawn += 1
        try:
            return self._run(self._draw(order), seconds)
        except TimeoutError:
            self.close()
            self._start()
            raise PageFault(f"not done after {seconds:g} s") from None
        except _playwright_errors() as error:
            if "crash" in str(error) and self._is_alive():
                self.close()
                self._start()
            raise PageFault(_first_line(error)) from error

    def _is_alive(self) -> bool:
        if self._page is None or self._page.is_closed():
            return False
        browser = self._page.context.browser
        return browser is not None and browser.is_connected()

    def close(self) -> None:
        """Ends the browser; the next page starts another."""
        undo, self._undo = self._undo, contextlib.AsyncExitStack()
        self._page, self._num_drawn = None, 0
        with contextlib.suppress(TimeoutError, *_playwright_errors()):
            self._run(undo.aclose(), _GRACE_SECONDS)

    def _start(self) -> None:
        try:
            self._run(self._open(), _START_SECONDS)
        except TimeoutError:
            self.close()
            raise PageFault(f"the browser did not start within {_START_SECONDS:g} s") from None
        except _playwright_errors() as error:
            self.close()
            raise PageFault(f"the browser does not start: {_first_line(error)}") from error

    async def _open(self) -> None:
        from playwright.async_api import async_playwright

        playwright = await self._undo.enter_async_context(async_playwright())
        browser = await _launched(playwright)
        self._undo.push_async_callback(browser.close)
        context = await browser.new_context(
            no_viewport=True, service_workers="block", reduced_motion="reduce", locale="en-GB",
            timezone_id="UTC", accept_downloads=False,
        )  # fmt: skip
        await context.route("**/*", self._answer)
        await context.add_init_script(_MEASURE)
        page = await context.new_page()
        self._cdp = await context.new_cdp_session(page)
        self._page = page

    async def _answer(self, route: "Route") -> None:
        if route.request.url == _ADDRESS:
            await route.fulfill(body=self._html, content_type="text/html; charset=utf-8")
        else:
            await route.abort()

    async def _draw(self, order: Order) -> tuple[bytes, Any]:
        assert self._page is not None
        self._html = order.html
        await self._resize(order.size, order.scale)
        await self._page.goto(_ADDRESS, wait_until="load", timeout=0)
        if order.whole:
            height = await self._page.evaluate(_HEIGHT)
            size = ImageSize(-(-height // FACTOR) * FACTOR, order.size.width)
            order.check_size(size, order.scale)
            await self._resize(size, order.scale)
        text = await self._page.evaluate(_EVALUATE % order.script, order.most_characters)
        shot = await self._cdp.send(
            "Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True}
        )
        return base64.b64decode(shot["data"]), json.loads(text)

    async def _resize(self, size: ImageSize, scale: float) -> None:
        await self._cdp.send(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": size.width,
                "height": size.height,
                "deviceScaleFactor": scale,
                "mobile": False,
            },
        )

    def _run(self, work: Any, seconds: float) -> Any:
        """Runs something on the browser's loop, at most so long."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(work, seconds), self._loop
        )
        try:
            return future.result(seconds + _GRACE_SECONDS)
        except TimeoutError:
            future.cancel()
            raise


_of_process: dict[int, Chromium] = {}


def chromium() -> Chromium:
    """Returns the browser of this process; a forked process gets its own.

    Raises:
        MissingDependencyError: Playwright is not installed.
    """
    here = os.getpid()
    if here not in _of_process:
        _playwright_errors()
        _of_process.clear()  # the browser of the process that forked this one is not ours to close
        _of_process[here] = Chromium()
        atexit.register(_close_own)
    return _of_process[here]


def _close_own() -> None:
    own = _of_process.pop(os.getpid(), None)
    if own is not None:
        own.close()


async def _launched(playwright: "Playwright") -> "Browser":
    # Chromium refuses to run as root inside its sandbox, so only root runs it without.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return await playwright.chromium.launch(
        executable_path=_program(playwright.chromium.executable_path),
        chromium_sandbox=not is_root,
        # Chromium reaches its own machine without a proxy unless it is told not to.
        proxy={"server": _NOWHERE, "bypass": "<-loopback>"},
        timeout=_START_SECONDS * 1000,
        args=list(_FLAGS),
    )


def _program(downloaded: str) -> str:
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            return found
    if Path(downloaded).is_file():
        return downloaded
    raise MissingDependencyError(
        f"drawing pages needs Chromium: none of {', '.join(PROGRAMS)} is on PATH",
        hint="apt-get install chromium, or: playwright install chromium",
    )


def _playwright_errors() -> tuple[type[BaseException], ...]:
    """What Playwright raises when a script fails, a page crashes or the browser is gone."""
    try:
        from playwright.async_api import Error
    except ImportError as error:
        raise MissingDependencyError(
            "drawing pages needs the package playwright", hint="pip install 'qvl[browser]'"
        ) from error
    return (Error,)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
