"""A form to book something: fields, a date, choices, boxes to check."""

import calendar as months_of_year
import datetime
from collections.abc import Sequence

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
    icon_button,
    layer,
    link,
    option,
    pick,
)


def booking(rng: np.random.Generator, device: Device) -> App:
    """Returns a form with fields, a date, choices and boxes to check."""
    name, city = content.app_name(rng, "form"), content.one(rng, content.CITIES)
    what = content.one(rng, ("a table", "a room", "a course", "an appointment", "a tour"))
    times = content.some(
        rng, [f"{hour:02d}:{half}" for hour in range(9, 20) for half in ("00", "30")], 5
    )
    times.sort()
    kinds = content.some(rng, ("Standard", "Quiet", "By the window", "Outside", "Accessible"), 3)
    extras = content.some(
        rng, ("Newsletter", "Parking space", "Vegetarian", "Child seat", "Call me back"), 3
    )
    today = content.today(rng)
    book = [
        [
            "need", ["name", "email", "date", "Time", "kind"],
            [
                ["keep", "booked", "name", "email", "date", "Time", "kind", "extras"],
                ["show", "done"],
            ],
            [["say", "Please fill in all fields."]],
        ],
    ]  # fmt: skip
    fields = [
        field("name", "Full name", key="name", placeholder="First and last name"),
        field("email", "E-mail", key="email", placeholder="name@example.com"),
        field("phone", "Phone (optional)", key="phone", use="enter the phone number"),
    ]
    date = _date()
    pair = "col" if device.is_mobile else "row"
    form = _form(book, city, date, extras, fields, kinds, pair, what, device)
    done = div(
        "fill centre pad",
        div(
            "col centre", icon("check", 60), tag("h1", "Thank you!"),
            tag("p", "Your booking was received.", class_="muted"),
            button("again", "New booking", [["show", "main"]], use="make another booking"),
        ),
    )  # fmt: skip
    body = _body(done, form, name, times, today, device)
    person = content.people(rng, 1)[0]
    email, kind, extra, time = (
        content.address(rng, person), content.one(rng, kinds), content.one(rng, extras),
        content.one(rng, times),
    )  # fmt: skip
    wanted = today + datetime.timedelta(days=int(rng.integers(1, 40)))
    later = (wanted.year * 12 + wanted.month) - (today.year * 12 + today.month)
    fill = _fill(email, extra, kind, later, person, time, wanted)
    record = {
        "name": person, "email": email, "date": wanted.isoformat(), "Time": time, "kind": kind,
        "extras": [extra],
    }  # fmt: skip
    goal = (
        f"Book {what} for {person} ({email}) on {wanted.day} {content.MONTHS[wanted.month - 1]} "
        f"{wanted.year} at {time}. "
        f"Choose “{kind}” and check “{extra}”."
    )
    state = {
        "name": "", "email": "", "phone": "", "date": "", "Time": "", "kind": "", "extras": [],
        "ui.month": f"{today:%Y-%m}",
    }  # fmt: skip
    return App(
        name=name, kind="booking", icon="flag", body=body, state=state,
        about=f"A form to book {what} in {city}",
        facts=(
            Fact(
                text=f"The choices of kind are {', '.join(kinds)}.",
                seen=tuple(f"kind:{k}" for k in kinds),
            ),
            Fact(
                text=f"Below are boxes to check for {', '.join(extras)}.",
                seen=tuple(f"extra:{x}" for x in extras),
            ),
            Fact(text="A button at the end sends the booking.", seen=("book",)),
        ),
        questions=(
            Question(
                ask="What can be booked here, and where?",
                answer=f"{what} in {city}".capitalize(), seen=("headline",),
            ),
            Question(
                ask="Which kinds can be chosen?", answer=", ".join(kinds),
                seen=tuple(f"kind:{k}" for k in kinds),
            ),
            Question(ask="Which button sends the form?", answer="Book now", seen=("book",)),
        ),
        tasks=_tasks(extra, fill, goal, kind, later, person, record, wanted),
        looks=(("date",), ("time",), (f"kind:{kinds[0]}", f"extra:{extras[0]}"), ("book",)),
    )  # fmt: skip


def _date() -> Html:
    return div(
        "field", tag("label", "Date", data_e="label:date"),
        tag(
            "button", tag("span", data_text="date"), icon("calendar", 17), class_="in pick",
            data_e="date", data_kind="date field", data_use="choose the date",
            data_do=[["open", "days"]], aria_label="Date",
        ),
    )  # fmt: skip


def _form(
    book: list[list[Sequence[Sequence[str]]]],
    city: str,
    date: Html,
    extras: list[str],
    fields: list[Html],
    kinds: list[str],
    pair: str,
    what: str,
    device: Device,
) -> Html:
    return div(
        "card col", tag("h1", f"Book {what} in {city}", data_e="headline"),
        div(pair, fields[:2], style="align-items:stretch"), fields[2],
        div(pair, date, pick("time", "Time", key="Time"), style="align-items:stretch"),
        div(
            "col tight", tag("span", "Kind", class_="strong"),
            div(
                "col tight" if device.is_mobile else "row",
                [
                    option(
                        f"kind:{kind}", kind, lit=f"kind={kind}", do=[["set", "kind", kind]],
                        is_radio=True,
                    )
                    for kind in kinds
                ],
                role="radiogroup",
            ),
        ),
        div(
            "col tight",
            [
                option(
                    f"extra:{extra}", extra, lit=f"extras~{extra}", do=[["add", "extras", extra]],
                )
                for extra in extras
            ],
        ),
        div(
            "row",
            button(
                "reset", "Reset", [["clear", "name", "email", "phone", "date"]],
                use="empty all fields",
            ),
            tag("span", class_="grow"),
            button("book", "Book now", book, style="main-btn", use="send the booking"),
        ),
    )  # fmt: skip


def _body(
    done: Html, form: Html, name: str, times: list[str], today: datetime.date, device: Device
) -> Html:
    return join(
        div(
            "",
            heading(
                icon("flag"), tag("span", name, class_="title", data_e="brand"),
                tag("span", class_="grow"),
                [] if device.is_mobile
                else [
                    link(f"to:{t}", t, [["say", t]], use=f"go to {t.lower()}")
                    for t in ("Home", "Prices", "Contact")
                ],
                icon_button("menu", "menu", "Menu", [["say", "Menu"]], use="open the menu")
                if device.is_mobile
                else None,
            ),
            div("grow scroll pad", div("narrow", form)), data_view="main",
        ),
        div("", done, data_view="done"), choices("time", "Time", times, key="Time"),
        _days("days", "date", today),
    )  # fmt: skip


def _fill(
    email: str, extra: str, kind: str, later: int, person: str, time: str, wanted: datetime.date
) -> list[Intent]:
    return [
        enter("name", person, "The form begins with the name."),
        enter("email", email, "The e-mail address comes next."),
        click("date", "The date is chosen in a calendar, so I open it."),
        *[
            click(
                f"days:next:{step}",
                f"It has to be {content.MONTHS[wanted.month - 1]}, so I go to the next month.",
            )
            for step in range(later)
        ],
        click(f"days:{wanted.isoformat()}", f"The month is right. I choose the {wanted.day}."),
        click("time", "Now the time. I open the list."),
        click(f"time:{time}", f"{time} is what is wanted."),
        click(f"kind:{kind}", f"Of the kinds I choose {kind}."),
        click(f"extra:{extra}", f"{extra} has to be checked as well."),
    ]


def _tasks(
    extra: str,
    fill: list[Intent],
    goal: str,
    kind: str,
    later: int,
    person: str,
    record: dict[str, Sequence[str]],
    wanted: datetime.date,
) -> tuple[Task, ...]:
    return (
        Task(
            goal=goal, plan=(*fill, click("book", "All is filled in. I send the form.")),
            ends={**record, "booked": [record]},
        ),
        Task(
            goal=f"Fill in only the name {person} and the date {wanted.isoformat()}, do not send "
            "anything.",
            plan=(fill[0], *fill[2 : 4 + later]),
            ends={"name": person, "date": wanted.isoformat()},
        ),
        Task(
            goal=f"Choose “{kind}” and check “{extra}” in the form.", plan=tuple(fill[-2:]),
            ends={"kind": kind, "extras": [extra]},
        ),
    )  # fmt: skip


def _days(name: str, key: str, today: datetime.date) -> Html:
    """A calendar to choose a day from three months."""
    pages = []
    first = today.replace(day=1)
    for step in range(3):
        nxt = (first + datetime.timedelta(days=32)).replace(day=1)
        before = (first - datetime.timedelta(days=1)).replace(day=1)
        weeks = months_of_year.Calendar().monthdatescalendar(first.year, first.month)
        cells = [
            tag(
                "button", str(day.day), class_="muted" if day.month != first.month else None,
                style="visibility:hidden" if day.month != first.month else None,
                data_e=f"{name}:{day.isoformat()}" if day.month == first.month else None,
                data_kind="day of the calendar",
                data_use=f"choose {day.day} {content.MONTHS[day.month - 1]}",
                data_lit=f"{key}={day.isoformat()}",
                data_do=[["set", key, day.isoformat()], ["pop"]],
            )
            for week in weeks
            for day in week
        ]  # fmt: skip
        pages.append(
            div(
                "col",
                div(
                    "row between",
                    icon_button(
                        f"{name}:before:{step}", "back", "Previous month",
                        [["set", "ui.month", f"{before:%Y-%m}"]] if step else [],
                        use="go to the previous month",
                    ),
                    tag(
                        "span", f"{content.MONTHS[first.month - 1]} {first.year}",
                        class_="strong",
                    ),
                    icon_button(
                        f"{name}:next:{step}", "forth", "Next month",
                        [["set", "ui.month", f"{nxt:%Y-%m}"]] if step < 2 else [],
                        use="go to the next month",
                    ),
                ),
                div("week small muted centre", [tag("span", day[:2]) for day in content.DAYS]),
                div("week days", cells), data_when=f"ui.month={first:%Y-%m}",
            ),
        )  # fmt: skip
        first = nxt
    return layer(name, div("dialog", pages, style="width:320px"), title="Choose a date")
