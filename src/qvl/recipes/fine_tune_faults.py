"""The faults of a person's data in words: each kind once, and what mends it.

Owns: telling kinds apart, the advice, whether a run may begin. Does not own: finding faults
(``fine_tune_data``), printing them (``cli``).

    Examined -> fault_lines() -> lines for people
             -> refuse_faults() -> DataError, or nothing where the rest may be trained on
"""

import re
from collections.abc import Iterable, Iterator

from qvl.data.interchange.annotations import Problem
from qvl.data.lengths import TOO_LONG
from qvl.errors import DataError
from qvl.recipes.fine_tune_data import Examined

_MOST_KINDS = 20
_MOST_PLACES = 3
# What differs between two faults of one kind: names, and numbers.
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d.,]*")
_ROOT = "media are looked for beside the data; --root names another folder that holds them all"
_ADVICE = {
    " does not exist": _ROOT,
    " lies outside ": _ROOT,
    TOO_LONG: "nothing is cut: raise --max-length, or lower --max-pixels where pictures are large",
}


def fault_lines(examined: Examined) -> list[str]:
    """Returns a line for each kind of fault, the first sample's in full, with advice below where
    there is some."""
    kinds: dict[str, list[Problem]] = {}
    for fault in examined.faults:
        kinds.setdefault(_VARIES.sub("", fault.message), []).append(fault)
    shown = list(kinds.values())[:_MOST_KINDS]
    lines = []
    for first, *more in shown:
        places = [fault.where for fault in more[:_MOST_PLACES]]
        others = ", ".join([*places, *(["..."] if len(more) > _MOST_PLACES else [])])
        lines.append(f"{first} (and {len(more):,} like it: {others})" if more else str(first))
    lines += [f"  {advice}" for advice in dict.fromkeys(_advice(kind[0] for kind in shown))]
    rest = examined.num_faulty - sum(map(len, shown))
    return [*lines, f"... and {rest:,} more"] if rest else lines


def refuse_faults(examined: Examined, *, skip_bad: bool) -> None:
    """Raises a `DataError` if samples cannot be used, and they are not to be skipped or nothing
    else is there."""
    bad, size = examined.num_faulty, len(examined.is_usable)
    if not size:
        raise DataError("the data has no samples", hint="give a file with at least one record")
    if bad == size:
        first = examined.faults[0]
        raise DataError(
            f"none of {size} samples can be used; the first: {first}",
            hint=next(_advice([first]), None),
        )
    if bad and not skip_bad:
        raise DataError(
            f"{bad} of {size} samples cannot be used",
            hint="correct them, or train on the others with --skip-bad",
        )


def _advice(faults: Iterable[Problem]) -> Iterator[str]:
    for fault in faults:
        yield from (advice for sign, advice in _ADVICE.items() if sign in fault.message)
