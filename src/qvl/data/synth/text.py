"""Pictures of text: single words, short lines, pages dense with lines.

Each generator returns a `Sample` whose answers and dense labels are exact by construction.
"""

import numpy as np

from qvl.data.records import DenseTargets, Provenance, Sample
from qvl.data.synth.canvas import KINDS, Canvas, photograph
from qvl.data.synth.fonts import Font, font_files, load_font
from qvl.data.synth.palette import COLOUR_NAMES, Colour, nearest_name, paper_and_ink
from qvl.data.synth.words import Split, random_line, random_word
from qvl.geometry import FACTOR, Box
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import grounding

READ_PROMPT = "Read all the text in the image."
"""Source: official cookbooks/ocr.ipynb."""

_LINE = KINDS.index("line")


def conversation_about(
    canvas: Canvas, turns: list[tuple[str, str]], *, rng: np.random.Generator, strength: float
) -> Conversation:
    """Returns the picture, photographed, with questions and answers about it as turns."""
    pixels = np.asarray(photograph(rng, canvas.image, strength=strength), np.uint8)
    messages = []
    for number, (question, answer) in enumerate(turns):
        picture = (Image(pixels),) if number == 0 else ()
        messages.append(Message("user", (*picture, Text(question))))
        messages.append(Message("assistant", (Text(answer),)))
    return Conversation(tuple(messages))


def _some_font(
    rng: np.random.Generator, split: Split, size_px: int, most: int | None = None
) -> Font:
    files = font_files(split)[:most]
    return load_font(files[int(rng.integers(len(files)))], size_px)


def _sides(pixels: float) -> int:
    """Returns the smallest multiple of 28, at least 56, that holds so many pixels.

    Four tokens are the fewest an image may have, so a picture of these sides is never resized.
    """
    return max(2 * FACTOR, int(-(-pixels // FACTOR)) * FACTOR)


def word_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    split: Split = "train",
    fonts: Split = "train",
    max_letters: int = 8,
    plain: bool = False,
    strength: float = 0.7,
) -> Sample:
    """Returns one word, or a few letters, on a picture hardly larger than it."""
    word = random_word(rng, split=split, max_letters=max_letters, plain=plain)
    size = int(rng.integers(18, 43))
    font = _some_font(rng, fonts, size)
    paper, ink = paper_and_ink(rng)
    length, tall = font.length(word), font.ascent + font.descent
    height = _sides(tall + int(rng.integers(2, 24)))
    width = _sides(length + int(rng.integers(4, 48)))
    canvas = Canvas(height, width, paper)
    x = float(rng.uniform(1, max(2, width - length - 1)))
    y = float(rng.uniform(0, max(1, height - tall)))
    canvas.text(x, y, word, font, ink)
    if rng.random() < 0.2:
        canvas.turn(float(rng.uniform(-5, 5)), paper)
    return Sample(
        task="word",
        conversation=conversation_about(canvas, [(READ_PROMPT, word)], rng=rng, strength=strength),
        provenance=Provenance(generator="text.word_sample", seed=seed),
        targets=canvas.targets(),
        facts={"text": word},
    )


def _fill_with_lines(
    rng: np.random.Generator,
    canvas: Canvas,
    ink: Colour,
    *,
    split: Split,
    sizes: tuple[int, int],
    most_fonts: int | None,
) -> list[tuple[str, Box]]:
    """Draws lines from top to bottom until the picture is full."""
    y = float(rng.integers(1, 10))
    font = _some_font(rng, split, int(rng.integers(*sizes)), most_fonts)
    lines = []
    while y + font.ascent + font.descent <= canvas.height:
        x = float(rng.integers(2, 16))
        room = canvas.width - x - 2
        text = random_line(rng, max_characters=max(1, int(room // font.width("n"))), split=split)
        while font.length(text) > room:
            text = text[:-1].rstrip()
        if text:
            lines.append((text, canvas.text(x, y, text, font, ink)))
        y += (font.ascent + font.descent) * float(rng.uniform(0.95, 1.35))
        if rng.random() < 0.2:
            font = _some_font(rng, split, int(rng.integers(*sizes)), most_fonts)
    return lines


def page_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    split: Split = "train",
    side_tokens: tuple[int, int] = (5, 10),
    sizes: tuple[int, int] = (15, 38),
    most_fonts: int | None = None,
    plain: float = 0.55,
    strength: float = 0.7,
) -> Sample:
    """Returns a picture dense with lines; the material on which the tower learns letters.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        split: of words and fonts.
        side_tokens: least and most merged tokens (28 px) of a side.
        sizes: least size of a font in pixels, and one more than the largest.
        most_fonts: only so many of the split's fonts, the most common; None takes all.
        plain: share of pages that are dark grey on light grey.
        strength: of the camera effects.
    """
    height, width = (int(v) * FACTOR for v in rng.integers(side_tokens[0], side_tokens[1] + 1, 2))
    paper, ink = paper_and_ink(rng, plain=plain)
    canvas = Canvas(height, width, paper)
    lines = _fill_with_lines(rng, canvas, ink, split=split, sizes=sizes, most_fonts=most_fonts)
    if rng.random() < 0.2 * strength:
        canvas.turn(float(rng.uniform(-3, 3)), paper)
    return _lines_sample("page", canvas, lines, rng=rng, seed=seed, strength=strength)


def line_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    split: Split = "train",
    fonts: Split = "train",
    most_lines: int = 3,
    strength: float = 0.7,
    spotting: bool = False,
) -> Sample:
    """Returns one to a few short lines with little around them.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        split: of words.
        fonts: of typefaces.
        most_lines: one to this many lines.
        strength: of the camera effects.
        spotting: ask for lines with boxes in JSON instead of plain text.
    """
    count = int(rng.integers(1, most_lines + 1))
    size = int(rng.integers(17, 37))
    font = _some_font(rng, fonts, size)
    paper, ink = paper_and_ink(rng)
    texts = [
        random_line(rng, max_characters=int(rng.integers(4, 17)), split=split) for _ in range(count)
    ]
    pitch = (font.ascent + font.descent) * float(rng.uniform(1.0, 1.4))
    height = _sides(pitch * count + int(rng.integers(2, 30)))
    width = _sides(max(map(font.length, texts)) + int(rng.integers(6, 60)))
    canvas = Canvas(height, width, paper)
    top = float(rng.uniform(0, max(1, height - pitch * count)))
    left = float(rng.uniform(2, max(3, width - max(map(font.length, texts)) - 2)))
    lines = [
        (text, canvas.text(left, top + i * pitch, text, font, ink)) for i, text in enumerate(texts)
    ]
    if spotting:
        for _, box in lines:
            canvas.record(_inside(box, canvas), _LINE, COLOUR_NAMES.index(nearest_name(ink)))
    name = "spot" if spotting else "line"
    return _lines_sample(name, canvas, lines, rng=rng, seed=seed, strength=strength)


def _lines_sample(
    task: str,
    canvas: Canvas,
    lines: list[tuple[str, Box]],
    *,
    rng: np.random.Generator,
    seed: tuple[int, ...],
    strength: float,
) -> Sample:
    text = "\n".join(line for line, _ in lines)
    if task == "spot":
        boxes = [grounding.GroundedBox(box=_inside(box, canvas), label=line) for line, box in lines]
        turn = (grounding.SPOTTING_PROMPT, grounding.format(boxes, label_key="text_content"))
    else:
        turn = (READ_PROMPT, text)
    targets = canvas.targets()
    return Sample(
        task=task,
        conversation=conversation_about(canvas, [turn], rng=rng, strength=strength),
        provenance=Provenance(generator="text.line_sample", seed=seed),
        targets=DenseTargets(glyphs=targets.glyphs, objects=targets.objects),
        facts={"text": text, "boxes": [list(box) for _, box in lines]},
    )


def _inside(box: Box, canvas: Canvas) -> Box:
    return Box(
        max(0, box.x1),
        max(0, box.y1),
        min(canvas.width - 1, box.x2),
        min(canvas.height - 1, box.y2),
    )
