"""The parts of pages: buttons, fields, switches, menus, dialogs.

Owns: their markup. Does not own: what commands do (``runtime.js``), their looks (``style.css``).

Every part that can be asked for carries what is known of it: ``data-e`` its name, unique on the
page; ``data-kind`` what people call such a thing; ``data-use`` what it does, as an imperative;
``data-of`` what it belongs to; ``data-icon`` what its picture shows. The name that the
accessibility tree gives it is read from the browser.
"""

import zlib
from collections.abc import Sequence
from typing import Any

from qvl.data.synth.agent.icons import SHOWS, icon
from qvl.data.synth.agent.look import hsl
from qvl.data.synth.agent.markup import Html, div, join, tag

Commands = Sequence[Sequence[Any]]


def button(
    e: str,
    text: str,
    do: Commands,
    *,
    use: str = "",
    of: str = "",
    style: str = "",
    with_icon: str = "",
    key: str = "",
    is_disabled: bool = False,
    **more: Any,
) -> Html:
    """Returns a button with words on it; style is "main-btn", "bad", "plain", "wide" or both."""
    return tag(
        "button",
        icon(with_icon, 18) if with_icon else None,
        tag("span", text),
        tag("span", key, class_="key") if key else None,
        class_=f"btn {style}".strip(),
        data_e=e,
        data_kind="button",
        data_use=use or None,
        data_of=of or None,
        data_do=list(do),
        disabled=is_disabled,
        **more,
    )


def icon_button(
    e: str,
    name: str,
    label: str,
    do: Commands,
    *,
    use: str = "",
    of: str = "",
    style: str = "",
    lit: str = "",
    size: int = 20,
    fills: bool = False,
    **more: Any,
) -> Html:
    """Returns a button with an icon only; ``label`` is its name for those who cannot see it."""
    return tag(
        "button",
        icon(name, size, class_="icon fills" if fills else "icon"),
        class_=f"ico {style}".strip(),
        data_e=e,
        data_kind="button",
        data_use=use or None,
        data_of=of or None,
        data_icon=SHOWS[name],
        data_do=list(do),
        data_lit=lit or None,
        aria_label=label,
        title=label,
        **more,
    )


def link(e: str, text: str, do: Commands, *, use: str = "", of: str = "", class_: str = "") -> Html:
    """Returns a link."""
    return tag(
        "a",
        text,
        href="#",
        class_=class_ or None,
        data_e=e,
        data_kind="link",
        data_use=use or None,
        data_of=of or None,
        data_do=list(do),
    )


def navigation(
    e: str, text: str, do: Commands, *, name: str, lit: str, use: str, badge: str = ""
) -> Html:
    """Returns an entry of a side bar."""
    return tag(
        "button",
        icon(name, 18),
        tag("span", text, class_="cut"),
        tag("span", badge, class_="badge right") if badge else None,
        class_="nav",
        data_e=e,
        data_kind="navigation entry",
        data_use=use,
        data_do=list(do),
        data_lit=lit,
        aria_label=text,
    )


def bottom_bar(entries: Sequence[tuple[str, str, str, Commands, str]]) -> Html:
    """Returns the bar at the bottom of an app; entries are (e, icon, text, commands, lit)."""
    return div(
        "bottom",
        [
            tag(
                "button",
                icon(name, 22),
                tag("span", text),
                data_e=e,
                data_kind="tab",
                role="tab",
                data_use=f"go to {text}",
                data_do=list(do),
                data_lit=lit,
            )
            for e, name, text, do, lit in entries
        ],
        role="tablist",
    )


def tabs(entries: Sequence[tuple[str, str, Commands, str]]) -> Html:
    """Returns a row of tabs; entries are (e, text, commands, lit)."""
    return div(
        "tabs",
        [
            tag(
                "button",
                text,
                class_="tab",
                role="tab",
                data_e=e,
                data_kind="tab",
                data_use=f"show {text}",
                data_do=list(do),
                data_lit=lit,
            )
            for e, text, do, lit in entries
        ],
        role="tablist",
    )


def field(
    e: str,
    label: str,
    *,
    key: str,
    placeholder: str = "",
    kind: str = "text",
    rows: int = 0,
    on_enter: Commands = (),
    shows_label: bool = True,
    use: str = "",
) -> Html:
    """Returns a field for text with its label above it."""
    attributes = {
        "id": f"in-{e}",
        "class_": "in",
        "data_e": e,
        "data_kind": "text field",
        "data_key": key,
        "placeholder": placeholder or None,
        "data_enter": list(on_enter) if on_enter else None,
        "data_use": use or f"enter the {label.lower()}",
        "autocomplete": "off",
        "spellcheck": "false",
        "aria_label": None if shows_label else label,
    }
    body = (
        tag("textarea", rows=str(rows), **attributes)
        if rows
        else tag("input", type=kind, **attributes)
    )
    named = tag("label", label, for_=f"in-{e}", data_e=f"label:{e}") if shows_label else None
    return div("field", named, body)


def search(e: str, placeholder: str, *, key: str, do: Commands, use: str = "") -> Html:
    """Returns a field to search, with a magnifying glass in it."""
    return div(
        "search",
        icon("search", 17),
        tag(
            "input",
            type="text",
            data_e=e,
            data_kind="search field",
            data_key=key,
            placeholder=placeholder,
            aria_label=placeholder,
            data_enter=list(do),
            data_use=use or "search",
            autocomplete="off",
            spellcheck="false",
        ),
    )


def pick(e: str, label: str, *, key: str, use: str = "", shows_label: bool = True) -> Html:
    """Returns a field that opens a list of choices, see `choices`."""
    body = tag(
        "button",
        tag("span", data_text=key),
        icon("down", 16),
        class_="in pick",
        data_e=e,
        data_kind="dropdown",
        data_use=use or f"choose the {label.lower()}",
        data_do=[["open", f"{e}.list"]],
        aria_label=label,
        aria_haspopup="listbox",
    )
    named = tag("label", label, data_e=f"label:{e}") if shows_label else None
    return div("field", named, body)


def choices(e: str, label: str, options: Sequence[str], *, key: str) -> Html:
    """Returns the list that the field ``e`` of `pick` opens."""
    body = div(
        "dialog",
        tag("h2", label),
        div(
            "col tight scroll",
            [
                tag(
                    "button",
                    tag("span", class_="box dot"),
                    tag("span", option),
                    class_="opt",
                    role="radio",
                    data_e=f"{e}:{option}",
                    data_kind="option",
                    data_use=f"choose {option}",
                    data_lit=f"{key}={option}",
                    data_do=[["set", key, option], ["pop"]],
                )
                for option in options
            ],
            role="radiogroup",
        ),
        style="width:300px",
    )
    return layer(f"{e}.list", body, title=label)


def option(
    e: str, text: str, *, lit: str, do: Commands, is_radio: bool = False, of: str = ""
) -> Html:
    """Returns a box to check, or with ``is_radio`` one of several choices."""
    return tag(
        "button",
        tag(
            "span", None if is_radio else icon("check", 14), class_="box dot" if is_radio else "box"
        ),
        tag("span", text),
        class_="opt",
        role="radio" if is_radio else "checkbox",
        data_e=e,
        data_kind="radio button" if is_radio else "checkbox",
        data_lit=lit,
        data_do=list(do),
        data_of=of or None,
        data_use=f"choose {text}" if is_radio else f"check {text}",
    )


def switch(e: str, label: str, *, key: str) -> Html:
    """Returns a switch; the words beside it are not part of it."""
    return tag(
        "button",
        class_="switch",
        role="switch",
        data_e=e,
        data_kind="switch",
        data_lit=key,
        data_of=f"next to {label}",
        data_use=f"turn {label} on or off",
        data_do=[["toggle", key]],
        aria_label=label,
    )


def slider(e: str, label: str, *, key: str, most: int = 100, step: int = 5) -> Html:
    """Returns a slider from 0 to ``most``."""
    return div(
        "slider",
        tag("i"),
        tag("b"),
        role="slider",
        data_e=e,
        data_kind="slider",
        data_slider=key,
        data_min="0",
        data_max=str(most),
        data_step=str(step),
        aria_label=label,
        data_use=f"change the {label.lower()}",
        tabindex="0",
    )


def menu(name: str, entries: Sequence[Html | None], *, title: str) -> Html:
    """Returns a menu, which opens near what opens it; None is a line."""
    body = div("menu", [tag("hr") if entry is None else entry for entry in entries], role="menu")
    return layer(name, body, title=title, veil="")


def menu_entry(
    e: str,
    text: str,
    do: Commands,
    *,
    use: str = "",
    with_icon: str = "",
    key: str = "",
    of: str = "",
) -> Html:
    """Returns an entry of a menu, with the keys that do the same."""
    return tag(
        "button",
        icon(with_icon, 17) if with_icon else None,
        tag("span", text),
        tag("span", key, class_="key") if key else None,
        role="menuitem",
        data_e=e,
        data_kind="menu entry",
        data_use=use or text.lower(),
        data_do=list(do),
        data_of=of or None,
    )


def dialog(
    name: str,
    title: str,
    *children: Any,
    actions: Sequence[Html],
    is_modal: bool = True,
    sheet: bool = False,
) -> Html:
    """Returns a dialog with its buttons at the end."""
    body = div(
        "dialog",
        tag("h2", title, data_e=f"title:{name}"),
        *children,
        div("row", *actions, style="justify-content:flex-end"),
        role="dialog",
        aria_label=title,
    )
    return layer(name, body, title=title, veil="veil sheet" if sheet else "veil", is_modal=is_modal)


def layer(name: str, body: Html, *, title: str, veil: str = "veil", is_modal: bool = False) -> Html:
    """Returns what lies above the page until it is closed."""
    return div(
        f"layer {veil}".strip(),
        body,
        data_layer=name,
        data_e=f"layer:{name}",
        data_title=title,
        data_modal=is_modal,
        hidden=True,
    )


def face(name: str) -> Html:
    """Returns a person's picture: the initials on a colour of their own."""
    initials = "".join(part[0] for part in name.split()[:2])
    hue = zlib.crc32(name.encode()) % 360 / 360
    return tag(
        "span",
        initials,
        class_="face",
        style=f"background:{hsl(hue, 0.45, 0.42)}",
        aria_hidden="true",
    )


def tile(name: str, hue: float, *, height: int, width: str = "100%", class_: str = "tile") -> Html:
    """Returns a coloured tile with a large icon: the picture of a thing that is sold or played."""
    ground = (
        f"background:linear-gradient(140deg,{hsl(hue, 0.45, 0.80)},{hsl(hue + 0.08, 0.5, 0.62)})"
    )
    style = f"{ground};height:{height}px;width:{width};color:{hsl(hue, 0.55, 0.22)}"
    return div(class_, icon(name, round(height * 0.55)), style=style)


def landscape(numbers: Sequence[float], *, height: int) -> Html:
    """Returns a picture of hills under a sky; ``numbers`` are five values of 0 to 1."""
    a, b, c, d, hue = numbers
    return Html(
        f'<svg width="100%" height="{height}" viewBox="0 0 400 200" '
        'preserveAspectRatio="xMidYMid slice" '
        f'aria-hidden="true"><rect width="400" height="200" fill="{hsl(hue, 0.5, 0.78)}"/>'
        f'<circle cx="{60 + 280 * a:.0f}" cy="{40 + 40 * b:.0f}" r="{14 + 14 * c:.0f}" '
        'fill="#fff6d8"/>'
        f'<path d="M0 {110 + 40 * b:.0f}Q100 {60 + 60 * c:.0f} 200 {120 + 20 * d:.0f}'
        f'T400 {100 + 30 * a:.0f}V200H0Z" '
        f'fill="{hsl(hue + 0.12, 0.35, 0.5)}"/>'
        f'<path d="M0 {150 + 20 * d:.0f}Q120 {110 + 50 * a:.0f} 240 '
        f'{160 + 20 * b:.0f}T400 {145 + 20 * c:.0f}V200H0Z" '
        f'fill="{hsl(hue + 0.2, 0.4, 0.34)}"/></svg>'
    )


def heading(*children: Any) -> Html:
    """Returns a bar at the top of an app."""
    return div("bar", join(*children))
