"""Captions say what is drawn."""

from functools import partial

import numpy as np
import pytest

from qvl.data.mixture import Mixture
from qvl.data.records import Provenance, Sample
from qvl.data.synth.captions import caption_of, caption_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import DataError
from qvl.messages import Conversation, Message, Text

BASE = Mixture(parts={"shapes": (1.0, partial(shapes_sample, least=2))})


def drawn(**facts: object) -> Sample:
    turns = Conversation((Message("user", (Text("?"),)),))
    return Sample(
        task="t", conversation=turns, provenance=Provenance(generator="g"), facts=dict(facts)
    )


def test_shapes_are_counted_from_the_top_down() -> None:
    shapes = [
        ["red cross", [0, 50, 9, 60]],
        ["blue star", [0, 5, 9, 9]],
        ["red cross", [9, 70, 20, 80]],
    ]
    assert caption_of(drawn(shapes=shapes)) == "From top to bottom: a blue star, two red crosses."
    assert caption_of(drawn(shapes=[["orange cross", [0, 0, 1, 1]]])).endswith("an orange cross.")
    assert caption_of(drawn(text="Exit")) == 'The words "Exit".'
    with pytest.raises(DataError, match="neither shapes nor text"):
        caption_of(drawn())


def test_a_caption_is_the_only_answer_and_tells_pictures_apart() -> None:
    samples = [caption_sample(np.random.default_rng(i), seed=(i,), base=BASE) for i in range(20)]
    texts = {caption_of(sample) for sample in samples}
    assert len(texts) > 15
    for sample in samples:
        assert [m.role for m in sample.conversation.messages] == ["user", "assistant"]
        for name, _ in sample.facts["shapes"]:
            assert name in caption_of(sample)
