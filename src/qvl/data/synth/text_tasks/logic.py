"""Puzzles with exactly one solution: orders, seats, liars.

Owns: the puzzles. Does not own: how samples are put together (``turns``).

    a hidden solution -> true clues, added until no other solution is left -> question, explanation

That the solution is the only one is checked by trying all.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise, permutations, product

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.maths.word_problems import NAMES
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.data.synth.text_tasks.turns import sample_of

_SCALES = (
    ("taller", "tallest", "shortest"),
    ("older", "oldest", "youngest"),
    ("faster", "fastest", "slowest"),
    ("heavier", "heaviest", "lightest"),
)
"""More, most, least."""


def _order(rng: np.random.Generator) -> tuple[str, str, str]:
    """Who is the tallest, the second, ...: a chain of comparisons in any order."""
    people = shuffled(rng, NAMES)[: int(rng.integers(3, 6))]
    more, most, least = pick(rng, _SCALES)
    clues = [f"{a} is {more} than {b}." for a, b in pairwise(people)]
    chain = " > ".join(people)
    place = int(rng.integers(3))
    if place == 0:
        asked, answer = f"Who is the {most}?", people[0]
    elif place == 1:
        asked, answer = f"Who is the {least}?", people[-1]
    else:
        asked, answer = f"Who is the second {most}?", people[1]
    why = f"From the {most} to the {least}: {chain}.\nSo the answer is {answer}."
    return f"{' '.join(shuffled(rng, clues))} {asked}", why, answer


Clue = tuple[str, Callable[[Sequence[str]], bool]]


def _seats(rng: np.random.Generator) -> tuple[str, str, str]:
    """Who sits where in a row."""
    people = sorted(shuffled(rng, NAMES)[: int(rng.integers(3, 5))])
    truth = tuple(shuffled(rng, people))
    left: list[Sequence[str]] = list(permutations(people))
    counts = [len(left)]
    clues: list[str] = []
    for words, holds in shuffled(rng, _clues(people)):
        if not holds(truth):
            continue
        fewer = [row for row in left if holds(row)]
        if len(fewer) < len(left):
            clues.append(words)
            left = fewer
            counts.append(len(left))
        if len(left) == 1:
            break
    assert left == [truth], "the clues tell every order apart"
    row = listed(truth)
    question = (
        f"{listed(people)} sit in a row. {' '.join(clues)} In which order do they sit, from left "
        "to right?"
    )
    fewer_and_fewer = ", then ".join(map(str, counts[1:]))
    why = (
        f"{len(people)} people can sit in {counts[0]} orders. With one clue after the other "
        f"{fewer_and_fewer} of them are left.\nThe one that fits all clues is {row}."
    )
    return question, why, ", ".join(truth)


def _clues(people: Sequence[str]) -> list[Clue]:
    found: list[Clue] = []
    for a, b in permutations(people, 2):
        found.append(
            (
                f"{a} sits somewhere to the left of {b}.",
                lambda row, a=a, b=b: row.index(a) < row.index(b),  # type: ignore[misc]
            )
        )
        found.append(
            (
                f"{a} does not sit next to {b}.",
                lambda row, a=a, b=b: abs(row.index(a) - row.index(b)) > 1,  # type: ignore[misc]
            )
        )
    for a in people:
        found.append(
            (
                f"{a} sits at one end.",
                lambda row, a=a: row.index(a) in (0, len(row) - 1),  # type: ignore[misc]
            )
        )
    return found


def _liars(rng: np.random.Generator) -> tuple[str, str, str]:
    """Everybody always lies or never; their statements leave one possibility.

    Source of the form: Smullyan, What Is the Name of This Book? (1978), chapter 3.
    """
    while True:
        people = shuffled(rng, NAMES)[: int(rng.integers(2, 4))]
        said = [_statement(rng, people, speaker) for speaker in range(len(people))]
        fitting = [
            honest
            for honest in product((True, False), repeat=len(people))
            if all(says(honest) == honest[i] for i, (_, says) in enumerate(said))
        ]
        if len(fitting) == 1:
            break
    honest = fitting[0]
    words = " ".join(f'{name} says: "{text}"' for name, (text, _) in zip(people, said, strict=True))
    roles = [
        f"{name} is {'honest' if is_honest else 'a liar'}"
        for name, is_honest in zip(people, honest, strict=True)
    ]
    checks = "\n".join(
        f'- {name} {"speaks the truth" if is_honest else "lies"}: "{text}" is '
        f"{'true' if is_honest else 'false'}."
        for name, (text, _), is_honest in zip(people, said, honest, strict=True)
    )
    question = (
        f"Each of {listed(people)} either always tells the truth or always lies. {words} "
        "Who is honest, and who is a liar?"
    )
    why = (
        f"Trying all {2 ** len(people)} cases, only one agrees with every statement: "
        f"{listed(roles)}.\n{checks}\nThe answer: {listed(roles)}."
    )
    return question, why, ", ".join(roles)


def _statement(
    rng: np.random.Generator, people: Sequence[str], speaker: int
) -> tuple[str, Callable[[Sequence[bool]], bool]]:
    other = int(rng.choice([i for i in range(len(people)) if i != speaker]))
    form = int(rng.integers(4))
    if form == 0:
        return f"{people[other]} is a liar.", lambda honest: not honest[other]
    if form == 1:
        return f"{people[other]} is honest.", lambda honest: honest[other]
    if form == 2:
        return (
            f"{people[other]} and I are of the same kind.",
            lambda honest: honest[other] == honest[speaker],
        )
    count = int(rng.integers(1, len(people)))
    words = "Exactly one of us is a liar." if count == 1 else f"Exactly {count} of us are liars."
    return words, lambda honest: sum(not h for h in honest) == count


_PUZZLES = {"order": _order, "seats": _seats, "liars": _liars}


def logic_sample(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
    """Returns a puzzle with an explained solution."""
    kind = pick(rng, tuple(_PUZZLES))
    question, why, answer = _PUZZLES[kind](rng)
    return sample_of(
        [(question, why)],
        task="logic",
        generator="text_tasks.logic.logic_sample",
        seed=seed,
        facts={"answers": [answer], "kinds": [kind]},
    )
