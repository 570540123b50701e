"""Folders of adapters: what is refused, and merging while a model loads."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from qvl import api
from qvl.checkpoint.adapter import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    attach_adapter,
    base_folder,
    is_adapter,
    merge_adapter,
    read_adapter,
    save_adapter,
)
from qvl.checkpoint.load import load_model
from qvl.checkpoint.peft_format import check_fields
from qvl.checkpoint.safetensors_file import read_header, read_tensor, write_safetensors
from qvl.errors import CheckpointError, ConfigError
from qvl.inference.prepack import load_for_inference
from qvl.model.attention import Segments
from qvl.model.lora import adapter_parameters, add_lora, merge_lora
from qvl.model.lora_config import LoraConfig
from qvl.model.vlm import Qwen2_5_VL
from tests.checkpoint.small import write_checkpoint

EVERYTHING = LoraConfig(
    rank=2, dora=True, rank_pattern={"q_proj": 3}, modules_to_save=("embed_tokens", "merger")
)
PICTURE_IDS = torch.tensor([5, 90, *[93] * 4, 91, 7, 8])


def logits(model: Qwen2_5_VL) -> Tensor:
    pixels = torch.randn(16, 1176, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model(
            PICTURE_IDS,
            torch.arange(9).expand(3, 9),
            segments=Segments([9]),
            pixel_values=pixels.to(model.dtype),
            grid_thw=[(1, 4, 4)],
        )


def write_adapter_on(base: Path, folder: Path, config: LoraConfig = EVERYTHING) -> Qwen2_5_VL:
    """Saves a random adapter; returns the model with it."""
    model = load_model(base)
    add_lora(model, config, generator=torch.Generator().manual_seed(2))
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in adapter_parameters(model).values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=draw))
    save_adapter(model, folder, base_model=str(base))
    return model


@pytest.mark.parametrize("tied", [False, True])
def test_merging_while_loading_is_merging_afterwards(tmp_path: Path, tied: bool) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    write_checkpoint(base, tied=tied)
    model = write_adapter_on(base, adapter)
    assert is_adapter(adapter)
    assert base_folder(adapter) == base
    unmerged = logits(model)
    assert (unmerged - logits(load_model(base))).abs().max() > 0.01
    for device_dtype in (torch.float32, torch.float16):  # kept as stored, and packed
        loaded = load_for_inference(base, dtype=device_dtype, adapter=adapter)
        close = {torch.float32: 1e-4, torch.float16: 2e-2}[device_dtype]
        torch.testing.assert_close(logits(loaded), unmerged, rtol=close, atol=close)
    merge_adapter(adapter, tmp_path / "merged")
    merge_lora(model)
    for name, tensor in load_model(tmp_path / "merged").state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name
    for folder in (base, tmp_path / "merged"):
        assert (folder / "config.json").is_file()


def test_merging_into_half_precision_rounds_once(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "base", dtype=torch.bfloat16)
    write_adapter_on(tmp_path / "base", tmp_path / "adapter")
    merge_adapter(tmp_path / "adapter", tmp_path / "half")
    merge_adapter(tmp_path / "adapter", tmp_path / "full", dtype=torch.float32)
    half, full = load_model(tmp_path / "half"), load_model(tmp_path / "full")
    for name, tensor in full.state_dict().items():
        assert torch.equal(half.state_dict()[name], tensor.bfloat16()), name


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "base")
    write_adapter_on(tmp_path / "base", tmp_path / "adapter")
    return tmp_path / "adapter"


def change_config(folder: Path, **fields: Any) -> None:
    path = folder / ADAPTER_CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("peft_type", "IA3", "peft_type is 'IA3'"),
        ("bias", "all", "bias is 'all'"),
        ("fan_in_fan_out", True, "fan_in_fan_out is 'True'"),
        ("init_lora_weights", "pissa_niter_4", "changes the base model's weights"),
        ("layer_replication", [[0, 2]], "layer_replication"),
        ("a_field_of_tomorrow", 3, "a_field_of_tomorrow is '3'"),
        ("r", 5, "rank 2, adapter_config.json says 5"),
        ("r", "many", "r is 'many', expected a number"),
        ("lora_alpha", -1, "alpha is -1"),
        ("use_dora", False, "lora_magnitude_vector.*of no adapter"),
        ("rank_pattern", {"(a+)+": 3}, "too involved"),
        ("rank_pattern", {"(": 3}, "no regular expression"),
        ("alpha_pattern", [1], "an object of patterns"),
        ("ensure_weight_tying", False, None),
        ("a_field_of_tomorrow", None, None),
    ],
)
def test_fields_change_nothing_silently(
    adapter: Path, field: str, value: Any, error: str | None
) -> None:
    change_config(adapter, **{field: value})
    if error is None:
        read_adapter(adapter)
        return
    with pytest.raises(CheckpointError, match=error.replace("(", r"\(")):
        read_adapter(adapter)


def rewrite(folder: Path, change: dict[str, Tensor | None]) -> None:
    path = folder / ADAPTER_WEIGHTS
    header = read_header(path)
    tensors = {n: read_tensor(e, e.dtype) for n, e in header.entries.items()} | change
    path.unlink()
    kept = [(name, tensor) for name, tensor in tensors.items() if tensor is not None]
    write_safetensors(path, kept, metadata={})


UP = "base_model.model.model.language_model.layers.0.mlp.up_proj"


@pytest.mark.parametrize(
    ("name", "tensor", "error"),
    [
        (f"{UP}.lora_B.weight", None, "up_proj has no lora_B.weight"),
        (f"{UP}.lora_B.bias", torch.zeros(52), "is not of an adapter of linear layers"),
        ("up_proj.lora_A.weight", torch.zeros(2, 32), "is not of an adapter|no lora_B"),
        (f"{UP}.lora_B.weight", torch.zeros(51, 2), r"\[51, 2\] instead of \[52, 2\]"),
        (f"{UP}.lora_B.weight", torch.zeros(52, 2, dtype=torch.int8), "expected floats"),
        ("base_model.model.model.language_model.norm.bias", torch.zeros(32), "norm.bias"),
        ("base_model.model.visual.merger.ln_q.weight", None, None),
        ("base_model.model.model.visual.merger.ln_q.weight", None, None),
    ],
)
def test_tensors_are_complete_and_fit(
    adapter: Path, name: str, tensor: Tensor | None, error: str | None
) -> None:
    rewrite(adapter, {name: tensor})
    model = load_model(adapter.parent / "base")
    if error is None:  # a module that trained whole may be left out, not halved
        attach_adapter(model, read_adapter(adapter))
        return
    with pytest.raises(CheckpointError, match=error):
        attach_adapter(model, read_adapter(adapter))


def test_halves_of_what_trained_whole_are_refused(adapter: Path) -> None:
    rewrite(adapter, {"base_model.model.model.visual.merger.mlp.0.bias": None})
    with pytest.raises(CheckpointError, match=r"merger.mlp.0.bias is missing"):
        attach_adapter(load_model(adapter.parent / "base"), read_adapter(adapter))


def test_a_base_is_found_or_asked_for(adapter: Path, tmp_path: Path) -> None:
    change_config(adapter, base_model_name_or_path=str(tmp_path / "gone"))
    with pytest.raises(CheckpointError, match=r"base model of .*--model"):
        base_folder(adapter)
    change_config(adapter, base_model_name_or_path=None)
    with pytest.raises(CheckpointError, match="names no base model"):
        base_folder(adapter)
    change_config(adapter, base_model_name_or_path=str(adapter))
    with pytest.raises(CheckpointError, match="itself an adapter"):
        base_folder(adapter)
    with pytest.raises(CheckpointError, match=r"has no adapter_config\.json"):
        read_adapter(tmp_path)
    (adapter / ADAPTER_WEIGHTS).rename(adapter / "adapter_model.bin")
    with pytest.raises(CheckpointError, match="pickles"):
        read_adapter(adapter)


def test_saving_overwrites_nothing(adapter: Path) -> None:
    model = load_model(adapter.parent / "base")
    with pytest.raises(ConfigError, match="no adapters to save"):
        save_adapter(model, adapter.parent / "new", base_model=None)
    add_lora(model, LoraConfig())
    with pytest.raises(CheckpointError, match="not empty"):
        save_adapter(model, adapter, base_model=None)
    assert not list(adapter.parent.glob(".*"))


def test_two_adapters_at_once_are_refused(adapter: Path) -> None:
    with pytest.raises(ConfigError, match="names another"):
        api.load(adapter, adapter=adapter)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(
            ["r", "lora_alpha", "lora_dropout", "rank_pattern", "bias", "init_lora_weights"]
        ),
        _JSON,
    )
)
def test_any_config_is_read_or_refused(fields: dict[str, Any]) -> None:
    with suppress(CheckpointError):
        check_fields({"peft_type": "LORA", **fields}, Path(ADAPTER_CONFIG))
