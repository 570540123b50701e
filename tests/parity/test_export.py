"""Folders that travel between this package and transformers, both ways, with equal logits."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration

from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.model.attention import Segments
from qvl.model.vlm import Qwen2_5_VL
from tests.checkpoint.small import write_checkpoint

GRID = (1, 6, 10)
# 3 tokens of text, one picture, 4 tokens of text.
INPUT_IDS = torch.tensor([5, 6, 90, *[93] * 15, 91, 7, 8, 9])


def positions() -> Tensor:
    """int64[3, 22]: text 0..2, the picture at 3, text from 3 + max(3, 5)."""
    rows = torch.arange(15) // 5
    columns = torch.arange(15) % 5
    before, after = torch.arange(3), torch.arange(4) + 8
    return torch.stack([torch.cat([before, 3 + part, after]) for part in (rows * 0, rows, columns)])


@torch.inference_mode()
def our_logits(model: Qwen2_5_VL, pixel_values: Tensor) -> Tensor:
    return model(
        INPUT_IDS,
        positions(),
        segments=Segments([len(INPUT_IDS)]),
        pixel_values=pixel_values,
        grid_thw=[GRID],
    )


@torch.inference_mode()
def their_logits(model: Qwen2_5_VLForConditionalGeneration, pixel_values: Tensor) -> Tensor:
    result = model(
        input_ids=INPUT_IDS[None],
        position_ids=positions()[:, None],
        pixel_values=pixel_values,
        image_grid_thw=torch.tensor([GRID]),
        mm_token_type_ids=(INPUT_IDS == 93).int()[None],
    )
    return result.logits[0]


@pytest.fixture
def pixel_values() -> Tensor:
    return torch.randn(60, 1176, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("max_shard_bytes", [5_000_000_000, 20_000])
@pytest.mark.parametrize("tied", [False, True])
def test_transformers_reads_our_export(
    tmp_path: Path, pixel_values: Tensor, tied: bool, max_shard_bytes: int
) -> None:
    write_checkpoint(tmp_path / "a", tied=tied)
    ours = load_model(tmp_path / "a")
    export_model(ours, tmp_path / "b", max_shard_bytes=max_shard_bytes)
    theirs, notes = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        tmp_path / "b", output_loading_info=True
    )
    assert not any(notes.values()), notes
    assert theirs.dtype == torch.float32
    torch.testing.assert_close(
        our_logits(ours, pixel_values), their_logits(theirs, pixel_values), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("max_shard_size", ["5GB", "20KB"])
@pytest.mark.parametrize("tied", [False, True])
def test_we_read_what_transformers_saves(
    tmp_path: Path, pixel_values: Tensor, tied: bool, max_shard_size: str
) -> None:
    write_checkpoint(tmp_path / "a", tied=tied)
    theirs = Qwen2_5_VLForConditionalGeneration.from_pretrained(tmp_path / "a")
    theirs.save_pretrained(tmp_path / "b", max_shard_size=max_shard_size)
    ours = load_model(tmp_path / "b")
    torch.testing.assert_close(
        our_logits(ours, pixel_values), their_logits(theirs, pixel_values), rtol=1e-5, atol=1e-5
    )
    export_model(ours, tmp_path / "c", files_from=tmp_path / "b")
    for path in (tmp_path / "b").glob("*.safetensors*"):
        assert (tmp_path / "c" / path.name).read_bytes() == path.read_bytes()
