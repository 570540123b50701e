"""A planned pack trains as its samples one by one, and as a batch that is padded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from qvl.data.collate import TrainBatch
from qvl.data.packing import PackBudget, Packed
from qvl.data.packing.cost import CostModel
from qvl.data.packing.planned import plan_packs
from qvl.data.packing.usable import PlanOptions, SampleSet
from qvl.data.shards import ShardReader, write_shards
from qvl.messages import Image, Video
from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.segments import Segments
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.metrics import Meter
from qvl.training.objectives.answers import AnswerObjective
from tests.data.small import asked, picture
from tests.material import EMBEDDED, requires_embedded
from tests.processing.clips import make_clip

pytestmark = requires_embedded

OBJECTIVE = AnswerObjective()
_RELATIVE = 2e-5  # of the largest value, in float32: the same sums in another order


def random_config(seed: int) -> ModelConfig:
    """A narrow model with numbers of heads and layers of its own."""
    draw = torch.Generator().manual_seed(seed)

    def one_of(*values: int) -> int:
        return values[int(torch.randint(len(values), (), generator=draw))]

    tiny = PRESETS["tiny"]
    heads, width = one_of(1, 2, 4), one_of(8, 16)
    shared = one_of(1, 2)
    text = replace(
        tiny.text, hidden_size=heads * shared * width, intermediate_size=one_of(24, 56),
        num_hidden_layers=one_of(1, 2), num_attention_heads=heads * shared,
        num_key_value_heads=heads, head_dim=width,
        mrope_section=(width // 8, 3 * width // 16, width // 2 - width // 8 - 3 * width // 16),
    )  # fmt: skip
    depth = one_of(1, 2, 3)
    vision = replace(
        tiny.vision, depth=depth, hidden_size=32, intermediate_size=one_of(24, 48),
        num_heads=one_of(1, 2), fullatt_block_indexes=(depth - 1,),
        out_hidden_size=text.hidden_size,
    )  # fmt: skip
    return replace(tiny, vision=vision, text=text)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> list[Packed]:
    """One planned pack with text, pictures of several sizes, several in one sample, a video."""
    folder = tmp_path_factory.mktemp("shards")
    samples = [
        asked("Hi", "Hello to you"),
        asked("What?", "Red", Image(picture(56, 140))),
        asked(
            "Which is larger?", "The second one", Image(picture(84, 56)), Image(picture(196, 84))
        ),
        asked("When?", "At 0.5 seconds", Video(make_clip(12, size=(64, 160)), fps=8.0)),
        asked("And?", "No."),
    ]
    write_shards(samples, folder)
    options = PlanOptions(
        budget=PackBudget(max_tokens=1000, max_patches=4000),
        cost=CostModel(config=PRESETS["tiny"]),
        packs_per_step=1,
    )
    sets = [SampleSet(name="all", source=ShardReader(folder))]
    packs, _ = plan_packs(sets, Processor.from_folder(EMBEDDED), options)
    assert packs.num_steps == 1
    return packs.pack(0, 0).samples


def padded(batch: TrainBatch, length: int) -> TrainBatch:
    """The batch with every sample filled up to a length, as in a batch with a batch axis."""

    def rows(values: Tensor, fill: float) -> Tensor:
        parts = values.split(batch.lengths, -1)
        return torch.cat(
            [torch.nn.functional.pad(x, (0, length - x.shape[-1]), value=fill) for x in parts], -1
        )

    return replace(
        batch,
        input_ids=rows(batch.input_ids, 0),
        position_ids=rows(batch.position_ids, 1),
        lengths=(length,) * len(batch.lengths),
        labels=rows(batch.labels, -100),
        weights=rows(batch.weights, 0),
        sample_of_token=torch.repeat_interleave(torch.arange(len(batch.lengths)), length),
    )


def trained(
    model: Qwen2_5_VL, run: Callable[[Qwen2_5_VL], Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss and every gradient."""
    model.zero_grad()
    loss = run(model)
    loss.backward()
    grads = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return loss.detach(), grads


@pytest.mark.parametrize("seed", range(4))
def test_packed_is_single_and_padded(seed: int, pack: list[Packed]) -> None:
    model = Qwen2_5_VL(random_config(seed))
    init_weights(model, torch.Generator().manual_seed(seed))
    model.attention_backend = ("matmul", "sdpa")[seed % 2]
    batch = OBJECTIVE.collate(pack)
    singles = [OBJECTIVE.collate([item]) for item in pack]
    totals = OBJECTIVE.counts(batch)
    assert float(totals) == float(sum(OBJECTIVE.counts(single) for single in singles))

    def loss_of(batches: list[TrainBatch]) -> Callable[[Qwen2_5_VL], Tensor]:
        return lambda m: torch.stack(
            [OBJECTIVE.loss(m, one, totals, Meter()) for one in batches]
        ).sum()

    packed = trained(model, loss_of([batch]))
    for other in (singles, [padded(batch, max(batch.lengths) + 3)]):
        loss, grads = trained(model, loss_of(other))
        assert abs(loss - packed[0]) <= _RELATIVE * loss
        assert grads.keys() == packed[1].keys() == dict(model.named_parameters()).keys()
        for name, gradient in grads.items():
            error = (gradient - packed[1][name]).abs().max()
            assert error <= 5 * _RELATIVE * gradient.abs().max() + 1e-9, name


def test_a_sample_does_not_see_its_neighbours(pack: list[Packed]) -> None:
    model = Qwen2_5_VL(random_config(1))
    init_weights(model, torch.Generator().manual_seed(1))
    one = OBJECTIVE.collate(pack[:2])
    other = OBJECTIVE.collate([*pack[:1], *pack[3:]])
    ends = [batch.lengths[0] for batch in (one, other)]
    assert ends[0] == ends[1]
    first, second = (
        model(
            batch.input_ids,
            batch.position_ids,
            segments=Segments(batch.lengths),
            pixel_values=batch.pixel_values,
            grid_thw=batch.grid_thw,
        )[: ends[0]]
        for batch in (one, other)
    )
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)
