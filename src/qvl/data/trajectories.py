"""Tasks done on screens, step by step: how they are kept as samples, and taken apart.

Owns: the layout of a trajectory, the samples of its steps, what the official prompts look like in
them. Does not own: where trajectories come from (``synth.agent``, ``interchange.trajectories``),
better thoughts (``filters.step_reasoning``).

    goal, steps -> trajectory() -> Sample: a screen and an answer for every step
        -> one_per_step() -> Samples: goal, calls so far, a screen -> thought, call -> next screen

A trajectory is a conversation with one screen a turn; a sample of a step has one screen only and
tells earlier calls as text, as the agents of the published models do.
Source: QwenLM/Qwen2.5-VL at commit d2240f1, cookbooks/mobile_agent.ipynb, computer_use.ipynb.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import agent, agent_tools
from qvl.tasks.action_calls import write_action
from qvl.tasks.actions import Action
from qvl.tasks.tool_calls import call_json

TASK, STEP_TASK = "trajectory", "trajectory_step"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrajectoryStep:
    """One action.

    Attributes:
        screen: when the action was chosen.
        action: in resized_px.
        thought: the intention in words; may be empty.
        on: name of the element it acts on; empty for none.
        box: of the element in resized_px, or None.
    """

    screen: Image
    action: Action
    thought: str = ""
    on: str = ""
    box: Box | None = None


def trajectory(
    goal: str,
    steps: Sequence[TrajectoryStep],
    *,
    tool: agent_tools.ToolName,
    resized: ImageSize,
    provenance: Provenance,
    failure: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Sample:
    """Returns a trajectory as a sample.

    Args:
        goal: in the user's words.
        steps: at least one.
        tool: that is called.
        resized: size of the screens in resized_px, which the tool's description states.
        provenance: of the sample.
        failure: why the trajectory does not count, or empty.
        facts: more that is recorded.

    Raises:
        DataError: there are no steps.
        InputError: the goal is empty, or the tool has no such action.
    """
    if not steps:
        raise DataError("a trajectory without steps")
    messages = []
    for number, step in enumerate(steps):
        said = (Text(agent.prompt(goal)),) if number == 0 else ()
        answer = agent.format(step.action, tool=tool, thought=step.thought)
        messages += [Message("user", (*said, step.screen)), Message("assistant", (Text(answer),))]
    return Sample(
        task=TASK,
        conversation=Conversation(tuple(messages), (agent_tools.tool(tool, resized),)),
        provenance=provenance,
        facts={
            **(facts or {}),
            "goal": goal,
            "tool": tool,
            "failure": failure,
            "steps": [_fact(step, tool) for step in steps],
        },
    )


def succeeded(sample: Sample) -> str | None:
    """Drops a trajectory whose end is not the one wanted; the reason is what the page said."""
    return sample.facts["failure"] or None


def one_per_step(sample: Sample) -> Sequence[Sample]:
    """Takes a trajectory apart.

    Returns:
        For every action: the goal, the calls before it and the screen; then the answer; then, as a
        last turn of the user, the screen that came of it, for
        `filters.step_reasoning`. `without_after` takes that away.

    Raises:
        DataError: the sample is no trajectory.
    """
    screens = [turn.content[-1] for turn in sample.conversation.messages if turn.role == "user"]
    answers = [turn for turn in sample.conversation.messages if turn.role == "assistant"]
    facts = sample.facts
    steps = facts.get("steps", ())
    if not len(screens) == len(answers) == len(steps):
        raise DataError(
            f"{len(screens)} screens, {len(answers)} answers, {len(steps)} steps: no trajectory"
        )
    calls = [json.dumps(step["call"], ensure_ascii=False) for step in steps]
    made = []
    for number, (screen, answer, step) in enumerate(zip(screens, answers, steps, strict=True)):
        words = Text(agent.prompt(facts["goal"], calls[:number]))
        after = screens[min(number + 1, len(screens) - 1)]
        turns = (Message("user", (words, screen)), answer, Message("user", (after,)))
        own = {key: value for key, value in facts.items() if key not in ("steps", "failure")}
        made.append(
            replace(
                sample,
                task=STEP_TASK,
                conversation=Conversation(turns, sample.conversation.tools),
                facts={
                    **own,
                    **step,
                    "step": number + 1,
                    "num_steps": len(steps),
                    "before": calls[:number],
                },
            )
        )
    return made


def whole_and_steps(sample: Sample) -> Sequence[Sample]:
    """Keeps the trajectory, and adds the samples of its steps without the screens after."""
    return [sample, *(without_after(step) for step in one_per_step(sample))]


def only_steps(sample: Sample) -> Sequence[Sample]:
    """Returns the samples of the steps without the screens after."""
    return [without_after(step) for step in one_per_step(sample)]


def without_after(sample: Sample) -> Sample:
    """Ends the conversation of a step with its answer."""
    turns = sample.conversation.messages
    return replace(sample, conversation=replace(sample.conversation, messages=turns[:2]))


def some_without_thoughts(sample: Sample, *, share: float) -> Sample:
    """Leaves the thoughts out of some samples, so that a model learns both.

    Args:
        sample: a trajectory or a step; all its answers or none keep their thoughts.
        share: of samples without thoughts, told by their numbers.
    """
    numbers = (*sample.provenance.seed, int(sample.facts.get("step", 0)), 77)
    if np.random.default_rng(numbers).random() >= share:
        return sample
    turns = tuple(
        Message("assistant", (Text(_without_thought(turn)),)) if turn.role == "assistant" else turn
        for turn in sample.conversation.messages
    )
    return replace(sample, conversation=replace(sample.conversation, messages=turns))


def _without_thought(turn: Message) -> str:
    text = "".join(part.text for part in turn.content if isinstance(part, Text))
    thought = agent.parse(text).thought
    return text.removeprefix(thought).lstrip("\n")


def _fact(step: TrajectoryStep, tool: agent_tools.ToolName) -> dict[str, Any]:
    return {
        "thought": step.thought,
        "call": json.loads(call_json(write_action(step.action, tool))),
        "on": step.on,
        "box": None if step.box is None else list(step.box),
    }
