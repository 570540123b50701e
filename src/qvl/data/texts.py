"""The words of samples, as filters and searches for duplicates compare them.

Owns: which texts of a sample count, splitting into words for comparison. Does not own: the rules
(``filters``, ``sft``), duplicates (``dedup``), tokens of a model (``processing.tokenizer``).

    Sample -> query_text(), answer_texts() -> text -> words_of() -> ["the", "red", "circle"]
"""

import re
import unicodedata

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.messages import Image, Text, Video

_HAN_AND_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Chinese and Japanese put no space between words, so each of their characters is one.
_WORD = re.compile(rf"[{_HAN_AND_KANA}]|[^\W_{_HAN_AND_KANA}]+")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_TAG = re.compile(r"<[^<>]{1,300}>")
_FENCE = re.compile(r"^[^\S\n]*(`{3,})", re.MULTILINE)
_OPEN_END = re.compile(
    r"(?:[,;(\[{（，、：]|\b(?:a|an|the|and|or|but|of|to|in|with|for|that|because|which|is|are|"
    r"was|were|from|by|as|at|its|their|this)|\b(?:e\.g|i\.e))\s*$"
)
_FEWEST_WORDS_OF_A_SENTENCE = 6


def words_of(text: str) -> list[str]:
    """Words in lower case without punctuation; a Chinese or Japanese character is one word.

    >>> words_of("The RED circle, 红色的!")
    ['the', 'red', 'circle', '红', '色', '的']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def query_text(sample: Sample) -> str:
    """What the user says in all turns, a line each."""
    return "\n".join(
        part.text
        for message in sample.conversation.messages
        if message.role == "user"
        for part in message.content
        if isinstance(part, Text)
    )


def answer_texts(sample: Sample) -> list[str]:
    """The assistant's turns, calls included."""
    return [
        answer_text(message)
        for message in sample.conversation.messages
        if message.role == "assistant"
    ]


def turns_text(sample: Sample) -> str:
    """All turns with their roles, one after the other."""
    turns = []
    for message in sample.conversation.messages:
        said = [part.text for part in message.content if isinstance(part, Text)]
        text = answer_text(message) if message.role == "assistant" else " ".join(said)
        turns.append(f"{message.role}: {text}")
    return "\n".join(turns)


def prose_of(text: str) -> str:
    """A text without fenced blocks and tags: what is left is read as language.

    >>> prose_of("Here: ```json\\n[1]\\n``` <b>done</b>.").split()
    ['Here:', 'done', '.']
    """
    return _TAG.sub(" ", _FENCED.sub(" ", text))


def broken_off(text: str) -> str | None:
    """Why an answer seems to stop in the middle, or None.

    >>> broken_off("It says that the sign is red and"), broken_off("red and")
    ('answer is cut off', None)
    """
    text = text.rstrip()
    if len(_FENCE.findall(text)) % 2:
        return "code block is not closed"
    prose = prose_of(text).rstrip()
    ends_in_prose = text.endswith(prose[-1:]) if prose else False
    enough = len(words_of(prose)) >= _FEWEST_WORDS_OF_A_SENTENCE
    return "answer is cut off" if ends_in_prose and enough and _OPEN_END.search(prose) else None


def has_media(sample: Sample) -> bool:
    """Whether a turn holds a picture or a video."""
    return any(
        isinstance(part, Image | Video)
        for message in sample.conversation.messages
        for part in message.content
    )
