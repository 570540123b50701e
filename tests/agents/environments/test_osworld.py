"""OSWorld: the machine's server, statements without a way out of a string, episodes to scores."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.agents.environments.environment import ScoredEpisode, play
from qvl.agents.environments.osworld import OSWorld, pyautogui_code
from qvl.agents.episode import Limits
from qvl.agents.executor import ActionError, ScreenError
from qvl.errors import DataError
from qvl.geometry import Point
from qvl.sampling_params import SamplingParams
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    MoveTo,
    OpenApp,
    Press,
    Scroll,
    Terminate,
    Type,
)
from tests.agents.environments.worlds import Desktop, Machine, serving
from tests.agents.screens import answers

SIZE = (280, 140)


def examples_at(folder: Path) -> Path:
    """A list of tasks as in evaluation_examples/."""
    config = {"snapshot": "chrome", "source": "", "config": [], "related_apps": ["chrome"]}
    tasks = {
        "typed": {"func": "exact_match", "expected": "'hello'"},
        "never": {"func": "infeasible"},
        "broken": {"func": "exact_match", "expected": ""},
    }
    for name, evaluator in tasks.items():
        path = folder / "examples" / "chrome" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {**config, "id": name, "instruction": "Say hello.", "evaluator": evaluator}
        path.write_text(json.dumps(told))
    (folder / "test_all.json").write_text(json.dumps({"chrome": list(tasks)}))
    return folder


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Machine, Desktop, OSWorld]]:
    machine = Machine()
    with serving(machine) as url:
        desktop = Desktop(url, machine)
        with OSWorld(desktop, examples_at(tmp_path), settle_seconds=0) as environment:
            yield machine, desktop, environment
    assert desktop.is_closed


def played(environment: OSWorld, task: str, folder: Path, *actions: Action) -> ScoredEpisode:
    model = answers(*actions, size=SIZE)
    params = SamplingParams(max_tokens=64)
    return play(task, folder, environment, model.engine, limits=Limits(steps=4), params=params)


def test_an_episode_from_its_goal_to_its_score(
    world: tuple[Machine, Desktop, OSWorld], tmp_path: Path
) -> None:
    machine, desktop, environment = world
    assert environment.tasks() == ["chrome/typed", "chrome/never", "chrome/broken"]
    record = played(environment, "chrome/typed", tmp_path, Type(text="hello"))
    assert (record.score, record.goal, record.ending) == (1, "Say hello.", "success")
    assert machine.commands == [
        ["python", "-c", "import pyautogui; import time; pyautogui.FAILSAFE = False; "
         "pyautogui.typewrite('hello', interval=0.01)"],
    ]  # fmt: skip
    assert desktop.steps == ["DONE"]
    assert played(environment, "chrome/typed", tmp_path, Type(text="bye")).score == 0


def test_what_cannot_be_done_is_right_if_the_model_gives_up(
    world: tuple[Machine, Desktop, OSWorld], tmp_path: Path
) -> None:
    _, desktop, environment = world
    record = played(environment, "chrome/never", tmp_path, Terminate(status="failure"))
    assert (record.score, record.ending, desktop.steps) == (1, "failure", ["FAIL"])
    assert played(environment, "chrome/never", tmp_path).score == 0


def test_failures_of_the_machine_are_named(
    world: tuple[Machine, Desktop, OSWorld], tmp_path: Path
) -> None:
    machine, _, environment = world
    with pytest.raises(ScreenError, match="there is no task"):
        environment.screenshot()
    with pytest.raises(ScreenError, match=r"could not set up chrome/broken: .*after 5 attempts"):
        environment.reset("chrome/broken")
    environment.reset("chrome/typed")
    machine.fails = True
    with pytest.raises(ActionError, match="the machine could not: 'no display'"):
        environment.perform(Type(text="x"))
    with pytest.raises(DataError, match="lies outside"):
        environment.reset("../../../secret")
    with pytest.raises(DataError, match="cannot be read"):
        environment.reset("chrome/unknown")
    (tmp_path / "test_all.json").write_text("[]")
    with pytest.raises(DataError, match="is a list, expected an object"):
        environment.tasks()


def test_actions_as_statements() -> None:
    place = Point(10.6, 20)
    cases: list[tuple[Action, str]] = [
        (Click(), "pyautogui.click(clicks=1, button='left')"),
        (Click(point=place, count=2), "pyautogui.click(x=11, y=20, clicks=2, button='left')"),
        (MoveTo(point=place), "pyautogui.moveTo(x=11, y=20)"),
        (Drag(end=place), "pyautogui.dragTo(x=11, y=20, duration=0.5, button='left')"),
        (Scroll(pixels=-5.4, point=place), "pyautogui.scroll(-5, x=11, y=20)"),
        (Press(keys=("ctrl", "C")), "pyautogui.hotkey('ctrl', 'c')"),
        (Press(keys=("super", "esc", "Down")), "pyautogui.hotkey('win', 'esc', 'down')"),
        (Type(text="a<b"), "pyautogui.typewrite('a', interval=0.01); "
         "pyautogui.hotkey('shift', ','); pyautogui.typewrite('b', interval=0.01)"),
    ]  # fmt: skip
    for action, wanted in cases:
        assert pyautogui_code(action) == wanted
    held = pyautogui_code(LongPress(point=place, seconds=1e9))
    assert "time.sleep(10)" in held
    for impossible in (OpenApp(name="x"), Type(text="é"), Type(text="x" * 5001)):
        with pytest.raises(ActionError):
            pyautogui_code(impossible)


@given(st.text(st.characters(codec="ascii"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_text_of_a_model_is_never_code(text: str) -> None:
    try:
        code = pyautogui_code(Type(text=text))
    except ActionError:
        return
    typed = ""
    for statement in ast.parse(code).body:
        assert isinstance(statement, ast.Expr)
        assert isinstance(statement.value, ast.Call)
        name, first = ast.unparse(statement.value.func), statement.value.args[0]
        assert isinstance(first, ast.Constant)
        assert name in ("pyautogui.typewrite", "pyautogui.hotkey")
        typed += str(first.value) if name.endswith("typewrite") else "<"
    assert typed == text
