"""Why a step was done, in the words of an annotator who sees what came of it; weak reasons go.

Owns: the highlighted pictures, what annotator and judge are asked, reading their answers. Does not
own: the models (any `TextGenerator`), trajectories (``trajectories``).

    step with the screen after -> element marked -> annotator -> thought -> rules -> judge -> kept
        or dropped with a reason

The annotator knows the true action and its result, so its words explain instead of guess; the
mark is never in the picture that a model learns from. Source: Qwen2.5-VL report, section 2.2.1,
agent data: screens before and after with the operation highlighted, reasoning written for each
step, low-quality reasoning removed by a model.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from PIL import Image as PILImage
from PIL import ImageDraw

from qvl.data.records import Sample
from qvl.data.steps import (
    Dropped,
    Failed,
    Kept,
    Outcome,
    Question,
    Step,
    answers_of,
    batch_step,
    score_step,
)
from qvl.errors import DataError, QvlError
from qvl.geometry import Point
from qvl.messages import Conversation, Image, Message, SamplingParams, Text, TextGenerator, ToolCall
from qvl.processing.image import prepare_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.tasks import agent
from qvl.tasks.action_calls import UnusableCall, read_action
from qvl.tasks.actions import Action, describe, places

AT_LEAST = 7.0
"""Of 10: the least that a judge must give. Ours; the report names no threshold."""
MOST_WORDS = 80
LEAST_WORDS = 4

_ANNOTATE = """A user wants this done on a {device}: {goal}
Steps so far:
{before}
The first picture is the screen now, the second one the screen after the next step. \
The next step is: {action}. Where it acts is marked in red in the first picture.
Write what one thinks just before this step: what the screen shows that matters for the goal, \
and why this step comes next. Use one to three sentences in the first person and the present \
tense. Do not speak of marks, of coordinates or of the second picture, which cannot be known \
yet. Answer with these sentences only."""
_JUDGE = """A user wants this done on a {device}: {goal}
Steps so far:
{before}
The picture shows the screen now; where the next step acts is marked in red. \
The next step is: {action}. The reason given for it is: {thought}
Judge the reason. Is what it says of the screen true? Does it follow from the goal and the steps \
so far? Does it lead to this step and to no other? Does it know nothing that cannot be known yet? \
Answer with one line: Score: N, where N is from 1 (useless or wrong) to 10 (could not be better)."""

_LEAKS = re.compile(
    r"\b(red (?:box|mark|rectangle|circle|outline)|marked|highlighted"
    r"|(?:first|second) (?:picture|image|screenshot)"
    r"|ground truth|coordinates?|after the step)\b|\(\s*\d+\s*,\s*\d+\s*\)|\[\s*\d+\s*,\s*\d+",
    re.IGNORECASE,
)
_SCORE = re.compile(r"score\s*[:=]?\s*\**\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_RED = (230, 30, 30)


def reasoning_steps(
    annotator: Callable[[], TextGenerator],
    judge: Callable[[], TextGenerator],
    *,
    at_least: float = AT_LEAST,
    batch_size: int = 16,
) -> list[Step]:
    """Returns the steps that write, check and judge the reasoning of single steps.

    They take what `data.trajectories.one_per_step` returns; take the screens after away later.

    Args:
        annotator: returns who writes the reasoning; called once in each process.
        judge: returns who judges it.
        at_least: least score, 1 to 10.
        batch_size: samples in one call of either.
    """
    question = Question(
        ask=judge_question,
        read=read_score,
        at_least=at_least,
        params=SamplingParams(max_tokens=64, temperature=0.0),
    )
    return [
        batch_step("reasoning", partial(annotate, generator=annotator), batch_size=batch_size),
        score_step("reasoning quality", judge, question, batch_size=batch_size),
    ]


def annotate(
    samples: Sequence[Sample], *, generator: Callable[[], TextGenerator]
) -> Sequence[Outcome]:
    """Asks for the reasoning of steps and puts it in the place of the thoughts they had.

    Args:
        samples: single steps with the screens after.
        generator: returns the annotator.

    Returns:
        Changed samples; those whose reasoning breaks a rule are dropped with it as the reason.
    """
    asked = [annotator_question(sample) for sample in samples]
    answers = answers_of(generator, asked, SamplingParams(max_tokens=256, temperature=0.7))
    outcomes: list[Outcome] = []
    for sample, answer in zip(samples, answers, strict=True):
        if isinstance(answer, QvlError):
            outcomes.append(Failed(message=answer.message))
            continue
        thought = read_thought(answer.text)
        fault = fault_of(thought, is_cut=answer.finish_reason == "length")
        outcomes.append(
            Dropped(reason=fault) if fault else Kept(samples=(with_thought(sample, thought),))
        )
    return outcomes


def annotator_question(sample: Sample) -> Conversation:
    """What an annotator is asked: the goal, the steps so far, the marked screen, the screen after.

    Raises:
        DataError: the sample is no step with the screen after.
    """
    before, after = _screens(sample)
    words = _ANNOTATE.format(**_told(sample))
    return Conversation.user(Text(words), Image(highlighted(before, sample)), after)


def judge_question(sample: Sample) -> Conversation:
    """What a judge is asked: as the annotator, with the reason, without the screen after.

    Raises:
        DataError: the sample is no step with the screen after.
    """
    before, _ = _screens(sample)
    words = _JUDGE.format(**_told(sample), thought=sample.facts["thought"])
    return Conversation.user(Text(words), Image(highlighted(before, sample)))


def read_thought(answer: str) -> str:
    """Returns the sentences of an answer, without a title, quotes or line breaks.

    >>> read_thought('Thought: "I open the menu.\\n It has the entry."')
    'I open the menu. It has the entry.'
    """
    text = " ".join(answer.split())
    text = re.sub(
        r"^\**(thought|reasoning|intention|answer)\**\s*:\**\s*", "", text, flags=re.IGNORECASE
    )
    if len(text) > 1 and text[0] in '"“' and text[-1] in '"”':
        text = text[1:-1].strip()
    return text


def read_score(answer: str) -> float | None:
    """Returns the score of an answer, or None when it states none from 1 to 10.

    >>> read_score("It is true.\\nScore: 8/10"), read_score("Score: 80"), read_score("fine")
    (8.0, None, None)
    """
    found = _SCORE.findall(answer)
    score = float(found[-1]) if found else None
    return score if score is not None and 1 <= score <= 10 else None


def fault_of(thought: str, *, is_cut: bool = False) -> str:
    """Returns which rule a thought breaks, or nothing.

    >>> fault_of("I click the red box at (3, 4) because it is marked.")
    'reasoning speaks of the mark'
    """
    words = thought.split()
    if is_cut:
        return "reasoning is cut off"
    if len(words) < LEAST_WORDS:
        return f"reasoning below {LEAST_WORDS} words"
    if len(words) > MOST_WORDS:
        return f"reasoning above {MOST_WORDS} words"
    if "<tool_call>" in thought or "```" in thought:
        return "reasoning holds a call"
    if _LEAKS.search(thought):
        return "reasoning speaks of the mark"
    return ""


def with_thought(sample: Sample, thought: str) -> Sample:
    """Returns the sample with another thought before its call."""
    turns = list(sample.conversation.messages)
    action, tool = _action(sample), sample.facts["tool"]
    turns[1] = Message("assistant", (Text(agent.format(action, tool=tool, thought=thought)),))
    conversation = replace(sample.conversation, messages=tuple(turns))
    return replace(sample, conversation=conversation, facts={**sample.facts, "thought": thought})


def highlighted(screen: Image, sample: Sample) -> PILImage.Image:
    """Returns the screen as models see it, with the element of the step outlined in red."""
    marked = PILImage.fromarray(prepare_image(screen, DEFAULT_LIMITS).pixels)
    pen = ImageDraw.Draw(marked)
    wide = max(3, round(min(marked.size) / 160))
    if sample.facts.get("box"):
        x1, y1, x2, y2 = sample.facts["box"]
        pen.rectangle((x1 - wide, y1 - wide, x2 + wide, y2 + wide), outline=_RED, width=wide)
    found = places(_action(sample))
    for place in found.values():
        _ring(pen, place, 4 * wide, wide)
    if len(found) == 2:
        pen.line([tuple(place) for place in found.values()], fill=_RED, width=wide)
    return marked


def _ring(pen: ImageDraw.ImageDraw, place: Point, radius: int, wide: int) -> None:
    box = (place.x - radius, place.y - radius, place.x + radius, place.y + radius)
    pen.ellipse(box, outline=_RED, width=wide)


def _screens(sample: Sample) -> tuple[Image, Image]:
    turns = sample.conversation.messages
    pictures = [
        part
        for turn in turns
        if turn.role == "user"
        for part in turn.content
        if isinstance(part, Image)
    ]
    if len(turns) != 3 or len(pictures) != 2:
        raise DataError(
            f"{len(turns)} turns with {len(pictures)} screens, expected a step with the screen "
            "after",
            hint="take trajectories apart by one_per_step first",
        )
    return pictures[0], pictures[1]


def _told(sample: Sample) -> dict[str, Any]:
    facts = sample.facts
    steps = [f"{number}. {call}" for number, call in enumerate(facts["before"], 1)]
    where = f", on the element “{facts['on']}”" if facts.get("on") else ""
    return {
        "device": "phone" if facts["tool"] == "mobile_use" else "computer",
        "goal": facts["goal"],
        "before": "\n".join(steps) or "none",
        "action": describe(_action(sample)) + where,
    }


def _action(sample: Sample) -> Action:
    call = sample.facts["call"]
    try:
        return read_action(ToolCall(call["name"], call["arguments"]))
    except UnusableCall as error:
        raise DataError(
            f"the call of step {sample.facts.get('step')} cannot be used: {error}"
        ) from error
