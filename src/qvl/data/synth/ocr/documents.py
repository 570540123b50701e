"""Documents: pages, receipts, forms, tickets and tables, printed, scanned or photographed.

Owns: the kind of document, how it came into the picture, what is asked. Does not own: layouts
(``pages``, ``slips``), effects.

    rng -> writer -> Slip -> printed -> scanned | photographed -> Sample
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from PIL import Image as PILImage

from qvl.data.records import Provenance, Sample
from qvl.data.synth import effects
from qvl.data.synth.ocr.answers import Form, asked, conversation, facts, forms_for
from qvl.data.synth.ocr.pages import article, letter, vertical_page
from qvl.data.synth.ocr.sheet import Line, Sheet, polygons_of, with_polygons
from qvl.data.synth.ocr.slips import Slip, form, receipt, table, ticket
from qvl.data.synth.ocr.wild import EVEN, chosen, some_size
from qvl.data.synth.ocr.writing import Writer, writer
from qvl.data.synth.words import Split
from qvl.geometry import ImageSize
from qvl.tasks import extraction

_MOST_SPOTTED = 60
"""Lines or words in an answer with boxes; longer answers teach counting more than reading."""


_Flowing = Callable[[np.random.Generator, Writer, ImageSize], Sheet]


def _page(make: _Flowing, rng: np.random.Generator, author: Writer, size: ImageSize) -> Slip:
    return Slip(sheet=make(rng, author, size))


KINDS: dict[str, tuple[float, Callable[[np.random.Generator, Writer, ImageSize], Slip]]] = {
    "article": (0.34, partial(_page, article)),
    "letter": (0.12, partial(_page, letter)),
    "receipt": (0.2, receipt),
    "form": (0.14, form),
    "ticket": (0.08, ticket),
    "table": (0.12, table),
}
"""Name -> share and function."""
_VERTICAL = 0.35
"""Share of articles and letters that run downwards in languages that may."""


def document_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    split: Split = "train",
    languages: Mapping[str, float] = EVEN,
    kinds: tuple[str, ...] = tuple(KINDS),
    side_tokens: tuple[int, int] = (18, 36),
    strength: float = 0.7,
) -> Sample:
    """Returns a document and a question about its text or its fields.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        split: of words; typefaces are those of training.
        languages: codes with their shares.
        kinds: names in `KINDS`.
        side_tokens: least and most merged tokens (28 px) of a side; slips choose their height.
        strength: of paper, scanner and camera, 0 to 1.

    Raises:
        MissingDependencyError: no typeface has the language, or a package is not installed.
    """
    author = writer(rng, chosen(rng, languages), split)
    kind = chosen(rng, {name: KINDS[name][0] for name in kinds})
    size = some_size(rng, side_tokens)
    if kind in ("article", "letter") and author.language.vertical and rng.random() < _VERTICAL:
        kind, slip = "vertical", Slip(sheet=vertical_page(rng, author, size))
    else:
        slip = KINDS[kind][1](rng, author, size)
    image, lines, way = _pictured(rng, slip.sheet, strength)
    whole = slip.sheet.size
    task: str
    if slip.fields and rng.random() < 0.5:
        task = "fields"
        turn = (extraction.prompt(list(slip.fields)), extraction.format(slip.fields))
    else:
        task = wanted = _form(rng, author, lines)
        turn = asked(rng, lines, author.language, wanted, whole)
    return Sample(
        task=f"ocr_{task}",
        conversation=conversation(image, [turn]),
        provenance=Provenance(generator="ocr.documents.document_sample", seed=seed),
        facts={
            "kind": kind,
            "way": way,
            "fields": slip.fields,
            **facts(lines, author.language, whole),
        },
    )


def _form(rng: np.random.Generator, author: Writer, lines: list[Line]) -> Form:
    forms: list[Form] = list(forms_for(author.language, quads=False))
    if len(lines) > _MOST_SPOTTED:
        return "text"
    if sum(len(line.words) for line in lines) > _MOST_SPOTTED and "word" in forms:
        forms.remove("word")
    return forms[int(rng.integers(len(forms)))]


def _pictured(
    rng: np.random.Generator, sheet: Sheet, strength: float
) -> tuple[PILImage.Image, list[Line], str]:
    """The sheet as it came into the picture, its lines with it."""
    polygons = polygons_of(sheet.lines)
    detail = min((line.size_px for line in sheet.lines), default=12.0)
    way = chosen(rng, {"clean": 0.2, "scan": 0.4, "photograph": 0.4})
    image = sheet.image
    if way != "clean":
        image, polygons = effects.printed(rng, image, polygons, strength=strength)
    if way == "scan":
        image, polygons = effects.scanned(
            rng, image, polygons, strength=strength, detail_px=detail * 0.6
        )
    elif way == "photograph":
        image, polygons = effects.photographed(
            rng, image, polygons, strength=strength, detail_px=detail * 0.6
        )
    return image, with_polygons(sheet.lines, polygons), way
