"""Data runs of tables: drawn ones with everything known, found ones that pass the report's rules.

Owns: their sources and steps. Does not own: drawing (``data.synth.tables``), rules
(``data.filters.tables``).

    tables() | tables_found(data) -> (source, steps)
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qvl.data.filters.documents import reading_is_whole
from qvl.data.filters.rules import answers_between, places_inside
from qvl.data.filters.tables import tables_apart, tables_confident, tables_dense
from qvl.data.interchange.found_tables import FoundTables
from qvl.data.mixture import Mixture
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.tables.samples import table_sample

TABLES = 1_000_000


def tables(*, count: int = TABLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Drawn tables: as HTML, Markdown, CSV, with questions, with boxes of cells.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(
        parts={
            "pillow": (0.7, partial(table_sample, renderer="pillow")),
            "chromium": (0.3, partial(table_sample, renderer="chromium")),
        }
    )
    steps = [
        filter_step("inside", places_inside),
        filter_step("answer length", partial(answers_between, least=1, most=8000)),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


def tables_found(
    *, data: Path, root: Path | None = None, licence: str = ""
) -> tuple[Source, Sequence[Step]]:
    """Tables that a recogniser found in pictures, those of them that are good enough.

    Args:
        data: the list, see `qvl.data.interchange.found_tables`.
        root: folder of the pictures; None for the list's own.
        licence: SPDX name of the pictures' terms.
    """
    source = FoundTables(data, root=root, licence=licence)
    steps = [
        filter_step("confident", tables_confident),
        filter_step("apart", tables_apart),
        filter_step("dense", tables_dense),
        filter_step("reading is whole", reading_is_whole),
    ]
    return source, steps
