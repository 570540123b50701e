"""Drawn things with a colour of their own and parts that can be pointed at.

Owns: what things look like. Does not own: forms (``pen``), placing (``scene``).

    name, colour -> draw() -> Cutout with colour and parts

A part is named when there is one of it, so that it can be pointed at; of wheels there are several.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.grounding.cutouts import Cutout, Noun
from qvl.data.synth.grounding.nouns import plural
from qvl.data.synth.grounding.pen import Pen, shade
from qvl.data.synth.palette import COLOUR_NAMES, NAMED, Colour, jittered

BLACK: Colour = (38, 38, 42)
GREY: Colour = (120, 124, 130)
STEEL: Colour = (176, 182, 190)
GLASS: Colour = (178, 216, 236)
WOOD: Colour = (140, 92, 50)
LEAF: Colour = (60, 140, 62)
CREAM: Colour = (244, 232, 206)

_ANY = tuple(name for name in COLOUR_NAMES if name not in ("black", "white", "gray"))


def _car(pen: Pen, body: Colour) -> None:
    pen.polygon([(24, 50), (36, 30), (66, 30), (82, 50)], body, "roof")
    pen.polygon([(31, 48), (39, 35), (51, 35), (51, 48)], GLASS, "rear window")
    pen.polygon([(54, 35), (63, 35), (73, 48), (54, 48)], GLASS, "front window")
    pen.rectangle(6, 48, 96, 70, body, r=7)
    pen.line([(53, 52), (53, 67)], 0.8, shade(body, 0.6))
    pen.rectangle(57, 54, 63, 56, shade(body, 0.5), "door handle", r=1)
    pen.ellipse(92, 56, 3.5, 3.5, (255, 240, 160), "headlight")
    pen.ellipse(9, 56, 2.5, 3.5, (200, 40, 40), "tail light")
    for x, side in ((27, "rear"), (75, "front")):
        pen.ellipse(x, 70, 10, 10, BLACK, f"{side} wheel")
        pen.ellipse(x, 70, 5, 5, STEEL, f"{side} wheel")


def _bus(pen: Pen, body: Colour) -> None:
    pen.rectangle(4, 24, 96, 72, body, r=6)
    for x in (10, 27, 44):
        pen.rectangle(x, 31, x + 14, 46, GLASS, r=2)
    pen.rectangle(62, 31, 75, 70, shade(GLASS, 0.85), "door", r=2)
    pen.rectangle(80, 31, 95, 50, GLASS, "windscreen", r=2)
    pen.ellipse(92, 62, 3, 3, (255, 240, 160), "headlight")
    for x, side in ((24, "rear"), (86, "front")):
        pen.ellipse(x - 2, 73, 8, 8, BLACK, f"{side} wheel")
        pen.ellipse(x - 2, 73, 4, 4, STEEL, f"{side} wheel")


def _truck(pen: Pen, body: Colour) -> None:
    pen.rectangle(4, 22, 62, 68, (236, 236, 232), "cargo box", r=2)
    pen.polygon([(64, 36), (82, 36), (95, 52), (95, 68), (64, 68)], body, "cab")
    pen.polygon([(70, 40), (81, 40), (89, 51), (70, 51)], GLASS, "window")
    pen.rectangle(4, 66, 96, 71, GREY)
    pen.ellipse(93, 60, 2.6, 2.6, (255, 240, 160), "headlight")
    for x in (18, 48, 80):
        pen.ellipse(x, 72, 8.5, 8.5, BLACK)
        pen.ellipse(x, 72, 4, 4, STEEL)


def _sailboat(pen: Pen, body: Colour) -> None:
    pen.line([(48, 8), (48, 76)], 2.2, WOOD, "mast")
    pen.polygon([(46, 14), (46, 70), (12, 70)], CREAM, "left sail")
    pen.polygon([(51, 18), (51, 70), (84, 70)], shade(CREAM, 0.9), "right sail")
    pen.polygon([(48, 3), (48, 11), (62, 7)], (210, 60, 50), "flag")
    pen.polygon([(4, 74), (96, 74), (82, 94), (18, 94)], body, "hull")


def _rocket(pen: Pen, body: Colour) -> None:
    pen.polygon([(42, 78), (58, 78), (50, 99)], (255, 150, 30), "flame")
    pen.polygon([(36, 54), (18, 82), (36, 76)], shade(body, 0.75), "left fin")
    pen.polygon([(64, 54), (82, 82), (64, 76)], shade(body, 0.75), "right fin")
    pen.rectangle(35, 30, 65, 79, body, "body", r=3)
    pen.polygon([(35, 31), (50, 2), (65, 31)], shade(body, 0.8), "nose cone")
    pen.ellipse(50, 44, 8, 8, STEEL, "window")
    pen.ellipse(50, 44, 5.5, 5.5, GLASS, "window")


def _house(pen: Pen, body: Colour) -> None:
    pen.rectangle(68, 12, 79, 40, (150, 80, 66), "chimney")
    pen.rectangle(14, 44, 86, 94, body, "wall")
    pen.polygon([(4, 46), (50, 10), (96, 46)], shade(body, 0.6), "roof")
    pen.rectangle(24, 60, 42, 78, GLASS, "window")
    pen.line([(33, 60), (33, 78)], 1.2, CREAM, "window")
    pen.rectangle(56, 60, 74, 94, WOOD, "door")
    pen.ellipse(71, 78, 1.6, 1.6, (240, 200, 80), "door handle")


def _lighthouse(pen: Pen, body: Colour) -> None:
    pen.polygon([(36, 30), (64, 30), (72, 94), (28, 94)], body, "tower")
    pen.polygon([(33.5, 50), (66.5, 50), (68.5, 64), (31.5, 64)], CREAM, "stripe")
    pen.rectangle(38, 16, 62, 30, (255, 240, 150), "lamp room")
    pen.polygon([(34, 17), (50, 3), (66, 17)], shade(body, 0.7), "roof")
    pen.rectangle(44, 78, 56, 94, WOOD, "door", r=3)
    pen.rectangle(30, 28, 70, 32, GREY, "balcony")


def _tree(pen: Pen, body: Colour) -> None:
    pen.polygon([(45, 55), (55, 55), (60, 96), (40, 96)], WOOD, "trunk")
    for x, y, r in ((32, 46, 20), (68, 46, 20), (50, 26, 23), (50, 48, 22)):
        pen.ellipse(x, y, r, r, body, "crown")


def _flower(pen: Pen, body: Colour) -> None:
    pen.line([(50, 40), (51, 70), (48, 97)], 3.5, LEAF, "stem")
    pen.polygon([(50, 82), (64, 66), (84, 66), (70, 82)], LEAF, "leaf")
    for step in range(6):
        angle = np.deg2rad(60 * step)
        pen.ellipse(50 + 17 * np.cos(angle), 30 + 17 * np.sin(angle), 11, 11, body)
    pen.ellipse(50, 30, 10, 10, shade(body, 1.8), "centre")


def _mushroom(pen: Pen, body: Colour) -> None:
    pen.polygon([(39, 50), (61, 50), (65, 92), (35, 92)], CREAM, "stem")
    pen.sector(50, 56, 44, 44, (180, 360), body, "cap")
    for x, y, r in ((34, 38, 5), (52, 26, 6), (68, 42, 5)):
        pen.ellipse(x, y, r, r, shade(body, 2.6), "cap")


def _fish(pen: Pen, body: Colour) -> None:
    pen.polygon([(72, 50), (97, 28), (91, 50), (97, 72)], shade(body, 0.8), "tail")
    pen.polygon([(36, 32), (52, 14), (60, 34)], shade(body, 0.8), "top fin")
    pen.ellipse(42, 50, 38, 22, body)
    pen.polygon([(46, 52), (60, 46), (60, 62)], shade(body, 0.7), "side fin")
    pen.ellipse(20, 45, 4.4, 4.4, (250, 250, 250), "eye")
    pen.ellipse(19.4, 45, 2, 2, BLACK, "eye")


def _bird(pen: Pen, body: Colour) -> None:
    pen.polygon([(74, 50), (98, 40), (96, 56), (76, 62)], shade(body, 0.75), "tail")
    pen.ellipse(54, 56, 28, 21, body)
    pen.ellipse(30, 36, 16, 16, body, "head")
    pen.polygon([(16, 32), (16, 42), (2, 38)], (245, 170, 40), "beak")
    pen.polygon([(44, 48), (80, 50), (60, 70)], shade(body, 0.7), "wing")
    pen.ellipse(26, 33, 3, 3, BLACK, "eye")
    for x in (50, 58):
        pen.line([(x, 75), (x, 92), (x - 5, 93)], 1.8, (225, 150, 40))


def _snowman(pen: Pen, body: Colour) -> None:
    pen.ellipse(50, 74, 27, 24, (244, 248, 252), "lower ball")
    pen.line([(32, 50), (10, 38)], 2, WOOD, "left arm")
    pen.line([(68, 50), (90, 38)], 2, WOOD, "right arm")
    pen.ellipse(50, 45, 19, 17, (246, 249, 253), "middle ball")
    pen.ellipse(50, 24, 14, 13, (248, 250, 254), "head")
    pen.rectangle(37, 34, 63, 39, body, "scarf", r=2)
    pen.polygon([(49, 24), (49, 28), (66, 28)], (240, 130, 30), "nose")
    for x in (45, 55):
        pen.ellipse(x, 20, 1.6, 1.6, BLACK)
    pen.rectangle(34, 11, 66, 14, BLACK, "hat", r=1)
    pen.rectangle(40, 1, 60, 12, BLACK, "hat")


def _robot(pen: Pen, body: Colour) -> None:
    pen.line([(50, 6), (50, 18)], 2, GREY, "antenna")
    pen.ellipse(50, 5, 3.5, 3.5, (230, 60, 50), "antenna")
    pen.rectangle(32, 16, 68, 42, body, "head", r=5)
    pen.rectangle(40, 33, 60, 37, BLACK, "mouth", r=1)
    for x in (42, 58):
        pen.ellipse(x, 25, 4, 4, (250, 250, 230))
        pen.ellipse(x, 25, 1.8, 1.8, BLACK)
    pen.rectangle(12, 48, 22, 74, shade(body, 0.8), "left arm", r=4)
    pen.rectangle(78, 48, 88, 74, shade(body, 0.8), "right arm", r=4)
    pen.rectangle(26, 45, 74, 78, body, "chest", r=4)
    pen.rectangle(36, 52, 64, 66, shade(GLASS, 0.8), "screen", r=2)
    pen.rectangle(32, 78, 44, 97, shade(body, 0.7), "left leg", r=3)
    pen.rectangle(56, 78, 68, 97, shade(body, 0.7), "right leg", r=3)


def _chair(pen: Pen, body: Colour) -> None:
    for x in (26, 70):
        pen.rectangle(x, 58, x + 6, 96, shade(body, 0.7))
    pen.rectangle(24, 6, 78, 52, body, "backrest", r=5)
    pen.polygon([(20, 52), (82, 52), (88, 64), (14, 64)], shade(body, 0.85), "seat")


def _table(pen: Pen, body: Colour) -> None:
    pen.rectangle(12, 46, 18, 92, shade(body, 0.65), "left leg")
    pen.rectangle(82, 46, 88, 92, shade(body, 0.65), "right leg")
    pen.rectangle(20, 48, 80, 58, shade(body, 0.8), "drawer")
    pen.ellipse(50, 53, 2, 2, STEEL, "knob")
    pen.rectangle(3, 38, 97, 48, body, "table top", r=2)


def _lamp(pen: Pen, body: Colour) -> None:
    pen.line([(50, 40), (50, 88)], 3, STEEL, "pole")
    pen.sector(50, 96, 22, 12, (180, 360), GREY, "base")
    pen.polygon([(32, 6), (68, 6), (84, 46), (16, 46)], body, "shade")


def _cup(pen: Pen, body: Colour) -> None:
    pen.line([(72, 36), (90, 38), (91, 58), (70, 66)], 6, shade(body, 0.85), "handle")
    pen.polygon([(16, 22), (76, 22), (70, 84), (22, 84)], body)
    pen.ellipse(46, 22, 30, 8, shade(body, 0.75), "rim")
    pen.ellipse(46, 23, 26, 6, (92, 58, 36), "coffee")


def _bottle(pen: Pen, body: Colour) -> None:
    pen.rectangle(42, 2, 58, 12, shade(body, 0.6), "cap", r=1)
    pen.polygon([(44, 12), (56, 12), (57, 26), (68, 40), (68, 97), (32, 97), (32, 40), (43, 26)],
        body)  # fmt: skip
    pen.rectangle(32, 54, 68, 78, CREAM, "label")


def _umbrella(pen: Pen, body: Colour) -> None:
    pen.line([(50, 10), (50, 86), (54, 93), (62, 92), (65, 84)], 3.2, WOOD, "handle")
    pen.sector(50, 52, 47, 44, (180, 360), body, "canopy")
    for x in (19.3, 50, 80.7):
        pen.sector(x, 52, 15, 7, (180, 360), shade(body, 0.8), "canopy")
    pen.rectangle(49, 2, 51, 10, STEEL, "tip")


def _clock(pen: Pen, body: Colour) -> None:
    pen.ellipse(50, 50, 46, 46, body, "frame")
    pen.ellipse(50, 50, 38, 38, (250, 248, 240), "face")
    for step in range(12):
        angle = np.deg2rad(30 * step)
        x, y = 50 + 33 * np.cos(angle), 50 + 33 * np.sin(angle)
        pen.ellipse(float(x), float(y), 1.6, 1.6, BLACK, "face")
    pen.line([(50, 50), (50, 24)], 2.2, BLACK, "minute hand")
    pen.line([(50, 50), (66, 60)], 3.4, BLACK, "hour hand")


def _kite(pen: Pen, body: Colour) -> None:
    pen.line([(50, 66), (42, 76), (54, 84), (46, 98)], 1.6, GREY, "tail")
    pen.polygon([(50, 2), (80, 30), (50, 68), (20, 30)], body)
    pen.line([(50, 2), (50, 68)], 1.2, shade(body, 0.6))
    pen.line([(20, 30), (80, 30)], 1.2, shade(body, 0.6))


def _rug(pen: Pen, body: Colour) -> None:
    for x in range(4, 100, 6):
        pen.line([(x, 14), (x, 86)], 1.2, shade(body, 0.75))
    pen.rectangle(2, 18, 98, 82, body)
    pen.rectangle(7, 23, 93, 77, shade(body, 1.5))
    pen.rectangle(12, 28, 88, 72, body)


def _tray(pen: Pen, body: Colour) -> None:
    pen.rectangle(2, 16, 98, 84, body, r=9)
    pen.rectangle(7, 21, 93, 79, shade(body, 0.82), r=7)


def _plate(pen: Pen, body: Colour) -> None:
    pen.ellipse(50, 50, 48, 48, body)
    pen.ellipse(50, 50, 37, 37, shade(body, 1.35))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    draw: Callable[[Pen, Colour], None]
    group: str = ""
    also: tuple[str, ...] = ()
    colours: tuple[str, ...] = _ANY
    has_colour: bool = True
    """False where the colour that varies is not the thing's own: a snowman's scarf."""
    is_flat: bool = False


KINDS: dict[str, _Kind] = {
    "car": _Kind(draw=_car, group="vehicle"),
    "bus": _Kind(draw=_bus, group="vehicle"),
    "truck": _Kind(draw=_truck, group="vehicle", has_colour=False),
    "sailboat": _Kind(draw=_sailboat, group="vehicle", also=("boat", "ship"), has_colour=False),
    "rocket": _Kind(draw=_rocket, group="vehicle"),
    "house": _Kind(draw=_house, also=("building",)),
    "lighthouse": _Kind(draw=_lighthouse, also=("building", "tower"), has_colour=False),
    "tree": _Kind(draw=_tree, colours=("green", "orange", "yellow", "red")),
    "flower": _Kind(draw=_flower, colours=tuple(c for c in _ANY if c != "green")),
    "mushroom": _Kind(draw=_mushroom, also=("plant",), has_colour=False),
    "fish": _Kind(draw=_fish, group="animal"),
    "bird": _Kind(draw=_bird, group="animal"),
    "snowman": _Kind(draw=_snowman, has_colour=False),
    "robot": _Kind(draw=_robot, also=("toy",)),
    "chair": _Kind(draw=_chair, also=("furniture",)),
    "table": _Kind(draw=_table, also=("furniture", "desk")),
    "floor lamp": _Kind(draw=_lamp, also=("lamp", "furniture")),
    "cup": _Kind(draw=_cup, also=("mug", "coffee cup", "cup of coffee")),
    "bottle": _Kind(draw=_bottle, colours=("green", "brown", "blue", "red", "yellow")),
    "umbrella": _Kind(draw=_umbrella),
    "clock": _Kind(draw=_clock, has_colour=False),
    "kite": _Kind(draw=_kite, also=("toy",)),
    "rug": _Kind(draw=_rug, also=("carpet", "towel", "blanket"), is_flat=True),
    "tray": _Kind(draw=_tray, also=("plate",), is_flat=True),
    "plate": _Kind(draw=_plate, also=("tray", "bowl"), is_flat=True),
}
"""What can be drawn, by its name."""

FLAT = tuple(name for name, kind in KINDS.items() if kind.is_flat)
"""Kinds that other things lie on."""


def draw(rng: np.random.Generator, name: str, *, colour: str | None = None) -> Cutout:
    """Returns a thing, drawn a little differently each time.

    Args:
        rng: source of randomness.
        name: one of `KINDS`.
        colour: one of the kind's; any of them when None.
    """
    kind = KINDS[name]
    chosen = colour or str(rng.choice(kind.colours))
    pen = Pen(outline=float(rng.choice([0.0, 0.9, 1.5], p=[0.5, 0.3, 0.2])))
    kind.draw(pen, jittered(rng, NAMED[chosen], 10))
    noun = Noun(
        name=name,
        plural="snowmen" if name == "snowman" else plural(name),
        group=kind.group,
        also=frozenset(kind.also),
    )
    return pen.cutout(
        noun,
        colour=chosen if kind.has_colour else "",
        colours=frozenset([chosen] if kind.has_colour else COLOUR_NAMES),
        is_flat=kind.is_flat,
    )
