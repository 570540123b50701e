"""The letter that an answer to a multiple-choice question chooses.

Owns: our own reading of such answers. Does not own: the readings of other harnesses
(``choice_letters_peers``), MMMU's (``mmmu``), sets of questions (``multiple_choice``).

    answer, letters, texts of the options -> statement, first word, mark, lone letter, option text
    -> a letter or None

An answer that names two letters with equal right chooses none, and nothing is drawn by lot. The
kinds of statements are tried from the clearest to the least clear, and the first kind that is
there decides.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from qvl.evaluation.scorers.score import Score
from qvl.options import shown

FOUR = ("A", "B", "C", "D")

_STATES = (
    r"answer(?:\s+(?:is|(?:would|should|must)\s+be))?(?:\s+(?:the\s+)?(?:option|choice|letter))?"
    r"|(?:correct|best|right|final|my)\s+(?:option|choice|one|letter)(?:\s+is)?"
    r"|(?:option|choice)(?:\s+is\b|\s*:)"
    r"|\bI(?:\s+would|\s*'ll)?\s+(?:choose|select|pick)(?:\s+option)?"
    r"|答案(?:是|为|选)?|应选|故选|选项?|答えは|正解は|정답은|답은|답"
)
_OPEN, _CLOSE = r"[\s:：*_`\"'“‘(\[{（【<]{0,8}", r"[*_`\"'”’)\]}）】>]"
# "A dog", "I think": a small word follows, but none of those that follow a letter only.
_PHRASES = {
    "A": re.compile(
        r"\s+(?!(?:and|as|because|but|can|does|for|has|if|in|is|matches|must|of|on|or|seems|shows"
        r"|since|than|that|to|was|which|with|would)(?![\w-]))[a-z]"
    ),
    "I": re.compile(r"\s+(?!(?:because|is|since)(?![\w-]))[a-z]"),
}
_DENIED = re.compile(
    r"\s+(?:is|was|can be|must be|would be)\s+"
    r"(?:wrong|incorrect|false|not|ruled out|excluded|eliminated)\b"
)
_LONGEST = 20_000
"""Characters of an answer that are looked at, half of them at its end."""


class _Patterns:
    """What marks a letter, for one set of letters. Each pattern has the letter as its group."""

    def __init__(self, letters: str) -> None:
        letter, lower = f"[{letters}]", f"[{letters.lower()}]"
        alone = r"(?![A-Za-z0-9'’])"
        self.whole = re.compile(rf"[(\[]?({letter}|{lower})[)\].:]{{0,2}}")
        # A small letter only where it cannot be a word.
        self.statement = re.compile(
            rf"(?i:{_STATES}){_OPEN}({letter}{alone}|{lower}(?=[)\].]|\s*\Z))"
        )
        self.first = re.compile(
            rf"{_OPEN}({letter})(?:{_CLOSE}|[,:;：、。]|\.(?![A-Za-z]\.)|\s*(?:\n|\Z))"
        )
        self.marked = re.compile(rf"[(\[{{（【<>*]\s?({letter})\s?[)\]}}）】<*]")
        self.lone = re.compile(rf"(?<![A-Za-z0-9'’&.])({letter}){alone}")


@lru_cache(maxsize=32)
def _patterns(letters: str) -> _Patterns:
    return _Patterns(letters)


def choice_letter(
    answer: str, *, letters: Sequence[str] = FOUR, options: Mapping[str, str] | None = None
) -> str | None:
    """Returns the letter that an answer chooses, or None.

    >>> [choice_letter(text) for text in ("(B)", "b.", "A cat. The answer is D", "**C**: a bird")]
    ['B', 'B', 'D', 'C']
    >>> [choice_letter(text) for text in ("A cat", "B or C", "ABCD", "Answer", "")]
    [None, None, None, None, None]
    >>> choice_letter("It is a dog", options={"A": "cat", "B": "dog"})
    'B'

    Args:
        answer: as the model wrote it.
        letters: single capital letters that may be chosen.
        options: text of each letter; an answer that contains the text of one of them alone
            chooses it, if no letter is named.
    """
    patterns = _patterns("".join(letters))
    text = answer.strip()
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"
    whole = patterns.whole.fullmatch(text)
    if whole is not None:
        return whole.group(1).upper()
    stated = [
        match
        for match in patterns.statement.finditer(text)
        if not _is_word(text, match) and _DENIED.match(text, match.end(1)) is None
    ]
    if stated:
        return stated[-1].group(1).upper()  # a model that reasons states its choice last
    first = patterns.first.match(text)
    if first is not None:
        line = text[first.end() :].split("\n", 1)[0]
        if not set(patterns.marked.findall(line)) - {first.group(1)}:
            return first.group(1)
    for pattern in (patterns.marked, patterns.lone):
        found = {match.group(1) for match in pattern.finditer(text) if not _is_word(text, match)}
        if found:
            return found.pop() if len(found) == 1 else None
    return _option_in(text, options) if options else None


def _is_word(text: str, match: re.Match[str]) -> bool:
    """Whether a letter begins a phrase: "A dog", "I think"."""
    phrase = _PHRASES.get(match.group(1))
    return phrase is not None and phrase.match(text, match.end(1)) is not None


def _option_in(text: str, options: Mapping[str, str]) -> str | None:
    """The only option whose text stands in the answer as words of its own."""
    lowered = text.lower()
    found = [
        letter
        for letter, option in options.items()
        if option.strip()
        and re.search(rf"(?<!\w){re.escape(option.strip().lower())}(?!\w)", lowered)
    ]
    return found[0] if len(found) == 1 else None


def choice(
    *,
    answer: str,
    truth: str,
    letters: Sequence[str] = FOUR,
    options: Mapping[str, str] | None = None,
) -> Score:
    """Scores 1 if an answer chooses the right letter.

    >>> choice(answer="I think (B) fits.", truth="B").why
    'chose B'

    Args:
        answer: as the model wrote it.
        truth: the right letter.
        letters: as in `choice_letter`.
        options: as in `choice_letter`.
    """
    return scored(choice_letter(answer, letters=letters, options=options), truth, answer)


def scored(letter: str | None, truth: str, answer: str) -> Score:
    """The score of a letter that was read by any rule; None was not read."""
    if letter is None:
        return Score(value=0.0, why=f"no choice in {shown(answer)}", is_parsed=False)
    right = letter == truth.strip().upper()
    return Score(
        value=float(right), why=f"chose {letter}" + ("" if right else f", expected {truth}")
    )
