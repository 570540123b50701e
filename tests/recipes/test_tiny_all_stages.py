"""The whole sequence on a narrow model: it runs, goes on, says what it found, and can be asked."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.data.mixture import Mixture
from qvl.data.packing import PackBudget
from qvl.errors import ConfigError
from qvl.recipes import tiny_all_run
from qvl.recipes.stage_results import Shown
from qvl.recipes.tiny_all_run import train_all_stages
from qvl.recipes.tiny_all_stages import AllStagesRun, SmallStage, all_stages_run
from tests.training.small import small_inputs, small_model

NAMES = (
    "contrastive_pretrain", "vision_pretrain", "multimodal_pretrain", "long_context_pretrain",
    "sft", "dpo",
)  # fmt: skip
LOSS = Shown(name="loss", meaning="all answers", better="lower")
# Without emoji, which are a package of Debian's.
LEFT_OUT = ("vqa", "things", "flags", "video")


def short(stage: SmallStage) -> SmallStage:
    """A few steps over small packs."""
    shows = stage.shows if stage.name in ("contrastive_pretrain", "dpo") else (LOSS,)
    few: dict[str, Any] = {"samples": 6} if stage.samples else {"steps": 2}
    tokens = 2000 if stage.name == "long_context_pretrain" else 400
    return replace(
        stage,
        **few,
        shows=shows,
        train=without(stage.train),
        held_out=without(stage.held_out),
        budget=PackBudget(max_tokens=tokens, max_patches=tokens),
        worlds=stage.worlds[-1:] if stage.name == "sft" else (),
    )


def without(mixture: Mixture) -> Mixture:
    return Mixture(parts={k: v for k, v in mixture.parts.items() if k not in LEFT_OUT})


def small(folder: Path, base: Path) -> AllStagesRun:
    run = all_stages_run(folder)
    return replace(
        run, base=base, stages=tuple(map(short, run.stages)), held_out_packs=1, held_out_pairs=4,
        cases=1, log_every=1, save_every=1, workers=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a narrow model of random weights."""
    inputs = small_inputs(tmp_path_factory.mktemp("inputs"))
    folder = tmp_path_factory.mktemp("base") / "small"
    export_model(small_model(seed=3), folder, files_from=inputs)
    return folder


@pytest.fixture(scope="module")
def finished(base: Path, tmp_path_factory: pytest.TempPathFactory) -> AllStagesRun:
    """A run that went through."""
    run = small(tmp_path_factory.mktemp("runs") / "whole", base)
    assert train_all_stages(run) == run.folder / "model"
    return run


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {n: p.detach() for n, p in load_model(folder, dtype=torch.float32).named_parameters()}


def changed(before: Path, after: Path) -> set[str]:
    """Parts whose weights are not what they were."""
    old, new = weights(before), weights(after)
    names = [name for name in old if not torch.equal(old[name], new[name])]
    parts = {"visual.merger": "merger", "visual": "tower", "model": "llm", "lm_head": "llm"}
    return {next(p for start, p in parts.items() if name.startswith(start)) for name in names}


def test_each_stage_trains_its_parts_and_leaves_a_model(finished: AllStagesRun) -> None:
    folders = [finished.folder / "start", *(finished.folder / name / "model" for name in NAMES[1:])]
    trained = [changed(a, b) for a, b in pairwise(folders)]
    everything = {"tower", "merger", "llm"}
    after = {"merger", "llm"}
    assert trained == [{"tower", "merger"}, everything, everything, after, after]


def test_the_first_answers_come_from_the_text_model_and_the_new_tower(
    finished: AllStagesRun,
) -> None:
    start, base = weights(finished.folder / "start"), weights(finished.base)
    tower = weights(finished.folder / "contrastive_pretrain" / "model")
    for name, value in start.items():
        assert torch.equal(value, (tower if name.startswith("visual.") else base)[name]), name
    config = json.loads((finished.folder / "text" / "config.json").read_text())
    assert config["model_type"] == "qwen2"


def test_what_was_found_is_written(finished: AllStagesRun) -> None:
    found = json.loads((finished.folder / "stages.json").read_text())
    assert [stage["stage"] for stage in found] == list(NAMES)
    contrastive, *_, sft, dpo = found
    assert 0 < contrastive["after"]["retrieval/chance"] <= 0.5
    assert {"form", "right", "world/colour"} <= set(sft["after"])
    # Before the first step the policy is its own reference.
    assert dpo["before"]["pairs/margin"] == 0
    assert dpo["before"]["keeps/loss"] > 0
    for stage in found:
        assert stage["steps"] >= 1
        for shown in stage["shows"]:
            old, new = (stage[when][shown["name"]] for when in ("before", "after"))
            if shown["better"] == "lower" and not shown["slack"]:
                assert shown["improved"] == (new < old)
    table = (finished.folder / "stages.md").read_text().splitlines()
    assert len(table) == 2 + sum(len(stage.shows) for stage in finished.stages)
    line = json.loads((finished.folder / "sft" / "log.jsonl").read_text().splitlines()[-1])
    assert line["result"]["stage"] == "sft"


def test_the_model_can_be_asked(finished: AllStagesRun, capsys: pytest.CaptureFixture[str]) -> None:
    from qvl.cli.main import main

    model = ["--model", str(finished.folder / "model"), "--max-tokens", "3"]
    assert main(["ask", "examples/pictures/sign.png", "What is it?", *model]) == 0
    assert "error" not in capsys.readouterr().err


def test_a_stopped_run_goes_on_and_ends_where_the_other_did(
    finished: AllStagesRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replace(finished, folder=tmp_path / "run")
    for name in ("start", "text", *NAMES[:4]):
        shutil.copytree(finished.folder / name, run.folder / name)
    asked = iter([False, True])
    real = tiny_all_run.Trainer.run

    def stopped(trainer: Any, **options: Any) -> bool:
        return real(trainer, until=lambda: next(asked, False))

    monkeypatch.setattr(tiny_all_run.Trainer, "run", stopped)
    shutil.rmtree(run.folder / NAMES[3])
    # Two steps of stage 3, of which the second is the last asked about.
    assert train_all_stages(run) is None
    assert not (run.folder / NAMES[3] / "model").exists()
    assert (run.folder / NAMES[3] / "before.json").exists()
    assert train_all_stages(run) == run.folder / "model"
    one, other = weights(finished.folder / "model"), weights(run.folder / "model")
    assert all(torch.equal(one[name], other[name]) for name in one)
    again = [(run.folder / "model" / "model.safetensors").stat().st_mtime_ns]
    assert train_all_stages(run) == run.folder / "model"
    assert again == [(run.folder / "model" / "model.safetensors").stat().st_mtime_ns]


def test_what_is_not_measured_is_told_before_the_first_step(base: Path, tmp_path: Path) -> None:
    run = small(tmp_path / "run", base)
    nothing = Shown(name="ce/poems", meaning="poems", better="lower")
    first = replace(run.stages[0], shows=(nothing,))
    with pytest.raises(ConfigError, match="should improve ce/poems"):
        train_all_stages(replace(run, stages=(first, *run.stages[1:])))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("sft", {"rates": {"tower": 1e-3}}, "expected \\['llm', 'merger'\\]"),
        ("dpo", {"samples": None, "steps": 3}, "expected samples for 'dpo'"),
        ("sft", {"steps": None}, "None steps and None samples"),
    ],
)
def test_stages_are_the_reports(name: str, changes: dict[str, Any], message: str) -> None:
    (stage,) = (s for s in all_stages_run(Path("x")).stages if s.name == name)
    with pytest.raises(ConfigError, match=message):
        replace(stage, **changes)


def test_the_command_runs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from qvl.cli.main import main

    seen: list[tuple[AllStagesRun, int]] = []

    def train(run: AllStagesRun, *, processes: int, report: Any) -> Path:
        seen.append((run, processes))
        report({"stage": "sft", "step": 1, "steps": 2, "note": "sft improved"})
        return run.folder / "model"

    monkeypatch.setattr(tiny_all_run, "train_all_stages", train)
    settings: Sequence[str] = ["--set", "stages.sft.steps=7", "--set", "stages.dpo.samples=9"]
    folder = ["--output", str(tmp_path)]
    assert main(["train", "tiny", "--all-stages", *folder, *settings]) == 0
    ((run, processes),) = seen
    assert processes == 1
    assert [stage.name for stage in run.stages] == list(NAMES)
    assert {s.name: s.steps or s.samples for s in run.stages if s.name in ("sft", "dpo")} == {
        "sft": 7,
        "dpo": 9,
    }
    assert main(["train", "tiny", "--all-stages", *folder, "--shards", "x"]) == 1
