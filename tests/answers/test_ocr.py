"""Reading text: the right question, the caller's own pixels, results that show themselves."""

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from qvl.errors import InputError
from qvl.messages import Image as Picture
from tests.answers.scripted import ScriptedModel

LINES = (
    '[{"bbox_2d": [280, 0, 560, 56], "text_content": "2.50"},'
    ' {"bbox_2d": [0, 0, 140, 56], "text_content": "<b>milk</b>"}]'
)


@pytest.fixture
def picture() -> Image.Image:
    return Image.new("RGB", (560, 280), "white")  # multiples of 28: nothing is resized


def test_text_alone(picture: Image.Image) -> None:
    model = ScriptedModel("The text reads:\n\n```\nmilk <2>\n2.50\n```")
    found = model.read_text(picture)
    assert model.engine.prompts == ["Read all the text in the image."]
    assert str(found) == found.text == "milk <2>\n2.50"
    assert found._repr_html_() == '<pre dir="auto">milk &lt;2&gt;\n2.50</pre>'
    assert json.loads(json.dumps(found.to_json()))["text"] == found.text
    assert found.draw().size == (560, 280)


def test_lines_in_pixels_of_the_original() -> None:
    large = Image.new("RGB", (448, 224), "white")
    model = ScriptedModel('[{"bbox_2d": [0, 0, 56, 28], "text_content": "milk"}]')
    found = model.read_text(Picture(large, resized_height=112, resized_width=224), level="line")
    assert "line-level" in model.engine.prompts[0]
    assert found.lines[0].box == pytest.approx((0, 0, 112, 56))


def test_order_and_drawing(picture: Image.Image, tmp_path: Path) -> None:
    found = ScriptedModel(LINES).read_text(picture, level="word")
    assert found.text == "2.50\n<b>milk</b>"
    ordered = ScriptedModel(LINES).read_text(picture, level="word", order="layout")
    assert ordered.text == "<b>milk</b>\n2.50"
    target = tmp_path / "out.svg"
    ordered.draw(str(target), order=True)
    assert "2.50" in target.read_text()
    html = ordered._repr_html_()
    assert "<svg" in html
    assert "<b>milk" not in html


def test_own_prompt(picture: Image.Image) -> None:
    model = ScriptedModel(LINES)
    found = model.read_text(picture, prompt="Spot the prices.", level="line")
    assert model.engine.prompts == ["Spot the prices."]
    assert len(found.lines) == 2


def test_confidence_of_the_letters(picture: Image.Image) -> None:
    model = ScriptedModel(LINES)
    assert model.read_text(picture, level="line").lines[0].confidence is None
    found = model.read_text(picture, level="line", logprobs=0)
    assert [line.confidence for line in found.lines] == [pytest.approx(math.exp(-0.1))] * 2
    assert found.lines[0].to_json()["confidence"] == pytest.approx(math.exp(-0.1))


def test_a_cut_answer_is_known(picture: Image.Image) -> None:
    found = ScriptedModel("one two three four five").read_text(picture, max_tokens=4)
    assert found.truncated
    assert "one two three four five".startswith(found.text)


def test_bad_options_are_refused_before_the_model_runs(picture: Image.Image) -> None:
    model = ScriptedModel("x")
    with pytest.raises(InputError, match="use level 'line'"):
        model.read_text(picture, order="layout")
    with pytest.raises(InputError, match="expected model or layout"):
        model.read_text(picture, level="line", order="page")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected text, line or word"):
        model.read_text(picture, level="page")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the prompt is empty"):
        model.read_text(picture, prompt=" ")
    with pytest.raises(InputError, match="unknown option"):
        model.read_text(picture, levle="line")  # type: ignore[call-arg]
    assert model.engine.asked == []
