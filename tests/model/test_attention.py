"""Every back end against attention written out for one segment at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qvl.model.attention import Segments, attend


def _reference(q: Tensor, k: Tensor, v: Tensor, segments: Segments, causal: bool) -> Tensor:
    groups = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(groups, dim=1) for x in (k, v))
    results = []
    for q_part, k_part, v_part in zip(*(x.split(segments.lengths) for x in (q, k, v)), strict=True):
        scores = torch.einsum("qhc,khc->hqk", q_part, k_part) * q.shape[-1] ** -0.5
        if causal:
            length = len(q_part)
            scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -torch.inf)
        results.append(torch.einsum("hqk,khc->qhc", scores.softmax(-1), v_part))
    return torch.cat(results)


@pytest.mark.parametrize("backend", ["matmul", "sdpa"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("heads", [(4, 4), (6, 2), (5, 1)])
@pytest.mark.parametrize("lengths", [(7,), (4, 4, 4), (9, 1, 4, 8, 9, 7), (3, 16, 15, 3)])
def test_is_attention_within_each_segment(
    backend: str, causal: bool, heads: tuple[int, int], lengths: tuple[int, ...]
) -> None:
    segments = Segments(lengths)
    shapes = [(segments.total, n, 16) for n in (heads[0], heads[1], heads[1])]
    ours = [torch.randn(shape, requires_grad=True) for shape in shapes]
    theirs = [x.detach().clone().requires_grad_() for x in ours]
    weight = torch.randn(shapes[0])

    out = attend(*ours, segments, causal=causal, backend=backend)
    expected = _reference(*theirs, segments, causal)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)

    (out * weight).sum().backward()
    (expected * weight).sum().backward()
    for x, y in zip(ours, theirs, strict=True):
        torch.testing.assert_close(x.grad, y.grad, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("backend", ["matmul", "sdpa"])
def test_strided_parts_of_one_projection(backend: str) -> None:
    qkv = torch.randn(10, 3, 2, 8)
    segments = Segments([6, 4])
    q, k, v = qkv.unbind(1)
    expected = _reference(q, k, v, segments, causal=False)
    out = attend(q, k, v, segments, causal=False, backend=backend)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("backend", ["matmul", "sdpa"])
@pytest.mark.parametrize("causal", [True, False])
def test_nan_stays_in_its_segment(backend: str, causal: bool) -> None:
    x = torch.randn(9, 2, 4)
    x[4:] = torch.nan
    out = attend(x, x, x, Segments([4, 5]), causal=causal, backend=backend)
    assert out[:4].isfinite().all()


def test_long_bfloat16_segment() -> None:
    """Keys and values are copied together first; they come as parts of one projection."""
    q, k, v = torch.randn(2048, 3, 1, 8).unbind(1)
    segments = Segments([2048])
    expected = attend(q, k, v, segments, causal=False)
    narrow = attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), segments, causal=False)
    torch.testing.assert_close(narrow.float(), expected, atol=2e-3, rtol=2e-2)


def test_fused_attention_of_a_long_segment_holds_no_square() -> None:
    """4096 tokens would need 64 MiB of scores in each of two heads."""
    segments = Segments([4096])
    x = torch.randn(segments.total, 2, 4)
    with torch.profiler.profile(profile_memory=True) as profile, torch.inference_mode():
        attend(x, x, x, segments, causal=False, backend="sdpa")
    allocated = sum(max(0, event.self_cpu_memory_usage) for event in profile.events())
    assert allocated < 100 * x.numel() * x.element_size()


def test_equal_segments_need_no_gather() -> None:
    assert Segments([64] * 9).plan(1.0, torch.device("cpu")).gather is None
    assert Segments([64, 16, 64]).plan(1.0, torch.device("cpu")).gather is not None


def test_padding_is_bounded() -> None:
    plan = Segments([100, 90, 80, 76, 74, 10]).plan(0.75, torch.device("cpu"))
    assert [(group.count, group.length) for group in plan.groups] == [(4, 100), (1, 74), (1, 10)]


@pytest.mark.parametrize("lengths", [[], [3, 0], [-1]])
def test_empty_segments_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Segments(lengths)
