"""A board of figures, a bar chart and the latest orders."""

from collections.abc import Sequence

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Question, Task, click
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    bottom_bar,
    button,
    dialog,
    face,
    heading,
    icon_button,
    menu,
    menu_entry,
    navigation,
    option,
    tabs,
)


def dashboard(rng: np.random.Generator, device: Device) -> App:
    """Returns a board with figures, a chart and the latest orders."""
    name = content.app_name(rng, "dashboard")
    figures = _figures(rng)
    days = [day[:3] for day in content.DAYS]
    values = [int(v) for v in rng.integers(10, 100, 7)]
    orders = [
        (
            f"#{int(rng.integers(1000, 9999))}", person, f"${content.price(rng):.2f}",
            content.one(rng, ("Paid", "Open", "Sent")),
        )
        for person in content.people(rng, 6)
    ]  # fmt: skip
    cards = _cards(figures)
    chart = _chart(days, values)
    rows = [
        tag(
            "tr", tag("td", number, data_e=f"no:{number}"),
            tag("td", person, data_e=f"who:{number}"),
            tag("td", cost, class_="num", data_e=f"sum:{number}"),
            tag("td", tag("span", state, class_="mark", data_e=f"is:{number}")),
        )
        for number, person, cost, state in orders
    ]  # fmt: skip
    latest = _latest(rows)
    periods = ("Day", "Week", "Month", "Year")
    bar = tabs([(f"period:{p}", p, [["set", "period", p]], f"period={p}") for p in periods])
    head = _head(name, device)
    grid = div(
        "grow scroll pad col", div("grid", cards, style="--cell:150px"),
        chart if device.is_mobile
        else div("row", div("grow", chart), div("grow", latest), style="align-items:stretch"),
        latest if device.is_mobile else None,
    )  # fmt: skip
    foot = (
        bottom_bar(
            [
                ("tab:home", "house", "Overview", [], "ui.view=main"),
                ("tab:sales", "chart", "Sales", [["say", "No sales yet"]], "ui.view=s"),
                ("tab:team", "person", "Team", [["say", "Team"]], "ui.view=t"),
            ],
        ) if device.is_mobile else None
    )  # fmt: skip
    main = join(head, bar, grid, foot)
    if not device.is_mobile:
        side = _side_phone()
        main = join(head, div("main", side, div("fill", bar, grid, style="min-width:0")))
    kinds = ("PDF", "CSV", "Excel")
    save = [
        [
            "need", ["kind"],
            [
                ["keep", "reports", "kind", "period", "details"], ["pop"],
                ["say", "The report was saved."],
            ],
        ],
    ]  # fmt: skip
    body = _body(kinds, main, save)
    period, kind = content.one(rng, periods[1:]), content.one(rng, kinds)
    top = days[values.index(max(values))]
    unique = sorted(values)[-1] != sorted(values)[-2]
    return App(
        name=name, kind="dashboard", icon="chart", body=body,
        state={"period": "Day", "kind": "", "details": False, "section": "Overview"},
        about=f"A dashboard called {name} with figures, a bar chart and the latest orders",
        facts=tuple(
            Fact(
                text=f"{t} is {v}, {'up' if c >= 0 else 'down'} by {abs(c)} %.",
                seen=(f"value:{t}", f"title:{t}", f"change:{t}"),
            )
            for t, v, c in figures
        ),
        questions=_questions(days, figures, orders, top, unique), tasks=_tasks(kind, period),
        looks=(("download",), ("bell",), (f"period:{period}",)),
    )  # fmt: skip


def _figures(rng: np.random.Generator) -> list[tuple[str, str, float]]:
    return [
        (
            title, f"{sign}{int(rng.integers(low, high)):,}{unit}",
            round(float(rng.uniform(-12, 18)), 1),
        )
        for title, sign, low, high, unit in content.some(
            rng,
            (
                ("Revenue", "$", 2000, 90000, ""), ("Orders", "", 80, 900, ""),
                ("Visitors", "", 1000, 40000, ""), ("Returns", "", 2, 60, ""),
                ("Conversion", "", 1, 9, " %"), ("New customers", "", 10, 300, ""),
            ),
            4,
        )
    ]  # fmt: skip


def _cards(figures: list[tuple[str, str, float]]) -> list[Html]:
    return [
        div(
            "card col tight", tag("span", title, class_="muted small", data_e=f"title:{title}"),
            tag("span", value, style="font-size:1.6em", class_="strong", data_e=f"value:{title}"),
            tag(
                "span", f"{'▲' if change >= 0 else '▼'} {abs(change)} %",
                class_=f"mark {'good' if change >= 0 else 'bad'}", data_e=f"change:{title}",
                style="align-self:flex-start",
            ),
        )
        for title, value, change in figures
    ]  # fmt: skip


def _chart(days: list[str], values: list[int]) -> Html:
    return div(
        "card col",
        div(
            "row", tag("h2", "Orders by day"), tag("span", class_="grow"),
            icon_button(
                "chart-menu", "dots", "Chart options", [["open", "menu"]],
                use="open the options of the chart",
            ),
        ),
        _bars(days, values),
    )  # fmt: skip


def _latest(rows: list[Html]) -> Html:
    return div(
        "card col", tag("h2", "Latest orders"),
        tag(
            "table",
            tag(
                "tr", tag("th", "Order"), tag("th", "Customer"), tag("th", "Sum", class_="num"),
                tag("th", "Status"),
            ),
            rows,
        ),
        style="overflow:hidden",
    )  # fmt: skip


def _head(name: str, device: Device) -> Html:
    return heading(
        icon_button("nav", "menu", "Menu", [["say", "Menu"]], use="open the menu")
        if device.is_mobile
        else None,
        tag("span", name, class_="title", data_e="brand"), tag("span", class_="grow"),
        icon_button(
            "bell", "bell", "Notifications", [["open", "news"]], use="show the notifications",
        ),
        icon_button(
            "download", "download", "Download report", [["open", "report"]],
            use="download a report",
        ),
        face("Dana Lee"),
    )  # fmt: skip


def _side_phone() -> Html:
    return div(
        "side",
        [
            navigation(
                f"go:{t}", t, [["say", t]], name=i, lit=f"section={t}", use=f"go to {t.lower()}",
            )
            for t, i in (
                ("Overview", "house"), ("Sales", "chart"), ("Products", "tag"),
                ("Customers", "person"), ("Deliveries", "truck"), ("Settings", "gear"),
            )
        ],
    )  # fmt: skip


def _body(
    kinds: tuple[str, str, str], main: Html, save: list[list[Sequence[Sequence[str]]]]
) -> Html:
    return join(
        div("", main, data_view="main"),
        menu(
            "menu",
            [
                menu_entry(
                    "menu:hide", "Hide chart", [["pop"], ["say", "Hidden"]], with_icon="eye",
                ),
                menu_entry(
                    "menu:save", "Save as picture", [["pop"], ["say", "Saved"]],
                    with_icon="picture",
                ),
            ],
            title="Chart options",
        ),
        menu(
            "news",
            [
                menu_entry(
                    f"news:{i}", text, [["pop"]], with_icon="info", use="open the notification",
                )
                for i, text in enumerate(
                    ("Three parcels are late", "A new review came in", "Stock is low"),
                )
            ],
            title="Notifications",
        ),
        dialog(
            "report", "Download report",
            div(
                "col tight",
                [
                    option(
                        f"kind:{k}", k, lit=f"kind={k}", do=[["set", "kind", k]], is_radio=True,
                    )
                    for k in kinds
                ],
                role="radiogroup",
            ),
            option("details", "With details", lit="details", do=[["toggle", "details"]]),
            actions=[
                button("report-no", "Cancel", [["pop"]], use="close the dialog"),
                button(
                    "report-yes", "Download", save, style="main-btn", with_icon="download",
                    use="save the report",
                ),
            ],
        ),
    )  # fmt: skip


def _questions(
    days: list[str],
    figures: list[tuple[str, str, float]],
    orders: list[tuple[str, str, str, str]],
    top: str,
    unique: bool,
) -> tuple[Question, ...]:
    return (
        *(
            Question(
                ask=f"What is the value of {t}?", answer=v, seen=(f"value:{t}", f"title:{t}"),
            )
            for t, v, _ in figures
        ),
        *(
            Question(
                ask=f"By how much did {t} change?", answer=f"{'+' if c >= 0 else '-'}{abs(c)} %",
                seen=(f"change:{t}", f"title:{t}"),
            )
            for t, _, c in figures
        ),
        *(
            Question(ask=f"What is the sum of order {n}?", answer=s, seen=(f"no:{n}", f"sum:{n}"))
            for n, _, s, _ in orders
        ),
        *(
            Question(ask=f"Who placed order {n}?", answer=w, seen=(f"no:{n}", f"who:{n}"))
            for n, w, _, _ in orders
        ),
        *(
            (
                Question(
                    ask="On which day were there most orders?",
                    answer=content.DAYS[days.index(top)], seen=("bars",),
                ),
            ) if unique else ()
        ),
    )  # fmt: skip


def _tasks(kind: str, period: str) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Show the figures of the {period.lower()}.",
            plan=(
                click(f"period:{period}", f"The period is chosen with the tabs; I take {period}."),
            ),
            ends={"period": period},
        ),
        Task(
            goal=f"Download the report of the {period.lower()} as {kind} with details.",
            plan=(
                click(f"period:{period}", f"First the period: {period}."),
                click("download", "The arrow at the top downloads a report."),
                click(f"kind:{kind}", f"The dialog offers formats. I choose {kind}."),
                click("details", "Details are wanted, so I check the box."),
                click("report-yes", "All is chosen. I download it."),
            ),
            ends={
                "period": period,
                "kind": kind,
                "details": True,
                "reports": [{"kind": kind, "period": period, "details": True}],
            },
        ),
    )


def _bars(names: Sequence[str], values: Sequence[int]) -> Html:
    step = 50
    parts = []
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        x = 12 + i * step
        parts.append(
            Html(
                f'<rect x="{x}" y="{120 - value}" width="30" height="{value}" rx="3" '
                'fill="var(--accent)"/>'
                f'<text x="{x + 15}" y="136" text-anchor="middle">{name}</text>'
                f'<text x="{x + 15}" y="{115 - value}" text-anchor="middle">{value}</text>'
            )
        )
    return tag("svg", parts, viewBox="0 0 364 142", class_="bars", data_e="bars")
