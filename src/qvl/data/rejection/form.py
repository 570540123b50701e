"""What is wrong with the form of an answer, whether it is right or not.

Owns: length, repetition, languages mixed. Does not own: right and wrong (``verifiers``), what is
said about the picture (``claims``).

    answer, question -> form_problem() -> None | "too long" | "repetition" | "code-switching"

Source: report, 2.3.3: discarded are answers with code-switching, of excessive length, and with
repetitive patterns. How each is told is ours.
"""

import re
from dataclasses import dataclass

from qvl.data.languages import guess_language, script_counts
from qvl.tasks.repetition import find_repetition

# What is quoted, computed or written in code may be in any language.
_QUOTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\(.*?\\\)|\\\[.*?\\\]"
    r"|\"[^\"\n]{0,300}\"|\u201c[^\u201d\n]{0,300}\u201d|\u00ab[^\u00bb\n]{0,300}\u00bb"
    r"|\u300c[^\u300d\n]{0,300}\u300d|\u300e[^\u300f\n]{0,300}\u300f|(?<!\w)'[^'\n]{1,300}'(?!\w)"
    r"|https?://\S+|<[^<>\n]{1,100}>",
    re.DOTALL,
)
_SENTENCE = re.compile(r"[^.!?\n\u3002\uff01\uff1f]+")
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z'-]*(?:[ ,]+[A-Za-z][A-Za-z'-]*){3,}")
_GREEK_ALONE = re.compile(r"(?<![\u0370-\u03ff])[\u0370-\u03ff](?![\u0370-\u03ff])")
_FEWEST_WORDS = 6
_SURE = 0.65
_MOST_PREFIXES = 40
_SHORTEST_RUN = 300  # characters; `tasks.repetition` believes in no shorter one


@dataclass(frozen=True, kw_only=True, slots=True)
class FormLimits:
    """What form is accepted.

    Attributes:
        most_characters: longer answers are excessive.
        foreign_letters: so many letters of a script that the question does not use are a slip.
    """

    most_characters: int = 8000
    foreign_letters: int = 2


def form_problem(answer: str, question: str, limits: FormLimits) -> str | None:
    """Returns what is wrong with the form of an answer, or None.

    Args:
        answer: with its steps.
        question: words of the user and of the true answer; their languages may be used.
        limits: what is accepted.
    """
    if len(answer) > limits.most_characters:
        return "too long"
    if repeats(answer):
        return "repetition"
    if switches_language(answer, question, foreign_letters=limits.foreign_letters):
        return "code-switching"
    return None


def repeats(text: str) -> bool:
    """Whether a text repeats itself anywhere, not only at its end.

    >>> repeats("Once. " + "The same words come again. " * 20 + "\\nAnswer: 3"), repeats("Once.")
    (True, False)
    """
    if len(text) < _SHORTEST_RUN:
        return False
    ends = [len(text)]
    for line in re.finditer(r"\n", text):
        if line.start() - (ends[-1] if len(ends) > 1 else 0) >= _SHORTEST_RUN // 2:
            ends.append(line.start())
    step = -(-len(ends) // _MOST_PREFIXES)  # bounded work; the end itself is always looked at
    return any(find_repetition(text[:end].rstrip()) is not None for end in ends[::step])


def switches_language(answer: str, question: str, *, foreign_letters: int = 2) -> bool:
    """Whether an answer changes into a language that the question is not in.

    Names and terms in Latin letters belong to every language; sentences do not. Greek letters that
    stand alone are signs of mathematics.

    >>> switches_language("There are 三个 circles.", "How many circles are there?")
    True
    >>> switches_language('The sign says "出口", so it is an exit.', "What does the sign say?")
    False
    >>> switches_language("图中有 3 个 RGB 圆形。", "图中有几个圆形?")
    False
    """
    text = _GREEK_ALONE.sub(" ", _QUOTED.sub(" ", answer))
    allowed = set(script_counts(question))
    if not allowed:
        return False  # numbers alone are no language
    found = script_counts(text)
    if "Han" in allowed and "Kana" in allowed:
        allowed |= {"Han", "Kana"}
    for script, count in found.items():
        if script not in allowed and script != "Latin" and count >= foreign_letters:
            return True
    if "Latin" not in allowed:
        return _LATIN_RUN.search(text) is not None
    if not allowed - {"Latin"} or _is_mostly_latin(question):
        return _changes_within_latin(text, question)
    # The question is in another script with Latin terms; an answer without that script switches.
    return bool(found) and not set(found) & (allowed - {"Latin"}) and len(text.split()) > 3


def _is_mostly_latin(text: str) -> bool:
    counts = script_counts(text)
    return 2 * counts["Latin"] > counts.total()


def _changes_within_latin(text: str, question: str) -> bool:
    """Whether sentences of an answer are in different languages of the Latin script."""
    expected = guess_language(question).language
    for sentence in _SENTENCE.findall(text):
        if len(sentence.split()) < _FEWEST_WORDS:
            continue
        guess = guess_language(sentence)
        if guess.confidence < _SURE:
            continue
        if not expected:
            expected = guess.language
        elif guess.language != expected:
            return True
    return False
