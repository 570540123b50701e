"""Questions about tables, answered from their numbers.

Owns: the kinds of questions and their answers. Does not own: content, drawing, choosing
(``samples``).

    TableContent -> each of TABLE_QUESTIONS -> Turn, or None when the table cannot answer it
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from qvl.data.synth.charts.records import Unit
from qvl.data.synth.charts.view import plural
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.data.synth.tables.content import Column, TableContent
from qvl.data.synth.turns import Turn

Asker = Callable[[np.random.Generator, TableContent], Turn | None]
_MOST_ADDED = 6


def _full_column(rng: np.random.Generator, content: TableContent) -> tuple[int, list[float]] | None:
    """A column without empty cells."""
    full = [i for i, c in enumerate(content.columns) if None not in c.numbers]
    if not full or len(content.row_names) < 2:
        return None
    index = pick(rng, full)
    return index, [n for n in content.columns[index].numbers if n is not None]


def _where(content: TableContent, row: int) -> str:
    return f"for {content.row_names[row]}"


def _fact(content: TableContent, column: int, row: int) -> str:
    found = content.columns[column]
    number = found.numbers[row]
    assert number is not None, "ask for numbers that are there"
    return f'"{found.full_name}" {_where(content, row)} is {found.unit.short(number)}.'


def cell(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """What stands in a row and column."""
    filled = [
        (i, row)
        for i, column in enumerate(content.columns)
        for row, number in enumerate(column.numbers)
        if number is not None
    ]
    if not filled:
        return None
    index, row = pick(rng, filled)
    column = content.columns[index]
    number = column.numbers[row]
    assert number is not None
    return Turn(
        kind="cell",
        question=f'What is the value of "{column.full_name}" {_where(content, row)}?',
        answer=column.unit.short(number),
        sentence=_fact(content, index, row),
        value=number,
        about={"column": index, "row": row},
    )


def extremum(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """Which row has the most or the least of a column."""
    found = _full_column(rng, content)
    if found is None:
        return None
    index, numbers = found
    highest = bool(rng.random() < 0.6)
    best = max(numbers) if highest else min(numbers)
    if numbers.count(best) > 1:
        return None
    row, word = numbers.index(best), "highest" if highest else "lowest"
    name = content.columns[index].full_name
    return Turn(
        kind="extremum",
        question=f'Which {content.row_axis} has the {word} "{name}"?',
        answer=content.row_names[row],
        sentence=f'{content.row_names[row]} has the {word} "{name}".',
        steps=(_fact(content, index, row), f"No other number of the column is {word[:-3]}er."),
        about={"column": index, "highest": highest},
    )


def compare(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """Which of two rows has more."""
    found = _full_column(rng, content)
    if found is None:
        return None
    index, numbers = found
    a, b = shuffled(rng, range(len(numbers)))[:2]
    if numbers[a] == numbers[b]:
        return None
    more = a if numbers[a] > numbers[b] else b
    names, column = content.row_names, content.columns[index]
    return Turn(
        kind="compare",
        question=f'Which has the higher "{column.full_name}", {names[a]} or {names[b]}?',
        answer=names[more],
        sentence=f"{names[more]} has more.",
        steps=(_fact(content, index, a), _fact(content, index, b)),
        about={"column": index, "rows": [a, b]},
    )


def difference(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """How far apart two rows are."""
    found = _full_column(rng, content)
    if found is None:
        return None
    index, numbers = found
    a, b = shuffled(rng, range(len(numbers)))[:2]
    if numbers[a] < numbers[b]:
        a, b = b, a
    column, names = content.columns[index], content.row_names
    result = round(numbers[a] - numbers[b], 6)
    shown = column.unit.short(result)
    return Turn(
        kind="difference",
        question=f'By how much does "{column.full_name}" of {names[a]} exceed that of {names[b]}?',
        answer=shown,
        sentence=f"It is {shown} higher.",
        steps=(
            _fact(content, index, a),
            _fact(content, index, b),
            f"{column.unit.short(numbers[a])} - {column.unit.short(numbers[b])} = {shown}.",
        ),
        value=result,
        about={"column": index, "rows": [a, b]},
    )


def total(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """The sum of a few rows of a column."""
    found = _full_column(rng, content)
    if found is None:
        return None
    index, numbers = found
    column = content.columns[index]
    if column.unit.name.startswith(("%", "°")):
        return None
    rows = sorted(shuffled(rng, range(len(numbers)))[: int(rng.integers(2, 4))])
    result = round(sum(numbers[row] for row in rows), 6)
    shown, names = column.unit.short(result), [content.row_names[row] for row in rows]
    added = " + ".join(column.unit.number(numbers[row]) for row in rows)
    return Turn(
        kind="sum",
        question=f'What do the values of "{column.full_name}" for {_several(names)} add up to?',
        answer=shown,
        sentence=f"They add up to {shown}.",
        steps=(*(_fact(content, index, row) for row in rows), f"{added} = {shown}."),
        value=result,
        about={"column": index, "rows": rows},
    )


def _several(names: list[str]) -> str:
    """Names in a row; names that hold a comma themselves are set apart by another mark."""
    return "; ".join(names) if any("," in name for name in names) else listed(names)


def mean(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """The average of a short column."""
    found = _full_column(rng, content)
    if found is None or len(found[1]) > _MOST_ADDED:
        return None
    index, numbers = found
    column = content.columns[index]
    decimals = min(2, column.unit.decimals + 1)
    finer: Unit = replace(column.unit, decimals=decimals)
    result = round(sum(numbers) / len(numbers), decimals)
    whole = column.unit.number(sum(numbers))
    return Turn(
        kind="mean",
        question=f'What is the average of the column "{column.full_name}"? '
        f"Give {decimals} decimal{'s' if decimals > 1 else ''}.",
        answer=finer.short(result),
        sentence=f"The average is {finer.short(result)}.",
        steps=(
            f"The numbers {', '.join(column.unit.number(n) for n in numbers)} add up to {whole}.",
            f"{whole} / {len(numbers)} is {finer.short(result)}.",
        ),
        value=result,
        tolerance=round(0.5 * 10**-decimals, 6),
        about={"column": index},
    )


def count_above(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """How many rows exceed a number that stands in the table."""
    found = _full_column(rng, content)
    if found is None:
        return None
    index, numbers = found
    column = content.columns[index]
    # Between two neighbours in size, so that equality does not arise.
    ordered = sorted(set(numbers))
    if len(ordered) < 3:
        return None
    low, high = pick(rng, list(pairwise(ordered)))
    threshold = round((low + high) / 2, column.unit.decimals)
    if not low < threshold < high:
        return None
    names = [n for n, v in zip(content.row_names, numbers, strict=True) if v > threshold]
    shown, rows = column.unit.short(threshold), plural(content.row_axis)
    return Turn(
        kind="count above",
        question=f'For how many {rows} is "{column.full_name}" above {shown}?',
        answer=str(len(names)),
        sentence=f"It is above {shown} for {len(names)} of them.",
        steps=(f"Above it are {_several(names)}.",),
        value=float(len(names)),
        about={"column": index, "threshold": threshold},
    )


def at_extremum(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """Two steps: the row with the most of one column, then its value in another."""
    found = _full_column(rng, content)
    if found is None or len(content.columns) < 2:
        return None
    index, numbers = found
    other = pick(rng, [i for i in range(len(content.columns)) if i != index])
    best = max(numbers)
    row = numbers.index(best)
    number = content.columns[other].numbers[row]
    if numbers.count(best) > 1 or number is None:
        return None
    first, second = content.columns[index].full_name, content.columns[other].full_name
    return Turn(
        kind="at extremum",
        question=f'What is "{second}" of the {content.row_axis} with the highest "{first}"?',
        answer=content.columns[other].unit.short(number),
        sentence=_fact(content, other, row),
        steps=(_fact(content, index, row), _fact(content, other, row)),
        value=number,
        about={"columns": [index, other]},
    )


def count_rows(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """How many things are listed."""
    count = len(content.row_names)
    if not count or "," in content.row_names[0]:
        return None
    things = plural(content.row_axis)
    return Turn(
        kind="count rows",
        question=f"How many {things} are listed in the table?",
        answer=str(count),
        sentence=f"The table lists {count} {things}.",
        value=float(count),
    )


def empty(rng: np.random.Generator, content: TableContent) -> Turn | None:
    """How many cells of a column have no number."""
    lacking = [i for i, column in enumerate(content.columns) if None in column.numbers]
    if not lacking:
        return None
    index = pick(rng, lacking)
    column: Column = content.columns[index]
    names = [n for n, v in zip(content.row_names, column.numbers, strict=True) if v is None]
    if len(names) != 1:
        return None
    return Turn(
        kind="empty",
        question=f'For which {content.row_axis} does "{column.full_name}" have no value?',
        answer=names[0],
        sentence=f"There is no value for {names[0]}.",
        about={"column": index},
    )


TABLE_QUESTIONS: tuple[Asker, ...] = (
    cell, extremum, compare, difference, total, mean, count_above, at_extremum, count_rows, empty,
)  # fmt: skip
