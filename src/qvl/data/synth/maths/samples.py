"""Exercises as samples.

Owns: which exercises come together in a sample. Does not own: the exercises.
"""

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.maths.algebra import ALGEBRA
from qvl.data.synth.maths.arithmetic import ARITHMETIC
from qvl.data.synth.maths.solutions import Exercise, turn
from qvl.data.synth.maths.word_problems import WORD_PROBLEMS
from qvl.data.synth.picking import pick
from qvl.data.synth.text_tasks.turns import sample_of

EXERCISES = {"arithmetic": ARITHMETIC, "algebra": ALGEBRA, "word problem": WORD_PROBLEMS}


def maths_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    areas: tuple[str, ...] = tuple(EXERCISES),
    questions: int = 2,
    brief: float = 0.2,
) -> Sample:
    """Returns exercises in text with exact solutions.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        areas: names of `EXERCISES`; a conversation keeps to one.
        questions: most exercises of a conversation.
        brief: share of answers that give the result alone.
    """
    area = pick(rng, areas)
    made: list[Exercise] = []
    for _ in range(int(rng.integers(1, questions + 1))):
        exercise = pick(rng, EXERCISES[area])(rng)
        if all(exercise.question != other.question for other in made):
            made.append(exercise)
    return sample_of(
        [turn(rng, exercise, brief=brief) for exercise in made],
        task=area,
        generator="maths.samples.maths_sample",
        seed=seed,
        facts={
            "answers": [exercise.answer for exercise in made],
            "kinds": [exercise.kind for exercise in made],
        },
    )
