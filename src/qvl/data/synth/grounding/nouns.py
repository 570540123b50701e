"""English nouns: the plural and the article of a name.

Owns: rules and the irregular words of everyday things. Does not own: which things there are.
"""

_IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice",
    "goose": "geese", "tooth": "teeth", "foot": "feet", "ox": "oxen", "die": "dice",
    "knife": "knives", "wife": "wives", "leaf": "leaves", "loaf": "loaves", "shelf": "shelves",
    "wolf": "wolves", "calf": "calves", "scarf": "scarves", "potato": "potatoes",
    "tomato": "tomatoes", "hero": "heroes", "cactus": "cacti",
}  # fmt: skip
_UNCHANGED = {
    "sheep", "deer", "fish", "bison", "aircraft", "scissors", "skis", "glasses", "sunglasses",
    "pants", "trousers", "jeans", "shorts", "binoculars", "broccoli", "cattle", "people",
}  # fmt: skip


def plural(name: str) -> str:
    """Returns the plural of a name; of several words the last one changes.

    >>> plural("wine glass"), plural("baby"), plural("person"), plural("sheep"), plural("toy")
    ('wine glasses', 'babies', 'people', 'sheep', 'toys')
    """
    words, space, last = name.rpartition(" ")
    low = last.lower()
    if low in _UNCHANGED:
        changed = last
    elif low in _IRREGULAR:
        changed = _IRREGULAR[low]
    elif low.endswith(("s", "x", "z", "ch", "sh")):
        changed = last + "es"
    elif low.endswith("y") and low[-2:-1] not in ("", *"aeiou"):
        changed = last[:-1] + "ies"
    else:
        changed = last + "s"
    return words + space + changed


def with_article(name: str) -> str:
    """Returns a name with "a" or "an".

    >>> with_article("apple"), with_article("cup"), with_article("hourglass")
    ('an apple', 'a cup', 'an hourglass')
    """
    sounds_open = name[:1].lower() in "aeiou" and not name.lower().startswith(("uni", "use", "eu"))
    return f"{'an' if sounds_open or name.lower().startswith(('hour', 'honest')) else 'a'} {name}"
