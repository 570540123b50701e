"""Which pairs the kernels for CUDA are told of, and what is said where they are not."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import create_block_mask

from qvl.errors import InputError, MissingDependencyError
from qvl.model import varlen
from qvl.model.attention import Segments, attend
from qvl.model.varlen import block_mask, choose_backend

CPU = torch.device("cpu")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=8), st.booleans())
def test_blocks_are_those_with_pairs(lengths: list[int], causal: bool) -> None:
    segments = Segments(lengths)
    mask = block_mask(segments, CPU, causal)
    made = create_block_mask(mask.mask_mod, 1, 1, segments.total, segments.total, device="cpu")
    assert torch.equal(mask.to_dense(), made.to_dense())
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    pairs = owner[:, None] == owner
    pairs = pairs.tril() if causal else pairs
    for count, listed, all_pairs in (
        (made.full_kv_num_blocks, mask.full_kv_num_blocks, True),
        (made.kv_num_blocks, mask.kv_num_blocks, False),
    ):
        # Blocks of torch's that are whole are whole here, but those at the row's short end.
        assert (count >= listed).all() if all_pairs else (count <= listed).all()
    for row, (count, at) in enumerate(
        zip(mask.full_kv_num_blocks[0, 0], mask.full_kv_indices[0, 0], strict=True)
    ):
        for column in at[:count].tolist():
            block = pairs[row * 128 : (row + 1) * 128, column * 128 : (column + 1) * 128]
            assert block.shape == (128, 128)
            assert block.all()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("heads", [(4, 4), (6, 2)])
@torch.no_grad()
def test_flex_is_sdpa(causal: bool, heads: tuple[int, int]) -> None:
    segments = Segments([130, 1, 64, 3])
    q, k, v = (torch.randn(segments.total, n, 16) for n in (heads[0], heads[1], heads[1]))
    expected = attend(q, k, v, segments, causal=causal)
    out = attend(q, k, v, segments, causal=causal, backend="flex")
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)


def test_a_kernel_that_is_not_there_is_named() -> None:
    x = torch.randn(4, 2, 8)
    with pytest.raises(MissingDependencyError, match=r"torch\.float32 on cpu"):
        attend(x, x, x, Segments([4]), causal=True, backend="varlen")
    x.requires_grad_()
    with pytest.raises(InputError, match="no gradients on cpu"):
        attend(x, x, x, Segments([4]), causal=True, backend="flex")


def test_the_fastest_there_is_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, half = torch.device("cuda"), torch.bfloat16
    monkeypatch.setattr(varlen, "_is_recent", lambda device: True)
    assert choose_backend(CPU, half) == "sdpa"
    assert choose_backend(cuda, torch.float32) == "sdpa"
    assert choose_backend(cuda, half) == "varlen"
    monkeypatch.setattr(varlen, "varlen_kernel", lambda: None)
    assert choose_backend(cuda, half) == "flex"
    monkeypatch.setattr(varlen, "_is_recent", lambda device: False)
    assert choose_backend(cuda, half) == "sdpa"
