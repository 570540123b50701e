"""Extracting fields: the question, the second try, and a result that shows itself."""

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from qvl.errors import InputError
from qvl.messages import Image as Picture
from tests.answers.scripted import ScriptedModel

TOTAL = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
GOOD, BAD = '{"total": "RM8.75"}', '{"total": "about <nine>"}'


@pytest.fixture
def picture() -> Image.Image:
    return Image.new("RGB", (448, 224), "white")


def test_one_answer(picture: Image.Image) -> None:
    model = ScriptedModel(GOOD)
    found = model.extract(picture, TOTAL)
    assert model.engine.prompts == ['Extract the key-value information in the format:{"total": ""}']
    assert found.value == {"total": 8.75}
    assert found.is_valid
    assert found["total"].raw == "RM8.75"
    assert str(found) == "total  8.75 (written 'RM8.75')"
    assert "attempts" not in json.loads(json.dumps(found.to_json()))


def test_asks_again_with_what_is_wrong(picture: Image.Image) -> None:
    model = ScriptedModel(BAD, GOOD)
    found = model.extract(picture, TOTAL, attempts=2)
    assert found.value == {"total": 8.75}
    assert [attempt.text for attempt in found.attempts] == [BAD, GOOD]
    assert "- total: expected number\n" in model.engine.prompts[1]
    first, second = model.engine.asked
    assert len(second.input_ids) > len(first.input_ids)
    assert len(second.media) == 1
    assert len(found.to_json()["attempts"]) == 2


def test_the_better_answer_is_kept(picture: Image.Image) -> None:
    schema = {"type": "object", "properties": {n: {"type": "number"} for n in "ab"}}
    model = ScriptedModel('{"a": 1, "b": "x"}', '{"a": "y", "b": "x"}', '{"a": 2, "b": "x"}')
    found = model.extract(picture, schema, attempts=3)
    assert found.value == {"a": 1}
    assert not found.is_valid
    assert len(found.attempts) == 3
    assert len(model.extract(picture, schema).attempts) == 1


def test_boxes_and_drawing(picture: Image.Image, tmp_path: Path) -> None:
    answer = '{"total": {"value": "8.75 <b>", "bbox_2d": [56, 28, 112, 56]}}'
    model = ScriptedModel(answer)
    small = Picture(picture, resized_height=112, resized_width=224)
    found = model.extract(small, ["total"], evidence=True)
    assert "bbox_2d" in model.engine.prompts[0]
    assert found["total"].box == pytest.approx((112, 56, 224, 112))
    target = tmp_path / "out.svg"
    found.draw(str(target))
    assert "total: 8.75" in target.read_text()
    shown = found._repr_html_()
    assert "<svg" in shown
    assert "8.75 <b>" not in shown
    with pytest.raises(InputError, match="there are 1"):
        found.draw(image_index=1)


def test_confidence_of_the_values(picture: Image.Image) -> None:
    found = ScriptedModel(GOOD).extract(picture, {**TOTAL}, logprobs=0)
    assert found["total"].confidence == pytest.approx(math.exp(-0.1))
    missing = ScriptedModel("{}").extract(picture, ["total"], logprobs=0)
    assert missing["total"].confidence is None


def test_several_pictures(picture: Image.Image) -> None:
    answer = '{"total": {"value": "8.75", "bbox_2d": [0, 0, 28, 28], "img_idx": 1}}'
    found = ScriptedModel(answer).extract([picture, picture], ["total"])
    assert found["total"].image_index == 1
    assert len(found.sizes) == 2


def test_a_cut_answer_is_known(picture: Image.Image) -> None:
    found = ScriptedModel('{"total": "8.75", "more": "' + "x" * 200).extract(
        picture, ["total"], max_tokens=20
    )
    assert found.truncated
    assert found.value == {"total": "8.75"}


def test_bad_requests_are_refused_before_the_model_runs(picture: Image.Image) -> None:
    model = ScriptedModel(GOOD)
    with pytest.raises(InputError, match="expected 1 to 5"):
        model.extract(picture, TOTAL, attempts=0)
    with pytest.raises(InputError, match="no field is named"):
        model.extract(picture, [])
    with pytest.raises(InputError, match="no picture"):
        model.extract([], TOTAL)
    assert model.engine.asked == []
