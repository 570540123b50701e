"""Each rule drops what it names and nothing else; clean articles pass whole."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageFilter

from qvl.data.filters.interleaved import texts
from qvl.data.filters.interleaved.cleaning import (
    Cleaning,
    ImageLimits,
    cleaned,
    document_problem,
    image_problem,
    read_word_list,
    text_problem,
    without_bad_nodes,
    worth_keeping,
)
from qvl.data.interchange.web_pages import WebPages
from qvl.data.interleaved import Document, Paragraph, Picture, document_of
from qvl.data.local import run_local
from qvl.data.shards import ShardReader
from qvl.data.steps import map_step
from qvl.data.synth.interleaved.articles import interleaved_sample
from qvl.errors import DataError
from qvl.geometry import ImageSize
from tests.data.small import picture
from tests.data.test_synth import needs_fonts

RULES = Cleaning()
GOOD = (
    "The mill by the river was built by two brothers who had never seen one before, and for a long "
    "time nobody believed that it would grind anything at all."
)
_COARSE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
PIXELS = np.kron(_COARSE, np.ones((25, 25, 1), np.uint8))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD, None),
        ("Three words only", "too few words"),
        (GOOD.replace("brothers", "br\ufffdthers"), "broken characters"),
        (GOOD * 40, "too many words"),
        ("Price: 12,50 / 13,90 / 14,00 *** 15 -- call now or never 555-0199", "special characters"),
        ("Mill river brothers grinding flour bread town", "few stop words"),
        (" ".join(["so we went to the mill by the river"] * 9) + ".", "repeated words"),
        (GOOD.replace(",", "").replace(".", ""), "no punctuation"),
    ],
)
def test_paragraphs(text: str, problem: str | None) -> None:
    assert text_problem(text, RULES.paragraph, language="en", rules=RULES) == problem


def test_pictures_that_are_not_here_are_taken_out_and_the_page_stays(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    PILImage.fromarray(PIXELS).save(tmp_path / "pages" / "mill.png")
    for number, gone in enumerate(("gone.png", "https://a.example/gone.png", "mill.png")):
        page = f'<p>{GOOD}</p><img src="mill.png"><p>{GOOD} Later it did.</p><img src="{gone}">'
        (tmp_path / "pages" / f"{number}.html").write_text(page)
    step = map_step("clean nodes", partial(cleaned, rules=RULES))
    summary = run_local(WebPages(tmp_path / "pages"), [step], tmp_path / "out")
    assert (summary.num_kept, summary.num_failed) == (3, 0)
    kept = [*ShardReader(tmp_path / "out")]
    assert [[*sample.facts["removed"]] for sample in kept] == [
        ["picture unreadable"], ["picture not here"], ["repeated picture"],
    ]  # fmt: skip
    assert all(len(document_of(sample).pictures) == 1 for sample in kept)
    # Only what could have been stored has an id by which it is a parent.
    assert [len(sample.provenance.parents) for sample in kept] == [0, 0, 1]
    assert kept[0].provenance.source == "0.html"


def test_lists_of_words_are_the_callers(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("The\nmill\nby\nriver\n\n")
    known = read_word_list(tmp_path / "words")
    assert known == {"the", "mill", "by", "river"}
    for change, problem in (
        ("common_words", "few common words"),
        ("flagged_words", "flagged words"),
    ):
        rules = replace(RULES, **{change: known})  # type: ignore[arg-type]
        assert text_problem(GOOD, rules.paragraph, language="en", rules=rules) == problem
    with pytest.raises(DataError, match="cannot be read"):
        read_word_list(tmp_path / "none")


def blurred() -> PILImage.Image:
    return PILImage.fromarray(PIXELS).filter(ImageFilter.GaussianBlur(9))


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (Picture(source=PIXELS), None),
        (Picture(source=picture(200, 300)), "blank picture"),
        (Picture(source=blurred()), "blurred picture"),
        (Picture(source=PIXELS[:149]), "picture too small"),
        (Picture(source=PIXELS[:, :150][:150]), None),
        (Picture(source=np.repeat(PIXELS, 3, axis=1)), "picture too narrow"),
        (Picture(source=PIXELS, size=ImageSize(20_001, 300)), "picture too large"),
        (Picture(source="img/site-Logo.png"), "picture by name"),
        (Picture(source="https://logo.example.org/cup.png"), "picture by name"),
        (Picture(source="https://a.example/cup.png"), "picture not here"),
        (Picture(source=b"no picture"), "picture unreadable"),
        (Picture(source="/none/cup.png"), "picture unreadable"),
    ],
)
def test_pictures(found: Picture, problem: str | None) -> None:
    assert image_problem(found, ImageLimits(), set()) == problem


def test_where_a_user_keeps_pictures_says_nothing_about_them(tmp_path: Path) -> None:
    (tmp_path / "lexicon").mkdir()
    for name, problem in (("cup.png", None), ("site-logo.png", "picture by name")):
        PILImage.fromarray(PIXELS).save(tmp_path / "lexicon" / name)
        found = Picture(source=tmp_path / "lexicon" / name)
        assert image_problem(found, ImageLimits(), set()) == problem


def test_pictures_that_come_again_go() -> None:
    again = PILImage.fromarray(PIXELS).resize((310, 210))
    nodes = (Picture(source=PIXELS), Paragraph(text=GOOD), Picture(source=again))
    kept, reasons = without_bad_nodes(Document(nodes=nodes), RULES)
    assert kept.nodes == nodes[:2]
    assert reasons == {"repeated picture": 1}


def test_records_are_judged_without_their_pictures() -> None:
    limits = ImageLimits(is_opened=False)
    found = Picture(source="https://a.example/cup.png", size=ImageSize(200, 300))
    seen: set[str] = set()
    assert image_problem(found, limits, seen) is None
    assert image_problem(found, limits, seen) == "repeated picture"
    assert image_problem(replace(found, size=ImageSize(9, 9)), limits, set()) == "picture too small"


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ((Paragraph(text=GOOD), Picture(source="a")), None),
        ((Paragraph(text=GOOD),), "too few pictures"),
        ((Paragraph(text=GOOD), *(Picture(source="a"),) * 31), "too many pictures"),
        ((Paragraph(text="Der Hund ist in der Stadt und nicht zu Hause."), Picture(source="a")),
         "language de"),
        ((Paragraph(text="5 6 7"), Picture(source="a")), "language unknown"),
        ((Paragraph(text=GOOD[:-1].replace(",", "")), Picture(source="a")), "no punctuation"),
    ],
)  # fmt: skip
def test_documents(nodes: tuple[Paragraph | Picture, ...], problem: str | None) -> None:
    assert document_problem(Document(nodes=nodes), RULES) == problem


def test_a_language_model_may_judge() -> None:
    nodes = (Paragraph(text=GOOD), Picture(source="a"))
    for value, problem in ((1500.0, None), (1500.1, "perplexity")):
        rules = replace(RULES, perplexity=lambda text, value=value: value)
        assert document_problem(Document(nodes=nodes), rules) == problem


@needs_fonts
def test_clean_articles_pass_and_what_goes_is_counted() -> None:
    for number in range(8):
        sample = interleaved_sample(np.random.default_rng(number), seed=(number,))
        after = cleaned(sample, rules=RULES)
        assert worth_keeping(after, rules=RULES) is None
        removed = sum(after.facts.get("removed", {}).values())
        assert len(document_of(sample).nodes) - removed == len(document_of(after).nodes)
        assert removed or after is sample
    repeated = interleaved_sample(np.random.default_rng(0), seed=(0,), defect="repeated")
    assert cleaned(repeated, rules=RULES).facts["removed"]["repeated picture"] >= 1


def test_shares_stay_shares() -> None:
    for text in ("", " ", "a", "\n\n", "…", "红色", "a" * 300_000, "ab " * 50_000):
        for share in (
            texts.character_repetition(text),
            texts.word_repetition(text),
            texts.special_characters(text),
            texts.punctuation(text)[0],
            texts.share_of(texts.words(text), {"a"}),
        ):
            assert 0 <= share <= 1, text[:10]


def test_words_are_found_in_linear_time() -> None:
    start = time.process_time()
    assert texts.words("a" + "-" * 150_000 + "b 3rd --- cup's.")[1:] == ("rd", "cup's")
    assert time.process_time() - start < 2
