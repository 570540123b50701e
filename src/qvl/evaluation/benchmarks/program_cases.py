"""Programs of answers that read an input and write an output, run on cases in the sandbox.

Owns: giving a program its input, telling what became of each case. Does not own: finding the
program in an answer (``code_blocks``), nor confining it (``sandbox``).

    program, case -> a folder of its own -> Ran -> the expected output, or why not
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from qvl.evaluation.sandbox import PYTHON, Limits, Sandbox
from qvl.options import shown

_PROGRAM, _INPUT, _START = "program.py", "input.txt", "start.py"
_STARTS = f"""\
import os, runpy
os.dup2(os.open({_INPUT!r}, os.O_RDONLY), 0)
runpy.run_path({_PROGRAM!r}, run_name="__main__")
"""


class Case(NamedTuple):
    """What a program is given, and what it has to write."""

    given: str
    expected: str


def run_cases(
    program: str,
    cases: Sequence[Case],
    *,
    limits: Limits,
    is_same: Callable[[str, str], bool],
) -> Iterator[str]:
    """Runs a Python program on one case after another, each in a folder of its own.

    Args:
        program: text of the program.
        cases: of the question.
        limits: that hold for each case.
        is_same: output, expected output -> whether it is right.

    Yields:
        why a case is wrong, empty if it is right.

    Raises:
        ConfigError: this is not Linux, or its kernel cannot confine a program.
    """
    for number, case in enumerate(cases, 1):
        with Sandbox({_PROGRAM: program, _INPUT: case.given, _START: _STARTS}) as box:
            ran = box.run([PYTHON, "-I", _START], limits=limits)
        if not ran.is_ok:
            yield f"case {number}: {ran.why}"
        elif not is_same(ran.output, case.expected):
            yield f"case {number}: {shown(ran.output)} for {shown(case.expected)}"
        else:
            yield ""
