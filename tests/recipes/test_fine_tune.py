"""Fine-tuning from a file to a folder: it learns, is looked at, goes on, and is loaded again."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from qvl.api import load
from qvl.checkpoint.adapter import is_adapter, merge_adapter, read_adapter
from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.errors import ConfigError
from qvl.model.init import init_weights
from qvl.model.vlm import Qwen2_5_VL
from qvl.recipes import fine_tune
from qvl.recipes.fine_tune import Prepared, look, prepare, train
from qvl.recipes.fine_tune_options import FineTuneOptions
from qvl.training.checkpoint.published import export_adapter, export_checkpoint
from qvl.training.checkpoint.reader import open_checkpoint
from qvl.training.parallel.layout import Layout
from tests.data.small import picture
from tests.training.small import small_config, small_inputs

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a narrow model of random weights."""
    inputs = small_inputs(tmp_path_factory.mktemp("inputs"))
    network = Qwen2_5_VL(small_config())
    init_weights(network, torch.Generator().manual_seed(1))
    folder = tmp_path_factory.mktemp("model") / "small"
    export_model(network, folder, files_from=inputs)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions about dark and bright pictures, and one without a picture."""
    folder = tmp_path_factory.mktemp("data")
    records = []
    for number in range(20):
        name = f"{number}.png"
        (folder / name).write_bytes(picture(56, 56, kind="PNG", shade=number * 12))
        turns = [
            {"from": "human", "value": "<image>there?"},
            {"from": "gpt", "value": "a red circle"},
        ]
        records.append({"image": name, "task": "shade", "conversations": turns})
    records.append({"messages": [{"role": "user", "content": "é?"},
                                 {"role": "assistant", "content": "日本"}]})  # fmt: skip
    path = folder / "my.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def prepared(model: Path, data: Path, folder: Path, **changes: Any) -> Prepared:
    options = FineTuneOptions(model=model, data=data, folder=folder, rate=1e-2, epochs=3)
    looked = look(replace(options, **changes), progress=lambda *progress: None)
    ready = prepare(looked)
    return replace(ready, run=replace(ready.run, workers=0))


def log(folder: Path) -> Lines:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_it_learns_and_the_result_is_a_model(model: Path, data: Path, tmp_path: Path) -> None:
    lines: Lines = []
    ready = prepared(model, data, tmp_path / "run", samples_per_step=6)
    assert train(ready, report=lines.append) == tmp_path / "run" / "model"
    looks = [line for line in lines if "validation loss" in line]
    assert looks[-1]["validation loss"] < 0.7 * looks[0]["validation loss"]
    assert {"prompt", "expected", "got"} < set(looks[-1]["samples"][0])
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < losses[0]
    assert log(tmp_path / "run") == lines
    assert list((tmp_path / "run" / "events").iterdir())
    assert "configuration" in json.loads((tmp_path / "run" / "run.json").read_text())
    before, after = load_model(model), load_model(tmp_path / "run" / "model")
    same = {
        name: torch.equal(value, after.state_dict()[name])
        for name, value in before.state_dict().items()
    }
    tower = [name for name in same if name.startswith("visual.") and "merger" not in name]
    assert all(same[name] for name in tower)
    assert not any(
        same[name] for name in same if name.endswith("_proj.weight") and name not in tower
    )
    other = prepared(model, data, tmp_path / "run", samples_per_step=6, epochs=2)
    with pytest.raises(ConfigError, match="run with other options"):
        train(other, report=len)
    with pytest.raises(ConfigError, match="run with other settings"):
        train(replace(ready, changes=("ema=0.9",)), report=len)
    # Finished: the same call trains nothing.
    assert train(ready, report=lines.append) == tmp_path / "run" / "model"
    assert log(tmp_path / "run") == lines


def test_documents_that_ask_nothing_are_trained_on_to_the_end(model: Path, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for number in range(12):
        name = f"{number}.png"
        (tmp_path / "pages" / name).write_bytes(picture(56, 56, kind="PNG", shade=number * 12))
        page = f'<p>a red circle</p><img src="{name}"><p>of the image</p>'
        (tmp_path / "pages" / f"{number}.html").write_text(page)
    lines: Lines = []
    ready = prepared(
        model, tmp_path / "pages", tmp_path / "run", kind="multimodal_pretrain", epochs=1
    )
    assert (ready.shown, ready.example) == ((), None)
    assert train(ready, report=lines.append) == tmp_path / "run" / "model"
    assert any("validation loss" in line for line in lines)
    assert not any("samples" in line for line in lines)


def test_a_result_of_other_answers_is_not_taken_for_one_of_these(
    model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "my.jsonl"
    for answer in ("a red circle", "of the image"):
        turns = [{"role": "user", "content": "é?"}, {"role": "assistant", "content": answer}]
        path.write_text(json.dumps({"messages": turns}))
        ready = prepared(model, path, tmp_path / "run", epochs=1)
        if not ready.result.exists():
            train(ready, report=len)
    with pytest.raises(ConfigError, match="a run with other data") as caught:
        train(ready, report=len)
    assert str(caught.value.hint).endswith(f"delete {tmp_path / 'run'}")


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    model: Path, data: Path, tmp_path: Path
) -> None:
    settings = {"samples_per_step": 6, "epochs": 1.5}

    def stop(line: dict[str, Any]) -> None:
        if line["step"] == 2 and "loss" in line:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = prepared(model, data, tmp_path / "stopped", **settings)
    assert train(stopped, report=stop) is None
    assert not stopped.result.exists()
    assert train(prepared(model, data, tmp_path / "stopped", **settings), report=len)
    assert train(prepared(model, data, tmp_path / "whole", **settings), report=len)
    for name, value in load_model(tmp_path / "whole" / "model").state_dict().items():
        other = load_model(tmp_path / "stopped" / "model").state_dict()[name]
        assert torch.equal(value, other), name


def test_on_fewer_ranks_a_run_goes_on_with_the_same_packs(
    model: Path, data: Path, tmp_path: Path
) -> None:
    def stop(line: dict[str, Any]) -> None:
        if line["step"] == 1 and "loss" in line:
            os.kill(os.getpid(), signal.SIGINT)

    two = prepared(model, data, tmp_path / "run", processes=2, samples_per_step=6)
    alone = replace(two, options=replace(two.options, processes=1))
    assert train(alone, report=stop) is None
    one = prepared(model, data, tmp_path / "run", samples_per_step=6)
    assert one.run.stages[0].source.packs_per_step == 2
    assert train(one, report=len) == one.result
    # Where nothing is saved yet, packs are those for the ranks there are.
    new = prepared(model, data, tmp_path / "new", processes=2, samples_per_step=6)
    assert new.run.stages[0].source.packs_per_step == 2
    new = prepared(model, data, tmp_path / "new", samples_per_step=6)
    assert new.run.stages[0].source.packs_per_step == 1


@pytest.mark.parametrize("changes", [{}, {"quantise": "nf4", "recompute": "full"}])
def test_adapters_alone_are_trained_and_written(
    model: Path, data: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    ready = prepared(model, data, tmp_path / "run", lora_rank=2, epochs=1, **changes)
    result = train(ready, report=len)
    assert result == tmp_path / "run" / "adapter"
    assert is_adapter(result)
    adapter = read_adapter(result)
    assert adapter.base_model == str(model)
    assert all(name.startswith("model.layers.") for name in adapter.specs)
    assert any(t.abs().sum() > 0 for n, t in adapter.tensors.items() if "lora_B" in n)


def test_preferences_are_learnt_without_and_with_a_head(model: Path, tmp_path: Path) -> None:
    records = [
        {"prompt": f"what is there {n}?", "chosen": "a red circle", "rejected": "of the image"}
        for n in range(12)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    for kind in ("dpo", "reward"):
        ready = prepared(model, path, tmp_path / kind, kind=kind, rate=1e-3, epochs=1)
        assert train(ready, report=len) == tmp_path / kind / "model"
        assert log(tmp_path / kind)
    assert (tmp_path / "reward" / "model" / "reward_head.safetensors").is_file()
    # Adapters on a quantised model end in the wide one.
    ready = prepared(
        model, path, tmp_path / "few", kind="reward", lora_rank=2, quantise="nf4", epochs=1
    )
    assert train(ready, report=len) == ready.result
    before, after = load_model(model).state_dict(), load_model(ready.result).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("model.layers.") for name in changed)
    load_model(tmp_path / "dpo" / "model")


class Kept:
    """A report that leaves its process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, line: dict[str, Any]) -> None:
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")


@pytest.mark.parametrize(("kind", "rank"), [("sft", None), ("reward", 2)])
def test_shards_are_put_together_in_the_end(
    model: Path, tmp_path: Path, kind: str, rank: int | None
) -> None:
    path = tmp_path / "pairs.jsonl"
    record = {"prompt": "what is there?", "chosen": "a red circle", "rejected": "of the image"}
    path.write_text("\n".join(json.dumps(record) for _ in range(2)))
    ready = prepared(
        model, path, tmp_path / "run", kind=kind, lora_rank=rank, processes=2, samples_per_step=2
    )
    shards = Layout(dp_replicate=1, dp_shard=None)
    result = train(
        replace(ready, run=replace(ready.run, layout=shards)), report=Kept(tmp_path / "kept")
    )
    assert result == ready.result
    export_checkpoint(open_checkpoint(ready.run.folder), tmp_path / "saved", inputs=model)
    trained, saved = (load_model(one).state_dict() for one in (result, tmp_path / "saved"))
    assert all(torch.equal(value, saved[name]) for name, value in trained.items())
    before = load_model(model).state_dict()
    assert not all(torch.equal(value, before[name]) for name, value in trained.items())


def test_adapters_on_shards_are_those_of_one_process(
    model: Path, data: Path, tmp_path: Path
) -> None:
    ready = prepared(
        model, data, tmp_path / "many", lora_rank=2, processes=2, samples_per_step=8, epochs=1
    )
    assert ready.run.stages[0].num_steps > 1
    shards = replace(ready.run, layout=Layout(dp_replicate=1, dp_shard=None))
    many = train(replace(ready, run=shards), report=Kept(tmp_path / "kept"))
    alone = tmp_path / "one"
    one = train(
        replace(
            ready,
            options=replace(ready.options, folder=alone, processes=1),
            run=replace(ready.run, folder=alone),
            validation=None,
        ),
        report=len,
    )
    assert many is not None
    assert one is not None
    found, expected = read_adapter(many), read_adapter(one)
    assert found.specs == expected.specs
    assert any(t.abs().max() > 1e-3 for n, t in expected.tensors.items() if "lora_B" in n)
    torch.testing.assert_close(found.tensors, expected.tensors, rtol=1e-3, atol=1e-5)


def test_two_processes_share_a_run(model: Path, data: Path, tmp_path: Path) -> None:
    ready = prepared(model, data, tmp_path / "run", processes=2, epochs=0.5)
    assert ready.run.stages[0].source.packs_per_step % 2 == 0
    peak = json.loads((tmp_path / "run" / "data" / "peak_flops.json").read_text())
    assert peak["of"] == {"device": "cpu", "threads": 1}  # as each of them has
    assert train(ready, report=Kept(tmp_path / "kept.jsonl")) == ready.result
    kept = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    assert kept == log(tmp_path / "run")
    assert "validation loss" in kept[-1]


@pytest.mark.parametrize("rank", [None, 2])
def test_smaller_pictures_are_asked_for_as_they_were_trained(
    model: Path, data: Path, tmp_path: Path, rank: int | None
) -> None:
    ready = prepared(model, data, tmp_path / "run", max_pixels=3136, epochs=0.5, lora_rank=rank)
    result = train(ready, report=len)
    assert result is not None
    saved = open_checkpoint(ready.run.folder)
    export_checkpoint(saved, tmp_path / "exported", inputs=model)
    folders = [result, tmp_path / "exported"]
    if rank is not None:
        export_adapter(saved, tmp_path / "adapter", base=model)
        merge_adapter(result, tmp_path / "merged")
        folders += [tmp_path / "adapter", tmp_path / "merged"]
    for folder in folders:
        limits = load(folder).engine.processor.settings.limits
        assert limits == ready.processor.settings.limits, folder
        assert limits.max_pixels == 3136
    with pytest.raises(ConfigError, match="the model enlarges pictures to 3,136"):
        prepared(model, data, tmp_path / "other", max_pixels=1000)


def test_what_sees_is_not_trained_on_text(model: Path, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "é?"}, {"role": "assistant", "content": "日本"}]
    path = tmp_path / "text.jsonl"
    path.write_text(json.dumps({"messages": turns}))
    with pytest.raises(ConfigError, match="has no pictures, and vision_pretrain"):
        prepared(model, path, tmp_path / "run", kind="vision_pretrain")


def test_too_little_memory_says_what_to_change(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: FineTuneOptions) -> Qwen2_5_VL:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")

    monkeypatch.setattr(fine_tune, "build", fail)
    with pytest.raises(ConfigError, match=r"Tried to allocate 2\.00 GiB") as caught:
        train(prepared(model, data, tmp_path / "run"), report=len)
    assert "--lora" in str(caught.value.hint)
