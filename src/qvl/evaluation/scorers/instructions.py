"""Whether an answer follows instructions that can be checked: the 25 kinds of IFEval.

Owns: the check of each kind, the strict and the loose reading. Does not own: prompts, totals.

    kind, arguments, answer -> CHECKS[kind] -> followed or not
    loose: followed by the answer, or by it without its first or last line or its asterisks

Source: google-research/instruction_following_eval (arXiv 2311.07911), evaluation_lib.py and
instructions.py. Differences: sentences are told apart by rules here, not by nltk's trained model,
and words in capitals by spaces and marks; langdetect draws with a fixed seed. Keywords are regular
expressions there; here they are words, which no keyword of the set is harmed by.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qvl.errors import DataError, MissingDependencyError

Arguments = Mapping[str, Any]
Check = Callable[[str, Arguments], bool]

_LONGEST = 100_000
_LONGEST_FOR_LANGUAGE = 10_000
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Capt|Lt|St|Sr|Jr|Inc|Ltd|Co|vs|etc|e\.g|i\.e|Ph\.D|[A-Z])\.$"
)
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|\Z)")
_POSTSCRIPTS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
_CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """Which instructions of a prompt an answer follows, in their order."""

    strict: tuple[bool, ...]
    loose: tuple[bool, ...]


def followed(answer: str, kinds: Sequence[str], arguments: Sequence[Arguments]) -> Followed:
    """Checks an answer against the instructions of its prompt.

    >>> followed("**no, never**\\n", ["punctuation:no_comma"], [{}])
    Followed(strict=(False,), loose=(False,))
    >>> followed("Sure, here it is:\\nno", ["punctuation:no_comma"], [{}])
    Followed(strict=(False,), loose=(True,))

    Args:
        answer: as the model wrote it; an empty one follows none.
        kinds: names, as in the data.
        arguments: of each kind.

    Raises:
        DataError: a kind is unknown, or an argument is missing.
        MissingDependencyError: a language is asked for, and langdetect is not installed.
    """
    answer = answer[:_LONGEST]
    ways = _loose_ways(answer)
    strict, loose = [], []
    for kind, given in zip(kinds, arguments, strict=True):
        if kind not in CHECKS:
            raise DataError(f"no instruction {kind!r}, expected one of {', '.join(CHECKS)}")
        check, named = CHECKS[kind], {name: v for name, v in given.items() if v is not None}
        try:
            strict.append(bool(answer.strip()) and check(answer, named))
            loose.append(any(way.strip() and check(way, named) for way in ways))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"instruction {kind} has the arguments {named}: {error!r}") from error
    return Followed(strict=tuple(strict), loose=tuple(loose))


def _loose_ways(answer: str) -> list[str]:
    """The answer, without its first line, its last, both; each also without asterisks."""
    lines = answer.split("\n")
    ways = [answer, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*ways, *(way.replace("*", "") for way in ways)]


def sentences(text: str) -> list[str]:
    """Sentences of a text; a line end ends none, an abbreviation neither.

    >>> sentences("Dr. Lee paid 3.50 today. Why?! \\"It broke.\\" The end")
    ['Dr. Lee paid 3.50 today.', 'Why?!', '"It broke."', 'The end']
    """
    found, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        if end.group() == "." and _ABBREVIATION.search(
            text, max(start, end.start() - 10), end.end()
        ):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _compare(count: int, relation: str, wanted: int) -> bool:
    if relation not in ("less than", "at least"):
        raise ValueError(f"relation {relation!r}")
    return count < wanted if relation == "less than" else count >= wanted


def _occurrences(text: str, keyword: str) -> int:
    return len(re.findall(re.escape(keyword), text, re.IGNORECASE))


def _keywords(text: str, given: Arguments) -> bool:
    return all(_occurrences(text, keyword) > 0 for keyword in given["keywords"])


def _frequency(text: str, given: Arguments) -> bool:
    count = _occurrences(text, given["keyword"].strip())
    return _compare(count, given["relation"], given["frequency"])


def _no_forbidden(text: str, given: Arguments) -> bool:
    words = given["forbidden_words"]
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in words)


def _letters(text: str, given: Arguments) -> bool:
    count = Counter(text.lower())[given["letter"].lower()]
    return _compare(count, given["let_relation"], given["let_frequency"])


def _language(text: str, given: Arguments) -> bool:
    return _detected(text) in (given["language"], None)


def _sentence_count(text: str, given: Arguments) -> bool:
    return _compare(len(sentences(text)), given["relation"], given["num_sentences"])


def _word_count(text: str, given: Arguments) -> bool:
    return _compare(len(re.findall(r"\w+", text)), given["relation"], given["num_words"])


def _paragraphs(text: str, given: Arguments) -> bool:
    """Paragraphs between lines of three asterisks, none of them empty but at the ends."""
    parts = re.split(r"\s?\*\*\*\s?", text)
    inner = parts[1:-1]
    if any(not part.strip() for part in inner):
        return False
    return sum(bool(part.strip()) for part in parts) == int(given["num_paragraphs"])


def _first_word(text: str, given: Arguments) -> bool:
    """The first word of one of so many paragraphs, which empty lines part."""
    parts = text.split("\n\n")
    count, place = sum(bool(part.strip()) for part in parts), int(given["nth_paragraph"])
    if count != int(given["num_paragraphs"]) or not 1 <= place <= count:
        return False
    words = parts[place - 1].split()
    if not words:
        return False
    word = re.split(r"[.,?!'\"]", words[0].lstrip("'").lstrip('"'), maxsplit=1)[0]
    return bool(word.lower() == given["first_word"].lower())


def _placeholders(text: str, given: Arguments) -> bool:
    return len(re.findall(r"\[.*?\]", text)) >= int(given["num_placeholders"])


def _postscript(text: str, given: Arguments) -> bool:
    marker = given["postscript_marker"].strip()
    pattern = _POSTSCRIPTS.get(marker, re.escape(marker.lower()))
    return re.search(rf"\s*{pattern}.*$", text.lower(), re.MULTILINE) is not None


def _bullets(text: str, given: Arguments) -> bool:
    starred = re.findall(r"^\s*\*[^*].*$", text, re.MULTILINE)
    dashed = re.findall(r"^\s*-.*$", text, re.MULTILINE)
    return len(starred) + len(dashed) == int(given["num_bullets"])


def _constrained(text: str, given: Arguments) -> bool:
    return any(option in text for option in _CONSTRAINED)


def _highlights(text: str, given: Arguments) -> bool:
    single = [part for part in re.findall(r"\*[^\n*]*\*", text) if part.strip("*").strip()]
    double = [part for part in re.findall(r"\*\*[^\n*]*\*\*", text) if part[2:-2].strip()]
    return len(single) + len(double) >= int(given["num_highlights"])


def _sections(text: str, given: Arguments) -> bool:
    mark = re.escape(given["section_spliter"].strip())
    return len(re.findall(rf"\s?{mark}\s?\d+\s?", text)) >= int(given["num_sections"])


def _json(text: str, given: Arguments) -> bool:
    text = re.sub(r"^```(?:json|Json|JSON)?", "", text.strip()).removesuffix("```").strip()
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str, given: Arguments) -> bool:
    titles = re.findall(r"<<[^\n]+>>", text)
    return any(title.lstrip("<").rstrip(">").strip() for title in titles)


def _two_responses(text: str, given: Arguments) -> bool:
    parts = text.split("******")
    if any(not part.strip() for part in parts[1:-1]):
        return False
    kept = [part.strip() for part in parts if part.strip()]
    return len(kept) == 2 and kept[0] != kept[1]


def _repeats_prompt(text: str, given: Arguments) -> bool:
    start = given["prompt_to_repeat"].strip().lower()
    return text.strip().lower().startswith(start)


def _ends_with(text: str, given: Arguments) -> bool:
    return text.strip().strip('"').lower().endswith(given["end_phrase"].strip().lower())


def _capital_words(text: str, given: Arguments) -> bool:
    words = re.findall(r"[^\s.,;:!?\"“”()\[\]{}<>*`]+", text)
    count = sum(word.isupper() for word in words)
    return _compare(count, given["capital_relation"], given["capital_frequency"])


def _all_capitals(text: str, given: Arguments) -> bool:
    return text.isupper() and _detected(text) in ("en", None)


def _all_small(text: str, given: Arguments) -> bool:
    return text.islower() and _detected(text) in ("en", None)


def _no_comma(text: str, given: Arguments) -> bool:
    return "," not in text


def _in_quotes(text: str, given: Arguments) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


CHECKS: Mapping[str, Check] = {
    "keywords:existence": _keywords,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _no_forbidden,
    "keywords:letter_frequency": _letters,
    "language:response_language": _language,
    "length_constraints:number_sentences": _sentence_count,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_words": _word_count,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeats_prompt,
    "startend:end_checker": _ends_with,
    "startend:quotation": _in_quotes,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": _all_capitals,
    "change_case:english_lowercase": _all_small,
    "punctuation:no_comma": _no_comma,
}


def _detected(text: str) -> str | None:
    """The language of a text as its ISO 639-1 code, None where there are no letters to tell by."""
    factory, unknown = _detector()
    detector = factory.create()
    detector.append(text[:_LONGEST_FOR_LANGUAGE])
    try:
        return str(detector.detect())
    except unknown:
        return None


@lru_cache(maxsize=1)
def _detector() -> tuple[Any, type[Exception]]:
    try:
        from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
        from langdetect.lang_detect_exception import LangDetectException
    except ImportError as error:
        raise MissingDependencyError(
            "instructions about an answer's language need langdetect",
            hint="pip install 'qvl[eval]'",
        ) from error
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.seed = 0  # it draws where to begin; the same text has to be the same language
    return factory, LangDetectException
