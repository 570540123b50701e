"""Programs of answers, run on cases in the sandbox: an input they read, or a function to call.

Owns: giving a program its input, telling what became of each case. Does not own: finding the
program in an answer (``code_blocks``), nor confining it (``sandbox``).

    program, case -> a folder of its own -> Ran -> the expected output, or why not

The expected output never lies in the folder: a program can write anything, but has nothing to copy.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from qvl.evaluation.sandbox import PYTHON, Limits, Sandbox
from qvl.options import shown

_PROGRAM, _INPUT, _START = "program.py", "input.txt", "start.py"
_READS = f"""\
import os, runpy
names = dict()
exec({{known!r}}, names)
os.dup2(os.open({_INPUT!r}, os.O_RDONLY), 0)
runpy.run_path({_PROGRAM!r}, names, "__main__")
"""
_CALLS = f"""\
import json, os, runpy
names = dict()
exec({{known!r}}, names)
told = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the program prints is not its result
with open({_INPUT!r}) as file:
    given = [json.loads(line) for line in file.read().split("\\n")]
names = runpy.run_path({_PROGRAM!r}, names, "program")
owner = names["Solution"]() if "Solution" in names else None
call = names[{{function!r}}] if owner is None else getattr(owner, {{function!r}})
with told:
    json.dump(call(*given), told)
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
    function: str = "",
    known: str = "",
) -> Iterator[str]:
    """Runs a Python program on one case after another, each in a folder of its own.

    Args:
        program: text of the program.
        cases: of the question.
        limits: that hold for each case.
        is_same: output, expected output -> whether it is right.
        function: that is called with the input, a JSON value a line, and whose result as JSON is
            the output; a method where there is a class Solution. Empty: the program reads the
            input and prints the output.
        known: statements whose names the program may use.

    Yields:
        why a case is wrong, empty if it is right.

    Raises:
        ConfigError: this is not Linux, or its kernel cannot confine a program.
    """
    start = (_CALLS if function else _READS).format(function=function, known=known)
    for number, case in enumerate(cases, 1):
        with Sandbox({_PROGRAM: program, _INPUT: case.given, _START: start}) as box:
            ran = box.run([PYTHON, "-I", _START], limits=limits)
        if not ran.is_ok:
            yield f"case {number}: {ran.why}"
        elif not is_same(ran.output, case.expected):
            yield f"case {number}: {shown(ran.output)} for {shown(case.expected)}"
        else:
            yield ""
