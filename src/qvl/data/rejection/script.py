"""A student made of what a drawn sample knows: worked solutions, and all kinds of slips.

Owns: answers with steps in the place of a model's, so that a run can be looked at, and its checks
be seen at work, without one. Does not own: the checks.

    Sample with a worked answer, or facts of drawn shapes; seed -> steps -> perhaps a slip
        -> "...steps\\nAnswer: 7"

What is right in the end is right in every step, so what the checks keep is good to train on.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.rejection.verifiers import truth_of
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.data.synth.picking import pick
from qvl.data.texts import query_text
from qvl.errors import DataError
from qvl.messages import GenerationResult

RIGHT = 0.5
"""Share of answers without a slip: a question that is asked eight times has one nearly always."""

_SALT = 0x57D3
_ANSWER = re.compile(r"(?:\n|^)(?:Answer: |The answer is )[^\n]*$")
_NUMBER = re.compile(r"(?<![\d.,])\d+(?![\d.,]*\d)")
_ASKED = re.compile(r"How many (.+?) are there")
_FOREIGN = ("我们先看图中的数字，然后计算结果。", "Затем сложим эти числа и получим ответ.")
_CIRCLE = "Let me check that again, to be sure that nothing was left out. "


def scripted_answer(sample: Sample, seed: int) -> GenerationResult:
    """Answers a drawn question with steps; the same seed gives the same answer.

    Args:
        sample: an exercise or chart whose answer is worked out, or shapes to be counted.
        seed: another seed gives another answer.

    Raises:
        DataError: nothing is known from which steps could be made.
    """
    rng = np.random.default_rng((*sample.provenance.seed, seed, _SALT))
    steps, answer = _steps(sample, rng), truth_of(sample)
    if rng.random() >= RIGHT:
        return pick(rng, _SLIPS)(rng, steps, answer, sample)
    return _result(steps, answer)


def _steps(sample: Sample, rng: np.random.Generator) -> list[str]:
    text = answer_text(sample.conversation.messages[-1])
    found = _ANSWER.search(text.rstrip(". \n"))
    if found is not None:
        return [line for line in text[: found.start()].split("\n") if line.strip()]
    shapes = sample.facts.get("shapes")
    if not isinstance(shapes, list) or not shapes:
        raise DataError(f"a {sample.task!r} sample has no worked answer and no shapes to count")
    return _looked_at([str(name) for name, _ in shapes], rng, query_text(sample), truth_of(sample))


def _looked_at(
    names: Sequence[str], rng: np.random.Generator, question: str, count: str
) -> list[str]:
    """What one sees, thing by thing, in an order of one's own, and what of it counts."""
    order = [names[int(i)] for i in rng.permutation(len(names))]
    first, *others = [f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in order]
    listed = ", ".join([first, *others[:-1]])
    listed = f"{listed} and {others[-1]}" if others else listed
    asked = _ASKED.search(question)
    if asked is None:
        raise DataError(f"{question[:80]!r} does not ask how many there are")
    counted = (
        f"That makes {count} in all."
        if asked[1] == "shapes"
        else f"Counting the {asked[1]} among them gives {count}."
    )
    return [f"I look at one shape after the other: {listed}.", counted]


def _wrong_result(
    rng: np.random.Generator, steps: Sequence[str], answer: str, sample: Sample
) -> GenerationResult:
    """Something was read or reckoned wrongly, and the answer is wrong."""
    return _result(steps, _other_number(rng, answer) or f"not {answer}")


def _wrong_step(
    rng: np.random.Generator, steps: Sequence[str], answer: str, sample: Sample
) -> GenerationResult:
    """A step is wrong, and the answer is right all the same."""
    if "shapes" in sample.facts:
        there = {str(name).split()[0] for name, _ in sample.facts["shapes"]}
        colour = pick(rng, [name for name in COLOUR_NAMES if name not in there])
        return _result([*steps, f"The {colour} shape does not matter."], answer)
    sums = [i for i, step in enumerate(steps) if "=" in step]
    if not sums:
        return _result([*steps, "So 2 + 2 = 5."], answer)
    place = pick(rng, sums)
    left, _, right = steps[place].rpartition("=")
    return _result([*steps[:place], f"{left}={_other_number(rng, right) or ' 0'}"], answer)


def _no_answer(
    rng: np.random.Generator, steps: Sequence[str], answer: str, sample: Sample
) -> GenerationResult:
    return _result(steps, None)


def _cut_off(
    rng: np.random.Generator, steps: Sequence[str], answer: str, sample: Sample
) -> GenerationResult:
    text = "\n".join(steps)
    return GenerationResult(
        text=text[: len(text) // 2],
        token_ids=(),
        finish_reason="length",
        prompt_tokens=0,
        completion_tokens=0,
    )


def _another_language(
    rng: np.random.Generator, steps: Sequence[str], answer: str, sample: Sample
) -> GenerationResult:
    return _result([*steps, pick(rng, _FOREIGN)], answer)


def _in_circles(
    rng: np.random.Generator, steps: Sequence[str], answer: str, sample: Sample
) -> GenerationResult:
    return _result([*steps, _CIRCLE * 20], answer)


_SLIPS: tuple[
    Callable[[np.random.Generator, Sequence[str], str, Sample], GenerationResult], ...
] = (_wrong_result, _wrong_step, _no_answer, _cut_off, _another_language, _in_circles)


def _other_number(rng: np.random.Generator, text: str) -> str | None:
    """The text with its last whole number changed a little; None if it has none."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    start, stop = found[-1].span()
    number = int(text[start:stop]) + int(rng.integers(1, 4))
    return f"{text[:start]}{number}{text[stop:]}"


def _result(steps: Sequence[str], answer: str | None) -> GenerationResult:
    last = [] if answer is None else [f"Answer: {answer}"]
    return GenerationResult(
        text="\n".join([*steps, *last]),
        token_ids=(),
        finish_reason="stop",
        prompt_tokens=0,
        completion_tokens=0,
    )
