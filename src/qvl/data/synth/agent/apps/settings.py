"""Settings: switches, sliders, a language."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    choices,
    heading,
    icon_button,
    navigation,
    pick,
    slider,
    switch,
)

_SWITCHES = (
    ("Wi-Fi", "wifi"),
    ("Bluetooth", "bluetooth"),
    ("Dark mode", "moon"),
    ("Location", "pin"),
    ("Notifications", "bell"),
    ("Aeroplane mode", "plane"),
    ("Automatic updates", "reload"),
    ("Battery saver", "battery"),
    ("Screen lock", "lock"),
    ("Sounds", "music"),
    ("Camera access", "camera"),
)


_SLIDERS = (("Brightness", "sun"), ("Volume", "speaker"), ("Text size", "italic"))


def settings(rng: np.random.Generator, device: Device) -> App:
    """Returns settings in sections."""
    switches = content.some(rng, _SWITCHES, int(rng.integers(5, 9)))
    sliders = content.some(rng, _SLIDERS, 2)
    languages = content.some(rng, content.LANGUAGES, 6)
    name = content.app_name(rng, "settings")
    state: dict[str, Any] = {title: bool(rng.random() < 0.5) for title, _ in switches}
    state |= {title: int(rng.integers(2, 19)) * 5 for title, _ in sliders}
    state |= {"Language": languages[0], "section": "General", "name": content.people(rng, 1)[0]}
    first = dict(state)
    rows = [
        div(
            "item", icon(picture), tag("span", title, class_="grow", data_e=f"label:{title}"),
            switch(title, title, key=title),
        )
        for title, picture in switches
    ]  # fmt: skip
    slides = _slides(sliders)
    own = div("item", icon("globe"), pick("language", "Language", key="Language"))
    half = len(rows) // 2
    groups = [
        div("card lines", rows[:half], style="padding:0"),
        div("card lines", slides, style="padding:0"),
        div("card lines", rows[half:], own, style="padding:0"),
    ]
    listed = div("grow scroll pad", div("narrow col", tag("h2", "General"), groups))
    sections = (
        ("General", "gear"), ("Account", "person"), ("Privacy", "lock"), ("Display", "sun"),
        ("Storage", "folder"), ("About", "info"),
    )  # fmt: skip
    if device.is_mobile:
        page = _page_phone(listed, name)
    else:
        side = _side_desktop(name, sections)
        page = div("main", side, listed)
    body = join(
        div("", page, data_view="main"), choices("language", "Language", languages, key="Language")
    )
    return App(
        name=name, kind="settings", icon="gear", body=body, state=state,
        about="The settings of " + ("a phone" if device.is_mobile else "a computer")
        + ", with switches and sliders",
        facts=tuple(
            Fact(
                text=f"{title} is switched {'on' if first[title] else 'off'}.",
                seen=(title, f"label:{title}"),
            )
            for title, _ in switches[:5]
        ),
        questions=_questions(first, languages, sliders, switches),
        tasks=_settings_tasks(
            rng, first, [t for t, _ in switches], [t for t, _ in sliders], languages,
        ),
        looks=(("language",), (switches[0][0], switches[1][0])),
    )  # fmt: skip


def _slides(sliders: list[tuple[str, str]]) -> list[Html]:
    return [
        div(
            "item", icon(picture), tag("span", title, data_e=f"label:{title}", style="width:6em"),
            slider(title, title, key=title),
            tag(
                "span", data_text=title, data_e=f"value:{title}",
                style="width:2.2em;text-align:right",
            ),
        )
        for title, picture in sliders
    ]  # fmt: skip


def _page_phone(listed: Html, name: str) -> Html:
    return join(
        heading(
            icon_button(
                "back", "left", "Back", [["say", "This is the first page."]], use="go back",
            ),
            tag("span", name, class_="title", data_e="brand"), tag("span", class_="grow"),
            icon_button(
                "find", "search", "Search settings", [["say", "Nothing found."]],
                use="search the settings",
            ),
        ),
        listed,
    )  # fmt: skip


def _side_desktop(
    name: str,
    sections: tuple[
        tuple[str, str],
        tuple[str, str],
        tuple[str, str],
        tuple[str, str],
        tuple[str, str],
        tuple[str, str],
    ],
) -> Html:
    return div(
        "side", tag("h2", name, class_="pad", data_e="brand"),
        [
            navigation(
                f"section:{title}", title, [["set", "section", title]], name=picture,
                lit=f"section={title}", use=f"show the section {title}",
            )
            for title, picture in sections
        ],
    )  # fmt: skip


def _questions(
    first: dict[str, Any],
    languages: list[str],
    sliders: list[tuple[str, str]],
    switches: list[tuple[str, str]],
) -> tuple[Question, ...]:
    return (
        *(
            Question(
                ask=f"Is {title} switched on?", answer="Yes" if first[title] else "No",
                seen=(title, f"label:{title}"),
            )
            for title, _ in switches
        ),
        *(
            Question(
                ask=f"What is the {title.lower()} set to?", answer=str(first[title]),
                seen=(title, f"value:{title}"),
            )
            for title, _ in sliders
        ),
        Question(ask="Which language is chosen?", answer=languages[0], seen=("language",)),
    )  # fmt: skip


def _settings_tasks(
    rng: np.random.Generator,
    first: dict[str, Any],
    switches: Sequence[str],
    sliders: Sequence[str],
    languages: Sequence[str],
) -> tuple[Task, ...]:
    a, b = content.some(rng, switches, 2)
    turned = "off" if first[a] else "on"
    both = "off" if first[b] else "on"
    slide = content.one(rng, sliders)
    value = content.one(rng, [v for v in range(0, 101, 10) if v != first[slide]])
    language = content.one(rng, languages[1:])
    flip_a = click(
        a, f"{a} is {'on' if first[a] else 'off'} now. The switch beside it turns it {turned}."
    )
    flip_b = click(b, f"Then {b} has to be switched {both}.")
    drag = Intent(
        deed="slide", on=slide, value=value, why=f"I drag the handle of {slide.lower()} to {value}."
    )
    choose = (
        click("language", "I open the list of languages."),
        click(f"language:{language}", f"{language} is in the list. I choose it."),
    )
    return (
        Task(goal=f"Turn {turned} {a}.", plan=(flip_a,), ends={a: not first[a]}),
        Task(
            goal=f"Switch {a} {turned} and {b} {both}.",
            plan=(flip_a, flip_b),
            ends={a: not first[a], b: not first[b]},
        ),
        Task(goal=f"Set the {slide.lower()} to {value}.", plan=(drag,), ends={slide: value}),
        Task(goal=f"Change the language to {language}.", plan=choose, ends={"Language": language}),
        Task(
            goal=f"Set the {slide.lower()} to {value}, turn {turned} {a} and choose {language} "
            "as language.",
            plan=(drag, flip_a, *choose),
            ends={slide: value, a: not first[a], "Language": language},
        ),
    )
