"""What is around an app: a browser, a desktop, the bars of a phone; and the whole page as HTML.

Owns: the frames, the document. Does not own: the app inside (``apps``).

    App, Look, Device, rng -> page() -> HTML of the whole screen
"""

import datetime
import json
from pathlib import Path
from typing import Literal

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device, Look, hsl, properties
from qvl.data.synth.agent.markup import Html, div, tag
from qvl.data.synth.agent.widgets import icon_button

Frame = Literal["none", "browser", "desktop", "phone"]

_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
_RUNTIME = Path(__file__).with_name("runtime.js").read_text(encoding="utf-8")

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_OTHER_APPS = (
    ("Camera", "camera"),
    ("Phone", "phone"),
    ("Clock", "clock"),
    ("Gallery", "picture"),
    ("Notes", "pen"),
    ("Weather", "sun"),
    ("Browser", "globe"),
    ("Wallet", "card"),
    ("Podcasts", "microphone"),
    ("Reader", "book"),
    ("Steps", "pulse"),
    ("Compass", "compass"),
)


def random_frame(rng: np.random.Generator, device: Device) -> Frame:
    """Returns what is around an app on a device."""
    if device.is_mobile:
        return "phone"
    frames: tuple[Frame, ...] = ("none", "browser", "desktop")
    return frames[int(rng.choice(3, p=(0.4, 0.35, 0.25)))]


def page(
    app: App,
    look: Look,
    device: Device,
    *,
    rng: np.random.Generator,
    frame: Frame,
    launcher: bool = False,
) -> str:
    """Returns the whole screen as a page.

    Args:
        app: on the screen.
        look: of all.
        device: whose size the page has.
        rng: source of the time, the other apps and the place of a window.
        frame: around the app.
        launcher: a phone shows its home screen first.
    """
    now = content.today(rng), datetime.time(int(rng.integers(7, 22)), int(rng.integers(0, 60)))
    inside = div("app", app.body, tag("div", class_="toast", hidden=True, data_e="toast"))
    around = {"none": _plain, "browser": _browser, "desktop": _desktop, "phone": _phone}[frame]
    body = around(app, look, device, inside, now, rng)
    state = {"ui.launcher": launcher, "ui.view": "main", **app.state}
    data = json.dumps(state, ensure_ascii=False).replace("<", "\\u003c")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{app.name}</title><style>{properties(look)}{_STYLE}</style></head>"
        + tag(
            "body",
            Html(body),
            Html(f'<script type="application/json" id="state">{data}</script>'),
            Html(f"<script>{_RUNTIME}</script>"),
            class_=" ".join(look.classes),
            data_hot=dict(app.hot),
            data_app=app.name,
        )
        + "</html>"
    )


def _plain(
    app: App, look: Look, device: Device, inside: Html, now: object, rng: np.random.Generator
) -> Html:
    return div("screen", inside)


def _browser(
    app: App, look: Look, device: Device, inside: Html, now: object, rng: np.random.Generator
) -> Html:
    host = app.name.lower().replace(" & ", "-").replace(" ", "-") + ".example"
    others = [
        div("page-tab off", icon(name, 14), tag("span", title, class_="cut grow"))
        for title, name in content.some(rng, _OTHER_APPS, int(rng.integers(0, 3)))
    ]
    tools = [
        icon_button("chrome:back", "left", "Back", [], use="go back to the previous page", size=17),
        icon_button(
            "chrome:forward", "right", "Forward", [], use="go forward to the next page", size=17
        ),
        icon_button("chrome:reload", "reload", "Reload", [], use="load the page again", size=17),
        div(
            "address",
            icon("lock", 13),
            tag("span", f"https://{host}/{app.kind}"),
            data_e="chrome:address",
            data_kind="address bar",
            data_use="enter a web address",
        ),
        icon_button(
            "chrome:star", "star", "Bookmark this page", [], use="bookmark the page", size=17
        ),
        icon_button(
            "chrome:dots", "dots", "Browser menu", [], use="open the menu of the browser", size=17
        ),
    ]
    strip = div(
        "tab-strip",
        div(
            "page-tab",
            icon(app.icon, 14),
            tag("span", app.name, class_="cut grow"),
            icon("cross", 12),
        ),
        others,
        icon_button("chrome:new", "plus", "New tab", [], use="open a new tab", size=16),
    )
    return div("screen", div("chrome", strip, div("tools", tools)), inside)


def _desktop(
    app: App,
    look: Look,
    device: Device,
    inside: Html,
    now: tuple[datetime.date, datetime.time],
    rng: np.random.Generator,
) -> Html:
    height, width = device.size
    whole = rng.random() < 0.35
    if whole:
        left = top = 0
        wide, high = width, height - 44
    else:
        wide, high = (
            round(width * rng.uniform(0.74, 0.86)),
            round((height - 44) * rng.uniform(0.86, 0.95)),
        )
        left = int(rng.integers(104, max(105, width - wide)))
        top = int(rng.integers(8, max(9, height - 44 - high)))
    controls: list[Html] = [
        icon_button("window:minimise", "minus", "Minimise", [], use="minimise the window", size=15),
        icon_button(
            "window:maximise",
            "grid",
            "Maximise",
            [],
            use="make the window as large as the screen",
            size=13,
        ),
        icon_button("window:close", "cross", "Close", [], use="close the window", size=15),
    ]
    if rng.random() < 0.3:  # coloured lights on the left instead
        lights = [
            tag("i", class_="light", style=f"background:{hue}")
            for hue in ("#ef5f57", "#f5bd2e", "#2ec840")
        ]
        controls, before = [], lights
    else:
        before = [icon(app.icon, 15)]
    bar = div(
        "top", before, tag("span", app.name, class_="grow cut", data_e="window:title"), controls
    )
    radius = "" if not whole else ";border-radius:0"
    place = f"left:{left}px;top:{top}px;width:{wide}px;height:{high}px{radius}"
    spots = [
        tag(
            "button",
            icon(name, 34),
            tag("span", title),
            data_e=f"spot:{title}",
            data_kind="desktop icon",
            data_use=f"open {title}",
            data_twice=[],
            aria_label=title,
        )
        for title, name in (
            ("Home", "house"),
            ("Documents", "folder"),
            ("Trash", "trash"),
            ("Pictures", "picture"),
        )
    ]
    shown = content.some(rng, _OTHER_APPS, 5)
    tasks = [
        icon_button("task:menu", "grid", "Start", [], use="open the start menu"),
        icon_button("task:search", "search", "Search", [], use="search the computer"),
        icon_button("task:own", app.icon, app.name, [], style="on"),
        [
            icon_button(f"task:{title}", name, title, [], use=f"start {title}")
            for title, name in shown
        ],
        tag("span", class_="grow"),
        icon("wifi", 17),
        icon("speaker", 17),
        icon("battery", 18),
        tag("span", f"{now[1]:%H:%M}", data_e="clock", style="margin-left:8px"),
        tag("span", f"{now[0]:%d/%m/%Y}", data_e="date", style="margin-left:8px"),
    ]
    return div(
        "desk", div("spots", spots), div("window", bar, inside, style=place), div("task", tasks)
    )


def _phone(
    app: App,
    look: Look,
    device: Device,
    inside: Html,
    now: tuple[datetime.date, datetime.time],
    rng: np.random.Generator,
) -> Html:
    status = div(
        "status",
        tag("span", f"{now[1]:%H:%M}", data_e="clock"),
        tag("span", class_="grow"),
        icon("wifi", 15),
        icon("battery", 18),
        tag("span", f"{int(rng.integers(9, 100))}%", data_e="battery"),
    )
    if rng.random() < 0.7:
        foot = div("gesture", tag("i"))
    else:
        names = [("back", "Back"), ("house", "Home"), ("grid", "Recent apps")]
        foot = div(
            "threes",
            [
                icon_button(f"system:{label}", name, label, [], use=f"press the {label} button")
                for name, label in names
            ],
        )
    others = content.some(rng, _OTHER_APPS, 11)
    place = int(rng.integers(0, 12))
    entries = [*others[:place], (app.name, app.icon), *others[place:]]
    apps = [_spot(title, name, app, look, number) for number, (title, name) in enumerate(entries)]
    home = div(
        "fill launcher",
        div(
            "col tight",
            tag("span", f"{now[1]:%H:%M}", style="font-size:3.4em;font-weight:300;line-height:1"),
            tag(
                "span",
                f"{content.DAYS[now[0].weekday()]}, {now[0].day} "
                f"{content.MONTHS[now[0].month - 1]}",
            ),
        ),
        div("apps", apps),
        data_when="ui.launcher",
    )
    keys = [div("", [tag("span", key) for key in row]) for row in _KEYS]
    keys.append(
        div(
            "",
            [
                tag("span", "123", class_="wide-key"),
                tag("span", ","),
                tag("span", "", class_="space"),
                tag("span", "."),
                tag("span", "Enter", class_="wide-key"),
            ],
        )
    )
    own = Html(inside.replace('class="app"', 'class="app" data-when="ui.launcher=false"', 1))
    return div("screen", status, home, own, div("keyboard", keys), foot)


def _spot(title: str, name: str, app: App, look: Look, number: int) -> Html:
    own = title == app.name
    hue = look.hue if own else look.hue + 0.13 + number * 0.29
    round_px = 8 + look.radius_px // 2
    ground = f"background:{hsl(hue, 0.5, 0.45)};width:54px;height:54px;border-radius:{round_px}px"
    do = [["set", "ui.launcher", False]] if own else [["say", f"{title} is being updated."]]
    return tag(
        "button",
        div("tile", icon(name, 28), style=ground),
        tag("span", title),
        data_e=f"app:{title}",
        data_kind="app icon",
        data_use=f"open {title}",
        data_do=do,
        aria_label=title,
    )
