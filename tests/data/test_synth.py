"""Generators: the same numbers give the same sample, and every label is true of the picture."""

from collections.abc import Callable

import numpy as np
import pytest

from qvl.data.records import ALPHABET, Sample
from qvl.data.synth.canvas import Canvas
from qvl.data.synth.fonts import font_files, load_font
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import FORMS, shapes_sample
from qvl.data.synth.text import line_sample, page_sample, word_sample
from qvl.data.synth.words import is_heldout, random_word
from qvl.errors import MissingDependencyError
from qvl.geometry import FACTOR, Box
from qvl.messages import Image
from qvl.tasks import agent, grounding
from qvl.tasks.actions import Click

try:
    font_files("train")
    font_files("heldout")
    HAVE_FONTS = True
except MissingDependencyError:
    HAVE_FONTS = False
needs_fonts = pytest.mark.skipif(not HAVE_FONTS, reason="the recipe's fonts are not installed")

GENERATORS = [
    pytest.param(word_sample, marks=needs_fonts),
    pytest.param(line_sample, marks=needs_fonts),
    pytest.param(page_sample, marks=needs_fonts),
    pytest.param(screen_sample, marks=needs_fonts),
    shapes_sample,
]


def draw(generator: Callable[..., Sample], number: int, **options: object) -> Sample:
    return generator(np.random.default_rng((7, number)), seed=(7, number), **options)


def pixels(sample: Sample) -> np.ndarray:
    part = sample.conversation.messages[0].content[0]
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source


def turns(sample: Sample) -> list[tuple[str, str]]:
    texts = [m.content[-1].text for m in sample.conversation.messages]  # type: ignore[union-attr]
    return list(zip(texts[::2], texts[1::2], strict=True))


@pytest.mark.parametrize("generator", GENERATORS)
def test_same_numbers_same_sample(generator: Callable[..., Sample]) -> None:
    first, again, other = draw(generator, 1), draw(generator, 1), draw(generator, 2)
    assert np.array_equal(pixels(first), pixels(again))
    assert turns(first) == turns(again)
    assert turns(first) != turns(other) or not np.array_equal(pixels(first), pixels(other))


@pytest.mark.parametrize("generator", GENERATORS)
def test_pictures_keep_their_size_and_hold_their_labels(
    generator: Callable[..., Sample],
) -> None:
    for number in range(30):
        sample = draw(generator, number)
        height, width, _ = pixels(sample).shape
        # A side no multiple of 28, or fewer than 4 tokens, would be resized and move labels.
        assert height % FACTOR == 0
        assert width % FACTOR == 0
        assert height * width >= 4 * FACTOR**2
        assert sample.targets is not None
        x, y, letter = sample.targets.glyphs.T
        assert (x >= 0).all()
        assert (x < width).all()
        assert (y >= 0).all()
        assert (y < height).all()
        assert (letter < len(ALPHABET)).all()


def test_the_box_of_a_shape_is_exactly_what_was_painted() -> None:
    for number in range(20):
        sample = draw(shapes_sample, number, most=1, forms=("box",), strength=0.0)
        image = pixels(sample).astype(int)
        painted = (np.abs(image - image[0, 0]).sum(-1) > 0).nonzero()
        (_, answer), *_ = turns(sample)
        (item,) = grounding.parse(answer).boxes
        assert item.box == Box(
            painted[1].min(), painted[0].min(), painted[1].max(), painted[0].max()
        )


@pytest.mark.parametrize("form", FORMS)
def test_answers_agree_with_the_facts(form: str) -> None:
    for number in range(20):
        sample = draw(shapes_sample, number, least=2, most=5, forms=(form,))
        ((question, answer),) = turns(sample)
        shapes = [(name, Box(*box)) for name, box in sample.facts["shapes"]]
        if form == "box":
            items = grounding.parse(answer).boxes
            assert [(i.label, i.box) for i in items] == sorted(
                (s for s in shapes if s[0] == items[0].label), key=lambda s: (s[1].y1, s[1].x1)
            )
            assert items[0].label in question
        elif form == "point":
            for item in grounding.parse(answer).points:
                assert any(
                    name == item.label
                    and box.x1 <= item.point.x <= box.x2
                    and box.y1 <= item.point.y <= box.y2
                    for name, box in shapes
                )
        elif form == "count":
            things = question.removeprefix("How many ").removesuffix(" are there in the image?")
            singular = ("crosses" in things and things[:-2]) or things[:-1]
            matching = [n for n, _ in shapes if singular == "shape" or n.endswith(singular)]
            assert int(answer) == len(matching)
        else:
            assert any(answer in name.split() for name, _ in shapes)


def test_no_answer_stands_in_the_text_before_its_question() -> None:
    asked = set()
    for number in range(150):
        said = ""
        for question, answer in turns(draw(shapes_sample, number)):
            asked.add(question.split()[0])
            if question.startswith("Locate"):
                assert f"Locate {question.split(' in this')[0][7:]} in this" not in said
            elif not question.startswith("How many"):
                subject = question.removesuffix(" object?").removesuffix("?").split()[-1]
                assert f"{answer} {subject}" not in said
                assert f"{subject} {answer}" not in said
            said += question + answer
    assert asked == {"Locate", "How", "What"}


@needs_fonts
def test_every_button_is_asked_about_once() -> None:
    for number in range(60):
        labels = [
            question.split("Click the ")[-1].split("Locate the ")[-1].split(" button")[0]
            for question, _ in turns(draw(screen_sample, number, questions=3))
        ]
        assert len(set(labels)) == len(labels)


@needs_fonts
def test_a_click_lands_on_its_button() -> None:
    for number in range(20):
        sample = draw(screen_sample, number, clicks=1.0)
        for question, answer in turns(sample):
            (action,) = agent.parse(answer).actions
            assert isinstance(action, Click)
            point = action.point
            assert point is not None
            (box,) = [
                Box(*b)
                for text, b in sample.facts["buttons"]
                if agent.click_prompt(text) == question
            ]
            assert box.x1 <= point.x <= box.x2
            assert box.y1 <= point.y <= box.y2


@needs_fonts
def test_a_glyph_stands_where_its_ink_is() -> None:
    font = load_font(font_files("train")[0], 30)
    canvas = Canvas(56, 84, (255, 255, 255))
    canvas.text(10, 5, "o", font, (0, 0, 0))
    ink = (canvas.pixels()[:, :, 0] < 128).nonzero()
    (x, y, letter) = canvas.glyphs[0]
    assert ALPHABET[int(letter)] == "o"
    assert abs(x - ink[1].mean()) < 1.5
    assert abs(y - ink[0].mean()) < 2.5


@needs_fonts
def test_turning_moves_labels_with_the_ink() -> None:
    font = load_font(font_files("train")[0], 30)
    canvas = Canvas(112, 168, (255, 255, 255))
    canvas.text(120, 10, "o", font, (0, 0, 0))
    canvas.turn(5.0, (255, 255, 255))
    ink = (canvas.pixels()[:, :, 0] < 128).nonzero()
    x, y, _ = canvas.glyphs[0]
    assert abs(x - ink[1].mean()) < 2
    assert abs(y - ink[0].mean()) < 3


def test_heldout_words_never_reach_training() -> None:
    rng = np.random.default_rng(3)
    train = {random_word(rng).lower() for _ in range(3000)}
    heldout = {random_word(rng, split="heldout", plain=True).lower() for _ in range(300)}
    assert not any(is_heldout(w) for w in train if w.isalpha())
    assert all(is_heldout(w) for w in heldout)


@needs_fonts
def test_font_families_are_split() -> None:
    assert not set(font_files("train")) & set(font_files("heldout"))
