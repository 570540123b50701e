"""Answers about scenes agree with what stands in them; pictures differ where they are said to."""

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from qvl.data.records import Sample
from qvl.data.sft.pipeline import RULES
from qvl.data.synth.grounding.arranging import arranged
from qvl.data.synth.grounding.scene import Scene, compose
from qvl.data.synth.vqa import comparing
from qvl.data.synth.vqa.comparing import _pair, comparison_sample
from qvl.data.synth.vqa.questions import FORMS, ask
from qvl.data.synth.vqa.samples import vqa_sample
from qvl.errors import MissingDependencyError
from qvl.geometry import ImageSize
from qvl.messages import Image, Text
from qvl.tasks import counting


def drawn(generator: object, count: int) -> list[Sample]:
    try:
        return [generator(np.random.default_rng((6, i)), seed=(6, i)) for i in range(count)]  # type: ignore[operator]
    except MissingDependencyError as error:
        pytest.skip(error.message)


def small(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
    return vqa_sample(rng, seed=seed, side_tokens=(8, 14))


def turns(sample: Sample) -> list[tuple[str, str]]:
    said = [m.content[-1] for m in sample.conversation.messages]
    words = [part.text for part in said if isinstance(part, Text)]
    return [*zip(words[::2], words[1::2], strict=True)]


def test_answers_agree_with_the_things() -> None:
    seen = set()
    for sample in drawn(small, 30):
        things = {}
        for name, colour, box in sample.facts["things"]:
            things.setdefault(name, []).append((colour, box))
        for form, (question, answer) in zip(sample.facts["forms"], turns(sample), strict=True):
            seen.add(form)
            if form == "colour":
                name = re.search(r"the (.*?)(?:\?| have)", question)[1]  # type: ignore[index]
                assert [colour for colour, _ in things[name]] == [answer]
            elif form == "exists":
                name = re.search(r"there an? (.*) in", question)[1]  # type: ignore[index]
                assert (answer == "Yes") == (name in things)
            elif form == "relation":
                found = re.match(r"Is the (.*?) (to the \w+ of|above|below) the (.*?)\?", question)
                one, place, other = found.groups()  # type: ignore[union-attr]
                ((_, a),), ((_, b),) = things[one], things[other]
                x, y = ((p[0] + p[2]) / 2 for p in (a, b))
                u, v = ((p[1] + p[3]) / 2 for p in (a, b))
                truth = {
                    "to the left of": x < y, "to the right of": x > y, "above": u < v,
                    "below": u > v,
                }[place]  # fmt: skip
                assert truth == (answer == "Yes")
            elif form == "count":
                assert counting.parse(answer) is not None
            elif form == "more":
                assert answer.startswith("More ")
                assert answer.removeprefix("M").lower() in question.lower()
    assert len(seen) >= len(FORMS) - 1


def test_samples_repeat_and_pass_all_rules() -> None:
    for generator in (small, comparison_sample):
        for one, other in zip(drawn(generator, 5), drawn(generator, 5), strict=True):
            assert turns(one) == turns(other)
            for message, again in zip(
                one.conversation.messages, other.conversation.messages, strict=True
            ):
                for part, same in zip(message.content, again.content, strict=True):
                    if isinstance(part, Image):
                        assert np.array_equal(part.source, same.source)  # type: ignore[union-attr]
                        assert part.source.shape[0] % 28 == 0  # type: ignore[union-attr]
            for name, rule in RULES.items():
                assert rule(one) is None, (name, turns(one))


def pictures(sample: Sample) -> list[np.ndarray]:
    return [part.source for part in sample.conversation.messages[0].content[:-1]]  # type: ignore[union-attr,misc]


def test_pictures_differ_where_it_is_said() -> None:
    found = set()

    def plain(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
        return comparison_sample(rng, seed=seed, strength=0)

    for sample in drawn(plain, 36):
        shown = pictures(sample)
        ((question, answer),) = turns(sample)
        form = sample.facts["form"]
        found.add(form)
        if form in ("same", "differences"):
            changed = np.abs(shown[0].astype(int) - shown[1]).max(axis=2) > 8
            assert changed.any() == (answer != "Yes" and "Nothing" not in answer)
            if form == "differences" and changed.any():
                cell = shown[0].shape[0] // 3
                cells = changed.reshape(3, cell, 3, cell).any(axis=(1, 3)).sum()
                moved = answer.count("has moved")
                assert cells == len(answer.split("\n")) + moved
        elif form == "order":
            order = [int(number) - 1 for number in answer.split(", ")]
            assert sorted(order) == list(range(len(shown)))
            for before, after in pairwise(order):
                grown = np.abs(shown[before].astype(int) - shown[after]).max(axis=2) > 8
                cell = grown.shape[0] // 2
                assert grown.reshape(2, cell, 3, cell).any(axis=(1, 3)).sum() == 1
        else:
            assert 2 <= len(shown) <= 4
            assert question
    assert found == {"same", "differences", "order", "which"}


def test_everything_that_is_compared_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[tuple[int, int]] = []

    def seen(ground: Any, layers: Any) -> Scene:
        scene = compose(ground, layers)
        painted.append((len(scene.things), len(layers)))
        return scene

    def last(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
        sample = comparison_sample(rng, seed=seed)
        shown = painted[-len(pictures(sample)) :]
        assert all(things == layers for things, layers in shown)
        return sample

    monkeypatch.setattr(comparing, "compose", seen)
    kept = sum(len(pictures(sample)) for sample in drawn(last, 24))
    assert kept < len(painted) < 2 * kept


def test_pictures_are_the_same_as_often_as_not() -> None:
    answers = []
    for number in range(300):
        rng = np.random.default_rng((8, number))
        try:
            _, (_, answer), form = _pair(rng, 0.0)
        except MissingDependencyError as error:
            pytest.skip(error.message)
        if form == "same":
            answers.append(answer)
    assert len(answers) > 50
    assert 0.35 < answers.count("No") / len(answers) < 0.65


def test_relations_hold_as_often_as_not() -> None:
    answers = []
    for number in range(300):
        rng = np.random.default_rng((9, number))
        try:
            scene = arranged(rng, ImageSize(280, 280))
        except MissingDependencyError as error:
            pytest.skip(error.message)
        turn = ask(rng, "relation", scene, ())
        if turn is not None:
            answers.append(turn.answer)
    assert len(answers) > 80
    assert 0.44 < answers.count("Yes") / len(answers) < 0.56
