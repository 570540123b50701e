"""The recipe of documents: pages of every layout with their QwenVL HTML."""

from collections.abc import Sequence
from functools import partial

from qvl.data.filters.documents import reading_is_whole
from qvl.data.filters.rules import answers_between
from qvl.data.mixture import Mixture
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.documents.samples import document_sample

DOCUMENT_SAMPLES = 100_000
"""About as many as the other drawn recipes."""
_MOST_CHARACTERS = 16_000
"""Of an answer: about 6,000 tokens, so that page and answer fit a pack of 8,192."""


def documents(*, count: int = DOCUMENT_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Drawn pages, clean, printed, scanned and photographed, as QwenVL HTML and as plain HTML.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"document": (1.0, document_sample)})
    steps = [
        filter_step("whole", reading_is_whole),
        filter_step("length", partial(answers_between, least=200, most=_MOST_CHARACTERS)),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps
