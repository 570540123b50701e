"""Exercises as values: what is asked, how it is worked out, what comes out.

Owns: the record, and how a solution is written. Does not own: the exercises.

    Exercise -> worked(exercise) -> "17 * 4 = 68\\n\\nThe answer is 68."
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from qvl.data.synth.picking import pick

_ASK_FOR_STEPS = (
    "Show your steps.",
    "Explain step by step.",
    "Solve it step by step.",
    "Let's work it out step by step.",
    "Please reason step by step.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exercise:
    """A question with its solution.

    Attributes:
        question: in words.
        steps: of the solution, in order.
        answer: the result, as it is written.
        kind: of exercise.
    """

    question: str
    steps: tuple[str, ...]
    answer: str
    kind: str


def turn(rng: np.random.Generator, exercise: Exercise, *, brief: float) -> tuple[str, str]:
    """The question and its answer: the result alone, or with all steps when they are asked for.

    Args:
        rng: source of randomness.
        exercise: to be written.
        brief: share of answers that give the result alone.
    """
    if rng.random() < brief:
        return f"{exercise.question} Give only the answer.", exercise.answer
    return f"{exercise.question} {pick(rng, _ASK_FOR_STEPS)}", worked(exercise)


def worked(exercise: Exercise) -> str:
    """The steps, a line each, and the result."""
    return "\n".join([*exercise.steps, "", f"The answer is {exercise.answer}."])


def written(value: Fraction | int) -> str:
    """A number in lowest terms, negative ones with a plain minus.

    >>> written(Fraction(6, 4)), written(Fraction(-8, 2))
    ('3/2', '-4')
    """
    return str(Fraction(value))


def money(cents: int) -> str:
    """An amount in dollars.

    >>> money(1250), money(7), money(300)
    ('$12.50', '$0.07', '$3')
    """
    return f"${cents // 100}" if cents % 100 == 0 else f"${cents // 100}.{cents % 100:02d}"


def signed(value: int) -> str:
    """A number as the next term of a sum: "+ 3", "- 3"."""
    return f"+ {value}" if value >= 0 else f"- {-value}"
