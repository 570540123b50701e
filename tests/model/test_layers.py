"""Hand-written gradients against the plain formulas, and in-place paths against the others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qvl.model.layers import GatedMLP, RMSNorm, add_branch
from qvl.model.rotary import rotate


def _plain_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return weight * wide.to(x.dtype)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
def test_rms_norm_and_its_gradient(scale: float) -> None:
    norm = RMSNorm(24, 1e-6)
    norm.weight.data.normal_()
    x = (torch.randn(5, 7, 24) * scale).requires_grad_()
    weight = torch.randn(5, 7, 24)
    ours = torch.autograd.grad((norm(x) * weight).sum(), (x, norm.weight))
    plain = _plain_norm(x, norm.weight, 1e-6)
    theirs = torch.autograd.grad((plain * weight).sum(), (x, norm.weight))
    torch.testing.assert_close(norm(x), plain)
    for mine, expected in zip(ours, theirs, strict=True):
        assert (mine - expected).abs().max() < 1e-5 * expected.abs().max()


def test_rms_norm_gradient_by_finite_differences() -> None:
    norm = RMSNorm(6, 1e-6).double()
    norm.weight.data.normal_()
    x = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (x,))


def test_rms_norm_rounds_before_the_weight() -> None:
    """As published: in bfloat16 the normalised value is rounded, then multiplied."""
    norm = RMSNorm(64, 1e-6).bfloat16()
    norm.weight.data.normal_()
    x = torch.randn(9, 64).bfloat16()
    plain = _plain_norm(x, norm.weight, 1e-6)
    assert torch.equal(norm(x), plain)
    assert norm(x).dtype == torch.bfloat16


def test_rotation_is_complex_multiplication() -> None:
    x, angle = torch.randn(4, 3, 10), torch.randn(4, 5)
    turned = rotate(x, angle.cos(), angle.sin())
    expected = torch.complex(x[..., :5], x[..., 5:]) * torch.polar(torch.ones(4, 5), angle)[:, None]
    torch.testing.assert_close(turned, torch.cat([expected.real, expected.imag], dim=-1))


def test_rotation_gradient_by_finite_differences() -> None:
    x = torch.randn(3, 2, 8, dtype=torch.float64, requires_grad=True)
    angle = torch.randn(3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda y: rotate(y, angle.cos(), angle.sin()), (x,))


def test_inference_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.model.layers._CPU_ROWS", 4)
    mlp = GatedMLP(8, 20, bias=True)
    x = torch.randn(11, 8)
    expected = add_branch(x, mlp)
    with torch.inference_mode():
        changed = x.clone()
        out = add_branch(changed, mlp)
    torch.testing.assert_close(out, expected)
    assert out.data_ptr() == changed.data_ptr()
