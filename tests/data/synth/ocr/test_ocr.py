"""Text in twelve languages: drawn whole and shaped, where labels say, in the order of reading."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFilter

from qvl.data.encoding import content_id
from qvl.data.filters.ocr import letters_at_least, lines_stand_out
from qvl.data.filters.rules import places_inside
from qvl.data.records import Sample
from qvl.data.synth.ocr import scenes, typefaces
from qvl.data.synth.ocr.answers import facts, whole_box
from qvl.data.synth.ocr.boards import BOARDS
from qvl.data.synth.ocr.documents import KINDS, document_sample
from qvl.data.synth.ocr.languages import (
    LANGUAGES,
    common_characters,
    holds_heldout,
    invented_word,
    names,
    texts,
    vocabulary,
)
from qvl.data.synth.ocr.lettering import Paint, face, length, lettered
from qvl.data.synth.ocr.pages import article, vertical_page
from qvl.data.synth.ocr.scenes import SCENES
from qvl.data.synth.ocr.sheet import Sheet, ink_size
from qvl.data.synth.ocr.typefaces import Style, choose
from qvl.data.synth.ocr.wild import wild_sample
from qvl.data.synth.ocr.writing import Writer, writer
from qvl.data.synth.warps import arched, box_of, moved
from qvl.data.synth.words import is_heldout
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import FACTOR, ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import extraction, ocr

BLACK = Paint(ink=(0, 0, 0))
STYLES: tuple[Style, ...] = ("plain", "display", "hand")


def able(code: str) -> bool:
    """Whether this machine has fonts and libraries for a language."""
    try:
        face(
            choose(np.random.default_rng(0), LANGUAGES[code], sample_text(code)),
            LANGUAGES[code],
            20,
        )
    except MissingDependencyError:
        return False
    return True


def sample_text(code: str) -> str:
    return "".join(texts(code)["labels"].values()).replace(" ", "")


ABLE = [code for code in LANGUAGES if able(code)]
needs_all = pytest.mark.skipif(
    len(ABLE) < len(LANGUAGES),
    reason=f"no fonts for {sorted(LANGUAGES.keys() - set(ABLE))}; see typefaces.py",
)
each_language = pytest.mark.parametrize(
    "code",
    [
        pytest.param(code, marks=() if code in ABLE else pytest.mark.skip(reason="no fonts"))
        for code in LANGUAGES
    ],
)


def some_languages(name: str, table: Mapping[str, object]) -> list[str]:
    """Three of the languages, others for each name; all of them over the table."""
    number = list(table).index(name)
    return list(LANGUAGES)[number % 4 :: 4]


def author(code: str, seed: int = 1) -> Writer:
    return writer(np.random.default_rng(seed), code, "train")


def white(height: int = 200, width: int = 900) -> Sheet:
    return Sheet(PILImage.new("RGB", (width, height), (255, 255, 255)))


def dark(image: PILImage.Image) -> np.ndarray:
    return np.asarray(image.convert("L")) < 255


def picture_of(sample: Sample) -> np.ndarray:
    part = sample.conversation.messages[0].content[0]
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source


def turn_of(sample: Sample) -> tuple[str, str]:
    question, answer = (m.content[-1] for m in sample.conversation.messages)
    assert isinstance(question, Text)
    assert isinstance(answer, Text)
    return question.text, answer.text


def drawn(generator: Callable[..., Sample], number: int, **options: object) -> Sample:
    return generator(np.random.default_rng((9, number)), seed=(9, number), **options)


@each_language
def test_every_character_is_drawn_as_itself(code: str) -> None:
    language = LANGUAGES[code]
    rng = np.random.default_rng(2)
    known = [*vocabulary(code, "train"), *vocabulary(code, "heldout"), *names(code)]
    every = sorted({letter for word in known for letter in word if not letter.isspace()})
    some = [every[int(i)] for i in rng.integers(len(every), size=12)]
    some += list(common_characters(language.script)[::400])
    for style in STYLES:
        for typeface in typefaces.typefaces(language.script, style):
            opened = face(typeface, language, 24)
            # A code point that no font has shows what a font draws for those it lacks.
            missing = opened.font.getmask("\U0010fffe").getbbox()
            box = bytes(opened.font.getmask("\U0010fffe"))
            for letter in some:
                if typeface.covers(letter):
                    mask = opened.font.getmask(letter, language=code)
                    assert mask.getbbox() is not None, (typeface.path.stem, letter)
                    assert missing is None or bytes(mask) != box, (typeface.path.stem, letter)


@each_language
def test_the_words_of_a_language_find_a_typeface(code: str) -> None:
    rng = np.random.default_rng(3)
    lists = texts(code)
    for phrase in [*lists["signs"], *lists["shops"], *lists["products"], *lists["labels"].values()]:
        for style in STYLES:
            assert choose(rng, LANGUAGES[code], phrase, style).covers(phrase)


@each_language
def test_ink_lies_in_the_boxes_of_its_words_and_nowhere_else(code: str) -> None:
    me, rng = author(code), np.random.default_rng(4)
    for style in STYLES:
        words = me.running(rng, 6)
        sheet = white(140, 2200)
        opened = face(choose(rng, me.language, "".join(words), style), me.language, 30)
        line = sheet.write(words, 40, 40, opened, BLACK)
        assert line.text == me.joined(words)
        ink = dark(sheet.image)
        for word in line.words:
            x1, y1, x2, y2 = map(int, box_of(word.polygon))
            inside = ink[y1:y2, x1:x2]
            # Tight: every side of the box touches ink.
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
        for word in line.words:
            x1, y1, x2, y2 = map(int, box_of(word.polygon))
            ink[y1:y2, x1:x2] = False
        assert not ink.any()


@needs_all
def test_blanking_one_word_leaves_the_others() -> None:
    me, rng = author("en"), np.random.default_rng(5)
    words = ["reading", "every", "word"]
    opened = face(choose(rng, me.language, "".join(words)), me.language, 32)
    sheet, rest = white(), white()
    line = sheet.write(words, 30, 30, opened, BLACK)
    for other in line.words[1:]:
        box = tuple(map(int, box_of(other.polygon)))
        rest.image.paste(sheet.image.crop(box), box[:2])  # type: ignore[arg-type]
    box = tuple(map(int, box_of(line.words[0].polygon)))
    sheet.image.paste((255, 255, 255), box)  # type: ignore[arg-type]
    assert sheet.image.tobytes() == rest.image.tobytes()


@needs_all
def test_bent_text_stays_in_its_polygons() -> None:
    me, rng = author("fr"), np.random.default_rng(6)
    words = ["été", "à", "Genève"]
    opened = face(choose(rng, me.language, "".join(words)), me.language, 40)
    flat = ink_size(opened, words)
    sheet = white(400, 500)
    line = sheet.write_bent(words, arched(flat, 100).then(moved(120, 120)), opened, BLACK)
    assert line is not None
    cover = PILImage.new("L", sheet.image.size)
    for word in line.words:
        points = [tuple(point) for point in word.polygon.tolist()]
        ImageDraw.Draw(cover).polygon(points, fill=255, outline=255)
    allowed = np.asarray(cover.filter(ImageFilter.MaxFilter(5))) > 0  # blended edges
    ink = np.asarray(sheet.image.convert("L")) < 200
    assert ink.any()
    assert not (ink & ~allowed).any()


@pytest.mark.skipif("ar" not in ABLE, reason="no Arabic fonts")
def test_arabic_is_joined_and_begins_at_the_right() -> None:
    me, rng = author("ar"), np.random.default_rng(7)
    word = "مدرسة"
    for _ in range(5):
        opened = face(choose(rng, me.language, word), me.language, 40)
        isolated = sum(opened.length(letter) for letter in word)
        assert abs(opened.length(word) - isolated) > 0.05 * isolated
    line = white().write([word, "كبيرة", "12"], 40, 40, opened, BLACK)
    lefts = [box_of(part.polygon).x1 for part in line.words]
    assert lefts == sorted(lefts, reverse=True)


@pytest.mark.skipif("ja" not in ABLE, reason="no Japanese fonts")
def test_vertical_lines_run_down_from_the_right() -> None:
    me, rng = author("ja"), np.random.default_rng(8)
    sheet = vertical_page(rng, me, ImageSize(700, 700))
    boxes = [box_of(line.polygon) for line in sheet.lines]
    assert all(a.x1 > b.x1 for a, b in pairwise(boxes))
    for line in sheet.lines:
        assert line.vertical
        tops = [box_of(word.polygon).y1 for word in line.words]
        assert tops == sorted(tops)
    # Written downwards, the long mark stands upright.
    opened = face(choose(rng, me.language, "ー", vertical=True), me.language, 40)
    across, down = (lettered(opened, ["ー"], vertical=way).ink for way in (False, True))
    assert across.x2 - across.x1 > across.y2 - across.y1
    assert down.x2 - down.x1 < down.y2 - down.y1


@each_language
def test_columns_are_read_one_after_the_other(code: str) -> None:
    me = author(code)
    for number in range(3):
        sheet = article(np.random.default_rng((11, number)), me, ImageSize(700, 840))
        boxes = [box_of(line.polygon) for line in sheet.lines]
        assert all(min(box) >= 0 and box.x2 <= 840 and box.y2 <= 700 for box in boxes)
        # A line higher up than the one before begins a column, on the side of later reading.
        for before, after in pairwise(boxes):
            if after.y2 < before.y1:
                rightwards = after.x1 > before.x1
                assert rightwards != me.language.right_to_left


def test_words_of_evaluation_never_reach_training() -> None:
    rng = np.random.default_rng(12)
    for code in LANGUAGES:
        train, held = set(vocabulary(code, "train")), set(vocabulary(code, "heldout"))
        assert len(train) > 500
        assert len(held) > 50
        assert not train & held
        assert not any(map(is_heldout, train))
        assert all(is_heldout(invented_word(rng, code, "heldout")) for _ in range(5))
        me = author(code)
        assert not any(holds_heldout(me.phrase(rng, "signs")) for _ in range(20))


@needs_all
def test_fonts_with_capitals_only_draw_no_small_letters() -> None:
    faces = [f for style in STYLES for f in typefaces.typefaces("latin", style)]
    capitals = [f for f in faces if f.has_capitals_only]
    assert len(capitals) < len(faces) / 2
    for typeface in capitals:
        assert typeface.covers("ABC")
        assert not typeface.covers("Abc")
    if names_of := {f.path.stem for f in faces} & {"BebasNeue-Bold"}:
        assert names_of <= {f.path.stem for f in capitals}


@needs_all
@pytest.mark.parametrize("name", BOARDS)
def test_boards_keep_text_on_them(name: str) -> None:
    written = 0
    for number, code in enumerate(some_languages(name, BOARDS)):
        sheet = BOARDS[name][1](np.random.default_rng(number), author(code), ImageSize(196, 392))
        for line in sheet.lines:
            box = box_of(line.polygon)
            assert min(box) >= -1, (code, line.text)
            assert box.x2 <= sheet.size.width + 1
            assert box.y2 <= sheet.size.height + 1
        written += len(sheet.lines)
    assert written >= 3


@needs_all
@pytest.mark.parametrize("generator", [wild_sample, document_sample])
def test_answers_say_what_the_facts_say(generator: Callable[..., Sample]) -> None:
    asked = set()
    samples = [drawn(generator, number, side_tokens=(16, 20)) for number in range(12)]
    assert all(places_inside(sample) is None for sample in samples)
    for sample in samples:
        height, width, _ = picture_of(sample).shape
        assert height % FACTOR == width % FACTOR == 0
        question, answer = turn_of(sample)
        asked.add(sample.task)
        lines = sample.facts["lines"]
        if sample.task == "ocr_fields":
            fields = sample.facts["fields"]
            assert question == extraction.prompt(list(fields))
            assert extraction.parse(answer, list(fields)).value == fields
            for value in fields.values():
                assert value in sample.facts["text"]
        elif sample.task == "ocr_text":
            assert ocr.parse(answer).text == sample.facts["text"]
        else:
            level = "word" if sample.task == "ocr_word" else "line"
            read = ocr.parse(answer, level=level).lines
            wanted = (
                [word for line in lines for word in line["words"]]
                if level == "word"
                else [[line["text"], line["box"]] for line in lines]
            )
            assert [[line.text, list(line.box or ())] for line in read] == wanted
            assert all(0 <= b[0] < b[2] <= width and 0 <= b[1] < b[3] <= height for _, b in wanted)
            if sample.task == "ocr_quad":
                assert "polygon" in question
                assert [[list(p) for p in line.outline] for line in read] == [
                    line["quad"] for line in lines
                ]
    assert len(asked) >= 3


@needs_all
@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_has_text(scene: str) -> None:
    for number, code in enumerate(some_languages(scene, SCENES)):
        sample = drawn(
            wild_sample, number, languages={code: 1.0}, scenes=(scene,), side_tokens=(14, 18)
        )
        assert sample.facts["scene"] == scene
        assert sample.facts["language"] == code
        assert sample.facts["text"]


@needs_all
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_document_has_text(kind: str) -> None:
    for number, code in enumerate(some_languages(kind, KINDS)):
        sample = drawn(
            document_sample, number, languages={code: 1.0}, kinds=(kind,), side_tokens=(18, 20)
        )
        assert sample.facts["kind"] in (kind, "vertical")
        assert len(sample.facts["lines"]) > 2


@needs_all
def test_what_covers_a_scene_covers_little_of_each_word() -> None:
    for number in range(6):
        rng = np.random.default_rng((13, number))
        picture = SCENES["loose"][1](rng, author("en"), ImageSize(392, 392))
        before = np.asarray(picture.image, np.int16)
        scenes.partly_covered(rng, picture)
        changed = (np.abs(np.asarray(picture.image, np.int16) - before).sum(-1) > 0).astype(float)
        for line in picture.lines:
            for word in line.words:
                x1, y1, x2, y2 = map(int, whole_box(word.polygon, picture.size))
                whole = changed[y1:y2, x1:x2].sum()
                # Three covers at most, and a box is no smaller than its polygon.
                assert whole <= 3 * scenes.MOST_COVERED * (x2 - x1) * (y2 - y1) + 4 * (y2 - y1)


HASHES = """
import hashlib
import numpy as np
from qvl.data.encoding import content_id
from qvl.data.synth.ocr.documents import document_sample
from qvl.data.synth.ocr.wild import wild_sample
for generator in (wild_sample, document_sample):
    for number in range(3):
        sample = generator(np.random.default_rng((9, number)), seed=(9, number))
        print(content_id(sample), hashlib.sha256(repr(sample.facts).encode()).hexdigest())
"""


@needs_all
def test_the_same_numbers_give_the_same_bytes_in_another_process() -> None:
    here = [
        f"{content_id(sample)} {hashlib.sha256(repr(sample.facts).encode()).hexdigest()}"
        for generator in (wild_sample, document_sample)
        for sample in (drawn(generator, number) for number in range(3))
    ]
    there = subprocess.run(
        [sys.executable, "-c", HASHES], capture_output=True, text=True, check=True, timeout=100
    )
    assert there.stdout.split("\n")[:-1] == here
    assert len(set(here)) == 6


@needs_all
def test_rules_drop_what_cannot_be_read() -> None:
    sample = drawn(document_sample, 3, strength=0.0)
    assert letters_at_least(sample, size_px=8) is None
    assert letters_at_least(sample, size_px=100) == "letters below 100 px"
    assert lines_stand_out(sample, levels=20) is None
    x1, y1, x2, y2 = sample.facts["lines"][0]["box"]
    faded = picture_of(sample).copy()
    faded[y1:y2, x1:x2] = 200
    first, *rest = sample.conversation.messages
    turn = Message("user", (Image(faded), *first.content[1:]))
    faint = replace(sample, conversation=Conversation((turn, *rest)))
    assert lines_stand_out(faint, levels=20) == "a line within 20 levels of its ground"


def test_what_cannot_be_drawn_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="language is 'xx', expected one of en, zh"):
        wild_sample(rng, seed=(0,), languages={"xx": 1.0})
    monkeypatch.setattr(typefaces, "typefaces", lambda script, style: ())
    with pytest.raises(MissingDependencyError, match=r"all of the Korean text.*apt-get install"):
        choose(rng, LANGUAGES["ko"], "한국어")


@needs_all
def test_sides_too_short_for_text_are_refused() -> None:
    for sides in ((1, 1), (20, 16)):
        with pytest.raises(InputError, match="expected a least and a most of 8 or more"):
            wild_sample(np.random.default_rng(0), seed=(0,), side_tokens=sides)


@needs_all
def test_a_word_without_characters_is_no_line() -> None:
    opened = face(choose(np.random.default_rng(0), LANGUAGES["en"], "a"), LANGUAGES["en"], 20)
    with pytest.raises(InputError, match="expected words"):
        lettered(opened, ["a", " "])
    assert length(opened, ["a", "b"]) > length(opened, ["a"])


def test_facts_of_no_lines_are_empty() -> None:
    assert facts([], LANGUAGES["en"], ImageSize(28, 28)) == {
        "language": "en",
        "text": "",
        "smallest_px": 0.0,
        "lines": [],
    }
