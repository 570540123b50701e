"""A real browser as a screen: Chromium, driven by Playwright.

Owns: finding and starting the browser, time limits, screenshots, screenshot pixels -> CSS pixels.
Does not own: pages (``tabs``), input (``hand``), the way out (``gate``).

    Browser(url) -> __enter__: gate, Chromium, first page -> screenshot() / perform(action)

The browser lives on an event loop in a thread of its own: so every call has a hard time limit,
dialogs and downloads are served at any time, and it works where a loop already runs (notebooks).
"""

import asyncio
import base64
import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import PIL.Image

from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.gate import Gate
from qvl.agents.hand import Hand
from qvl.agents.sites import Sites, parse_sites, site_of
from qvl.agents.tabs import Tabs, first_line
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import ImageSize, Point, ResizeTransform
from qvl.options import shown
from qvl.tasks.actions import Action, Click, mapped
from qvl.tasks.agent_tools import ToolName

if TYPE_CHECKING:
    from playwright.async_api import Browser as Chromium
    from playwright.async_api import BrowserContext, Playwright

Result = TypeVar("Result")

DESKTOP = ImageSize(800, 1280)
MOBILE = ImageSize(915, 412)
"""CSS pixels of a common mobile device. Source: Playwright's list of devices, Pixel 7."""

PROGRAMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge", "msedge",
)  # fmt: skip
"""Looked for on PATH, in this order; then the one that Playwright downloads itself."""

_MOBILE_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{version} Mobile Safari/537.36"
)
_START_SECONDS = 60.0
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowserOptions:
    """How the browser looks and what its pages may do."""

    allow: tuple[str, ...] = ()
    """Sites beside the first one, as `parse_sites` reads them. Pages reach no others."""
    mobile: bool = False
    """A touchscreen of a mobile device instead of a desktop window."""
    viewport: ImageSize | None = None
    """Size of a page in CSS pixels; None for a usual one."""
    device_scale_factor: float | None = None
    """Pixels of the screenshot per CSS pixel; None for 1, and for 2 on a mobile device."""
    accept_dialogs: bool = False
    """Answer OK to what a page asks in a dialog; otherwise Cancel. Alerts are always closed."""
    downloads: Path | None = None
    """Folder for files that pages offer; None refuses them."""
    executable_path: str | None = None
    """The browser; None looks for one."""
    headless: bool = True
    """Without a visible window."""
    action_seconds: float = 10.0
    """How long one action, or one screenshot, may take."""
    load_seconds: float = 30.0
    """How long the first page may take to load."""
    settle_seconds: float = 5.0
    """How long a page may take to load after an action before it is looked at as it is."""

    def __post_init__(self) -> None:
        for name in ("action_seconds", "load_seconds", "settle_seconds", "device_scale_factor"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 3600:
                raise InputError(f"{name} is {value}, expected a number above 0")
        if self.downloads is not None and not Path(self.downloads).is_dir():
            raise InputError(f"folder {self.downloads} for downloads does not exist")


class Browser:
    """A window with pages; satisfies `qvl.agents.executor.Executor`.

    A page reaches the site it starts at and those that ``allow`` names: redirects, popups, workers
    and sockets included. Use it in a ``with`` block.
    """

    def __init__(self, url: str, options: BrowserOptions | None = None) -> None:
        """Checks the address; starts nothing yet.

        Args:
            url: where to begin.
            options: how it looks and what is allowed.

        Raises:
            InputError: the address is none, or a file that is not allowed.
            MissingDependencyError: Playwright is not installed.
        """
        self._options = BrowserOptions() if options is None else options
        allowed = parse_sites(self._options.allow)
        if not allowed.allows(url) or url.split(":", 1)[0].lower() not in ("file", "http", "https"):
            allowed = Sites(sites=(*allowed.sites, site_of(url)), folders=allowed.folders)
        self._url = url
        self._sites = allowed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._window: _Window | None = None
        self._screen: ImageSize | None = None
        _import_playwright()

    @property
    def tool(self) -> ToolName:
        """ "mobile_use" with a touchscreen, else "computer_use"."""
        return "mobile_use" if self._options.mobile else "computer_use"

    def __enter__(self) -> Self:
        """Starts the browser and opens the first page.

        Raises:
            ScreenError: the browser does not start, or the page does not open.
            MissingDependencyError: there is no browser.
        """
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="qvl-browser", daemon=True
        )
        self._thread.start()
        self._window = _Window(self._url, self._sites, self._options)
        try:
            self._run(self._window.open(), _START_SECONDS + self._options.load_seconds)
        except TimeoutError:
            self.__exit__(None, None, None)
            raise ScreenError(f"the browser did not open {shown(self._url)} in time") from None
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the browser and its connections."""
        if self._loop is None or self._thread is None:
            return
        if self._window is not None:
            with contextlib.suppress(TimeoutError):
                self._run(self._window.close(), _GRACE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_GRACE_SECONDS)
        self._loop = self._thread = self._window = None

    def screenshot(self) -> PIL.Image.Image:
        """Returns the visible part of the page in front, in device pixels.

        A page that crashed or hangs is opened again.

        Raises:
            ScreenError: the browser is gone.
        """
        window = self._opened()
        picture = self._picture(window)
        if picture is None:
            self._recover(window)
            picture = self._picture(window)
        if picture is None:
            raise ScreenError("the page gives no picture, even opened again")
        self._screen = ImageSize(picture.height, picture.width)
        return picture

    def perform(self, action: Action) -> None:
        """Does an action and waits until the page has settled.

        Raises:
            ActionError: a browser has no such thing, or the page crashed or hangs.
            ScreenError: the browser is gone.
        """
        window = self._opened()
        if self._screen is not None:
            action = mapped(action, ResizeTransform(window.size, self._screen))
        try:
            self._run(window.perform(action), window.seconds(action))
        except TimeoutError:
            self._recover(window)
            raise ActionError("the page did not react in time") from None
        if window.tabs.crashed:
            self._recover(window)
            raise ActionError("the page crashed")

    def where(self) -> str:
        """Returns the address of the page in front."""
        return self._opened().tabs.page.url

    def events(self) -> tuple[str, ...]:
        """Returns dialogs, tabs, downloads and refused addresses since the last call."""
        return self._opened().tabs.drain()

    def _opened(self) -> "_Window":
        if self._window is None:
            raise ScreenError("the browser is not open", hint="use it in a with block")
        return self._window

    def _picture(self, window: "_Window") -> PIL.Image.Image | None:
        if window.tabs.crashed:
            return None
        try:
            data = self._run(window.screenshot(), self._options.action_seconds)
        except (TimeoutError, ActionError):
            return None
        return PIL.Image.open(BytesIO(data)).convert("RGB")

    def _recover(self, window: "_Window") -> None:
        try:
            self._run(window.tabs.recover(), 2 * self._options.load_seconds + _GRACE_SECONDS)
        except TimeoutError:
            raise ScreenError("the browser does not react any more") from None

    def _run(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """Runs something on the browser's loop, at most so long."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self._loop)
        try:
            return future.result(seconds + _GRACE_SECONDS)
        except TimeoutError:
            future.cancel()
            raise
        except asyncio.CancelledError:
            raise ScreenError("the browser was closed") from None


class _Window:
    """What lives on the browser's loop: the gate, Chromium, its tabs and the hand."""

    def __init__(self, url: str, sites: Sites, options: BrowserOptions) -> None:
        self._url, self._sites, self._options = url, sites, options
        self.size = options.viewport or (MOBILE if options.mobile else DESKTOP)
        self._undo = contextlib.AsyncExitStack()
        self.tabs: Tabs
        self.hand: Hand

    async def open(self) -> None:
        from playwright.async_api import Error, async_playwright

        arriving = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="qvl-")))
        gate = Gate(self._sites)
        proxy = await gate.open()
        self._undo.push_async_callback(gate.close)
        try:
            playwright = await self._undo.enter_async_context(async_playwright())
            chromium = await self._launch(playwright, proxy, arriving)
            self._undo.push_async_callback(chromium.close)
            context = await self._context(chromium)
        except Error as error:
            raise ScreenError(f"the browser does not start: {first_line(error)}") from error
        self.tabs = Tabs(
            context,
            self._sites,
            start=self._url,
            accept_dialogs=self._options.accept_dialogs,
            downloads=self._options.downloads,
            arriving=arriving,
            load_seconds=self._options.load_seconds,
        )
        middle = Point(self.size.width / 2, self.size.height / 2)
        self.hand = Hand(self.tabs, cursor=middle, touches=self._options.mobile)
        await self.tabs.open()

    async def _launch(self, playwright: "Playwright", proxy: str, arriving: Path) -> "Chromium":
        program = _program(self._options.executable_path, playwright.chromium.executable_path)
        # Chromium refuses to run as root inside its sandbox, so only root runs it without.
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        return await playwright.chromium.launch(
            executable_path=program,
            headless=self._options.headless,
            chromium_sandbox=not is_root,
            downloads_path=arriving,
            # Chromium reaches its own machine without a proxy unless it is told not to.
            proxy={"server": proxy, "bypass": "<-loopback>"},
            timeout=_START_SECONDS * 1000,
            args=[
                # No names are looked up and no datagrams are sent beside the proxy.
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
                "--disable-quic",
            ],
        )

    async def _context(self, chromium: "Chromium") -> "BrowserContext":
        mobile = self._options.mobile
        scale = self._options.device_scale_factor or (2.0 if mobile else 1.0)
        context = await chromium.new_context(
            viewport={"width": self.size.width, "height": self.size.height},
            device_scale_factor=scale,
            is_mobile=mobile,
            has_touch=mobile,
            user_agent=_MOBILE_AGENT.format(version=chromium.version) if mobile else None,
            accept_downloads=True,  # so that they are told of; refused ones are cancelled
            service_workers="block",  # they would answer requests before they can be judged
        )
        context.set_default_timeout(self._options.action_seconds * 1000)
        return context

    async def close(self) -> None:
        await self._undo.aclose()

    async def screenshot(self) -> bytes:
        from playwright.async_api import Error

        page = self.tabs.page
        try:
            cdp = await page.context.new_cdp_session(page)
            # Playwright's own screenshot waits until a page that is on its way has come.
            answer = await cdp.send("Page.captureScreenshot", {"format": "png"})
            await cdp.detach()
        except Error as error:
            raise ActionError(f"no screenshot: {first_line(error)}") from error
        return base64.b64decode(answer["data"])

    def seconds(self, action: Action) -> float:
        own = self._options.action_seconds + self._options.settle_seconds
        return own + self.hand.seconds(action)

    async def perform(self, action: Action) -> None:
        from playwright.async_api import Error

        try:
            await self.hand.do(action)
        except Error as error:
            raise ActionError(f"the browser refused: {first_line(error)}") from error
        await self.tabs.settle(self._options.settle_seconds)
        if isinstance(action, Click):
            await self.hand.look()


def _import_playwright() -> None:
    try:
        import playwright.async_api  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "operating a browser needs the package playwright",
            hint="pip install 'qvl[browser]'",
        ) from error


def _program(named: str | None, downloaded: str) -> str:
    """Path of the browser."""
    if named is not None:
        found = shutil.which(named)
        if found is None:
            raise InputError(f"executable_path {shown(named)} is no program")
        return found
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            return found
    if Path(downloaded).is_file():
        return downloaded
    raise MissingDependencyError(
        f"operating a browser needs Chromium: none of {', '.join(PROGRAMS)} is on PATH",
        hint="apt-get install chromium, or: playwright install chromium",
    )
