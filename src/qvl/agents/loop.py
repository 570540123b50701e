"""The loop: look, ask the model, do what it asks, until it is done or a limit is reached.

Owns: the order of a turn, the history the model is told, asking a person. Does not own: screens
(``executor``), when it is over (``episode``), files (``recorder``).

    screenshot -> Conversation -> model -> answer -> action -> confirm? -> perform -> Step

Source of the turn: QwenLM/Qwen2.5-VL cookbooks/mobile_agent.ipynb: the system turn holds the
function, one user turn the goal, the calls so far as text, and the screenshot of now.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Literal, NamedTuple

import PIL.Image

from qvl.agents.episode import Ending, Episode, Limits, Outcome, Step, Watcher, ending
from qvl.agents.executor import ActionError, Executor, ScreenError
from qvl.answers.answering import AnsweringModel
from qvl.errors import ContextLengthError, QvlError
from qvl.geometry import ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.processing.image import measure_image
from qvl.processing.processor import ModelInputs
from qvl.sampling_params import SamplingParams
from qvl.tasks import agent, agent_tools
from qvl.tasks.actions import HARMLESS, Action, Terminate
from qvl.tasks.tool_calls import call_json

HISTORY_CHARS = (12_000, 6_000, 3_000, 1_500, 750, 0)
"""Longest history, and what is tried next where the model reads less. Of a longer history the
newest steps are told, under their own numbers."""
NOTE_CHARS = 300
"""Longest remark on a step in the history."""

Verdict = Literal["perform", "decline", "stop"]


class Proposal(NamedTuple):
    """An action that waits for a yes."""

    action: Action
    """In original_px."""
    where: str
    thought: str


Confirm = Callable[[Proposal], Verdict]
"""Asked before every action that is not `HARMLESS`: looking around needs no yes."""


def act(
    model: AnsweringModel,
    executor: Executor,
    goal: str,
    *,
    limits: Limits | None = None,
    confirm: Confirm | None = None,
    watchers: Sequence[Watcher] = (),
    params: SamplingParams | None = None,
    max_pixels: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Episode:
    """Lets a model operate a screen until it says it is done, or a limit is reached.

    Args:
        model: what decides; `VisionLanguageModel.engine` is one.
        executor: an open screen.
        goal: what is to be done.
        limits: when it is over at the latest.
        confirm: asked before an action; without it nobody is asked, and what can happen is
            bounded by the screen alone, such as the sites a browser is allowed.
        watchers: told of every step, such as a `Recorder`.
        params: how answers are drawn.
        max_pixels: most pixels of a screenshot that the model sees; 784 are one token.
        is_over: asked after each step whether the screen itself has ended the task, as those of
            benchmarks do.

    Raises:
        InputError: the goal is empty, or the first screenshot cannot be shown to the model.
        ContextLengthError: the first screenshot is more than the model reads.
    """
    limits = Limits() if limits is None else limits
    agent.prompt(goal)  # an empty goal is refused before anything happens
    turn = _Turn(model, executor, goal, confirm, params or SamplingParams(), max_pixels)
    for watcher in watchers:
        watcher.began(goal, executor.tool, limits)
    began = time.monotonic()
    steps: list[Step] = []
    over: Ending | None = None
    detail = ""
    while over is None:
        try:
            steps.append(turn.take(steps, deadline=began + limits.seconds))
            for watcher in watchers:
                watcher.stepped(steps[-1])
            over = "over" if is_over() else None
        except ScreenError as error:
            over, detail = "lost", str(error)
            break
        except QvlError as error:
            if not steps:
                raise
            over, detail = "error", str(error)  # what was done so far is not lost
            break
        over = over or ending(steps, limits, seconds=time.monotonic() - began)
    episode = Episode(
        goal=goal,
        tool=executor.tool,
        steps=tuple(steps),
        ending=over,
        detail=detail or (steps[-1].detail if steps else ""),
        seconds=time.monotonic() - began,
    )
    for watcher in watchers:
        # A watcher that has failed may fail again; the episode says so already.
        with contextlib.suppress(QvlError) if over == "error" else contextlib.nullcontext():
            watcher.ended(episode)
    return episode


class _Turn:
    """What stays the same from turn to turn."""

    def __init__(
        self,
        model: AnsweringModel,
        executor: Executor,
        goal: str,
        confirm: Confirm | None,
        params: SamplingParams,
        max_pixels: int | None,
    ) -> None:
        self._model, self._executor, self._goal = model, executor, goal
        self._confirm, self._params, self._max_pixels = confirm, params, max_pixels

    def take(self, steps: Sequence[Step], *, deadline: float) -> Step:
        """One turn.

        Raises:
            ScreenError: there is nothing to see.
        """
        started, began = datetime.now(UTC), time.monotonic()
        picture = self._executor.screenshot()
        where = self._executor.where()
        screenshot = _png(picture)
        prompt, inputs = self._inputs(steps, picture, screenshot)
        transform = inputs.media[0].transform
        text, in_time = self._answer(inputs, deadline)
        answer = agent.parse(text, transform=transform)
        request = answer.requests[0] if answer.requests else None
        outcome: Outcome = "late"
        detail = ""
        if in_time:
            outcome, detail = self._do(answer, where)
        return Step(
            number=len(steps) + 1,
            where=where,
            screenshot=screenshot,
            screen=ImageSize(picture.height, picture.width),
            resized=transform.resized,
            prompt=prompt,
            answer=text,
            thought=answer.thought,
            call=None if request is None else request.call,
            action=None if request is None else request.action,
            outcome=outcome,
            detail=detail,
            events=() if outcome == "lost" else self._executor.events(),
            started=started.isoformat(timespec="milliseconds"),
            seconds=time.monotonic() - began,
        )

    def _inputs(
        self, steps: Sequence[Step], picture: PIL.Image.Image, screenshot: bytes
    ) -> tuple[str, ModelInputs]:
        """The words of a turn with as much history as the model reads, and all it will see."""
        image = Image(picture, max_pixels=self._max_pixels)
        seen = measure_image(image, self._model.processor.settings.limits).resized
        tool = agent_tools.tool(self._executor.tool, seen)
        shots = [*(step.screenshot for step in steps), screenshot]
        told = [_told(step, after) for step, after in zip(steps, shots[1:], strict=True)]
        for room in HISTORY_CHARS:
            first = _first_told(told, room)
            prompt = agent.prompt(self._goal, told[first:], first_step=first + 1)
            turn = Message("user", (Text(prompt), image))
            try:
                return prompt, self._model.prepare(Conversation((turn,), (tool,)))
            except ContextLengthError:
                if first == len(told):
                    raise
        raise AssertionError("without any history the prompt is refused or accepted")

    def _answer(self, inputs: ModelInputs, deadline: float) -> tuple[str, bool]:
        """The answer, and whether it was there in time."""
        pieces = []
        for event in self._model.stream(inputs, self._params):
            pieces.append(event.text)
            if event.result is None and time.monotonic() > deadline:
                return "".join(pieces), False
        return "".join(pieces), True

    def _do(self, answer: agent.AgentAnswer, where: str) -> tuple[Outcome, str]:
        """Does the first thing an answer asks; the others were decided without seeing its effect.

        Returns what came of it, and why it came to nothing.
        """
        if not answer.requests or answer.requests[0].action is None:
            return "unusable", "; ".join(answer.problems) or _no_call(answer)
        action = answer.requests[0].action
        if isinstance(action, Terminate):
            return "terminated", ""
        if self._confirm is not None and not isinstance(action, HARMLESS):
            proposal = Proposal(action, where, answer.thought)
            verdict = self._confirm(proposal)
            if verdict != "perform":
                return ("stopped", "") if verdict == "stop" else ("declined", "the user said no")
        try:
            self._executor.perform(action)
        except ActionError as error:
            return "failed", str(error)
        except ScreenError as error:
            return "lost", str(error)
        return "performed", ""


def _first_told(told: Sequence[str], room: int) -> int:
    """Index of the first of the newest steps that fit.

    >>> _first_told(["aaaa", "bb", "c"], 3)
    1
    """
    first = len(told)
    while first > 0 and len(told[first - 1]) <= room:
        first -= 1
        room -= len(told[first])
    return first


def _no_call(answer: agent.AgentAnswer) -> str:
    cut = ", the answer was cut off" if answer.truncated else ""
    return f"no function was called{cut}"


def _told(step: Step, next_screenshot: bytes) -> str:
    """A step as the model is told of it: its call, and what it could not know when it made it."""
    said = "no function was called" if step.call is None else call_json(step.call)
    remarks = []
    if step.outcome != "performed":
        remarks.append(f"{step.outcome}: {step.detail}" if step.call else step.outcome)
    elif next_screenshot == step.screenshot:
        remarks.append("the screen did not change")
    remarks += step.events
    told = "; ".join(" ".join(remark.split()) for remark in remarks)
    return f"{said} ({told[:NOTE_CHARS]})" if told else said


def _png(picture: PIL.Image.Image) -> bytes:
    data = BytesIO()
    # Screens are large and mostly flat: the fastest compression is small enough.
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()
