"""Data runs of text, maths, knowledge, visual questions, and of fine-tuning data.

Owns: which generators and filters come together. Does not own: generators and filters (``data``).

    generators -> mixture -> rules -> shards;   shards -> tags, rules -> halves of text and pictures
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qvl.data.filters.licences import licence_allowed
from qvl.data.filters.rules import answers_between
from qvl.data.interchange.opening import open_data
from qvl.data.mixture import Mixture
from qvl.data.sft.mixing import MixedSource
from qvl.data.sft.pipeline import rule_steps, sft_steps
from qvl.data.sft.rewards import CRITERIA
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.knowledge.samples import flag_sample, thing_sample
from qvl.data.synth.maths.figures import figure_sample
from qvl.data.synth.maths.samples import maths_sample
from qvl.data.synth.text_tasks.code import code_sample
from qvl.data.synth.text_tasks.corpus import CorpusSource
from qvl.data.synth.text_tasks.dialogs import dialog_sample
from qvl.data.synth.text_tasks.instructions import instruction_sample
from qvl.data.synth.text_tasks.logic import logic_sample
from qvl.data.synth.text_tasks.notes import note_sample
from qvl.data.synth.vqa.comparing import comparison_sample
from qvl.data.synth.vqa.samples import vqa_sample
from qvl.errors import ConfigError
from qvl.recipes.asked_model import UNNAMED, Asked, asked_model

SAMPLES = 100_000
"""As many as a recipe draws unless it is told another number; a hundred shards."""

_LONGEST_ANSWER = 8000

TEXT = Mixture(
    parts={
        "maths": (0.3, maths_sample),
        "code": (0.2, code_sample),
        "instructions": (0.15, instruction_sample),
        "notes": (0.15, note_sample),
        "dialogs": (0.1, dialog_sample),
        "logic": (0.1, logic_sample),
    }
)
VISUAL = Mixture(
    parts={
        "vqa": (0.4, vqa_sample),
        "comparison": (0.2, comparison_sample),
        "figures": (0.2, figure_sample),
        "flags": (0.1, flag_sample),
        "things": (0.1, thing_sample),
    }
)


def _checked() -> list[Step]:
    length = partial(answers_between, least=1, most=_LONGEST_ANSWER)
    return [filter_step("answer length", length), *rule_steps()]


def text(
    *, data: Path | None = None, licence: str = "", count: int = SAMPLES, seed: int = 0
) -> tuple[Source, Sequence[Step]]:
    """Tasks of text alone; with a folder of texts, pieces of them to be continued instead.

    Args:
        data: a folder of texts in UTF-8.
        licence: SPDX name of their terms.
        count: of samples to draw, without data.
        seed: another seed draws others.
    """
    if data is not None:
        return CorpusSource(folder=data, licence=licence), _checked()
    return DrawnSource(mixture=TEXT, count=count, seed=seed), _checked()


def maths(*, count: int = SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Exercises in text and in drawn figures, with their solutions.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"text": (0.6, maths_sample), "figures": (0.4, figure_sample)})
    return DrawnSource(mixture=mixture, count=count, seed=seed), _checked()


def knowledge(*, count: int = SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Flags and things with captions that know more than is seen; no unclear terms.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"flags": (0.6, flag_sample), "things": (0.4, thing_sample)})
    return DrawnSource(mixture=mixture, count=count, seed=seed), [
        filter_step("licence", licence_allowed),
        *_checked(),
    ]


def vqa(*, count: int = SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Questions about scenes and about several pictures.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"scenes": (0.65, vqa_sample), "several": (0.35, comparison_sample)})
    return DrawnSource(mixture=mixture, count=count, seed=seed), _checked()


def sft(
    *,
    data: Path | None = None,
    root: Path | None = None,
    licence: str = "",
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    generator: Asked | None = None,
    criteria: tuple[str, ...] = tuple(CRITERIA),
    count: int = SAMPLES,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Fine-tuning data, drawn or yours, through tags, rules and ratings.

    Args:
        data: shards, annotations or parquet instead of drawn samples.
        root: folder of its pictures and videos; None for that of the data.
        licence: SPDX name of the terms of that data.
        endpoint: of the model that tags and rates; without one a small classifier tags, and rules
            alone decide.
        model: by which the server knows it.
        key_file: holds the server's key.
        generator: a model in the process, instead of a server.
        criteria: that it rates by, such as "answer correctness,answer clarity".
        count: of samples to draw, without data.
        seed: another seed draws others.
    """
    asked = asked_model(generator, endpoint=endpoint, model=model, key_file=key_file)
    if asked is None and criteria != tuple(CRITERIA):
        raise ConfigError(
            "criteria without a model that rates by them",
            hint="add --model NAME or --set endpoint=http://...",
        )
    steps = sft_steps(asked, criteria=criteria)
    if data is not None:
        return open_data(data, root=root, licence=licence), steps
    half = -(-count // 2)
    sources = (
        DrawnSource(mixture=TEXT, count=half, seed=2 * seed + 1),
        DrawnSource(mixture=VISUAL, count=half, seed=2 * seed + 2),
    )
    return MixedSource(sources=sources, shares=(1, 1)), steps
