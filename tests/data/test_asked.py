"""Tokens know which object they are about, from its name in the question to its last digit."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch

from qvl.data.collate_drawings import DrawingBatch, collate_drawings
from qvl.data.mixture import Generator
from qvl.data.packing import Packed
from qvl.data.synth.canvas import SHAPES
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample
from qvl.processing.processor import Processor
from tests.training.small import small_inputs


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Processor:
    return Processor.from_folder(small_inputs(tmp_path_factory.mktemp("inputs")))


def batch_of(processor: Processor, generator: Generator, count: int) -> DrawingBatch:
    samples = [generator(np.random.default_rng((7, i)), seed=(7, i)) for i in range(count)]
    pack = [
        Packed(sample=s, inputs=processor(s.conversation, add_generation_prompt=False))
        for s in samples
    ]
    return collate_drawings(
        pack,
        encode=processor.tokenizer.encode,
        digit_weight=1.0,
        coordinate_tasks=frozenset({"shapes", "screen", "spot"}),
    )


def spans(processor: Processor, batch: DrawingBatch) -> list[tuple[int, str]]:
    """Number of the object and text of each run of tokens that are about one object."""
    asked = batch.asked.numpy()
    edges = np.flatnonzero(np.diff(asked, prepend=-1, append=-1))
    ids = batch.input_ids.numpy()
    return [
        (int(asked[a]), processor.tokenizer.decode(ids[a : b + 1].tolist()))
        for a, b in itertools.pairwise(edges)
        if asked[a] >= 0
    ]


@pytest.mark.parametrize("form", ["box", "point"])
def test_a_span_runs_from_the_name_to_the_last_digit(processor: Processor, form: str) -> None:
    generator = partial(shapes_sample, least=3, most=5, forms=(form, form), distinct=True)
    batch = batch_of(processor, generator, 12)
    found = spans(processor, batch)
    assert len(found) == 24
    for number, text in found:
        kind = SHAPES[int(batch.dense.kinds[number])]
        colour = COLOUR_NAMES[int(batch.dense.colours[number])]
        # It begins with the name's last token and not before.
        name, _, rest = text.partition(" in this image")
        assert rest, text
        assert name.strip(), text
        assert kind.endswith(name.strip()), text
        numbers = [float(v) for v in text.rpartition("[")[2].rstrip("]},").split(",")]
        box = batch.dense.boxes[number]
        wanted = box if form == "box" else (box[:2] + box[2:]) / 2
        assert np.abs(np.array(numbers) - wanted.numpy()).max() <= 1, (colour, kind, text)


@pytest.mark.parametrize("form", ["colour", "shape"])
def test_a_question_for_a_name_is_about_the_object_it_means(
    processor: Processor, form: str
) -> None:
    batch = batch_of(processor, partial(shapes_sample, least=2, most=5, forms=(form,)), 30)
    found = spans(processor, batch)
    assert len(found) == 30
    says_kind = form == "colour"
    labels, names = (
        (batch.dense.kinds, SHAPES) if says_kind else (batch.dense.colours, COLOUR_NAMES)
    )
    for number, text in found:
        name, _, rest = text.partition("?" if says_kind else " object?")
        assert names[int(labels[number])].endswith(name.strip()), text
        answer = rest.rpartition("assistant\n")[2]  # begins: only its first token is looked for
        told = (
            COLOUR_NAMES[int(batch.dense.colours[number])]
            if says_kind
            else SHAPES[int(batch.dense.kinds[number])]
        )
        assert answer, text
        assert told.startswith(answer), text
    said = batch.said[batch.asked >= 0]
    assert (said == torch.tensor([says_kind, not says_kind])).all()


def test_the_second_of_two_equal_shapes_begins_where_the_first_ends(processor: Processor) -> None:
    generator = partial(shapes_sample, least=2, most=3, forms=("box",))
    batch = batch_of(processor, generator, 30)
    found = spans(processor, batch)
    second = [text for _, text in found if "in this image" not in text]
    assert second
    assert len({number for number, _ in found}) == len(found)


def test_clicks_are_about_the_button_clicked(processor: Processor) -> None:
    batch = batch_of(processor, partial(screen_sample, questions=1, clicks=1.0), 12)
    found = spans(processor, batch)
    assert len(found) == 12
    for number, text in found:
        assert " button" in text
        x, y = (int(v) for v in text.rpartition("[")[2].split("]")[0].split(","))
        x1, y1, x2, y2 = batch.dense.boxes[number].tolist()
        assert x1 <= x <= x2
        assert y1 <= y <= y2


def test_centre_tokens_lie_where_the_dense_labels_do(processor: Processor) -> None:
    batch = batch_of(processor, shapes_sample, 8)
    pads = torch.nonzero(batch.input_ids == processor.tokenizer.image_pad).flatten()
    assert torch.equal(pads[batch.dense.objects], batch.dense.tokens)


def test_a_sample_without_places_asks_about_nothing(processor: Processor) -> None:
    batch = batch_of(processor, partial(shapes_sample, forms=("count",)), 4)
    assert (batch.asked == -1).all()


def test_each_line_of_spotted_text_is_what_its_box_is_about(processor: Processor) -> None:
    batch = batch_of(processor, partial(line_sample, spotting=True), 20)
    found = spans(processor, batch)
    # Every line of every picture, in order, up to the last digit of its box.
    assert [number for number, _ in found] == list(range(len(batch.dense.boxes)))
    for number, text in found:
        numbers = [float(v) for v in text.rpartition("[")[2].rstrip("]},").split(",")]
        assert np.abs(np.array(numbers) - batch.dense.boxes[number].numpy()).max() <= 1, text
    assert not batch.said.any()  # the prompt names no kind and no colour
