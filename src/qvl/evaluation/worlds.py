"""Our own suite: drawn pictures that nobody trained on, each asked once more with the picture
blank.

Seeds, words and fonts are held out. The blank score is what the question alone gives away; only
the difference is sight. Owns the cases and their judges; takes any `TextGenerator`.

    task, seed -> Case -> conversation -> answer -> judge -> score in 0..1
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample, word_sample
from qvl.data.synth.words import Split
from qvl.errors import InputError
from qvl.evaluation.metrics import character_errors
from qvl.geometry import Box, Point, box_iou
from qvl.messages import Conversation, Image, Message, SamplingParams, TextGenerator
from qvl.tasks import agent, grounding
from qvl.tasks.actions import Action, Click

# Above every seed that training uses in its first number.
_SEED = 987_654_321
_BLANK = 235
_MAX_TOKENS = 160
_CAMERA = 0.5

Facts = Mapping[str, Any]
Judge = Callable[[str, Facts, str], float]
"""Answer, facts of the sample, expected answer -> score in 0..1."""


def _exact(answer: str, facts: Facts, expected: str) -> float:
    return float(answer.strip() == expected)


def _read(answer: str, facts: Facts, expected: str) -> float:
    return 1 - character_errors(answer.strip(), expected)


def _boxes(answer: str, facts: Facts, expected: str) -> float:
    """Share of the wanted boxes that an answer meets at IoU 0.5, each answer box used once."""
    wanted = [item.box for item in grounding.parse(expected).boxes]
    given = [item.box for item in grounding.parse(answer).boxes]
    if len(given) > 2 * len(wanted):  # covering the picture with boxes is not finding
        return 0.0
    hits = 0
    for box in wanted:
        best = max(given, key=partial(box_iou, box), default=None)
        if best is not None and box_iou(box, best) >= 0.5:
            hits += 1
            given.remove(best)
    return hits / len(wanted)


def _points(answer: str, facts: Facts, expected: str) -> float:
    """Share of the wanted objects that hold a point of the answer."""
    wanted = grounding.parse(expected).points
    boxes = [Box(*box) for name, box in facts["shapes"] if name == wanted[0].label]
    given = [item.point for item in grounding.parse(answer).points]
    if len(given) > 2 * len(wanted):
        return 0.0
    return sum(any(_holds(box, p.x, p.y) for p in given) for box in boxes) / len(boxes)


def _click(answer: str, facts: Facts, expected: str) -> float:
    """1 if the first call clicks inside the button that the expected answer clicks in the
    middle."""
    given, wanted = agent.parse(answer).actions, agent.parse(expected).actions
    point, middle = (_clicked(actions[0]) if actions else None for actions in (given, wanted))
    if point is None or middle is None:
        return 0.0
    boxes = [Box(*box) for _, box in facts["buttons"]]
    button = min(
        boxes, key=lambda b: math.dist(((b.x1 + b.x2) / 2, (b.y1 + b.y2) / 2), (middle.x, middle.y))
    )
    return float(_holds(button, point.x, point.y))


def _clicked(action: Action) -> Point | None:
    return action.point if isinstance(action, Click) else None


def _holds(box: Box, x: float, y: float) -> bool:
    return box.x1 <= x <= box.x2 and box.y1 <= y <= box.y2


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """One kind of case.

    Attributes:
        draw: generator of samples; takes ``split`` where words or fonts are drawn.
        judge: scores an answer.
        reads: whether words and fonts matter.
    """

    draw: Callable[..., Sample]
    judge: Judge
    reads: bool = False


def _shapes(form: str) -> World:
    judges: dict[str, Judge] = {"box": _boxes, "point": _points}
    least = 1 if form == "count" else 2
    draw = partial(
        shapes_sample,
        forms=(form,),
        least=least,
        most=6 if form == "count" else 5,
        strength=_CAMERA,
    )
    return World(draw=draw, judge=judges.get(form, _exact))


WORLDS: dict[str, World] = {
    "word": World(
        draw=partial(word_sample, plain=True, strength=_CAMERA), judge=_exact, reads=True
    ),
    "word_characters": World(
        draw=partial(word_sample, plain=True, strength=_CAMERA), judge=_read, reads=True
    ),
    "line": World(draw=partial(line_sample, strength=_CAMERA), judge=_read, reads=True),
    "colour": _shapes("colour"),
    "shape": _shapes("shape"),
    "box": _shapes("box"),
    "point": _shapes("point"),
    "count": _shapes("count"),
    "click": World(draw=partial(screen_sample, questions=1, clicks=1.0), judge=_click, reads=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Mean score of a world, and with the picture blank.

    Attributes:
        world: key of `WORLDS`.
        mean: 0 to 1; of words and lines the share of characters right for "line" and
            "word_characters".
        blank: the same with blank pictures.
        stderr: standard error of ``mean``.
        count: cases.
    """

    world: str
    mean: float
    blank: float
    stderr: float
    count: int


def evaluate_world(
    name: str,
    generator: TextGenerator,
    *,
    count: int,
    split: Split = "heldout",
    fonts: Split = "heldout",
    seed: int = 0,
) -> Score:
    """Returns the score of a model on one world.

    Args:
        name: key of `WORLDS`.
        generator: the model.
        count: cases; the standard error falls with its square root.
        split: of words.
        fonts: of typefaces; "train" gives held-out words in everyday fonts.
        seed: another draw of the cases.

    Raises:
        InputError: the name is unknown.
    """
    if name not in WORLDS:
        raise InputError(f"no world named {name!r}, expected one of {', '.join(WORLDS)}")
    world = WORLDS[name]
    samples = [draw_case(name, i, split=split, fonts=fonts, seed=seed) for i in range(count)]
    seen = _scores(world, samples, generator, blank=False)
    unseen = _scores(world, samples, generator, blank=True)
    return Score(
        world=name,
        mean=float(np.mean(seen)),
        blank=float(np.mean(unseen)),
        stderr=float(np.std(seen) / math.sqrt(count)),
        count=count,
    )


def draw_case(name: str, case: int, *, split: Split, fonts: Split, seed: int = 0) -> Sample:
    """Returns a case of a world, a function of the numbers alone; arguments as in
    `evaluate_world`."""
    world = WORLDS[name]
    numbers = (_SEED, seed, list(WORLDS).index(name), case)
    options: dict[str, Any] = {"split": split, "fonts": fonts} if world.reads else {}
    return world.draw(np.random.default_rng(numbers), seed=numbers, **options)


def _scores(
    world: World, samples: Sequence[Sample], generator: TextGenerator, *, blank: bool
) -> list[float]:
    prompts, expected = zip(
        *(first_question(sample, blank=blank) for sample in samples), strict=True
    )
    results = generator.generate(prompts, SamplingParams(max_tokens=_MAX_TOKENS))
    return [
        world.judge(result.text, sample.facts, answer)
        for result, sample, answer in zip(results, samples, expected, strict=True)
    ]


def first_question(sample: Sample, *, blank: bool = False) -> tuple[Conversation, str]:
    """Returns a sample's first question, with its picture or a blank one of its size, and the
    expected answer."""
    question, answer = sample.conversation.messages[:2]
    if blank:
        content = tuple(
            replace(part, source=np.full_like(part.source, _BLANK))
            if isinstance(part, Image)
            else part
            for part in question.content
        )
        question = Message(question.role, content)
    return Conversation((question,)), "".join(getattr(part, "text", "") for part in answer.content)
