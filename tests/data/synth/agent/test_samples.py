"""Samples about screens: answers parse to what the page is, the same in every process."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from qvl.data.encoding import content_id
from qvl.data.places import places
from qvl.data.records import Sample
from qvl.data.synth.agent.grounding import screen_grounding_sample
from qvl.data.synth.agent.perception import (
    screen_caption_sample,
    screen_question_sample,
    screen_text_sample,
)
from qvl.data.synth.agent.trajectories import trajectory_sample
from qvl.geometry import Box
from qvl.messages import Text
from qvl.tasks import agent, grounding, ocr
from qvl.tasks.actions import Click
from tests.data.synth.agent.pages import needs_browser, picture, rng

pytestmark = needs_browser


def turns(sample: Sample) -> list[tuple[str, str]]:
    texts = [
        next(part.text for part in turn.content if isinstance(part, Text))
        for turn in sample.conversation.messages
    ]
    return list(zip(texts[::2], texts[1::2], strict=True))


def test_answers_point_into_the_elements_they_are_about() -> None:
    asked = set()
    for seed in range(6):
        sample = screen_grounding_sample(rng(4, seed), seed=(4, seed))
        asks, elements = sample.facts["asks"], sample.facts["elements"]
        asked.add(asks)
        assert all(place.is_inside for place in places(sample))
        for (question, answer), known in zip(turns(sample), elements, strict=True):
            box = Box(*known["box"])
            if asks == "calls":
                (action,) = agent.parse(answer).actions
                assert isinstance(action, Click)
                assert action.point is not None
                inside = box.x1 <= action.point.x <= box.x2 and box.y1 <= action.point.y <= box.y2
                assert inside
                name = "mobile_use" if sample.facts["is_mobile"] else "computer_use"
                assert sample.conversation.tools[0]["function"]["name"] == name
                assert f'"name": "{name}"' in answer
            elif asks == "places":
                (item,) = grounding.parse(answer).items
                if isinstance(item, grounding.GroundedBox):
                    assert item.box == box
                else:
                    assert box.x1 <= item.point.x <= box.x2
            else:
                assert str([int(side) for side in box]) in question
    assert asked == {"calls", "places", "reverse"}


def test_text_that_is_asked_for_in_full_is_all_there() -> None:
    spotted = 0
    for seed in range(2):
        sample = screen_text_sample(rng(9, seed), seed=(9, seed))
        for question, answer in turns(sample):
            reading = ocr.parse(answer, level="line" if "Spotting" in question else "text")
            spotted += len(reading.lines)
            assert reading.text.strip()
    assert spotted


def test_captions_and_questions_say_something() -> None:
    caption = screen_caption_sample(rng(1, 2), seed=(1, 2))
    asked = screen_question_sample(rng(1, 3), seed=(1, 3))
    assert all(len(answer) > 20 for _, answer in turns(caption))
    assert all(question.endswith("?") and answer for question, answer in turns(asked))


def fingerprints(seed: int) -> list[str]:
    grounded = screen_grounding_sample(rng(seed), seed=(seed,))
    told = trajectory_sample(rng(seed), seed=(seed,), kind="settings")
    shots = [turn.content[-1] for turn in told.conversation.messages if turn.role == "user"]
    pixels = hashlib.sha256(b"".join(picture(shot).tobytes() for shot in shots)).hexdigest()
    return [content_id(grounded), content_id(told), pixels]


@pytest.mark.parametrize("seed", [1, 4])
def test_another_process_makes_the_same_bytes(seed: int) -> None:
    here = fingerprints(seed)
    assert fingerprints(seed) == here
    if seed == 1:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert pool.submit(fingerprints, seed).result() == here
