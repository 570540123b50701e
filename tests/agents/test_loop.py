"""The loop on a drawn screen: what the model is told, when it is over, who is asked."""

import time
from collections.abc import Iterator

import pytest
from PIL import Image

from qvl.agents.episode import Episode, Limits, ending
from qvl.agents.executor import ScreenError
from qvl.agents.loop import Proposal, Verdict, act
from qvl.errors import ContextLengthError, InputError
from qvl.geometry import Point
from qvl.messages import SamplingParams, StreamEvent
from qvl.tasks import agent
from qvl.tasks.actions import Action, Click, Drag, MoveTo, Scroll, Terminate, Type, Wait
from tests.agents.screens import DrawnScreen, answers, refusing, seen_size
from tests.answers.scripted import ScriptedModel

SIZE = (1120, 700)
CLICK = Click(point=Point(560, 350))


def play(
    *actions: Action | str, screen: DrawnScreen | None = None, **options: object
) -> tuple[Episode, DrawnScreen, ScriptedModel]:
    screen = DrawnScreen() if screen is None else screen
    model = answers(*actions, size=SIZE)
    episode = act(model.engine, screen, "Do it.", **options)  # type: ignore[arg-type]
    return episode, screen, model


def test_actions_arrive_in_pixels_of_the_screen() -> None:
    seen = seen_size(SIZE)
    assert seen.width * 2 < SIZE[0]  # or this test shows nothing
    episode, screen, model = play(CLICK, Scroll(pixels=-350), Type(text="a"))
    assert episode.ending == "success"
    assert episode.succeeded
    click, scroll, typed = screen.done
    assert isinstance(click, Click)
    assert click.point is not None
    assert click.point == pytest.approx((560, 350), abs=SIZE[0] / seen.width)
    assert isinstance(scroll, Scroll)
    assert scroll.pixels == pytest.approx(-350, abs=3)
    assert typed == Type(text="a")
    assert [step.resized for step in episode.steps] == [seen] * 4
    assert f"{seen.width}x{seen.height}" in _seen_text(model, 0)


def _seen_text(model: ScriptedModel, turn: int) -> str:
    engine = model.engine
    return engine.processor.tokenizer.decode(engine.asked[turn].input_ids.tolist())  # type: ignore[attr-defined]


def test_a_turn_is_the_goal_the_calls_so_far_and_one_screenshot() -> None:
    _, _, model = play(CLICK, Type(text="hello"))
    engine = model.engine
    first, second, third = engine.prompts  # type: ignore[attr-defined]
    assert first == agent.prompt("Do it.")
    assert 'Step 1: {"name": "computer_use", "arguments": {"action": "left_click"' in second
    assert "Step 2" not in second
    assert third.startswith(second)
    assert third.endswith('{"action": "type", "text": "hello"}}; ')
    assert all(len(inputs.media) == 1 for inputs in engine.asked)  # type: ignore[attr-defined]


def test_the_model_is_told_what_it_cannot_know() -> None:
    screen = DrawnScreen()
    screen.failures = [refusing("the page did not react")]
    screen.happened = ["a dialog asked 'Sure?'"]
    _, _, model = play(CLICK, Wait(seconds=0), "I do not know.", screen=screen)
    prompts = model.engine.prompts  # type: ignore[attr-defined]
    assert prompts[1].endswith("(failed: the page did not react; a dialog asked 'Sure?'); ")
    assert "Step 3: no function was called (unusable); " in prompts[3]


def test_an_action_without_effect_is_told() -> None:
    screen = DrawnScreen()
    screen.stands_still = True
    _, _, model = play(CLICK, Type(text="a"), screen=screen)
    assert model.engine.prompts[1].endswith("(the screen did not change); ")  # type: ignore[attr-defined]


def test_only_the_first_of_several_calls_is_done() -> None:
    two = agent.format(Type(text="a")) + agent.format(Type(text="b"))
    _, screen, _ = play(two)
    assert screen.done == [Type(text="a")]


@pytest.mark.parametrize("status", ["success", "failure"])
def test_the_model_says_how_it_ended(status: str) -> None:
    episode, screen, _ = play(Terminate(status=status))  # type: ignore[arg-type]
    assert (episode.ending, screen.done) == (status, [])
    assert [step.outcome for step in episode.steps] == ["terminated"]


def test_the_limit_of_steps() -> None:
    texts = [Type(text=str(number)) for number in range(9)]
    episode, screen, _ = play(*texts, limits=Limits(steps=4))
    assert (episode.ending, len(screen.done)) == ("steps", 4)


def test_failures_in_a_row_end_it_and_a_success_between_does_not() -> None:
    screen = DrawnScreen()
    screen.failures = [refusing("no")] * 2
    episode, _, _ = play(CLICK, CLICK, Type(text="a"), "what?", CLICK, screen=screen)
    assert episode.ending == "success"
    screen = DrawnScreen()
    screen.failures = [refusing("no")] * 2
    episode, _, _ = play(CLICK, Type(text="a"), "what?", CLICK, screen=screen)
    assert (episode.ending, len(episode.steps)) == ("failures", 3)
    assert "no function was called" in episode.detail


def test_the_same_action_on_the_same_screen_ends_it() -> None:
    screen = DrawnScreen()
    screen.stands_still = True
    other = Type(text="a")
    episode, _, _ = play(CLICK, other, CLICK, other, CLICK, screen=screen)
    assert (episode.ending, len(episode.steps)) == ("repeating", 5)
    episode, _, _ = play(*[CLICK] * 5)  # the same on changing screens
    assert episode.ending == "success"


def test_a_screen_that_stands_still_ends_it() -> None:
    screen = DrawnScreen()
    screen.stands_still = True
    texts = [Type(text=str(number)) for number in range(9)]
    episode, _, _ = play(*texts, screen=screen, limits=Limits(unchanged=4))
    assert (episode.ending, len(episode.steps)) == ("no_progress", 4)


def test_the_limit_of_time_cuts_an_answer_short(monkeypatch: pytest.MonkeyPatch) -> None:
    model = answers(CLICK, size=SIZE)
    closed = []

    def endless(inputs: object, params: SamplingParams) -> Iterator[StreamEvent]:
        try:
            while True:
                time.sleep(0.01)
                yield StreamEvent(text="on and ")
        finally:
            closed.append(True)

    monkeypatch.setattr(model.engine, "stream", endless)
    screen = DrawnScreen()
    began = time.monotonic()
    episode = act(model.engine, screen, "Do it.", limits=Limits(seconds=0.3))
    assert time.monotonic() - began < 5
    assert (episode.ending, screen.done, closed) == ("time", [], [True])
    assert episode.steps[-1].answer.startswith("on and on")


def test_a_lost_screen_ends_it_with_the_steps_so_far() -> None:
    screen = DrawnScreen()
    screen.failures = [ScreenError("the browser is gone")]
    episode, _, _ = play(CLICK, screen=screen)
    assert (episode.ending, episode.detail) == ("lost", "the browser is gone")
    assert len(episode.steps) == 1
    screen = DrawnScreen()
    screen.lost = True
    episode, _, _ = play(CLICK, screen=screen)
    assert (episode.ending, episode.detail, episode.steps) == ("lost", "the screen is gone", ())


def test_only_what_may_change_something_is_asked_about() -> None:
    asked: list[Proposal] = []

    def confirm(proposal: Proposal) -> Verdict:
        asked.append(proposal)
        return "perform" if len(asked) < 2 else "decline"

    episode, screen, model = play(
        MoveTo(point=Point(9, 9)), CLICK, Scroll(pixels=-9), Type(text="a"), confirm=confirm
    )
    assert [type(proposal.action) for proposal in asked] == [Click, Type]
    assert asked[0].where == "a drawn <screen>"
    assert asked[0].thought == "I see it."
    assert [type(action) for action in screen.done] == [MoveTo, Click, Scroll]
    assert "declined: the user said no" in model.engine.prompts[-1]  # type: ignore[attr-defined]
    assert episode.succeeded


def test_the_person_can_stop_it() -> None:
    episode, screen, _ = play(CLICK, confirm=lambda proposal: "stop")
    assert (episode.ending, screen.done) == ("stopped", [])


def test_a_place_outside_the_screen_is_not_clicked() -> None:
    beyond = (
        '{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [9999, 1]}}'
    )
    _, screen, model = play(f"<tool_call>{beyond}</tool_call>")
    assert screen.done == []
    assert "is outside the screen of" in model.engine.prompts[1]  # type: ignore[attr-defined]
    assert "[9999, 1]" in model.engine.prompts[1]  # type: ignore[attr-defined]


def test_an_empty_goal_is_refused_before_anything_happens() -> None:
    screen = DrawnScreen()
    screen.lost = True
    with pytest.raises(InputError, match="the goal is empty"):
        act(answers(size=SIZE).engine, screen, "  ")


def test_a_long_history_is_told_as_far_as_the_model_reads() -> None:
    texts = [Type(text=f"{number} " + "7x" * 150) for number in range(8)]
    episode, screen, model = play(*texts)
    assert episode.succeeded
    assert len(screen.done) == 8
    last = model.engine.prompts[-1]  # type: ignore[attr-defined]
    assert "Step 1:" not in last
    assert "Step 8:" in last


def test_a_goal_the_model_cannot_read_is_an_error() -> None:
    with pytest.raises(ContextLengthError):
        act(answers(size=SIZE).engine, DrawnScreen(), "word " * 9000)


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 0), ("steps", 2.5), ("failures", None), ("seconds", True), ("seconds", -1)],
)
def test_limits_are_checked(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"limit {name} is {value}, expected"):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_an_episode_can_be_looked_at() -> None:
    episode, _, _ = play(Type(text="<b>\x1b[2J"), CLICK, Drag(end=Point(9, 9)))
    text = str(episode)
    assert text.startswith("Do it.: success, 4 steps")
    assert "\x1b" not in text
    page = episode._repr_html_()
    assert "<b>" not in page.replace("<b>success</b>", "")
    assert "&lt;b&gt;" in page
    assert page.count("data:image/png;base64,") == 4
    assert [step["outcome"] for step in episode.to_json()["steps"]] == [
        "performed",
        "performed",
        "performed",
        "terminated",
    ]
    assert episode.draw(2).size == SIZE
    assert episode.draw(2).getpixel((560, 350)) != (255, 255, 255)
    with pytest.raises(InputError, match="no step 9, expected 1 to 4"):
        episode.draw(9)


def test_endings_follow_from_the_steps_alone() -> None:
    episode, _, _ = play(CLICK)
    assert ending(episode.steps[:1], Limits(), seconds=0) is None
    assert ending(episode.steps[:1], Limits(), seconds=601) == "time"
    assert ending(episode.steps, Limits(), seconds=0) == "success"


class OddScreen(DrawnScreen):
    """From the third look on a strip that no model can be shown."""

    def screenshot(self) -> Image.Image:
        return super().screenshot() if len(self.done) < 2 else Image.new("RGB", (5000, 10))


def test_what_was_done_before_an_error_is_kept() -> None:
    episode, screen, _ = play(CLICK, Type(text="a"), CLICK, screen=OddScreen())
    assert (episode.ending, episode.succeeded) == ("error", False)
    assert "aspect ratio 500" in episode.detail
    assert len(episode.steps) == len(screen.done) == 2


def test_a_screen_that_cannot_be_shown_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="aspect ratio"):
        play(CLICK, screen=DrawnScreen(size=(5000, 10)))
