"""Packed matrices: the same numbers, the same model, and no second copy of the weights."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.checkpoint.safetensors_file import Workspace
from qvl.errors import CheckpointError
from qvl.inference.prepack import (
    OneDnnLinear,
    WideLinear,
    WidePacking,
    choose_packing,
    load_for_inference,
    pack_for_onednn,
)
from qvl.model.attention import Segments
from qvl.model.kv_cache import KVCache
from qvl.model.vlm import Qwen2_5_VL
from tests.checkpoint.small import write_checkpoint
from tests.material import material, requires_material

CPU = torch.cpu.get_capabilities()
needs_fbgemm = pytest.mark.skipif(
    "fbgemm" not in torch.backends.quantized.supported_engines, reason="FBGEMM is for x86"
)
needs_bf16 = pytest.mark.skipif(
    not (CPU.get("avx512_bf16") or CPU.get("amx_bf16")), reason="no bfloat16 instructions"
)

# 1176 and 1280 inputs leave a tail beyond FBGEMM's blocks of 512, 1000 inputs do not.
SHAPES = [(1, 1), (7, 3), (300, 70), (64, 1176), (90, 1280), (50, 1000), (3420, 128)]


def wide(weight: Tensor, bias: Tensor | None = None, *, parts: int = 1) -> WideLinear:
    rows = -(-len(weight) // parts)
    return WideLinear(weight, bias, Workspace(), max_part=rows * weight.shape[1])


@needs_fbgemm
def test_every_weight_is_held_exactly() -> None:
    """With one input, the product is the weight: bit for bit, over 28 powers of two."""
    torch.manual_seed(0)
    exponents = torch.randint(-30, -1, (4096, 1))
    weight = ((1 + torch.randint(0, 128, (4096, 1)) / 128) * 2.0**exponents).bfloat16()
    weight[::2] *= -1
    weight[0] = 0.5
    x = torch.tensor([[1.0], [-3.0], [0.1]])
    assert torch.equal(wide(weight)(x), x * weight.float().T)


@needs_fbgemm
@pytest.mark.parametrize("largest", [1e-30, 1e-6, 1.0, 60000.0, 1e6, 1e38])
def test_no_size_of_weights_overflows_or_vanishes(largest: float) -> None:
    weight = (torch.linspace(-1, 1, 64)[:, None] * largest).bfloat16()
    x = torch.tensor([[0.5]])
    assert torch.equal(wide(weight)(x), x * weight.float().T)


@needs_fbgemm
def test_nothing_but_zeros() -> None:
    assert not wide(torch.zeros(5, 3).bfloat16())(torch.ones(2, 3)).any()


@needs_fbgemm
@pytest.mark.parametrize("rows", [1, 4, 37])
@pytest.mark.parametrize("shape", SHAPES)
def test_wide_products_are_float32_products(shape: tuple[int, int], rows: int) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(shape).mul(0.02).bfloat16(), torch.randn(shape[0]).bfloat16()
    x = torch.randn(rows, shape[1])
    exact = F.linear(x.double(), weight.double(), bias.double())
    # The sum of the sizes of all terms: what float32 rounding is relative to.
    size = F.linear(x.double().abs(), weight.double().abs(), bias.double().abs())
    for parts in (1, 3):
        result = wide(weight, bias, parts=parts)(x)
        assert result.dtype == torch.float32
        assert bool(((result - exact).abs() <= 1e-6 * size).all())


@needs_bf16
@pytest.mark.parametrize("rows", [1, 4, 37])
@pytest.mark.parametrize("shape", SHAPES)
def test_onednn_products_are_torchs(shape: tuple[int, int], rows: int) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(shape).mul(0.02).bfloat16(), torch.randn(shape[0]).bfloat16()
    x = torch.randn(rows, shape[1]).bfloat16()
    exact = F.linear(x.double(), weight.double(), bias.double())
    result = OneDnnLinear(weight, bias)(x)
    assert result.dtype == torch.bfloat16
    # One rounding to bfloat16 (8 bits) of a float32 sum; another order may round the other way.
    assert bool(((result - exact).abs() <= 2**-8 * exact.abs() + 1e-5).all())


def test_this_cpus_layout() -> None:
    has_fbgemm = "fbgemm" in torch.backends.quantized.supported_engines
    assert choose_packing(torch.float32) is None
    assert isinstance(choose_packing(torch.float16), WidePacking) == has_fbgemm
    if CPU.get("avx512_bf16") or CPU.get("amx_bf16"):
        assert choose_packing(torch.bfloat16) is pack_for_onednn
    else:
        assert isinstance(choose_packing(torch.bfloat16), WidePacking) == has_fbgemm


@torch.inference_mode()
def run(model: Qwen2_5_VL) -> list[Tensor]:
    """Logits of a prompt with a picture, then of two more tokens by the cache."""
    config = model.config
    ids = torch.tensor([5, 6, *[config.image_token_id] * 6, 7, 8])
    grid = [(1, 4, 6)]
    pixels = torch.randn(24, 1176, generator=torch.Generator().manual_seed(1))
    cache = KVCache(config.text, num_slots=1, max_tokens=32, dtype=model.dtype)
    position = torch.arange(len(ids)).expand(3, -1)
    logits = [
        model(
            ids,
            position,
            segments=Segments([len(ids)]),
            pixel_values=pixels,
            grid_thw=grid,
            cache=cache.view([0]),
        )
    ]
    for i, token in enumerate([9, 10]):
        logits.append(
            model(
                torch.tensor([token]),
                torch.full((3, 1), len(ids) + i),
                segments=Segments([1]),
                cache=cache.view([0]),
            )
        )
    return logits


@needs_fbgemm
@pytest.mark.parametrize("tied", [False, True])
def test_a_wide_model_is_the_float32_model_of_its_weights(tmp_path: Path, tied: bool) -> None:
    write_checkpoint(tmp_path, dtype=torch.bfloat16, tied=tied)
    pack = WidePacking()
    packed = load_model(tmp_path, replace=lambda _, module: pack(module))
    assert packed.dtype == torch.float32
    assert not any(isinstance(module, nn.Linear) for module in packed.modules())
    for ours, theirs in zip(
        run(packed), run(load_model(tmp_path, dtype=torch.float32)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@needs_bf16
@pytest.mark.parametrize("tied", [False, True])
def test_an_onednn_model_is_the_bfloat16_model(tmp_path: Path, tied: bool) -> None:
    write_checkpoint(tmp_path, dtype=torch.bfloat16, tied=tied)
    packed = load_model(tmp_path, replace=lambda _, module: pack_for_onednn(module))
    assert packed.dtype == torch.bfloat16
    assert not any(isinstance(module, nn.Linear) for module in packed.modules())
    for ours, theirs in zip(run(packed), run(load_model(tmp_path)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.02)


def test_float32_stays_as_stored(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    state = load_for_inference(tmp_path, dtype=torch.float32).state_dict()
    assert set(state) == set(weights)


@needs_fbgemm
def test_a_packed_model_cannot_be_exported(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", dtype=torch.bfloat16)
    model = load_for_inference(tmp_path / "a", dtype=torch.bfloat16)
    with pytest.raises(CheckpointError, match="packed its weights"):
        export_model(model, tmp_path / "b")


@requires_material
@needs_fbgemm
@pytest.mark.parametrize("name", ["tiny_a_case_00", "tiny_a_case_01"])
def test_golden_logits_in_half_precision(name: str) -> None:
    """Against float32 references: the rounding of the weights is all that is left."""
    golden = load_file(material("golden", "logits", f"{name}.safetensors"))
    cases = json.loads(material("golden", "logits.json").read_text())["cases"]
    segments = next(case for case in cases if case["case"] == name)["segments"][0]
    grids = [tuple(part[1]) for part in segments if part[0] == "image"]
    model = load_for_inference(material("golden", "checkpoints", "tiny_a"), dtype=torch.bfloat16)
    with torch.inference_mode():
        logits = model(
            golden["input_ids"][0],
            golden["position_ids"][:, 0],
            segments=Segments([golden["input_ids"].shape[1]]),
            pixel_values=golden["pixel_values"].float(),
            grid_thw=grids,
        )
    expected = golden["logits"][0].log_softmax(-1)
    divergence = F.kl_div(logits.log_softmax(-1), expected, log_target=True, reduction="none")
    assert divergence.sum(-1).max() < 1e-3
