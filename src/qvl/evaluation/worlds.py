"""Our own suite: drawn pictures and films that nobody trained on, each asked once more with nothing
to see in it.

Seeds, words and typefaces are held out, and half of the pictures are drawn by Chromium, which the
training of the embedded model never saw. The blank score is what the question alone gives away;
only the difference is sight. Owns the list of worlds and their cases; takes any `TextGenerator`.
Does not own: judging (``suite.judges``), new drawings (``suite``).

    task, seed -> Case -> conversation -> answer -> judge -> score in 0..1
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample, word_sample
from qvl.data.synth.words import Split
from qvl.errors import InputError
from qvl.evaluation.suite import browser, browser_documents, judges
from qvl.evaluation.suite.films import moment_sample
from qvl.evaluation.suite.judges import Judge
from qvl.messages import Conversation, Image, Message, Part, SamplingParams, TextGenerator, Video

# Above every seed that training uses in its first number.
_SEED = 987_654_321
_BLANK = 235
_MAX_TOKENS = 160
_CAMERA = 0.5
_CASES_KEPT = 256
"""A run goes through the cases of a world three times: for its manifest, asking and scoring. Those
of small pictures need about a hundred megabytes."""


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
    by_form: dict[str, Judge] = {"box": judges.boxes, "point": judges.points}
    least = 1 if form == "count" else 2
    draw = partial(
        shapes_sample,
        forms=(form,),
        least=least,
        most=6 if form == "count" else 5,
        strength=_CAMERA,
    )
    return World(draw=draw, judge=by_form.get(form, judges.exact))


# A world's place is part of its cases' seeds: new ones go to the end.
WORLDS: dict[str, World] = {
    "word": World(
        draw=partial(word_sample, plain=True, strength=_CAMERA), judge=judges.exact, reads=True
    ),
    "word_characters": World(
        draw=partial(word_sample, plain=True, strength=_CAMERA),
        judge=judges.characters,
        reads=True,
    ),
    "line": World(draw=partial(line_sample, strength=_CAMERA), judge=judges.characters, reads=True),
    "colour": _shapes("colour"),
    "shape": _shapes("shape"),
    "box": _shapes("box"),
    "point": _shapes("point"),
    "count": _shapes("count"),
    "click": World(
        draw=partial(screen_sample, questions=1, clicks=1.0), judge=judges.click, reads=True
    ),
    "moment": World(draw=moment_sample, judge=judges.moment),
    "browser_word": World(draw=browser.word, judge=judges.exact, reads=True),
    "browser_characters": World(draw=browser.word, judge=judges.characters, reads=True),
    "browser_paragraph": World(draw=browser.paragraph, judge=judges.running_text, reads=True),
    "browser_box": World(draw=partial(browser.shapes, form="box"), judge=judges.boxes),
    "browser_point": World(draw=partial(browser.shapes, form="point"), judge=judges.points),
    "browser_count": World(draw=partial(browser.shapes, form="count"), judge=judges.exact),
    "browser_click": World(draw=browser.buttons, judge=judges.click, reads=True),
    "browser_page": World(draw=browser_documents.short_page, judge=judges.page, reads=True),
    "browser_table": World(draw=browser_documents.table, judge=judges.table, reads=True),
    "browser_bar_value": World(
        draw=partial(browser_documents.bars, form="value"), judge=judges.value, reads=True
    ),
    "browser_bar_extreme": World(
        draw=partial(browser_documents.bars, form="extreme"), judge=judges.name, reads=True
    ),
    "spot": World(
        draw=partial(line_sample, spotting=True, strength=_CAMERA),
        judge=judges.spotted,
        reads=True,
    ),
    "spot_boxes": World(
        draw=partial(line_sample, spotting=True, strength=_CAMERA), judge=judges.boxes, reads=True
    ),
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


@lru_cache(maxsize=_CASES_KEPT)
def draw_case(name: str, case: int, *, split: Split, fonts: Split, seed: int = 0) -> Sample:
    """Returns a case of a world, a function of the numbers alone; arguments as in
    `evaluate_world`.

    Raises:
        MissingDependencyError: typefaces, or what draws them, are not installed.
    """
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
    """Returns a sample's first question, with its picture or film or a blank one of its size, and
    the expected answer."""
    question, answer = sample.conversation.messages[:2]
    if blank:
        question = Message(question.role, tuple(map(_blank, question.content)))
    return Conversation((question,)), "".join(getattr(part, "text", "") for part in answer.content)


def _blank(part: Part) -> Part:
    if isinstance(part, Image):
        return replace(part, source=np.full_like(part.source, _BLANK))
    if isinstance(part, Video) and isinstance(part.source, list):
        return replace(part, source=[np.full_like(frame, _BLANK) for frame in part.source])
    return part
