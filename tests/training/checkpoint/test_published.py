"""A checkpoint as a folder that others load: the very weights, averages, adapters, and back."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from qvl.checkpoint.adapter import read_adapter
from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.errors import CheckpointError
from qvl.model.lora import adapter_parameters, add_lora, merge_lora
from qvl.model.lora_config import LoraConfig
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.checkpoint.adapters import Adapters, adapters_of
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.published import export_adapter, export_checkpoint
from qvl.training.checkpoint.reader import load_state, open_checkpoint
from qvl.training.checkpoint.state import PARAMETERS, TrainState
from qvl.training.checkpoint.writer import CheckpointWriter
from tests.checkpoint.small import write_checkpoint
from tests.checkpoint.test_export import weight_bytes
from tests.training.checkpoint.network import at

LORA = LoraConfig(
    rank=2,
    targets=("q_proj", "attn.proj"),
    rank_pattern={"attn.proj": 3},
    alpha_pattern={"layers.1.self_attn.q_proj": 8.0},
    modules_to_save=("merger.ln_q",),
)


def trained(model: Qwen2_5_VL) -> TrainState:
    """The state of a model whose every parameter was changed, with a head that is thrown away."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, generator=generator).to(parameter)
    heads = {"heads.answer.weight": torch.zeros(3)}
    return TrainState(
        parameters={**dict(model.named_parameters()), **heads},
        ema={"model.norm.weight": model.model.norm.weight.detach() * 2},
    )


def keep(
    run: Path, state: TrainState, adapters: Adapters | None = None, base_model: str = ""
) -> None:
    group = CheckpointGroup()
    with CheckpointWriter(run, group, adapters=adapters, base_model=base_model) as writer:
        writer.save(state, at(5))


@pytest.mark.parametrize(("shards", "tied"), [(1, False), (3, True)])
def test_what_was_trained_is_exported_byte_for_byte_and_trained_on(
    tmp_path: Path, shards: int, tied: bool
) -> None:
    base = tmp_path / "base"
    write_checkpoint(base, dtype=torch.bfloat16, tied=tied, shards=shards)
    model = load_model(base)
    keep(tmp_path / "run", trained(model))
    export_model(model, tmp_path / "expected", files_from=base)
    export_checkpoint(open_checkpoint(tmp_path / "run"), tmp_path / "out", inputs=base)
    assert weight_bytes(tmp_path / "out") == weight_bytes(tmp_path / "expected")

    begun = load_model(tmp_path / "out")
    keep(tmp_path / "next", TrainState(parameters=dict(begun.named_parameters())))
    export_checkpoint(
        open_checkpoint(tmp_path / "next", updates=5), tmp_path / "again", inputs=tmp_path / "out"
    )
    assert weight_bytes(tmp_path / "again") == weight_bytes(tmp_path / "out")


def test_averages_and_another_dtype(tmp_path: Path) -> None:
    base = tmp_path / "base"
    write_checkpoint(base)
    model = load_model(base)
    keep(tmp_path / "run", trained(model))
    saved = open_checkpoint(tmp_path / "run")
    export_checkpoint(saved, tmp_path / "out", inputs=base, ema=True, dtype=torch.bfloat16)
    found = load_model(tmp_path / "out")
    assert found.dtype == torch.bfloat16
    expected = {n: p.detach() for n, p in model.named_parameters()}
    expected["model.norm.weight"] = expected["model.norm.weight"] * 2
    for name, parameter in found.named_parameters():
        assert torch.equal(parameter, expected[name].bfloat16()), name


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    base = tmp_path / "base"
    write_checkpoint(base, tied=True)
    model = load_model(base)
    keep(tmp_path / "run", TrainState(parameters=dict(model.named_parameters())))
    saved = open_checkpoint(tmp_path / "run")
    with pytest.raises(CheckpointError, match="holds no averaged parameters"):
        export_checkpoint(saved, tmp_path / "out", inputs=base, ema=True)
    with pytest.raises(CheckpointError, match="holds a whole model, no adapters"):
        export_adapter(saved, tmp_path / "out", base=base)
    write_checkpoint(tmp_path / "untied")
    with pytest.raises(CheckpointError, match=r"does not hold 1 of the .* lm_head.weight"):
        export_checkpoint(saved, tmp_path / "out", inputs=tmp_path / "untied")
    assert not (tmp_path / "out").exists()


class _Run:
    """Adapters trained on a model in bfloat16, and saved."""

    def __init__(self, folder: Path) -> None:
        self.base, self.folder = folder / "base", folder / "run"
        write_checkpoint(self.base, dtype=torch.bfloat16)
        self.model = load_model(self.base)
        self.adapters = adapters_on(self.model)
        for parameter in self.parameters.values():
            parameter.data += 0.1
        keep(self.folder, TrainState(parameters=self.parameters), self.adapters, str(self.base))
        self.saved = open_checkpoint(self.folder)

    @property
    def parameters(self) -> dict[str, torch.nn.Parameter]:
        return adapter_parameters(self.model)


def adapters_on(model: Qwen2_5_VL) -> Adapters:
    add_lora(model, LORA, generator=torch.Generator().manual_seed(1))
    adapters = adapters_of(model, CheckpointGroup())
    assert adapters is not None
    return adapters


@pytest.fixture
def run(tmp_path: Path) -> _Run:
    return _Run(tmp_path)


def test_adapters_are_merged_into_their_base(run: _Run, tmp_path: Path) -> None:
    export_checkpoint(run.saved, tmp_path / "out", inputs=run.base)
    merge_lora(run.model)
    export_model(run.model, tmp_path / "expected", files_from=run.base)
    assert weight_bytes(tmp_path / "out") == weight_bytes(tmp_path / "expected")
    assert weight_bytes(tmp_path / "out") != weight_bytes(run.base)


def test_adapters_are_exported_alone(run: _Run, tmp_path: Path) -> None:
    export_adapter(run.saved, tmp_path / "out", base=run.base)
    adapter = read_adapter(tmp_path / "out")
    assert adapter.base_model == str(run.base)
    assert_same(dict(adapter.tensors), {n: p.detach() for n, p in run.parameters.items()})


def test_a_checkpoint_of_adapters_holds_no_more_and_goes_on_over_the_same_base(run: _Run) -> None:
    assert run.saved.shapes(PARAMETERS).keys() == run.parameters.keys()
    model = load_model(run.base)
    adapters = adapters_on(model)
    state = TrainState(parameters=adapter_parameters(model))
    load_state(run.saved, state, CheckpointGroup(), adapters=adapters)
    assert_same(dict(state.parameters), dict(run.parameters))


def test_adapters_of_another_base_are_refused(run: _Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_checkpoint(other, dtype=torch.bfloat16)
    model = load_model(other)
    model.model.norm.weight.data[0] += 1
    export_model(model, tmp_path / "changed", files_from=other)
    adapters = adapters_on(model)
    state = TrainState(parameters=adapter_parameters(model))
    with pytest.raises(CheckpointError, match=r"1 differ \(model.norm.weight\); hint: give"):
        load_state(run.saved, state, CheckpointGroup(), adapters=adapters)
    with pytest.raises(CheckpointError, match=r"1 differ \(model.norm.weight\)"):
        export_checkpoint(run.saved, tmp_path / "out", inputs=tmp_path / "changed")
    with pytest.raises(CheckpointError, match="holds adapters only, the run trains the whole"):
        load_state(run.saved, state, CheckpointGroup())


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
