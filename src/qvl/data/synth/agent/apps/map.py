"""A map with places on it, their details, and what it shows."""

import itertools

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device, hsl
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    bottom_bar,
    button,
    dialog,
    icon_button,
    option,
    search,
)


def map_(rng: np.random.Generator, device: Device) -> App:
    """Returns a map with places on it."""
    name = content.app_name(rng, "map")
    kinds = (
        ("Café", "cup"), ("Museum", "picture"), ("Station", "train"), ("Park", "leaf"),
        ("Hotel", "house"), ("Cinema", "video"), ("Market", "bag"),
    )  # fmt: skip
    first = content.titles(rng, 6)
    spots = [
        (f"{title.split()[1]} {kind}", picture)
        for title, (kind, picture) in zip(first, content.some(rng, kinds, 6), strict=True)
    ]
    places = {
        spot: (
            float(rng.uniform(*((0.12, 0.85) if device.is_mobile else (0.1, 0.9)))),
            0.2 + 0.1 * i + float(rng.uniform(-0.02, 0.02)),
        )
        for i, (spot, _) in enumerate(spots)
    }
    minutes = {spot: int(rng.integers(3, 48)) for spot, _ in spots}
    stars = {spot: float(rng.integers(30, 51)) / 10 for spot, _ in spots}
    pins = _pins(places, spots)
    kind_chips = [
        tag(
            "button", k, class_="chip", data_e=f"kind:{k}", data_kind="chip",
            data_use=f"search for {k.lower()} nearby", data_lit=f"kind={k}",
            data_do=[["set", "kind", k]],
        )
        for k in ("Restaurants", "Fuel", "Hotels")
    ]  # fmt: skip
    zoom = div(
        "card col tight",
        icon_button("in", "plus", "Zoom in", [["count", "zoom", 1]], use="make the map larger"),
        icon_button(
            "out", "minus", "Zoom out", [["count", "zoom", -1]], use="make the map smaller"
        ),
        style="position:absolute;right:12px;bottom:24px;padding:2px",
    )
    tools = _tools()
    find = search(
        "search", "Search here", key="draft.query", do=[["copy", "draft.query", "query"]],
        use="search for a place",
    )  # fmt: skip
    over = div(
        "col", div("row", find), div("row", kind_chips),
        style="position:absolute;left:12px;top:12px;right:12px;max-width:420px",
    )  # fmt: skip
    cards = _cards(minutes, spots, stars)
    body = _body(rng, cards, over, pins, tools, zoom, device)
    spot, (one, two) = (
        content.one(rng, spots)[0], content.some(rng, ("Traffic", "Satellite", "Cycle paths"), 2),
    )  # fmt: skip
    go = click(f"pin:{spot}", f"{spot} is on the map. I touch it to see the details.")
    return App(
        name=name, kind="map", icon="pin", body=body,
        state={
            "place": "", "route": "", "saved": [], "zoom": 0, "kind": "", "query": "",
            "Traffic": False, "Satellite": False, "Cycle paths": False, "draft.query": "",
        },
        about=f"A map with {len(spots)} places marked",
        facts=tuple(Fact(text=f"{s} is marked on the map.", seen=(f"n:{s}",)) for s, _ in spots),
        questions=_questions(places, spots), tasks=_tasks(go, one, spot, two),
        looks=((f"pin:{spot}",), ("layers",)),
    )  # fmt: skip


def _pins(places: dict[str, tuple[float, float]], spots: list[tuple[str, str]]) -> list[Html]:
    return [
        tag(
            "button",
            div(
                "tile pin", icon(picture, 16), style=f"background:{hsl(i * 0.17, 0.6, 0.4)}",
            ),
            tag(
                "span", spot, class_="small strong",
                style="color:#222;background:rgba(255,255,255,.82);border-radius:4px;padding:0 4px",
                data_e=f"n:{spot}",
            ),
            class_="col centre spot",
            style=f"left:{100 * places[spot][0]:.1f}%;top:{100 * places[spot][1]:.1f}%",
            data_e=f"pin:{spot}", data_kind="place on the map",
            data_use=f"show details of {spot}",
            data_do=[["set", "place", spot], ["open", f"card:{spot}"]], aria_label=spot,
        )
        for i, (spot, picture) in enumerate(spots)
    ]  # fmt: skip


def _tools() -> Html:
    return div(
        "col",
        icon_button(
            "layers", "layers", "Layers", [["open", "layers.dialog"]],
            use="choose what the map shows", style="round",
        ),
        icon_button(
            "here", "compass", "My location", [["say", "Looking for you ..."]],
            use="go to where I am", style="round",
        ),
        style="position:absolute;right:12px;top:120px",
    )  # fmt: skip


def _cards(
    minutes: dict[str, int], spots: list[tuple[str, str]], stars: dict[str, float]
) -> list[Html]:
    return [
        div(
            "layer",
            div(
                "card col",
                div(
                    "row", tag("h2", spot), tag("span", class_="grow"),
                    icon_button(
                        f"shut:{spot}", "cross", "Close", [["pop"]], use="close the details",
                    ),
                ),
                tag(
                    "span", f"★ {stars[spot]:.1f}, {minutes[spot]} min by car", class_="muted",
                    data_e=f"d:{spot}",
                ),
                div(
                    "row wrap",
                    button(
                        f"route:{spot}", "Route",
                        [
                            ["set", "route", spot], ["pop"],
                            ["say", f"{minutes[spot]} minutes to {spot}"],
                        ],
                        style="main-btn", with_icon="right", use=f"find the way to {spot}",
                    ),
                    button(
                        f"save:{spot}", "Save", [["add", "saved", spot], ["say", "Saved"]],
                        with_icon="star", use=f"save {spot}",
                    ),
                    button(
                        f"call:{spot}", "Call", [["say", "Calling ..."]], with_icon="phone",
                        use=f"call {spot}",
                    ),
                ),
                style="position:absolute;bottom:0;left:0;right:0;max-width:460px;box-shadow:0 "
                "-2px 16px rgba(0,0,0,.25)",
            ),
            data_layer=f"card:{spot}", data_e=f"layer:card:{spot}", data_title=spot, hidden=True,
        )
        for spot, _ in spots
    ]  # fmt: skip


def _body(
    rng: np.random.Generator,
    cards: list[Html],
    over: Html,
    pins: list[Html],
    tools: Html,
    zoom: Html,
    device: Device,
) -> Html:
    return join(
        div(
            "",
            div(
                "fill", _streets(rng), pins, over, zoom, tools,
                style="position:relative;overflow:hidden",
            ),
            bottom_bar(
                [
                    ("tab:explore", "compass", "Explore", [["show", "main"]], "ui.view=main"),
                    ("tab:saved", "star", "Saved", [["say", "Nothing saved"]], "ui.view=s"),
                    ("tab:me", "person", "You", [["say", "You"]], "ui.view=y"),
                ],
            ) if device.is_mobile else None,
            data_view="main",
        ),
        cards,
        dialog(
            "layers.dialog", "Map details",
            [
                option(f"layer:{t}", t, lit=t, do=[["toggle", t]])
                for t in ("Traffic", "Satellite", "Cycle paths")
            ],
            actions=[
                button("layers-ok", "Done", [["pop"]], style="main-btn", use="close the dialog"),
            ],
            sheet=device.is_mobile,
        ),
    )  # fmt: skip


def _questions(
    places: dict[str, tuple[float, float]], spots: list[tuple[str, str]]
) -> tuple[Question, ...]:
    return (
        *(
            Question(
                ask=f"Which is further up on the map, {a} or {b}?", answer=a,
                seen=(f"n:{a}", f"n:{b}"),
            )
            for (a, _), (b, _) in zip(spots, spots[2:], strict=False)
        ),
        *(
            Question(
                ask=f"Which is further to the left, {a} or {b}?",
                answer=a if places[a][0] < places[b][0] else b, seen=(f"n:{a}", f"n:{b}"),
            )
            for (a, _), (b, _) in itertools.pairwise(spots)
            if abs(places[a][0] - places[b][0]) > 0.1
        ),
    )  # fmt: skip


def _tasks(go: Intent, one: str, spot: str, two: str) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Find the way to {spot}.",
            plan=(go, click(f"route:{spot}", "Route shows the way.")),
            ends={"place": spot, "route": spot},
        ),
        Task(
            goal=f"Save {spot}.",
            plan=(go, click(f"save:{spot}", "The details have a button to save it.")),
            ends={"place": spot, "saved": [spot]},
        ),
        Task(
            goal=f"Show {one} and {two} on the map.",
            plan=(
                click("layers", "The stack of sheets chooses what the map shows."),
                click(f"layer:{one}", f"I check {one}."), click(f"layer:{two}", f"And {two}."),
                click("layers-ok", "Done closes the dialog."),
            ),
            ends={one: True, two: True},
        ),
        Task(
            goal="Zoom in two steps.",
            plan=(click("in", "The plus sign makes the map larger."), click("in", "Once more.")),
            ends={"zoom": 2},
        ),
    )  # fmt: skip


def _streets(rng: np.random.Generator) -> Html:
    """A town seen from above."""
    parts = [Html('<rect width="1000" height="700" fill="#eceae4"/>')]
    water = float(rng.uniform(100, 600))
    for _ in range(7):
        x, y, w, h = (
            rng.uniform(0, 900), rng.uniform(0, 620), rng.uniform(60, 190), rng.uniform(40, 140),
        )  # fmt: skip
        parts.append(
            Html(
                f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" rx="14" '
                'fill="#cfe6c4"/>'
            )
        )
    parts.append(
        Html(
            f'<path d="M-20 {water:.0f}Q300 {water - 160:.0f} 560 {water + 60:.0f}'
            f'T1020 {water - 40:.0f}" fill="none" stroke="#a9d3ee" stroke-width="46"/>'
        )
    )
    for vertical in (True, False):
        at = float(rng.uniform(20, 80))
        while at < 1000:
            bend, wide = float(rng.uniform(-60, 60)), float(rng.choice((7, 7, 12, 18)))
            line = (
                f"M{at:.0f} -10L{at + bend:.0f} 710" if vertical
                else f"M-10 {at:.0f}L1010 {at + bend:.0f}"
            )  # fmt: skip
            colour = "#f8d98a" if wide == 18 else "#ffffff"
            parts.append(
                Html(
                    f'<path d="{line}" stroke="#d3d0c8" stroke-width="{wide + 3:.0f}"/>'
                    f'<path d="{line}" stroke="{colour}" stroke-width="{wide:.0f}"/>'
                )
            )
            at += float(rng.uniform(60, 150))
    return tag(
        "svg", parts, viewBox="0 0 1000 700", preserveAspectRatio="xMidYMid slice",
        style="position:absolute;width:100%;height:100%", aria_hidden="true",
    )  # fmt: skip
