"""How charts look: sizes, fonts, colours with names, grids, frames.

Owns: the choices and their combinations. Does not own: drawing (``matplotlib_chart`` and the
others), which takes a style as it is.

    rng -> random_style() -> ChartStyle
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from qvl.data.synth.fonts import font_files
from qvl.data.synth.picking import pick
from qvl.data.synth.words import Split
from qvl.geometry import FACTOR, ImageSize

Palette = tuple[tuple[str, str], ...]
"""Names of colours, as people say them, and their values. No name comes twice."""

PALETTES: tuple[Palette, ...] = (
    (  # Source: matplotlib's default colour cycle, "tab10"
        ("blue", "#1f77b4"), ("orange", "#ff7f0e"), ("green", "#2ca02c"), ("red", "#d62728"),
        ("purple", "#9467bd"), ("brown", "#8c564b"), ("pink", "#e377c2"), ("gray", "#7f7f7f"),
        ("olive", "#bcbd22"), ("cyan", "#17becf"),
    ),
    (  # Source: Okabe and Ito, Color Universal Design, 2008
        ("orange", "#e69f00"), ("sky blue", "#56b4e9"), ("green", "#009e73"), ("yellow", "#f0e442"),
        ("blue", "#0072b2"), ("red", "#d55e00"), ("pink", "#cc79a7"), ("black", "#222222"),
    ),
    (
        ("navy", "#1d3557"), ("red", "#e63946"), ("light blue", "#a8dadc"), ("gold", "#e9b44c"),
        ("teal", "#2a9d8f"), ("gray", "#8d99ae"), ("brown", "#7f5539"), ("purple", "#6d597a"),
    ),
    (
        ("teal", "#264653"), ("turquoise", "#2a9d8f"), ("yellow", "#e9c46a"), ("orange", "#f4a261"),
        ("red", "#e76f51"), ("purple", "#7b2cbf"), ("gray", "#adb5bd"), ("blue", "#4361ee"),
    ),
    (  # Source: seaborn's palette "deep"
        ("blue", "#4c72b0"), ("orange", "#dd8452"), ("green", "#55a868"), ("red", "#c44e52"),
        ("purple", "#8172b3"), ("brown", "#937860"), ("pink", "#da8bc3"), ("gray", "#8c8c8c"),
    ),
    (
        ("pink", "#ff99c8"), ("yellow", "#f9dc5c"), ("green", "#9ad1a5"), ("blue", "#8ecae6"),
        ("purple", "#b8a1e3"), ("orange", "#ffb570"), ("gray", "#b5b8bd"), ("red", "#f07167"),
    ),
    (  # Source: plotly's default colour cycle
        ("blue", "#636efa"), ("red", "#ef553b"), ("green", "#00cc96"), ("purple", "#ab63fa"),
        ("orange", "#ffa15a"), ("cyan", "#19d3f3"), ("pink", "#ff6692"), ("lime", "#b6e880"),
    ),
    (
        ("black", "#111111"), ("red", "#d90429"), ("gray", "#9aa0a6"), ("gold", "#d4a017"),
        ("blue", "#3066be"), ("green", "#3a7d44"), ("orange", "#f3722c"), ("brown", "#6b4226"),
    ),
)  # fmt: skip

MAPS = ("viridis", "Blues", "YlOrRd", "coolwarm", "YlGnBu", "magma", "Greens", "RdYlGn", "BuPu")
"""Colour maps of matplotlib for heatmaps."""

Grid = Literal["none", "values", "both"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartStyle:
    """Everything about a chart's looks.

    Attributes:
        size: of the picture in pixels, sides multiples of 28.
        font: file of the typeface.
        font_px: size of the plain text.
        palette: colours with names, most used first.
        paper: colour of the figure.
        plot: colour of the area of the plot.
        ink: colour of text and axes.
        grid: which lines there are.
        grid_dashed: whether they are dashed.
        frame: sides of the plot that have a line.
        title_left: the title begins at the left, not in the middle.
        legend_outside: the legend stands beside the plot.
        wants_labels: values are written beside marks, where there is room.
        edges: bars have an edge of a darker colour.
        colour_map: of heatmaps.
        markers: lines have a mark at each value.
        width: of bars, as a share of their place.
    """

    size: ImageSize
    font: Path
    font_px: int
    palette: Palette
    paper: str
    plot: str
    ink: str
    grid: Grid
    grid_dashed: bool
    frame: tuple[str, ...]
    title_left: bool
    legend_outside: bool
    wants_labels: bool
    edges: bool
    colour_map: str
    markers: bool
    width: float

    @property
    def is_dark(self) -> bool:
        """Whether light text stands on dark paper."""
        return self.paper < "#8"


_PAPERS = (
    ("#ffffff", "#ffffff", "#222222"),
    ("#ffffff", "#ffffff", "#333344"),
    ("#ffffff", "#f4f5f7", "#222222"),
    ("#ffffff", "#e5ecf6", "#2a3f5f"),  # Source: plotly's default template
    ("#ffffff", "#eaeaf2", "#262626"),  # Source: seaborn's style "darkgrid"
    ("#fbf7ef", "#fbf7ef", "#3b2f2f"),
    ("#fff1e5", "#fff1e5", "#33302e"),
    ("#f7f9fc", "#ffffff", "#1b2a41"),
    ("#1e1e24", "#1e1e24", "#e8e8ea"),
    ("#0f1b2d", "#16263d", "#e6edf7"),
)
_PAPER_SHARES = np.array([7, 4, 2, 1, 2, 1.5, 1, 2, 1, 1])
_FRAMES = (("left", "bottom"), ("left", "bottom", "right", "top"), ("bottom",), ())

_REGULAR = ("Regular", "Sans", "Serif", "Mono", "FreeSans", "FreeSerif")


def text_fonts(split: Split) -> list[Path]:
    """Upright faces of normal weight that are in the split."""
    return [path for path in font_files(split) if path.stem.endswith(_REGULAR)] or [
        *font_files(split)
    ]


def random_style(
    rng: np.random.Generator, *, side_tokens: tuple[int, int] = (16, 33), fonts: Split = "train"
) -> ChartStyle:
    """Returns a style whose parts go together.

    Args:
        rng: source of randomness.
        side_tokens: least and most merged tokens (28 px) of the width.
        fonts: which typefaces.
    """
    width = int(rng.integers(side_tokens[0], side_tokens[1] + 1))
    height = max(12, round(width * float(rng.uniform(0.58, 0.95))))
    paper, plot, ink = _PAPERS[int(rng.choice(len(_PAPERS), p=_PAPER_SHARES / _PAPER_SHARES.sum()))]
    palette = pick(rng, PALETTES)
    if paper < "#8":
        palette = tuple(c for c in palette if c[0] not in ("black", "navy", "brown", "teal"))
    start = int(rng.integers(len(palette))) if rng.random() < 0.4 else 0
    return ChartStyle(
        size=ImageSize(height * FACTOR, width * FACTOR),
        font=pick(rng, text_fonts(fonts)),
        font_px=round(float(np.clip(width * FACTOR * rng.uniform(0.018, 0.024), 12, 21))),
        palette=palette[start:] + palette[:start],
        paper=paper,
        plot=plot,
        ink=ink,
        grid=("none", "values", "both")[int(rng.choice(3, p=[0.3, 0.5, 0.2]))],
        grid_dashed=bool(rng.random() < 0.35),
        frame=pick(rng, _FRAMES),
        title_left=bool(rng.random() < 0.25),
        legend_outside=bool(rng.random() < 0.5),
        wants_labels=bool(rng.random() < 0.5),
        edges=bool(rng.random() < 0.2),
        colour_map=pick(rng, MAPS),
        markers=bool(rng.random() < 0.65),
        width=float(rng.uniform(0.55, 0.88)),
    )
