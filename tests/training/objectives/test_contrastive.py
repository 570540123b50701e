"""Contrastive losses against dense formulas, one rank against two, pools against loops."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from qvl.data.collate_captions import CaptionBatch, collate_captions
from qvl.data.mixture import Mixture
from qvl.data.packing import Packed
from qvl.data.synth.captions import caption_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import ConfigError, DataError
from qvl.training.metrics import Meter
from qvl.training.objectives.contrastive import (
    AttentionPool,
    ContrastiveHeads,
    ContrastiveLoss,
    ContrastiveObjective,
    clip_loss,
    embed,
    siglip_loss,
)
from qvl.training.parallel.processes import launch
from qvl.training.text_tower import TextTower, TextTowerConfig, mean_by_segment
from tests.training.objectives.pairs_small import PREFERENCES, packed, processor, small_model

PROCESSOR = processor()
BASE = Mixture(parts={"shapes": (1.0, shapes_sample)})


def small_heads(kind: ContrastiveLoss, **options: object) -> ContrastiveHeads:
    torch.manual_seed(0)
    text = TextTower(
        TextTowerConfig(
            vocab_size=PROCESSOR.tokenizer.vocab_size, hidden_size=32, intermediate_size=48,
            num_hidden_layers=2, num_attention_heads=2,
        ),
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    return ContrastiveHeads(32, text, width=16, kind=kind, num_heads=2, **options)  # type: ignore[arg-type]


def captions(first: int, count: int) -> list[Packed]:
    samples = [
        caption_sample(np.random.default_rng((i,)), seed=(i,), base=BASE)
        for i in range(first, first + count)
    ]
    return packed(samples)


def unit(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1)


def test_clip_is_two_cross_entropies() -> None:
    torch.manual_seed(0)
    pictures, texts, scale = unit(5, 7), unit(5, 7), torch.tensor(9.0, dtype=torch.float64)
    logits = scale * pictures @ texts.T
    rows, columns = logits.log_softmax(1).diagonal(), logits.log_softmax(0).diagonal()
    whole = clip_loss(pictures, texts, pictures, texts, first=0, scale=scale)
    assert float(whole) == pytest.approx(float(-(rows + columns).sum() / 2), abs=1e-12)
    halves = [
        clip_loss(pictures[a:b], texts[a:b], pictures, texts, first=a, scale=scale)
        for a, b in ((0, 2), (2, 5))
    ]
    assert float(sum(halves)) == pytest.approx(float(whole), abs=1e-12)


def test_siglip_asks_of_every_pair() -> None:
    torch.manual_seed(0)
    pictures, texts = unit(4, 6), unit(4, 6)
    scale, bias = torch.tensor(10.0).double(), torch.tensor(-10.0).double()
    expected = 0.0
    for i in range(4):
        for j in range(4):
            logit = float(scale * pictures[i] @ texts[j] + bias)
            expected += math.log1p(math.exp(-logit if i == j else logit))
    whole = siglip_loss(pictures, texts, first=0, scale=scale, bias=bias)
    assert float(whole) == pytest.approx(expected, abs=1e-10)
    halves = [
        siglip_loss(pictures[a:b], texts, first=a, scale=scale, bias=bias)
        for a, b in ((0, 3), (3, 4))
    ]
    assert float(sum(halves)) == pytest.approx(expected, abs=1e-10)


def test_pools_look_at_one_picture_at_a_time() -> None:
    torch.manual_seed(0)
    x, lengths = torch.randn(9, 8, dtype=torch.float64), (4, 2, 3)
    pool = AttentionPool(8, 2).double()
    together = pool(x, lengths)
    for i, part in enumerate(x.split(lengths)):
        torch.testing.assert_close(mean_by_segment(x, lengths)[i], part.mean(0))
        keys, values = (m(part).view(-1, 2, 4) for m in (pool.keys, pool.values))
        weights = ((keys * pool.query).sum(-1) / 2).softmax(0)
        expected = (weights[..., None] * values).sum(0).flatten()
        torch.testing.assert_close(together[i], expected, rtol=1e-6, atol=1e-6)


def test_captions_together_equal_captions_apart() -> None:
    for direction in ("causal", "bidirectional"):
        config = TextTowerConfig(
            vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
            num_attention_heads=2, direction=direction,
        )  # fmt: skip
        tower = TextTower(config, torch.Generator().manual_seed(0)).double()
        ids = torch.arange(9)
        together = tower(ids, (4, 2, 3))
        apart = torch.cat([tower(part, (len(part),)) for part in ids.split((4, 2, 3))])
        torch.testing.assert_close(together, apart, rtol=1e-6, atol=1e-6)
        assert tower(ids[:0], ()).shape == (0, 32)


def test_first_scales_are_the_papers() -> None:
    clip, siglip = small_heads("clip"), small_heads("siglip")
    assert float(clip.scale.detach()) == pytest.approx(1 / 0.07)
    assert clip.bias is None
    assert float(siglip.scale.detach()) == pytest.approx(10)
    assert siglip.bias is not None
    assert float(siglip.bias.detach()) == -10
    with torch.no_grad():
        clip.log_scale.fill_(9.0)
    assert float(clip.scale.detach()) == pytest.approx(100)
    with pytest.raises(ConfigError, match="expected one of clip, siglip"):
        small_heads("triplet")  # type: ignore[arg-type]


def test_pictures_together_equal_pictures_apart() -> None:
    model, heads = small_model().float(), small_heads("clip")
    items = captions(0, 3)
    pictures, texts = embed(model, heads, collate_captions(items))
    for i, item in enumerate(items):
        alone = embed(model, heads, collate_captions([item]))
        torch.testing.assert_close(pictures[i : i + 1], alone[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(texts[i : i + 1], alone[1], rtol=1e-4, atol=1e-5)


def test_a_caption_belongs_to_one_picture() -> None:
    batch = collate_captions(captions(0, 1))
    text = PROCESSOR.tokenizer.decode(batch.input_ids.tolist(), skip_special_tokens=False)
    assert text.startswith("From top to bottom: ")
    assert text.endswith(".<|im_end|>\n")
    with pytest.raises(DataError, match="has 2 pictures, expected one"):
        collate_captions(packed([PREFERENCES[1]]))


KINDS: tuple[ContrastiveLoss, ...] = ("clip", "siglip")
# Uneven on purpose: the second rank has one picture in the first step and none in the second.
SHARES = ((2, 1), (3, 0))


def _gradients(kind: ContrastiveLoss, rank: int | None) -> dict[str, torch.Tensor]:
    """Of both steps, summed over ranks when there are any."""
    model, heads = small_model().float(), small_heads(kind)
    objective = ContrastiveObjective(heads=heads)
    for shares in SHARES:
        items = captions(0, sum(shares))
        if rank is not None:
            items = items[: shares[0]] if rank == 0 else items[shares[0] :]
        batch: CaptionBatch = objective.collate(items)
        totals = torch.tensor([float(sum(shares))], dtype=torch.float64)
        objective.loss(model, batch, totals, Meter()).backward()
    named = {**dict(model.visual.named_parameters()), **dict(heads.named_parameters())}
    grads = {n: p.grad for n, p in named.items() if not n.startswith("merger.")}
    assert all(grad is not None for grad in grads.values())
    if rank is not None:
        for grad in grads.values():
            torch.distributed.all_reduce(grad)
    return grads  # type: ignore[return-value]


def _rank(folder: Path) -> None:
    rank = torch.distributed.get_rank()
    for kind in KINDS:
        grads = _gradients(kind, rank)
        if rank == 0:
            torch.save(grads, folder / f"{kind}.pt")


@pytest.mark.timeout(300)
def test_two_ranks_equal_one_with_the_whole_batch(tmp_path: Path) -> None:
    launch(_rank, tmp_path, processes=2)
    for kind in KINDS:
        two = torch.load(tmp_path / f"{kind}.pt", weights_only=True)
        for name, grad in _gradients(kind, None).items():
            torch.testing.assert_close(two[name], grad, rtol=1e-4, atol=1e-6, msg=name)


def test_training_finds_captions_above_chance() -> None:
    torch.manual_seed(0)
    model, heads = small_model().float(), small_heads("clip")
    objective = ContrastiveObjective(heads=heads)
    trained = [*model.visual.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=3e-3)
    batch = objective.collate(captions(0, 12))
    totals = objective.counts(batch)
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = objective.loss(model, batch, totals, Meter())
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    meter = Meter()
    objective.loss(model, batch, totals, meter)
    shown = meter.summary(1.0)
    assert losses[-1] < 0.8 * losses[0]
    assert shown["retrieval/captions"] > 3 * shown["retrieval/chance"]
