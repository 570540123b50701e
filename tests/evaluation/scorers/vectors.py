"""Recorded scores of other harnesses: inputs written for this, scores by their own code."""

import json
from typing import Any

from tests.material import material


def vectors(name: str) -> list[dict[str, Any]]:
    """The cases of one file of the material's ``scorers`` folder."""
    cases = json.loads(material("scorers", f"{name}.json").read_text("utf-8"))["cases"]
    assert cases
    return list(cases)


def as_list(value: str | list[str]) -> list[str]:
    """Truths, where a single one is given bare."""
    return [value] if isinstance(value, str) else value
