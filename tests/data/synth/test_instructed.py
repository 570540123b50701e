"""Instructions say which form they want; answers have it; long conversations look back."""

from functools import partial

import numpy as np
import pytest

from qvl.data.mixture import Mixture
from qvl.data.places import answer_text
from qvl.data.synth.instructed import Form, has_form, instructed_sample
from qvl.data.synth.joined import joined_sample
from qvl.data.synth.maths.samples import maths_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import ConfigError
from qvl.messages import Image, Text

SHAPES = partial(shapes_sample, most=3, side_tokens=(3, 5))
KNOWN = Mixture(
    parts={
        "shapes": (0.6, partial(SHAPES, forms=("colour", "count", "shape", "box"))),
        "sums": (0.4, partial(maths_sample, areas=("arithmetic",), questions=1, brief=1.0)),
    }
)


def test_every_answer_has_the_form_that_is_asked_for_and_the_plain_one_has_not() -> None:
    seen = set()
    for number in range(40):
        rng = np.random.default_rng(number)
        sample = instructed_sample(rng, seed=(number,), base=KNOWN)
        asked, given = sample.conversation.messages
        words = "".join(part.text for part in asked.content if isinstance(part, Text))
        form = sample.facts["form"]
        assert has_form(answer_text(given), form)
        named = {
            "json": "JSON",
            "quotes": "double quotes",
            "sentence": "sentence",
            "boxes": "a box",
        }
        assert named[form] in words
        assert not words.startswith(("How many", "What color", "What shape", "Locate"))
        with_picture = any(isinstance(part, Image) for part in asked.content)
        assert with_picture == ("shapes" in sample.task)
        seen.add((sample.task, form))
    assert len(seen) >= 4


@pytest.mark.parametrize(
    ("answer", "form", "has"),
    [
        ('{"count": 3}', "json", True),
        ('{"count": 3, "more": 1}', "json", False),
        ('{"count": {"a": 1}}', "json", False),
        ('{"count": 3', "json", False),
        ("3", "json", False),
        ('"a b"', "quotes", True),
        ('""', "quotes", False),
        ("red", "sentence", False),
        ("The circle is red.", "sentence", True),
        ("The circle is red", "sentence", False),
        ('```json\n[\n\t{"bbox_2d": [1, 2, 3, 4], "label": "a"}\n]\n```', "boxes", True),
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "a"}]', "boxes", False),
        ("1, 2, 3, 4", "boxes", False),
    ],
)
def test_forms(answer: str, form: Form, has: bool) -> None:
    assert has_form(answer, form) == has


def test_what_cannot_be_said_in_other_words_is_an_error() -> None:
    places = Mixture(parts={"places": (1.0, partial(SHAPES, forms=("point",)))})
    with pytest.raises(ConfigError, match="nothing that places ask"):
        instructed_sample(np.random.default_rng(1), seed=(1,), base=places)
    with pytest.raises(ConfigError, match="form is 'poem'"):
        has_form("a", "poem")  # type: ignore[arg-type]


def test_the_last_answer_repeats_one_of_the_first_half() -> None:
    base = Mixture(parts={"shapes": (1.0, SHAPES)})
    sample = joined_sample(np.random.default_rng(3), seed=(3,), base=base, least=4, most=6)
    *turns, question, answer = sample.conversation.messages
    pictures = [n for n, t in enumerate(turns) if any(isinstance(p, Image) for p in t.content)]
    assert 4 <= len(pictures) == sample.facts["pictures"] <= 6
    (asked,) = question.content
    assert isinstance(asked, Text)
    number = int(asked.text.rstrip(".").split()[-1])
    assert 1 <= number <= len(pictures) // 2
    assert answer_text(answer) == answer_text(turns[pictures[number - 1] + 1])
    with pytest.raises(ConfigError, match="expected at least 2"):
        joined_sample(np.random.default_rng(3), seed=(3,), base=base, least=1, most=1)
