"""Faulty answers: wrong where they claim to be, by the verifiers that judge models."""

from functools import partial

import numpy as np
import pytest

from qvl.data.mixture import Mixture
from qvl.data.preferences import chosen_text, preference_problems
from qvl.data.records import Sample
from qvl.data.rejection.verifiers import same_boxes, same_number, same_text
from qvl.data.synth.faults import FAULTS, WRONG, preference_sample
from qvl.data.synth.instructed import has_form, instructed_sample, said
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import ConfigError
from qvl.tasks import grounding

SHAPES = Mixture(parts={"shapes": (1.0, partial(shapes_sample, least=2, most=4))})


def draw(number: int, **options: object) -> Sample:
    seed = (7, number)
    return preference_sample(np.random.default_rng(seed), seed=seed, base=SHAPES, **options)  # type: ignore[arg-type]


def test_drawn_preferences_are_clean_and_repeatable() -> None:
    seen = set()
    for number in range(60):
        sample = draw(number, most=3)
        assert not list(preference_problems(sample)), sample.rejected
        assert 1 <= len(sample.rejected) <= 3
        seen |= {answer.fault for answer in sample.rejected}
    assert seen == set(FAULTS)
    assert draw(3).rejected == draw(3).rejected


def test_wrong_answers_are_wrong_by_the_verifiers() -> None:
    judged = set()
    for number in range(80):
        sample = draw(number, faults=WRONG)
        (answer,) = sample.rejected
        right = chosen_text(sample)
        if grounding.parse(right).boxes:
            verdict = same_boxes(answer.text, sample)
            assert grounding.parse(answer.text).answered
        elif answer.fault == "wrong count":
            verdict = same_number(answer.text, sample)
        else:
            verdict = same_text(answer.text, sample)
        assert verdict.value < 1, (right, answer.text)
        judged.add(answer.fault)
    assert judged >= {"wrong place", "wrong count", "wrong word"}


def test_faults_of_instructed_answers_keep_to_the_form_or_break_only_that() -> None:
    base = Mixture(parts={"instructed": (1.0, partial(instructed_sample, base=SHAPES))})
    seen = set()
    for number in range(120):
        sample = preference_sample(np.random.default_rng(number), seed=(7, number), base=base)
        right, form = chosen_text(sample), sample.facts["form"]
        (answer,) = sample.rejected
        if answer.fault == "wrong form":
            assert not has_form(answer.text, form), (right, answer.text)
            assert form == "boxes" or said(right, form) == answer.text
        elif answer.fault in WRONG:
            assert has_form(answer.text, form), (right, answer.text)
            assert said(right, form) != said(answer.text, form)
        seen.add((form, answer.fault))
    assert {form for form, fault in seen if fault == "wrong form"} == {"json", "sentence", "boxes"}
    assert {form for form, fault in seen if fault in WRONG} == {"json", "sentence", "boxes"}


def test_a_misread_word_differs_in_one_letter() -> None:
    from qvl.data.synth.faults import wrong_word

    rng = np.random.default_rng(0)
    base = draw(0)
    for _ in range(50):
        word = Sample(task="word", conversation=base.conversation, provenance=base.provenance)
        text = wrong_word(rng, word, "Guess")
        assert text != "Guess"
        assert text is not None
        assert len(text) in (4, 5)


def test_impossible_wishes_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected at least 1 of wrong place"):
        draw(0, faults=("too short",))
    counts = Mixture(parts={"n": (1.0, partial(shapes_sample, forms=("colour",)))})
    with pytest.raises(ConfigError, match="none of the faults cut is possible"):
        preference_sample(np.random.default_rng(0), seed=(0,), base=counts, faults=("cut",))
