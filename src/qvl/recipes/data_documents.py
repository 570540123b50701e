"""The recipe of documents: pages of every layout with their QwenVL HTML and Markdown."""

from collections.abc import Sequence

from qvl.data.filters.documents import reading_is_whole
from qvl.data.filters.rules import answers_between, places_inside
from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.documents.samples import document_sample

DOCUMENT_SAMPLES = 100_000
"""About as many as the other drawn recipes."""
_LEAST_CHARACTERS = 200
_MOST_CHARACTERS = 16_000
"""Of an answer: about 6,000 tokens, so that page and answer fit a pack of 8,192."""


def documents(*, count: int = DOCUMENT_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Drawn pages, clean, printed, scanned and photographed, as QwenVL HTML, plain HTML, Markdown,
    and parts of them as Markdown.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"document": (1.0, document_sample)})
    steps = [
        filter_step("whole", reading_is_whole),
        filter_step("inside", places_inside),
        filter_step("length", _length),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


def _length(sample: Sample) -> str | None:
    """A page says something; a part of one may be short."""
    least = 1 if sample.facts["variant"] == "regions" else _LEAST_CHARACTERS
    return answers_between(sample, least=least, most=_MOST_CHARACTERS)
