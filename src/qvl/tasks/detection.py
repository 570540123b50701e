"""Finding everything of several kinds: the prompt, matching names to categories, duplicates.

Owns: what comes before and after reading boxes. Does not own: reading them (``grounding``).

    categories -> prompt() -> model -> grounding.parse() -> categorise() -> merge_duplicates()
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from qvl.errors import InputError
from qvl.geometry import Box, Point, box_iou
from qvl.tasks.grounding import Grounded, GroundedBox, GroundingResult

DUPLICATE_IOU = 0.9
"""Two boxes of one name that overlap so much are one thing said twice."""

_WINDOW = 512

MAX_CATEGORIES = 1000
"""More names than this do not fit a prompt that a model still follows."""


def prompt(categories: Sequence[str]) -> str:
    """The words that ask for every instance of the categories.

    Source: QwenLM/Qwen3-VL evaluation/ODinW-13.

    >>> prompt(["cat", "dog"])
    "Locate every instance that belongs to the following categories: 'cat, dog'. Report bbox \
coordinates in JSON format."

    Raises:
        InputError: there are none, too many, or two are the same.
    """
    if isinstance(categories, str) or not all(isinstance(name, str) for name in categories):
        raise InputError(
            f"categories are {categories!r}, expected a list of names", hint='["cat", "dog"]'
        )
    names = [category.strip() for category in categories]
    if not names:
        raise InputError("there are no categories", hint="give names such as 'cat', 'dog'")
    if not all(names):
        raise InputError("a category has no name", hint="give names such as 'cat', 'dog'")
    if len(names) > MAX_CATEGORIES:
        raise InputError(f"{len(names)} categories, expected at most {MAX_CATEGORIES}")
    keys = [_key(name) for name in names]
    twice = next((name for i, name in enumerate(names) if keys.index(keys[i]) != i), None)
    if twice is not None:
        raise InputError(f"category {twice!r} is named twice")
    return (
        f"Locate every instance that belongs to the following categories: '{', '.join(names)}'. "
        "Report bbox coordinates in JSON format."
    )


def categorise(result: GroundingResult, categories: Sequence[str]) -> GroundingResult:
    """Returns the result with labels spelled as the categories; what fits none is a problem.

    Case, number and punctuation of a name do not matter. Nothing is guessed from similar spelling.
    """
    names = {_key(category): category.strip() for category in categories}
    kept: list[Grounded] = []
    problems = list(result.problems)
    for item in result.items:
        name = names.get(_key(item.label))
        if name is None:
            problems.append(f"{item.label!r} at {list(item.raw)} is none of the categories")
        else:
            kept.append(replace(item, label=name))
    return replace(result, items=tuple(kept), problems=tuple(problems))


def _key(name: str) -> str:
    """What is the same in "Traffic lights" and "traffic-light".

    >>> _key("Traffic lights") == _key("traffic-light"), _key("glass") == _key("glas")
    (True, False)
    """
    words = re.sub(r"[\W_]+", " ", name.casefold()).strip()
    plural = words.endswith("s") and not words.endswith("ss") and len(words) > 3
    return words[:-1] if plural else words


def merge_duplicates(
    items: Sequence[Grounded], *, min_iou: float = DUPLICATE_IOU
) -> tuple[Grounded, ...]:
    """Returns the items without boxes that say again what an earlier one said.

    Two boxes are the same when they lie in one picture, have one name and overlap by ``min_iou``
    or more. The first is kept; points are kept when they differ at all. A box is compared with
    the last `_WINDOW` of its name, so that an answer of a million boxes takes seconds, not hours.

    >>> one = GroundedBox(box=Box(0, 0, 100, 100), label="cat")
    >>> nearly = replace(one, box=Box(0, 0, 100, 99))
    >>> len(merge_duplicates([one, nearly, replace(one, label="dog")]))
    2
    """
    kept: list[Grounded] = []
    shapes: dict[tuple[int, str], dict[Box | Point, None]] = {}
    for item in items:
        shape = item.box if isinstance(item, GroundedBox) else item.point
        seen = shapes.setdefault((item.image_index, item.label), {})
        if shape in seen:
            continue
        if isinstance(shape, Box) and any(
            isinstance(other, Box) and box_iou(shape, other) >= min_iou
            for other in islice(reversed(seen), _WINDOW)
        ):
            continue
        seen[shape] = None
        kept.append(item)
    return tuple(kept)
