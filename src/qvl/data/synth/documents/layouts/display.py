"""Pages to be looked at from afar or at table: slides, menus, song sheets."""

import numpy as np

from qvl.data.synth.documents import drawings, figures, formulas, people, tables
from qvl.data.synth.documents.blocks import (
    Block,
    Decoration,
    Group,
    Node,
    figure,
    flow,
    formula,
    heading,
    keep,
    listing,
    para,
    row,
    rule,
    table,
)
from qvl.data.synth.documents.layouts.sheet import STACKED, Page, Sheet
from qvl.data.synth.documents.prose import point, sentence, short_title, title
from qvl.data.synth.picking import pick, shuffled


def slide(sheet: Sheet) -> Page:
    """A slide: a title, and a list beside a figure, a chart, a table or a formula."""
    rng, style = sheet.rng, sheet.style
    room = sheet.size.height - 2 * sheet.margin_px - 7 * style.size_px
    most = int(np.clip(room / (2.6 * style.size_px * style.line), 2, 5))
    points = [point(rng, sheet.subject) for _ in range(int(rng.integers(2, most + 1)))]
    entries: list[str | tuple[str, list[str]]] = [*points]
    if most > 3 and sheet.chance(0.3):
        entries[0] = (points[0], [point(rng, sheet.subject) for _ in range(2)])
    left: Node = listing(style, entries, ordered=sheet.chance(0.2))
    form = rng.random()
    half = sheet.column_px(2)
    if form < 0.3:
        right: tuple[Node, ...] = (figures.chart_block(rng, width_px=half, fonts=sheet.fonts),)
    elif form < 0.6:
        right = (figures.picture(rng, style, sheet.subject, described=sheet.described)[0],)
    elif form < 0.72:
        right = (table(style, tables.data_table(rng, sheet.subject, most_columns=3), 1),)
    elif form < 0.8:
        right = (formula(formulas.known(rng).latex),)
    else:
        right = ()
    parts = (left, *right)
    if right and sheet.chance(0.3):
        parts = (*right, left)
    columns = f"repeat({len(parts)}, minmax(0, 1fr))"
    middle = Group(
        children=parts,
        classes="fit",
        style=f"flex: 1 1 0; display: grid; grid-template-columns: {columns}; gap: 2em; "
        f"align-items: {pick(rng, ('start', 'center'))}; min-height: 0",
    )
    bar = Decoration(markup=f'<div style="height: 4px; background: {style.accent}"></div>')
    end = row(
        para(people.firm(rng), classes="small muted"),
        para(str(rng.integers(1, 60)), classes="small muted"),
    )
    top = heading(short_title(rng, sheet.subject), 1)
    return Page(nodes=(top, *((bar,) if sheet.chance(0.5) else ()), middle, end))


_DISHES = {
    "Starters": ("Leek soup", "Beetroot and goat cheese", "Smoked trout on rye",
                 "Grilled asparagus", "Onion tart", "Pea and mint soup"),
    "Mains": ("Roast chicken with thyme", "Mushroom risotto", "Baked cod and fennel", "Lentil stew",
              "Beef braised in ale", "Ricotta ravioli", "Aubergine parmigiana"),
    "Desserts": ("Lemon tart", "Plum crumble", "Chocolate mousse", "Apple strudel",
                 "Rhubarb sorbet", "Cheese and quince"),
    "Drinks": ("Elderflower cordial", "House red, 0.2 l", "Pale ale", "Espresso", "Mint tea",
               "Sparkling water"),
}  # fmt: skip
_WITH = ("with brown butter", "seasonal salad, walnuts", "potatoes, dill, mustard", "from the oven",
         "for two", "(vegan)", "toasted seeds, yoghurt")  # fmt: skip

_TAKES_MORE = (*_DISHES["Starters"], *_DISHES["Mains"])


def menu(sheet: Sheet) -> Page:
    """A menu with prices."""
    rng = sheet.rng
    currency = pick(rng, people.CURRENCIES)
    name = f"{pick(rng, ('Café', 'The', 'Bistro', 'Osteria'))} {pick(rng, people.FIRM_WORDS)}"
    columns = pick(rng, (1, 2))
    leaders = pick(rng, ("dotted 1px", "none"))
    nodes: list[Node] = []
    for course, dishes in _DISHES.items():
        lines = [
            _dish(sheet, dish, people.money(int(rng.integers(6, 70)) * 50, currency), leaders)
            for dish in shuffled(rng, dishes)[: int(rng.integers(3, 6))]
        ]
        nodes.append(keep(heading(course, 2, style="margin-bottom: 0.5em"), *lines))
    top = (
        heading(name, 1, classes="centre", style="font-size: 2.2em"),
        para(
            pick(rng, ("Lunch, Tuesday to Saturday", "Evening menu", "Since 1987")),
            classes="centre muted",
        ),
        rule(),
    )
    last = para(f"{people.STREETS[int(rng.integers(len(people.STREETS)))]} {rng.integers(1, 99)} · "
                f"{people.phone(rng)}", classes="small centre")  # fmt: skip
    return Page(nodes=(*top, flow(*nodes, style="column-fill: balance"), last), columns=columns)


def _dish(sheet: Sheet, name: str, price: str, leaders: str) -> Node:
    more = pick(sheet.rng, _WITH) if name in _TAKES_MORE and sheet.chance(0.6) else ""
    text = f"{name} {price}" + (f"\n{more}" if more else "")
    inner = (
        f'<span style="display: flex; gap: 0.5em; align-items: baseline"><span>{name}</span> '
        f'<span style="flex: 1; border-bottom: {leaders}"></span><span>{price}</span></span>'
        + (f'<span class="small muted">{more}</span>' if more else "")
    )
    block = para(text)
    return Block(element=block.element, tag="p", inner=inner, style="margin-bottom: 0.5em")


_SONG_FIRST = ("The Green", "The Lonely", "Over the", "Old", "Morning at the", "The Winter",
               "Down by the", "The Miller's", "My Bonny", "Farewell to the")  # fmt: skip
_SONG_LAST = ("Hill", "Shepherd", "River", "Harbour", "Lark", "Rose", "Wagon", "Orchard", "Island",
              "Ferry", "Fiddle", "Moor")  # fmt: skip
_SONG_BOOKS = ("Songs and Dances", "Tunes from {}", "Forty Airs for Flute", "School Songbook",
               "Fiddle Tunes of {}")  # fmt: skip
_TEMPI = ("Slowly.", "Lively.", "In march time.", "Twice, the second time softly.", "With feeling.")


def song(sheet: Sheet) -> Page:
    """A page of tunes with their titles."""
    rng, style = sheet.rng, sheet.style
    width = sheet.column_px(1)
    nodes: list[Node] = []
    start = int(rng.integers(1, 90))
    for number in range(start, start + 7):
        name = f"{pick(rng, _SONG_FIRST)} {pick(rng, _SONG_LAST)}"
        by = pick(
            rng,
            (people.name(rng), "Traditional", f"{people.name(rng)}, {rng.integers(1780, 2020)}"),
        )
        tune = (
            heading(f"{number}. {name}", 2),
            para(by, classes="small right"),
            figures.sheet(rng, style, width_px=width),
            *((para(pick(rng, _TEMPI), classes="small"),) if sheet.chance(0.5) else ()),
        )
        nodes.append(keep(Group(children=tune, style=STACKED)))
    book = pick(rng, _SONG_BOOKS).format(pick(rng, people.TOWNS))
    top = (heading(book, 1, classes="centre"),) if sheet.chance(0.5) else ()
    last = para(str(rng.integers(2, 200)), classes="small centre")
    return Page(nodes=(*top, flow(*nodes), last))


def cover(sheet: Sheet) -> Page:
    """The first page of a report or a book: large words, a picture."""
    rng, style = sheet.rng, sheet.style
    aspect = sheet.column_px(1) / (sheet.size.height * float(rng.uniform(0.3, 0.5)))
    drawing = drawings.scene(rng, aspect)
    picture = figure(drawing, "caption" if sheet.described else "plain")
    big = f"font-size: {rng.uniform(2.4, 3.4):.2f}em; line-height: 1.1"
    words = (
        heading(title(rng, sheet.subject), 1, style=big),
        para(sentence(rng, sheet.subject), style="font-size: 1.25em; line-height: 1.35"),
    )
    space = Decoration(markup='<div style="flex: 1 1 0"></div>')
    last = para(f"{people.firm(rng)}\n{people.day(rng).year}", style=f"color: {style.accent}")
    first = (picture, *words) if sheet.chance(0.5) else (*words, picture)
    return Page(nodes=(*first, space, last))
