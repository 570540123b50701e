"""People in a table, or in a list on a phone, with actions in every row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    button,
    choices,
    dialog,
    face,
    field,
    heading,
    icon_button,
    menu,
    menu_entry,
    navigation,
    pick,
    search,
)

_ROLES = ("Manager", "Developer", "Designer", "Accountant", "Support", "Analyst")


_STATES = (("Active", "good"), ("Invited", "warn"), ("Blocked", "bad"))


_PAGE = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class _Person:
    name: str
    role: str
    city: str
    state: str
    age: int


def table(rng: np.random.Generator, device: Device) -> App:
    """Returns people in a table, or in a list on a phone, with actions in every row."""
    people = [
        _Person(
            name=name, role=content.one(rng, _ROLES), city=content.one(rng, content.CITIES),
            state=_STATES[int(rng.choice(3, p=(0.6, 0.25, 0.15)))][0],
            age=int(rng.integers(21, 64)),
        )
        for name in content.people(rng, int(rng.integers(8, 15)))
    ]  # fmt: skip
    name = content.app_name(rng, "table")
    style = dict(_STATES)
    head = tag(
        "tr", tag("th", ""), tag("th", "Name"), tag("th", "Role"), tag("th", "City"),
        tag("th", "Age", class_="num"), tag("th", "Status"), tag("th", ""),
    )  # fmt: skip
    rows = _rows(people, style)
    cards = _cards(people, style)
    find = search(
        "search", "Search", key="draft.query",
        do=[["copy", "draft.query", "people.query"], ["set", "people.page", 1]],
        use="search for a person",
    )  # fmt: skip
    add = button(
        "add", "Add person", [["open", "person"]], style="main-btn", with_icon="plus",
        use="add a person",
    )  # fmt: skip
    pages = -(-len(people) // _PAGE)
    turn = _turn(pages, people)
    if device.is_mobile:
        main = _main_phone(cards, find, name)
    else:
        side = _side_desktop(name)
        tool = _tool_desktop(add, find)
        body_rows = tag("tbody", rows, data_list="people", data_page=str(_PAGE))
        main = div(
            "main", side,
            div(
                "fill", tool, div("grow scroll", tag("table", tag("thead", head), body_rows)),
                turn, style="min-width:0",
            ),
        )  # fmt: skip
    save = [
        [
            "need", ["draft.name", "Role"],
            [
                ["keep", "added", "draft.name", "Role"], ["clear", "draft.name"], ["pop"],
                ["say", "Saved"],
            ],
        ],
    ]  # fmt: skip
    body = _body(main, people, save)
    seen = people[:_PAGE]
    return App(
        name=name, kind="table", icon="person", body=body,
        state={
            "people.query": "", "people.page": 1, "people.order": "", "ticked": [], "removed": [],
            "section": "People", "draft.query": "", "Role": "",
            **{f"draft.{p.name}": p.name for p in people},
        },
        about=f"A list of people in an app called {name}" if device.is_mobile
        else f"A table of people in an app called {name}",
        facts=(
            *(
                () if device.is_mobile
                else (
                    Fact(
                        text=f"{len(people)} people are listed on {pages} pages.",
                        seen=("total", f"page:{pages}"),
                    ),
                )
            ),
            *(
                Fact(
                    text=f"{p.name} is {p.state.lower()}.",
                    seen=(f"name:{p.name}", f"state:{p.name}"),
                )
                for p in seen[:3]
            ),
        ),
        questions=_questions(people, seen, device), tasks=_table_tasks(rng, people, device),
        looks=(("add",), ("sort",), (f"remove:{seen[0].name}",), (f"change:{seen[1].name}",)),
    )  # fmt: skip


def _rows(people: list[_Person], style: dict[str, str]) -> list[Html]:
    return [
        tag(
            "tr",
            tag(
                "td",
                tag(
                    "button", tag("span", icon("check", 14), class_="box"), class_="opt",
                    role="checkbox", data_e=f"tick:{p.name}", data_kind="checkbox",
                    data_of=f"in the row of {p.name}", data_use=f"select {p.name}",
                    data_lit=f"ticked~{p.name}", data_do=[["add", "ticked", p.name]],
                    aria_label=f"Select {p.name}",
                ),
                style="width:2em",
            ),
            tag("td", p.name, class_="strong", data_e=f"name:{p.name}"),
            tag("td", p.role, data_e=f"role:{p.name}"),
            tag("td", p.city, data_e=f"city:{p.name}"),
            tag("td", str(p.age), class_="num", data_e=f"age:{p.name}"),
            tag(
                "td",
                tag("span", p.state, class_=f"mark {style[p.state]}", data_e=f"state:{p.name}"),
            ),
            tag("td", div("row tight", _row_actions(p), style="justify-content:flex-end")),
            data_item=f"{p.name} {p.role} {p.city}", data_number=str(p.age), data_gone=p.name,
        )
        for p in people
    ]  # fmt: skip


def _cards(people: list[_Person], style: dict[str, str]) -> list[Html]:
    return [
        div(
            "item", face(p.name),
            div(
                "grow", tag("div", p.name, class_="strong cut", data_e=f"name:{p.name}"),
                tag(
                    "div", f"{p.role}, {p.city}", class_="muted small cut",
                    data_e=f"role:{p.name}",
                ),
            ),
            tag("span", p.state, class_=f"mark {style[p.state]}", data_e=f"state:{p.name}"),
            _row_actions(p)[0], _row_actions(p)[1], data_item=f"{p.name} {p.role} {p.city}",
            data_number=str(p.age), data_gone=p.name,
        )
        for p in people
    ]  # fmt: skip


def _turn(pages: int, people: list[_Person]) -> Html:
    return div(
        "row pad fixed", tag("span", f"{len(people)} people", class_="muted", data_e="total"),
        tag("span", class_="grow"),
        [
            tag(
                "button", str(n), class_="chip", data_e=f"page:{n}", data_kind="page number",
                data_lit=f"people.page={n}", data_use=f"go to page {n}",
                data_do=[["set", "people.page", n]],
            )
            for n in range(1, pages + 1)
        ],
    )  # fmt: skip


def _main_phone(cards: list[Html], find: Html, name: str) -> Html:
    return join(
        heading(
            tag("span", name, class_="title", data_e="brand"), tag("span", class_="grow"),
            icon_button("sort", "sort", "Sort", [["open", "sort.menu"]], use="sort the people"),
        ),
        div("pad fixed", find), div("grow scroll lines", cards, data_list="people"),
        icon_button(
            "add", "plus", "Add person", [["open", "person"]], style="round float",
            use="add a person",
        ),
    )  # fmt: skip


def _side_desktop(name: str) -> Html:
    return div(
        "side", tag("h2", name, class_="pad", data_e="brand"),
        [
            navigation(
                f"nav:{title}", title, [["set", "section", title]], name=picture,
                lit=f"section={title}", use=f"go to {title.lower()}",
            )
            for title, picture in (
                ("People", "person"), ("Teams", "layers"), ("Reports", "chart"),
                ("Billing", "card"), ("Settings", "gear"),
            )
        ],
    )  # fmt: skip


def _tool_desktop(add: Html, find: Html) -> Html:
    return div(
        "row pad fixed", tag("h1", "People"), tag("span", class_="grow"), find,
        icon_button("sort", "sort", "Sort", [["open", "sort.menu"]], use="sort the table"),
        icon_button(
            "export", "download", "Export", [["say", "The file was saved."]],
            use="download the table",
        ),
        add,
    )  # fmt: skip


def _body(main: Html, people: list[_Person], save: list[list[Sequence[Sequence[str]]]]) -> Html:
    return join(
        div("", main, data_view="main"),
        menu(
            "sort.menu",
            [
                menu_entry(
                    "sort:name", "By name", [["set", "people.order", "name up"], ["pop"]],
                    use="sort by name",
                ),
                menu_entry(
                    "sort:young", "Youngest first",
                    [["set", "people.order", "number up"], ["pop"]], use="put the youngest first",
                ),
                menu_entry(
                    "sort:old", "Oldest first", [["set", "people.order", "number down"], ["pop"]],
                    use="put the oldest first",
                ),
            ],
            title="Sort",
        ),
        dialog(
            "person", "New person", field("new-name", "Name", key="draft.name"),
            pick("role", "Role", key="Role"),
            actions=[
                button("person-no", "Cancel", [["pop"]], use="close the dialog"),
                button("person-yes", "Save", save, style="main-btn", use="save the person"),
            ],
        ),
        choices("role", "Role", _ROLES, key="Role"),
        [
            dialog(
                f"sure:{p.name}", f"Remove {p.name}?", tag("p", "This cannot be undone."),
                actions=[
                    button(f"stay:{p.name}", "Cancel", [["pop"]], use=f"keep {p.name}"),
                    button(
                        f"gone:{p.name}", "Remove",
                        [["add", "removed", p.name], ["hide", p.name], ["pop"]], style="bad",
                        use=f"remove {p.name}",
                    ),
                ],
            )
            for p in people
        ],
        [
            dialog(
                f"edit:{p.name}", f"Edit {p.name}",
                field(f"new:{p.name}", "Name", key=f"draft.{p.name}"),
                actions=[
                    button(f"edit-no:{p.name}", "Cancel", [["pop"]], use="close without changes"),
                    button(
                        f"edit-yes:{p.name}", "Save",
                        [
                            ["copy", f"draft.{p.name}", f"renamed {p.name}"], ["pop"],
                            ["say", "Saved"],
                        ],
                        style="main-btn", use="save the changes",
                    ),
                ],
            )
            for p in people
        ],
    )  # fmt: skip


def _questions(people: list[_Person], seen: list[_Person], device: Device) -> tuple[Question, ...]:
    return (
        *(
            q
            for p in seen
            for q in (
                Question(
                    ask=f"What is the status of {p.name}?", answer=p.state,
                    seen=(f"name:{p.name}", f"state:{p.name}"),
                ),
                *(
                    () if device.is_mobile
                    else (
                        Question(
                            ask=f"In which city is {p.name}?", answer=p.city,
                            seen=(f"name:{p.name}", f"city:{p.name}"),
                        ),
                        Question(
                            ask=f"How old is {p.name}?", answer=str(p.age),
                            seen=(f"name:{p.name}", f"age:{p.name}"),
                        ),
                        Question(
                            ask=f"What is the role of {p.name}?", answer=p.role,
                            seen=(f"name:{p.name}", f"role:{p.name}"),
                        ),
                    )
                ),
            )
        ),
        *(() if device.is_mobile else _questions_of_the_table(people, seen)),
    )  # fmt: skip


def _questions_of_the_table(
    people: Sequence[_Person], seen: Sequence[_Person]
) -> tuple[Question, ...]:
    """About all of its rows; a phone shows neither how many there are nor their ages."""
    total = Question(
        ask="How many people are there in all?", answer=str(len(people)), seen=("total",)
    )
    ages = sorted(person.age for person in seen)
    if ages[-1] == ages[-2]:
        return (total,)
    oldest = Question(
        ask="Who is the oldest person shown on this page?",
        answer=max(seen, key=lambda p: p.age).name,
        seen=tuple(f"age:{p.name}" for p in seen),
    )
    return total, oldest


def _table_tasks(
    rng: np.random.Generator, people: Sequence[_Person], device: Device
) -> tuple[Task, ...]:
    p, fresh, role = content.one(rng, people), content.people(rng, 1)[0], content.one(rng, _ROLES)
    page = people.index(p) // _PAGE + 1
    turn = (
        () if page == 1 or device.is_mobile
        else (click(f"page:{page}", f"{p.name} is not on this page. I go to page {page}."),)
    )  # fmt: skip
    at = {} if not turn else {"people.page": page}
    sure = (
        click(f"remove:{p.name}", f"The trash can in the row of {p.name} removes the person."),
        click(f"gone:{p.name}", "The dialog wants to know whether I am sure. I am."),
    )
    oldest = max(people, key=lambda person: person.age)
    return (
        Task(goal=f"Remove {p.name}.", plan=(*turn, *sure), ends={"removed": [p.name], **at}),
        Task(
            goal=f"Search for {p.name} and remove the entry.",
            plan=(
                enter("search", p.name, "With the search I find the person fastest."),
                Intent(deed="keys", text="enter", why="Enter starts the search."), *sure,
            ),
            ends={"removed": [p.name], "people.query": p.name},
        ),
        Task(
            goal=f"Rename {p.name} to {fresh}.",
            plan=(
                *turn, click(f"change:{p.name}", f"The pencil in the row of {p.name} edits it."),
                enter(
                    f"new:{p.name}", fresh,
                    "The field holds the old name. I write the new one instead.",
                ),
                click(f"edit-yes:{p.name}", "I save the change."),
            ),
            ends={f"renamed {p.name}": fresh, **at},
        ),
        Task(
            goal=f"Add {fresh} as {role}.",
            plan=(
                click("add", "A new person is added with the plus sign."),
                enter("new-name", fresh, "The dialog asks for the name."),
                click("role", "The role is chosen from a list."),
                click(f"role:{role}", f"{role} is what I need."),
                click("person-yes", "I save the person."),
            ),
            ends={"added": [{"draft.name": fresh, "Role": role}], "Role": role},
        ),
        *(
            () if device.is_mobile
            else (
                Task(
                    goal="Sort the people by age, the oldest first, and select the first one.",
                    plan=(
                        click("sort", "I open the menu for the order."),
                        click("sort:old", "Oldest first is what is asked for."),
                        click(
                            f"tick:{oldest.name}",
                            f"{oldest.name} is in the first row. I check the box there.",
                        ),
                    ),
                    ends={"people.order": "number down", "ticked": [oldest.name]},
                ),
            ) if sum(one.age == oldest.age for one in people) == 1 else ()
        ),
    )  # fmt: skip


def _row_actions(p: _Person) -> list[Html]:
    row = f"in the row of {p.name}"
    return [
        icon_button(
            f"change:{p.name}", "pen", "Edit", [["open", f"edit:{p.name}"]], use=f"edit {p.name}",
            of=row,
        ),
        icon_button(
            f"remove:{p.name}", "trash", "Delete", [["open", f"sure:{p.name}"]],
            use=f"remove {p.name}", of=row,
        ),
    ]  # fmt: skip
