"""Found trajectories become ours, or are named with what is wrong."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qvl.data.interchange.trajectories import TrajectoryFile, clicks_on_elements, ends_as_done
from qvl.data.places import places
from qvl.data.trajectories import one_per_step
from qvl.errors import DataError
from qvl.tasks import agent
from qvl.tasks.actions import Action, Click, Drag, PressSystem, Terminate, Type

# 1080 x 2400 is shown to models as 1092 x 2408: a recorded vector of the official notebook.
WIDTH, HEIGHT = 1080, 2400
EPISODE: dict[str, Any] = {
    "goal": "Write to Ada",
    "screenshots": ["0.png", "0.png", "0.png", "0.png"],
    "actions": [
        {"action_type": "click", "x": 540, "y": 1200},
        {"action_type": "input_text", "text": "Ada"},
        {"action_type": "scroll", "direction": "down"},
    ],
    "step_instructions": ["Tap the field", "Type Ada", "Scroll down"],
    "ui_elements": [
        [
            {"box": [0, 0, 1080, 2400], "text": "page"},
            {"box": [500, 1100, 600, 1300], "text": "Name"},
        ],
        [],
        [],
        [],
    ],
}
STEPS: list[dict[str, Any]] = [
    {
        "instruction": "Go back", "image_path": "0.png", "step_id": 1, "result_action_type": 5,
        "result_action_text": "", "result_touch_yx": "[-1.0, -1.0]",
        "result_lift_yx": "[-1.0, -1.0]", "coat_action_think": "Back is needed.",
    },
    {
        "instruction": "Go back", "image_path": "0.png", "step_id": 0, "result_action_type": 4,
        "result_touch_yx": "[0.5, 0.25]", "result_lift_yx": "[0.51, 0.25]",
        "ui_positions": "[[0.4, 0.2, 0.2, 0.1]]", "ui_text": "[\"Menu\"]",
    },
    {"instruction": "Go back", "image_path": "0.png", "step_id": 2, "result_action_type": 10},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    PIL.Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(tmp_path / "0.png")
    return tmp_path


def opened(folder: Path, *episodes: object) -> TrajectoryFile:
    path = folder / "episodes.jsonl"
    path.write_text("\n".join(json.dumps(episode) for episode in episodes))
    return TrajectoryFile(path, licence="Apache-2.0")


def actions(file: TrajectoryFile, number: int = 0) -> list[Action]:
    sample = file[number]
    calls = [step["call"] for step in sample.facts["steps"]]
    written = [f"<tool_call>{json.dumps(call)}</tool_call>" for call in calls]
    return [agent.parse(call).actions[0] for call in written]


def test_pixels_of_the_screen_become_pixels_that_models_see(folder: Path) -> None:
    file = opened(folder, EPISODE)
    click, typed, swiped, end = actions(file)
    assert click == Click(point=(546, 1204))  # type: ignore[arg-type]
    assert typed == Type(text="Ada")
    assert isinstance(swiped, Drag)
    assert swiped.start is not None
    assert swiped.start.y > swiped.end.y
    assert end == Terminate(status="success")
    sample = file[0]
    assert sample.facts["steps"][0]["on"] == "Name"
    assert sample.conversation.tools[0]["function"]["description"].count("1092x2408") == 1
    assert all(place.is_inside for place in places(sample))
    assert clicks_on_elements(sample) is None
    assert ends_as_done(sample) is None
    assert len(one_per_step(sample)) == 4
    assert sample.provenance.source == "episodes.jsonl: episode 0"
    assert sample.provenance.licence == "Apache-2.0"


def test_shares_of_the_screen_and_numbers_of_actions(folder: Path) -> None:
    path = folder / "one.json"
    path.write_text(json.dumps(STEPS))
    file = TrajectoryFile(path)
    tapped, back, end = actions(file)
    assert tapped == Click(point=(273, 1204))  # type: ignore[arg-type]
    assert back == PressSystem(button="Back")
    assert file[0].facts["steps"][0]["on"] == "Menu"
    assert end == Terminate(status="success")


def test_a_click_beside_every_element_is_dropped(folder: Path) -> None:
    beside = json.loads(json.dumps(EPISODE))
    beside["ui_elements"][0] = [{"box": [0, 0, 10, 10], "text": "corner"}]
    unfinished = {**EPISODE, "screenshots": EPISODE["screenshots"][:3], "ui_elements": None}
    file = opened(folder, beside, unfinished)
    assert clicks_on_elements(file[0]) == "a click on no known element"
    assert ends_as_done(file[1]) == "no success at the end"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": [{"action_type": "click", "x": 2000, "y": 5}] * 3}, "outside the screen"),
        ({"screenshots": ["gone.png"] * 4}, "is not in"),
        ({"screenshots": ["../0.png"] * 4}, "is outside"),
        ({"actions": [{"action_type": "fly"}] * 3}, "expected one that a phone can do"),
        ({"actions": [{"action_type": "scroll", "direction": "in"}] * 3}, "direction is 'in'"),
        ({"goal": 3}, "without goal"),
        ({"goal": " "}, "the goal is empty"),
        ({"screenshots": []}, "0 screens"),
        ({"ui_elements": [[{"box": [1, 2]}], [], [], []]}, "expected a box"),
    ],
)
def test_what_is_wrong_is_named_and_the_others_are_kept(
    folder: Path, change: dict[str, object], message: str
) -> None:
    file = opened(folder, {**EPISODE, **change}, EPISODE)
    with pytest.raises(DataError, match=message) as caught:
        file[0]
    assert "episode 0" in str(caught.value)
    assert len(actions(file, 1)) == 4


def test_files_that_are_none(folder: Path) -> None:
    path = folder / "bad.json"
    for text, message in (("{", "no JSON"), ("{}", "expected a list")):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            TrajectoryFile(path)
    with pytest.raises(DataError, match="cannot be read"):
        TrajectoryFile(folder / "missing.json")
    file = opened(folder, EPISODE)
    (folder / "episodes.jsonl").write_text("{nonsense\n" + json.dumps(EPISODE))
    with pytest.raises(DataError, match="no JSON"):
        TrajectoryFile(folder / "episodes.jsonl")[0]
    assert file.fingerprint(0, 1) == opened(folder, EPISODE).fingerprint(0, 1)


words = st.sampled_from(["", "0.png", "[0.5, 2]", "click"])
keys = st.sampled_from([*EPISODE, *STEPS[1], "action_type", "x", "y", "box"])
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3000) | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner),
    max_leaves=12,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=st.sampled_from(sorted({*EPISODE, *STEPS[1]})), value=junk)
def test_nonsense_is_a_data_error(folder: Path, key: str, value: object) -> None:
    spoilt: object = {**EPISODE, key: value}
    if key in STEPS[1]:
        spoilt = [{**STEPS[1], key: value}]
    file = opened(folder, spoilt)
    for number in range(len(file)):
        with contextlib.suppress(DataError):
            file[number]
