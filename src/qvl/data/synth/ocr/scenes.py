"""Places where text is met: something hanging on a wall, a shop front, a shelf, loose words.

Owns: how flat things stand in a picture, text right on a surface, what covers a little of it. Does
not own: the flat things (``boards``), the camera (``effects``).

    rng, writer, size -> Sheet: the picture before the camera, with every line in its pixels
"""

from collections.abc import Callable

import numpy as np
from PIL import Image as PILImage
from PIL import ImageChops, ImageDraw

from qvl.data.synth.canvas import Colour
from qvl.data.synth.ocr.boards import (
    BOARDS,
    LEAST_PX,
    Board,
    fitted_face,
    in_lines,
    lively,
    stacked,
)
from qvl.data.synth.ocr.lettering import Paint, face
from qvl.data.synth.ocr.sheet import Sheet, area, hung, ink_size, paste_warped
from qvl.data.synth.ocr.typefaces import choose
from qvl.data.synth.ocr.writing import Writer
from qvl.data.synth.palette import jittered, luminance, random_colour
from qvl.data.synth.textures import surface, wall
from qvl.data.synth.warps import (
    Points,
    Warp,
    arched,
    between_quads,
    box_of,
    curled,
    moved,
    rectangle,
    rotated,
    waved,
)
from qvl.geometry import Box, ImageSize
from qvl.tasks.reading_order import Block, corners_of, reading_order

Scene = Callable[[np.random.Generator, Writer, ImageSize], Sheet]

MOST_COVERED = 0.08
"""Of a word's area, by what hangs before it; letters stay readable."""


def hanging(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """One to three boards on a wall or a table, each seen at its own angle."""
    picture = Sheet(surface(rng, size))
    count = int(rng.choice([1, 1, 2, 3]))
    across = size.width > size.height
    from_right = across and writer.language.right_to_left
    for i in reversed(range(count)) if from_right else range(count):
        start, stop = i / count, (i + 1) / count
        cell = (
            Box(size.width * start, 0, size.width * stop, size.height)
            if across
            else Box(0, size.height * start, size.width, size.height * stop)
        )
        gap = float(rng.uniform(0.05, 0.12)) * min(cell.x2 - cell.x1, cell.y2 - cell.y1)
        cell = Box(cell.x1 + gap, cell.y1 + gap, cell.x2 - gap, cell.y2 - gap)
        _hang(rng, writer, picture, cell)
    return picture


def dulled(rng: np.random.Generator) -> Colour:
    """Returns a colour as things are painted, less bright than light can be."""
    grey = float(rng.uniform(30, 200))
    r, g, b = (int(0.45 * grey + 0.55 * channel) for channel in random_colour(rng))
    return r, g, b


def _board(rng: np.random.Generator) -> Board:
    shares = np.array([share for share, _ in BOARDS.values()])
    boards = [board for _, board in BOARDS.values()]
    return boards[int(rng.choice(len(boards), p=shares / shares.sum()))]


def _hang(rng: np.random.Generator, writer: Writer, picture: Sheet, cell: Box) -> None:
    room = ImageSize(int(cell.y2 - cell.y1), int(cell.x2 - cell.x1))
    shape = float(rng.uniform(0.5, 1.0))
    flat = ImageSize(max(56, int(room.height * shape)), room.width)
    # A board on which no line finds room is not hung: nobody puts up an empty sign.
    tries = (_board(rng)(rng, writer, flat) for _ in range(4))
    sheet = next((board for board in tries if board.lines), None)
    if sheet is None:
        return
    warp = moved(0, 0)
    if rng.random() < 0.2:  # around a bottle or a pillar
        lift = float(rng.uniform(-0.06, 0.06)) * sheet.size.height
        bulge = float(rng.uniform(0.05, 0.25))
        warp = curled(sheet.size, top_px=lift, bottom_px=lift, bulge=bulge, side=0.5)
    warp = warp.then(_tilted(rng, sheet.size))
    border = warp.forward(rectangle(Box(0, 0, *sheet.size[::-1]), per_side=24))
    low, high = border.min(0), border.max(0)
    scale = min(1.0, room.width / (high[0] - low[0]), room.height / (high[1] - low[1]))
    dx = cell.x1 + (room.width - scale * (low[0] + high[0])) / 2
    dy = cell.y1 + (room.height - scale * (low[1] + high[1])) / 2
    if rng.random() < 0.6:
        _shade(rng, picture, warp.then(moved(dx + 4, dy + 5, scale=scale)), sheet)
    hung(sheet, picture, warp.then(moved(dx, dy, scale=scale)))


def _tilted(rng: np.random.Generator, size: ImageSize) -> Warp:
    """A turn and a view from aside."""
    height, width = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * np.array([width, height])
    moved_in = corners + inward * rng.uniform(0, float(rng.choice([0.02, 0.1])), (4, 2))
    return between_quads(corners, moved_in).then(rotated(float(np.clip(rng.normal(0, 4), -12, 12))))


def _shade(rng: np.random.Generator, picture: Sheet, warp: Warp, sheet: Sheet) -> None:
    """The shadow of a board of any shape."""
    dark = PILImage.new("RGBA", sheet.image.size, (0, 0, 0, 0))
    whole = PILImage.new("L", sheet.image.size, 255) if sheet.shape is None else sheet.shape
    weight = float(rng.uniform(0.15, 0.5))
    dark.putalpha(whole.point(lambda value: int(value * weight)))
    paste_warped(picture.image, dark, warp)


def shop_front(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A facade: a fascia with the name of the shop, an awning, a window, a door with a sign."""
    facade = wall(rng, size)
    picture = Sheet(facade)
    height, width = size
    fascia = Box(0.04 * width, 0.08 * height, 0.96 * width, 0.3 * height)
    ground = dulled(rng)
    ink: Colour = (245, 240, 225) if luminance(ground) < 128 else (25, 22, 20)
    picture.draw.rectangle(fascia, fill=ground, outline=jittered(rng, (60, 50, 40), 20), width=3)
    inner = Box(fascia.x1 + 12, fascia.y1 + 6, fascia.x2 - 12, fascia.y2 - 6)
    name = writer.words(writer.phrase(rng, "shops"))
    stacked(rng, picture, writer, [(name, "display", 1.0)], inner, lively(rng, ink))
    glass = Box(0.06 * width, 0.44 * height, 0.62 * width, 0.92 * height)
    picture.draw.rectangle(
        glass, fill=jittered(rng, (70, 92, 105), 25), outline=(40, 34, 30), width=5
    )
    door = Box(0.68 * width, 0.44 * height, 0.92 * width, height)
    picture.draw.rectangle(
        door, fill=jittered(rng, (96, 62, 40), 30), outline=(40, 34, 30), width=4
    )
    _awning(rng, picture, Box(0.02 * width, 0.31 * height, 0.98 * width, 0.41 * height))
    decal: Colour = (248, 246, 235)
    lines = [
        (writer.title(rng, 1), "hand", 1.2),
        (writer.words(writer.phrase(rng, "products")), "hand", 1.0),
    ]
    stacked(rng, picture, writer, lines, _shrunk(glass, 0.12), Paint(ink=decal))  # type: ignore[arg-type]
    card = Box(door.x1 + 8, door.y1 + 0.1 * height, door.x2 - 8, door.y1 + 0.24 * height)
    picture.draw.rectangle(card, fill=(250, 250, 246), outline=(150, 30, 30), width=2)
    phrase = in_lines(
        writer, writer.phrase(rng, "signs"), (card.x2 - card.x1) / (card.y2 - card.y1)
    )
    stacked(
        rng,
        picture,
        writer,
        [(words, "plain", 1.0) for words in phrase],
        _shrunk(card, 0.06),
        Paint(ink=(150, 30, 30)),
    )
    return _looked_at(rng, picture, facade)


def _shrunk(box: Box, share: float) -> Box:
    dx, dy = share * (box.x2 - box.x1), share * (box.y2 - box.y1)
    return Box(box.x1 + dx, box.y1 + dy, box.x2 - dx, box.y2 - dy)


def _awning(rng: np.random.Generator, picture: Sheet, box: Box) -> None:
    tints = (dulled(rng), (240, 238, 230))
    stripe = (box.x2 - box.x1) / int(rng.integers(8, 19))
    x, i = box.x1, 0
    while x < box.x2 - 1:
        right = min(x + stripe, box.x2)
        picture.draw.rectangle((x, box.y1, right, box.y2 - stripe / 3), fill=tints[i % 2])
        picture.draw.pieslice((x, box.y2 - stripe, right, box.y2), 0, 180, fill=tints[i % 2])
        x, i = x + stripe, i + 1


def _looked_at(rng: np.random.Generator, flat: Sheet, facade: PILImage.Image) -> Sheet:
    """The whole of a flat scene, seen a little from aside; more of its wall is around it."""
    height, width = flat.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    reach = rng.uniform(0, 0.06, (4, 2)) * np.array([width, height])
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    picture = Sheet(facade)
    hung(flat, picture, between_quads(corners, corners + inward * reach))
    return picture


def shelf(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """Spines of books: titles turned a quarter, or written downwards where the language does."""
    height, width = size
    picture = Sheet(PILImage.new("RGB", (width, height), jittered(rng, (52, 36, 26), 12)))
    board = 0.95 * height
    picture.draw.rectangle((0, board, width, height), fill=jittered(rng, (120, 84, 54), 20))
    x = float(rng.integers(4, 20))
    while x < width - 40:
        wide = float(rng.integers(34, 84))
        if x + wide > width - 4:
            break
        top = float(rng.uniform(0.04, 0.25)) * height
        _spine(rng, writer, picture, Box(x, top, x + wide, board))
        x += wide + float(rng.choice([1, 1, 2, 3, 18]))
    if writer.language.right_to_left:
        picture.lines.reverse()
    return picture


def _spine(rng: np.random.Generator, writer: Writer, picture: Sheet, box: Box) -> None:
    cover = dulled(rng)
    ink: Colour = (238, 214, 150) if luminance(cover) < 120 else (30, 26, 24)
    picture.draw.rectangle(box, fill=cover, outline=jittered(rng, cover, 30))
    for share in (0.04, 0.07, 0.93):
        y = box.y1 + share * (box.y2 - box.y1)
        picture.draw.line((box.x1, y, box.x2, y), fill=ink, width=2)
    room = ImageSize(int(box.x2 - box.x1 - 8), int(0.76 * (box.y2 - box.y1)))
    words = writer.title(rng, int(rng.integers(1, 4)))
    vertical = writer.language.vertical and rng.random() < 0.7
    if vertical:
        opened = fitted_face(rng, writer, words, "plain", ImageSize(*room[::-1]), vertical=True)
    else:
        opened = fitted_face(rng, writer, words, "display", room)
    if opened is None:
        return
    middle = (box.x1 + box.x2) / 2
    if vertical:
        top = box.y1 + 0.12 * (box.y2 - box.y1)
        picture.write(
            words, middle - opened.size_px / 2, top, opened, Paint(ink=ink), vertical=True
        )
    else:
        # English and most others read downwards; French, German and Spanish spines often upwards.
        upwards = writer.language.code in ("fr", "de", "es", "it", "pt") and rng.random() < 0.7
        ink_box = ink_size(opened, words)
        turned = moved(-ink_box.width / 2, -ink_box.height / 2).then(
            rotated(-90 if upwards else 90)
        )
        centre = moved(middle, (box.y1 + box.y2) / 2)
        picture.write_bent(words, turned.then(centre), opened, Paint(ink=ink))
    picture.next_row()


def loose_words(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """Words right on a surface: any size and colour, turned, bent, waving, in perspective."""
    picture = Sheet(surface(rng, size))
    taken: list[Box] = []
    for _ in range(int(rng.integers(3, 10))):
        _loose(rng, writer, picture, taken)
    places = [Block(line.text, corners_of(box_of(line.polygon))) for line in picture.lines]
    picture.lines = [picture.lines[i] for i in reading_order(places)]
    return picture


def _loose(rng: np.random.Generator, writer: Writer, picture: Sheet, taken: list[Box]) -> None:
    words = writer.title(rng, int(rng.integers(1, 4)))
    style = ("plain", "display", "hand")[int(rng.integers(3))]
    typeface = choose(rng, writer.language, "".join(words), style)  # type: ignore[arg-type]
    largest = min(96, picture.size.height // 4)
    opened = face(
        typeface, writer.language, int(rng.integers(LEAST_PX + 4, max(largest, LEAST_PX + 6)))
    )
    outline_px = int(rng.choice([0, 0, 1, 2, 3]))
    flat = ink_size(opened, words, outline_px=outline_px)
    for _ in range(6):
        warp = _bend(rng, flat)
        border = warp.forward(rectangle(Box(0, 0, flat.width, flat.height), per_side=16))
        low, high = border.min(0), border.max(0)
        room = np.array(picture.size[::-1]) - (high - low) - 8
        if room.min() <= 0:
            continue
        dx, dy = rng.uniform(4, room + 4) - low
        box = box_of(border + np.array([dx, dy]))
        if any(_touch(box, other) for other in taken):
            continue
        paint, needed = _readable(rng, picture, box, outline_px)
        line = picture.write_bent(words, warp.then(moved(dx, dy)), opened, paint, outline_px=needed)
        if line is not None:
            taken.append(box)
            picture.next_row()
        return


def _touch(a: Box, b: Box, gap: float = 6.0) -> bool:
    return a.x1 < b.x2 + gap and b.x1 < a.x2 + gap and a.y1 < b.y2 + gap and b.y1 < a.y2 + gap


def _bend(rng: np.random.Generator, flat: ImageSize) -> Warp:
    """How loose words lie, from their own box with its left top at (0, 0)."""
    form = rng.random()
    turn = rotated(float(np.clip(rng.normal(0, 12), -40, 40)))
    if form < 0.3:
        return turn
    if form < 0.5:
        return _tilted(rng, flat)
    long = flat.width / max(flat.height, 1)
    if form < 0.8 and long > 2.5:
        most = min(150.0, np.degrees(flat.width / flat.height) * 0.8)
        return arched(flat, float(rng.uniform(15, most)) * float(rng.choice([-1, 1]))).then(turn)
    if long > 3:
        tall = float(rng.uniform(0.1, 0.45)) * flat.height
        return waved(tall, flat.width / float(rng.uniform(0.8, 1.6)), float(rng.uniform(0, 6.3)))
    return turn


def _readable(
    rng: np.random.Generator, picture: Sheet, box: Box, outline_px: int
) -> tuple[Paint, int]:
    """A paint that stands out from the ground, with an outline where the ground is restless."""
    region = picture.image.crop((int(box.x1), int(box.y1), int(box.x2), int(box.y2)))
    ground = np.asarray(region.convert("L"), np.float32)
    light, restless = float(ground.mean()), float(ground.std()) > 28
    while True:
        ink = random_colour(rng)
        if abs(luminance(ink) - light) > 65:
            break
    if restless:
        outline_px = max(outline_px, 2)
    paint = lively(rng, ink)
    if outline_px:
        outline: Colour = (12, 12, 14) if luminance(ink) > 128 else (250, 250, 248)
        paint = Paint(ink=paint.ink, ink_below=None, outline=outline, shadow=paint.shadow)
    return paint, outline_px


def partly_covered(rng: np.random.Generator, picture: Sheet) -> None:
    """Draws wires, twigs or leaves before the scene; no word loses more than `MOST_COVERED`."""
    size = (picture.size.width, picture.size.height)
    colour = jittered(rng, ((30, 30, 32), (60, 84, 40), (96, 70, 46))[int(rng.integers(3))], 12)
    for _ in range(int(rng.integers(1, 4))):
        cover = PILImage.new("L", size)
        pen = ImageDraw.Draw(cover)
        if rng.random() < 0.6:
            starts, stops = rng.uniform(0, size[0], 2), rng.uniform(0, size[1], 2)
            ends = [(0.0, float(stops[0])), (float(size[0]), float(stops[1]))]
            if rng.random() < 0.3:
                ends = [(float(starts[0]), 0.0), (float(starts[1]), float(size[1]))]
            pen.line(ends, fill=255, width=int(rng.integers(2, 5)))
        else:
            _leaves(rng, cover)
        polygons = [word.polygon for line in picture.lines for word in line.words]
        if all(_covered(cover, polygon) <= MOST_COVERED for polygon in polygons):
            picture.image.paste(colour, mask=cover)


def _leaves(rng: np.random.Generator, cover: PILImage.Image) -> None:
    """Leaves that reach in from an edge."""
    width, height = cover.size
    x, y = float(rng.uniform(0, width)), float(rng.choice([0, height]))
    spread = 0.1 * min(cover.size)
    leaf = rectangle(Box(-1, -0.35, 1, 0.35), per_side=1)
    for _ in range(int(rng.integers(6, 22))):
        shape = rotated(float(rng.uniform(0, 360))).forward(leaf * spread * rng.uniform(0.15, 0.4))
        shape = shape + np.array([x, y]) + rng.normal(0, spread / 2, 2)
        points = [tuple(point) for point in shape.tolist()]
        ImageDraw.Draw(cover).polygon(points, fill=255)


def _covered(cover: PILImage.Image, polygon: Points) -> float:
    """Which part of a polygon a mask covers."""
    x1, y1, x2, y2 = (int(v) for v in box_of(polygon))
    part = cover.crop((x1, y1, x2 + 1, y2 + 1))
    if part.getbbox() is None:
        return 0.0
    inner = PILImage.new("L", part.size)
    ImageDraw.Draw(inner).polygon([(x - x1, y - y1) for x, y in polygon.tolist()], fill=255)
    both = np.asarray(ImageChops.multiply(part, inner), np.float32)
    return float(both.sum() / 255 / max(area(polygon), 1.0))


SCENES: dict[str, tuple[float, Scene]] = {
    "hanging": (0.45, hanging),
    "loose": (0.25, loose_words),
    "shop": (0.15, shop_front),
    "shelf": (0.15, shelf),
}
"""Name -> share and function."""
