"""Requests about the form of an answer that a program can check.

Owns: the kinds of constraint, their words, checking them. Does not own: texts that satisfy them
(``instructions``).

    Constraint -> words() -> "Use exactly 3 sentences.";   answer -> is_met() -> True | False
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

from qvl.data.texts import words_of
from qvl.errors import DataError

Kind = Literal[
    "sentences", "bullets", "contains", "avoids", "at most words", "no commas", "capitals",
    "lowercase", "ends with", "json",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraint:
    """One request.

    Attributes:
        kind: of the request.
        value: a number or a text, where the kind needs one.
    """

    kind: Kind
    value: int | str = ""


def words(constraint: Constraint) -> str:
    """The request as a sentence."""
    value = constraint.value
    texts: dict[Kind, str] = {
        "sentences": f"Use exactly {value} sentence{'' if value == 1 else 's'}.",
        "bullets": f"Answer with exactly {value} bullet points that begin with '- '.",
        "contains": f"Use the word '{value}'.",
        "avoids": f"Do not use the word '{value}'.",
        "at most words": f"Use at most {value} words.",
        "no commas": "Do not use any commas.",
        "capitals": "Write everything in capital letters.",
        "lowercase": "Write everything in lower case.",
        "ends with": f"End your answer with the words '{value}'",
        "json": "Answer with a JSON object that has the key 'sentences', a list of texts.",
    }
    return texts[constraint.kind]


def is_met(constraint: Constraint, answer: str) -> bool:
    """Whether an answer does what is asked.

    >>> is_met(Constraint(kind="sentences", value=2), "It rains. We stay.")
    True
    >>> is_met(Constraint(kind="avoids", value="rain"), "Rain, again.")
    False

    Raises:
        DataError: the constraint is of no known kind.
    """
    value, text = constraint.value, answer.strip()
    match constraint.kind:
        case "sentences":
            return len(re.findall(r"[.!?](?=\s|$)", text)) == value and text[-1:] in ".!?"
        case "bullets":
            lines = [line for line in text.split("\n") if line.strip()]
            return len(lines) == value and all(line.startswith("- ") for line in lines)
        case "contains":
            return str(value).lower() in words_of(text)
        case "avoids":
            return str(value).lower() not in words_of(text)
        case "at most words":
            return len(text.split()) <= int(value)
        case "no commas":
            return not set(",，、") & set(text)
        case "capitals":
            return text == text.upper()
        case "lowercase":
            return text == text.lower()
        case "ends with":
            return text.endswith(str(value))
        case "json":
            return _is_list_of_texts(text)
    raise DataError(f"a constraint of the kind {constraint.kind!r} is not known")


def _is_list_of_texts(text: str) -> bool:
    plain = re.sub(r"\A```(?:json)?\s*|\s*```\Z", "", text)
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError):
        return False
    texts = found.get("sentences") if isinstance(found, dict) else None
    return isinstance(texts, list) and all(isinstance(item, str) for item in texts)
