"""Answers of exercises are right by other ways than the ones that made them."""

import math
import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from qvl.data.records import Sample
from qvl.data.sft.pipeline import RULES
from qvl.data.synth.maths.algebra import ALGEBRA
from qvl.data.synth.maths.arithmetic import ARITHMETIC
from qvl.data.synth.maths.figures import figure_sample
from qvl.data.synth.maths.samples import maths_sample
from qvl.data.synth.maths.solutions import Exercise
from qvl.data.synth.maths.word_problems import WORD_PROBLEMS
from qvl.errors import MissingDependencyError

DRAWS = 40
EQUATION = re.compile(r"((?:[\d.]+ [-+*/] )+[\d.]+) = (-?[\d.]+)(?![\d/.]*\d)")


def drawn(form: Callable[[np.random.Generator], Exercise]) -> list[Exercise]:
    return [form(np.random.default_rng((1, number))) for number in range(DRAWS)]


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"-?\d+", text)]


def value(expression: str, **names: int) -> Fraction:
    """The value of a term in plain notation; ``3x`` is a product and ``^`` a power."""
    text = re.sub(r"(\d)([a-z])", r"\1*\2", expression).replace("^", "**").replace(")(", ")*(")
    text = re.sub(r"(?<![\w*])(\d+)", r"Fraction(\1)", text.replace("** ", "**"))
    return Fraction(eval(text, {"Fraction": Fraction, **names}))


def check_steps(exercise: Exercise) -> None:
    """Every "a + b = c" of a solution is true."""
    for step in exercise.steps:
        if " with " in step:  # a division with remainder
            continue
        plain = step.replace("$", "").replace("°", "").replace("π", "")
        for left, right in re.findall(
            r"((?:[\d.]+ [-+*/] )+[\d.]+) = (-?[\d.]+)(?![\d/.]*\d)", plain
        ):
            right = right.rstrip(".")
            before = plain[: plain.index(left)].rstrip()
            if before and (before[-1].isalnum() or before[-1] in "-+*/^)"):
                continue
            result = eval(re.sub(r"([\d.]+)", r"Fraction('\1')", left), {"Fraction": Fraction})
            assert result == Fraction(right), step


@pytest.mark.parametrize("form", [*ARITHMETIC, *ALGEBRA, *WORD_PROBLEMS], ids=lambda f: f.__name__)
def test_every_step_is_true(form: Callable[[np.random.Generator], Exercise]) -> None:
    exercises = drawn(form)
    for exercise in exercises:
        check_steps(exercise)
        assert exercise.answer
    assert len({exercise.question for exercise in exercises}) > DRAWS / 2


def arithmetic_answer(exercise: Exercise) -> str:
    question = exercise.question
    values = numbers(question)
    match exercise.kind:
        case "term":
            return str(value(re.search(r"\d[\d +*-]*\d", question)[0]))  # type: ignore[index]
        case "product":
            return str(values[0] * values[1])
        case "division":
            return f"{values[0] // values[1]} remainder {values[0] % values[1]}"
        case "fractions":
            a, b, c, d = map(abs, values[:4])
            sign = re.search(r"\d\)? ([-+*/]) \(?\d", question)[1]  # type: ignore[index]
            assert ("(" in question) == (sign == "/"), "a / b / c / d is read from left to right"
            x, y = Fraction(a, b), Fraction(c, d)
            return str({"+": x + y, "-": x - y, "*": x * y, "/": x / y}[sign])
        case "percent":
            return str(Fraction(values[0] * values[1], 100))
        case "divisors":
            return str(math.gcd(*values))
        case "power":
            return str(values[0] ** values[1])
        case "mean":
            return str(Fraction(sum(values), len(values)))
        case "median":
            return str(sorted(values)[len(values) // 2])
    raise AssertionError(exercise.kind)


@pytest.mark.parametrize("form", ARITHMETIC, ids=lambda f: f.__name__)
def test_arithmetic(form: Callable[[np.random.Generator], Exercise]) -> None:
    for exercise in drawn(form):
        assert exercise.answer == arithmetic_answer(exercise)


def holds(equation: str, **names: int) -> bool:
    left, right = equation.split("=")
    return value(left.strip(), **names) == value(right.strip(), **names)


@pytest.mark.parametrize("form", ALGEBRA, ids=lambda f: f.__name__)
def test_solutions_satisfy_their_equations(form: Callable[[np.random.Generator], Exercise]) -> None:
    for exercise in drawn(form):
        question, answer = exercise.question, exercise.answer
        if exercise.kind == "linear":
            name, _, number = answer.partition(" = ")
            equation = re.search(r"Solve (.*) for", question)[1]  # type: ignore[index]
            assert holds(equation, **{name: int(number)})
        elif exercise.kind == "quadratic":
            equation = question.removeprefix("Solve ").removesuffix(".")
            roots = {int(part.split(" = ")[1]) for part in answer.split(" or ")}
            assert {x for x in range(-20, 21) if holds(equation, x=x)} == roots
        elif exercise.kind == "system":
            x, y = (int(part.split(" = ")[1]) for part in answer.split(", "))
            both = question.split(": ")[1].removesuffix(".").split(" and ")
            assert all(holds(equation, x=x, y=y) for equation in both)
        elif exercise.kind == "function":
            form_of, at = re.search(r"f\(x\) = (.*)\. What is f\((-?\d+)\)", question).groups()  # type: ignore[union-attr]
            assert value(form_of, x=int(at)) == int(answer)


def story_answer(exercise: Exercise) -> str | None:
    """Solves a story from its question, another way."""
    q = exercise.question
    n = [float(x) for x in re.findall(r"\d+(?:\.\d+)?", q)]
    match exercise.kind:
        case "sharing":
            return f"{n[0] // n[1]:g} each, {n[0] % n[1]:g} left over"
        case "discount":
            return f"${n[0] - n[0] * n[1] / 100:g}"
        case "work":
            return f"{n[0] * n[1] / n[2]:g} days"
        case "ages":
            age = next(a for a in range(1, 99) if a * n[0] + a + 2 * n[1] == n[2])
            return f"{age} years"
        case "clock":
            end = (n[0] * 60 + n[1] + n[2]) % 1440
            return f"{int(end // 60):02d}:{int(end % 60):02d}"
        case "journey":
            assert not re.search(r"\b1 hours", q + exercise.answer)
            hours = f"{n[0] / n[1]:g}"
            plural = "" if hours == "1" else "s"
            return f"{n[0] * n[1]:g} km" if "How far" in q else f"{hours} hour{plural}"
        case "chance":
            asked = re.search(r"that it is (\w+)", q)[1]  # type: ignore[index]
            bag = {c: int(k) for k, c in re.findall(r"(\d+) (red|blue|green|white)", q)}
            return str(Fraction(bag[asked], sum(bag.values())))
        case "shopping":
            rows = re.findall(r"(\d+) [a-z ]+? at \$([\d.]+)", q)
            paid = float(re.search(r"pays with \$([\d.]+)", q)[1])  # type: ignore[index]
            rest = round(100 * (paid - sum(int(k) * float(p) for k, p in rows)))
            return f"${rest / 100:.2f}".removesuffix(".00")
    return None


@pytest.mark.parametrize("form", WORD_PROBLEMS, ids=lambda f: f.__name__)
def test_stories(form: Callable[[np.random.Generator], Exercise]) -> None:
    for exercise in drawn(form):
        assert exercise.answer == story_answer(exercise), exercise.question


def figure(number: int) -> Sample:
    return figure_sample(np.random.default_rng((2, number)), seed=(2, number), strength=0)


def test_figures_repeat_and_fill_their_picture() -> None:
    try:
        samples = [figure(number) for number in range(12)]
    except MissingDependencyError as error:
        pytest.skip(error.message)
    assert len({sample.facts["kinds"][0] for sample in samples}) >= 4
    for number, sample in enumerate(samples):
        again = figure(number).conversation.messages[0].content[0].source  # type: ignore[union-attr]
        pixels = sample.conversation.messages[0].content[0].source  # type: ignore[union-attr]
        assert np.array_equal(pixels, again)
        assert pixels.shape[0] % 28 == pixels.shape[1] % 28 == 0  # type: ignore[union-attr]
        answer = sample.conversation.messages[1].content[0].text  # type: ignore[union-attr]
        assert sample.facts["answers"][0] in answer
        for rule in RULES.values():
            assert rule(sample) is None
        # Something is drawn, and nothing at the edge: labels are not cut.
        assert np.ptp(pixels) > 60  # type: ignore[arg-type]
        edge = np.concatenate([pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)])  # type: ignore[index]
        assert np.ptp(edge, axis=0).max() == 0


def test_samples_repeat_and_pass_all_rules() -> None:
    for number in range(60):
        one, other = (
            maths_sample(np.random.default_rng((3, number)), seed=(3, number)) for _ in range(2)
        )
        assert one == other
        for name, rule in RULES.items():
            assert rule(one) is None, (name, one.conversation)
