"""qvl plan train: what a person reads, and what a program does."""

import json
from pathlib import Path

import pytest

from qvl.checkpoint import EMBEDDED
from qvl.cli.main import main
from qvl.data.shards import write_shards
from qvl.data.sources import DrawnSource
from qvl.recipes.tiny_stages import draw_from


def _plan(arguments: str) -> int:
    return main(["plan", "train", *arguments.split()])


def test_a_plan_names_layouts_memory_and_days(capsys: pytest.CaptureFixture[str]) -> None:
    assert _plan("--model 7b --gpu h100 --count 64 --tokens 2T") == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("shard 64", "days", "optimiser"))


def test_the_report_has_its_three_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert _plan("--model 7b --count 256 --report --json") == 0
    stages = json.loads(capsys.readouterr().out)
    assert list(stages) == ["vision_pretrain", "multimodal_pretrain", "long_context_pretrain"]
    assert all(stage["days"] > 0 and stage["fits"] for stage in stages.values())


def test_what_does_not_fit_exits_with_zero_and_says_what_would(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _plan("--model 7b --gpu rtx4090") == 0
    assert "does not fit" in capsys.readouterr().err
    adapters = "--frozen tower,merger --lora 16 --base-bits 4 --length 4096"
    assert _plan(f"--model 7b --gpu rtx4090 {adapters}") == 0
    assert "does not fit" not in capsys.readouterr().err


def test_real_samples_are_packed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_shards(DrawnSource(mixture=draw_from(shapes=1.0), count=60), tmp_path)
    assert _plan(f"--model {EMBEDDED} --count 2 --length 512 --data {tmp_path} --json") == 0
    captured = capsys.readouterr()
    assert "60 samples" in captured.err
    assert all(layout["fits"] for layout in json.loads(captured.out))
    assert _plan(f"--model 7b --data {tmp_path}") == 1
    assert "needs a tokenizer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--gpu h900", "no accelerator named"),
        ("--frozen head", "expected parts of"),
        ("--tokens many", "no number of tokens"),
        ("--picture 5", "expected height x width"),
    ],
)
def test_slips_are_one_line(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _plan(arguments) == 1
    assert message in capsys.readouterr().err
