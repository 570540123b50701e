"""The loss of held-out samples: one mean however they are packed, and nothing is changed by it."""

from dataclasses import replace

import pytest
import torch

from qvl.data.packing import FilledPack
from qvl.errors import DataError
from qvl.processing.processor import Processor
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.parallel.layout import Layout
from qvl.training.parallel.prepare import prepare
from qvl.training.parallel.ranks import Ranks
from qvl.training.stages import Stage
from qvl.training.validation import validate
from tests.training.small import CountedPacks, small_inputs, small_model


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Processor:
    return Processor.from_folder(small_inputs(tmp_path_factory.mktemp("inputs")))


def stage(processor: Processor, *, per_pack: int, steps: int, bad: tuple[int, ...] = ()) -> Stage:
    return Stage(
        name="validation",
        rates={"llm": 1e-3},
        objective=AnswerObjective(),
        source=CountedPacks(processor=processor, per_pack=per_pack, bad=bad),
        steps=steps,
    )


def test_one_mean_however_samples_are_packed(processor: Processor) -> None:
    model = small_model().train()
    ranks = Ranks(Layout(), torch.device("cpu"))
    loss = prepare(model, ranks)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    alone = validate(loss, stage(processor, per_pack=1, steps=6), ranks)
    packed = validate(loss, stage(processor, per_pack=3, steps=2), ranks)
    assert alone["loss"] == pytest.approx(packed["loss"], rel=1e-4)
    assert alone["ce/shapes"] == pytest.approx(alone["loss"], rel=1e-4)
    assert not any(name.endswith("_per_s") for name in alone)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert loss.training


def test_samples_that_cannot_be_read_are_counted(processor: Processor) -> None:
    model = small_model()
    ranks = Ranks(Layout(), torch.device("cpu"))
    found = validate(prepare(model, ranks), stage(processor, per_pack=2, steps=2, bad=(1,)), ranks)
    assert found["bad_samples"] == 1
    assert found["loss"] > 0


class TornPacks(CountedPacks):
    """Some packs cannot be made at all."""

    def pack(self, step: int, pack: int) -> FilledPack:
        if step in self.bad:
            raise DataError("the shard is torn")
        return super().pack(step, pack)


def test_packs_that_cannot_be_made_are_counted_until_none_is_left(processor: Processor) -> None:
    ranks = Ranks(Layout(), torch.device("cpu"))
    loss = prepare(small_model(), ranks)

    def found(*bad: int) -> dict[str, float]:
        torn = TornPacks(processor=processor, bad=bad)
        return validate(loss, replace(stage(processor, per_pack=1, steps=2), source=torn), ranks)

    assert found(1)["bad_samples"] == 1
    assert found(1)["loss"] > 0
    with pytest.raises(DataError, match=r"no sample of validation .* the shard is torn"):
        found(0, 1)
