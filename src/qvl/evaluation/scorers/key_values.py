"""Fields of a form: key and value pairs out of an answer, and how many are right.

Owns: reading the pairs, and the F1 of OCRBench v2. Does not own: nested records (``donut``),
damaged JSON (``tasks.json_repair``).

    answer -> JSON, else lines "key: value" -> {key: text} -> each key of either side right or not
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from qvl.evaluation.scorers.score import Score
from qvl.tasks.json_repair import JsonValue, iter_json

_LINE = re.compile(
    r"""^[\s*"'-]{0,9}([^\s:=：,{}"'][^:=：,{}"'\n]{0,199}?)["'*]{0,3}\s*[:=：](.*)$"""
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyValueScore(Score):
    """Which keys are right."""

    right: tuple[str, ...]
    wrong: tuple[str, ...]
    """Missing, invented or with another value."""


def parse_key_values(text: str) -> dict[str, str]:
    """Reads the pairs that an answer states; values become text.

    Source: OCRBench v2 TEDS_metric.py, convert_str_to_dict, but with tolerant JSON.

    >>> parse_key_values('```json\\n{"total": "8.75", "n": 2')
    {'total': '8.75'}
    >>> parse_key_values("total: 8.75\\ndate: 1 June")
    {'total': '8.75', 'date': '1 June'}
    """
    pairs: dict[str, str] = {}
    for fragment in iter_json(text):
        _collect(fragment.value if fragment.complete else fragment.partial, pairs)
    if pairs or "{" in text:
        return pairs
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            pairs[match.group(1).strip()] = match.group(2).strip(" \t\"'*,")
    return pairs


def _collect(value: JsonValue, pairs: dict[str, str]) -> None:
    """Adds the pairs of an object, or of the objects in a list; deeper ones stay text."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                _collect(item, pairs)
    elif isinstance(value, dict):
        pairs |= {key.strip(): str(item).strip() for key, item in value.items()}


def key_value_f1(
    *,
    answer: Mapping[str, object],
    truth: Mapping[str, object],
    ignored: Collection[str] = (),
) -> KeyValueScore:
    """Scores pairs: the share of all keys on either side whose values are equal.

    Values are equal without case and spaces. A missing key, an invented key and a null are wrong.
    It is called F1, but each key counts as 0 or 1 and the keys are averaged.
    Source: OCRBench v2 TEDS_metric.py, compute_f1_score.

    >>> key_value_f1(answer={"a": "X y", "b": "2"}, truth={"a": "x Y", "c": "3"}).value
    0.3333333333333333

    Args:
        answer: as `parse_key_values` reads it.
        truth: as annotated.
        ignored: keys that do not count.
    """
    keys = [key for key in {**truth, **answer} if key not in ignored]
    right: list[str] = []
    wrong: list[str] = []
    for key in keys:
        given, wanted = answer.get(key), truth.get(key)
        if given is None and wanted is None:
            continue
        same = given is not None and wanted is not None and _plain(given) == _plain(wanted)
        (right if same else wrong).append(key)
    total = len(right) + len(wrong)
    return KeyValueScore(
        value=len(right) / total if total else 1.0,
        why=f"{len(right)} of {total} keys right"
        + (f", wrong: {', '.join(wrong[:5])}" if wrong else ""),
        is_parsed=bool(answer) or not truth,
        right=tuple(right),
        wrong=tuple(wrong),
    )


def _plain(value: object) -> str:
    return str(value).lower().strip().replace("\n", "").replace(" ", "")
