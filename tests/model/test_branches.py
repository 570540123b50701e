"""A question shared by its answers equals the question written out for each."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.model.attention import BACKENDS, attend
from qvl.model.branches import Branches
from qvl.model.segments import Segments

LENGTHS = st.lists(
    st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple), min_size=1, max_size=3
)


@settings(max_examples=60, deadline=None)
@given(LENGTHS)
def test_every_row_comes_back_to_itself(branches: list[tuple[int, ...]]) -> None:
    found = Branches(branches)
    device = torch.device("cpu")
    rows, firsts = found.rows(device), found.firsts(device)
    assert rows[firsts].tolist() == list(range(found.total))
    assert len(rows) == found.sequences.total


@pytest.mark.parametrize("backend", ["sdpa", "matmul"])
def test_branches_equal_whole_sequences(backend: str) -> None:
    assert backend in BACKENDS
    torch.manual_seed(0)
    branches = [(4, 2, 3), (1, 1), (3, 2, 2, 5), (2,)]
    found = Branches(branches)
    q, k, v = (
        torch.randn(found.total, heads, 8, dtype=torch.float64, requires_grad=True)
        for heads in (4, 2, 2)
    )
    out = attend(q, k, v, found, causal=True, backend=backend)
    weights = torch.randn_like(out)
    grads = torch.autograd.grad((out * weights).sum(), (q, k, v))

    total = torch.zeros((), dtype=torch.float64)
    start = 0
    for question, *answers in branches:
        place = start + question
        for number, length in enumerate(answers or [0]):
            rows = torch.tensor([*range(start, start + question), *range(place, place + length)])
            whole = attend(
                q[rows], k[rows], v[rows], Segments([len(rows)]), causal=True, backend=backend
            )
            torch.testing.assert_close(out[rows], whole, rtol=0, atol=1e-12)
            counted = whole if number == 0 else whole[question:]
            total = total + (counted * weights[rows[len(rows) - len(counted) :]]).sum()
            place += length
        start = place
    for one, other in zip(grads, torch.autograd.grad(total, (q, k, v)), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
