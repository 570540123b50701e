"""Whether a story or poem keeps what it was asked for: words, where they stand, length, acrostics.

Owns: reading constraints as MEGA-Bench writes them, and checking each. Does not own IFEval's
(``instructions``).

    text, constraints -> each kept or not -> 1 if all are

Syllables, rhymes and meter need a dictionary of how words are spoken and are in `SPOKEN`: a text
with such a constraint cannot be decided here.
Source: TIGER-AI-Lab/MEGA-Bench constrained_generation.py. Differences: plurals are undone by rules,
not by WordNet, and sentences told apart by rules, not by nltk's model; "only in sentence 2" holds
also where two words for the thing stand in it; words of a phrase are not glued together; of several
conditions on a word all count, not the last; two spaces are no empty word. As there, a word also
counts inside another: "cat" in "education".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from qvl.evaluation.scorers.instructions import sentences
from qvl.evaluation.scorers.megabench_answers import as_list
from qvl.evaluation.scorers.score import Score

SPOKEN = frozenset(("syllables", "rhyming_scheme", "poetry_meter"))

_LONGEST = 20_000
_TOKEN = re.compile(r"\w+|[^\w\s]")
_LENGTH = re.compile(r"\s*([<>])\s*(\d{1,6})\s*")
_GROUP = re.compile(r"\[([^\[\]]*)\]")
_NUMBERED = re.compile(r"\d+$")
_IRREGULAR = {
    "mice": "mouse", "lice": "louse", "geese": "goose", "feet": "foot", "teeth": "tooth",
    "knives": "knife", "lives": "life", "wives": "wife",
}  # fmt: skip
_ENDINGS = (("ies", "y"), ("ves", "f"), ("men", "man"))
_SHORTEST = 5
"""Letters of a word that an ending is taken for a plural's: "flies", but not "dies"."""


def spoken_constraints(constraints: Mapping[str, object]) -> list[str]:
    """Those that cannot be decided here."""
    return sorted(name for name in constraints if name in SPOKEN and str(constraints[name]).strip())


def keeps_constraints(*, answer: str, constraints: Mapping[str, object]) -> Score:
    """Scores 1 if a text keeps all constraints, else 0.

    >>> wanted = {"contain1##position": "[cat, kitten]##2", "length1": "<20"}
    >>> keeps_constraints(answer="It rained. Two kittens slept.", constraints=wanted).value
    1.0
    >>> keeps_constraints(answer="Kittens slept. It rained.", constraints=wanted).why
    "not kept: contain1##position '[cat, kitten]##2'"

    Args:
        answer: the whole text.
        constraints: as in the data, by name: "contain" any of some words, "contain_only" of one of
            some groups, with "position", "position_only" (of the sentence, from 1) or "times";
            "length"; "acrostic" and "acrostic_alliteration". A name may have a number; an empty
            value asks for nothing.
    """
    answer = answer[:_LONGEST]
    asked = {name: str(value) for name, value in constraints.items() if str(value).strip()}
    if not answer.strip() or not constraints:
        why = "no constraint" if answer.strip() else "no answer"
        return Score(value=0.0, why=why, is_parsed=False)
    kept = {}
    for name, value in asked.items():
        kind, *conditions = _kinds(name)
        if kind not in _CHECKS or not set(conditions) <= set(_CONDITIONS):
            return Score(value=0.0, why=f"{name} is not decided here", is_parsed=False)
        kept[name] = _CHECKS[kind](answer, name, value)
    broken = [f"{name} {asked[name][:60]!r}" for name, is_kept in kept.items() if not is_kept]
    why = f"not kept: {', '.join(broken)}" if broken else f"all {len(asked)} kept"
    return Score(value=float(not broken), why=why)


def _kinds(name: str) -> list[str]:
    """What a name asks for, without numbers: "contain1##times" is "contain", "times"."""
    return [_NUMBERED.sub("", part.strip()).lower() for part in name.split("##")]


def _has_words(text: str, name: str, value: str) -> bool:
    kinds, values = _kinds(name), [part.strip() for part in value.split("##")]
    if len(kinds) != len(values):
        return False
    groups = [as_list(values[0])]
    if kinds[0] == "contain_only":
        groups = [
            [word.strip() for word in group.split(",")] for group in _GROUP.findall(values[0])
        ]
    places = [found for group in groups if (found := _places(text, group))]
    if len(places) != 1:
        return False
    return all(
        wanted.isdecimal() and _CONDITIONS[kind](places[0], int(wanted))
        for kind, wanted in zip(kinds[1:], values[1:], strict=True)
    )


_CONDITIONS: Mapping[str, Callable[[Sequence[int], int], bool]] = {
    "position": lambda places, wanted: wanted in places,
    "position_only": lambda places, wanted: set(places) == {wanted},
    "times": lambda places, wanted: len(places) == wanted,
}


def _places(text: str, words: Sequence[object]) -> list[int]:
    """Numbers of the sentences in which words stand, one for each time.

    >>> _places("A puppy and two puppies. A dog.", ["puppy", "dog"])
    [1, 1, 2]
    """
    found = []
    for number, sentence in enumerate(sentences(text.replace("**", "")), 1):
        plain, singular = _forms(sentence)
        for word in words:
            own, one = _forms(str(word))
            found += [number] * (max(plain.count(own), singular.count(one)) if own else 0)
    return found


def _forms(text: str) -> tuple[str, str]:
    """Words of a text with single spaces between: as they are, and in the singular."""
    tokens = _TOKEN.findall(text.lower())
    return " ".join(tokens), " ".join(map(_singular, tokens))


def _singular(word: str) -> str:
    """A noun's singular where the plural does not contain it; the same for every text.

    >>> [_singular(word) for word in ("puppies", "wolves", "firemen", "mice", "dogs")]
    ['puppy', 'wolf', 'fireman', 'mouse', 'dogs']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, singular in _ENDINGS:
        if word.endswith(ending) and len(word) >= _SHORTEST:
            return word.removesuffix(ending) + singular
    return word


def _has_length(text: str, name: str, value: str) -> bool:
    limit = _LENGTH.fullmatch(value)
    if not limit:
        return False
    count, wanted = len(re.findall(r"\b\w+\b", text)), int(limit.group(2))
    return count < wanted if limit.group(1) == "<" else count > wanted


def _begins_with(text: str, name: str, letters: str, *, of_all_words: bool) -> bool:
    """Whether each line begins with its letter; a space stands for an empty line."""
    lines = text.replace("**", "").strip().lower().split("\n")
    if len(lines) != len(letters):
        return False
    for line, letter in zip(lines, letters.lower(), strict=True):
        words = line.split()
        looked_at = words if of_all_words else words[:1]
        is_right = all(word.startswith(letter) for word in looked_at)
        if bool(words) == (letter == " ") or not is_right:
            return False
    return True


_CHECKS: Mapping[str, Callable[[str, str, str], bool]] = {
    "contain": _has_words,
    "contain_only": _has_words,
    "length": _has_length,
    "acrostic": partial(_begins_with, of_all_words=False),
    "acrostic_alliteration": partial(_begins_with, of_all_words=True),
}
