"""Data runs of charts and diagrams, asked about in every way.

Owns: shares of libraries and kinds, the steps. Does not own: the generators (``data.synth``).

    charts() | diagrams() -> (source, steps)
"""

from collections.abc import Sequence
from functools import partial

from qvl.data.filters.rules import answers_between, boxes_at_least, places_inside
from qvl.data.mixture import Mixture
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.charts.samples import chart_sample
from qvl.data.synth.diagrams.samples import diagram_sample, venn_sample

CHARTS = 1_000_000
"""Source: Qwen2.5-VL technical report, section 2.2.1: a million synthesised charts."""


def charts(*, count: int = CHARTS, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Charts with questions, tables, captions, summaries and boxes.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(
        parts={
            "matplotlib": (0.6, partial(chart_sample, renderer="matplotlib")),
            "seaborn": (0.25, partial(chart_sample, renderer="seaborn")),
            # A page of plotly takes four times as long.
            "plotly": (0.15, partial(chart_sample, renderer="plotly")),
        }
    )
    steps = [
        filter_step("inside", places_inside),
        filter_step("large enough", partial(boxes_at_least, side_px=8)),
        filter_step("answer length", partial(answers_between, least=1, most=4000)),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


def diagrams(*, count: int = CHARTS, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Flow charts, trees, networks, Venn diagrams, with questions, code, structure and boxes.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"graphs": (0.9, diagram_sample), "venn": (0.1, venn_sample)})
    steps = [
        filter_step("inside", places_inside),
        filter_step("answer length", partial(answers_between, least=1, most=4000)),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps
