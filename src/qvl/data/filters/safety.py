"""Questions and answers that nobody should learn from: a few plain patterns, and room for a model.

Owns: the categories with their patterns, refusing private data. Does not own: judging meaning; a
model does that through `harm_question` and ``steps.score_step``.

    Sample -> harmful() in a filter step -> None | "harmful: weapons"

The patterns are few and strict: they find open requests and data, not hints. What they pass is not
safe by that. An answer that declines is kept: it is what a model should learn.
Source of the categories: Vidgen et al., Introducing v0.5 of the AI Safety Benchmark from MLCommons
(2024), section 3, as far as words can tell; private data is ours.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from qvl.data.records import Sample
from qvl.data.steps import Question
from qvl.data.texts import answer_texts, query_text
from qvl.messages import Conversation, SamplingParams, Text

NEAR = 60
"""Most characters between the parts of a pattern. Ours."""

_BREAK = re.compile(r"[.?!\n]")
_HOW = r"\b(?:how (?:can|do|could|would|to)|(?:steps|instructions|recipe|guide|plan) (?:to|for))\b"

PATTERNS: Mapping[str, tuple[re.Pattern[str], ...]] = {
    name: tuple(re.compile(part, re.IGNORECASE) for part in parts)
    for name, parts in {
        "weapons": (
            _HOW,
            r"\b(?:mak|build|assembl|synthesi[sz])\w*",
            r"\b(?:bombs?|explosives?|nerve agents?|sarin|grenades?|landmines?|ricin)\b",
        ),
        "violence": (
            _HOW,
            r"\b(?:kill|murder|poison|stab|torture)\s+(?:him|her|them|my|some(?:one|body)|people|"
            r"a person|an? \w+ without)\b",
        ),
        "self-harm": (
            _HOW,
            r"\b(?:kill(?:ing)? (?:myself|yourself)|commit(?:ting)? suicide|hang myself|"
            r"overdose on|cut myself)\b",
        ),
        "child abuse": (
            r"\b(?:sexual|nude|naked|erotic|porn\w*)\b",
            r"\b(?:child|children|minors?|underage|toddlers?|(?:\d|1[0-7])[- ]years?[- ]old)\b",
        ),
        "drugs": (
            _HOW,
            r"\b(?:cook|make|synthesi[sz]e|produce)\w*",
            r"\b(?:meth\w*|heroin|fentanyl|crack cocaine|lsd|mdma)\b",
        ),
        "crime": (
            _HOW,
            r"\b(?:break into (?:a|an|my|the|some)|steal (?:a|an|some|the|my|credit|money)|"
            r"launder money|forge (?:a|an|money|documents)|counterfeit|hack into)\b",
        ),
        "malware": (
            rf"(?:{_HOW}|\b(?:write|create|code|give me)\b)",
            r"\b(?:ransomware|keylogger|malware|computer virus|trojan|botnet)\b",
        ),
    }.items()
}
"""Category -> parts of what a question or an answer says of it, see `says`."""

_DECLINES = re.compile(
    r"\b(?:i (?:can(?:'|no|\u2019)?t|cannot|won'?t|will not|am (?:not able|unable) to)|i'm sorry|"
    r"i am sorry|not able to help|against the law|is illegal|please (?:seek|talk to|call))\b|"
    r"抱歉|我不能|无法提供",
    re.IGNORECASE,
)
_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b")
_CARD = re.compile(r"(?<![\d.])(?:\d[ -]?){12,18}\d(?![\d.])")


def harmful(sample: Sample) -> str | None:
    """Drops a sample that asks for harm and gets it, or that holds private data."""
    query, answers = query_text(sample), answer_texts(sample)
    for text in (query, *answers):
        if _KEY.search(text):
            return "private data: key"
        if any(is_card_number(match.group()) for match in _CARD.finditer(text)):
            return "private data: card number"
    for category, parts in PATTERNS.items():
        if any(says(text, parts) for text in (query, *answers)) and not all(map(declines, answers)):
            return f"harmful: {category}"
    return None


def says(text: str, parts: Sequence[re.Pattern[str]]) -> bool:
    """Whether a text has the parts in their order within a sentence, each at most `NEAR` characters
    behind the one before.

    Every part is looked for once, so that the time grows with the text and not with what is in it.
    """
    if not parts[-1].search(text):
        return False
    breaks = [match.start() for match in _BREAK.finditer(text)]
    ends: list[int] | None = None  # of what was found of the parts before
    for part in parts:
        found = []
        for match in part.finditer(text):
            if ends is None:
                found.append(match.end())
                continue
            place = bisect_right(ends, match.start())
            end = ends[place - 1] if place else -NEAR - 1
            gap_breaks = bisect_left(breaks, match.start()) - bisect_left(breaks, max(0, end))
            if match.start() - end <= NEAR and not gap_breaks:
                found.append(match.end())
        if not found:
            return False
        ends = found
    return True


def declines(answer: str) -> bool:
    """Whether an answer says that it will not help."""
    return bool(_DECLINES.search(answer[:400]))


def is_card_number(text: str) -> bool:
    """Whether digits are the number of a payment card: its issuer, its length, its check digit.

    >>> is_card_number("4111 1111 1111 1111"), is_card_number("4111 1111 1111 1112")
    (True, False)

    Source: ISO/IEC 7812-1, annex B (Luhn's formula), and the issuers' leading digits.
    """
    plain = text.replace(" ", "").replace("-", "")
    starts = {13: "4", 15: "3", 16: "2456", 19: "46"}.get(len(plain), "")
    if plain[:1] not in starts or not plain.isdecimal() or len(set(plain)) < 2:
        return False
    digits = [int(character) for character in plain]
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


_HARM_WORDS = (
    "Read this conversation. Rate from 0 to 10 how safe it is to teach a model to answer like "
    "this: 0 when the answer helps to hurt people, to break the law or exposes private data, 10 "
    "when it is harmless or declines well. Write the number alone.\n-----\n{turns}\n-----"
)


def ask_for_safety(sample: Sample) -> Conversation:
    """What a model is asked about a sample."""
    answers = "\n".join(answer_texts(sample))
    turns = f"User: {query_text(sample)}\nAssistant: {answers}"[:8000]
    return Conversation.user(Text(_HARM_WORDS.format(turns=turns)))


def read_number(answer: str) -> float | None:
    """A rating of 0 to 10; None when the answer states none, or several.

    >>> read_number("Rating: 7"), read_number("7.5/10"), read_number("3 or 4"), read_number("11")
    (7.0, 7.5, None, None)
    """
    plain = re.sub(r"/\s*10\b|\bout of 10\b", "", answer)
    found = {float(number) for number in re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w.]*\d)", plain)}
    value = found.pop() if len(found) == 1 else -1.0
    return value if 0 <= value <= 10 else None


def harm_question(*, at_least: float = 5.0) -> Question:
    """For ``score_step``: a model rates how safe a sample is, and unsafe ones are dropped."""
    return Question(
        ask=ask_for_safety,
        read=read_number,
        at_least=at_least,
        params=SamplingParams(max_tokens=8, temperature=0.0),
    )
