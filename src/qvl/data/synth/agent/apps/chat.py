"""A chat: conversations with people, one of them open."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    face,
    heading,
    icon_button,
    menu,
    menu_entry,
    search,
)


def chat(rng: np.random.Generator, device: Device) -> App:
    """Returns conversations with people, one of them open."""
    people = content.people(rng, int(rng.integers(5, 9)))
    words = {
        person: [
            content.filled(rng, text)
            for text in content.some(rng, content.MESSAGES, int(rng.integers(3, 7)))
        ]
        for person in people
    }
    name = content.app_name(rng, "chat")
    first = people[0]
    times = {
        person: f"{int(rng.integers(7, 23)):02d}:{int(rng.integers(0, 60)):02d}"
        for person in people
    }
    rows = _rows(people, times, words, device)
    find = search(
        "search",
        "Search people",
        key="draft.query",
        do=[["copy", "draft.query", "people.query"]],
        use="search for a person",
    )
    listed = div("grow scroll lines", rows, data_list="people")
    new = icon_button(
        "new", "pen", "New chat", [["say", "Choose a person."]], use="begin a new conversation"
    )
    talk = [_talk(person, words[person], device) for person in people]
    if device.is_mobile:
        body = _body_phone(find, listed, name, new, talk)
    else:
        body = _body_desktop(find, listed, name, new, talk)
    body = _body(body)
    other = content.one(rng, people)
    text = content.filled(rng, content.one(rng, content.MESSAGES))
    go = click(f"chat:{other}", f"I look for {other} in the list and open the conversation.")
    said = [{"with": other, "draft.said": text}]
    return App(
        name=name,
        kind="chat",
        icon="smile",
        body=body,
        state={
            "with": first,
            "people.query": "",
            "said": [],
            "muted": "",
            "draft.query": "",
            "draft.said": "",
        },
        about=f"A chat app called {name}"
        + ("" if device.is_mobile else f" with the conversation with {first} open"),
        facts=tuple(
            Fact(
                text=f"The last message of the chat with {p} is “{words[p][-1]}”.",
                seen=(f"who:{p}", f"last:{p}"),
            )
            for p in people[:4]
        ),
        questions=_questions(people, times, words),
        tasks=_tasks(go, other, said, text),
        looks=((f"chat:{people[1]}",), (f"chat:{people[-1]}", f"talk-more:{people[-1]}")),
    )


def _rows(
    people: list[str], times: dict[str, str], words: dict[str, list[str]], device: Device
) -> list[Html]:
    return [
        tag(
            "button",
            face(person),
            div(
                "grow",
                div(
                    "row",
                    tag("span", person, class_="strong cut", data_e=f"who:{person}"),
                    tag("span", times[person], class_="small muted right", data_e=f"when:{person}"),
                ),
                tag("div", words[person][-1], class_="cut muted", data_e=f"last:{person}"),
            ),
            class_="item",
            data_e=f"chat:{person}",
            data_kind="conversation in the list",
            data_lit=f"with={person}",
            data_use=f"open the conversation with {person}",
            data_do=[["set", "with", person], ["show", "talk"]]
            if device.is_mobile
            else [["set", "with", person]],
            aria_label=person,
            data_item=person,
        )
        for person in people
    ]


def _talk(person: str, words: Sequence[str], device: Device) -> Html:
    send: list[list[Any]] = [
        ["set", "with", person],
        [
            "need",
            ["draft.said"],
            [
                ["keep", "said", "with", "draft.said"],
                ["keep", f"ui.to.{person}", "draft.said"],
                ["clear", "draft.said"],
            ],
            [],
        ],
    ]
    lines = [
        div("said mine" if (len(person) + i) % 2 else "said", text) for i, text in enumerate(words)
    ]
    own = Html(
        '<template><div class="said mine"><span data-slot="draft.said"></span></div></template>'
    )
    return div(
        "fill",
        heading(
            icon_button(
                f"talk-back:{person}", "left", "Back", [["show", "main"]], use="go back to the list"
            )
            if device.is_mobile
            else None,
            face(person),
            div("", tag("div", person, class_="strong cut"), tag("div", "online", class_="small")),
            tag("span", class_="grow"),
            icon_button(
                f"call:{person}", "phone", "Call", [["say", "Calling ..."]], use=f"call {person}"
            ),
            icon_button(
                f"video:{person}",
                "video",
                "Video call",
                [["say", "Calling ..."]],
                use=f"start a video call with {person}",
            ),
            icon_button(
                f"talk-more:{person}",
                "dots",
                "More",
                [["open", "menu"]],
                use="open the menu of the conversation",
            ),
        ),
        div("grow scroll pad col", lines, own, data_rows=f"ui.to.{person}", data_end=""),
        div(
            "row pad fixed",
            icon_button(
                f"attach:{person}",
                "clip",
                "Attach",
                [["say", "No files here."]],
                use="attach a file",
            ),
            tag(
                "input",
                type="text",
                class_="in grow",
                data_e=f"say:{person}",
                data_kind="text field",
                data_key="draft.said",
                placeholder="Message",
                aria_label="Message",
                data_enter=send,
                data_use=f"write a message to {person}",
                autocomplete="off",
            ),
            icon_button(f"send:{person}", "send", "Send", send, use="send the message"),
        ),
        data_when=f"with={person}",
    )


def _body_phone(find: Html, listed: Html, name: str, new: Html, talk: list[Html]) -> Html:
    return join(
        div(
            "",
            heading(
                tag("span", name, class_="title", data_e="brand"),
                tag("span", class_="grow"),
                new,
                icon_button("more", "dots", "More", [["open", "menu"]], use="open the menu"),
            ),
            div("pad fixed", find),
            listed,
            data_view="main",
        ),
        div("", talk, data_view="talk"),
    )


def _body_desktop(find: Html, listed: Html, name: str, new: Html, talk: list[Html]) -> Html:
    return join(
        div(
            "",
            div(
                "main",
                div(
                    "side",
                    div("row", tag("h2", name, data_e="brand"), tag("span", class_="grow"), new),
                    find,
                    listed,
                    style="width:300px;padding:10px",
                ),
                div("fill", talk),
            ),
            data_view="main",
        )
    )


def _body(body: Html) -> Html:
    return join(
        body,
        menu(
            "menu",
            [
                menu_entry(
                    "menu:mute",
                    "Mute this chat",
                    [["copy", "with", "muted"], ["pop"], ["say", "Muted"]],
                    use="silence the conversation",
                    with_icon="bell",
                ),
                menu_entry("menu:search", "Search in chat", [["pop"]], with_icon="search"),
                menu_entry(
                    "menu:block",
                    "Block",
                    [["pop"], ["say", "Nobody was blocked"]],
                    with_icon="warning",
                    use="block the person",
                ),
            ],
            title="Menu",
        ),
    )


def _questions(
    people: list[str], times: dict[str, str], words: dict[str, list[str]]
) -> tuple[Question, ...]:
    return tuple(
        q
        for p in people
        for q in (
            Question(
                ask=f"At what time was the last message with {p}?",
                answer=times[p],
                seen=(f"who:{p}", f"when:{p}"),
            ),
            Question(
                ask=f"What does the list show as the last message with {p}?",
                answer=words[p][-1],
                seen=(f"who:{p}", f"last:{p}"),
            ),
        )
    )


def _tasks(go: Intent, other: str, said: list[dict[str, str]], text: str) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Send the message “{text}” to {other}.",
            plan=(
                go,
                enter(
                    f"say:{other}",
                    text,
                    "The conversation is open. I type the message at the bottom.",
                ),
                click(f"send:{other}", "The text is there, so I send it."),
            ),
            ends={"with": other, "said": said},
        ),
        Task(
            goal=f"Mute the conversation with {other}.",
            plan=(
                go,
                click(f"talk-more:{other}", "Muting is probably behind the three dots."),
                click("menu:mute", "The menu has an entry for it."),
            ),
            ends={"with": other, "muted": other},
        ),
        Task(
            goal=f"Find {other} with the search and write “{text}”.",
            plan=(
                enter("search", other.split()[0], "I type the first name into the search field."),
                Intent(deed="keys", text="enter", why="Enter starts the search."),
                click(f"chat:{other}", f"{other} is found. I open the conversation."),
                enter(f"say:{other}", text, "Now I type the message."),
                Intent(deed="keys", text="enter", why="Enter sends it."),
            ),
            ends={"with": other, "said": said, "people.query": other.split()[0]},
        ),
    )
