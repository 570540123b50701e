"""A real browser as a screen: Chromium, driven by Playwright.

Owns: time limits, what happens when a page hangs or crashes. Does not own: the window and what it
holds (``window``).

    Browser(url) -> __enter__: a window with the first page -> screenshot() / perform(action)

The browser lives on an event loop in a thread of its own: so every call has a hard time limit,
dialogs and downloads are served at any time, and it works where a loop already runs (notebooks).
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from io import BytesIO
from types import TracebackType
from typing import Any, Self, TypeVar

import PIL.Image

from qvl.agents.browser_options import BrowserOptions
from qvl.agents.camera import in_view
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.sites import Sites, parse_sites, site_of
from qvl.agents.window import START_SECONDS, Window, import_playwright
from qvl.geometry import ImageSize
from qvl.options import shown
from qvl.tasks.actions import Action
from qvl.tasks.agent_tools import ToolName

Result = TypeVar("Result")

_GRACE_SECONDS = 5.0


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
        self._window: Window | None = None
        self._screen: ImageSize | None = None
        import_playwright()

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
        self._window = Window(self._url, self._sites, self._options)
        try:
            self._run(self._window.open(), START_SECONDS + self._options.load_seconds)
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
        if self._screen is None:
            self.screenshot()
        assert self._screen is not None
        action = in_view(action, self._screen, window.camera.view)
        try:
            self._run(window.perform(action), window.seconds(action))
        except TimeoutError:
            self._recover(window)
            raise ActionError("the page did not react in time") from None
        if window.tabs.crashed:
            self._recover(window)
            raise ActionError("the page crashed")

    def go(self, address: str) -> None:
        """Opens another page in front, from where a page that crashes begins again.

        Raises:
            ScreenError: the address is not allowed, or does not open in time.
        """
        window = self._opened()
        try:
            self._run(window.go(address), self._options.load_seconds + _GRACE_SECONDS)
        except TimeoutError:
            raise ScreenError(f"the browser did not open {shown(address)} in time") from None

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Returns what a script says of the page in front: for who sets up a task and keeps its
        score, never for a model.

        Args:
            script: a JavaScript function.
            argument: of the function; plain JSON values.

        Raises:
            ActionError: the script fails, or the page does not answer in time.
            ScreenError: there is no page.
        """
        window = self._opened()
        try:
            return self._run(window.evaluate(script, argument), self._options.action_seconds)
        except TimeoutError:
            raise ActionError("the page did not answer in time") from None

    def where(self) -> str:
        """Returns the address of the page in front."""
        return self._opened().tabs.page.url

    def events(self) -> tuple[str, ...]:
        """Returns dialogs, tabs, downloads and refused addresses since the last call."""
        return self._opened().tabs.drain()

    def _opened(self) -> Window:
        if self._window is None:
            raise ScreenError("the browser is not open", hint="use it in a with block")
        return self._window

    def _picture(self, window: Window) -> PIL.Image.Image | None:
        if window.tabs.crashed:
            return None
        try:
            data = self._run(window.screenshot(), self._options.action_seconds)
        except (TimeoutError, ActionError):
            return None
        return PIL.Image.open(BytesIO(data)).convert("RGB")

    def _recover(self, window: Window) -> None:
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
