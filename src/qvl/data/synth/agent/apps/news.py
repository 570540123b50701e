"""A newspaper longer than the screen, often behind a question about cookies."""

from collections.abc import Callable
from functools import partial

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    button,
    heading,
    icon_button,
    landscape,
    link,
    menu,
    menu_entry,
    tabs,
)


def news(rng: np.random.Generator, device: Device) -> App:
    """Returns a newspaper whose page is longer than the screen, behind a question about cookies."""
    name, count = content.app_name(rng, "news"), int(rng.integers(6, 9))
    heads = _heads(rng, count)
    writers, topics = content.people(rng, count), ("World", "City", "Culture", "Sport", "Science")
    texts = [content.sentences(rng, 6) for _ in heads]
    has_cookies = bool(rng.random() < 0.6)
    stories = _stories(rng, heads, texts, writers, device)
    letter = _letter()
    foot = div(
        "row wrap pad muted small",
        [
            link(f"foot:{t}", t, [["set", "page", t], ["say", t]], use=f"go to the page {t}")
            for t in ("About us", "Contact", "Imprint", "Privacy", "Careers")
        ],
    )
    page = div(
        "grow scroll", div("col pad", div("grid", stories, style="--cell:230px"), letter, foot)
    )
    head = heading(
        icon_button("menu", "menu", "Menu", [["open", "menu.list"]], use="open the menu"),
        tag("span", name, class_="title", data_e="brand"),
        tag("span", class_="grow"),
        icon_button("search", "search", "Search", [["say", "Search"]], use="search the articles"),
        None
        if device.is_mobile
        else button("login", "Sign in", [["say", "Sign in"]], style="plain", use="sign in"),
    )
    opened = _opened(heads, name, texts, writers)
    cookie = _cookie()
    body = _body(cookie, head, opened, page, topics)
    i = int(rng.integers(count))
    mail, answer = content.address(rng, content.people(rng, 1)[0]), content.one(rng, ("no", "yes"))
    said = {"no": "rejected", "yes": "accepted"}[answer]
    clear = (
        (
            click(
                f"cookies:{answer}",
                "A question about cookies covers the page. "
                + ("I reject them." if answer == "no" else "I accept them."),
            ),
        )
        if has_cookies
        else ()
    )
    first = f"{'Reject' if answer == 'no' else 'Accept'} the cookies. Then " if has_cookies else ""
    ends = {"cookies": said} if has_cookies else {}
    foot_page = content.one(rng, ("About us", "Contact", "Imprint", "Privacy", "Careers"))
    say = partial(_after, first)
    return App(
        name=name,
        kind="news",
        icon="book",
        body=body,
        state={
            "topic": topics[0],
            "story": "",
            "later": [],
            "liked": [],
            "cookies": "",
            "page": "",
            "draft.letter": "",
            **({"ui.layers": ["cookies"]} if has_cookies else {}),
        },
        about=f"The front page of a newspaper called {name}"
        + (", behind a question about cookies" if has_cookies else ""),
        facts=(
            *(
                Fact(text=f"An article is called “{h}”.", seen=(f"story:{j}",))
                for j, h in enumerate(heads[:4])
            ),
            Fact(
                text="A dialog asks to accept or reject cookies.",
                seen=("cookies:no", "cookies:yes"),
            ),
        ),
        questions=(
            *(
                Question(ask=f"Who wrote “{h}”?", answer=writers[j], seen=(f"story:{j}", f"by:{j}"))
                for j, h in enumerate(heads)
            ),
            Question(ask="What is the name of the newspaper?", answer=name, seen=("brand",)),
            Question(
                ask="What does the dialog ask?",
                answer="Whether cookies may be stored.",
                seen=("title:cookies",),
            ),
        ),
        tasks=_tasks(clear, ends, foot_page, heads, i, mail, say),
        looks=(("cookies:no",), ("cookies:no", "menu"))
        if has_cookies
        else (("menu",), (f"story:{i}",)),
    )


def _heads(rng: np.random.Generator, count: int) -> list[str]:
    return [
        f"{title}: {tail}"
        for title, tail in zip(
            content.titles(rng, count),
            content.some(
                rng,
                (
                    "a town looks back",
                    "what comes next",
                    "the long way home",
                    "five things to know",
                    "a new beginning",
                    "why it matters",
                    "in pictures",
                    "an evening with friends",
                ),
                count,
            ),
            strict=True,
        )
    ]


def _stories(
    rng: np.random.Generator,
    heads: list[str],
    texts: list[list[str]],
    writers: list[str],
    device: Device,
) -> list[Html]:
    return [
        div(
            "card col tight",
            div(
                "tile",
                landscape(
                    [float(v) for v in rng.random(5)], height=110 if device.is_mobile else 130
                ),
            ),
            link(
                f"story:{i}",
                head,
                [["set", "story", head], ["show", f"story{i}"]],
                use=f"read the article “{head}”",
                class_="strong",
            ),
            tag("span", f"By {writers[i]}", class_="muted small", data_e=f"by:{i}"),
            div(
                "row",
                tag("span", texts[i][0], class_="small grow"),
                icon_button(
                    f"mark:{i}",
                    "flag",
                    "Read later",
                    [["add", "later", head]],
                    lit=f"later~{head}",
                    fills=True,
                    use=f"keep “{head}” for later",
                    of=f"for “{head}”",
                ),
            ),
        )
        for i, head in enumerate(heads)
    ]


def _letter() -> Html:
    return div(
        "card col",
        tag("h2", "Our newsletter"),
        tag("p", "The best of the week, every Friday.", class_="muted"),
        div(
            "row",
            tag(
                "input",
                type="text",
                class_="in grow",
                data_e="letter",
                data_kind="text field",
                data_key="draft.letter",
                placeholder="Your e-mail",
                aria_label="Your e-mail",
                data_use="enter your e-mail for the newsletter",
                autocomplete="off",
            ),
            button(
                "subscribe",
                "Subscribe",
                [
                    [
                        "need",
                        ["draft.letter"],
                        [
                            ["keep", "subscribed", "draft.letter"],
                            ["clear", "draft.letter"],
                            ["say", "Welcome!"],
                        ],
                    ]
                ],
                style="main-btn",
                use="subscribe to the newsletter",
            ),
        ),
    )


def _opened(heads: list[str], name: str, texts: list[list[str]], writers: list[str]) -> list[Html]:
    return [
        div(
            "",
            heading(
                icon_button(
                    f"back:{i}", "left", "Back", [["show", "main"]], use="go back to the front page"
                ),
                tag("span", name, class_="title"),
                tag("span", class_="grow"),
                icon_button(
                    f"share:{i}",
                    "share",
                    "Share",
                    [["say", "Link copied"]],
                    use="share the article",
                ),
            ),
            div(
                "grow scroll pad",
                div(
                    "narrow col",
                    tag("h1", head_),
                    tag("span", f"By {writers[i]}", class_="muted"),
                    [tag("p", line) for line in texts[i]],
                    button(
                        f"like:{i}",
                        "I like this",
                        [["add", "liked", head_], ["say", "Thanks!"]],
                        with_icon="thumb",
                        use="say that you like the article",
                    ),
                ),
            ),
            data_view=f"story{i}",
        )
        for i, head_ in enumerate(heads)
    ]


def _cookie() -> Html:
    return div(
        "layer veil sheet",
        div(
            "dialog",
            tag("h2", "We value your privacy", data_e="title:cookies"),
            tag("p", "We and our partners store cookies to measure how this page is used."),
            div(
                "row wrap",
                button(
                    "cookies:no",
                    "Reject all",
                    [["set", "cookies", "rejected"], ["pop"]],
                    use="reject all cookies",
                ),
                button(
                    "cookies:more",
                    "Settings",
                    [["say", "Nothing to choose"]],
                    use="choose which cookies are stored",
                ),
                button(
                    "cookies:yes",
                    "Accept all",
                    [["set", "cookies", "accepted"], ["pop"]],
                    style="main-btn",
                    use="accept all cookies",
                ),
            ),
        ),
        data_layer="cookies",
        data_e="layer:cookies",
        data_title="We value your privacy",
        data_modal=True,
        hidden=True,
    )


def _body(
    cookie: Html, head: Html, opened: list[Html], page: Html, topics: tuple[str, str, str, str, str]
) -> Html:
    return join(
        div(
            "",
            head,
            tabs([(f"topic:{t}", t, [["set", "topic", t]], f"topic={t}") for t in topics]),
            page,
            data_view="main",
        ),
        opened,
        cookie,
        menu(
            "menu.list",
            [
                menu_entry(f"menu:{t}", t, [["set", "topic", t], ["pop"]], use=f"show {t.lower()}")
                for t in topics
            ],
            title="Menu",
        ),
    )


def _tasks(
    clear: tuple[Intent, ...],
    ends: dict[str, str],
    foot_page: str,
    heads: list[str],
    i: int,
    mail: str,
    say: Callable[[str], str],
) -> tuple[Task, ...]:
    return (
        Task(
            goal=say(f"Read the article “{heads[i]}” and say that you like it."),
            plan=(
                *clear,
                click(f"story:{i}", "I open the article."),
                click(f"like:{i}", "At its end is a button to like it."),
            ),
            ends={**ends, "story": heads[i], "liked": [heads[i]]},
        ),
        Task(
            goal=say(f"Subscribe to the newsletter as {mail}."),
            plan=(
                *clear,
                enter("letter", mail, "The newsletter has a field for the address."),
                click("subscribe", "Now I subscribe."),
            ),
            ends={**ends, "subscribed": [{"draft.letter": mail}]},
        ),
        Task(
            goal=say(f"Go to the page “{foot_page}”."),
            plan=(*clear, click(f"foot:{foot_page}", "Such pages are linked at the very end.")),
            ends={**ends, "page": foot_page},
        ),
        Task(
            goal=say(f"Keep “{heads[i]}” for later."),
            plan=(*clear, click(f"mark:{i}", "The flag beside it keeps it for later.")),
            ends={**ends, "later": [heads[i]]},
        ),
    )


def _after(first: str, text: str) -> str:
    """A sentence behind another one, or alone."""
    return first + (text[0].lower() + text[1:] if first else text)
