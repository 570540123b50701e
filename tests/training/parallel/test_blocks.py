"""Checkpointing and compiling change what is kept and how fast it is, not what comes out."""

import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from qvl.model.attention import Segments, attend
from qvl.model.language import DecoderLayer
from qvl.model.rotary import text_rotary
from qvl.training.parallel.blocks import checkpoint_block, compile_block
from tests.training.parallel.small import small_config, small_model


def run(layer: DecoderLayer, length: int = 12) -> tuple[list[Tensor], int]:
    """Returns the output and all gradients, and how many bytes were kept for them."""
    config = small_config(tied=False).text
    segments = Segments([length, 5])
    x = torch.randn(segments.total, config.hidden_size, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    positions = torch.cat([torch.arange(n) for n in segments.lengths]).expand(3, -1)
    cos, sin = text_rotary(
        positions, head_dim=config.head_dim, theta=config.rope_theta, sections=config.mrope_section
    )
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = layer(x, cos, sin, partial(attend, segments=segments, causal=True))
    out.square().sum().backward()
    grads = [p.grad for p in layer.parameters() if p.grad is not None]
    assert len(grads) == len(list(layer.parameters()))
    assert x.grad is not None
    return [out.detach(), x.grad, *grads], sum(kept.values())


class Counted(TorchDispatchMode):
    """Counts the kernels that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names[func.name()] += 1
        return func(*args, **(kwargs or {}))


def changed_layer(change: Callable[[DecoderLayer], None]) -> DecoderLayer:
    layer = small_model().model.layers[1]
    assert isinstance(layer, DecoderLayer)
    names = [name for name, _ in layer.named_parameters()]
    change(layer)
    assert [name for name, _ in layer.named_parameters()] == names
    return layer


def test_checkpointed_blocks_keep_less_and_give_the_same() -> None:
    results, kept = zip(
        *(
            run(changed_layer(lambda layer, kind=kind: checkpoint_block(layer, kind)))  # type: ignore[misc]
            for kind in ("none", "selective", "full")
        ),
        strict=True,
    )
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            assert torch.equal(found, expected)
    assert kept[2] < kept[0]


def test_selective_blocks_run_products_and_attention_once() -> None:
    counts = []
    for kind in ("none", "selective", "full"):
        layer = changed_layer(lambda layer, kind=kind: checkpoint_block(layer, kind))  # type: ignore[misc]
        with Counted() as counted:
            run(layer)
        counts.append(counted.names)
    none, selective, full = counts
    for name in ("aten::mm", "aten::addmm", "aten::_scaled_dot_product_flash_attention_for_cpu"):
        assert none[name] == selective[name] > 0, name
        assert full[name] > none[name], name
    assert selective["aten::silu"] == 2 * none["aten::silu"]


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: apt install g++")
@pytest.mark.slow
def test_a_compiled_block_gives_the_same_for_every_length() -> None:
    plain, compiled = changed_layer(lambda layer: None), changed_layer(compile_block)
    for length in (12, 17):
        plain.zero_grad()
        compiled.zero_grad()
        for found, expected in zip(run(compiled, length)[0], run(plain, length)[0], strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
