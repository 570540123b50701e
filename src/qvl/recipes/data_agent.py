"""Data runs about screens: what they show, where things are on them, tasks done on them.

Owns: recipes. Does not own: the generators and filters they are made of (``data``).

    arguments -> screens() | screen_grounding() | trajectories() -> (source, steps)
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from qvl.data.filters.rules import answers_between, boxes_at_least, places_inside
from qvl.data.filters.step_reasoning import AT_LEAST, reasoning_steps
from qvl.data.interchange.trajectories import (
    TrajectoryFile,
    clicks_on_elements,
    ends_as_done,
)
from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step, flat_map_step, map_step
from qvl.data.synth.agent.grounding import screen_grounding_sample
from qvl.data.synth.agent.perception import (
    screen_caption_sample,
    screen_question_sample,
    screen_text_sample,
)
from qvl.data.synth.agent.trajectories import trajectory_sample
from qvl.data.trajectories import (
    one_per_step,
    only_steps,
    some_without_thoughts,
    succeeded,
    whole_and_steps,
    without_after,
)
from qvl.errors import ConfigError
from qvl.recipes.asked_model import UNNAMED, Asked, asked_model

SCREENS = 100_000
TASKS = 20_000

_FORMS: dict[str, Callable[[Sample], Sequence[Sample]] | None] = {
    "both": whole_and_steps,
    "steps": only_steps,
    "whole": None,
}


def screens(
    *, mobile: float = 0.5, count: int = SCREENS, seed: int = 0
) -> tuple[Source, Sequence[Step]]:
    """Captions, questions and text of screens.

    Args:
        mobile: share of phones.
        count: of samples.
        seed: another seed gives other samples.
    """
    parts = {
        "caption": (0.35, partial(screen_caption_sample, mobile=mobile)),
        "questions": (0.4, partial(screen_question_sample, mobile=mobile)),
        "text": (0.25, partial(screen_text_sample, mobile=mobile)),
    }
    steps = [
        filter_step("inside", places_inside),
        filter_step("answer length", partial(answers_between, least=1, most=8000)),
    ]
    return DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed), steps


def screen_grounding(
    *, mobile: float = 0.5, count: int = SCREENS, seed: int = 0
) -> tuple[Source, Sequence[Step]]:
    """Boxes, points and clicks on elements of screens, and words for what is in a box.

    Args:
        mobile: share of phones.
        count: of samples.
        seed: another seed gives other samples.
    """
    parts = {"elements": (1.0, partial(screen_grounding_sample, mobile=mobile))}
    steps = [
        filter_step("inside", places_inside),
        filter_step("large enough", partial(boxes_at_least, side_px=10)),
        filter_step("answer length", partial(answers_between, least=1, most=400)),
    ]
    return DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed), steps


def trajectories(
    *,
    data: Path | None = None,
    licence: str = "",
    mobile: float = 0.5,
    form: str = "both",
    without_thoughts: float = 0.3,
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    generator: Asked | None = None,
    at_least: float = AT_LEAST,
    count: int = TASKS,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Tasks on screens: whole, and as one sample a step.

    Args:
        data: a file of found trajectories on phones; None acts tasks out on pages that work.
        licence: SPDX name of the terms of found ones.
        mobile: share of phones among those acted out.
        form: "whole", "steps" or "both"; only "steps" when a server is asked.
        without_thoughts: share of samples whose answers are calls only.
        endpoint: of a model that writes the reasoning of steps, and judges it; None keeps the
            thoughts that there are.
        model: by which the server knows it.
        key_file: holds the server's key.
        generator: a model in the process, instead of a server.
        at_least: lowest score of reasoning that is kept, 1 to 10.
        count: of tasks to act out, without data.
        seed: another seed gives other samples.

    Raises:
        ConfigError: there is no such form, or it does not go with a model.
        DataError: the found trajectories cannot be read.
    """
    if form not in _FORMS:
        raise ConfigError(f"form is {form!r}, expected one of {', '.join(_FORMS)}")
    asked = asked_model(generator, endpoint=endpoint, model=model, key_file=key_file)
    if asked is not None and form != "steps":
        raise ConfigError(f"form is {form!r}, expected 'steps': reasoning is written for steps")
    if data is None:
        parts = {"tasks": (1.0, partial(trajectory_sample, mobile=mobile))}
        source: Source = DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed)
        steps = [filter_step("succeeded", succeeded)]
    else:
        source = TrajectoryFile(data, licence=licence)
        steps = [
            filter_step("succeeded", ends_as_done),
            filter_step("on elements", clicks_on_elements),
        ]
    steps.append(filter_step("inside", places_inside))
    if asked is not None:
        steps.append(flat_map_step("steps", one_per_step))
        steps += reasoning_steps(asked, asked, at_least=at_least)
        steps.append(map_step("without after", without_after))
    else:
        apart = _FORMS[form]
        steps += [] if apart is None else [flat_map_step("steps", apart)]
    steps.append(map_step("thoughts", partial(some_without_thoughts, share=without_thoughts)))
    return source, steps
