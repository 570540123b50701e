"""Drawn user interfaces with labelled widgets, and the click that an instruction asks for."""

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import KINDS, Canvas
from qvl.data.synth.fonts import Font, font_files, load_font
from qvl.data.synth.palette import COLOUR_NAMES, NAMED, Colour, jittered, luminance
from qvl.data.synth.text import conversation_about
from qvl.data.synth.words import Split, random_word
from qvl.geometry import FACTOR, Box, Point
from qvl.tasks import agent, grounding
from qvl.tasks.actions import Click

_BUTTON, _CHECKBOX, _FIELD, _LINK = (
    KINDS.index(k) for k in ("button", "checkbox", "field", "link")
)


def _label(rng: np.random.Generator, split: Split, longest: int) -> str:
    word = random_word(rng, split=split, max_letters=longest, plain=True)
    if len(word) < 6 and rng.random() < 0.2:
        word += " " + random_word(rng, split=split, max_letters=6, plain=True)
    return word


def _widget(
    rng: np.random.Generator,
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    font: Font,
    colours: tuple[Colour, Colour, int],
) -> tuple[str, Box]:
    """Draws one widget with its top left at (x, y); returns its kind and box."""
    fill, ink, colour = colours
    tall, length = font.ascent + font.descent, font.length(text)
    form = rng.random()
    if form < 0.72:
        pad_x, pad_y = float(rng.integers(5, 14)), float(rng.integers(2, 8))
        box = Box(x, y, x + length + 2 * pad_x, y + tall + 2 * pad_y)
        outline = jittered(rng, (90, 90, 90), 40) if rng.random() < 0.5 else None
        canvas.draw.rounded_rectangle(
            tuple(box), int(rng.integers(0, 9)), fill=fill, outline=outline
        )
        canvas.text(x + pad_x, y + pad_y, text, font, ink)
        canvas.record(box, _BUTTON, colour)
        return "button", box
    dark = (40, 40, 45)
    if form < 0.82:
        side = tall * 0.8
        canvas.draw.rectangle(
            (x, y + 2, x + side, y + 2 + side), fill=(255, 255, 255), outline=dark
        )
        if rng.random() < 0.5:
            canvas.draw.line(
                (x + 3, y + side / 2, x + side / 2, y + side - 2, x + side - 2, y + 4), dark, 2
            )
        canvas.text(x + side + 5, y, text, font, dark)
        box = Box(x, y, x + side + 5 + length, y + tall)
        canvas.record(box, _CHECKBOX, COLOUR_NAMES.index("white"))
        return "checkbox", box
    if form < 0.92:
        box = Box(x, y, x + length + 30, y + tall + 6)
        canvas.draw.rectangle(tuple(box), fill=(255, 255, 255), outline=(150, 150, 150))
        canvas.text(x + 5, y + 3, text, font, (130, 130, 130))
        canvas.record(box, _FIELD, COLOUR_NAMES.index("white"))
        return "field", box
    box = canvas.text(x, y, text, font, (25, 80, 210))
    canvas.draw.line((box.x1, box.y2 - 2, box.x2, box.y2 - 2), (25, 80, 210))
    canvas.record(box, _LINK, COLOUR_NAMES.index("blue"))
    return "link", box


def screen_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    split: Split = "train",
    fonts: Split = "train",
    side_tokens: tuple[int, int] = (4, 9),
    questions: int = 2,
    clicks: float = 0.7,
    strength: float = 0.4,
) -> Sample:
    """Returns a window with widgets in rows, and buttons to click or locate.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        split: of words.
        fonts: of typefaces.
        side_tokens: least and most merged tokens (28 px) of a side.
        questions: most turns of the conversation.
        clicks: share of questions that want a click; the others want a box.
        strength: of the camera effects.
    """
    height, width = (int(v) * FACTOR for v in rng.integers(side_tokens[0], side_tokens[1] + 1, 2))
    shade = int(rng.integers(215, 256)) if rng.random() < 0.8 else int(rng.integers(20, 60))
    canvas = Canvas(height, width, (shade, shade, shade))
    files = font_files(fonts)
    path = files[int(rng.integers(len(files)))]
    hues = rng.choice(len(COLOUR_NAMES), 2, replace=False)
    buttons: list[tuple[str, Box]] = []
    y = float(rng.integers(3, 16))
    font = load_font(path, int(rng.integers(15, 26)))
    if rng.random() < 0.4:
        bar = jittered(rng, (70, 90, 130), 50)
        canvas.draw.rectangle((0, 0, width, y + font.ascent + font.descent), fill=bar)
        canvas.text(8, y, _label(rng, split, 9), font, (245, 245, 245))
        y += font.ascent + font.descent + float(rng.integers(6, 16))
    seen: set[str] = set()
    while y < height - font.ascent - font.descent - 12:
        x = float(rng.integers(4, 20))
        while True:
            text = _label(rng, split, 8)
            if text.lower() in seen or x + font.length(text) + 36 > width:
                break
            hue = int(rng.choice(hues)) if rng.random() < 0.6 else COLOUR_NAMES.index("white")
            fill = jittered(rng, NAMED[COLOUR_NAMES[hue]], 14)
            ink: Colour = (15, 15, 20) if luminance(fill) > 125 else (250, 250, 250)
            kind, box = _widget(rng, canvas, x, y, text, font, (fill, ink, hue))
            if kind == "button":
                buttons.append((text, box))
            seen.add(text.lower())
            x = box.x2 + float(rng.integers(6, 26))
        y += font.ascent + font.descent + float(rng.integers(14, 34))
    if not buttons:
        return screen_sample(
            rng,
            seed=seed,
            split=split,
            fonts=fonts,
            side_tokens=side_tokens,
            questions=questions,
            clicks=clicks,
            strength=strength,
        )
    # Every button once: where it is clicked tells where its box is.
    turns = [
        _ask(rng, buttons[int(i)], clicks=clicks, width=width, height=height)
        for i in rng.permutation(len(buttons))[:questions]
    ]
    return Sample(
        task="screen",
        conversation=conversation_about(canvas, turns, rng=rng, strength=strength),
        provenance=Provenance(generator="screens.screen_sample", seed=seed),
        targets=canvas.targets(),
        facts={"buttons": [[text, list(box)] for text, box in buttons]},
    )


def _ask(
    rng: np.random.Generator,
    button: tuple[str, Box],
    *,
    clicks: float,
    width: int,
    height: int,
) -> tuple[str, str]:
    """Returns a question about a button, which is a click with the probability ``clicks``."""
    text, box = button
    if rng.random() < clicks:
        centre = Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)
        return agent.click_prompt(text), agent.format(Click(point=centre))
    whole = Box(box.x1, box.y1, min(box.x2, width - 1), min(box.y2, height - 1))
    item = grounding.GroundedBox(box=whole, label=f"{text} button")
    return grounding.prompt(f"the {text} button"), grounding.format([item])
