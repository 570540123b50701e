"""A random screen: which app, on which device, in which look, and in which state.

Owns: the choice. Does not own: the apps (``apps``), looking at it (``elements``).

    rng -> Screen(html, device, app, ...) -> opened() -> a live page in the state wanted
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.agent.app import App
from qvl.data.synth.agent.apps.booking import booking
from qvl.data.synth.agent.apps.calendar import calendar
from qvl.data.synth.agent.apps.chat import chat
from qvl.data.synth.agent.apps.dashboard import dashboard
from qvl.data.synth.agent.apps.editor import editor
from qvl.data.synth.agent.apps.files import files
from qvl.data.synth.agent.apps.login import login
from qvl.data.synth.agent.apps.mail import mail
from qvl.data.synth.agent.apps.map import map_
from qvl.data.synth.agent.apps.news import news
from qvl.data.synth.agent.apps.player import player
from qvl.data.synth.agent.apps.settings import settings
from qvl.data.synth.agent.apps.shop import shop
from qvl.data.synth.agent.apps.table import table
from qvl.data.synth.agent.apps.wizard import wizard
from qvl.data.synth.agent.frames import Frame, page, random_frame
from qvl.data.synth.agent.look import Device, Look, random_device, random_look
from qvl.data.synth.agent.stage import Stage, stage

Builder = Callable[[np.random.Generator, Device], App]

APPS: dict[str, Builder] = {
    "shop": shop, "mail": mail, "chat": chat, "settings": settings, "booking": booking,
    "login": login, "wizard": wizard, "table": table, "dashboard": dashboard, "files": files,
    "editor": editor, "calendar": calendar, "player": player, "map": map_, "news": news,
}  # fmt: skip
"""Kind -> function that builds one."""

_CLICK = "e => one(e).click()"
_SCROLL = """share => {
  const found = [...document.querySelectorAll(".app .scroll")].filter(
    (el) => el.checkVisibility() && el.scrollHeight > el.clientHeight + 40);
  for (const el of found) el.scrollTop = share * (el.scrollHeight - el.clientHeight);
}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Screen:
    """A page and how it is shown.

    Attributes:
        app: that it shows.
        device: on which.
        look: design.
        frame: around the app.
        html: the page.
        path: elements that were clicked before the picture is taken.
        scrolled: 0 to 1, how far down lists are; 0 for untouched.
        launcher: a phone shows its home screen.
    """

    app: App
    device: Device
    look: Look
    frame: Frame
    html: str
    path: tuple[str, ...] = ()
    scrolled: float = 0.0
    launcher: bool = False


def random_screen(
    rng: np.random.Generator,
    *,
    mobile: float = 0.5,
    sharp: float = 0.4,
    launcher: float = 0.0,
    kind: str = "",
) -> Screen:
    """Returns a screen.

    Args:
        rng: source of randomness.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.
        launcher: share of phones that show their home screen.
        kind: of the app; empty for any.
    """
    device = random_device(rng, mobile=mobile, sharp=sharp)
    look = random_look(rng, device)
    names = tuple(APPS)
    drawn = names[int(rng.integers(len(names)))]
    app = APPS[kind or drawn](rng, device)
    frame = random_frame(rng, device)
    is_home = device.is_mobile and bool(rng.random() < launcher)
    html = page(app, look, device, rng=rng, frame=frame, launcher=is_home)
    path: tuple[str, ...] = ()
    if app.looks and rng.random() < 0.45:
        path = app.looks[int(rng.integers(len(app.looks)))]
    scrolled = float(rng.random()) if rng.random() < 0.3 else 0.0
    return Screen(
        app=app,
        device=device,
        look=look,
        frame=frame,
        html=html,
        path=() if is_home else path,
        scrolled=0.0 if is_home else scrolled,
        launcher=is_home,
    )


@contextlib.contextmanager
def opened(screen: Screen) -> Iterator[Stage]:
    """Opens a screen in the state it asks for.

    Raises:
        DataError: the page fails.
        MissingDependencyError: there is no browser.
    """
    with stage(screen.html, screen.device) as live:
        for name in screen.path:
            live.evaluate(_CLICK, name)
        if screen.scrolled:
            live.evaluate(_SCROLL, screen.scrolled)
        live.evaluate("() => advance(4500)")  # messages at the lower edge are gone
        yield live
