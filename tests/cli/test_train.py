"""``qvl train``: what a person sees of a run, in which order, and what stops it."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from qvl.checkpoint import hub
from qvl.checkpoint.export import export_model
from qvl.cli import train_fine_tune, train_tiny
from qvl.cli.train_show import Show
from qvl.data.folder_lock import only_writer
from qvl.model.init import init_weights
from qvl.model.vlm import Qwen2_5_VL
from qvl.recipes.fine_tune import Prepared
from qvl.training.objectives.dpo import DpoObjective
from tests.cli.conftest import Run
from tests.training.small import small_config, small_inputs


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Records the runs of the tiny recipe that would be trained."""
    seen: list[Any] = []

    def train(run: Any, *, processes: int, report: Any) -> Path:
        seen.append((run, processes))
        report({"stage": "reader", "step": 1, "steps": 2, "loss": 0.5})
        return Path(run.folder / "model")

    monkeypatch.setattr(train_tiny, "train", train)
    return seen


def test_tiny_trains_with_the_changes_and_prints_the_folder(
    run: Run, runs: list[Any], tmp_path: Path
) -> None:
    settings = ["--set", "stages.reader.steps=5", "--set", "seed=9", "--processes", "1"]
    code, out, err = run("train", "tiny", "--output", str(tmp_path), *settings)
    assert (code, out) == (0, f"{tmp_path}/model\n")
    assert err == f"run: {tmp_path}\nreader 1/2  loss 0.5\n"
    ((config, processes),) = runs
    steps = {stage.name: stage.steps for stage in config.stages}
    assert (config.seed, steps["reader"], processes) == (9, 5, 1)


def test_slips_are_refused_before_anything_is_written(
    run: Run, runs: list[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    code, out, err = run("train", "tiny", "--output", str(folder), "--set", "stages.raeder.steps=5")
    assert (code, out, runs) == (1, "", [])
    assert err.endswith("hint: did you mean 'reader'?\n")
    assert not folder.exists()
    assert run("train", "large")[0] == 2


def test_progress_stays_on_one_line_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    show = Show([("reader", 2)])
    for step in (1, 2):
        show({"stage": "reader", "step": step, "steps": 2})
    assert capsys.readouterr().err == "\r\x1b[2Kreader 1/2\r\x1b[2Kreader 2/2\n"


def test_samples_stand_below_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    sample = {"place": "a:1", "prompt": "What\nis it?", "expected": "A cup.", "got": "x" * 100}
    show = Show([("sft", 4)])
    show({"stage": "sft", "step": 2, "steps": 4, "validation loss": 0.25, "samples": [sample]})
    line, *below = capsys.readouterr().err.splitlines()
    assert line == "sft 2/4  validation loss 0.25"
    assert below[0] == "  prompt   What is it?"
    assert below[2] == f"  got      {'x' * 69}…"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a narrow model of random weights."""
    inputs = small_inputs(tmp_path_factory.mktemp("inputs"))
    network = Qwen2_5_VL(small_config())
    init_weights(network, torch.Generator().manual_seed(1))
    folder = tmp_path_factory.mktemp("model") / "small"
    export_model(network, folder, files_from=inputs)
    return folder


def write(folder: Path, records: Sequence[Any]) -> Path:
    path = folder / "my.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
    return path


def record(question: str, answer: str, **keys: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {**keys, "conversations": turns}


RECORDS = [record(f"What is {i}?", f"It is {i}.") for i in range(24)]


def sft(run: Run, model: Path, data: Path, *arguments: str) -> tuple[int, str, str]:
    folder = ["--output", str(data.parent / "run")]
    return run("train", "sft", "--model", str(model), "--data", str(data), *folder, *arguments)


def test_a_dry_run_plans_and_trains_nothing(run: Run, model: Path, tmp_path: Path) -> None:
    data = write(tmp_path, RECORDS)
    code, out, err = sft(run, model, data, "--dry-run")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert code == 0
    assert rows["data"] == f"{data}: 22 samples to train on, 2 to validate on"
    assert rows["frozen"] == "tower, merger"  # there is nothing to see
    assert rows["memory"].startswith("about ")
    assert {"tokens", "packs", "steps", "trains", "optimiser", "computes"} <= set(rows)
    assert "checked 24 of 24 samples" in err
    assert not (tmp_path / "run" / "log.jsonl").exists()
    code, out, _ = sft(run, model, data, "--dry-run", "--json", "--lora", "4", "--epochs", "0.5")
    plan = json.loads(out)
    assert plan["options"]["lora_rank"] == 4
    assert plan["data"]["trained"] == 22
    assert plan["steps"] == 1
    assert plan["fits"]


def test_bad_samples_are_named_and_stop_the_run_unless_skipped(
    run: Run, model: Path, tmp_path: Path
) -> None:
    bad = ["{", record("<image>?", "!", image="none.png"), {"question": "a", "answer": "b"}]
    data = write(tmp_path, [*RECORDS, *bad])
    code, out, err = sft(run, model, data, "--dry-run")
    assert (code, out) == (1, "")
    said = err.splitlines()
    assert any(line.startswith("my.jsonl:25: no JSON") for line in said)
    assert any("my.jsonl:26: " in line and "none.png" in line for line in said)
    assert any("my.jsonl:27: " in line and "'question'" in line for line in said)
    assert said[-2:] == [
        "error: 3 of 27 samples cannot be used",
        "hint: correct them, or train on the others with --skip-bad",
    ]
    code, out, _ = sft(run, model, data, "--dry-run", "--skip-bad")
    assert code == 0
    assert "22 samples to train on, 2 to validate on, 3 left out" in out


def test_too_little_memory_stops_with_what_would_fit(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qvl.recipes import fine_tune

    data = write(tmp_path, RECORDS)
    monkeypatch.setattr(fine_tune, "memory_at_hand", lambda device, processes: 3 * 2**20)
    code, out, err = sft(run, model, data)
    assert (code, out) == (1, "")
    assert "does not fit into memory\nwould fit: --" in err
    assert "--anyway" in err
    assert not (tmp_path / "run" / "log.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--data", "none.jsonl"], "none.jsonl does not exist, expected a file or folder"),
        (["--data", "my.jsonl", "--model", "."], "config.json"),
        (["--data", "my.jsonl", "--epochs", "0"], "epochs is 0"),
        (["--data", "my.jsonl", "--epochs", "1e9"], "epochs is 1000000000.0"),
        (["--data", "my.jsonl", "--seed", "-1"], "seed is -1"),
        (["--data", "my.jsonl", "--device", "gpu"], "the device is 'gpu', this machine has cpu"),
        (["--data", "my.jsonl", "--quantise", "nf4"], "nf4 cannot be trained itself"),
        (["--data", "my.jsonl", "--max-length", "9999"], "takes at most 4,096"),
        (["--data", "my.jsonl", "--json"], "--json prints the plan"),
        (["--data", "my.csv"], "ends in '.csv', expected .json, .jsonl, .parquet"),
    ],
)
def test_what_cannot_be_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, RECORDS[:2])
    (tmp_path / "my.csv").write_text("a,b")
    code, out, err = run("train", "sft", *arguments)
    assert (code, out) == (1, "")
    assert error in err
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written_is_refused_before_the_look(
    run: Run, model: Path, tmp_path: Path
) -> None:
    data = write(tmp_path, RECORDS)
    (tmp_path / "run").write_text("a file")
    code, out, err = sft(run, model, data)
    assert (code, out) == (1, "")
    error, hint = err.splitlines()
    assert error.startswith(f"error: {tmp_path / 'run'} cannot be written into: ")
    assert "--output" in hint


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"WORLD_SIZE": "2"}, "there is no proper RANK, LOCAL_RANK, MASTER_PORT, MASTER_ADDR"),
        ({"WORLD_SIZE": "two", "RANK": "0", "LOCAL_RANK": "0", "MASTER_PORT": "1",
          "MASTER_ADDR": "here"}, "there is no proper WORLD_SIZE"),
    ],
)  # fmt: skip
def test_half_of_what_torchrun_says_is_refused(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str], said: str,
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, _, err = sft(run, model, write(tmp_path, RECORDS))
    assert code == 1
    assert said in err
    assert "hint: start it with torchrun, or unset WORLD_SIZE" in err


def test_an_adapter_is_no_model_to_begin_from(run: Run, model: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    named = {"base_model_name_or_path": str(model)}
    (adapter / "adapter_config.json").write_text(json.dumps(named))
    code, _, err = sft(run, adapter, write(tmp_path, RECORDS), "--dry-run")
    assert code == 1
    assert f"{adapter} is an adapter" in err
    assert "qvl adapter merge" in err


def test_a_model_without_weights_is_refused_at_once(run: Run, tmp_path: Path, model: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("config.json", "tokenizer.json", "preprocessor_config.json"):
        (empty / name).write_bytes((model / name).read_bytes())
    code, _, err = sft(run, empty, write(tmp_path, RECORDS[:2]))
    assert code == 1
    assert "error: " in err
    assert "safetensors" in err
    assert "checked" not in err


def test_two_runs_do_not_write_into_one_folder(run: Run, model: Path, tmp_path: Path) -> None:
    data = write(tmp_path, RECORDS)
    with only_writer(tmp_path / "run"):
        code, out, err = sft(run, model, data)
    assert (code, out) == (1, "")
    assert f"error: another run is writing into {tmp_path / 'run'}: process {os.getpid()}" in err
    assert not (tmp_path / "run" / "run.json").exists()


def test_an_adapter_names_its_base_as_it_can_be_found_again(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    data = write(tmp_path, RECORDS[:4])
    assert sft(run, Path(model.name), data, "--lora", "2", "--epochs", "1")[0] == 0
    config = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(model)
    # What a hub name led to in the cache is nowhere else.
    monkeypatch.setattr(hub, "resolve", lambda name, **options: model)
    folder = tmp_path / "other"
    code, _, _ = run(
        "train", "sft", "--model", "owner/name", "--data", str(data), "--output", str(folder),
        "--lora", "2", "--epochs", "1",
    )  # fmt: skip
    assert code == 0
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "owner/name"


def test_what_is_set_is_planned_and_validated(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Prepared] = []

    def stop(prepared: Prepared, **options: object) -> None:
        seen.append(prepared)

    monkeypatch.setattr(train_fine_tune, "train", stop)
    pairs = [{"prompt": f"{i}?", "chosen": "a", "rejected": "b"} for i in range(24)]
    data = write(tmp_path, pairs)
    settings = ["stages.dpo.objective.beta=0.7", "stages.dpo.steps=1", "ema=0.9"]
    arguments = [word for setting in settings for word in ("--set", setting)]
    arguments += ["--output", str(tmp_path / "run")]
    assert run("train", "dpo", "--model", str(model), "--data", str(data), *arguments)[0] == 0
    (prepared,) = seen
    assert prepared.validation is not None
    assert isinstance(prepared.validation.objective, DpoObjective)
    assert prepared.validation.objective.beta == 0.7
    assert prepared.plan.steps == 1
    assert prepared.plan.memory.ema > 0
