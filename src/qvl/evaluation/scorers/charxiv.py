"""Answers about scientific figures, judged by rules where the published scores are a model's.

Owns: our rules for CharXiv's kinds of answers. Does not own its judge (``benchmarks/charxiv``).

    answer -> what it states last -> one form for terms, numbers, trends, layouts -> same or not

A rule knows no synonyms: it is stricter than a judge for words, and equal to one for numbers. Its
scores go by the name of a rule and are never set beside judged ones.
"""

import re
import unicodedata

from qvl.evaluation.scorers.maths import final_result, is_same
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_LONGEST = 4000
_QUOTED = re.compile(r"[\"“`]([^\"“”`\n]{1,300})[\"”`]|\*\*([^*\n]{1,300})\*\*")
_STATED = re.compile(r"\b(?:is|are|be|labels?|layout)\b[:\s]+([^\n]{1,300})\Z|:\s*([^\n]{1,300})\Z")
_LETTER = re.compile(r"\A\(?[a-z]\)\s+(?=\S)")
_LATEX = re.compile(r"\\(?:text|mathrm|mathbf|mathit|mathcal|textbf|textit|rm)\b|\\(?=[a-zA-Z])")
_DROPPED = re.compile(r"[\s${}_^\"'“”‘’`*,;.()\[\]]")
_GREEK = {
    chr(code): unicodedata.name(chr(code)).rsplit(" ", 1)[-1].lower()
    for code in (*range(0x3B1, 0x3CA), *range(0x391, 0x3AA))
    if unicodedata.name(chr(code), "").startswith("GREEK")
}
_NOT_APPLICABLE = "not applicable"
_NONE = re.compile(
    r"not applicable|\bn/a\b|\bthere (?:is|are) no\b|\bdoes not (?:have|contain)\b"
    r"|\bno (?:explicit )?(?:title|label|legend|lines?|colorbar)\b",
    re.IGNORECASE,
)
_TRENDS = re.compile(
    r"(?P<up>increas|\bris(?:e|ing)|\bgrow|\bupward|\bgo(?:es)? up|\bmov\w* up)"
    r"|(?P<down>decreas|\bfall|\bdrop|\bdeclin|\bdownward|\bgo(?:es)? down|\bmov\w* down)"
    r"|(?P<flat>stabili|constant|\bflat|plateau|\bsteady|remains? the same|level\w* off)"
    r"|(?P<waves>fluctuat|oscillat|\bvar(?:y|ies))",
    re.IGNORECASE,
)
_LAYOUT = re.compile(r"(\d+|[a-z]+)\s*(?:by|x|×|rows?\s*(?:and|by|,)?)\s*(\d+|[a-z]+)", re.I)
_WORDS = {word: str(number) for number, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
)}  # fmt: skip


def charxiv_term(*, answer: str, truth: str, any_order: bool = False) -> Score:
    """Scores 1 if an answer states the truth: a name, a number, names in their order, yes or no.

    In any order, if that is asked for; the authors' judge is told so where a question is answered
    with texts of the chart (constants.py, REASONING_GRADING_INST).

    >>> charxiv_term(answer='The title is "Loss of $\\\\alpha$".', truth="(a) Loss of α").value
    1.0
    >>> charxiv_term(answer="There is no title.", truth="Not Applicable").value
    1.0
    >>> charxiv_term(answer="1.5e3", truth="1500").value, charxiv_term(answer="1", truth="12").value
    (1.0, 0.0)
    >>> [charxiv_term(answer="B, A", truth="A, B", any_order=way).value for way in (False, True)]
    [0.0, 1.0]
    """
    if truth.strip().lower() == _NOT_APPLICABLE:
        return _score(_NONE.search(answer[:_LONGEST]) is not None, answer, truth)
    wanted = _plain(truth)
    stated = _stated(answer)
    same = any(_plain(text) == wanted or _is_number(text, truth) for text in stated)
    if any_order:
        same = same or any(_terms(text) == _terms(truth) for text in stated)
    if wanted in ("yes", "no"):
        same = same or re.match(rf"\W*{wanted}\b", answer, re.IGNORECASE) is not None
    return _score(same, answer, truth)


def charxiv_trend(*, answer: str, truth: str) -> Score:
    """Scores 1 if an answer tells the same course: up, down, flat, back and forth.

    >>> charxiv_trend(answer="It rises, then stays constant.", truth="Increases then stabilizes")\
.value
    1.0
    """
    courses = [
        [match.lastgroup for match in _TRENDS.finditer(text[:_LONGEST])] for text in (answer, truth)
    ]
    if not courses[1]:
        return charxiv_term(answer=answer, truth=truth)
    return _score(courses[0] == courses[1], answer, truth)


def charxiv_layout(*, answer: str, truth: str) -> Score:
    """Scores 1 if an answer names the same rows and columns.

    >>> charxiv_layout(answer="two rows and 3 columns", truth="2 by 3").value
    1.0
    """
    layouts = [
        [_WORDS.get(side.lower(), side) for side in match.groups()] if match else None
        for match in (_LAYOUT.search(text[:_LONGEST]) for text in (answer, truth))
    ]
    return _score(layouts[1] is not None and layouts[0] == layouts[1], answer, truth)


def _stated(answer: str) -> list[str]:
    """What may be meant: all of it, what follows "is", what stands in quotes at the end."""
    text = answer.strip()[-_LONGEST:]
    last = text.rsplit("\n", 1)[-1].strip().rstrip(".。")
    found = [text, last, final_result(text)]
    found += [part for match in _STATED.finditer(last) for part in match.groups() if part]
    quoted = [match.group(1) or match.group(2) for match in _QUOTED.finditer(last)]
    return [*found, ", ".join(quoted)] if quoted else found


def _plain(text: str) -> str:
    """One form of a term: without its letter, case, marks, spaces; Greek letters by their names."""
    text = unicodedata.normalize("NFKC", text).strip().lower()
    text = _LATEX.sub("", _LETTER.sub("", text))
    text = "".join(_GREEK.get(char, char) for char in text)
    # Marks alone, such as "-", stay as they are; a decimal point is no mark.
    bare = re.sub(r"(?<!\d)\.|\.(?!\d)", "", text)
    return _DROPPED.sub("", bare.replace(".", "·")) or text


def _terms(text: str) -> list[str]:
    """The terms that commas part, in an order of their own."""
    return sorted(_plain(term) for term in text.split(","))


def _is_number(text: str, truth: str) -> bool:
    return any(char.isdigit() for char in truth) and is_same(text, truth)


def _score(is_right: bool, answer: str, truth: str) -> Score:
    return Score(
        value=float(is_right),
        why=f"by rule: {shown(answer)} is {'' if is_right else 'not '}{shown(truth)}",
        is_parsed=bool(answer.strip()),
    )
