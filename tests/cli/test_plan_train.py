"""qvl plan train: what a person reads, and what a program does."""

import json

import pytest

from qvl.cli.main import main


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
