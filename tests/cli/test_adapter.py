"""qvl adapter, and commands that take one."""

import json
from pathlib import Path

import pytest

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.adapter import save_adapter
from qvl.checkpoint.load import load_model
from qvl.model.lora import adapter_parameters, add_lora
from qvl.model.lora_config import LoraConfig
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On the tiny model; it silences the answer's first token, so that answers change."""
    folder = tmp_path_factory.mktemp("adapters") / "mine"
    model = load_model(EMBEDDED)
    add_lora(model, LoraConfig(rank=2, targets=("o_proj",)))
    for name, parameter in adapter_parameters(model).items():
        if name.endswith("lora_B.weight"):
            parameter.data.fill_(0.5)
    save_adapter(model, folder, base_model=str(EMBEDDED))
    return folder


def test_info(run: Run, adapter: Path) -> None:
    code, out, err = run("adapter", "info", str(adapter))
    assert (code, err) == (0, "")
    assert "rank           2\n" in out
    assert f"base model     {EMBEDDED}\n" in out
    found = json.loads(run("adapter", "info", str(adapter), "--json")[1])
    assert found["layers"] == {"o_proj": len(load_model(EMBEDDED).model.layers)}
    assert found["kind"] == "lora"


def test_an_adapter_answers_by_itself_merged_and_beside_its_base(
    run: Run, adapter: Path, tmp_path: Path, picture: str
) -> None:
    question = ("ask", picture, "Read all the text in the image.", "--max-tokens", "8")
    plain = run(*question)[1]
    merged = tmp_path / "merged"
    code, out, _ = run("adapter", "merge", str(adapter), "--output", str(merged))
    assert (code, out) == (0, f"{merged}\n")
    answers = {
        run(*question, *options)[1]
        for options in (
            ("--model", str(adapter)),
            ("--adapter", str(adapter)),
            ("--model", str(EMBEDDED), "--adapter", str(adapter)),
            ("--model", str(merged)),
        )
    }
    assert len(answers) == 1
    assert plain not in answers
    assert run("info", "--model", str(adapter))[0] == 0


def test_what_cannot_work_is_said(run: Run, adapter: Path, tmp_path: Path, picture: str) -> None:
    code, _, err = run("ask", picture, "hi", "--model", str(adapter), "--adapter", str(adapter))
    assert code == 1
    assert "is an adapter, and --adapter names another" in err
    assert "no adapter_config.json" in run("adapter", "info", str(tmp_path))[2]
    code, _, err = run("adapter", "merge", str(adapter), "--output", str(adapter))
    assert code == 1
    assert "not empty" in err
