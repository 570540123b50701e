"""Data runs of text in pictures: scenes and documents, in English and Chinese and ten more
languages.

Owns: shares, sizes and the least that a picture must show. Does not own: generators
(``data.synth.ocr``), rules (``data.filters``).

Source: report section 2.2.1, OCR data.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from qvl.data.filters.ocr import letters_at_least, lines_stand_out
from qvl.data.filters.rules import answers_between, places_inside
from qvl.data.mixture import Mixture
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.ocr.documents import document_sample
from qvl.data.synth.ocr.languages import LANGUAGES
from qvl.data.synth.ocr.wild import wild_sample

OCR_SAMPLES = 100_000
"""As many as the recipe of grounding; more are drawn by ``--set count``."""
_MAIN: Mapping[str, float] = {"en": 0.5, "zh": 0.5}
_OTHERS: Mapping[str, float] = {code: 1.0 for code in LANGUAGES if code not in _MAIN}


def ocr_wild(*, count: int = OCR_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Signs, posters, shops, screens and loose words in English and Chinese."""
    parts = {"wild": (1.0, partial(wild_sample, languages=_MAIN))}
    return DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed), _steps()


def ocr_documents(*, count: int = OCR_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Articles, letters, receipts, forms, tickets and tables in English and Chinese."""
    parts = {"document": (1.0, partial(document_sample, languages=_MAIN))}
    return DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed), _steps()


def ocr_multilingual(*, count: int = OCR_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Scenes and documents in the ten languages of the report beyond English and Chinese."""
    parts = {
        "wild": (0.5, partial(wild_sample, languages=_OTHERS)),
        "document": (0.5, partial(document_sample, languages=_OTHERS)),
    }
    return DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed), _steps()


def _steps() -> Sequence[Step]:
    return [
        filter_step("inside", places_inside),
        # Small Latin letters of a font of 12 px are 6 px high: the smallest that stay apart after
        # the blur that effects allow.
        filter_step("letters", partial(letters_at_least, size_px=12)),
        # A quarter of what paper and ink differ by at least before light falls on them.
        filter_step("contrast", partial(lines_stand_out, levels=20)),
        # About 2,000 tokens; a page of 60 lines with boxes.
        filter_step("answer length", partial(answers_between, least=1, most=6000)),
    ]
