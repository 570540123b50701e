"""What drawn articles are about: a picture of each subject, and sentences about it.

Owns: four kinds of subject: a shop sign, a painting of shapes, a bar chart, a floor plan. Does not
own: putting them together (``articles``).

    rng -> draw_subject() -> Subject(pixels, alt, words in the picture, sentences)

``shown`` sentences say what anybody sees in the picture; ``told`` sentences add what no picture
could show, so a document with both is complementary by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qvl.data.synth.canvas import Canvas, photograph
from qvl.data.synth.fonts import Font, font_files, load_font
from qvl.data.synth.palette import COLOUR_NAMES, NAMED, Colour, jittered, luminance
from qvl.geometry import FACTOR

SURNAMES = (
    "Marlow", "Abbot", "Finch", "Harker", "Linden", "Osgood", "Pruitt", "Quill", "Rowan", "Sorrel",
    "Tamsin", "Verity", "Whitlock", "Yardley", "Barrow", "Colby", "Dunmore", "Elwood", "Garrick",
    "Hollis", "Ingram", "Jarvis", "Kendal", "Lorimer", "Mercer", "Nesbit",
)  # fmt: skip
TOWNS = (
    "Ashford", "Brindle", "Carden", "Dunwich", "Elmsley", "Fairlie", "Gorsehill", "Hartwell",
    "Kilbride", "Lowmoor", "Millbrook", "Northgate", "Oakham", "Penfold", "Redcliff", "Stanmere",
)  # fmt: skip
TRADES = {
    "Bakery": ("rye bread", "seed rolls", "plum cake"),
    "Books": ("old maps", "travel diaries", "poetry"),
    "Hardware": ("brass hinges", "garden tools", "rope"),
    "Cafe": ("strong coffee", "lemon tart", "pea soup"),
    "Florist": ("tulips", "potted herbs", "wreaths"),
    "Cycles": ("touring bikes", "spare wheels", "bells"),
    "Music": ("used pianos", "violin strings", "scores"),
}
MOST_SUBJECTS = 4
"""Kinds of subject there are."""

_CHARTS = {
    "Visitors": ("museum", ("Spring", "Summer", "Autumn", "Winter")),
    "Harvest": ("farm", ("Apples", "Pears", "Plums", "Cherries", "Grapes")),
    "Rainfall": ("station", ("March", "April", "May", "June", "July")),
    "Loans": ("library", ("Novels", "Comics", "Atlases", "Films")),
    "Catch": ("harbour", ("Cod", "Herring", "Crab", "Sole")),
}
_ROOMS = (
    "Kitchen", "Studio", "Library", "Hall", "Office", "Store", "Bedroom", "Workshop", "Pantry",
    "Gallery",
)  # fmt: skip
_BAR_COLOURS = ("blue", "green", "orange", "purple")
_SHAPES = ("circle", "square", "triangle", "diamond")
_SMALLEST_PX = 9
_SIDES = (7, 15)  # of merged tokens: 196 to 392 px, above the smallest side that cleaning keeps


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Something a paragraph is about.

    Attributes:
        name: by which the text calls it.
        pixels: uint8[H, W, 3], sides multiples of 28.
        alt: a description of the picture.
        words: that stand in the picture.
        shown: sentences that only say what the picture shows.
        told: sentences that say what it does not.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    alt: str
    words: str
    shown: tuple[str, ...]
    told: tuple[str, ...]


def draw_subjects(rng: np.random.Generator, count: int) -> list[Subject]:
    """Returns subjects of different kinds, so that no two are spoken of in the same sentences.

    Args:
        rng: source of randomness.
        count: at most `MOST_SUBJECTS`.
    """
    kinds = (_sign, _painting, _chart, _plan)
    return [kinds[i](rng) for i in rng.permutation(len(kinds))[:count]]


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _canvas(rng: np.random.Generator, paper: Colour) -> Canvas:
    height = int(rng.integers(_SIDES[0], _SIDES[1]))
    # No side more than twice the other.
    width = int(rng.integers(max(_SIDES[0], (height + 1) // 2 + 1), min(_SIDES[1], 2 * height)))
    return Canvas(height * FACTOR, width * FACTOR, paper)


def _typeface(rng: np.random.Generator) -> Path:
    """One of the everyday typefaces; a picture is lettered in one."""
    files = font_files("train")
    return files[int(rng.integers(min(10, len(files))))]


def _font(path: Path, texts: Sequence[str], room: float, most: int) -> Font:
    """The largest size up to ``most`` in which every text fits into so many pixels."""
    size = most
    while size > _SMALLEST_PX and max(map(load_font(path, size).length, texts)) > room:
        size -= 1
    return load_font(path, size)


def _centred(canvas: Canvas, text: str, font: Font, y: float, ink: Colour) -> None:
    canvas.text((canvas.width - font.length(text)) / 2, y, text, font, ink)


def _finished(rng: np.random.Generator, canvas: Canvas) -> npt.NDArray[np.uint8]:
    return np.asarray(photograph(rng, canvas.image, strength=0.4), np.uint8)


def _contrasting(rng: np.random.Generator) -> tuple[str, Colour, Colour]:
    """A colour's name, the colour, and black or white upon it."""
    name = _one(rng, COLOUR_NAMES[:9])
    colour = jittered(rng, NAMED[name], 12)
    return name, colour, (15, 15, 15) if luminance(colour) > 125 else (245, 245, 245)


def _sign(rng: np.random.Generator) -> Subject:
    trade = _one(rng, tuple(TRADES))
    name = f"{_one(rng, SURNAMES)} {trade}"
    opens, closes = int(rng.integers(6, 10)), int(rng.integers(15, 20))
    hours = f"Open {opens} to {closes}"
    colour_name, colour, ink = _contrasting(rng)
    canvas = _canvas(rng, jittered(rng, (222, 214, 200), 20))
    top, bottom = canvas.height * 0.2, canvas.height * 0.75
    canvas.draw.rectangle((8, top, canvas.width - 9, bottom), fill=colour, outline=ink, width=3)
    canvas.draw.rectangle((canvas.width / 2 - 6, bottom, canvas.width / 2 + 6, canvas.height), ink)
    face = _typeface(rng)
    big = _font(face, [name], canvas.width - 40, 44)
    small = _font(face, [hours], canvas.width - 60, 26)
    _centred(canvas, name, big, top + (bottom - top) * 0.15, ink)
    _centred(canvas, hours, small, top + (bottom - top) * 0.58, ink)
    owner, year = _one(rng, SURNAMES), int(rng.integers(1880, 1995))
    first, second, third = TRADES[trade]
    street = _one(rng, ("Mill Lane", "Station Road", "the old market", "Church Street"))
    return Subject(
        name=name,
        pixels=_finished(rng, canvas),
        alt=f"{colour_name.capitalize()} sign of {name}, {hours.lower()}",
        words=f"{name} {hours}",
        shown=(
            f"The sign says {name}.",
            f"It is a {colour_name} sign with the words {hours.lower()}.",
            f"{name} is open {opens} to {closes}.",
        ),
        told=(
            f"{name} was founded in {year} by a cousin of the present owner, Ada {owner}, who "
            f"still comes in before dawn.",
            f"People drive here from {_one(rng, TOWNS)} because nobody else nearby sells {first} "
            f"of this kind, and on Saturdays there is a queue down to {street}.",
            f"When the river flooded, the neighbours carried all the {second} upstairs at "
            f"{name}, and not a thing was lost.",
            f"The prices have hardly changed, although the {third} now cost a little more than "
            f"they did before the new road was built.",
            f"Ask for the back room at {name} if you want to hear how the trade was learned in "
            f"those days.",
            f"What keeps {name} alive, in her own words, is patience and a good supply of {first}.",
        ),
    )


def _painting(rng: np.random.Generator) -> Subject:
    painter = _one(rng, SURNAMES)
    paper = jittered(rng, (240, 236, 226), 12)
    canvas = _canvas(rng, paper)
    placed: list[str] = []
    columns = int(rng.integers(2, 4))
    cell = canvas.width / columns
    size = min(cell, canvas.height) * float(rng.uniform(0.5, 0.75))
    for column in range(columns):
        shape, colour_name = _one(rng, _SHAPES), _one(rng, COLOUR_NAMES[:9])
        x = column * cell + (cell - size) / 2
        y = float(rng.uniform(6, canvas.height - size - 6))
        _shape(canvas, shape, (x, y, size), jittered(rng, NAMED[colour_name], 10))
        placed.append(f"{colour_name} {shape}")
    listed = ", ".join(f"a {item}" for item in placed)
    name = painter
    year, town = int(rng.integers(1921, 1999)), _one(rng, TOWNS)
    return Subject(
        name=name,
        pixels=_finished(rng, canvas),
        alt=f"Painting by {painter}: {listed}",
        words="",
        shown=(
            f"The painting shows {listed}.",
            f"From left to right there are {' and '.join(placed)}.",
            f"{painter} painted {listed}.",
        ),
        told=(
            f"{painter} made this picture in {year} after a long illness, and it hung for years in "
            f"the waiting room of a doctor in {town}.",
            f"The {placed[0]} is said to stand for a brother who had gone to sea, but the artist "
            f"never spoke about that in public.",
            f"Under the {placed[-1]} of {painter} the restorers found an older layer, which was "
            f"scratched off with a kitchen knife.",
            f"It was sold twice, once for a barrel of wine, before the museum in {town} could buy "
            f"it back.",
            f"Critics of the time called {painter} childish, though many of them came to see the "
            f"{placed[0]} more than once.",
            f"Visitors often miss how thin the paint is: {painter} had to save money on it that "
            f"winter.",
        ),
    )


def _shape(canvas: Canvas, shape: str, place: tuple[float, float, float], colour: Colour) -> None:
    x, y, size = place
    if shape == "circle":
        canvas.draw.ellipse((x, y, x + size, y + size), fill=colour)
    elif shape == "square":
        canvas.draw.rectangle((x, y, x + size, y + size), fill=colour)
    else:
        half = size / 2
        corners = [(x + half, y), (x + size, y + size), (x, y + size)]
        if shape == "diamond":
            corners = [(x + half, y), (x + size, y + half), (x + half, y + size), (x, y + half)]
        canvas.draw.polygon(corners, fill=colour)


def _chart(rng: np.random.Generator) -> Subject:
    title = _one(rng, tuple(_CHARTS))
    place, labels = _CHARTS[title]
    town = _one(rng, TOWNS)
    heading = f"{title} in {town}"
    chosen = [labels[i] for i in sorted(rng.permutation(len(labels))[: int(rng.integers(3, 5))])]
    values = [int(value) for value in rng.choice(np.arange(12, 98), len(chosen), replace=False)]
    canvas = _canvas(rng, (252, 252, 250))
    ink = (40, 40, 40)
    face = _typeface(rng)
    _centred(canvas, heading, _font(face, [heading], canvas.width - 24, 26), 6, ink)
    _bars(canvas, chosen, values, face, jittered(rng, NAMED[_one(rng, _BAR_COLOURS)], 15))
    best, worst = chosen[int(np.argmax(values))], chosen[int(np.argmin(values))]
    pairs = ", ".join(f"{label} {value}" for label, value in zip(chosen, values, strict=True))
    keeper = _one(rng, SURNAMES)
    name = f"{title.lower()} in {town}"
    return Subject(
        name=name,
        pixels=_finished(rng, canvas),
        alt=f"Bar chart of {title.lower()} in {town}: {pairs}",
        words=f"{heading} {' '.join(chosen)} {' '.join(map(str, values))}",
        shown=(
            f"The chart shows {title.lower()} in {town}.",
            f"The bars are {pairs}.",
            f"{best} is the highest bar and {worst} is the lowest bar.",
        ),
        told=(
            f"{best} came out so far ahead in the {name} that even Mr {keeper} was surprised, who "
            f"has kept the books of the {place} for thirty years.",
            f"He blames the poor figure for {worst} on the closed bridge, which kept people away "
            f"for weeks.",
            f"The figures for {name} were counted by hand until last year, so the older ones may "
            f"be off by a few.",
            f"For next season the {place} hopes to do better with {worst}, and it has borrowed "
            f"money to make that possible.",
            f"Not everybody believes that the {name} can tell the whole story, since half of the "
            f"work is done at night.",
            f"A copy of the table behind it can be had at the {place} for the price of a stamp.",
        ),
    )


def _bars(canvas: Canvas, labels: list[str], values: list[int], face: Path, colour: Colour) -> None:
    ink = (40, 40, 40)
    left, right, top, bottom = 16, canvas.width - 10, 46, canvas.height - 30
    step = (right - left) / len(labels)
    font = _font(face, labels, step - 4, 17)
    for number, (label, value) in enumerate(zip(labels, values, strict=True)):
        x = left + number * step
        y = bottom - (bottom - top - 18) * value / max(values)
        canvas.draw.rectangle((x + step * 0.15, y, x + step * 0.85, bottom), fill=colour)
        canvas.text(x + (step - font.length(label)) / 2, bottom + 4, label, font, ink)
        canvas.text(x + (step - font.length(str(value))) / 2, y - 20, str(value), font, ink)
    canvas.draw.line((left, bottom, right, bottom), fill=ink, width=2)


def _plan(rng: np.random.Generator) -> Subject:
    house = f"{_one(rng, SURNAMES)} House"
    rooms = [_ROOMS[i] for i in rng.permutation(len(_ROOMS))[: int(rng.integers(3, 5))]]
    canvas = _canvas(rng, (250, 249, 244))
    ink = (50, 50, 60)
    face = _typeface(rng)
    _centred(canvas, house, _font(face, [house], canvas.width - 30, 24), 6, ink)
    left, top, right, bottom = 12, 42, canvas.width - 13, canvas.height - 13
    split = top + (bottom - top) * float(rng.uniform(0.4, 0.6))
    cut = left + (right - left) * float(rng.uniform(0.4, 0.6))
    boxes: list[tuple[float, float, float, float]] = [
        (left, top, cut, split),
        (cut, top, right, split),
    ]
    if len(rooms) == 3:
        boxes.append((left, split, right, bottom))
    else:
        boxes += [(left, split, cut, bottom), (cut, split, right, bottom)]
    small = _font(face, rooms, min(x2 - x1 for x1, _, x2, _ in boxes) - 12, 20)
    for room, (x1, y1, x2, y2) in zip(rooms, boxes, strict=True):
        fill = jittered(rng, (228, 232, 236), 16)
        canvas.draw.rectangle((x1, y1, x2, y2), fill=fill, outline=ink, width=3)
        y = (y1 + y2 - small.ascent) / 2
        canvas.text((x1 + x2 - small.length(room)) / 2, y, room, small, ink)
    listed = ", ".join(rooms)
    town, year = _one(rng, TOWNS), int(rng.integers(1790, 1960))
    first, last = rooms[0].lower(), rooms[-1].lower()
    return Subject(
        name=house,
        pixels=_finished(rng, canvas),
        alt=f"Floor plan of {house} with {listed.lower()}",
        words=f"{house} {' '.join(rooms)}",
        shown=(
            f"The plan shows {house}.",
            f"There are {len(rooms)} rooms: {listed}.",
            f"{house} has a {first} and a {last}.",
        ),
        told=(
            f"{house} was put up in {year} by a ship owner from {town}, who lost it at cards "
            f"within ten years.",
            f"The {first} is always the warmest, for the chimney of the next building runs behind "
            f"its wall.",
            f"A door that once led from the {last} into the yard was bricked up during the war, "
            f"and only a step outside still tells of it.",
            f"Since then {house} has been a school, a hotel and, for one summer, a place to dry "
            f"fish.",
            f"The present owners live mostly in the {first}, as they find the other side too loud "
            f"when the market is on.",
            f"They would like to open {house} to guests next year if the council in {town} lets "
            f"them.",
        ),
    )
