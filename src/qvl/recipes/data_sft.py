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
    folder: str = "", licence: str = "", samples: int = SAMPLES
) -> tuple[Source, Sequence[Step]]:
    """Tasks of text alone; with a folder of texts, pieces of them to be continued instead.

    Args:
        folder: of texts in UTF-8.
        licence: SPDX name of their terms.
        samples: to draw, without a folder.
    """
    if folder:
        return CorpusSource(folder=Path(folder), licence=licence), _checked()
    return DrawnSource(mixture=TEXT, count=samples), _checked()


def maths(samples: int = SAMPLES) -> tuple[Source, Sequence[Step]]:
    """Exercises in text and in drawn figures, with their solutions."""
    mixture = Mixture(parts={"text": (0.6, maths_sample), "figures": (0.4, figure_sample)})
    return DrawnSource(mixture=mixture, count=samples), _checked()


def knowledge(samples: int = SAMPLES) -> tuple[Source, Sequence[Step]]:
    """Flags and things with captions that know more than is seen; no unclear terms."""
    mixture = Mixture(parts={"flags": (0.6, flag_sample), "things": (0.4, thing_sample)})
    return DrawnSource(mixture=mixture, count=samples), [
        filter_step("licence", licence_allowed),
        *_checked(),
    ]


def vqa(samples: int = SAMPLES) -> tuple[Source, Sequence[Step]]:
    """Questions about scenes and about several pictures."""
    mixture = Mixture(parts={"scenes": (0.65, vqa_sample), "several": (0.35, comparison_sample)})
    return DrawnSource(mixture=mixture, count=samples), _checked()


def sft(
    data: str = "", root: Path | None = None, licence: str = "", samples: int = SAMPLES
) -> tuple[Source, Sequence[Step]]:
    """Fine-tuning data through tags and rules: drawn, text and pictures in turns, or the user's.

    Args:
        data: shards, annotations or parquet instead of drawn samples.
        root: folder of its pictures and videos; None for that of the data.
        licence: SPDX name of the terms of that data.
        samples: to draw, without data.
    """
    if data:
        return open_data(Path(data), root=root, licence=licence), sft_steps()
    half = -(-samples // 2)
    sources = (
        DrawnSource(mixture=TEXT, count=half, seed=1),
        DrawnSource(mixture=VISUAL, count=half, seed=2),
    )
    return MixedSource(sources=sources, shares=(1, 1)), sft_steps()
