"""``qvl ground``: pixels of the original picture, whatever the model saw."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run, ScriptedModel

ANSWER = '```json\n[{"bbox_2d": [28, 14, 56, 28], "label": "red cup"}]\n```'


def test_prints_boxes_in_original_pixels(run: Run, model: ScriptedModel, picture: str) -> None:
    model.answers = [ANSWER]
    assert run("ground", picture, "the red cup") == (0, "50 25 100 50\tred cup\n", "")
    (turn,) = model.asked[0].conversation.messages  # type: ignore[attr-defined]
    assert turn.content[1].text.startswith("Locate the red cup in this image and output the bbox")


def test_points_and_json(run: Run, model: ScriptedModel, picture: str) -> None:
    model.answers = ['[{"point_2d": [112, 60], "label": "cup"}]']
    code, out, err = run("ground", picture, "the cup", "--points", "--json")
    assert code == 0
    (item,) = json.loads(out)["items"]
    assert item["point"] == [200.0, 100.0]
    assert item["clipped"]
    assert item["raw"] == [112, 60]
    assert err == "1 reached beyond the picture and were cut at its edge\n"


def test_draws(run: Run, model: ScriptedModel, picture: str, tmp_path: Path) -> None:
    model.answers = [ANSWER]
    target = tmp_path / "out.png"
    code, out, err = run("ground", picture, "the red cup", "--draw", str(target))
    assert (code, out) == (0, "50 25 100 50\tred cup\n")
    assert err == f"drawn: {target}\n"
    drawn = np.asarray(Image.open(target).convert("RGB"))
    assert drawn.shape[0] * 2 == drawn.shape[1]
    assert (drawn != 255).any()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I see none.", "no coordinates in the answer: 'I see none.'"),
        ("[]", "found nothing"),
        ('[{"bbox_2d": [1, 2', "the answer was cut off; --max-tokens gives it more room"),
        ('[{"bbox_2d": [1, 2]}]', "left out: bbox_2d is [1, 2], expected 4 numbers"),
    ],
)
def test_says_why_nothing_was_found(
    run: Run, model: ScriptedModel, picture: str, answer: str, said: str
) -> None:
    model.answers = [answer]
    code, out, err = run("ground", picture, "a cup")
    assert (code, out) == (0, "")
    assert said in err


@pytest.mark.parametrize("target", ["out", "out.xyz", "no/such/folder/out.png"])
def test_a_target_that_cannot_be_written_is_refused_first(
    run: Run, model: ScriptedModel, picture: str, target: str
) -> None:
    code, out, _ = run("ground", picture, "a cup", "--draw", target)
    assert (code, out, model.asked) == (1, "", [])


def test_detect_and_count(run: Run, model: ScriptedModel, picture: str) -> None:
    model.answers = ['[{"bbox_2d": [28, 14, 56, 28], "label": "Cups"}]', "There are two cups."]
    assert run("ground", picture, "cup, plate", "--detect")[:2] == (0, "50 25 100 50\tcup\n")
    assert run("ground", picture, "cups", "--count")[:2] == (0, "2\n")
    asked = [turn.conversation.messages[0].content[1].text for turn in model.asked]  # type: ignore[attr-defined]
    assert "'cup, plate'" in asked[0]
    assert asked[1] == "How many cups are there in the image?"


def test_a_region_is_what_the_model_sees(run: Run, model: ScriptedModel, picture: str) -> None:
    model.answers = ["[]"]
    assert run("ground", picture, "a cup", "--region", "10,20,60,80")[0] == 0
    (turn,) = model.asked[0].conversation.messages  # type: ignore[attr-defined]
    assert turn.content[0].source.size == (50, 60)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--detect", "--count"], "--detect and --count do not go together"),
        (["--count", "--region", "1,2,3,4"], "--count and --region do not go together"),
        (["--region", "1,2,3"], "region is '1,2,3', expected four numbers"),
        (["--region", "500,500,600,600"], "has nothing of the picture"),
        (["--region", "nan,0,50,50"], "expected four finite numbers"),
    ],
)
def test_wrong_ways_are_refused(
    run: Run, model: ScriptedModel, picture: str, options: list[str], said: str
) -> None:
    code, out, err = run("ground", picture, "cup", *options)
    assert (code, out, model.asked) == (1, "", [])
    assert said in err
