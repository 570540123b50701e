"""Venn diagrams of two or three sets with a count in every region.

Owns: invention, drawing, questions of these diagrams: they are too small for a file each.

    rng -> VennData -> drawn circles -> turns
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from qvl.data.synth.charts.plots import rgb
from qvl.data.synth.charts.styles import PALETTES, text_fonts
from qvl.data.synth.diagrams.graphs import TOPICS
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.data.synth.turns import Turn
from qvl.data.synth.words import Split
from qvl.geometry import FACTOR

_FINER = 3
"""Circles are drawn so many times larger and shrunk: Pillow draws them with steps."""
# Middles of two and of three circles and of their names, in radii from the middle of the picture.
_CENTRES = {2: ((-0.6, 0.0), (0.6, 0.0)), 3: ((0.0, -0.6), (-0.6, 0.45), (0.6, 0.45))}
_NAMES = {2: ((-0.8, -1.2), (0.8, -1.2)), 3: ((0.0, -1.78), (-1.25, 1.6), (1.25, 1.6))}


@dataclass(frozen=True, kw_only=True, slots=True)
class VennData:
    """Sets and how many things are in each region.

    Attributes:
        title: above the circles.
        sets: names of the two or three sets.
        things: what is counted, plural.
        counts: indices of the sets that a region lies in, and no others -> number.
    """

    title: str
    sets: tuple[str, ...]
    things: str
    counts: dict[tuple[int, ...], int]

    def to_json(self) -> dict[str, Any]:
        """Plain values for the facts of a sample."""
        counts = [[list(region), count] for region, count in self.counts.items()]
        return {
            "kind": "venn", "title": self.title, "sets": list(self.sets), "things": self.things,
            "counts": counts,
        }  # fmt: skip


def invent_venn(rng: np.random.Generator) -> VennData:
    """Returns sets with counts."""
    title, names, things = pick(rng, TOPICS["sets"])
    sets = tuple(shuffled(rng, names)[: int(rng.integers(2, 4))])
    regions = [r for size in range(1, len(sets) + 1) for r in combinations(range(len(sets)), size)]
    counts = {region: int(rng.integers(1, 60 // len(region))) for region in regions}
    return VennData(title=title, sets=sets, things=things, counts=counts)


def draw_venn(
    rng: np.random.Generator, data: VennData, *, fonts: Split = "train"
) -> npt.NDArray[np.uint8]:
    """Returns uint8[H, W, 3], sides multiples of 28."""
    width, height = int(rng.integers(14, 23)) * FACTOR, int(rng.integers(14, 20)) * FACTOR
    radius = min(width / 3.9, height / 4.4)
    font_px = max(13, int(radius * rng.uniform(0.14, 0.19)))
    face = str(pick(rng, text_fonts(fonts)))
    paper = pick(rng, ("#ffffff", "#fbf7ef", "#f4f6fa"))
    picture = PILImage.new("RGB", (width, height), paper)
    middle_x, middle_y = width / 2, height / 2 + font_px
    centres = [(middle_x + x * radius, middle_y + y * radius) for x, y in _CENTRES[len(data.sets)]]
    for (_, value), (x, y) in zip(shuffled(rng, pick(rng, PALETTES)), centres, strict=False):
        mask = _disc((width, height), x, y, radius)
        layer = PILImage.new("RGB", picture.size, rgb(value))
        picture.paste(layer, mask=mask.point(lambda v: int(v * 0.42)))
        ring = _disc((width, height), x, y, radius, line=max(2, font_px // 9))
        picture.paste(PILImage.new("RGB", picture.size, rgb(value)), mask=ring)
    draw = ImageDraw.Draw(picture)
    plain, large = ImageFont.truetype(face, font_px), ImageFont.truetype(face, int(font_px * 1.25))
    draw.text((width / 2, font_px * 1.3), data.title, "#222222", large, anchor="mm")
    for name, (x, y) in zip(data.sets, _NAMES[len(data.sets)], strict=True):
        draw.text(
            (middle_x + x * radius, middle_y + y * radius), name, "#222222", plain, anchor="mm"
        )
    for region, count in data.counts.items():
        x, y = _place_in(region, centres, (middle_x, middle_y))
        draw.text((x, y), str(count), "#111111", plain, anchor="mm")
    return np.asarray(picture, np.uint8)


def _disc(
    size: tuple[int, int], x: float, y: float, radius: float, line: int = 0
) -> PILImage.Image:
    """A mask of a disc, or of a ring."""
    mask = PILImage.new("L", (size[0] * _FINER, size[1] * _FINER))
    box = [v * _FINER for v in (x - radius, y - radius, x + radius, y + radius)]
    fill = None if line else 255
    ImageDraw.Draw(mask).ellipse(box, fill=fill, outline=255, width=max(1, line * _FINER))
    return mask.resize(size, PILImage.Resampling.BOX)


def _place_in(
    region: tuple[int, ...], centres: list[tuple[float, float]], middle: tuple[float, float]
) -> tuple[float, float]:
    """Where the number of a region stands: well inside it."""
    x = sum(centres[i][0] for i in region) / len(region)
    y = sum(centres[i][1] for i in region) / len(region)
    if len(region) == len(centres):
        return x, y
    # Away from the sets that it does not lie in.
    away = 1.55 if len(region) == 1 else 1.6
    return middle[0] + (x - middle[0]) * away, middle[1] + (y - middle[1]) * away


def venn_turns(rng: np.random.Generator, data: VennData) -> list[Turn]:
    """All questions about the regions, in any order."""
    turns = [_region(data, tuple(sorted(region))) for region in data.counts]
    for index, name in enumerate(data.sets):
        parts = [(r, c) for r, c in data.counts.items() if index in r]
        total = sum(count for _, count in parts)
        turns.append(
            Turn(
                kind="set total",
                question=f"How many {data.things} are in {name} altogether?",
                answer=str(total),
                sentence=f"Altogether {total} {data.things} are in {name}.",
                steps=(f"{' + '.join(str(count) for _, count in parts)} = {total}.",),
                value=float(total),
                about={"set": index},
            )
        )
    total = sum(data.counts.values())
    turns.append(
        Turn(
            kind="total",
            question=f"How many {data.things} are in the diagram in total?",
            answer=str(total),
            sentence=f"There are {total} {data.things} in total.",
            steps=(f"{' + '.join(map(str, data.counts.values()))} = {total}.",),
            value=float(total),
        )
    )
    return shuffled(rng, turns)


def _region(data: VennData, region: tuple[int, ...]) -> Turn:
    inside = listed([data.sets[i] for i in region])
    outside = [name for i, name in enumerate(data.sets) if i not in region]
    where = inside if not outside else f"{inside} but not in {listed(outside, 'or')}"
    count = data.counts[region]
    if len(region) == 1:
        where = f"{inside} only"
    return Turn(
        kind="region",
        question=f"How many {data.things} are in {where}?",
        answer=str(count),
        sentence=f"{count} {data.things} are in {where}.",
        value=float(count),
        about={"region": list(region)},
    )
