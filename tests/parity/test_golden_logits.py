"""The recorded logits of two tiny random checkpoints in the published file format (from
transformers 4.51.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from qvl.model.attention import Segments
from qvl.model.config import ModelConfig
from qvl.model.kv_cache import KVCache
from qvl.model.vlm import Qwen2_5_VL
from tests.material import MATERIAL, requires_material

pytestmark = requires_material

# The two references differ by at most 5e-5; a wrong position or window moves logits by 2 and more.
_TOLERANCE = 5e-4


def _golden() -> Any:
    assert MATERIAL is not None
    return MATERIAL / "golden"


def _cases() -> list[dict[str, Any]]:
    if MATERIAL is None:
        return []
    return json.loads((_golden() / "logits.json").read_text())["cases"]  # type: ignore[no-any-return]


def _model(name: str) -> Qwen2_5_VL:
    folder = _golden() / "checkpoints" / name
    config = ModelConfig.from_hf(json.loads((folder / "config.json").read_text()))
    model = Qwen2_5_VL(config)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def _media(
    case: dict[str, Any], golden: dict[str, Tensor]
) -> list[tuple[str, Tensor, tuple[int, int, int]]]:
    """(kind, patches, grid) in order of appearance; the files keep images and videos apart."""
    rows = {"image": 0, "video": 0}
    sources = {"image": "pixel_values", "video": "pixel_values_videos"}
    media = []
    for sequence in case["segments"]:
        for kind, grid, *_ in (part for part in sequence if part[0] != "text"):
            size = grid[0] * grid[1] * grid[2]
            start = rows[kind]
            rows[kind] += size
            media.append((kind, golden[sources[kind]][start : start + size].float(), tuple(grid)))
    return media


@pytest.mark.parametrize("backend", ["sdpa", "matmul"])
@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["case"])
@torch.inference_mode()
def test_logits_and_greedy_tokens(case: dict[str, Any], backend: str) -> None:
    golden = load_file(_golden() / "logits" / f"{case['case']}.safetensors")
    model = _model(case["checkpoint"])
    model.attention_backend = backend
    mask = golden["attention_mask"].bool()
    segments = Segments(mask.sum(-1).tolist())
    media = _media(case, golden)
    grids = [grid for _, _, grid in media]

    features = model.encode_media(torch.cat([patches for _, patches, _ in media]), grids)
    parts = features.split([t * h * w // 4 for t, h, w in grids])
    for kind in ("image", "video"):
        mine = [part for part, (k, _, _) in zip(parts, media, strict=True) if k == kind]
        if mine:
            torch.testing.assert_close(
                torch.cat(mine), golden[f"{kind}_embeds"], atol=_TOLERANCE, rtol=0
            )

    cache = KVCache(model.config.text, num_slots=len(mask), max_tokens=64, dtype=torch.float32)
    logits = model(
        golden["input_ids"][mask],
        golden["position_ids"][:, mask],
        segments=segments,
        media_embeds=features,
        cache=cache.view(range(len(mask))),
    )
    torch.testing.assert_close(logits, golden["logits"][mask], atol=_TOLERANCE, rtol=0)

    if "greedy" not in golden:
        return
    tokens = [int(logits[-1].argmax())]
    position = int(golden["position_ids"].max()) + 1
    while len(tokens) < len(golden["greedy"]):
        step = model(
            torch.tensor(tokens[-1:]),
            torch.full((3, 1), position),
            segments=Segments([1]),
            cache=cache.view([0]),
        )
        tokens.append(int(step[-1].argmax()))
        position += 1
    assert tokens == golden["greedy"].flatten().tolist()
