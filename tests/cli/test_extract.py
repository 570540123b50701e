"""``qvl extract``: fields, exit codes, and schemas that cannot be used."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.cli.test_ocr import answers, sheet

__all__ = ["answers", "sheet"]

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "receipt.schema.json"
    path.write_text(json.dumps(SCHEMA))
    return str(path)


def test_fields_by_name(run: Run, answers: list[str], sheet: str) -> None:
    answers[:] = ['{"company": "ACME", "total": "RM8.75", "colour": "red"}']
    code, out, err = run("extract", sheet, "--fields", "company, date,total")
    assert (code, out) == (0, "company  ACME\ndate     -\ntotal    RM8.75\n")
    assert "beside the schema: colour" in err


def test_a_schema_and_a_second_try(run: Run, answers: list[str], sheet: str, schema: str) -> None:
    answers[:] = ['{"total": "nine"}', '{"total": "RM8.75"}']
    assert run("extract", sheet, "--schema", schema)[0] == 1
    code, out, _ = run("extract", sheet, "--schema", schema, "--attempts", "2", "--json")
    found = json.loads(out)
    assert (code, found["value"], found["valid"]) == (0, {"total": 8.75}, True)
    assert 0 < found["fields"][0]["confidence"] < 1
    assert len(found["attempts"]) == 2


def test_several_pictures_with_boxes(
    run: Run, answers: list[str], sheet: str, tmp_path: Path
) -> None:
    answers[:] = ['{"a": {"value": "1", "bbox_2d": [0, 0, 28, 28]}}']
    target = tmp_path / "out.png"
    code, out, _ = run(
        "extract", sheet, sheet, "--fields", "a", "--evidence", "--draw", str(target)
    )
    assert (code, out) == (0, "a  1\n")
    assert Image.open(target).width > 196


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I see nothing.", "no field in the answer: 'I see nothing.'"),
        ("{}", "does not meet the schema: total: required, not found"),
        ('{"total": 8, "x": "', "the answer was cut off; --max-tokens gives it more room"),
        ('{"total": 8, "total_bbox": [1, 2]}', "problem: total_bbox is no box"),
    ],
)
def test_says_what_is_wrong(
    run: Run, answers: list[str], sheet: str, schema: str, answer: str, said: str
) -> None:
    answers[:] = [answer]
    code, _, err = run("extract", sheet, "--schema", schema)
    assert code == (0 if "total" in answer else 1)
    assert said in err


def test_bad_schemas_are_refused_before_the_model_runs(
    run: Run, answers: list[str], sheet: str, tmp_path: Path
) -> None:
    wrong = {
        "missing.json": None,
        "text.json": b"{",
        "long.json": json.dumps({**SCHEMA, "description": "x" * 300_000}).encode(),
        "list.json": b"[]",
        "array.json": b'{"type": "array"}',
        "deep.json": b"[" * 100_000,
        "binary.json": b"\xff\x00",
    }
    for name, text in wrong.items():
        path = tmp_path / name
        if text is not None:
            path.write_bytes(text)
        code, out, err = run("extract", sheet, "--schema", str(path))
        assert (code, out) == (1, ""), name
        assert err.startswith("error: "), name
        assert err.count("\n") <= 2, name


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ([], 2, "one of the arguments --schema --fields is required"),
        (["--fields", "a", "--schema", "b"], 2, "not allowed with argument"),
        (["--fields", "a,,b"], 1, "field name is ''"),
        (["--fields", "a", "--attempts", "9"], 1, "expected 1 to 5"),
        (["--fields", "a", "--draw", "out.png"], 1, "--draw needs boxes"),
    ],
)
def test_bad_requests_are_refused_before_the_model_runs(
    run: Run, answers: list[str], sheet: str, arguments: list[str], code: int, error: str
) -> None:
    got, out, err = run("extract", sheet, *arguments)
    assert (got, out) == (code, "")
    assert error in err
