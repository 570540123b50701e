"""The suite's judges against a model that knows and one that does not, and that cases stay."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from qvl.data.synth.fonts import font_files
from qvl.errors import DataError, InputError, MissingDependencyError
from qvl.evaluation import worlds
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks.own import own_benchmarks
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams, Text, Video


def _can_draw(name: str) -> bool:
    try:
        if worlds.WORLDS[name].reads:
            font_files("heldout")
        worlds.draw_case(name, 0, split="heldout", fonts="heldout")
    except (MissingDependencyError, DataError):
        return False
    return True


NAMES = list(worlds.WORLDS)
CARD = NAMES[:9]
"""Those of the model's card, whose cases must not change."""
needs_fonts = pytest.mark.skipif(not _can_draw("word"), reason="needs the held-out typefaces")


def _key(conversation: Conversation) -> bytes:
    pixels, words = b"", ""
    for part in conversation.messages[0].content:
        if isinstance(part, Image):
            pixels += np.asarray(part.source).tobytes()
        elif isinstance(part, Video):
            pixels += b"".join(np.asarray(frame).tobytes() for frame in part.source)  # type: ignore[union-attr]
        elif isinstance(part, Text):
            words += part.text
    return pixels + words.encode()


class Knowing:
    """Answers rightly as long as there is something to see."""

    def __init__(self, name: str, count: int) -> None:
        cases = [worlds.draw_case(name, i, split="heldout", fonts="heldout") for i in range(count)]
        self.answers = {_key(c): answer for c, answer in map(worlds.first_question, cases)}

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        return [
            GenerationResult(
                text=self.answers.get(_key(c), "nothing"),
                token_ids=(),
                finish_reason="stop",
                logprobs=None,
                prompt_tokens=1,
                completion_tokens=1,
            )
            for c in conversations
        ]


@pytest.mark.parametrize("name", NAMES)
def test_knowing_scores_one_and_blank_scores_nothing(name: str) -> None:
    if not _can_draw(name):
        pytest.skip("needs the held-out typefaces, and Chromium for its pages")
    count = 8 if name in CARD else 2
    score = worlds.evaluate_world(name, Knowing(name, count), count=count)
    assert score.mean == 1.0
    assert score.blank < 0.35  # "nothing" shares letters with words
    assert score.count == count


def test_unknown_world_is_named() -> None:
    with pytest.raises(InputError, match=r"'reading'.*expected one of word"):
        worlds.evaluate_world("reading", Knowing("box", 1), count=1)


@needs_fonts
def test_cases_of_the_card_stay_what_they_were() -> None:
    def answer(name: str) -> str:
        case = worlds.draw_case(name, 0, split="heldout", fonts="heldout")
        return worlds.first_question(case)[1]

    plain = {name: answer(name) for name in ("word", "word_characters", "colour", "shape", "count")}
    assert plain == {
        "word": "iau",
        "word_characters": "brisoump",
        "colour": "orange",
        "shape": "star",
        "count": "3",
    }
    assert "[58, 71, 85, 95]" in answer("box")
    assert "[25, 56]" in answer("point")


@pytest.mark.parametrize("name", ["box", "moment"])
def test_nothing_is_left_to_see_of_a_blank_case(name: str) -> None:
    case = worlds.draw_case(name, 0, split="heldout", fonts="heldout")
    seen, expected = worlds.first_question(case)
    blank, same = worlds.first_question(case, blank=True)
    assert expected == same
    part = blank.messages[0].content[0]
    frames = part.source if isinstance(part, Video) else [part.source]  # type: ignore[union-attr]
    assert {value for frame in frames for value in np.unique(np.asarray(frame))} == {235}
    assert _key(seen) != _key(blank)


def _line(top: int, text: str) -> str:
    return json.dumps({"bbox_2d": [10, top, 90, top + 20], "text_content": text})


JUDGED = [
    ("word", "Save ", "Save", 1.0),
    ("word", "save", "Save", 0.0),
    ("browser_paragraph", "one two\nthree", "one two three", 1.0),
    ("browser_bar_value", "38.", "40", 1.0),
    ("browser_bar_value", "37", "40", 0.0),
    ("browser_bar_extreme", "stairs.", "Stairs", 1.0),
    ("browser_bar_extreme", "Stairs and thank", "Stairs", 0.0),
    ("browser_count", "2", "3", 0.0),
    (
        "moment",
        "It is there from 2 to 6 seconds.",
        "The event happens in 00:04.00 - 00:06.00.",
        0.5,
    ),
    ("moment", "never", "The event happens in 00:04.00 - 00:06.00.", 0.0),
    (
        "browser_table",
        "<table><tr><td>a</td><td>c</td></tr></table>",
        "<table><tr><th>a</th><th>b</th></tr></table>",
        2 / 3,
    ),
    (
        "spot",
        f"[{_line(0, 'one')}, {_line(40, 'twx')}]",
        f"[{_line(0, 'one')}, {_line(40, 'two')}]",
        5 / 6,
    ),
    ("spot", f"[{_line(40, 'one')}]", f"[{_line(0, 'one')}, {_line(40, 'two')}]", 0.0),
    ("spot", "one\ntwo", f"[{_line(0, 'one')}, {_line(40, 'two')}]", 0.0),
    (
        "spot",
        f"[{', '.join(_line(y, 'one') for y in range(0, 120, 40))}]",
        f"[{_line(0, 'one')}]",
        0.0,
    ),
    (
        "spot_boxes",
        f"[{_line(4, '?')}, {_line(4, '?')}]",
        f"[{_line(0, 'one')}, {_line(40, 'two')}]",
        0.5,
    ),
    ("browser_page", "", "<html><body><p>abcd</p></body></html>", 0.0),
    (
        "browser_page",
        '<html><body><p data-bbox="1 2 3 4">abxd</p></body></html>',
        "<html><body><p>abcd</p></body></html>",
        0.75,
    ),
]


@pytest.mark.parametrize(("name", "answer", "expected", "value"), JUDGED)
def test_answers_are_judged(name: str, answer: str, expected: str, value: float) -> None:
    assert worlds.WORLDS[name].judge(answer, {}, expected) == pytest.approx(value)


def test_as_benchmarks_every_case_is_asked_with_and_without_sight() -> None:
    benchmarks = {item.name: item for item in own_benchmarks()}
    assert len(benchmarks) == len(worlds.WORLDS)
    questions = benchmarks["own-moment"].load(Path(), "heldout")
    seen, blank = next(questions), next(questions)
    assert (seen.key, blank.key) == ("0-seen", "0-blank")
    assert seen.facts["cluster"] == blank.facts["cluster"]
    right = Reply(text=seen.truth)
    assert benchmarks["own-moment"].score(seen, right).value == 1.0
    assert not benchmarks["own-moment"].score(blank, Reply(text=" ")).is_parsed
