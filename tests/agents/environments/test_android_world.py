"""AndroidWorld over HTTP: requests as its server takes them, episodes from goal to score."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qvl.agents.environments.android_world import AndroidWorld, json_action
from qvl.agents.environments.environment import ANDROID_WORLD, ScoredEpisode, play, questions_of
from qvl.agents.episode import Limits
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.playing import play_each
from qvl.errors import ConfigError, DataError
from qvl.evaluation.report.failures import TRACE
from qvl.evaluation.scoring import score_run
from qvl.geometry import Point
from qvl.messages import Image
from qvl.sampling_params import SamplingParams
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    MoveTo,
    OpenApp,
    Press,
    PressSystem,
    Scroll,
    Type,
)
from tests.agents.environments.worlds import Phone, serving
from tests.agents.screens import answers

SIZE = (140, 280)
PARAMS = SamplingParams(max_tokens=64)


@pytest.fixture
def phone() -> Iterator[tuple[Phone, AndroidWorld]]:
    world = Phone()
    with serving(world) as url, AndroidWorld(url, seconds=10) as environment:
        yield world, environment


def played(environment: AndroidWorld, task: str, folder: Path, *actions: Action) -> Any:
    model = answers(*actions, size=SIZE, tool="mobile_use")
    return play(task, folder, environment, model.engine, limits=Limits(steps=4), params=PARAMS)


def test_an_episode_from_its_goal_to_its_score(
    phone: tuple[Phone, AndroidWorld], tmp_path: Path
) -> None:
    world, environment = phone
    assert environment.tasks() == ["ClockAlarm/0", "NotesAdd/0"]
    record = played(environment, "ClockAlarm/0", tmp_path, OpenApp(name="Clock"))
    assert (record.score, record.goal, record.ending) == (1, "Open the clock.", "success")
    assert (record.steps, record.performed) == (2, 1)
    assert world.actions == [{"action_type": "open_app", "app_name": "Clock"}]
    assert world.calls[-2:] == ["GET /task/score", "POST /task/tear_down"]
    assert (tmp_path / "traces" / "ClockAlarm" / "0" / "steps.jsonl").is_file()
    record = played(environment, "NotesAdd/0", tmp_path, Click(point=Point(120, 20)))
    assert (record.score, record.ending) == (0, "success")


def test_a_task_counts_only_if_the_model_says_that_it_is_done(
    phone: tuple[Phone, AndroidWorld], tmp_path: Path
) -> None:
    _, environment = phone
    actions = [OpenApp(name="Clock"), *(Click(point=Point(10, y)) for y in (10, 40, 70))]
    record = played(environment, "ClockAlarm/0", tmp_path, *actions)
    assert (record.score, record.ending) == (0, "steps")


def test_a_run_goes_on_and_is_scored_as_others(
    phone: tuple[Phone, AndroidWorld], tmp_path: Path
) -> None:
    world, environment = phone
    tasks = [*environment.tasks(), "Unknown/0"]

    def one(task: str) -> str:
        action = OpenApp(name="Clock")
        return str(played(environment, task, tmp_path, action).to_text())

    lost = play_each(tasks, tmp_path, one)
    assert list(lost) == ["Unknown/0"]
    assert "refuses: 500" in lost["Unknown/0"]
    before = len(world.calls)
    assert list(play_each(tasks, tmp_path, one)) == ["Unknown/0"]
    assert len(world.calls) - before < 5
    outcome = score_run(ANDROID_WORLD, questions_of(tasks), tmp_path)
    assert outcome.headline == pytest.approx(100 / 3)
    assert (outcome.count, outcome.unanswered) == (3, 1)
    first = next(questions_of(tasks, tmp_path))
    assert first.facts[TRACE] == "../traces/ClockAlarm/0/index.html"
    assert (tmp_path / "report" / first.facts[TRACE]).resolve().is_file()
    assert isinstance(first.conversation.messages[0].content[0], Image)


def test_a_phone_that_is_gone_ends_the_run(
    phone: tuple[Phone, AndroidWorld], tmp_path: Path
) -> None:
    world, environment = phone
    world.is_gone = True
    with pytest.raises(DataError, match="3 episodes in a row were lost"):
        play_each(
            [f"ClockAlarm/{n}" for n in range(5)],
            tmp_path,
            lambda task: str(played(environment, task, tmp_path)),
        )


def test_odd_servers_are_named(phone: tuple[Phone, AndroidWorld]) -> None:
    world, environment = phone
    environment.reset("ClockAlarm/0")
    assert environment.screenshot().size == SIZE
    for odd in ([[1, 2]], "white", [[[1, 2, 300]]], []):
        world.screen = odd
        with pytest.raises(ScreenError, match="the server gives"):
            environment.screenshot()
    with pytest.raises(ActionError, match="the action was refused: 500"):
        environment.perform(Type(text=""))
    with pytest.raises(ScreenError, match="cannot be reached"):
        AndroidWorld("http://127.0.0.1:9", seconds=5).tasks()
    with pytest.raises(ConfigError, match="is no address"):
        AndroidWorld("localhost")


def test_actions_as_json() -> None:
    place = Point(10.6, 20)
    down = Drag(start=Point(10, 10), end=Point(20, 90))
    cases: list[tuple[Action, dict[str, Any]]] = [
        (Click(point=place, count=2), {"action_type": "double_tap", "x": 11, "y": 20}),
        (LongPress(point=place, seconds=2), {"action_type": "long_press", "x": 11, "y": 20}),
        (down, {"action_type": "swipe", "direction": "down"}),
        (Scroll(pixels=-100), {"action_type": "scroll", "direction": "down"}),
        (Type(text="hi"), {"action_type": "input_text", "text": "hi"}),
        (PressSystem(button="Back"), {"action_type": "navigate_back"}),
        (Press(keys=("enter",)), {"action_type": "keyboard_enter"}),
    ]
    for action, wanted in cases:
        assert json_action(action) == wanted
    for impossible in (
        MoveTo(point=place),
        Click(point=place, button="right"),
        PressSystem(button="Menu"),
        Press(keys=("volume_up",)),
        Scroll(pixels=0),
    ):
        with pytest.raises(ActionError, match="AndroidWorld cannot"):
            json_action(impossible)


def test_a_damaged_record_is_named() -> None:
    with pytest.raises(DataError, match="record of an episode is damaged"):
        ScoredEpisode.read("{}")
