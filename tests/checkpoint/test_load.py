"""Loading: every published layout gives the same model; everything wrong is refused at once."""

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from qvl.checkpoint.load import load_model
from qvl.errors import CheckpointError
from tests.checkpoint.small import CONFIG, write_checkpoint, write_weights
from tests.material import material, requires_material

NEW_PREFIXES = (("visual.", "model.visual."), ("model.", "model.language_model."))


def same(folder: Path, weights: dict[str, Tensor]) -> None:
    state = load_model(folder).state_dict()
    assert set(state) == set(weights)
    for name, tensor in state.items():
        assert tensor.dtype == weights[name].dtype
        assert torch.equal(tensor, weights[name]), name


def new_name(name: str) -> str:
    for old, new in NEW_PREFIXES:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def refuse(folder: Path, words: str) -> None:
    started = time.process_time()
    with pytest.raises(CheckpointError, match=words) as caught:
        load_model(folder)
    assert time.process_time() - started < 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_arrive(tmp_path: Path, dtype: torch.dtype, tied: bool, shards: int) -> None:
    same(tmp_path, write_checkpoint(tmp_path, dtype=dtype, tied=tied, shards=shards))


def test_large_tensors_are_mapped_and_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = write_checkpoint(tmp_path, shards=2)
    monkeypatch.setattr("qvl.checkpoint.load._MAPPED_BYTES", 0)
    same(tmp_path, weights)


@pytest.mark.parametrize("shards", [1, 2])
def test_new_names(tmp_path: Path, shards: int) -> None:
    weights = write_checkpoint(tmp_path)
    write_weights(tmp_path, {new_name(n): t for n, t in weights.items()}, shards=shards)
    same(tmp_path, weights)


def test_nested_config(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path, tied=True)
    outer = ("architectures", "model_type", "vision_config", "image_token_id", "video_token_id")
    text = {name: value for name, value in CONFIG.items() if name not in outer}
    nested = {name: CONFIG[name] for name in outer}
    nested |= {"text_config": text, "tie_word_embeddings": True}
    (tmp_path / "config.json").write_text(json.dumps(nested))
    same(tmp_path, weights)


@requires_material
@pytest.mark.parametrize("name", ["tiny_a", "tiny_b"])
def test_golden_checkpoints(name: str) -> None:
    folder = material("golden", "checkpoints", name)
    same(folder, load_file(folder / "model.safetensors"))


def test_dtype_conversion_rounds_as_torch_does(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    state = load_model(tmp_path, dtype=torch.bfloat16).state_dict()
    for name, tensor in weights.items():
        assert torch.equal(state[name], tensor.bfloat16()), name


def test_mixed_dtypes_become_the_one_most_weights_have(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path, dtype=torch.bfloat16)
    mixed = {n: t.float() if n.endswith("norm.weight") else t for n, t in weights.items()}
    write_weights(tmp_path, mixed)
    state = load_model(tmp_path).state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}


def test_the_model_is_ready_to_use_and_to_train(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    model = load_model(tmp_path)
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    before = (tmp_path / "model.safetensors").read_bytes()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert (tmp_path / "model.safetensors").read_bytes() == before


class Doubled(nn.Module):
    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = linear.weight.detach() * 2  # a copy: the matrix is only lent


@pytest.mark.parametrize("tied", [False, True])
def test_modules_are_replaced_as_they_arrive(tmp_path: Path, tied: bool) -> None:
    weights = write_checkpoint(tmp_path, tied=tied)
    model = load_model(tmp_path, replace=lambda _, m: Doubled(m) if isinstance(m, nn.Linear) else m)
    assert not any(isinstance(module, nn.Linear) for module in model.modules())
    gate = model.model.layers[1].mlp.gate_proj
    assert torch.equal(gate.weight, 2 * weights["model.layers.1.mlp.gate_proj.weight"])
    merger = model.visual.merger.mlp[2]
    assert torch.equal(merger.weight, 2 * weights["visual.merger.mlp.2.weight"])
    embedding = weights["model.embed_tokens.weight"]
    assert torch.equal(model.model.embed_tokens.weight, embedding)
    assert isinstance(model.lm_head, Doubled)
    head = embedding if tied else weights["lm_head.weight"]
    assert torch.equal(model.lm_head.weight, 2 * head)


def test_a_tied_head_that_is_not_replaced_is_not_kept(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, tied=True)
    assert load_model(tmp_path, replace=lambda _, module: module).lm_head is None


def test_a_tied_model_may_store_its_head_if_it_is_the_embedding(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path, tied=True)
    head = weights["model.embed_tokens.weight"].clone()
    write_weights(tmp_path, {**weights, "lm_head.weight": head})
    same(tmp_path, weights)
    head[5, 3] += 1
    write_weights(tmp_path, {**weights, "lm_head.weight": head})
    refuse(tmp_path, "tie_word_embeddings, but the files hold an lm_head.weight that is not")
    write_weights(tmp_path, {**weights, "lm_head.weight": head[:-1].contiguous()})
    refuse(tmp_path, "tie_word_embeddings")


def test_what_does_not_fit_is_listed_in_one_error(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    gone = [name for name in weights if ".mlp.up_proj" in name]
    for name in gone:
        del weights[name]
    weights["visual.norm.weight"] = torch.ones(3)
    weights["model.norm.weight"] = torch.ones(31)
    write_weights(tmp_path, weights)
    refuse(
        tmp_path,
        rf"{len(gone)} missing \(visual.blocks.0.mlp.up_proj.weight, .* and 2 more\); "
        r"1 extra \('visual.norm.weight'\); "
        r"1 misshapen \(model.norm.weight \[31\] instead of \[32\]\)",
    )


def test_a_head_that_is_missing_is_named(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    del weights["lm_head.weight"]
    write_weights(tmp_path, weights)
    refuse(tmp_path, r"1 missing \(lm_head.weight\)")


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    weights["model.norm.weight"] = torch.ones(32, dtype=torch.int8)
    write_weights(tmp_path, weights)
    refuse(tmp_path, "1 not in floating point")


def test_one_tensor_under_both_names(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    weights["model.visual.merger.ln_q.weight"] = torch.ones(16)
    write_weights(tmp_path, weights)
    refuse(tmp_path, "visual.merger.ln_q.weight' is in model.safetensors and in")


def edit_index(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        change(index)
        path.write_text(json.dumps(index))

    return edit


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "model-00002-of-00003.safetensors").unlink(), "1 of them absent: model-0"),
        (edit_index(lambda i: i["weight_map"].update(x="y.safetensors")), "absent: y.safetensors"),
        (edit_index(lambda i: i["weight_map"].update(x="../../f")), "expected a file name"),
        (edit_index(lambda i: i["weight_map"].update(x="/etc/passwd")), "expected a file name"),
        (edit_index(lambda i: i["weight_map"].update(x=3)), "expected a file name"),
        (edit_index(lambda i: i["weight_map"].update(x="")), "expected a file name|absent"),
        (
            edit_index(lambda i: i["weight_map"].update(x="model-00001-of-00003.safetensors")),
            "names 1 tensors that its files lack: x",
        ),
        (edit_index(lambda i: i.pop("weight_map")), "has no weight_map"),
        (edit_index(lambda i: i.update(weight_map=[])), "has no weight_map"),
        (lambda f: (f / "model.safetensors.index.json").write_text("{"), "not valid JSON"),
        (lambda f: (f / "model.safetensors.index.json").write_text("[]"), "expected an object"),
        (lambda f: (f / "model.safetensors.index.json").unlink(), "neither model.safetensors nor"),
        (lambda f: (f / "config.json").unlink(), "has no config.json"),
        (lambda f: (f / "config.json").write_text("null"), "expected an object"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "not valid JSON"),
        (lambda f: (f / "config.json").write_text("[" * 100_000), "not valid JSON"),
    ],
)
def test_damaged_folders(tmp_path: Path, damage: Callable[[Path], object], words: str) -> None:
    write_checkpoint(tmp_path, shards=3)
    damage(tmp_path)
    refuse(tmp_path, words)


def test_a_cut_off_shard(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, shards=3)
    shard = tmp_path / "model-00003-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    refuse(tmp_path, "model-00003-of-00003.safetensors is cut off")


def test_pickles_are_not_read(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "pytorch_model.bin")
    refuse(tmp_path, r"it has pytorch_model.bin.*only safetensors weights are read")
    torch.save(weights, tmp_path / "model.safetensors")
    refuse(tmp_path, "a zip archive, as torch.save writes")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'"),
        ({"model_type": "qwen2_vl"}, "model_type is 'qwen2_vl'"),
        ({"vision_config": None}, "vision_config is missing"),
        ({"hidden_size": "32"}, "hidden_size is '32'; expected a whole number"),
        ({"hidden_size": 32.5}, "hidden_size is 32.5; expected a whole number"),
        ({"num_hidden_layers": -1}, "num_hidden_layers is -1"),
        ({"num_hidden_layers": 10**9}, "describes 1000000002 layers, the files hold"),
        ({"vocab_size": 10**7}, "misshapen"),
        ({"intermediate_size": 10**30}, "too large to exist"),
        ({"quantization_config": {"quant_method": "awq"}}, "quantized"),
    ],
)
def test_configs_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | changes))
    refuse(tmp_path, words)


def fields(config: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The place of every value, on all levels."""
    places = []
    for key, value in config.items():
        places.append((*prefix, key))
        if isinstance(value, dict):
            places += fields(value, (*prefix, key))
    return places


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1, 2**31, 2**63, 2**64, 10**30, 10**400]),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(-3, 100), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(folder)
    return folder


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(fields(CONFIG)), value=JSON_VALUES, drop=st.booleans())
def test_any_value_in_the_config_is_refused_or_harmless(
    checkpoint: Path, path: tuple[str, ...], value: object, drop: bool
) -> None:
    config = json.loads(json.dumps(CONFIG))
    level = config
    for key in path[:-1]:
        level = level[key]
    if drop:
        del level[path[-1]]
    else:
        level[path[-1]] = value
    (checkpoint / "config.json").write_text(json.dumps(config))
    model = None
    with contextlib.suppress(CheckpointError):
        model = load_model(checkpoint)
    assert model is None or not any(parameter.is_meta for parameter in model.parameters())
