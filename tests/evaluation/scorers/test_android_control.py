"""Steps of AndroidControl, by both rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.android_control import direction, os_atlas_step, qwen_step
from qvl.geometry import Box, ImageSize, Point
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    OpenApp,
    PressSystem,
    Scroll,
    Terminate,
    Type,
    Wait,
)

SCREEN = ImageSize(2000, 1000)
HERE = Point(500, 1000)


def _qwen(action: Action | None, truth: Action, boxes: tuple[Box, ...] = ()) -> float:
    return qwen_step(action=action, truth=truth, screen=SCREEN, boxes=boxes).value


def _atlas(action: Action | None, truth: Action) -> float:
    return os_atlas_step(action=action, truth=truth, screen=SCREEN).value


@pytest.mark.parametrize(
    ("x", "y", "qwen", "atlas"),
    [(540, 1000, 1, 1), (541, 1000, 0, 1), (500, 1080, 1, 1), (500, 1281, 0, 0), (641, 1000, 0, 0)],
)
def test_how_near_a_click_must_be(x: float, y: float, qwen: int, atlas: int) -> None:
    action, truth = Click(point=Point(x, y)), Click(point=HERE)
    assert _qwen(action, truth) == qwen
    assert _atlas(action, truth) == atlas


def test_elements_are_a_fifth_larger() -> None:
    box = Box(100, 100, 200, 300)
    inside, outside = Click(point=Point(90, 320)), Click(point=Point(89, 320))
    assert _qwen(inside, Click(point=HERE), (box,)) == 1
    assert _qwen(outside, Click(point=HERE), (box,)) == 0


def test_kinds_must_match() -> None:
    assert _qwen(Click(point=HERE), LongPress(point=HERE, seconds=2)) == 0
    assert _qwen(Type(text="a"), OpenApp(name="a")) == 0
    assert _qwen(None, Wait(seconds=1)) == 0
    assert not qwen_step(action=None, truth=Wait(seconds=1), screen=SCREEN).is_parsed


def test_an_app_may_be_opened_by_its_icon() -> None:
    icon = Box(400, 900, 600, 1100)
    step = qwen_step(action=Click(point=HERE), truth=OpenApp(name="Maps"), screen=SCREEN, icon=icon)
    assert step.value == 1
    assert _qwen(Click(point=HERE), OpenApp(name="Maps")) == 0


@pytest.mark.parametrize(
    ("given_text", "wanted", "qwen", "atlas"),
    [
        ("Running Shoes", "blue running shoes", 1, 1),
        ("shoes", "blue running shoes", 1, 0),
        ("blue", "blue running shoes for children", 1, 0),
        ("running blue shoes", "blue running shoes", 0, 1),
        ("", "shoes", 0, 0),
    ],
)
def test_texts(given_text: str, wanted: str, qwen: int, atlas: int) -> None:
    assert _qwen(Type(text=given_text), Type(text=wanted)) == qwen
    assert _atlas(Type(text=given_text), Type(text=wanted)) == atlas
    assert _qwen(OpenApp(name=given_text), OpenApp(name=wanted)) == qwen


def test_swipes_go_by_their_main_axis() -> None:
    up = Drag(start=Point(500, 1500), end=Point(700, 500))
    assert direction(up) == "up"
    assert _qwen(up, Drag(start=Point(0, 9), end=Point(1, 0))) == 1
    assert _qwen(up, Drag(start=Point(0, 0), end=Point(9, 1))) == 0
    assert _qwen(Scroll(pixels=-5), up) == 1
    assert direction(Drag(start=HERE, end=HERE)) is None


def test_the_main_axis_is_the_one_of_which_more_is_crossed() -> None:
    """As in the shared script, which compares places as shares of the screen."""
    across = Drag(start=Point(100, 1000), end=Point(700, 1700))
    assert direction(across) == "down"
    assert _qwen(across, Drag(start=Point(0, 0), end=Point(9, 0))) == 1


def test_actions_without_a_place() -> None:
    assert _qwen(Wait(seconds=1), Wait(seconds=9)) == 1
    assert _qwen(PressSystem(button="Back"), PressSystem(button="Back")) == 1
    assert _qwen(PressSystem(button="Back"), PressSystem(button="Home")) == 0
    assert _qwen(Terminate(status="success"), Terminate(status="failure")) == 0


places = st.builds(Point, st.integers(0, 1000), st.integers(0, 2000))
actions = st.one_of(
    st.builds(lambda place: Click(point=place), places),
    st.builds(lambda text: Type(text=text), st.text(max_size=5)),
    st.builds(lambda a, b: Drag(start=a, end=b), places, places),
    st.just(Wait(seconds=1)),
)


@given(actions, actions)
def test_an_action_meets_itself_and_rules_are_symmetric(a: Action, b: Action) -> None:
    assert _qwen(a, a) == _atlas(a, a) == 1
    assert _qwen(a, b) == _qwen(b, a)
    assert _atlas(a, b) == _atlas(b, a)
