"""The window of a real browser: what lives on the browser's own event loop.

Owns: options, finding and starting Chromium, its context, one action after another. Does not own:
pages (``tabs``), input (``hand``), pictures (``camera``), the way out (``gate``).

    open(): gate -> Chromium -> context -> Tabs, Hand, Camera;   perform(action) -> settled page
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvl.agents.browser_options import DESKTOP, MOBILE, BrowserOptions
from qvl.agents.camera import Camera
from qvl.agents.downloads import Downloads, first_line
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.gate import Gate
from qvl.agents.hand import Hand
from qvl.agents.sites import Sites
from qvl.agents.tabs import Tabs
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import Point
from qvl.options import shown
from qvl.tasks.actions import Action, Click

if TYPE_CHECKING:
    from playwright.async_api import Browser as Chromium
    from playwright.async_api import BrowserContext, Playwright

PROGRAMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge", "msedge",
)  # fmt: skip
"""Looked for on PATH, in this order; then the one that Playwright downloads itself."""

_MOBILE_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{version} Mobile Safari/537.36"
)
START_SECONDS = 60.0


class Window:
    """What lives on the browser's loop: the gate, Chromium, its tabs and the hand."""

    def __init__(self, url: str, sites: Sites, options: BrowserOptions) -> None:
        self._url, self._sites, self._options = url, sites, options
        self.size = options.viewport or (MOBILE if options.mobile else DESKTOP)
        self._scale = options.device_scale_factor or (2.0 if options.mobile else 1.0)
        self._undo = contextlib.AsyncExitStack()
        self.camera = Camera(self.size, scale=self._scale, mobile=options.mobile)
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
            downloads=Downloads(self._options.downloads, arriving),
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
            timeout=START_SECONDS * 1000,
            args=[
                # No names are looked up and no datagrams are sent beside the proxy.
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
                "--disable-quic",
            ],
        )

    async def _context(self, chromium: "Chromium") -> "BrowserContext":
        mobile = self._options.mobile
        context = await chromium.new_context(
            viewport={"width": self.size.width, "height": self.size.height},
            device_scale_factor=self._scale,
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
        """Returns a PNG of the page in front.

        Raises:
            ActionError: it gives none.
        """
        from playwright.async_api import Error

        try:
            return await self.camera.take(self.tabs.page, loading=self.tabs.loading)
        except Error as error:
            raise ActionError(f"no screenshot: {first_line(error)}") from error

    async def go(self, address: str) -> None:
        """Opens an address in front.

        Raises:
            ScreenError: it is not allowed, or does not open.
        """
        if not self._sites.allows(address):
            raise ScreenError(f"{shown(address)} is not one of the allowed sites")
        await self.tabs.go(address)

    async def evaluate(self, script: str, argument: Any) -> Any:
        """Returns a script's value for the page in front.

        Raises:
            ActionError: it fails.
        """
        from playwright.async_api import Error

        try:
            return await self.tabs.page.evaluate(script, argument)
        except Error as error:
            raise ActionError(f"the script failed: {first_line(error)}") from error

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


def import_playwright() -> None:
    """Raises a MissingDependencyError where the package is not installed."""
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
