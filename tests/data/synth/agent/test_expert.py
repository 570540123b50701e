"""Tasks are done, seen to be done in the page's state, and done again from the calls alone."""

import json
from dataclasses import replace

import pytest

from qvl.data.synth.agent.app import App, Intent, Task
from qvl.data.synth.agent.expert import Episode, act_out
from qvl.data.synth.agent.frames import page
from qvl.data.synth.agent.look import Device, random_look
from qvl.data.synth.agent.screens import APPS
from qvl.data.synth.agent.stage import stage
from qvl.data.synth.agent.trajectories import trajectory_sample
from qvl.data.trajectories import succeeded
from qvl.messages import Text
from qvl.tasks import agent
from qvl.tasks.actions import Drag, LongPress, OpenApp, Press, Scroll, Terminate
from tests.data.synth.agent.pages import DESKTOP, PHONE, needs_browser, rng

pytestmark = needs_browser


def html_of(app: App, device: Device, *, launcher: bool = False) -> str:
    frame = "phone" if device.is_mobile else "none"
    look = random_look(rng(8), device)
    return page(app, look, device, rng=rng(9), frame=frame, launcher=launcher)


def acted(kind: str, device: Device, task: int, *, launcher: bool = False) -> tuple[App, Episode]:
    app = APPS[kind](rng(3), device)
    opens = "name" if launcher else ""
    with stage(html_of(app, device, launcher=launcher), device) as live:
        return app, act_out(live, app, app.tasks[task], opens_app=opens)


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("kind", "task"), [("mail", 1), ("files", 0), ("player", 1), ("news", 1), ("booking", 0)]
)
def test_tasks_are_done_and_can_be_repeated_from_their_calls(
    kind: str, task: int, device: Device
) -> None:
    app, episode = acted(kind, device, task)
    assert not episode.failure
    assert isinstance(episode.steps[-1].action, Terminate)
    tool = "mobile_use" if device.is_mobile else "computer_use"
    answers = [agent.format(step.action, tool=tool, thought=step.why) for step in episode.steps]
    with stage(html_of(app, device), device) as live:
        for answer in answers:
            (action,) = agent.parse(answer).actions
            live.perform(action)
        state = live.evaluate("() => state")
    for key, value in app.tasks[task].ends.items():
        assert state[key] == value
    for step in episode.steps:
        if step.box is not None:
            place = getattr(step.action, "point", None) or getattr(step.action, "start", None)
            if place is not None:
                assert step.box.x1 <= place.x <= step.box.x2


def test_the_same_intent_is_another_action_on_each_device() -> None:
    kinds = {}
    for device in (DESKTOP, PHONE):
        _, renamed = acted("files", device, 0)
        _, scrolled = acted("news", device, 1)
        kinds[device.is_mobile] = {type(s.action) for s in (*renamed.steps, *scrolled.steps)}
    assert {LongPress, Drag} <= kinds[True]
    assert Scroll in kinds[False]
    assert not {LongPress, Drag} & kinds[False]
    assert Press in kinds[False]


def test_a_phone_may_begin_at_its_home_screen() -> None:
    app, episode = acted("settings", PHONE, 0, launcher=True)
    assert not episode.failure
    assert episode.goal.startswith(f"Open {app.name}. ")
    assert episode.steps[0].action == OpenApp(name=app.name)


def test_what_goes_wrong_is_told_and_never_counted() -> None:
    app = APPS["settings"](rng(3), DESKTOP)
    task = app.tasks[0]
    key = next(iter(task.ends))
    slider = next(i.on for t in app.tasks for i in t.plan if i.deed == "slide")
    slid = Intent(deed="slide", on=slider, value=0, why="?")
    cases = {
        "the state is not as wanted": replace(task, ends={key: "blue"}),
        "something else has changed": replace(task, plan=(*task.plan, slid)),
        "the element is not on the page": Task(
            goal="?", plan=(Intent(deed="click", on="nowhere", why="?"),), ends={key: 1}
        ),
        "the task was done before it began": replace(task, ends={key: app.state[key]}),
    }
    for reason, wrong in cases.items():
        with stage(html_of(app, DESKTOP), DESKTOP) as live:
            assert act_out(live, app, wrong).failure == reason


def test_samples_keep_failures_for_a_filter_to_count() -> None:
    sample = trajectory_sample(rng(2, 1), seed=(2, 1), kind="login")
    assert succeeded(sample) is None
    failed = replace(sample, facts={**sample.facts, "failure": "the state is not as wanted"})
    assert succeeded(failed) == "the state is not as wanted"
    steps = sample.facts["steps"]
    answers = [t for t in sample.conversation.messages if t.role == "assistant"]
    for step, turn in zip(steps, answers, strict=True):
        assert isinstance(turn.content[0], Text)
        assert json.dumps(step["call"], ensure_ascii=False) in turn.content[0].text
