"""Faults in words: one line a kind, with advice that is true, and no run on what has faults."""

import numpy as np
import pytest

from qvl.data.interchange.annotations import Problem
from qvl.data.lengths import Lengths, too_long
from qvl.errors import DataError
from qvl.recipes.fine_tune_data import Examined
from qvl.recipes.fine_tune_faults import fault_lines, refuse_faults


def examined(messages: list[str], *, good: int = 0, unlisted: int = 0) -> Examined:
    size = good + len(messages) + unlisted
    lengths = Lengths(
        tokens=np.ones(size, np.int32),
        answers=np.ones(size, np.int32),
        grids=np.ones((0, 3), np.int32),
        items=np.zeros(size, np.int32),
    )
    return Examined(
        lengths=lengths,
        is_usable=np.arange(size) < good,
        groups=np.zeros(size, np.uint64),
        faults=tuple(Problem(f"my.jsonl:{n}", text) for n, text in enumerate(messages, 1)),
        notes=(),
    )


def missing(count: int) -> list[str]:
    return [f"picture 0: image file '/data/{n}.png' does not exist" for n in range(count)]


def test_equal_faults_are_one_line_and_the_advice_is_said_once() -> None:
    outside = [
        "picture '/etc/1.png' lies outside /data",
        "picture '/etc/22.png' lies outside /data",
    ]
    long = [too_long(n, 8192) for n in (9_000, 11_111)]
    lines = fault_lines(examined([*missing(30), *outside, "there is no answer", *long], good=1))
    assert lines[:4] == [
        f"my.jsonl:1: {missing(1)[0]} (and 29 like it: my.jsonl:2, my.jsonl:3, my.jsonl:4, ...)",
        f"my.jsonl:31: {outside[0]} (and 1 like it: my.jsonl:32)",
        "my.jsonl:33: there is no answer",
        f"my.jsonl:34: {long[0]} (and 1 like it: my.jsonl:35)",
    ]
    advice = lines[4:]
    assert [("--root" in line, "--max-length" in line) for line in advice] == [
        (True, False),
        (False, True),
    ]


def test_what_no_line_names_is_counted() -> None:
    kinds = [f"there is {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    lines = fault_lines(examined(kinds, unlisted=100))
    assert len(lines) == 21
    assert lines[-1] == "... and 106 more"


def test_where_nothing_can_be_used_the_error_advises() -> None:
    with pytest.raises(DataError, match="none of 5 samples") as caught:
        refuse_faults(examined(missing(5)), skip_bad=True)
    assert "--root" in str(caught.value.hint)
