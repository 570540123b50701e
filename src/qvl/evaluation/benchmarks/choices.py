"""What all multiple-choice benchmarks share: the words of a question, and the rule for a letter.

Owns the two prompts that harnesses use most. Does not own reading a letter
(``scorers/choice_letters``).

    question, options -> asked_for_letter -> text;  facts["options"], Reply -> score_letter -> Score
"""

import ast
import re
from collections.abc import Mapping, Sequence

from qvl.errors import DataError
from qvl.evaluation.benchmark import Question, Reply
from qvl.evaluation.benchmarks.asking import NOT_KNOWN
from qvl.evaluation.layouts.rows import Row
from qvl.evaluation.scorers.choice_letters import choice
from qvl.evaluation.scorers.score import Score

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST_LIST = 100_000
_OPTION_LINE = re.compile(r"^[ \t]*\(?([A-J])[.):][ \t]*(.*)$", re.MULTILINE)

SELECT = "Please select the correct answer from the options above."
"""Source: VLMEvalKit dataset/image_mcq.py, and the official MMMU prompt of Qwen2-VL."""
DIRECTLY = "Answer with the option's letter from the given choices directly."
"""Source: LLaVA-1.5 (arXiv 2310.03744), table 7; the default of lmms-eval."""


def lettered(options: Sequence[str]) -> dict[str, str]:
    """Options by their letters.

    >>> lettered(["cat", "dog"])
    {'A': 'cat', 'B': 'dog'}
    """
    return dict(zip(ALPHABET, options, strict=False))


def options_of(row: Row, name: str = "options") -> list[str]:
    """Options of a row: a list, or the text of one as Python writes it.

    Raises:
        DataError: it is neither.
    """
    value = row[name]
    if isinstance(value, str) and len(value) <= _LONGEST_LIST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, list):
        raise DataError(f"{row.where}: {name} is no list of options, got {str(row[name])[:60]!r}")
    return [str(option) for option in value]


def letter_of(row: Row, name: str, count: int) -> str:
    """The letter of an option that a row names by its number, from 0.

    Raises:
        DataError: there is no option of that number.
    """
    place = row[name]
    if not str(place).isdigit() or int(place) >= count:
        raise DataError(f"{row.where}: {name} is {place!r}, expected a number below {count}")
    return ALPHABET[int(place)]


def letter_if_known(row: Row, name: str, count: int) -> str | None:
    """As `letter_of`; None where the truth is not published.

    Raises:
        DataError: it is none of them.
    """
    if str(row.get(name)).strip() in ("", "None", "-1"):
        return None
    return letter_of(row, name, count)


def options_in(text: str) -> dict[str, str]:
    """Options that stand in a question's words, one a line, with their letters.

    >>> options_in("Which?\\nA. cat\\n(B) dog\\nC: an owl")
    {'A': 'cat', 'B': 'dog', 'C': 'an owl'}
    """
    found = _OPTION_LINE.findall(text)
    return {letter: option.strip() for letter, option in found}


def option_lines(options: Mapping[str, str]) -> str:
    """Options with their letters, one a line.

    >>> option_lines({"A": "cat", "B": "dog"})
    'A. cat\\nB. dog'
    """
    return "\n".join(f"{letter}. {option}" for letter, option in options.items())


def asked_directly(question: object, options: Mapping[str, str]) -> str:
    """Returns the words of a question with its options as lmms-eval asks: a letter, directly."""
    return f"{question}\n{option_lines(options)}\n{DIRECTLY}"


def asked_for_letter(
    question: str, options: Mapping[str, str], *, hint: str = "", closing: str = SELECT
) -> str:
    """Returns the words of a question with its options, one a line.

    >>> print(asked_for_letter("Which?", {"A": "cat", "B": "dog"}, hint="Look."))
    Hint: Look.
    Question: Which?
    Options:
    A. cat
    B. dog
    Please select the correct answer from the options above.
    """
    lines = [f"Hint: {hint}"] if hint else []
    lines.append(f"Question: {question}")
    if options:
        lines += ["Options:", option_lines(options), closing]
    return "\n".join(lines)


def score_letter(question: Question, reply: Reply) -> Score:
    """Scores a letter: `truth` is the right one, None if it is not published; facts["options"] has
    the options by letter."""
    if question.truth is None:
        return NOT_KNOWN
    options: Mapping[str, str] = question.facts["options"]
    return choice(
        answer=reply.text, truth=str(question.truth), letters=tuple(options), options=options
    )
