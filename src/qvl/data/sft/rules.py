"""The rules of the second filter stage: answers that are repeated, cut off, broken or beside the
point.

Owns: one function for each kind of fault, for ``steps.filter_step``. Does not own: finding a
repetition (``tasks.repetition``), languages (``languages``), harm (``filters.safety``), judgements
that need a model (``rewards``).

    Sample -> rule -> None to keep it | why it is dropped

The rules drop what is certainly wrong and keep what may be right.
Source of the kinds of fault: report section 2.3.2.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

from qvl.data.interleaved import TASK as DOCUMENT
from qvl.data.languages import STOP_WORDS, script_counts
from qvl.data.lint import turn_problems
from qvl.data.records import Sample
from qvl.data.texts import answer_texts, broken_off, has_media, prose_of, query_text, words_of
from qvl.tasks.repetition import find_repetition

# Source: Rae et al., Scaling Language Models (2021), table A1: shares of all characters that lie in
# the most frequent run of n words, and of lines that repeat another.
_TOP_RUNS = {2: 0.20, 3: 0.18, 4: 0.16}
_REPEATED_LINES = 0.30
# A short explanation repeats the words of its question; the source looks at whole documents.
_FEWEST_WORDS, _FEWEST_LINES = 100, 6

_REFUSALS = re.compile(
    r"\bas an? (?:ai|artificial intelligence|large language model|language model)\b|"
    r"\bi (?:can(?:'|\u2019)?t|cannot|am unable to|'m unable to) (?:see|view|access|open|process) "
    r"(?:the |any |this |your )?(?:images?|pictures?|photos?|videos?|files?|attachments?)\b|"
    r"\b(?:please|could you) (?:upload|provide|share) (?:the|an|your) (?:image|picture|video)\b|"
    r"作为一个(?:人工智能|AI|语言模型)|我无法(?:查看|看到|打开)(?:图片|图像|视频)",
    re.IGNORECASE,
)
_NEEDS_MEDIA = re.compile(
    r"\b(?:in|of|from|about|does|describe) (?:the|this|these) (?:image|picture|photo|video|"
    r"screenshot|figure|chart)s?\b|(?:这张|图中|图片中|视频中)",
    re.IGNORECASE,
)
_DENSE = ("Han", "Kana", "Hangul")
# White space without line ends: of a long run of empty lines each is read once.
_JSON_FENCE = re.compile(r"```json[^\S\n]*\n(.*?)```", re.DOTALL)
_QUOTED = re.compile(
    r"[\"“”'‘’「」『』《》][^\"“”'‘’「」『』《》\n]{1,80}[\"“”'‘’「」『』《》]|`[^`\n]+`"
)
_ASKS_FOR_LANGUAGES = re.compile(
    r"translat|\bin (?:english|chinese|french|german|spanish|japanese|korean|russian|arabic|"
    r"italian|portuguese|hindi|latin|greek)\b|翻译|中文|英文|英语|language|read (?:all )?the text|"
    r"文字|written|transcribe|text in the",
    re.IGNORECASE,
)


def repeats_itself(sample: Sample) -> str | None:
    """Drops an answer that ends in a loop, or whose prose says the same again and again."""
    for answer in answer_texts(sample):
        if find_repetition(answer) is not None:
            return "answer ends in a loop"
        lines = [line.strip() for line in prose_of(answer).split("\n") if line.strip()]
        if len(lines) >= _FEWEST_LINES and 1 - len(set(lines)) / len(lines) > _REPEATED_LINES:
            return "answer repeats lines"
        words = words_of(prose_of(answer))
        if len(words) >= _FEWEST_WORDS and _top_runs(words):
            return "answer repeats phrases"
    return None


def _top_runs(words: list[str]) -> bool:
    total = sum(map(len, words))
    for length, most in _TOP_RUNS.items():
        runs = Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))
        run, times = runs.most_common(1)[0]
        # Numbers and single letters repeat in every calculation.
        says_something = any(len(word) > 1 and word.isalpha() for word in run)
        if times > 2 and says_something and times * sum(map(len, run)) > most * total:
            return True
    return False


def cut_off(sample: Sample) -> str | None:
    """Drops a sample with an answer that stops in the middle."""
    return next(filter(None, map(broken_off, answer_texts(sample))), None)


def malformed(sample: Sample) -> str | None:
    """Drops a sample with turns in a wrong order, an empty answer, or broken JSON or HTML."""
    if sample.task == DOCUMENT:
        return "a document, no conversation"
    for _ in turn_problems(sample):
        return "turns out of order or empty"
    for answer in answer_texts(sample):
        for block in _JSON_FENCE.findall(answer):
            try:
                json.loads(block)
            except (ValueError, RecursionError):
                return "JSON cannot be read"
        if "<html" in answer.lower() and any(_unbalanced(answer)):
            return "HTML tags are not balanced"
    return None


class _Tags(HTMLParser):
    """Follows which tags are open."""

    VOID = frozenset(("br", "img", "hr", "input", "meta", "link", "col", "wbr", "source"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in self.VOID:
            self.wrong.append(tag)


def _unbalanced(text: str) -> Iterator[str]:
    tags = _Tags()
    tags.feed(text)
    # The published format itself closes body and html in swapped order; see the report's box.
    skeleton = {"html", "body"}
    yield from (tag for tag in (*tags.wrong, *tags.open) if tag not in skeleton)


def unrelated(sample: Sample, *, long_words: int = 60) -> str | None:
    """Drops an answer that says nothing about its question.

    Args:
        sample: to be looked at.
        long_words: a question and an answer of so many words each have a content word in common,
            unless they are in different scripts.
    """
    query = query_text(sample)
    answers = answer_texts(sample)
    words = set(words_of(query))
    if not has_media(sample) and _NEEDS_MEDIA.search(query[:400]) and not words_of(query)[40:]:
        return "asks about a picture that is not there"
    for answer in answers:
        if _REFUSALS.search(answer[:600]):
            return "boilerplate refusal"
        said = words_of(answer)
        if len(said) > 3 and said == words_of(query):
            return "answer repeats the question"
        if min(len(said), len(words_of(query))) >= long_words and not _shares_words(words, said):
            return "answer shares no word with the question"
    return None


def _shares_words(query: set[str], answer: list[str]) -> bool:
    content = query - STOP_WORDS["en"]
    scripts = [script_counts(" ".join(words)) for words in (content, answer)]
    if any(not counts for counts in scripts):
        return True
    if scripts[0].most_common(1)[0][0] != scripts[1].most_common(1)[0][0]:
        return True  # a translation has no word in common
    return bool(content & set(answer))


def mixes_languages(sample: Sample, *, most: float = 0.02) -> str | None:
    """Drops an answer that changes its script in the middle.

    Letters in quotes and code do not count, nor scripts that the question uses or asks for. Chinese
    and Japanese text holds Latin names, so there only English function words count.

    Args:
        sample: to be looked at.
        most: share of the letters of an answer that may be of another script.
    """
    query = query_text(sample)
    asked = script_counts(query)
    if _ASKS_FOR_LANGUAGES.search(query):
        return None
    for answer in answer_texts(sample):
        prose = _QUOTED.sub(" ", prose_of(answer))
        counts = script_counts(prose)
        if not counts:
            continue
        main = _main_script(asked, counts)
        family = {main, *(("Han", "Kana") if main in ("Han", "Kana") else ())}
        for script, count in counts.items():
            if script in family or script in asked or script in ("Greek", "Latin"):
                continue
            if count > 2 and count > most * counts.total():
                return f"mixes {main} and {script}"
        if main != "Latin" and "Latin" not in asked:
            english = sum(word in STOP_WORDS["en"] for word in words_of(prose))
            if english > 3 and english > most * counts.total():
                return f"mixes {main} and Latin"
    return None


def _main_script(asked: Counter[str], counts: Counter[str]) -> str:
    """The script of the question where the answer has it too, else the answer's own."""
    shared = asked if asked and _heaviest(asked) in counts else counts
    return _heaviest(shared)


def _heaviest(counts: Counter[str]) -> str:
    # A Chinese, Japanese or Korean letter says about as much as three Latin ones.
    return max(counts, key=lambda script: counts[script] * (3 if script in _DENSE else 1))
