"""Screens: actions survive writing and reading, recorded prompts are met, odd calls are told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from qvl.errors import InputError
from qvl.geometry import ImageSize, Point, ResizeTransform
from qvl.messages import Conversation, Message, Text
from qvl.messages import Image as Picture
from qvl.processing.chat_template import render, render_text
from qvl.tasks import agent
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
    Terminate,
    Type,
    Wait,
    describe,
    to_json,
)
from qvl.tasks.agent_tools import ToolName, tool
from tests.material import material, requires_material

PLACE = st.builds(Point, st.integers(0, 4000), st.integers(0, 4000))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
SECONDS = st.integers(0, 1000)
EITHER = [
    st.builds(Type, text=WORDS | st.just('</tool_call> "quoted", {"a": [')),
    st.builds(Wait, seconds=SECONDS),
    st.builds(Terminate, status=st.sampled_from(["success", "failure"])),
]
COMPUTER = st.one_of(
    *EITHER,
    st.builds(Click, point=st.none() | PLACE, button=st.sampled_from(["left", "right", "middle"])),
    st.builds(Click, point=st.none() | PLACE, count=st.just(2)),
    st.builds(MoveTo, point=PLACE),
    st.builds(Drag, end=PLACE),
    st.builds(Scroll, pixels=st.integers(-5000, 5000), point=st.none() | PLACE),
    st.builds(Press, keys=st.lists(WORDS, min_size=1, max_size=4).map(tuple)),
)
MOBILE = st.one_of(
    *EITHER,
    st.builds(Click, point=PLACE),
    st.builds(LongPress, point=PLACE, seconds=SECONDS),
    st.builds(Drag, start=PLACE, end=PLACE),
    st.builds(Press, keys=st.tuples(WORDS)),
    st.builds(PressSystem, button=st.sampled_from(["Back", "Home", "Menu", "Enter"])),
    st.builds(OpenApp, name=WORDS),
)
THOUGHT = st.text("abc .\n{}<", max_size=30).map(str.strip)


def call(tool_name: str = "computer_use", **arguments: object) -> str:
    return f"<tool_call>{json.dumps({'name': tool_name, 'arguments': arguments})}</tool_call>"


@settings(max_examples=200, deadline=None)
@given(action=COMPUTER, thought=THOUGHT)
def test_computer_actions_survive_the_round_trip(action: Action, thought: str) -> None:
    answer = agent.parse(agent.format(action, tool="computer_use", thought=thought))
    assert (answer.actions, answer.thought) == ((action,), thought)
    assert (answer.problems, answer.truncated) == ((), False)


@settings(max_examples=200, deadline=None)
@given(action=MOBILE, thought=THOUGHT)
def test_mobile_actions_survive_the_round_trip(action: Action, thought: str) -> None:
    answer = agent.parse(agent.format(action, tool="mobile_use", thought=thought))
    assert (answer.actions, answer.thought) == ((action,), thought)


@pytest.mark.parametrize(
    ("action", "name"),
    [
        (OpenApp(name="Mail"), "computer_use"),
        (LongPress(point=Point(1, 2), seconds=1), "computer_use"),
        (Drag(start=Point(1, 2), end=Point(3, 4)), "computer_use"),
        (Drag(end=Point(3, 4)), "mobile_use"),
        (Click(), "mobile_use"),
        (Press(keys=("ctrl", "c")), "mobile_use"),
        (Scroll(pixels=-3), "mobile_use"),
    ],
)
def test_what_a_function_cannot_say_is_refused(action: Action, name: ToolName) -> None:
    with pytest.raises(InputError, match=f"{name} cannot say"):
        agent.format(action, tool=name)


@given(text=st.text(max_size=300) | st.text('<tool_cal>/{}[]":,a1 \n', max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    for marked in (text, f"<tool_call>{text}"):
        answer = agent.parse(marked, transform=ResizeTransform(ImageSize(9, 9), ImageSize(28, 28)))
        json.dumps(answer.to_json())
        assert answer.text == marked


@given(
    arguments=st.dictionaries(
        st.sampled_from(
            ["action", "coordinate", "coordinate2", "text", "keys", "pixels", "time", "status"]
        ),
        st.sampled_from(["left_click", "swipe", "key", "type", "scroll", "wait", "open"])
        | st.lists(st.none() | st.integers() | st.text(max_size=3) | st.floats(), max_size=4)
        | st.floats()
        | st.dictionaries(st.text(max_size=1), st.integers(), max_size=2),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_arguments_are_an_action_or_a_problem(arguments: dict[str, object]) -> None:
    answer = agent.parse(f'<tool_call>{{"name": "x", "arguments": {json.dumps(arguments)}}}')
    assert len(answer.actions) + len(answer.problems) <= 1 or answer.truncated
    assert len(answer.actions) == 1 or answer.problems or answer.truncated
    assert all(describe(action) and to_json(action) for action in answer.actions)


def test_places_are_moved_to_the_real_screen() -> None:
    transform = ResizeTransform(ImageSize(1440, 2560), ImageSize(1428, 2548))
    (action,) = agent.parse(
        call(action="left_click", coordinate=[1274, 714]), transform=transform
    ).actions
    assert action == Click(point=Point(1280.0, 720.0))
    (scroll,) = agent.parse(call(action="scroll", pixels=-714), transform=transform).actions
    assert scroll == Scroll(pixels=-720.0)


@pytest.mark.parametrize("place", [[2549, 5], [5, 1429], [-1, 5], [5, -0.5], [1e308, 1]])
def test_a_place_outside_is_a_problem_and_no_click(place: list[float]) -> None:
    transform = ResizeTransform(ImageSize(1440, 2560), ImageSize(1428, 2548))
    for name in ("left_click", "mouse_move", "left_click_drag"):
        answer = agent.parse(call(action=name, coordinate=place), transform=transform)
        assert answer.actions == ()
        assert "outside the screen of 2548 x 1428 px" in answer.problems[0]
        assert len(answer.requests) == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"action": "left_click", "coordinate": ["12", "34"]}', Click(point=Point(12, 34))),
        ('{"action": "left_click", "coordinate": "12, 34"}', Click(point=Point(12, 34))),
        ('{"action": "left_click", "coordinate": ["(12, 34)"]}', Click(point=Point(12, 34))),
        ('{"action": "left_click", "coordinate": {"x": 12, "y": 34}}', Click(point=Point(12, 34))),
        ('{"action": "Left_Click", "coordinate": [12, 34,]}', Click(point=Point(12, 34))),
        ('{"action": "left_click"}', Click()),
        ('{"action": "key", "keys": "enter"}', Press(keys=("enter",))),
        ('{"action": "key", "keys": ["ctrl", 1]}', Press(keys=("ctrl", "1"))),
        ('{"action": "type", "text": 42}', Type(text="42")),
        ('{"action": "scroll", "pixels": "-300"}', Scroll(pixels=-300.0)),
        ('{"action": "wait", "time": "2.5"}', Wait(seconds=2.5)),
        ('{"action": "terminate", "status": "Success"}', Terminate(status="success")),
        ('{"action": "system_button", "button": "back"}', PressSystem(button="Back")),
        (
            '{"action": "left_click_drag", "coordinate": [1, 2], "coordinate2": [3, 4]}',
            Drag(start=Point(1, 2), end=Point(3, 4)),
        ),
    ],
)
def test_slips_are_forgiven(written: str, expected: Action) -> None:
    answer = agent.parse(f'<tool_call>{{"name": "computer_use", "arguments": {written}}}')
    assert (answer.actions, answer.problems) == ((expected,), ())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"action": "teleport"}, "action is 'teleport', expected one of key, type"),
        ({}, "action is None"),
        ({"action": "mouse_move"}, "mouse_move has no coordinate, expected [x, y]"),
        ({"action": "click"}, "click has no coordinate"),
        ({"action": "left_click", "coordinate": [1]}, "coordinate is [1], expected [x, y]"),
        ({"action": "left_click", "coordinate": [1, 2, 3, 4]}, "coordinate is [1, 2, 3, 4]"),
        ({"action": "left_click", "coordinate": [1, "b"]}, "coordinate is [1, 'b']"),
        ({"action": "left_click", "coordinate": [True, 2]}, "coordinate is [True, 2]"),
        ({"action": "swipe", "coordinate": [1, 2]}, "swipe has no coordinate2"),
        ({"action": "scroll"}, "pixels is None, expected a number"),
        ({"action": "wait", "time": -1}, "time is -1, expected seconds"),
        ({"action": "type", "text": ""}, "text is '', expected words"),
        ({"action": "type", "text": ["a"]}, "text is ['a'], expected words"),
        ({"action": "key", "keys": []}, "keys is [], expected a list of names"),
        ({"action": "key", "keys": [["a"]]}, "keys is [['a']]"),
        ({"action": "system_button", "button": "Volume"}, "expected one of Back, Home"),
        ({"action": "terminate"}, "status is None, expected one of success, failure"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: dict[str, object], said: str) -> None:
    answer = agent.parse(call(**arguments))
    assert answer.actions == ()
    (problem,) = answer.problems
    assert said in problem


def test_calls_without_marks_fences_and_brackets() -> None:
    click = Click(point=Point(1, 2))
    bare = '{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [1, 2]}}'
    assert agent.parse(f"I click.\n```json\n{bare}\n```").actions == (click,)
    assert agent.parse(f"I click.\n```json\n{bare}\n```").thought == "I click."
    assert agent.parse(f"<tool_call>\n```json\n{bare}\n```\n</tool_call>").actions == (click,)
    left_open = bare[:-1]
    answer = agent.parse(f"<tool_call>\n{left_open}\n</tool_call>\n<tool_call>{bare}</tool_call>")
    assert answer.actions == (click, click)
    quoted = json.dumps(
        {"name": "computer_use", "arguments": json.dumps({"action": "wait", "time": 1})}
    )
    assert agent.parse(f"<tool_call>{quoted}</tool_call>").actions == (Wait(seconds=1),)


def test_a_cut_answer_is_said_to_be_cut_and_nothing_is_completed() -> None:
    whole = agent.format(Click(point=Point(123, 456)), thought="Here.")
    for stop in range(len("Here.\n<tool_call>"), whole.index("]")):
        answer = agent.parse(whole[:stop])
        assert (answer.actions, answer.truncated) == ((), True), whole[:stop]
        assert answer.thought == "Here."


def test_what_is_no_call_is_a_problem_and_the_next_call_is_read() -> None:
    answer = agent.parse(f"<tool_call>click it</tool_call>{call(action='wait', time=1)}")
    assert answer.actions == (Wait(seconds=1),)
    assert answer.problems == ("<tool_call>'click it' is no call",)


def test_thousands_of_marks_take_no_time() -> None:
    assert agent.parse("<tool_call>{" * 3000).actions == ()


def test_the_places_are_drawn() -> None:
    answer = agent.parse(call(action="left_click", coordinate=[300, 200]))
    screenshot = Image.new("RGB", (600, 500), "white")
    drawn = answer.draw(screenshot)
    assert drawn.getpixel((300, 200)) != (255, 255, 255)
    assert screenshot.getpixel((300, 200)) == (255, 255, 255)


def test_the_prompt_counts_the_steps() -> None:
    text = agent.prompt("Buy milk.", ["A", "B"])
    assert text.endswith("on the current device): Step 1: A; Step 2: B; ")
    with pytest.raises(InputError, match="the goal is empty"):
        agent.prompt(" \n")


def _rendered(name: ToolName, screen: ImageSize, *parts: object) -> str:
    system = Message("system", (Text("You are a helpful assistant."),))
    user = Message("user", parts)  # type: ignore[arg-type]
    return render_text(render(Conversation((system, user), (tool(name, screen),))))


@requires_material
def test_the_recorded_mobile_prompt_is_met_to_the_letter() -> None:
    recorded = material("cookbooks", "model_outputs", "mobile_use_zh.prompt.txt").read_text("utf-8")
    question = recorded.split("<|im_start|>user\n")[1].split("<|vision_start|>")[0]
    screen = ImageSize(1288, 728)
    assert _rendered("mobile_use", screen, Text(question), Picture("x.png")) == recorded


@requires_material
def test_the_recorded_computer_prompt_is_met_to_the_letter() -> None:
    path = material("cookbooks", "model_outputs", "computer_use_issue_a.messages.json")
    system, user = json.loads(path.read_text("utf-8"))
    recorded = "".join(part["text"] for part in system["content"])
    question = Text(user["content"][1]["text"])
    rendered = _rendered("computer_use", ImageSize(1428, 2548), Picture("x.png"), question)
    assert rendered.split("<|im_end|>")[0] == f"<|im_start|>system\n{recorded}"


@requires_material
@pytest.mark.parametrize(
    ("name", "original", "resized", "point"),
    [
        ("computer_use_issue_a", ImageSize(1440, 2560), ImageSize(1428, 2548), (1294, 811)),
        ("mobile_use_zh", ImageSize(1280, 720), ImageSize(1288, 728), (639, 1095)),
    ],
)
def test_recorded_answers(
    name: str, original: ImageSize, resized: ImageSize, point: tuple[int, int]
) -> None:
    text = material("cookbooks", "model_outputs", f"{name}.txt").read_text("utf-8")
    (action,) = agent.parse(text).actions
    assert action == Click(point=Point(*point))
    assert (
        agent.format(action, tool=name[:-3] if name.endswith("_zh") else "computer_use")
        == text.strip()
    )
    transform = ResizeTransform(original, resized)
    (real,) = agent.parse(text, transform=transform).actions
    assert real == Click(point=transform.to_original(Point(*point)))


@requires_material
def test_a_recorded_thought_is_kept() -> None:
    path = material("cookbooks", "model_outputs", "mobile_use_thought_action.txt")
    answer = agent.parse(path.read_text("utf-8"))
    assert answer.thought.startswith("Thought: To search for Musk in X")
    assert answer.thought.endswith('begin searching for Musk."')
    assert answer.actions == (Click(point=Point(447, 81)),)
