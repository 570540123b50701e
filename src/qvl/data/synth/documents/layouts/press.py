"""Pages for many readers: reports, newspaper articles, magazine pages."""

from functools import partial

from qvl.data.synth.documents import figures, people
from qvl.data.synth.documents.blocks import (
    Decoration,
    Group,
    Node,
    authors,
    flow,
    heading,
    keep,
    para,
    row,
    rule,
)
from qvl.data.synth.documents.layouts.sheet import (
    STACKED,
    Page,
    Sheet,
    foot,
    running_head,
    some_chart,
    some_list,
    some_picture,
    some_table,
    text_blocks,
)
from qvl.data.synth.documents.prose import SUBJECTS, paragraph, sentence, short_title, title
from qvl.data.synth.picking import pick


def report(sheet: Sheet) -> Page:
    """A page of a report in one column, with tables, charts and lists."""
    rng = sheet.rng
    top: list[Node] = []
    if sheet.chance(0.5):
        top.append(heading(title(rng, sheet.subject), 1))
        form = rng.random()
        if form < 0.4:
            top.append(
                para(f"{people.firm(rng)}, {people.written(rng, people.day(rng))}", classes="muted")
            )
        elif form < 0.7:
            top.append(authors([people.name(rng), people.firm(rng)], classes=""))
        if sheet.chance(0.4):
            top.append(rule())
    else:
        top += running_head(sheet, title(rng, sheet.subject))
    fillers = (some_table, some_table, some_chart, some_list, some_picture)
    nodes = text_blocks(sheet, columns=1, fillers=fillers, share=0.45)
    return Page(nodes=(*top, flow(*nodes), *foot(sheet)))


def article(sheet: Sheet) -> Page:
    """A newspaper page: a masthead, one or two articles in narrow columns."""
    rng = sheet.rng
    columns = int(rng.integers(2, 5)) if sheet.size.width > 900 else int(rng.integers(2, 4))
    name = (
        f"The {pick(rng, people.TOWNS)} {pick(rng, ('Herald', 'Courier', 'Gazette', 'Observer'))}"
    )
    number = f"No. {rng.integers(100, 9000)}"
    masthead = (
        heading(name, 1, classes="centre", style="font-size: 2.3em; line-height: 1.1"),
        rule(),
        row(
            para(people.written(rng, people.day(rng)), classes="small"),
            para(number, classes="small"),
        ),
        rule(),
    )
    lead = (
        heading(title(rng, sheet.subject), 2, style="font-size: 1.8em"),
        para(sentence(rng, sheet.subject), style="font-weight: 700"),
        para(f"By {people.name(rng)}", classes="small muted"),
    )
    fillers = (
        partial(some_picture, columns=columns),
        partial(some_chart, columns=columns),
        _quote,
    )
    nodes = text_blocks(sheet, columns=columns, fillers=fillers, share=0.25)
    if not sheet.chance(0.4):
        return Page(nodes=(*masthead, *lead, flow(*nodes), *foot(sheet)), columns=columns)
    return Page(
        nodes=(*masthead, *lead, flow(*nodes), rule(), _second_article(sheet)), columns=columns
    )


def _second_article(sheet: Sheet) -> Node:
    """A short one below, whole, in a strip of its own."""
    rng = sheet.rng
    subject = pick(rng, SUBJECTS)
    return Group(
        children=(
            heading(title(rng, subject), 3),
            para(paragraph(rng, subject, sentences=(2, 4))),
        ),
        style=STACKED,
    )


_KICKERS = ("FEATURE", "INTERVIEW", "ESSAY", "TRAVEL", "AT HOME")


def magazine(sheet: Sheet) -> Page:
    """A magazine page: a large picture, a large title over columns, a quotation between."""
    rng, style = sheet.rng, sheet.style
    columns = int(rng.integers(2, 4))
    aspect = sheet.column_px(1) / (sheet.size.height * float(rng.uniform(0.22, 0.38)))
    hero, _ = figures.picture(rng, style, sheet.subject, described=sheet.described, aspect=aspect)
    big = f"font-size: {rng.uniform(2.1, 3.0):.2f}em; line-height: 1.08"
    head: tuple[Node, ...] = (
        heading(title(rng, sheet.subject), 1, style=big),
        para(sentence(rng, sheet.subject), style="font-size: 1.2em; line-height: 1.35"),
        para(f"Text: {people.name(rng)} · Pictures: {people.name(rng)}", classes="small muted"),
    )
    spaced = f"color: {style.accent}; letter-spacing: 0.14em; font-weight: 700"
    kicker = para(pick(rng, _KICKERS), classes="small", style=spaced)
    top = (hero, kicker, *head) if sheet.chance(0.5) else (kicker, *head, hero)
    nodes = text_blocks(
        sheet, columns=columns, fillers=(_quote, partial(some_picture, columns=columns)), share=0.3
    )
    return Page(nodes=(*top, flow(*nodes), *foot(sheet)), columns=columns)


def _quote(sheet: Sheet) -> list[Node]:
    rng, style = sheet.rng, sheet.style
    look = f"font-size: 1.35em; line-height: 1.25; color: {style.accent}; text-align: left"
    bar = Decoration(
        markup=f'<div style="border-top: 3px solid {style.accent}; width: 3em; '
        'margin-bottom: 8px"></div>'
    )
    return [keep(bar, para(f"“{sentence(rng, sheet.subject)}”", style=look))]


def newsletter(sheet: Sheet) -> Page:
    """Short pieces with small pictures, each under its own title."""
    rng = sheet.rng
    columns = 2
    banner = Group(
        children=(
            heading(f"{people.firm(rng)} News", 1, style="color: #fff"),
            para(people.written(rng, people.day(rng)), style="color: #fff"),
        ),
        style=f"background: {sheet.style.accent}; padding: 0.9em 1.1em; display: flex; "
        "justify-content: space-between; align-items: center; gap: 1em",
    )
    nodes: list[Node] = []
    for _ in range(8):
        subject = pick(rng, SUBJECTS)
        nodes.append(heading(short_title(rng, subject), 2))
        nodes.append(para(paragraph(rng, subject, sentences=(2, 5)), splits=True))
        if sheet.chance(0.4):
            nodes += some_picture(sheet, columns=columns)
    return Page(nodes=(banner, flow(*nodes), *foot(sheet)), columns=columns)
