"""One step is one mean over its answer tokens, however its samples are cut into packs."""

import pytest
import torch
from torch import Tensor

from qvl.data.collate import Weighting
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.metrics import Meter
from qvl.training.objectives.answers import AnswerObjective
from tests.training.small import CountedPacks, small_inputs, small_model


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Processor:
    return Processor.from_folder(small_inputs(tmp_path_factory.mktemp("inputs")))


def step_of(
    model: Qwen2_5_VL, objective: AnswerObjective, source: CountedPacks
) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients of step 0, added up over its packs."""
    model.zero_grad()
    packs = [source.pack(0, i).samples for i in range(source.packs_per_step)]
    batches = [objective.collate(pack) for pack in packs]
    totals = torch.stack([objective.counts(batch) for batch in batches]).sum(0)
    loss = 0.0
    for batch in batches:
        share = objective.loss(model, batch, totals, Meter())
        share.backward()
        loss += share.item()
    return loss, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("weighting", ["token", "sqrt", "sample"])
def test_one_pack_of_four_equals_four_packs(processor: Processor, weighting: Weighting) -> None:
    model, objective = small_model(), AnswerObjective(weighting=weighting, z_loss=1e-3)
    whole = CountedPacks(processor=processor, per_pack=4)
    cut = CountedPacks(processor=processor, packs_per_step=4)
    loss, gradients = step_of(model, objective, whole)
    cut_loss, cut_gradients = step_of(model, objective, cut)
    assert cut_loss == pytest.approx(loss, rel=1e-6)
    assert gradients.keys() == cut_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, cut_gradients[name], rtol=1e-4, atol=1e-6, msg=name)


def test_an_empty_pack_adds_nothing_and_runs_everything(processor: Processor) -> None:
    model, objective = small_model(), AnswerObjective()
    batch = objective.collate([])
    loss = objective.loss(model, batch, objective.counts(batch), Meter())
    loss.backward()
    assert loss.item() == 0
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert all(g is not None and not g.any() for g in gradients.values())


def test_weights_of_a_sample_add_up_as_the_policy_says(processor: Processor) -> None:
    source = CountedPacks(processor=processor, per_pack=3)
    pack = source.pack(0, 0).samples
    by_sample = AnswerObjective(weighting="sample").collate(pack)
    assert by_sample.weights.sum().item() == pytest.approx(3)
    by_token = AnswerObjective().collate(pack)
    assert by_token.weights.sum().item() == (by_token.labels != -100).sum().item()
