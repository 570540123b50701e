"""Invents what tables say: numbers by topic, notes, schedules, words of many languages.

Owns: the record of a table with its numbers, its forms, its inventions. Does not own: topics
(``charts.topics``), drawing, questions.

    rng -> invent_table() -> TableContent(table, columns, numbers)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from qvl.data.synth.charts.records import Unit
from qvl.data.synth.charts.topics import TIMES, TOPICS, Dimension, Measure, Topic
from qvl.data.synth.charts.values import entity_values, labels_of, time_values
from qvl.data.synth.ocr.languages import common_words
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.words import Split
from qvl.tasks.document_elements import Cell, Table

LANGUAGES = ("de", "es", "fr", "it", "ja", "ko", "pt", "ru", "vi", "zh")
"""Of tables of words. Arabic is left out: its letters change with their neighbours, and tables are
drawn letter by letter."""
_EMPTY_SHARE = 0.3
"""Of tables, those with empty cells."""
_EMPTY_SIGNS = ("", "", "–", "n/a")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ACTIVITIES = (
    "Maths", "History", "Break", "Team meeting", "Yoga", "Lab", "Swimming", "Workshop", "Free",
    "Lunch", "Seminar", "Music", "Chess club", "Reading",
)  # fmt: skip

_FINDINGS = (
    "Higher than last year", "Below the plan", "No change", "Estimate", "Revised", "Strong growth",
    "Lower than expected", "Stable since spring", "First full year", "Counted twice a month",
)  # fmt: skip
_REASONS = (
    "because of new rules", "after the move to a new site", "due to bad weather",
    "owing to higher prices", "since two shops closed", "according to the local office",
    "in spite of fewer staff", "as in the years before", "thanks to better planning",
)  # fmt: skip
_PLANS = (
    "To be checked in June", "Next report in autumn", "Data from one source only",
    "Target moved to next year", "A second survey is planned", "See the notes on page 4",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of numbers.

    Attributes:
        name: in its heading.
        group: heading above it that it shares with others; empty when there is none.
        unit: of its numbers.
        numbers: one a row, None for an empty cell.
    """

    name: str
    group: str
    unit: Unit
    numbers: tuple[float | None, ...]

    @property
    def full_name(self) -> str:
        """With its group."""
        return f"{self.group}, {self.name}" if self.group else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class TableContent:
    """A table and what its numbers are.

    Attributes:
        table: as it is written, without a box.
        row_axis: what the rows are, singular; empty for tables that are no list of things.
        row_names: of the rows with numbers.
        columns: of numbers; empty when there is nothing to compute with.
        language: code of the words.
    """

    table: Table
    row_axis: str = ""
    row_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    language: str = "en"


def invent_table(rng: np.random.Generator, *, languages: float = 0.12) -> TableContent:
    """Returns a table of any form.

    Args:
        rng: source of randomness.
        languages: share of tables of words in other languages than English.
    """
    if rng.random() < languages:
        return _word_table(rng)
    forms = (_plain, _measures_table, _grouped_columns, _grouped_rows, _notes, _schedule)
    return forms[int(rng.choice(6, p=[0.22, 0.24, 0.2, 0.14, 0.12, 0.08]))](rng)


def _axis(rng: np.random.Generator, topic: Topic) -> Dimension:
    return pick(rng, [d for d in topic.dimensions if not d.is_time] or [TIMES[0]])


def _numbers(
    rng: np.random.Generator, measure: Measure, count: int, *, over_time: bool = False
) -> tuple[float | None, ...]:
    if over_time:
        return tuple(time_values(rng, measure, count))
    return tuple(entity_values(rng, measure, count))


def _with_gaps(rng: np.random.Generator, columns: list[Column], share: float = 0.1) -> list[Column]:
    """Now and then a few cells are empty."""
    if rng.random() >= _EMPTY_SHARE:
        return columns
    return [
        replace(column, numbers=tuple(None if rng.random() < share else n for n in column.numbers))
        for column in columns
    ]


def _writer(rng: np.random.Generator) -> Callable[[Column, int], Cell]:
    """How numbers of one table are written: with or without their sign, empty cells one way."""
    with_sign, empty = bool(rng.random() < 0.5), pick(rng, _EMPTY_SIGNS)

    def write(column: Column, row: int) -> Cell:
        number = column.numbers[row]
        if number is None:
            return Cell(empty)
        return Cell(column.unit.short(number) if with_sign else column.unit.number(number))

    return write


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _heading(name: str, unit: Unit) -> str:
    return f"{name} ({unit.name})" if unit.name else name


def _plain(rng: np.random.Generator) -> TableContent:
    """One measure for things by times or other things; perhaps with a total."""
    topic = pick(rng, TOPICS)
    measure = pick(rng, topic.measures)
    rows = _axis(rng, topic)
    others = [d for d in topic.dimensions if d != rows and not d.is_time]
    across = pick(rng, others) if others and rng.random() < 0.4 else TIMES[int(rng.integers(4))]
    names = labels_of(rng, rows, int(rng.integers(3, 12)))
    heads = labels_of(rng, across, int(rng.integers(2, 8)))
    columns = [
        Column(name=head, group="", unit=measure.unit, numbers=_numbers(rng, measure, len(names)))
        for head in heads
    ]
    columns = _with_gaps(rng, columns)
    caption = f"{_heading(measure.name, measure.unit)} by {rows.name}"
    table = _single_head(rng, _capital(rows.name), names, columns)
    if measure.is_additive and rng.random() < 0.25:
        table = _with_total(rng, table, columns)
    return _listed(replace(table, caption=caption), rows.name, names, columns)


def _measures_table(rng: np.random.Generator) -> TableContent:
    """Several measures with units of their own for the same things."""
    topic = pick(rng, TOPICS)
    rows = _axis(rng, topic)
    over_time = bool(rng.random() < 0.25)
    if over_time:
        rows = TIMES[int(rng.integers(3))]
    names = labels_of(rng, rows, int(rng.integers(3, 13)))
    columns = [
        Column(
            name=_heading(m.name, m.unit),
            group="",
            unit=m.unit,
            numbers=_numbers(rng, m, len(names), over_time=over_time),
        )
        for m in shuffled(rng, topic.measures)[: int(rng.integers(2, 5))]
    ]
    columns = _with_gaps(rng, columns)
    table = _single_head(rng, _capital(rows.name), names, columns)
    return _listed(table, rows.name, names, columns)


def _single_head(
    rng: np.random.Generator, corner: str, names: tuple[str, ...], columns: list[Column]
) -> Table:
    write = _writer(rng)
    head = (Cell(corner, header=True), *(Cell(c.name, header=True) for c in columns))
    with_row_heads = bool(rng.random() < 0.3)
    body = tuple(
        (Cell(name, header=with_row_heads), *(write(c, row) for c in columns))
        for row, name in enumerate(names)
    )
    return Table(rows=(head, *body))


def _with_total(rng: np.random.Generator, table: Table, columns: list[Column]) -> Table:
    """A last row with sums; columns with empty cells have none."""
    write = _writer(rng)
    sums = []
    for column in columns:
        values = [n for n in column.numbers if n is not None]
        whole = round(sum(values), 6) if len(values) == len(column.numbers) else None
        sums.append(write(replace(column, numbers=(whole,)), 0))
    return replace(table, rows=(*table.rows, (Cell("Total"), *sums)))


def _grouped_columns(rng: np.random.Generator) -> TableContent:
    """Two levels of headings."""
    topic = pick(rng, TOPICS)
    rows = _axis(rng, topic)
    names = labels_of(rng, rows, int(rng.integers(3, 9)))
    measures = shuffled(rng, topic.measures)[: int(rng.integers(2, 4))]
    parts = pick(
        rng,
        (("2023", "2024"), ("2022", "2023", "2024"), ("Men", "Women"), ("Plan", "Actual"),
         ("Q1", "Q2", "Q3"), ("Before", "After")),
    )  # fmt: skip
    columns = _with_gaps(
        rng,
        [
            Column(
                name=part,
                group=_heading(m.name, m.unit),
                unit=m.unit,
                numbers=_numbers(rng, m, len(names)),
            )
            for m in measures
            for part in parts
        ],
    )
    write = _writer(rng)
    top = (
        Cell(_capital(rows.name), True, 2),
        *(Cell(_heading(m.name, m.unit), True, 1, len(parts)) for m in measures),
    )
    second = tuple(Cell(column.name, True) for column in columns)
    body = tuple((Cell(name), *(write(c, row) for c in columns)) for row, name in enumerate(names))
    return _listed(Table(rows=(top, second, *body)), rows.name, names, columns)


def _grouped_rows(rng: np.random.Generator) -> TableContent:
    """Rows under common names; a row's name is that of its group and its own."""
    topic = pick(rng, [t for t in TOPICS if sum(not d.is_time for d in t.dimensions) >= 2])
    outer, inner = shuffled(rng, [d for d in topic.dimensions if not d.is_time])[:2]
    groups = labels_of(rng, outer, int(rng.integers(2, 5)))
    parts = labels_of(rng, inner, int(rng.integers(2, 4)))
    names = tuple(f"{group}, {part}" for group in groups for part in parts)
    columns = _with_gaps(
        rng,
        [
            Column(
                name=_heading(m.name, m.unit),
                group="",
                unit=m.unit,
                numbers=_numbers(rng, m, len(names)),
            )
            for m in shuffled(rng, topic.measures)[: int(rng.integers(1, 4))]
        ],
    )
    write = _writer(rng)
    head = tuple(Cell(_capital(d.name), True) for d in (outer, inner))
    rows: list[tuple[Cell, ...]] = [(*head, *(Cell(c.name, True) for c in columns))]
    for number in range(len(names)):
        group, part = divmod(number, len(parts))
        first = (Cell(groups[group], False, len(parts)),) if part == 0 else ()
        rows.append((*first, Cell(parts[part]), *(write(c, number) for c in columns)))
    return _listed(Table(rows=tuple(rows)), f"{outer.name} and {inner.name}", names, columns)


def _listed(
    table: Table, row_axis: str, names: tuple[str, ...], columns: list[Column]
) -> TableContent:
    return TableContent(table=table, row_axis=row_axis, row_names=names, columns=tuple(columns))


def _notes(rng: np.random.Generator) -> TableContent:
    """Things with longer text beside them."""
    topic = pick(rng, TOPICS)
    rows = _axis(rng, topic)
    measure = pick(rng, topic.measures)
    names = labels_of(rng, rows, int(rng.integers(3, 7)))
    column = Column(
        name=_heading(measure.name, measure.unit),
        group="",
        unit=measure.unit,
        numbers=_numbers(rng, measure, len(names)),
    )
    write = _writer(rng)
    head = (Cell(_capital(rows.name), True), Cell(column.name, True), Cell("Notes", True))
    body = tuple(
        (Cell(name), write(column, row), Cell(_note(rng))) for row, name in enumerate(names)
    )
    return _listed(Table(rows=(head, *body)), rows.name, names, [column])


def _note(rng: np.random.Generator) -> str:
    """A remark of a few words to two sentences."""
    said = f"{pick(rng, _FINDINGS)} {pick(rng, _REASONS)}"
    return said + f". {pick(rng, _PLANS)}" * int(rng.random() < 0.4)


def _schedule(rng: np.random.Generator) -> TableContent:
    """Hours by days, with entries that last longer."""
    days = _DAYS[: int(rng.integers(3, 7))]
    first = int(rng.integers(8, 11))
    hours = [f"{hour}:00" for hour in range(first, first + int(rng.integers(4, 8)))]
    rows: list[tuple[Cell, ...]] = [
        (Cell("Time", header=True), *(Cell(day, header=True) for day in days))
    ]
    taken: set[tuple[int, int]] = set()
    for row, hour in enumerate(hours):
        cells = [Cell(hour, header=True)]
        for column in range(len(days)):
            if (row, column) in taken:
                continue
            down = min(len(hours) - row, int(rng.choice([1, 2, 3], p=[0.7, 0.22, 0.08])))
            taken |= {(row + i, column) for i in range(down)}
            cells.append(Cell(pick(rng, _ACTIVITIES) if rng.random() < 0.85 else "", False, down))
        rows.append(tuple(cells))
    return TableContent(table=Table(rows=tuple(rows)))


def _word_table(rng: np.random.Generator, split: Split = "train") -> TableContent:
    """Words and numbers of another language; cells may span columns."""
    code = pick(rng, LANGUAGES)
    words = common_words(code, split)
    joint = "" if code in ("ja", "zh") else " "

    def phrase(most: int) -> str:
        return joint.join(pick(rng, words) for _ in range(int(rng.integers(1, most + 1))))

    count, num_rows = int(rng.integers(2, 6)), int(rng.integers(3, 8))
    rows = [tuple(Cell(phrase(2), True) for _ in range(count))]
    if count >= 4 and rng.random() < 0.4:
        rows[0] = (
            Cell(phrase(1), True, 2),
            Cell(phrase(2), True, 1, count - 1),
        )
        rows.append(tuple(Cell(phrase(1), True) for _ in range(count - 1)))
    numeric = rng.random(count) < 0.5
    for _ in range(num_rows):
        cells = [Cell(phrase(3))]
        for column in range(1, count):
            number = f"{int(rng.integers(1, 5000))}"
            cells.append(Cell(number if numeric[column] else phrase(2)))
        rows.append(tuple(cells))
    return TableContent(table=Table(rows=tuple(rows)), language=code)
