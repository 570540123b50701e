"""Every answer about a scene agrees with what is known of it."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from qvl.data.encoding import content_id
from qvl.data.lint import check_sample
from qvl.data.records import Sample
from qvl.data.synth.grounding.arranging import LAYOUTS, arranged
from qvl.data.synth.grounding.questions import FORMS
from qvl.data.synth.grounding.samples import referring_sample, scene_sample
from qvl.geometry import FACTOR, Box, ImageSize
from qvl.tasks import counting, grounding
from qvl.tasks.grounding import TEXT_SYSTEM_PROMPT
from tests.data.synth.grounding.worlds import needs_emoji
from tests.data.test_synth import pixels

pytestmark = needs_emoji

SMALL = (12, 16)


def draw(generator: Callable[..., Sample], number: int, **options: object) -> Sample:
    options.setdefault("side_tokens", SMALL)
    return generator(np.random.default_rng((7, number)), seed=(7, number), **options)


def turns(sample: Sample) -> list[tuple[str, str]]:
    texts = [
        message.content[-1].text  # type: ignore[union-attr]
        for message in sample.conversation.messages
        if message.role != "system"
    ]
    return list(zip(texts[::2], texts[1::2], strict=True))


PROGRAM = """
import numpy as np
from qvl.data.encoding import content_id
from qvl.data.synth.grounding.samples import referring_sample, scene_sample
for make in (scene_sample, referring_sample):
    print(content_id(make(np.random.default_rng((7, 5)), seed=(7, 5), side_tokens=(12, 16))))
"""


def test_same_numbers_same_sample_also_in_another_process() -> None:
    here = [content_id(draw(make, 5)) for make in (scene_sample, referring_sample)]
    assert here == [content_id(draw(make, 5)) for make in (scene_sample, referring_sample)]
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == here
    assert here != [content_id(draw(make, 6)) for make in (scene_sample, referring_sample)]


def test_answers_agree_with_the_facts() -> None:
    forms: Counter[str] = Counter()
    for number in range(60):
        sample = draw(scene_sample if number % 3 else referring_sample, number)
        assert not list(check_sample(sample))
        things = sample.facts["things"]
        height, width, _ = pixels(sample).shape if not _is_text(sample) else (10**6, 10**6, 0)
        assert height % FACTOR == width % FACTOR == 0 or _is_text(sample)
        for (question, answer), asked in zip(turns(sample), sample.facts["asked"], strict=True):
            form = asked["form"]
            forms[form] += 1
            result = grounding.parse(answer)
            targets = [things[target] for target in asked["targets"]]
            boxes = [Box(*thing["box"]) for thing in targets]
            if form == "count":
                assert counting.parse(answer) == len(targets) == asked["count"]
            elif form == "nothing":
                assert (result.items, result.answered, targets) == ((), True, [])
            elif form == "description":
                (region,) = grounding.parse(question).boxes
                assert _near(region.box, boxes[0])
                assert targets[0]["name"] in answer
                assert targets[0]["colour"] in answer
            elif "point" in form:
                assert len(result.points) == len(boxes)
                for item, box in zip(result.points, boxes, strict=True):
                    assert box.x1 <= item.point.x <= box.x2
                    assert box.y1 <= item.point.y <= box.y2
            elif form == "part box":
                assert result.boxes[0].box == pytest.approx(asked["part_box"], abs=1)
            else:
                assert len(result.boxes) == len(boxes)
                assert all(map(_near, (item.box for item in result.boxes), boxes))
                assert form != "listed count" or counting.parse(answer) == asked["count"]
    expected = {form for form in FORMS if form != "part"} | {"part point"}
    assert expected <= set(forms)


def _is_text(sample: Sample) -> bool:
    return sample.conversation.messages[0].role == "system"


def _near(stated: Box, true: Box) -> bool:
    return max(abs(a - b) for a, b in zip(stated, true, strict=True)) <= 1


def test_plain_text_goes_with_its_system_prompt() -> None:
    plain = 0
    for number in range(24):
        sample = draw(referring_sample, number)
        for _, answer in turns(sample):
            assert _is_text(sample) == (answer[0].isdigit() and "," in answer)
        if _is_text(sample):
            plain += 1
            assert sample.conversation.messages[0].content[0].text == TEXT_SYSTEM_PROMPT  # type: ignore[union-attr]
    assert 0 < plain < 12


def test_no_answer_stands_in_another() -> None:
    for number in range(16):
        asked = draw(scene_sample, number).facts["asked"]
        targets = [target for turn in asked for target in turn["targets"]]
        assert len(targets) == len(set(targets))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    size = ImageSize(336, 448)
    scenes = [arranged(np.random.default_rng((1, i)), size, layout=layout) for i in range(4)]
    counts = [len(scene.things) for scene in scenes]
    assert min(counts) > 0
    if layout == "crowd":
        assert max(counts) >= 12
    if layout == "lying":
        assert any(thing.under >= 0 for scene in scenes for thing in scene.things)


def test_things_are_named_in_other_languages() -> None:
    pytest.importorskip("emoji")
    found = 0
    for number in range(14):
        sample = draw(scene_sample, number, languages=("zh", "fr"))
        asked = sample.facts["asked"][0]
        if "language" in asked:
            found += 1
            ((question, answer),) = turns(sample)
            assert asked["expression"] in question
            assert (asked["language"] == "zh") == ("图中" in question)
            labels = {item.label for item in grounding.parse(answer).items}
            assert labels == {asked["expression"]}
    assert found
