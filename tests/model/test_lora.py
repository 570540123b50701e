"""Laws of adapters: they begin as nothing, are taken in exactly, and go away without a trace."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from qvl.errors import ConfigError
from qvl.model.attention import Segments
from qvl.model.lora import (
    LoraLinear,
    adapter_parameters,
    add_lora,
    disabled_lora,
    lora_layers,
    merge_lora,
    plan_lora,
)
from qvl.model.lora_config import LoraConfig, LoraSpec
from qvl.model.quantized_linear import Quantize
from qvl.model.vlm import Qwen2_5_VL
from tests.parity.oracle import PATTERNS, Prompt, make_prompt, random_model

SMALL = PATTERNS["72b"]
TIED = replace(SMALL, text=replace(SMALL.text, tie_word_embeddings=True))
KINDS = {
    "plain": LoraConfig(rank=4),
    "rank-stabilised": LoraConfig(rank=4, rank_stabilised=True),
    "dora": LoraConfig(rank=4, dora=True),
    "saved": LoraConfig(rank=4, targets=("llm",), modules_to_save=("embed_tokens", "merger")),
}


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_model(*, tied: bool = False) -> Qwen2_5_VL:
    return random_model(TIED if tied else SMALL, generator())


def prompt() -> Prompt:
    return make_prompt([3, (1, 6, 4), 5], generator(5))


def logits(model: Qwen2_5_VL, prompts: Sequence[Prompt]) -> Tensor:
    """Of all prompts in one pack."""
    return model(
        torch.cat([p.input_ids for p in prompts]),
        torch.cat([p.position_ids for p in prompts], 1),
        segments=Segments([len(p.input_ids) for p in prompts]),
        pixel_values=torch.cat([p.pixel_values for p in prompts]).to(model.dtype),
        grid_thw=[grid for p in prompts for grid in p.grids],
    )


def shake(model: nn.Module) -> None:
    """As training would: every adapter parameter moves."""
    draw = generator(9)
    with torch.no_grad():
        for parameter in adapter_parameters(model).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draw))


def quantise(model: Qwen2_5_VL) -> Qwen2_5_VL:
    choose = Quantize("nf4")
    for name, module in list(model.named_modules()):
        parent, _, key = name.rpartition(".")
        if name and (replaced := choose(name, module)) is not module:
            setattr(model.get_submodule(parent), key, replaced)
    return model


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_life_of_adapters(kind: str, tied: bool) -> None:
    model = small_model(tied=tied)
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before = logits(model, [prompt()])
    add_lora(model, KINDS[kind], generator=generator())
    assert set(base) <= set(model.state_dict())  # every name is still there
    torch.testing.assert_close(logits(model, [prompt()]), before, rtol=1e-5, atol=1e-5)
    shake(model)
    after = logits(model, [prompt()])
    assert (after - before).abs().max() > 0.01
    with disabled_lora(model):
        assert torch.equal(logits(model, [prompt()]), before)
    assert torch.equal(logits(model, [prompt()]), after)
    undo = merge_lora(model)
    assert set(model.state_dict()) == set(base)
    torch.testing.assert_close(logits(model, [prompt()]), after, rtol=1e-3, atol=1e-4)
    undo()
    assert torch.equal(logits(model, [prompt()]), after)
    with disabled_lora(model):
        for name, tensor in model.state_dict().items():
            assert "lora_" in name or torch.equal(tensor, base[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_only_adapters_train_and_all_of_them(kind: str) -> None:
    model = small_model()
    add_lora(model, KINDS[kind], generator=generator())
    shake(model)
    logits(model, [prompt()]).square().mean().backward()
    trained = adapter_parameters(model)
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(trained)
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == (name in trained)


@pytest.mark.parametrize("kind", ["plain", "dora"])
def test_merging_in_half_precision_rounds_once(kind: str) -> None:
    model = small_model().bfloat16()
    add_lora(model, KINDS[kind], generator=generator())
    shake(model)
    layer = model.model.layers[0].mlp.up_proj
    assert isinstance(layer, LoraLinear)
    exact = layer.weight.detach().double()
    exact = exact + layer.spec.scaling * (layer.lora_B.weight @ layer.lora_A.weight).double()
    if layer.lora_magnitude_vector is not None:
        exact *= (layer.lora_magnitude_vector.double() / exact.norm(dim=1))[:, None]
    base = layer.weight
    before = base.clone()
    undo = merge_lora(model)
    merged = model.model.layers[0].mlp.up_proj.weight
    assert merged.dtype == torch.bfloat16
    # Half a step of bfloat16, 2 ** -8, and float32's own rounding.
    assert ((merged.double() - exact).abs() <= exact.abs() * 2**-7.99 + 1e-7).all()
    undo()
    assert model.model.layers[0].mlp.up_proj.weight is base
    assert torch.equal(base, before)


def test_a_pack_is_its_samples() -> None:
    model = small_model()
    add_lora(model, KINDS["dora"], generator=generator())
    shake(model)
    prompts = [prompt(), make_prompt([6, (1, 4, 4), 2], generator(6))]
    apart = torch.cat([logits(model, [one]) for one in prompts])
    torch.testing.assert_close(logits(model, prompts), apart, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dora", [False, True])
def test_adapters_on_a_quantised_base(dora: bool) -> None:
    model = quantise(small_model())
    before = logits(model, [prompt()])
    add_lora(model, LoraConfig(rank=4, dora=dora), generator=generator())
    torch.testing.assert_close(logits(model, [prompt()]), before, rtol=1e-3, atol=1e-4)
    shake(model)
    after = logits(model, [prompt()])
    after.mean().backward()
    assert all(p.grad is not None for p in adapter_parameters(model).values())
    with disabled_lora(model):
        torch.testing.assert_close(logits(model, [prompt()]), before, rtol=1e-5, atol=1e-5)
    merge_lora(model)
    torch.testing.assert_close(logits(model, [prompt()]), after, rtol=1e-3, atol=1e-4)
    assert set(model.state_dict()) == set(small_model().state_dict())


def test_the_length_of_rows_is_a_constant_to_dora_s_gradient() -> None:
    layer = LoraLinear(nn.Linear(6, 5), LoraSpec(rank=2, alpha=4, dora=True), generator())
    with torch.no_grad():
        layer.lora_B.weight.normal_(generator=generator())
    x = torch.randn(7, 6, generator=generator())
    grad = torch.randn(7, 5, generator=generator())
    layer(x).backward(grad)
    a = layer.lora_A.weight.detach().clone().requires_grad_()
    b = layer.lora_B.weight.detach().clone().requires_grad_()
    m = layer.lora_magnitude_vector.detach().clone().requires_grad_()
    weight = layer.weight.detach() + 2 * b @ a
    scaled = (m / weight.norm(dim=1).detach())[:, None] * weight
    (x @ scaled.T + layer.bias).backward(grad)
    for ours, theirs in ((layer.lora_A.weight, a), (layer.lora_B.weight, b)):
        torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(layer.lora_magnitude_vector.grad, m.grad)


def test_dropout_works_on_the_update_alone_and_only_while_training() -> None:
    spec = LoraSpec(rank=3, alpha=3, dropout=0.5)
    layer = LoraLinear(nn.Linear(40, 5), spec, generator())
    x = torch.ones(1000, 40)
    assert torch.equal(layer(x)[0], layer(x)[1])  # B is 0: the frozen product is untouched
    with torch.no_grad():
        layer.lora_B.weight.normal_(generator=generator())
    varied = layer(x)
    assert not torch.equal(varied[0], varied[1])
    layer.eval()
    torch.testing.assert_close(varied.mean(0), layer(x)[0], rtol=0.1, atol=0.1)


def test_patterns_choose_layers_ranks_and_scales() -> None:
    config = LoraConfig(
        rank=8,
        alpha=16,
        targets=("q_proj", "tower", r"model\.layers\.1\.mlp\..*"),
        rank_pattern={"attn.qkv": 2, "tower": 4},
        alpha_pattern={"q_proj": 4.0},
    )
    specs = plan_lora(small_model(), config)
    assert len(specs) == 2 + 4 * 5 + 3
    assert specs["model.layers.0.self_attn.q_proj"].scaling == 0.5
    assert specs["visual.blocks.3.attn.qkv"].rank == 2
    assert specs["visual.blocks.3.attn.proj"].rank == 4
    assert specs["model.layers.1.mlp.up_proj"].scaling == 2.0
    everything = plan_lora(small_model(), LoraConfig())
    assert len(everything) == 2 * 7 + 4 * 5 + 2
    assert "lm_head" not in everything
    assert "lm_head" in plan_lora(small_model(), LoraConfig(targets=("lm_head",)))


def test_one_seed_gives_one_adapter() -> None:
    models = [small_model() for _ in range(2)]
    for model in models:
        add_lora(model, LoraConfig(), generator=generator())
    ours, theirs = (adapter_parameters(model) for model in models)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"targets": ("q_prj",)}, "targets has 'q_prj', which fits no layer.*'q_proj'"),
        ({"targets": ("(",)}, "no regular expression"),
        ({"targets": ()}, "no targets"),
        ({"rank_pattern": {"norm": 3}}, "rank_pattern or alpha_pattern has 'norm'"),
        ({"modules_to_save": ("embed",)}, "modules_to_save has 'embed'.*embed"),
        ({"rank": 0}, "rank is 0"),
        ({"alpha": 0.0}, "alpha is 0"),
        ({"dropout": 1.0}, "dropout is 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(config: dict[str, object], error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        add_lora(small_model(), LoraConfig(**config))  # type: ignore[arg-type]


def test_adapters_are_added_once() -> None:
    model = small_model()
    add_lora(model, LoraConfig())
    assert lora_layers(model)
    with pytest.raises(ConfigError, match="has adapters already"):
        add_lora(model, LoraConfig())
