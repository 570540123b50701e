"""Whether an answer is right: the final answer of a text against the ground truth of its sample.

Owns: asking for steps with a final answer, finding it, a verifier for each kind of truth. Does not
own: scores of benchmarks (``evaluation``), what else may be wrong (``form``, ``claims``).

    answer of a model -> final_answer() -> text | None
    final answer, Sample -> verifier -> Verdict(value from 0 to 1, why)

The truth of a sample is its last answer. Reading is left to ``tasks``, so an answer means here what
it means everywhere else.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.errors import DataError
from qvl.geometry import Box, box_iou
from qvl.messages import Conversation, Message, Text
from qvl.tasks import counting, grounding
from qvl.tasks.coercion import to_number

STEPS_PROMPT = (
    "Think step by step, and say what you see in the picture. End with a line that begins with "
    '"Answer:" and holds nothing but the answer.'
)
"""Put behind a question; the report prints no prompt. Our wording."""
TEXT_STEPS_PROMPT = STEPS_PROMPT.replace(", and say what you see in the picture", "")
"""Put behind a question about no picture."""


class Verdict(NamedTuple):
    """How right an answer is."""

    value: float
    """0 to 1."""
    why: str = ""


Verifier = Callable[[str, Sample], Verdict]
"""Final answer, sample with its truth -> verdict."""


def question_of(sample: Sample) -> Conversation:
    """Returns the conversation up to its last answer, which is the truth.

    Raises:
        DataError: it does not end with an answer to a question.
    """
    turns = sample.conversation.messages
    if len(turns) < 2 or turns[-1].role != "assistant":
        raise DataError("the conversation does not end with an answer, which would be the truth")
    return replace(sample.conversation, messages=turns[:-1])


def with_steps(question: Conversation) -> Conversation:
    """Returns the question with the wish for steps behind it."""
    *before, last = question.messages
    parts = [part for message in question.messages for part in message.content]
    has_media = not all(isinstance(part, Text) for part in parts)
    prompt = STEPS_PROMPT if has_media else TEXT_STEPS_PROMPT
    asked = Message(last.role, (*last.content, Text(f"\n{prompt}")))
    return replace(question, messages=(*before, asked))


def truth_of(sample: Sample) -> str:
    """Returns the true answer: the last turn, or its final answer where it has steps itself."""
    text = answer_text(sample.conversation.messages[-1])
    return final_answer(text) or text.strip()


_OPEN, _CLOSE = "<answer>", "</answer>"
_BOXED = "\\boxed{"
_NAMED = re.compile(
    # A line of its own, "Answer: 7"; in a sentence, "so the answer is 7."; in Chinese, either.
    r"^[ \t*#>-]*+(?:the )?(?:final )?answer[ \t*]*+[:\uff1a][\s*]*+(.+)$"
    r"|\b(?:the|my) (?:final )?answer is[ \t*:\uff1a]*+([^\n]+?)(?:\.\s|\.?$)"
    r"|^.{0,20}?答案(?:是|为)?[ \t]*+[:\uff1a]?\s*+(.+)$",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST = 2000


def final_answer(text: str) -> str | None:
    r"""Returns what a text states as its answer in the end, or None when it states none.

    >>> final_answer("There are 3 and 4.\nAnswer: **7**"), final_answer("So \\boxed{\\frac{1}{2}}.")
    ('7', '\\frac{1}{2}')
    >>> final_answer("I see a cup.") is None
    True
    """
    stop = text.rfind(_CLOSE)
    start = text.rfind(_OPEN, 0, max(0, stop))
    if start >= 0:
        return _bare(text[start + len(_OPEN) : stop])
    boxed = _boxed(text)
    if boxed is not None:
        return _bare(boxed)
    named = list(_NAMED.finditer(text))
    if not named:
        return None
    return _bare(next(group for group in named[-1].groups() if group is not None))


def whole_answer(text: str) -> str | None:
    """Returns the text itself; for models that answer without steps, and answers in JSON.

    >>> whole_answer(" red \\n"), whole_answer(" ") is None
    ('red', True)
    """
    return text.strip() or None


def _boxed(text: str) -> str | None:
    start = text.rfind(_BOXED)
    if start < 0:
        return None
    depth = 1
    inner = start + len(_BOXED)
    for at in range(inner, min(len(text), inner + _LONGEST)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[inner:at]
    return None


def _bare(text: str) -> str | None:
    plain = text.strip().strip("*_`$").strip()
    plain = plain[:-1].rstrip() if plain.endswith((".", "。")) else plain
    return plain if 0 < len(plain) <= _LONGEST else None


_ARTICLE = re.compile(r"^(?:a|an|the) ")
# Marks that set words apart and say nothing; signs of numbers, units and names are words.
_AROUND = (
    " .,;:!?\"'`()[]{}*_~|\u2026\u2018\u2019\u201c\u201d\u00ab\u00bb\u3001\u3002\u3008\u3009"
    + ("\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011")
)


def same_text(answer: str, sample: Sample) -> Verdict:
    """The same words, whatever the case, the spaces, and the punctuation and article around them.

    >>> plain("The  Red circle."), plain("ＲＥＤ")
    ('red circle', 'red')
    """
    truth = truth_of(sample)
    is_same = plain(answer) == plain(truth)
    return Verdict(float(is_same), "" if is_same else f"{answer!r} is not {truth!r}")


def plain(text: str) -> str:
    """A text as `same_text` compares it.

    >>> plain("«C++».") == plain("C"), plain("-5") == plain("5"), plain("50%")
    (False, False, '50%')
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _ARTICLE.sub("", folded.replace("\u2212", "-").strip(_AROUND) or folded)


def same_number(
    answer: str, sample: Sample, *, relative: float = 0.0, absolute: float = 1e-9
) -> Verdict:
    """A number within a tolerance of the true one.

    Args:
        answer: digits, amounts, or number words.
        sample: whose truth is a number.
        relative: share of the true number by which the answer may be off.
        absolute: by which it may be off in any case.

    Raises:
        DataError: the truth is no number.
    """
    truth = number_of(truth_of(sample))
    if truth is None:
        raise DataError(f"the truth {truth_of(sample)!r} is no number")
    number = number_of(answer)
    if number is None:
        return Verdict(0.0, f"{answer!r} is no number")
    is_same = abs(number - truth) <= max(absolute, relative * abs(truth))
    return Verdict(float(is_same), "" if is_same else f"{number:g} is not {truth:g}")


def number_of(text: str) -> float | None:
    """Returns the number that a text states.

    >>> [number_of(text) for text in ("1,250", "45 %", "-3.5", "twelve cups", "1 or 2")]
    [1250.0, 45.0, -3.5, 12.0, None]
    """
    bare = text.strip().removesuffix("%").strip()
    number = to_number(bare)
    if number is None:
        number = counting.parse(text)
    return None if number is None else float(number)


def same_answer(answer: str, sample: Sample) -> Verdict:
    """A number as a number, anything else by its words.

    A number may be off by the tolerance that the facts of a chart's question state: what can be
    read from it.
    """
    if number_of(truth_of(sample)) is None:
        return same_text(answer, sample)
    asked = sample.facts.get("questions") or [{}]
    tolerance = asked[-1].get("tolerance", 0.0) if isinstance(asked[-1], dict) else 0.0
    return same_number(answer, sample, absolute=max(1e-9, float(tolerance)))


_CHOICE = re.compile(r"\b(?i:options?|choices?|answers?|letters?)(?: is|:)? \(?([A-H])\b")
# "A dog" names no choice: before a word, A is an article, unless the word says something of it.
_LETTERS = re.compile(
    r"(?<![A-Za-z])\(?((?!A\s+(?!is\b|was\b|because\b|and\b|or\b)[a-z])[A-Ha-h])\)?(?![A-Za-z'])"
)


def same_choice(answer: str, sample: Sample) -> Verdict:
    """The same letter of a multiple choice; an answer with two letters is wrong.

    Raises:
        DataError: the truth names no letter.
    """
    truth = letter_of(truth_of(sample))
    if truth is None:
        raise DataError(f"the truth {truth_of(sample)!r} names no choice")
    letter = letter_of(answer)
    is_same = letter == truth
    return Verdict(float(is_same), "" if is_same else f"{letter or answer!r} is not {truth}")


def letter_of(text: str) -> str | None:
    """Returns the letter that a choice is named by.

    >>> [letter_of(text) for text in ("B", "(c)", "D. A red cup", "Option B", "A or B", "red")]
    ['B', 'C', 'D', 'B', None, None]
    >>> [letter_of(text) for text in ("A dog", "A is right", "Option A shows a dog")]
    [None, 'A', 'A']
    """
    plain_text = text.strip()
    first = re.match(r"\(?([A-Ha-h])(?:\)|[.:]|\s*$)", plain_text)
    if first is not None:
        return first[1].upper()
    found = {letter for letter in _LETTERS.findall(plain_text) if letter.isupper()}
    found |= set(_CHOICE.findall(plain_text))
    return found.pop() if len(found) == 1 else None


def same_boxes(answer: str, sample: Sample, *, iou: float = 0.5) -> Verdict:
    """The true boxes, each found once and no others; the value is twice the hits over both counts.

    Args:
        answer: boxes in any form that ``tasks.grounding`` reads.
        sample: whose truth has boxes.
        iou: least overlap. Source: PASCAL VOC development kit, 4.4 (0.5).

    Raises:
        DataError: the truth has no boxes.
    """
    truth = list(grounding.parse(answer_text(sample.conversation.messages[-1])).boxes)
    if not truth:
        raise DataError("the truth has no boxes")
    given = list(grounding.parse(answer).boxes)
    if not given:
        return Verdict(0.0, "no boxes")
    # The best pairs first, each box once.
    pairs = sorted(
        (
            (-overlap, i, j)
            for i, want in enumerate(truth)
            for j, have in enumerate(given)
            if (overlap := _overlap(want.box, have.box)) >= iou
            and plain(want.label) == plain(have.label or want.label)
        )
    )
    used: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in pairs:
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
    value = 2 * len(used[0]) / (len(truth) + len(given))
    return Verdict(value, "" if value == 1 else f"{len(used[0])} of {len(truth)} boxes found")


def _overlap(one: Box, other: Box) -> float:
    return box_iou(one, other)
