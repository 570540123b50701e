"""An account that is set up page by page."""

from typing import Any

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    button,
    choices,
    field,
    heading,
    option,
    pick,
)


def wizard(rng: np.random.Generator, device: Device) -> App:
    """Returns an account that is set up page by page."""
    name = content.app_name(rng, "wizard")
    countries = content.some(rng, content.COUNTRIES, 5)
    plans = [
        (title, int(rng.integers(1, 8)) * 5 * factor)
        for title, factor in (("Basic", 0), ("Plus", 1), ("Team", 3))
    ]
    topics = content.some(
        rng, ("News", "Travel", "Cooking", "Science", "Music", "Sports", "Design"), 4
    )
    person = content.people(rng, 1)[0]
    pages = _pages(plans, topics)
    views = [
        _view(name, step, len(pages), title, parts) for step, (title, parts) in enumerate(pages)
    ]
    body = join(
        views,
        div(
            "", div("fill centre", div("col centre", icon("check", 64), tag("h1", "All set!"))),
            data_view="end",
        ),
        choices("country", "Country", countries, key="Country"),
    )  # fmt: skip
    country, plan, (one, two) = (
        content.one(rng, countries), content.one(rng, plans)[0], content.some(rng, topics, 2),
    )  # fmt: skip
    begin = (
        enter("name", person, "The first page asks for the name."),
        click("country", "The country is chosen from a list."),
        click(f"country:{country}", f"I choose {country}."),
        click("next:0", "This page is complete, so I go on."),
        click(f"plan:{plan}", f"The plan has to be {plan}."),
        click("next:1", "On to the next page."),
    )
    topic = (
        click(f"topic:{one}", f"{one} is one of the topics."),
        click(f"topic:{two}", f"{two} is the other one."),
        click("next:2", "Both are marked. I go on."),
    )
    end = (
        click("terms", "The terms have to be accepted."),
        click("next:3", "Finish creates the account."),
    )
    done = {"name": person, "Country": country, "plan": plan, "terms": True, "created": True}
    return App(
        name=name, kind="wizard", icon="bolt", body=body,
        state={
            "name": "", "Country": "", "plan": "", "topics": [], "terms": False, "created": False,
        },
        about=f"The first page of {len(pages)} on which an account of {name} is set up",
        facts=(Fact(text="It asks for a name and a country.", seen=("name", "country")),),
        questions=(
            Question(
                ask="How many steps does the setup have?", answer=str(len(pages)), seen=("at:0",),
            ),
            Question(
                ask="What does this page ask for?", answer="A name and a country.",
                seen=("name", "country"),
            ),
        ),
        tasks=_tasks(begin, country, done, end, one, person, plan, topic, two),
        looks=(("country",), ("next:0",)),
    )  # fmt: skip


def _pages(plans: list[tuple[str, int]], topics: list[str]) -> list[tuple[str, list[Html]]]:
    return [
        (
            "Who are you?",
            [field("name", "Name", key="name"), pick("country", "Country", key="Country")],
        ),
        (
            "Choose a plan",
            [
                div(
                    "col",
                    [
                        option(
                            f"plan:{title}",
                            f"{title}, {cost} a month" if cost else f"{title}, free of charge",
                            lit=f"plan={title}", do=[["set", "plan", title]], is_radio=True,
                        )
                        for title, cost in plans
                    ],
                    role="radiogroup",
                ),
            ],
        ),
        (
            "What do you like?",
            [
                div(
                    "row wrap",
                    [
                        tag(
                            "button", topic, class_="chip", data_e=f"topic:{topic}",
                            data_kind="chip", data_lit=f"topics~{topic}",
                            data_use=f"choose the topic {topic}",
                            data_do=[["add", "topics", topic]],
                        )
                        for topic in topics
                    ],
                ),
            ],
        ),
        (
            "Almost done",
            [
                tag("p", "Your account is created when you press Finish."),
                option("terms", "I accept the terms", lit="terms", do=[["toggle", "terms"]]),
            ],
        ),
    ]  # fmt: skip


def _tasks(
    begin: tuple[Intent, Intent, Intent, Intent, Intent, Intent],
    country: str,
    done: dict[str, Any],
    end: tuple[Intent, Intent],
    one: str,
    person: str,
    plan: str,
    topic: tuple[Intent, Intent, Intent],
    two: str,
) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Set up an account for {person} from {country} with the plan {plan} and the "
            f"topics {one} and {two}.",
            plan=(*begin, *topic, *end), ends={**done, "topics": [one, two]},
        ),
        Task(
            goal=f"Create an account: name {person}, country {country}, plan {plan}. Skip the "
            "topics.",
            plan=(
                *begin, click("next:2", "The topics are to be left out, so I go on without any."),
                *end,
            ),
            ends=done,
        ),
    )  # fmt: skip


def _view(name: str, step: int, count: int, title: str, parts: list[Html]) -> Html:
    """One page, with the ways to the pages before and after it."""
    needs = (["name", "Country"], ["plan"], [], ["terms"])[step]
    last = step == count - 1
    then = [["set", "created", True], ["show", "end"]] if last else [["show", f"step{step + 1}"]]
    forward = button(
        f"next:{step}", "Finish" if last else "Next",
        [["need", needs, then, [["say", "Something is missing."]]]], style="main-btn",
        use="create the account" if last else "go on to the next page",
    )  # fmt: skip
    back = button(
        f"back:{step}", "Back", [["show", "main" if step < 2 else f"step{step - 1}"]],
        use="go back to the previous page", is_disabled=step == 0,
    )  # fmt: skip
    dots = div(
        "row",
        [
            tag(
                "span", class_="badge" if i <= step else "mark",
                style="padding:0;min-width:2.2em;height:.4em",
            )
            for i in range(count)
        ],
    )  # fmt: skip
    return div(
        "", heading(icon("bolt"), tag("span", name, class_="title")),
        div(
            "grow scroll pad col",
            div(
                "slim card col", dots,
                tag(
                    "span", f"Step {step + 1} of {count}", class_="muted small",
                    data_e=f"at:{step}",
                ),
                tag("h1", title, data_e=f"head:{step}"), parts,
                div("row between", back, forward), style="margin-top:6%",
            ),
        ),
        data_view="main" if step == 0 else f"step{step}",
    )  # fmt: skip
