"""A page to sign in, with other ways in and a forgotten password."""

from typing import Any

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    button,
    dialog,
    field,
    heading,
    link,
    option,
    tile,
)


def login(rng: np.random.Generator, device: Device) -> App:
    """Returns a page to sign in."""
    name, person = content.app_name(rng, "login"), content.people(rng, 1)[0]
    user = content.address(rng, person)
    word = content.one(rng, ("Maple", "River", "Copper", "Violet", "Falcon"))
    secret = f"{word}{int(rng.integers(10, 99))}!"
    enter_do = [
        [
            "match", {"user": user, "secret": secret},
            [["set", "signed in", True], ["show", "home"]],
            [["say", "Name or password is wrong."]],
        ],
    ]  # fmt: skip
    others = content.some(rng, ("Single sign-on", "Passkey", "QR code"), 2)
    form = _form(rng, enter_do, name, others)
    body = _body(form, name, person)
    typed = (
        enter("user", user, "I enter the e-mail address."),
        enter("secret", secret, "Then the password."),
    )
    go = click("login", "Both fields are filled in, so I sign in.")
    return App(
        name=name, kind="login", icon="key", body=body,
        state={
            "user": "", "secret": "", "stay": False, "signed in": False, "reset to": "",
            "reset sent": False,
        },
        about=f"The page to sign in to {name}",
        facts=(
            Fact(text="It asks for an e-mail address and a password.", seen=("user", "secret")),
            Fact(
                text=f"One can also continue with {others[0]} or {others[1]}.",
                seen=tuple(f"with:{o}" for o in others),
            ),
        ),
        questions=(
            Question(
                ask="What is this page for?", answer=f"To sign in to {name}.",
                seen=("headline", "login"),
            ),
            Question(ask="Is “Stay signed in” checked?", answer="No", seen=("stay",)),
            Question(
                ask="Which other ways to sign in are there?", answer=" and ".join(others),
                seen=tuple(f"with:{o}" for o in others),
            ),
        ),
        tasks=_tasks(go, secret, typed, user), looks=(("forgot",), ("stay",)),
    )  # fmt: skip


def _form(
    rng: np.random.Generator, enter_do: list[list[Any]], name: str, others: list[str]
) -> Html:
    return div(
        "card col", div("row centre", tile("lock", float(rng.random()), height=52, width="52px")),
        tag("h1", f"Sign in to {name}", style="text-align:center", data_e="headline"),
        field("user", "E-mail", key="user", placeholder="name@example.com"),
        field("secret", "Password", key="secret", kind="password"),
        div(
            "row between", option("stay", "Stay signed in", lit="stay", do=[["toggle", "stay"]]),
            link(
                "forgot", "Forgot password?", [["open", "forgot.dialog"]],
                use="get a new password",
            ),
        ),
        button("login", "Sign in", enter_do, style="main-btn wide", use="sign in"),
        div("row centre muted small", "or"),
        [
            button(
                f"with:{other}", f"Continue with {other}", [["say", f"{other} is not set up."]],
                style="wide", use=f"sign in with {other}",
            )
            for other in others
        ],
        tag(
            "p", "New here? ",
            link("join", "Create an account", [["show", "home"]], use="create an account"),
            style="text-align:center",
        ),
    )  # fmt: skip


def _body(form: Html, name: str, person: str) -> Html:
    return join(
        div(
            "", div("grow scroll pad col centre", div("slim", form, style="text-align:left")),
            data_view="main",
        ),
        div(
            "", heading(tag("span", name, class_="title")),
            div("fill centre", tag("h1", f"Welcome, {person.split()[0]}!")), data_view="home",
        ),
        dialog(
            "forgot.dialog", "New password",
            tag("p", "We send you a link to choose a new password."),
            field("reset-to", "Your e-mail", key="reset to", use="enter your e-mail"),
            actions=[
                button("reset-no", "Cancel", [["pop"]], use="close the dialog"),
                button(
                    "reset-yes", "Send link",
                    [
                        [
                            "need", ["reset to"],
                            [
                                ["set", "reset sent", True], ["pop"],
                                ["say", "The link is on its way."],
                            ],
                        ],
                    ],
                    style="main-btn", use="send the link",
                ),
            ],
        ),
    )  # fmt: skip


def _tasks(go: Intent, secret: str, typed: tuple[Intent, Intent], user: str) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Sign in as {user} with the password {secret}.", plan=(*typed, go),
            ends={"user": user, "secret": secret, "signed in": True},
        ),
        Task(
            goal=f"Sign in as {user}, password {secret}, and stay signed in.",
            plan=(*typed, click("stay", "The box keeps me signed in."), go),
            ends={"user": user, "secret": secret, "stay": True, "signed in": True},
        ),
        Task(
            goal=f"I forgot my password. My address is {user}.",
            plan=(
                click("forgot", "There is a link for forgotten passwords."),
                enter("reset-to", user, "The dialog wants the address."),
                click("reset-yes", "I have the link sent."),
            ),
            ends={"reset to": user, "reset sent": True},
        ),
    )  # fmt: skip
