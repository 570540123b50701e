"""Papers of offices: letters, invoices, forms."""

import datetime

from qvl.data.synth.documents import drawings, people
from qvl.data.synth.documents.blocks import (
    Block,
    Decoration,
    Group,
    Node,
    flow,
    heading,
    keep,
    listing,
    para,
    row,
    rule,
    table,
)
from qvl.data.synth.documents.layouts.sheet import Page, Sheet
from qvl.data.synth.documents.prose import ADVICE, FINDINGS, fill, paragraph, point, short_title
from qvl.data.synth.picking import pick, shuffled
from qvl.tasks.document_elements import Cell, Table


def _letterhead(sheet: Sheet, firm: str) -> Node:
    """Mark, name and address of a firm."""
    rng, accent = sheet.rng, sheet.style.accent
    street, town = people.address(rng)
    mark = Decoration(
        markup='<div style="width: 3em; height: 3em; flex: none">'
        f"{drawings.logo(rng, accent)}</div>"
    )
    name = heading(firm, 2, style=f"color: {accent}")
    where = para(
        f"{street}\n{town}\n{people.phone(rng)}", classes="small right", style="margin-left: auto"
    )
    return Group(children=(mark, name, where), style="display: flex; align-items: center; gap: 1em")


def _foot(sheet: Sheet, firm: str) -> tuple[Node, ...]:
    """What firms print at the end of their paper."""
    rng = sheet.rng
    form = rng.random()
    if form < 0.4:
        return ()
    if form < 0.6:
        return (para("Page 1 of 1", classes="small right"),)
    line = f"{firm} · Reg. no. {rng.integers(10_000, 999_999)} · Account {_account(sheet)}"
    return (rule(), para(line, classes="small centre"))


def letter(sheet: Sheet) -> Page:
    """A letter of a firm: addresses, subject, text, signature."""
    rng, style = sheet.rng, sheet.style
    firm, writer, reader = people.firm(rng), people.name(rng), people.name(rng)
    street, town = people.address(rng)
    date = people.written(rng, people.day(rng))
    body: list[Node] = [
        para(fill(rng, pick(rng, _FIRST), sheet.subject)),
        *(
            para(paragraph(rng, sheet.subject, sentences=(3, 5)), splits=True)
            for _ in range(int(rng.integers(2, 5)))
        ),
    ]
    if sheet.chance(0.4):
        points = [point(rng, sheet.subject) for _ in range(int(rng.integers(2, 5)))]
        body += [
            para("We would like to discuss:"),
            listing(style, points, ordered=sheet.chance(0.5)),
        ]
    body.append(para(fill(rng, pick(rng, ADVICE), sheet.subject)))
    body.append(para(pick(rng, _LAST)))
    end = pick(rng, ("Yours sincerely,", "With kind regards,", "Yours faithfully,", "Best wishes,"))
    hand = Decoration(markup=_SIGNATURE)
    closing = keep(para(end), hand, para(f"{writer}\n{pick(rng, _ROLES)}"))
    nodes = (
        _letterhead(sheet, firm),
        *((rule(),) if sheet.chance(0.5) else ()),
        para(f"{reader}\n{street}\n{town}", style="margin-top: 1.2em"),
        para(date, classes="right"),
        para(short_title(rng, sheet.subject), style="font-weight: 700"),
        flow(para(f"Dear {pick(rng, ('Ms', 'Mr', 'Dr'))} {reader.split()[-1]},"), *body, closing),
        *_foot(sheet, firm),
    )
    return Page(nodes=nodes)


_SIGNATURE = (
    '<svg width="120" height="36" viewBox="0 0 120 36" fill="none" stroke="#23408e" '
    'stroke-width="1.6"><path d="M6 26 q10 -30 18 -6 t14 -8 q4 18 12 2 t18 -2 q8 10 20 -4 t26 2"/>'
    "</svg>"
)
_FIRST = (
    "Thank you for your letter about {subjects} in {place}.",
    "We are writing to you about {measure} at {place}.",
    "Following our meeting in {year}, please find our view on {subjects} below.",
    "I am pleased to send you our summary of {method}.",
)
_LAST = (
    "Please let us know by the end of the month whether this suits you.",
    "Do not hesitate to call if anything is unclear.",
    "We look forward to your reply.",
    "A signed copy of this letter is enough as an answer.",
)
_ROLES = ("Head of office", "Managing director", "Secretary", "Project lead", "Treasurer")

_GOODS = (
    "Desk lamp", "Oak shelf 80 cm", "Printer paper A4, 500 sheets", "Delivery", "Consulting, hours",
    "LED bulb E27", "Steel bracket", "Garden soil 40 l", "Cable 2.5 m", "Annual licence",
    "Repair of pump", "Paint, white, 5 l", "Coffee beans 1 kg", "Ceramic tiles, box",
    "Rental of van", "Toner cartridge", "Safety gloves, pair", "Spare battery",
    "Window cleaning", "Rye flour 25 kg",
)  # fmt: skip


def invoice(sheet: Sheet) -> Page:
    """An invoice whose sums are right."""
    rng, style = sheet.rng, sheet.style
    firm, customer = people.firm(rng), people.firm(rng)
    street, town = people.address(rng)
    date = people.day(rng)
    currency = pick(rng, people.CURRENCIES)
    number = f"{date.year}-{rng.integers(1, 9999):04d}"
    facts = para(
        f"Invoice no. {number}\nDate: {people.written(rng, date)}\n"
        f"Due: {people.written(rng, date + datetime.timedelta(days=30))}\n"
        f"Customer no. {rng.integers(1000, 99999)}",
        classes="right",
    )
    last = (
        para(f"Please pay to {firm}, account {_account(sheet)}, within 30 days.", classes="small"),
        para(
            pick(rng, ("Thank you for your order.", "Goods remain our property until paid.")),
            classes="small",
        ),
    )
    items = _items(sheet, currency)
    nodes = (
        _letterhead(sheet, firm),
        *((rule(),) if sheet.chance(0.5) else ()),
        row(para(f"{customer}\n{street}\n{town}"), facts, style="margin: 1.2em 0"),
        heading(pick(rng, ("Invoice", "INVOICE", f"Invoice {number}")), 1),
        table(style, items, 1, wide=True),
        *last,
        Decoration(markup='<div style="flex: 1 1 0"></div>'),
        *_foot(sheet, firm),
    )
    return Page(nodes=nodes)


def _account(sheet: Sheet) -> str:
    return " ".join(f"{n:04d}" for n in sheet.rng.integers(0, 10_000, 4))


def _items(sheet: Sheet, currency: tuple[str, str]) -> Table:
    """Goods with quantity, price and amount; sum, tax and total below."""
    rng = sheet.rng
    goods = shuffled(rng, _GOODS)[: int(rng.integers(2, 9))]
    rows: list[tuple[Cell, ...]] = [
        tuple(Cell(t, True) for t in ("Pos.", "Description", "Quantity", "Unit price", "Amount"))
    ]
    net = 0
    for place, name in enumerate(goods, start=1):
        quantity, price = int(rng.integers(1, 25)), int(rng.integers(90, 45_000))
        net += quantity * price
        texts = (str(place), name, str(quantity), people.money(price, currency),
                 people.money(quantity * price, currency))  # fmt: skip
        rows.append(tuple(Cell(text) for text in texts))
    rate = int(rng.choice([5, 7, 10, 19, 20]))
    tax = round(net * rate / 100)
    for label, cents in (("Net", net), (f"VAT {rate}%", tax), ("Total", net + tax)):
        rows.append((Cell(label, False, 1, 4), Cell(people.money(cents, currency))))
    return Table(rows=tuple(rows))


_FORMS = (
    "Application for membership", "Registration form", "Claim for expenses", "Order form",
    "Library card application", "Change of address",
)  # fmt: skip


def form(sheet: Sheet) -> Page:
    """A form that somebody has filled in."""
    rng = sheet.rng
    person, firm = people.name(rng), people.firm(rng)
    street, town = people.address(rng)
    entries = {
        "Surname": person.split()[-1],
        "First name": person.split()[0],
        "Date of birth": people.written(rng, people.day(rng, first=1945, last=2005)),
        "Street": street,
        "Town": town,
        "Telephone": people.phone(rng),
        "E-mail": people.email(person, rng),
        "Occupation": pick(rng, ("Teacher", "Baker", "Engineer", "Nurse", "Student", "Retired")),
        "Member since": str(rng.integers(1990, 2026)),
        "Reference": f"{pick(rng, 'ABCDEFGH')}{rng.integers(1000, 99999)}",
        "Amount": people.money(int(rng.integers(500, 90_000)), pick(rng, people.CURRENCIES)),
    }  # fmt: skip
    chosen = [name for name in entries if sheet.chance(0.8)]
    look = pick(
        rng,
        (
            "border-bottom: 1px solid currentColor; padding: 0.5em 0 0.15em",
            "border: 1px solid #888; padding: 0.55em 0.6em",
            "background: #8882; padding: 0.55em 0.6em",
        ),
    )
    hand = f"color: {pick(rng, ('#1c3d99', '#222', '#14213d'))}; margin-left: 0.7em"
    fields = [_field(name, entries[name], look, hand) for name in chosen]
    grid = Group(
        children=tuple(fields),
        style="display: grid; gap: 0.7em 1.6em; "
        f"grid-template-columns: {pick(rng, ('1fr', '1fr 1fr'))}",
    )
    subject = pick(rng, _FORMS)
    nodes: list[Node] = [
        heading(subject, 1),
        para(
            f"{firm} · Form {rng.integers(10, 99)}-{pick(rng, 'ABCD')}",
            classes="small muted",
        ),
        heading("1. Personal details", 2),
        grid,
        heading("2. Options", 2),
        *_choices(sheet),
        heading("3. Remarks", 2),
        para(fill(rng, pick(rng, FINDINGS), sheet.subject), style=f"{look}; color: #1c3d99"),
        Group(
            classes="keep",
            children=(
                para(
                    f"{pick(rng, people.TOWNS)}, {people.written(rng, people.day(rng))}", style=look
                ),
                para("Signature", classes="small", style="border-top: 1px solid; padding-top: 4px"),
            ),
            style="display: grid; grid-template-columns: 1fr 1fr; gap: 3em; margin-top: 1.6em; "
            "align-items: end",
        ),
    ]
    return Page(nodes=(flow(*nodes), *_foot(sheet, firm)))


def _field(name: str, value: str, look: str, hand: str) -> Block:
    block = para(f"{name}: {value}", style=look)
    inner = f'<span style="font-size: 0.9em">{name}:</span> <span style="{hand}">{value}</span>'
    return Block(element=block.element, tag="p", inner=inner, style=look)


def _choices(sheet: Sheet) -> list[Node]:
    rng = sheet.rng
    marked = pick(rng, ("☒", "☑"))
    nodes: list[Node] = []
    for _ in range(int(rng.integers(2, 5))):
        question = short_title(rng, sheet.subject)
        yes = sheet.chance(0.5)
        text = f"{marked if yes else '☐'} Yes {'☐' if yes else marked} No {question}"
        nodes.append(para(text, style="text-indent: 0"))
    return nodes
