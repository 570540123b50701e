"""Trajectories are taken apart without loss; thoughts come and go as told."""

import json
from dataclasses import replace

import numpy as np
import pytest

from qvl.data.encoding import content_id
from qvl.data.filters.step_reasoning import (
    annotator_question,
    fault_of,
    highlighted,
    judge_question,
    read_score,
    reasoning_steps,
)
from qvl.data.records import Provenance, Sample
from qvl.data.steps import Dropped, Kept
from qvl.data.trajectories import (
    TrajectoryStep,
    one_per_step,
    only_steps,
    some_without_thoughts,
    trajectory,
    whole_and_steps,
    without_after,
)
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize, Point
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams, Text
from qvl.tasks import agent
from qvl.tasks.actions import Click, Terminate, Type

GOAL = "Write to Ada."
ACTIONS = (Click(point=Point(40, 50)), Type(text="Ada"), Terminate(status="success"))


def screen(shade: int) -> Image:
    return Image(np.full((112, 140, 3), shade, np.uint8))


def told(seed: int = 1) -> Sample:
    steps = [
        TrajectoryStep(
            screen=screen(60 * number),
            action=action,
            thought=f"This is thought number {number}.",
            box=Box(20, 30, 60, 70) if number == 0 else None,
        )
        for number, action in enumerate(ACTIONS)
    ]
    return trajectory(
        GOAL, steps, tool="mobile_use", resized=ImageSize(112, 140),
        provenance=Provenance(generator="test", seed=(seed,)),
    )  # fmt: skip


def text(sample: Sample, turn: int) -> str:
    return "".join(
        p.text for p in sample.conversation.messages[turn].content if isinstance(p, Text)
    )


def shade(part: object) -> int:
    assert isinstance(part, Image)
    return int(np.asarray(part.source)[0, 0, 0])


def test_a_step_sees_its_screen_and_the_calls_before_it() -> None:
    steps = one_per_step(told())
    assert len(steps) == 3
    for number, (step, action) in enumerate(zip(steps, ACTIONS, strict=True)):
        (asked, answer, after) = step.conversation.messages
        history = step.facts["before"]
        assert text(step, 0) == agent.prompt(GOAL, history)
        assert len(history) == number
        assert agent.parse(text(step, 1)).actions == (action,)
        assert shade(asked.content[-1]) == 60 * number
        assert shade(after.content[0]) == 60 * min(number + 1, 2)
        assert answer.role == "assistant"
        assert step.conversation.tools == told().conversation.tools
        assert len(without_after(step).conversation.messages) == 2
    assert json.loads(steps[2].facts["before"][1])["arguments"] == {"action": "type", "text": "Ada"}


def test_nothing_is_lost_between_the_forms() -> None:
    whole, *steps = whole_and_steps(told())
    assert content_id(whole) == content_id(told())
    assert [content_id(s) for s in steps] == [content_id(s) for s in only_steps(told())]
    broken = replace(told(), facts={**told().facts, "steps": []})
    with pytest.raises(DataError, match="0 steps"):
        one_per_step(broken)


def test_thoughts_are_left_out_of_a_share_of_samples_and_calls_stay() -> None:
    shared = [some_without_thoughts(told(seed), share=0.5) for seed in range(200)]
    bare = [s for s in shared if not agent.parse(text(s, 1)).thought]
    assert 60 < len(bare) < 140
    for sample in bare[:3]:
        answers = [text(sample, turn) for turn in (1, 3, 5)]
        assert tuple(agent.parse(a).actions[0] for a in answers) == ACTIONS
        assert not any(agent.parse(a).thought for a in answers)


class Scripted:
    """Answers from a list, in order, and keeps what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[Conversation]()

    def generate(
        self, conversations: list[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        self.asked += conversations
        return [
            GenerationResult(
                text=self.answers.pop(0), token_ids=(), finish_reason="stop", prompt_tokens=0,
                completion_tokens=0,
            )
            for _ in conversations
        ]  # fmt: skip


GOOD = "The field for the name is empty, so I put the cursor into it first."
annotator = Scripted(GOOD, "I click the red box because it is marked.", "Thought: " + GOOD)
judge = Scripted("True and needed.\nScore: 9", "Score: 3")


def the_annotator() -> Scripted:
    return annotator


def the_judge() -> Scripted:
    return judge


def test_reasoning_is_written_checked_and_judged() -> None:
    write, score = reasoning_steps(the_annotator, the_judge, at_least=7)
    steps = one_per_step(told())
    outcomes = write.apply(steps)
    assert outcomes[1] == Dropped(reason="reasoning speaks of the mark")
    written = [sample for o in outcomes if isinstance(o, Kept) for sample in o.samples]
    assert [agent.parse(text(s, 1)).thought for s in written] == [GOOD, GOOD]
    assert [agent.parse(text(s, 1)).actions[0] for s in written] == [ACTIONS[0], ACTIONS[2]]
    assert all(s.provenance.transforms == ("reasoning",) for s in written)
    kept, dropped = score.apply(written)
    assert isinstance(kept, Kept)
    assert kept.samples[0].provenance.scores == {"reasoning quality": 9.0}
    assert dropped == Dropped(reason="below 7")
    # The annotator sees what came of it, the judge does not, and neither changes the screens.
    assert [len(pictures(c)) for c in annotator.asked] == [2, 2, 2]
    assert [len(pictures(c)) for c in judge.asked] == [1, 1]
    assert shade(kept.samples[0].conversation.messages[0].content[-1]) == 0
    assert GOOD in str(judge.asked[0].messages[0].content[0])


def pictures(conversation: Conversation) -> list[Image]:
    return [p for m in conversation.messages for p in m.content if isinstance(p, Image)]


def test_the_mark_is_around_the_element_and_at_the_place() -> None:
    step = one_per_step(told())[0]
    marked = np.asarray(highlighted(screen(0), step)).astype(int)
    red = (marked[..., 0] > 150) & (marked[..., 1] < 90)
    ys, xs = np.nonzero(red)
    assert xs.min() in range(14, 20)
    assert xs.max() in range(60, 66)
    assert ys.min() in range(24, 30)
    assert not red[50, 40]
    assert red[50 - 12, 40]
    for question in (annotator_question(step), judge_question(step)):
        assert GOAL in str(question.messages[0].content[0])
    with pytest.raises(DataError, match="one_per_step"):
        annotator_question(told())


@pytest.mark.parametrize(
    ("thought", "fault"),
    [
        (GOOD, ""),
        ("Click it.", "reasoning below 4 words"),
        ("so " * 81, "reasoning above 80 words"),
        ("I go to [120, 44] because it is there.", "reasoning speaks of the mark"),
        ("The second picture shows that it works.", "reasoning speaks of the mark"),
        ("I call <tool_call> with the name of it.", "reasoning holds a call"),
    ],
)
def test_rules_of_reasoning(thought: str, fault: str) -> None:
    assert fault_of(thought) == fault


@pytest.mark.parametrize(
    ("answer", "score"), [("Score: **8**", 8), ("score 7.5 of 10", 7.5), ("Score: 0", None)]
)
def test_scores_are_read_or_none(answer: str, score: float | None) -> None:
    assert read_score(answer) == score
