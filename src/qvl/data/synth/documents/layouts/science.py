"""Pages of science: papers, textbooks, exercise sheets."""

from functools import partial

from qvl.data.synth.documents import figures, formulas, people
from qvl.data.synth.documents.blocks import (
    Block,
    Group,
    Node,
    authors,
    flow,
    formula,
    heading,
    keep,
    listing,
    para,
)
from qvl.data.synth.documents.layouts.sheet import (
    STACKED,
    Filler,
    Page,
    Sheet,
    foot,
    running_head,
    some_chart,
    some_formula,
    some_list,
    some_picture,
    some_table,
    text_blocks,
)
from qvl.data.synth.documents.prose import paragraph, point, sentence, short_title, title
from qvl.data.synth.picking import pick


def paper(sheet: Sheet) -> Page:
    """A page of a paper: the first with title, authors and abstract, or a later one."""
    rng = sheet.rng
    columns = 2 if sheet.chance(0.8) else 1
    fillers = (
        some_formula,
        some_formula,
        partial(some_table, columns=columns),
        partial(some_picture, columns=columns),
        partial(some_chart, columns=columns),
        some_list,
    )
    top: list[Node] = []
    if sheet.chance(0.6):
        people_there = [people.name(rng) for _ in range(int(rng.integers(1, 4)))]
        lines = [", ".join(people_there), people.institute(rng, sheet.subject.field)]
        if sheet.chance(0.4):
            lines.append(people.email(people_there[0], rng))
        top = [heading(title(rng, sheet.subject), 1, classes="centre"), authors(lines)]
        abstract = paragraph(rng, sheet.subject, sentences=(3, 5))
        if columns == 1 or sheet.chance(0.6):
            top.append(
                Group(
                    children=(
                        heading("Abstract", 3, classes="centre"),
                        para(abstract, classes="small"),
                    ),
                    style=f"padding: 0 6%; {STACKED}",
                )
            )
        else:
            top.append(para(f"Abstract. {abstract}", classes="small"))
    else:
        top += running_head(sheet, title(rng, sheet.subject))
    nodes = text_blocks(sheet, columns=columns, fillers=fillers)
    if not top and sheet.chance(0.3):
        nodes += _references(sheet)
    return Page(nodes=(*top, flow(*nodes), *foot(sheet)), columns=columns)


def _references(sheet: Sheet) -> list[Node]:
    rng = sheet.rng
    entries = [
        f"{people.name(rng, initial=True)} and {people.name(rng, initial=True)}. "
        f"{title(rng, sheet.subject)}. Journal of {sheet.subject.field.title()}, "
        f"{rng.integers(2, 60)}:{rng.integers(1, 200)}–{rng.integers(201, 400)}, "
        f"{rng.integers(1990, 2026)}."
        for _ in range(int(rng.integers(4, 9)))
    ]
    return [heading("References", 2), listing(sheet.style, entries, ordered=True)]


def textbook(sheet: Sheet) -> Page:
    """A page of a textbook: definitions in boxes, formulas, examples, exercises, molecules."""
    rng = sheet.rng
    chemical = sheet.chance(0.35)
    fillers: tuple[Filler, ...] = (_definition, _example, some_formula, some_picture, some_list)
    if chemical:
        fillers = (_molecule, _molecule, _definition, some_list, some_formula)
    nodes = text_blocks(sheet, columns=1, fillers=fillers, share=0.75)
    head = running_head(sheet, f"Chapter {rng.integers(1, 20)}: {short_title(rng, sheet.subject)}")
    if not head or sheet.chance(0.3):
        head = (*head, heading(f"{rng.integers(1, 20)} {title(rng, sheet.subject)}", 1))
    return Page(nodes=(*head, flow(*nodes), *foot(sheet)))


def _framed(sheet: Sheet, *nodes: Node) -> Node:
    accent = sheet.style.accent
    style = pick(
        sheet.rng,
        (
            f"border: 1px solid {accent}; padding: 0.7em 0.9em",
            f"border-left: 4px solid {accent}; padding: 0.3em 0.9em",
            f"background: {accent}14; padding: 0.7em 0.9em",
        ),
    )
    inner = Group(children=nodes, style=f"{style}; {STACKED}")
    return keep(inner)


def _definition(sheet: Sheet) -> list[Node]:
    known = formulas.known(sheet.rng)
    return [
        _framed(
            sheet,
            heading(f"Definition {sheet.number('Definition')}", 3),
            para(f"{_capital(formulas.with_article(known.name))} reads"),
            formula(known.latex),
        )
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _example(sheet: Sheet) -> list[Node]:
    rng = sheet.rng
    steps: list[str | tuple[str, list[str]]] = [sentence(rng, sheet.subject) for _ in range(2)]
    return [
        _framed(
            sheet,
            heading(f"Example {sheet.number('Example')}", 3),
            para(f"Let ${formulas.inline(rng)}$. {sentence(rng, sheet.subject)}", math=True),
            listing(sheet.style, steps, ordered=True),
        )
    ]


def _molecule(sheet: Sheet) -> list[Node]:
    block, found = figures.skeleton(sheet.rng, sheet.style)
    text = (
        f"Compound {sheet.number('Compound')}: {found.formula}, molar mass {found.mass:.2f} g/mol. "
        f"{pick(sheet.rng, _REMARKS)}"
    )
    return [keep(block, para(text, classes="caption centre"))]


_REMARKS = (
    "Hydrogen atoms on carbon are left out.",
    "It is stable at room temperature.",
    "Draw its isomers.",
    "",
    "Compare it with the one before.",
)


def exercises(sheet: Sheet) -> Page:
    """An exercise sheet: numbered tasks with formulas, skeletons or tunes, and room for answers."""
    rng = sheet.rng
    field = pick(rng, ("Mathematics", "Physics", "Chemistry", "Statistics", "Music theory"))
    top = (
        heading(f"{field}: exercise sheet {rng.integers(1, 14)}", 1),
        para(f"Hand in by {people.written(rng, people.day(rng))}. {rng.integers(10, 60)} points."),
    )
    nodes: list[Node] = []
    for number in range(1, 12):
        name = heading(f"Exercise {number} ({rng.integers(2, 11)} points)", 3)
        nodes.append(keep(Group(children=(name, *_exercise(sheet, field)), style=STACKED)))
    return Page(nodes=(*top, flow(*nodes), *foot(sheet)))


def _exercise(sheet: Sheet, field: str) -> list[Node]:
    rng = sheet.rng
    if field == "Chemistry" and sheet.chance(0.7):
        block: Block = figures.skeleton(rng, sheet.style)[0]
        return [para(pick(rng, ("Name this compound.", "Give the molecular formula."))), block]
    if field == "Music theory":
        tune = figures.sheet(rng, sheet.style, width_px=sheet.column_px(1) * 0.9)
        return [para(pick(rng, ("Sing from sight.", "Name the key and all intervals."))), tune]
    task = pick(
        rng,
        (
            f"Simplify for ${formulas.inline(rng)}$.",
            f"Show that the following holds for all ${formulas.inline(rng)}$.",
            "Differentiate with respect to $x$.",
            f"Decide whether the limit exists if ${formulas.inline(rng)}$.",
        ),
    )
    nodes: list[Node] = [para(task, math=True), formula(formulas.invented(rng))]
    if sheet.chance(0.3):
        parts: list[str | tuple[str, list[str]]] = [point(rng, sheet.subject) for _ in range(3)]
        nodes.append(listing(sheet.style, parts, ordered=True))
    return nodes
