"""Questions about small functions: write, explain, mend, translate.

Owns: the questions. Does not own: the functions and their values (``functions``).

    Function, arguments -> question, answer, tests that an evaluation can run
"""

from typing import Any

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.picking import pick
from qvl.data.synth.text_tasks.functions import FUNCTIONS, Function, Value
from qvl.data.synth.text_tasks.turns import sample_of

FORMS = ("generate", "understand", "debug", "translate")


def code_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], forms: tuple[str, ...] = FORMS
) -> Sample:
    """Returns a question about a function, with tests in its facts.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        forms: among `FORMS`.
    """
    function = pick(rng, FUNCTIONS)
    form = pick(rng, forms)
    cases = [function.arguments(rng) for _ in range(3)]
    question, answer = _ASK[form](rng, function, cases[0])
    return sample_of(
        [(question, answer)],
        task=f"code {form}",
        generator="text_tasks.code.code_sample",
        seed=seed,
        facts={
            "function": function.name,
            "language": "javascript" if form == "translate" else "python",
            "tests": [[list(case), function.value(*case)] for case in cases],
        },
    )


def _fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}\n```"


def _call(function: Function, case: tuple[Any, ...]) -> str:
    return f"{function.name}({', '.join(map(repr, case))})"


def _generate(
    rng: np.random.Generator, function: Function, case: tuple[Any, ...]
) -> tuple[str, str]:
    asked = pick(
        rng,
        (
            "Write a Python function `{name}` that {does}.",
            "Implement `{name}` in Python: a function that {does}.",
            "I need a Python function that {does}. Call it `{name}`.",
        ),
    ).format(name=function.name, does=function.does)
    shown = f"For example, `{_call(function, case)}` returns `{function.value(*case)!r}`."
    return asked, f"{_fenced(function.python)}\n\n{shown}"


def _understand(
    rng: np.random.Generator, function: Function, case: tuple[Any, ...]
) -> tuple[str, str]:
    result: Value = function.value(*case)
    if rng.random() < 0.5:
        code = f"{function.python}\n\nprint({_call(function, case)})"
        return (
            f"What does this program print?\n\n{_fenced(code)}",
            f"The function {function.does}. For {_listed(case)} that is `{result}`, so the program "
            f"prints:\n\n```\n{result}\n```",
        )
    hidden = function.python.replace(function.name, "f")
    return (
        f"What does this function do?\n\n{_fenced(hidden)}",
        f"It {function.does}. For example, `f({', '.join(map(repr, case))})` returns `{result!r}`.",
    )


def _listed(case: tuple[Any, ...]) -> str:
    return " and ".join(f"`{value!r}`" for value in case)


def _debug(rng: np.random.Generator, function: Function, case: tuple[Any, ...]) -> tuple[str, str]:
    for _ in range(50):  # arguments on which the mistake shows
        if function.value(*case) != function.faulty_value(*case):
            break
        case = function.arguments(rng)
    right, wrong = function.value(*case), function.faulty_value(*case)
    seen = (
        f"`{_call(function, case)}` returns `{wrong!r}`, but it should return `{right!r}`. "
        if right != wrong
        else ""
    )
    return (
        f"This function should be one that {function.does}. {seen}Find the mistake and mend it."
        f"\n\n{_fenced(function.faulty)}",
        f"{function.explains} The mended function:\n\n{_fenced(function.python)}",
    )


def _translate(
    rng: np.random.Generator, function: Function, case: tuple[Any, ...]
) -> tuple[str, str]:
    asked = pick(
        rng,
        (
            "Rewrite this Python function in JavaScript.",
            "Translate the following function from Python to JavaScript.",
            "What does this look like in JavaScript?",
        ),
    )
    return f"{asked}\n\n{_fenced(function.python)}", _fenced(function.javascript, "javascript")


_ASK = {
    "generate": _generate, "understand": _understand, "debug": _debug, "translate": _translate,
}  # fmt: skip
