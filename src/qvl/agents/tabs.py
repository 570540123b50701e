"""The pages of a browser window: which one is looked at, and what they may do by themselves.

Owns: tabs, popups, dialogs, crashes, which requests a page may make, settling. Does not
own: mouse and keyboard (``hand``), connections (``gate``), files (``downloads``).

    context events -> Tabs -> page (the one in front), drain() (what happened)

Everything here runs on the browser's own event loop.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from qvl.agents.downloads import Downloads, first_line
from qvl.agents.executor import ScreenError
from qvl.agents.sites import Sites
from qvl.options import shown

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Dialog, Download, Page, Request, Route

_WITHOUT_CARET = """
const sheet = new CSSStyleSheet();
sheet.replaceSync("* { caret-color: transparent !important }");
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
"""
# A blinking caret would make two pictures of the same page differ.

MOST_TABS = 8
MOST_EVENTS = 20
"""A page that opens dialogs without end must not fill the memory."""
FIRST_LOOK_SECONDS = 0.3
"""How long an action may take to begin to show."""
_POLL_SECONDS = 0.05
_CLOSING_SECONDS = 5.0


class Tabs:
    """All pages of one browser context."""

    def __init__(
        self,
        context: "BrowserContext",
        sites: Sites,
        *,
        start: str,
        accept_dialogs: bool,
        downloads: Downloads,
        load_seconds: float,
    ) -> None:
        """Wraps a context without pages.

        Args:
            context: the browser context.
            sites: where its pages may go.
            start: address to begin with, and to return to when nothing else is left.
            accept_dialogs: answer yes to questions of pages; otherwise no.
            downloads: takes the files that pages offer.
            load_seconds: how long a page may take to load.
        """
        self.start = start
        self._context = context
        self._sites = sites
        self._accept_dialogs = accept_dialogs
        self._downloads = downloads
        self._load_seconds = load_seconds
        self._pages: list[Page] = []  # the last one is in front
        self._ended: set[Page] = set()
        self._last_address = start
        self._navigating: set[Request] = set()
        self._events: list[str] = []
        self._more_events = 0
        self._blocked_hosts: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Opens the first page.

        Raises:
            ScreenError: it cannot be opened.
        """
        self._context.on("page", self._on_page)
        self._context.on("dialog", lambda dialog: self._begin(self._on_dialog(dialog)))
        self._context.on("request", self._on_request)
        for event in ("response", "requestfinished", "requestfailed"):
            self._context.on(event, self._on_request_end)
        await self._context.add_init_script(_WITHOUT_CARET)
        await self._context.route("**/*", self._on_route)
        page = await self._context.new_page()
        await self._load(page, self.start)

    async def go(self, address: str) -> None:
        """Opens an address in the page in front; it becomes the one to return to.

        Raises:
            ScreenError: it cannot be opened.
        """
        self.start = address
        await self._load(self.page, address)

    @property
    def page(self) -> "Page":
        """The page in front."""
        if not self._pages:
            raise ScreenError("all pages of the browser are closed")
        return self._pages[-1]

    @property
    def crashed(self) -> bool:
        """Whether there is no living page in front."""
        return not self._pages or self.page in self._ended

    @property
    def loading(self) -> bool:
        """Whether a page is on its way; until it is there, no script runs in the old one."""
        return bool(self._navigating)

    def note(self, event: str) -> None:
        """Remembers something that happened."""
        if len(self._events) < MOST_EVENTS:
            self._events.append(event)
        else:
            self._more_events += 1

    def drain(self) -> tuple[str, ...]:
        """Returns what happened since the last call."""
        events, more = self._events, self._more_events
        self._events, self._more_events = [], 0
        return (*events, *([f"and {more} more"] if more else []))

    def front(self, step: int) -> None:
        """Brings another tab to the front: 1 the next, -1 the one before."""
        self._pages = self._pages[step:] + self._pages[:step]

    async def settle(self, seconds: float) -> None:
        """Waits until the page in front has loaded, at most so long."""
        from playwright.async_api import Error

        await asyncio.sleep(FIRST_LOOK_SECONDS)
        end = asyncio.get_running_loop().time() + seconds
        with contextlib.suppress(Error, TimeoutError):  # a slow page is looked at as it is
            async with asyncio.timeout_at(end):
                while self._navigating:
                    await asyncio.sleep(_POLL_SECONDS)
                await self.page.wait_for_load_state("load", timeout=seconds * 1000)
        if self._navigating:
            self.note("the page is still loading")
        if self._pages and self.page.url not in ("", "about:blank"):
            self._last_address = self.page.url

    async def recover(self) -> None:
        """Replaces a page that crashed or hangs by a new one at the same address, or at the start.

        Raises:
            ScreenError: no page can be opened any more.
        """
        from playwright.async_api import Error

        lost = self._pages.pop() if self._pages else None
        self._navigating.clear()  # a page that is gone tells no more of its requests
        self.note("the page crashed or did not react and was opened again")
        try:
            for address in dict.fromkeys((self._last_address, self.start)):
                page = await self._context.new_page()
                try:
                    await self._load(page, address)
                    break
                except ScreenError:
                    self._pages.remove(page)
                    await _close(page)
            else:
                raise ScreenError(f"the page crashed, and {shown(self.start)} does not open again")
        except Error as error:
            raise ScreenError(f"the browser is gone: {first_line(error)}") from error
        if lost is not None:
            await _close(lost)

    async def _load(self, page: "Page", address: str) -> None:
        from playwright.async_api import Error

        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._load_seconds
        while True:
            try:
                left = max(_POLL_SECONDS, deadline - loop.time())  # 0 would be no limit
                await page.goto(address, timeout=left * 1000, wait_until="load")
                break
            except Error as error:
                # The page itself was on its way somewhere: it may get there first.
                came_between = "interrupted by another navigation" in str(error)
                if not came_between or loop.time() >= deadline:
                    raise ScreenError(
                        f"{shown(address)} does not open: {first_line(error)}"
                    ) from error
                await asyncio.sleep(_POLL_SECONDS)
        self._last_address = address

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something beside the actions; keeps it alive until it is done."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _on_page(self, page: "Page") -> None:
        if len(self._pages) >= MOST_TABS:
            self.note(f"a new tab was refused: {MOST_TABS} are open")
            self._begin(_close(page))
            return
        if self._pages:
            self.note("a new tab was opened")
        self._pages.append(page)
        page.on("close", self._on_close)
        page.on("crash", self._on_crash)
        page.on("download", lambda offered: self._begin(self._on_download(offered)))

    def _on_crash(self, page: "Page") -> None:
        self._ended.add(page)

    def _on_close(self, page: "Page") -> None:
        self._ended.discard(page)
        self._navigating.clear()  # it may have been the one that was loading
        if page in self._pages:
            self._pages.remove(page)
            self.note("a tab was closed")

    async def _on_dialog(self, dialog: "Dialog") -> None:
        from playwright.async_api import Error

        accepted = self._accept_dialogs or dialog.type == "alert"  # an alert asks nothing
        self.note(
            f"the page showed a dialog ({dialog.type}) {shown(dialog.message)}; "
            f"the answer was {'OK' if accepted else 'Cancel'}"
        )
        with contextlib.suppress(Error):  # the page closed it
            await (dialog.accept(dialog.default_value) if accepted else dialog.dismiss())

    async def _on_download(self, offered: "Download") -> None:
        self.note(await self._downloads.take(offered))

    def _on_request(self, request: "Request") -> None:
        if not request.is_navigation_request() or _is_inner(request):
            return
        if self._sites.allows(request.url):
            self._navigating.add(request)
        elif request.redirected_from is not None:  # the gate lets nothing through
            self._refuse(request)

    def _on_request_end(self, event: Any) -> None:
        self._navigating.discard(getattr(event, "request", event))

    async def _on_route(self, route: "Route") -> None:
        from playwright.async_api import Error

        request = route.request
        with contextlib.suppress(Error):  # the page that asked is gone
            if self._sites.allows(request.url):
                await route.continue_()
            elif request.is_navigation_request() and not _is_inner(request):
                self._refuse(request)
                # To "no content" a browser answers by staying on the page it shows.
                await route.fulfill(status=204)
                self._begin(self._drop_empty_popup())
            else:
                self._block(request)
                await route.abort("blockedbyclient")

    def _refuse(self, request: "Request") -> None:
        self.note(f"going to {shown(request.url)} was refused: not one of the allowed sites")

    def _block(self, request: "Request") -> None:
        """Remembers, once a site, that a page wanted something from there."""
        site = "/".join(request.url.split("/")[:3])
        if site not in self._blocked_hosts:
            self._blocked_hosts.add(site)
            self.note(f"the page gets nothing from {shown(site)}: not one of the allowed sites")

    async def _drop_empty_popup(self) -> None:
        """Closes a tab that was opened for an address it was not allowed to go to."""
        await asyncio.sleep(_POLL_SECONDS)
        if len(self._pages) > 1 and self.page.url in ("", "about:blank"):
            await _close(self.page)


def _is_inner(request: "Request") -> bool:
    """Whether a frame inside a page asks, not the page itself."""
    from playwright.async_api import Error

    try:
        return request.frame.parent_frame is not None
    except Error:  # the page that asks is so new that it has no frame yet
        return False


async def _close(page: "Page") -> None:
    from playwright.async_api import Error

    with contextlib.suppress(Error, TimeoutError):
        await asyncio.wait_for(page.close(), _CLOSING_SECONDS)
