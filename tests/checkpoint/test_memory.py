"""Peak memory of loading, measured in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from qvl.checkpoint.safetensors_file import write_safetensors
from qvl.model.config import ModelConfig
from qvl.model.vlm import Qwen2_5_VL
from tests.checkpoint.small import CONFIG, write_checkpoint

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is reset and read as on Linux"
)

# About 130 million parameters, 2 x 29 in embedding and head: 260 MB in bfloat16.
LARGE = CONFIG | {
    "vocab_size": 28_000,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 5,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
    "vision_config": {**CONFIG["vision_config"], "out_hidden_size": 1024},
}

# Loads as bfloat16 (mapped, or converted on the way), reads every weight once, prints the highest
# resident memory beyond that at the start.
PROGRAM = """
import json, sys
from pathlib import Path
import torch
from qvl.checkpoint.load import load_model

def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024

folder, small, dtype = Path(sys.argv[1]), Path(sys.argv[2]), torch.bfloat16
load_model(small, dtype=dtype)  # what is imported and set up only once
Path("/proc/self/clear_refs").write_text("5")
before = memory("VmRSS")
model = load_model(folder, dtype=dtype)
for parameter in model.parameters():
    parameter.detach().view(-1)[:: 4096 // parameter.itemsize].float().sum()
weights = sum(parameter.nbytes for parameter in model.parameters())
print(json.dumps({"peak": memory("VmHWM") - before, "weights": weights}))
"""


@pytest.fixture(scope="module", params=[torch.bfloat16, torch.float32], ids=str)
def folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("large")
    (folder / "config.json").write_text(json.dumps(LARGE))
    with torch.device("meta"):
        shapes = Qwen2_5_VL(ModelConfig.from_hf(LARGE)).state_dict()
    zeros = [(name, torch.zeros(t.shape, dtype=request.param)) for name, t in shapes.items()]
    write_safetensors(folder / "model.safetensors", zeros, metadata={})
    del zeros
    yield folder
    (folder / "model.safetensors").unlink()


def test_peak_is_at_most_1_15_times_the_weights(folder: Path, small_folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(small_folder)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    measured = json.loads(run.stdout)
    assert measured["weights"] > 200_000_000
    # All of them were really there, and little else.
    assert 0.95 < measured["peak"] / measured["weights"] < 1.15, measured


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_checkpoint(folder, dtype=torch.float16)
    return folder
