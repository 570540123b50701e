"""Nested records: the two scores of Donut.

Owns: the normal form of a record, its fields as paths, its tree. Does not own: reading JSON
(``tasks.json_repair``), trees (``tree_edit``).

    record -> normal form -> (path, value) pairs -> F1
                          -> tree, values as leaves -> 1 - edits / edits from nothing

Source: clovaai/donut donut/util.py, JSONParseEvaluator.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.text_recognition import OverlapScore, overlap
from qvl.evaluation.scorers.tree_edit import is_comparable, tree_edit_distance, tree_of_children
from qvl.tasks.json_repair import JsonValue, iter_json


def parse_record(text: str) -> JsonValue:
    """Reads the first JSON value of an answer, as far as it goes; None if there is none.

    >>> parse_record('```json\\n{"menu": [{"name": "tea"}, {"na')
    {'menu': [{'name': 'tea'}]}
    """
    for fragment in iter_json(text):
        return fragment.value if fragment.complete else fragment.partial
    return None


def field_f1(*, answer: JsonValue, truth: JsonValue) -> OverlapScore:
    """Scores the fields of a record: pairs of path and value that both have.

    The places of items in lists do not matter. F1 of a set: ``text_recognition.set_f1``, micro.

    >>> field_f1(answer={"a": ["1", "2"]}, truth={"a": ["2", "3"]}).value
    0.5
    """
    given, wanted = (Counter[object](_fields(_normal(side))) for side in (answer, truth))
    return overlap(given, wanted, "fields")


def tree_accuracy(*, answer: JsonValue, truth: JsonValue) -> Score:
    """Scores a record by the edits its tree needs, against building the truth from nothing (nTED).

    Adding or removing a value costs its characters, a key costs 1.

    >>> tree_accuracy(answer={"a": "cat"}, truth={"a": "cut"}).value
    0.75
    """
    given, wanted = _tree(_normal(answer)), _tree(_normal(truth))
    whole = sum(_cost(label) for label in wanted[0][1:])
    tree_a, order_a = tree_of_children(given[1])
    tree_b, order_b = tree_of_children(wanted[1])
    if not is_comparable(tree_a, tree_b):
        return Score(
            value=0.0,
            why=f"records of {tree_a.size:,} and {tree_b.size:,} parts are too large to compare",
        )
    labels_a, labels_b = [given[0][n] for n in order_a], [wanted[0][n] for n in order_b]
    edits = tree_edit_distance(
        tree_a,
        tree_b,
        remove=np.array([_cost(label) for label in labels_a], dtype=np.float64),
        add=np.array([_cost(label) for label in labels_b], dtype=np.float64),
        rename=np.array([[_rename(a, b) for b in labels_b] for a in labels_a], dtype=np.float64),
    )
    return Score(
        value=max(0.0, 1 - edits / whole) if whole else float(not edits),
        why=f"{edits:g} edits, {whole} to write it from nothing",
        is_parsed=tree_a.size > 1 or not whole,
    )


_Label = tuple[bool, str]
"""Whether it is a value, and the value or the key."""


def _cost(label: _Label) -> int:
    is_value, text = label
    return len(text) if is_value else 1


def _rename(a: _Label, b: _Label) -> int:
    if a[0] and b[0]:
        return edit_distance(a[1], b[1])
    if a[0] or b[0]:
        return 1 + len(a[1] if a[0] else b[1])
    return int(a[1] != b[1])


def _normal(data: JsonValue) -> JsonValue:
    """Keys sorted by length, values as lists of texts, nothing empty."""
    if isinstance(data, dict):
        record: dict[str, JsonValue] = {}
        for key in sorted(data, key=lambda name: (len(name), name)):
            value = _normal(data[key])
            if value:
                record[key] = value if isinstance(value, list) else [value]
        return record
    if isinstance(data, list):
        if all(isinstance(item, dict) for item in data):
            return [kept for item in data if (kept := _normal(item))]
        texts = (str(item).strip() for item in data if type(item) in (str, int, float))
        return [text for text in texts if text]
    return [str(data).strip()] if data else {}


def _fields(data: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _fields(value, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        for item in data:
            yield from _fields(item, path)
    else:
        yield path, str(data)


def _tree(data: JsonValue) -> tuple[list[_Label], list[list[int]]]:
    """Labels of the nodes, the root first, and of each node its children."""
    labels: list[_Label] = [(False, "<root>")]
    children: list[list[int]] = [[]]

    def add(parent: int, label: _Label, value: JsonValue) -> None:
        node = len(labels)
        labels.append(label)
        children.append([])
        children[parent].append(node)
        fill(node, value)

    def fill(node: int, value: JsonValue) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                add(node, (False, key), item)
        elif isinstance(value, list):
            for item in value:
                is_record = isinstance(item, dict)
                add(node, (False, "<subtree>") if is_record else (True, str(item)), item)

    fill(0, data)
    return labels, children
