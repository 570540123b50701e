"""JSON of a page: the names and units of the schema, for every kind of element."""

import json

from hypothesis import given, settings

from qvl.geometry import Box
from qvl.tasks.document_elements import Cell, Element, Heading, Table, walk
from qvl.tasks.document_json import PointsPerPixel, to_json
from tests.tasks.documents import PAGE


def test_the_schema() -> None:
    heading = Heading(level=1, text="Title", box=Box(10, 20, 30, 40.126), raw=(5, 10, 15, 20))
    assert to_json([heading], PointsPerPixel(0.5, 0.25)) == [
        {
            "kind": "heading",
            "box_px": [10, 20, 30, 40.13],
            "box_pt": [5, 5, 15, 10.03],
            "complete": True,
            "clipped": False,
            "raw": [5, 10, 15, 20],
            "level": 1,
            "text": "Title",
        }
    ]
    (table,) = to_json([Table(rows=((Cell("a", header=True, col_span=2),),), name="table1")])
    assert table["box_px"] is None
    assert table["box_pt"] is None
    assert table["rows"] == [[{"text": "a", "header": True, "row_span": 1, "col_span": 2}]]


@settings(max_examples=100, deadline=None)
@given(PAGE)
def test_every_kind_becomes_json(page: list[Element]) -> None:
    records = to_json(page, PointsPerPixel(0.5, 0.5))
    assert json.loads(json.dumps(records)) == records
    assert [record["kind"] for record in records] == [element.kind for element in page]
    assert sum(1 for _ in walk(page)) >= len(records)
