"""Words for elements: by text, name, icon, place in a row, or by what they do; only unique ones.

Owns: the wording, telling elements apart. Does not own: which elements (``elements``).

    elements of a view -> descriptions() -> element -> phrases that mean it and nothing else
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from qvl.data.synth.agent.elements import Element

How = Literal["text", "name", "icon", "placeholder", "relative", "function"]

_LONGEST_TEXT = 40
FIELDS = frozenset({"text field", "search field", "dropdown", "date field", "address bar"})
"""Kinds that hold what a user gives; they do nothing themselves."""
_GENERAL = frozenset({"button", "link", "checkbox", "switch", "slider", "tab"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Words that mean an element.

    Attributes:
        how: what they go by.
        words: such as 'the "Save" button'.
    """

    how: How
    words: str


def descriptions(elements: Iterable[Element]) -> dict[str, tuple[Phrase, ...]]:
    """Returns for every usable element the phrases that fit no other on the screen.

    Args:
        elements: all of the page; those that are only clipped or covered count as rivals.
    """
    present = [
        item for item in elements if item.kind and item.problem not in ("hidden", "off screen")
    ]
    phrases = {item.e: _phrases(item) for item in present}
    counts = Counter(words for own in phrases.values() for words in {p.words.lower() for p in own})
    return {
        item.e: tuple(phrase for phrase in phrases[item.e] if counts[phrase.words.lower()] == 1)
        for item in present
        if not item.problem
    }


def _phrases(item: Element) -> list[Phrase]:
    found = []
    text = item.text if len(item.text) <= _LONGEST_TEXT else ""
    if item.kind in FIELDS:
        text = ""  # what was typed is no name
    label = text or item.name
    if text:
        found.append(Phrase(how="text", words=f'the "{text}" {item.kind}'))
    elif item.name:
        found.append(Phrase(how="name", words=f'the "{item.name}" {item.kind}'))
    if item.icon:
        found.append(Phrase(how="icon", words=f"the {item.icon} icon"))
        if item.of:
            found.append(Phrase(how="relative", words=f"the {item.icon} icon {item.of}"))
    if item.placeholder:
        found.append(
            Phrase(how="placeholder", words=f'the {item.kind} that says "{item.placeholder}"')
        )
    if item.of and label and not item.of.endswith(label):
        found.append(Phrase(how="relative", words=f'the "{label}" {item.kind} {item.of}'))
    elif item.of:
        found.append(Phrase(how="relative", words=f"the {item.kind} {item.of}"))
    if item.use and item.kind in FIELDS:
        found.append(Phrase(how="function", words=f"the {item.kind} to {item.use}"))
    elif item.use:
        noun = item.kind if item.kind in _GENERAL else "element"
        found.append(Phrase(how="function", words=f"the {noun} that {third_person(item.use)}"))
    return found


def third_person(use: str) -> str:
    """Turns an imperative into what something does.

    >>> third_person("open the settings"), third_person("go to Home"), third_person("empty it")
    ('opens the settings', 'goes to Home', 'empties it')
    """
    verb, _, rest = use.partition(" ")
    if re.search(r"(s|x|ch|sh|o)$", verb):
        verb += "es"
    elif re.search(r"[^aeiou]y$", verb):
        verb = f"{verb[:-1]}ies"
    else:
        verb += "s"
    return f"{verb} {rest}".strip()


def sentence(words: str) -> str:
    """Returns words as a sentence.

    >>> sentence("open the settings")
    'Open the settings.'
    """
    ended = words if words[-1:] in '.!?”"' else f"{words}."
    return ended[:1].upper() + ended[1:]
