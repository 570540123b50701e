"""What was extracted: each field with its value, how it was written, and where it stands.

Owns: the result and its fields. Does not own: reading answers (``extraction``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qvl.geometry import Box
from qvl.tasks.json_repair import JsonValue, Span

Status = Literal["found", "coerced", "missing", "invalid"]
"""Written as the schema wants it; written otherwise but meaning one value; absent or empty; written
but no value of the schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One value of the schema, as an answer states it."""

    path: str
    """Such as ``items[0].price``."""
    status: Status
    value: JsonValue = None
    """Of the schema's type; None unless found or coerced."""
    raw: str | None = None
    """As written, without quotes; None where nothing was written."""
    problem: str = ""
    """Why it is invalid."""
    box: Box | None = None
    """Where the answer says it stands: in original_px after ``parse`` with transforms."""
    image_index: int = 0
    """Which picture the box is in, from 0."""
    clipped: bool = field(default=False, compare=False)
    """True when the box reached beyond the picture."""
    span: Span | None = field(default=None, compare=False, repr=False)
    """Characters of the answer that hold the value."""
    confidence: float | None = field(default=None, repr=False)
    """Set by `answers.confidence.with_confidence`: 0 to 1, how sure the letters were."""

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary, coordinates to a hundredth of a pixel."""
        found: dict[str, JsonValue] = {
            "path": self.path,
            "status": self.status,
            "value": self.value,
            "raw": self.raw,
        }
        if self.problem:
            found["problem"] = self.problem
        if self.box is not None:
            found["box"] = [round(value, 2) for value in self.box]
            found["image_index"] = self.image_index
            found["clipped"] = self.clipped
        if self.confidence is not None:
            found["confidence"] = self.confidence
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Extraction:
    """What an answer states about a schema."""

    value: dict[str, JsonValue]
    """The values found or coerced, in the shape of the schema; what is missing is left out."""
    fields: tuple[Field, ...]
    """Every field of the schema, and every item of its lists, in the order of the schema."""
    extra: Mapping[str, JsonValue]
    """What the answer states beside the schema, by path."""
    text: str
    """The whole answer."""
    errors: tuple[str, ...] = ()
    """How the value breaks the schema; empty when it does not."""
    problems: tuple[str, ...] = ()
    """What was stated but could not be used, one line each."""
    truncated: bool = False
    """True when the answer ended in the middle."""
    instance: Any = field(default=None, compare=False)
    """The pydantic model made of the value, when the schema was one and the value fits it."""

    @property
    def is_valid(self) -> bool:
        """True when the value meets the schema and nothing of it had to be left out."""
        return not self.errors and not any(item.status == "invalid" for item in self.fields)

    @property
    def complaints(self) -> tuple[str, ...]:
        """Everything that keeps the value from meeting the schema, one line each."""
        wrong = [f"{item.path}: {item.problem}" for item in self.fields if item.problem]
        return (*wrong, *self.errors)

    def __getitem__(self, path: str) -> Field:
        """The field at a path such as ``items[0].price``."""
        for item in self.fields:
            if item.path == path:
                return item
        raise KeyError(path)

    def __str__(self) -> str:
        notes = [f"({complaint})" for complaint in (*self.errors, *self.problems)]
        return "\n".join([*field_lines(self), *notes])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "value": self.value,
            "valid": self.is_valid,
            "fields": [item.to_json() for item in self.fields],
            "extra": dict(self.extra),
            "errors": list(self.errors),
            "problems": list(self.problems),
            "truncated": self.truncated,
            "text": self.text,
        }


def field_lines(found: Extraction) -> list[str]:
    """A line for each field: its path, its value, and how it was written where that is not it."""
    width = max((len(item.path) for item in found.fields), default=0)
    return [_line(item, width) for item in found.fields]


def _line(item: Field, width: int) -> str:
    shown = {
        "found": f"{item.value}",
        "coerced": f"{item.value} (written {item.raw!r})",
        "missing": "-",
        "invalid": f"? ({item.problem}, written {item.raw!r})",
    }[item.status]
    return f"{item.path:<{width}}  {' '.join(shown.split())}"
