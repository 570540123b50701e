"""Packs on a CUDA device: every back end is attention within each segment, forward and backward."""

import pytest
import torch
from torch import Tensor

from qvl.model.attention import Segments, attend
from qvl.model.varlen import choose_backend, varlen_kernel

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

# Windows of a tower, samples of a pack; a block of 128 is crossed, filled and missed.
LENGTHS = {"windows": [64] * 9 + [16, 4, 64], "samples": [700, 1, 128, 129, 3, 512, 40]}
HEADS = [(4, 4, 80), (16, 2, 128)]


def run(
    backend: str, inputs: list[Tensor], segments: Segments, causal: bool, weight: Tensor
) -> list[Tensor]:
    """The output, then the gradients of queries, keys and values."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    out = attend(*leaves, segments, causal=causal, backend=backend)
    (out.float() * weight).sum().backward()
    return [out.detach(), *(x.grad for x in leaves if x.grad is not None)]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("backend", ["varlen", "flex"])
def test_kernels_are_sdpa(
    backend: str, lengths: list[int], heads: tuple[int, int, int], causal: bool
) -> None:
    if backend == "varlen" and varlen_kernel() is None:
        pytest.skip("neither flash-attn nor torch's own kernel is installed")
    segments = Segments(lengths)
    num_heads, num_kv, width = heads
    torch.manual_seed(0)
    shapes = [(segments.total, n, width) for n in (num_heads, num_kv, num_kv)]
    inputs = [torch.randn(shape, device="cuda") for shape in shapes]
    weight = torch.randn(shapes[0], device="cuda")
    exact = run("sdpa", inputs, segments, causal, weight)
    half = [x.bfloat16() for x in inputs]
    for found, expected in zip(run(backend, half, segments, causal, weight), exact, strict=True):
        error = (found.float() - expected).norm() / expected.norm()
        assert error < 0.02  # bfloat16 keeps 8 bits


def test_the_choice_for_packs_runs() -> None:
    x = torch.randn(100, 2, 16, device="cuda", dtype=torch.bfloat16)
    backend = choose_backend(x.device, x.dtype)
    assert attend(x, x, x, Segments([60, 40]), causal=True, backend=backend).isfinite().all()
