"""MMMU: multiple choice and open questions, by its own evaluation code.

Owns: both readings. Does not own: drawing a letter when none is found; that is unread here.

    answer, options -> "(B)", else "B ", else "B.", else an option's text -> the last one named
    of MMMU-Pro before these "Answer: B"
    answer -> clauses after "so", "is", "=" ... -> texts and numbers -> one equals the truth

Accuracy is the mean over all questions. Source: MMMU-Benchmark/MMMU eval/eval_utils.py, as copied
in lmms-eval mmmu/utils.py and _task_utils/mmmu_mcq_utils.py.
"""

import math
import re
from collections.abc import Sequence

from qvl.errors import DataError
from qvl.evaluation.scorers.choice_letters import scored
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_ENDS = (",", ".", "!", "?", ";", ":", "'")
_STATED = "Answer:"
_LONG_ANSWER = 5
"""Only in answers of more words than this an option's text is looked for."""

_INDICATORS = (
    "could be ",
    "so ",
    "is ",
    "thus ",
    "therefore ",
    "final ",
    "answer ",
    "result ",
)
_NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)
_LONGEST = 4_000
"""Characters of an open answer that are read, at its end, where the result stands."""


def mmmu_letter(answer: str, options: Sequence[str]) -> str | None:
    """Returns the letter that an answer chooses, or None where the official code draws lots.

    >>> [mmmu_letter(text, ["cat", "dog", "owl"]) for text in ("The answer is (C).", "A or B")]
    ['C', 'B']
    >>> mmmu_letter("B)", ["cat", "dog"]) is None
    True

    Args:
        answer: as the model wrote it.
        options: texts; the first one is A.
    """
    for mark in _ENDS:
        answer = answer.strip(mark)
    answer = f" {answer} "
    letters = [chr(ord("A") + index) for index in range(len(options))]
    for form, place in (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} ")):
        named = [letter for letter in letters if form.format(letter) in answer]
        if named:
            # Of letters found otherwise than as a word the reference knows no place: -1.
            return _last(named, [answer.rfind(place.format(letter)) for letter in named])
    if len(answer.split()) <= _LONG_ANSWER:
        return None
    lowered = answer.lower()
    places = {
        letter: lowered.rfind(option.lower())
        for letter, option in zip(letters, options, strict=True)
        if option.lower() in lowered
    }
    return _last(list(places), list(places.values())) if places else None


def mmmu_pro_letter(answer: str, options: Sequence[str]) -> str | None:
    """Returns the only letter behind the last "Answer:", else what `mmmu_letter` does.

    Any letter there counts, also of a word: "Answer: Both (A)" has an A and a B.
    Source: MMMU-Benchmark/MMMU mmmu-pro/evaluate.py, parse_multi_choice_response.

    >>> mmmu_pro_letter("A or B.\\nAnswer: **B**", ["cat", "dog"])
    'B'
    """
    _, mark, stated = answer.rpartition(_STATED)
    letters = [chr(ord("A") + index) for index in range(len(options))]
    named = [letter for letter in letters if mark and letter in stated]
    return named[0] if len(named) == 1 else mmmu_letter(answer, options)


def _last(letters: Sequence[str], places: Sequence[int]) -> str:
    return letters[max(range(len(letters)), key=lambda index: places[index])]


def mmmu_choice(*, answer: str, options: Sequence[str], truth: str) -> Score:
    """Scores 1 if an answer chooses the right letter.

    Args:
        answer: as the model wrote it.
        options: texts; the first one is A.
        truth: the right letter.
    """
    return scored(mmmu_letter(answer, options), truth, answer)


def mmmu_open(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores 1 if a clause of the answer contains a truth, or one of its numbers equals one.

    Numbers are rounded to two places. A truth of one character must stand beside a space.

    >>> mmmu_open(answer="The distance is 1,000 meters.", truths=["1000"]).value
    1.0

    Args:
        answer: as the model wrote it.
        truths: accepted answers.

    Raises:
        DataError: there are no truths.
    """
    if not truths:
        raise DataError("a question without answers, expected at least one")
    wanted = {form for truth in truths for form in _forms(truth)}
    read = read_open(answer)
    for item in read:
        if isinstance(item, float):
            if item in wanted:
                return Score(value=1.0, why=f"states the number {item:g}")
            continue
        for text in wanted:
            if isinstance(text, str) and text in item:
                return Score(value=1.0, why=f"{shown(item)} contains {shown(text)}")
    return Score(
        value=0.0,
        why=f"none of {shown([*read])} meets {' or '.join(shown(truth) for truth in truths[:3])}",
        is_parsed=bool(answer.strip()),
    )


def read_open(answer: str) -> list[str | float]:
    """Returns the clauses of an answer that may hold its result, then the numbers in them.

    >>> read_open("It weighs 5 kg, so the result is 8.")
    [8.0]
    >>> read_open("the area is 24 m")
    ['24 m', 24.0]
    """
    clauses = _clauses(answer[-_LONGEST:])
    numbers = [text for clause in clauses for form in _NUMBERS for text in form.findall(clause)]
    return list(dict.fromkeys(form for text in [*clauses, *numbers] for form in _forms(text)))


def _clauses(answer: str) -> list[str]:
    # The reference splits sentences before a capital, but after it has lowered them all.
    lines = answer.strip().strip(".").lower().split("\n")
    clauses = []
    for index, line in enumerate(lines):
        indicators = (*_INDICATORS, "=") if index == len(lines) - 1 else _INDICATORS
        tails = [line.split(word)[-1].strip() for word in indicators if word in line]
        shortest = min((tail for tail in tails if tail), key=len, default="")
        if shortest and shortest not in (":", ",", ".", "!", "?", ";", "'"):
            clauses.append(shortest)
    return clauses or [answer]


def _forms(text: str) -> list[str | float]:
    """A number rounded to two places; other text in lower case, a single character padded."""
    text = text.strip()
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return [round(value, 2)]
    text = text.lower()
    return [f" {text}", f"{text} "] if len(text) == 1 else [text]
