"""Tables as they stand in documents: what they say, and how they are ruled.

Owns: the cells with their spans, the looks and the CSS that says them. Does not own: where tables
stand (``layouts``), pictures of tables alone.

    rng, subject -> data_table() | schedule() | grouped_table() -> Table;  look -> CSS
"""

from typing import Literal

import numpy as np

from qvl.data.synth.documents.prose import Subject
from qvl.data.synth.picking import pick, shuffled
from qvl.tasks.document_elements import Cell, Table

Look = Literal["bordered", "booktabs", "striped", "lined", "plain"]
LOOKS: tuple[Look, ...] = ("bordered", "booktabs", "striped", "lined", "plain")

_CSS: dict[Look, str] = {
    "bordered": "{t} td, {t} th {{ border: 1px solid {ink}; }}",
    "booktabs": "{t} {{ border-top: 2px solid {ink}; border-bottom: 2px solid {ink}; }} "
    "{t} .last th {{ border-bottom: 1px solid {ink}; }}",
    "striped": "{t} th {{ background: {tint}; }} "
    "{t} tr:nth-child(odd) td {{ background: {pale}; }}",
    "lined": "{t} td, {t} th {{ border-bottom: 1px solid {ink}; }}",
    "plain": "",
}
_SAID: dict[Look, str] = {
    "bordered": "border-collapse: collapse; border: 1px solid",
    "booktabs": "border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid",
    "striped": "border-collapse: collapse; background: striped",
    "lined": "border-collapse: collapse; border-bottom: 1px solid",
    "plain": "border: none",
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")


def css(look: Look, name: str, *, ink: str, tint: str, pale: str) -> str:
    """The rules that draw a look on the table of a class."""
    return _CSS[look].format(t=f".{name}", ink=ink, tint=tint, pale=pale)


def said_css(look: Look, name: str) -> str:
    """What an answer says about a look, before its table. Source: report section 2.2.1."""
    return f"{name} {{ {_SAID[look]}; }}"


def some_table(rng: np.random.Generator, subject: Subject, *, most_columns: int = 6) -> Table:
    """A table of any kind; its name and style are still empty."""
    form = rng.random()
    if form < 0.5 or most_columns < 4:
        return data_table(rng, subject, most_columns=most_columns)
    if form < 0.8:
        return grouped_table(rng, subject, most_columns=most_columns)
    return schedule(rng, subject)


def data_table(rng: np.random.Generator, subject: Subject, *, most_columns: int = 6) -> Table:
    """One row a thing, one column a measure, perhaps with a mean below."""
    measures = shuffled(rng, subject.measures)[: int(rng.integers(2, max(3, most_columns)))]
    names = pick(rng, (subject.subjects, subject.places, _years(rng)))
    names = tuple(names[: int(rng.integers(3, len(names) + 1))])
    head = tuple(Cell(text, True) for text in ("", *(_heading(rng, m, subject) for m in measures)))
    decimals = [int(rng.integers(0, 3)) for _ in measures]
    columns = [_values(rng, len(names), digits) for digits in decimals]
    body = []
    for i, name in enumerate(names):
        values = (Cell(_shown(c[i], d)) for c, d in zip(columns, decimals, strict=True))
        body.append((Cell(_capital(name)), *values))
    if rng.random() < 0.3:
        means = (Cell(_shown(sum(c) / len(c), d)) for c, d in zip(columns, decimals, strict=True))
        body.append((Cell("Mean"), *means))
    return Table(rows=(head, *body))


def grouped_table(rng: np.random.Generator, subject: Subject, *, most_columns: int = 6) -> Table:
    """Columns under common headings, perhaps rows under common names."""
    measures = shuffled(rng, subject.measures)[: 2 if most_columns < 7 else 3]
    parts = pick(rng, (("before", "after"), ("2023", "2024"), ("min.", "max."), ("A", "B")))
    grouped_rows = rng.random() < 0.4
    names = shuffled(rng, subject.places)[: int(rng.integers(2, 5))]
    kinds = shuffled(rng, subject.subjects)[:2] if grouped_rows else [""]
    corner = Cell("", True, 2, 2 if grouped_rows else 1)
    top = (corner, *(Cell(_capital(m), True, 1, len(parts)) for m in measures))
    second = tuple(Cell(part, True) for _ in measures for part in parts)
    digits = int(rng.integers(0, 3))
    body: list[tuple[Cell, ...]] = []
    for name in names:
        for place, kind in enumerate(kinds):
            values = tuple(Cell(_shown(v, digits)) for v in _values(rng, len(second), digits))
            first = (Cell(_capital(name), False, len(kinds)),) if place == 0 else ()
            second_name = (Cell(kind),) if grouped_rows else ()
            body.append((*first, *second_name, *values))
    return Table(rows=(top, second, *body))


def schedule(rng: np.random.Generator, subject: Subject) -> Table:
    """Days and hours, with entries that take several of them."""
    days = _DAYS[: int(rng.integers(3, 6))]
    hours = [f"{h}:00" for h in range(8, 8 + int(rng.integers(3, 6)))]
    rows: list[tuple[Cell, ...]] = [
        (Cell("", True), *(Cell(day, True) for day in days)),
    ]
    taken: set[tuple[int, int]] = set()
    texts = (*subject.methods, "", "break", *subject.acts[:2])
    for row, hour in enumerate(hours):
        cells = [Cell(hour, True)]
        for column in range(len(days)):
            if (row, column) in taken:
                continue
            down = 2 if rng.random() < 0.2 and row + 1 < len(hours) else 1
            across = 2 if down == 1 and rng.random() < 0.15 and column + 1 < len(days) else 1
            if (row, column + 1) in taken:
                across = 1
            taken |= {(row + i, column + j) for i in range(down) for j in range(across)}
            cells.append(Cell(pick(rng, texts), False, down, across))
        rows.append(tuple(cells))
    return Table(rows=tuple(rows))


def _years(rng: np.random.Generator) -> tuple[str, ...]:
    first = int(rng.integers(2008, 2021))
    return tuple(str(first + i) for i in range(5))


def _heading(rng: np.random.Generator, measure: str, subject: Subject) -> str:
    unit = pick(rng, ("", "", "%", "n", "rel.", subject.unit))
    return f"{_capital(measure)} ({unit})" if unit else _capital(measure)


def _values(rng: np.random.Generator, count: int, digits: int) -> list[float]:
    middle = float(rng.uniform(5, 80 if digits else 4000))
    return [round(float(v), digits) for v in middle * rng.uniform(0.6, 1.4, count)]


def _shown(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
