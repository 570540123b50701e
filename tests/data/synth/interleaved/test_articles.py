"""Articles are the same when drawn again, and carry the defect that they say they carry."""

import numpy as np
import pytest

from qvl.data.encoding import content_id
from qvl.data.interleaved import document_of
from qvl.data.records import Sample
from qvl.data.synth.interleaved.articles import DEFECTS, SCORES, interleaved_sample
from qvl.data.synth.interleaved.subjects import MOST_SUBJECTS, draw_subjects
from qvl.errors import ConfigError
from tests.data.test_synth import needs_fonts

pytestmark = needs_fonts


def article(number: int, **options: object) -> Sample:
    rng = np.random.default_rng((9, number))
    return interleaved_sample(rng, seed=(9, number), **options)  # type: ignore[arg-type]


def test_the_same_numbers_draw_the_same_article() -> None:
    for defect in ("", *DEFECTS):
        assert content_id(article(3, defect=defect)) == content_id(article(3, defect=defect))
    assert content_id(article(3)) != content_id(article(4))


def test_pictures_need_no_resizing_and_are_large_enough() -> None:
    for number in range(6):
        for subject in draw_subjects(np.random.default_rng(number), MOST_SUBJECTS):
            height, width, _ = subject.pixels.shape
            assert height % 28 == width % 28 == 0
            assert min(height, width) >= 150
            assert max(height, width) <= 2 * min(height, width)
            assert any(subject.name in sentence for sentence in subject.told)


def test_a_defect_is_what_its_name_says() -> None:
    for number in range(4):
        whole = document_of(article(number))
        sources = [item.source.tobytes() for item in whole.pictures]
        shuffled = document_of(article(number, defect="shuffled"))
        moved = [item.source.tobytes() for item in shuffled.pictures]
        assert sorted(moved) == sorted(sources)
        assert all(a != b for a, b in zip(moved, sources, strict=True))
        repeated = document_of(article(number, defect="repeated"))
        assert len({item.source.tobytes() for item in repeated.pictures}) == 1
        unrelated = document_of(article(number, defect="unrelated"))
        assert not {item.source.tobytes() for item in unrelated.pictures} & set(sources)
        for same in (shuffled, repeated, unrelated):
            assert same.text == whole.text
            assert len(same.pictures) == len(whole.pictures)
        empty = document_of(article(number, defect="empty"))
        assert max(item.source.std(axis=(0, 1)).max() for item in empty.pictures) < 12


def test_what_an_article_deserves_is_in_its_facts() -> None:
    assert article(0).facts["good"] == dict.fromkeys(SCORES, True)
    for defect, (_, good) in DEFECTS.items():
        assert article(0, defect=defect).facts["good"] == good
        assert not all(good.values())
    shares = [bool(article(number, defects=0.5).facts["defect"]) for number in range(60)]
    assert 15 < sum(shares) < 45


def test_unknown_defects_are_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'shuffled'"):
        article(0, defect="shufled")
    with pytest.raises(ConfigError, match="article of 1 pictures"):
        article(0, most_pictures=1)
