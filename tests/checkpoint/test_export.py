"""Export: the bytes that were loaded, the layout of others, all of a folder or nothing."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.errors import CheckpointError
from qvl.model.config import ModelConfig
from qvl.model.vlm import Qwen2_5_VL
from tests.checkpoint.small import CONFIG, write_checkpoint, write_weights
from tests.material import material, requires_material


def weight_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors*")}


@requires_material
@pytest.mark.parametrize("with_source", [True, False])
@pytest.mark.parametrize("name", ["tiny_a", "tiny_b"])
def test_golden_checkpoints_come_back_byte_for_byte(
    tmp_path: Path, name: str, with_source: bool
) -> None:
    source = material("golden", "checkpoints", name)
    export_model(load_model(source), tmp_path / "out", files_from=source if with_source else None)
    assert weight_bytes(tmp_path / "out") == weight_bytes(source)
    ours, theirs = (json.loads((f / "config.json").read_text()) for f in (tmp_path / "out", source))
    assert ModelConfig.from_hf(ours) == ModelConfig.from_hf(theirs)
    assert ours["torch_dtype"] == theirs["torch_dtype"]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shards", [1, 2, 5])
def test_any_layout_comes_back_byte_for_byte(tmp_path: Path, shards: int, tied: bool) -> None:
    source = tmp_path / "source"
    write_checkpoint(source, dtype=torch.bfloat16, tied=tied, shards=shards)
    export_model(load_model(source), tmp_path / "out", files_from=source)
    assert weight_bytes(tmp_path / "out") == weight_bytes(source)


def test_our_own_shards_come_back_with_and_without_the_source(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", dtype=torch.bfloat16)
    export_model(load_model(tmp_path / "a"), tmp_path / "b", max_shard_bytes=10_000)
    first = weight_bytes(tmp_path / "b")
    assert len(first) > 3
    index = json.loads(first["model.safetensors.index.json"])
    assert sorted(set(index["weight_map"].values())) == sorted(
        set(first) - {"model.safetensors.index.json"}
    )
    model = load_model(tmp_path / "b")
    assert index["metadata"]["total_size"] == sum(t.nbytes for t in model.state_dict().values())
    export_model(model, tmp_path / "c", max_shard_bytes=10_000)
    assert weight_bytes(tmp_path / "c") == first
    export_model(model, tmp_path / "d", files_from=tmp_path / "b")
    assert weight_bytes(tmp_path / "d") == first


def test_shards_stay_below_the_limit(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a")
    export_model(load_model(tmp_path / "a"), tmp_path / "b", max_shard_bytes=20_000)
    for path in (tmp_path / "b").glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            sizes = [file.get_tensor(name).nbytes for name in file.keys()]  # noqa: SIM118
            assert sum(sizes) <= 20_000 or len(sizes) == 1


def test_another_dtype_or_new_names_get_the_standard_layout(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path / "a", shards=2)
    export_model(
        load_model(tmp_path / "a", dtype=torch.float16), tmp_path / "b", files_from=tmp_path / "a"
    )
    assert set(weight_bytes(tmp_path / "b")) == {"model.safetensors"}
    assert json.loads((tmp_path / "b" / "config.json").read_text())["torch_dtype"] == "float16"

    renamed = {n.replace("visual.", "model.visual."): t for n, t in weights.items()}
    write_weights(tmp_path / "a", renamed)
    export_model(load_model(tmp_path / "a"), tmp_path / "c", files_from=tmp_path / "a")
    save_file(weights, tmp_path / "expected", metadata={"format": "pt"})
    written = weight_bytes(tmp_path / "c")["model.safetensors"]
    assert written == (tmp_path / "expected").read_bytes()


def test_a_redundant_head_is_left_out(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path / "a", tied=True)
    head = weights["model.embed_tokens.weight"].clone()
    write_weights(tmp_path / "a", {**weights, "lm_head.weight": head})
    export_model(load_model(tmp_path / "a"), tmp_path / "b", files_from=tmp_path / "a")
    with safe_open(tmp_path / "b" / "model.safetensors", "pt") as file:
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118


def test_the_other_files_are_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_checkpoint(source)
    copied = {
        "tokenizer.json": "{}",
        "merges.txt": "a b",
        "chat_template.json": '{"chat_template": ""}',
        "preprocessor_config.json": '{"min_pixels": 1}',
        "generation_config.json": '{"top_k": 1}',
    }
    for name, content in copied.items():
        (source / name).write_text(content)
    (source / "pytorch_model.bin").write_text("never")
    export_model(load_model(source), tmp_path / "out", files_from=source)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {*copied, "config.json", "model.safetensors"}
    for name, content in copied.items():
        assert (tmp_path / "out" / name).read_text() == content


def test_a_full_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a")
    model = load_model(tmp_path / "a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="exists and is not empty"):
        export_model(model, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
    (tmp_path / "out" / "notes.txt").unlink()
    export_model(model, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path / "a")
    model = load_model(tmp_path / "a")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qvl.checkpoint.export._write_configs", full)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        export_model(model, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_a_model_without_all_its_weights_is_refused(tmp_path: Path) -> None:
    model = Qwen2_5_VL(ModelConfig.from_hf(CONFIG))
    model.lm_head = torch.nn.Identity()
    with pytest.raises(CheckpointError, match="loaded for inference"):
        export_model(model, tmp_path / "out")
