"""Packs keep their budget and depend on nothing but their own draws."""

import numpy as np

from qvl.data.packing import PackBudget, Packed, fill_pack
from qvl.data.records import Provenance, Sample
from qvl.messages import Conversation
from qvl.processing.processor import ModelInputs


def item(tokens: int, patches: int) -> Packed:
    inputs = ModelInputs(
        input_ids=np.zeros(tokens, np.int64),
        position_ids=np.zeros((3, tokens), np.int64),
        next_position=tokens,
        loss_mask=np.ones(tokens, bool),
        pixel_values=np.zeros((patches, 1176), np.float32),
        grid_thw=np.zeros((0, 3), np.int64),
        media=(),
    )
    sample = Sample(
        task="t", conversation=Conversation.user("x"), provenance=Provenance(generator="test")
    )
    return Packed(sample=sample, inputs=inputs)


def test_a_pack_never_exceeds_either_budget() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 60, (1000, 2))
    for start in range(0, 900, 100):
        pack, _ = fill_pack(
            lambda i, start=start: item(*map(int, sizes[start + i])),
            PackBudget(max_tokens=100, max_patches=90),
        )
        assert pack
        assert sum(len(p.inputs.input_ids) for p in pack) <= 100
        assert sum(len(p.inputs.pixel_values) for p in pack) <= 90
        following = sizes[start + len(pack)]
        assert (
            sum(len(p.inputs.input_ids) for p in pack) + following[0] > 100
            or sum(len(p.inputs.pixel_values) for p in pack) + following[1] > 90
        )


def test_what_is_larger_than_the_budget_is_dropped_and_counted() -> None:
    sizes = [(500, 1), (30, 1), (30, 1), (500, 1)]
    pack, dropped = fill_pack(lambda i: item(*sizes[i]), PackBudget(max_tokens=100, max_patches=50))
    assert [len(p.inputs.input_ids) for p in pack] == [30, 30]
    assert dropped == 1
