"""A calendar: a month with entries to open, make and delete."""

import calendar as months_of_year
import datetime
from collections.abc import Sequence

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
    icon_button,
)


def calendar(rng: np.random.Generator, device: Device) -> App:
    """Returns a month with entries."""
    name, today = content.app_name(rng, "calendar"), content.today(rng)
    first = today.replace(day=1)
    weeks = months_of_year.Calendar().monthdatescalendar(first.year, first.month)
    own = [day for week in weeks for day in week if day.month == first.month]
    dates = sorted(content.some(rng, own, int(rng.integers(5, 9))))
    titles = _titles(rng, dates)
    entries = [
        (title, day, f"{int(rng.integers(8, 20)):02d}:{content.one(rng, ('00', '30'))}")
        for title, day in zip(titles, dates, strict=True)
    ]
    by_day: dict[datetime.date, tuple[str, datetime.date, str]] = {
        day: entry for entry, day in zip(entries, dates, strict=True)
    }
    month = f"{content.MONTHS[first.month - 1]} {first.year}"
    cells = [
        _cell(day, first.month, today, by_day.get(day), device) for week in weeks for day in week
    ]
    grid = div("week grow", cells, style="grid-auto-rows:1fr")
    names = div(
        "week fixed muted small", [div("", day[:3], style="padding:.4em") for day in content.DAYS]
    )
    bar = _bar(month, today, device)
    soon = _soon(entries, device)
    save = [
        [
            "need", ["draft.title"],
            [
                ["keep", "made", "draft.title", "date", "whole day"], ["clear", "draft.title"],
                ["pop"], ["say", "Entry saved"],
            ],
        ],
    ]  # fmt: skip
    body = _body(bar, entries, grid, names, save, soon)
    free = [day for day in own if day not in by_day]
    at, what, (gone, gone_day, _) = (
        content.one(rng, free), content.titles(rng, 1)[0], content.one(rng, entries),
    )  # fmt: skip
    on = f"{at.day} {content.MONTHS[at.month - 1]}"
    begin = (
        click(f"day:{at.isoformat()}", f"An entry begins with a click on the day, here {on}."),
        enter("title", what, "The dialog asks for a title."),
    )
    return App(
        name=name, kind="calendar", icon="calendar", body=body,
        state={"month": 0, "date": "", "whole day": False, "deleted": [], "draft.title": ""},
        about=f"A calendar that shows {month}",
        facts=tuple(
            Fact(text=f"{t} is on the {d.day}.", seen=(f"event:{t}",))
            for t, d, _ in entries[:5]
        ),
        questions=_questions(entries, month, device),
        tasks=_tasks(at, begin, gone, gone_day, on, what), looks=((f"event:{gone}",), ("new",)),
    )  # fmt: skip


def _titles(rng: np.random.Generator, dates: list[datetime.date]) -> list[str]:
    return content.some(
        rng,
        (
            "Dentist", "Team lunch", "Yoga", "Review", "Birthday", "Concert", "Piano", "Budget",
            "Haircut", "Interview", "Football",
        ),
        len(dates),
    )  # fmt: skip


def _cell(
    day: datetime.date,
    month: int,
    today: datetime.date,
    entry: tuple[str, datetime.date, str] | None,
    device: Device,
) -> Html:
    is_own = day.month == month
    number = tag(
        "span", str(day.day), class_="badge" if day == today else "muted" if not is_own else None,
        data_e=f"num:{day.isoformat()}",
    )  # fmt: skip
    shown = None
    if entry and is_own:
        title, _, clock = entry
        shown = tag(
            "button",
            None if device.is_mobile else join(tag("span", clock, data_e=f"clock:{title}"), " "),
            title, class_="event cut", data_e=f"event:{title}", data_kind="entry of the calendar",
            data_use=f"open the entry {title}", data_do=[["open", f"about:{title}"]],
            data_gone=title, aria_label=title,
        )  # fmt: skip
    words = f"{day.day} {content.MONTHS[day.month - 1]}"
    return div(
        "day", number, shown, data_e=f"day:{day.isoformat()}" if is_own else None,
        data_kind="day of the calendar", data_use=f"make an entry on {words}", aria_label=words,
        role="gridcell",
        data_do=[["set", "date", day.isoformat()], ["open", "entry"]] if is_own else None,
        style="cursor:pointer",
    )  # fmt: skip


def _bar(month: str, today: datetime.date, device: Device) -> Html:
    return heading(
        icon_button(
            "before", "back", "Previous month", [["count", "month", -1]],
            use="go to the previous month",
        ),
        icon_button(
            "after", "forth", "Next month", [["count", "month", 1]], use="go to the next month",
        ),
        tag("span", month, class_="title", data_e="month"), tag("span", class_="grow"),
        None if device.is_mobile
        else button("today", "Today", [["set", "month", 0]], use="go to today"),
        icon_button(
            "new", "plus", "New entry", [["set", "date", today.isoformat()], ["open", "entry"]],
            use="make a new entry",
        ),
    )  # fmt: skip


def _soon(entries: list[tuple[str, datetime.date, str]], device: Device) -> Html | None:
    return (
        div(
            "card lines fixed",
            [
                div(
                    "item",
                    tag(
                        "span", class_="box dot",
                        style="width:.8em;height:.8em;background:var(--accent)",
                    ),
                    div(
                        "grow", tag("div", t, data_e=f"soon:{t}"),
                        tag(
                            "div", f"{d.day} {content.MONTHS[d.month - 1]}, {clock}",
                            class_="muted small", data_e=f"when:{t}",
                        ),
                    ),
                )
                for t, d, clock in entries[:4]
            ],
            style="padding:0",
        ) if device.is_mobile else None
    )  # fmt: skip


def _body(
    bar: Html,
    entries: list[tuple[str, datetime.date, str]],
    grid: Html,
    names: Html,
    save: list[list[Sequence[Sequence[str]]]],
    soon: Html | None,
) -> Html:
    return join(
        div(
            "", bar, names, div("grow col", grid, soon, style="display:flex;gap:0"),
            data_view="main",
        ),
        dialog(
            "entry", "New entry", field("title", "Title", key="draft.title"),
            tag("p", "On ", tag("span", data_text="date", class_="strong")),
            div("row", tag("span", "Whole day", class_="grow"), _whole_day()),
            actions=[
                button("entry-no", "Cancel", [["pop"]], use="make no entry"),
                button("entry-yes", "Save", save, style="main-btn", use="save the entry"),
            ],
        ),
        [
            dialog(
                f"about:{t}", t,
                tag(
                    "p",
                    f"{content.DAYS[d.weekday()]}, {d.day} {content.MONTHS[d.month - 1]} at "
                    f"{clock}",
                ),
                actions=[
                    button(
                        f"drop:{t}", "Delete", [["add", "deleted", t], ["hide", t], ["pop"]],
                        style="bad", use=f"delete {t}",
                    ),
                    button(f"shut:{t}", "Close", [["pop"]], use="close the dialog"),
                ],
            )
            for t, d, clock in entries
        ],
    )  # fmt: skip


def _questions(
    entries: list[tuple[str, datetime.date, str]], month: str, device: Device
) -> tuple[Question, ...]:
    return (
        Question(ask="Which month is shown?", answer=month, seen=("month",)),
        *(
            Question(
                ask=f"On which day of the month is {t}?", answer=str(d.day),
                seen=(f"event:{t}", f"num:{d.isoformat()}"),
            )
            for t, d, _ in entries
        ),
        *(
            Question(
                ask=f"At what time is {t}?", answer=c,
                seen=(f"when:{t}",) if device.is_mobile else (f"event:{t}", f"clock:{t}"),
            )
            for t, _, c in entries[:4]
        ),
    )  # fmt: skip


def _tasks(
    at: datetime.date,
    begin: tuple[Intent, Intent],
    gone: str,
    gone_day: datetime.date,
    on: str,
    what: str,
) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Make an entry “{what}” on {on}.",
            plan=(*begin, click("entry-yes", "Title and day are right. I save it.")),
            ends={
                "date": at.isoformat(),
                "made": [{"draft.title": what, "date": at.isoformat(), "whole day": False}],
            },
        ),
        Task(
            goal=f"Make an entry “{what}” for the whole day on {on}.",
            plan=(
                *begin, click("whole", "It is for the whole day, so I turn that on."),
                click("entry-yes", "I save it."),
            ),
            ends={
                "date": at.isoformat(), "whole day": True,
                "made": [{"draft.title": what, "date": at.isoformat(), "whole day": True}],
            },
        ),
        Task(
            goal=f"Delete the entry “{gone}”.",
            plan=(
                click(f"event:{gone}", f"{gone} is on the {gone_day.day}. I open it."),
                click(f"drop:{gone}", "The dialog has a button to delete it."),
            ),
            ends={"deleted": [gone]},
        ),
    )  # fmt: skip


def _whole_day() -> Html:
    return tag(
        "button", class_="switch", role="switch", data_e="whole", data_kind="switch",
        data_lit="whole day", data_of="next to Whole day",
        data_use="make the entry last the whole day", data_do=[["toggle", "whole day"]],
        aria_label="Whole day",
    )  # fmt: skip
