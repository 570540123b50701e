"""Peak memory of loading, measured in a process of its own."""

import json
import subprocess
import sys
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

# 109 million parameters, the largest matrix 3 million: 218 MB in bfloat16.
LARGE = CONFIG | {
    "vocab_size": 3072,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 9,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
    "vision_config": {**CONFIG["vision_config"], "out_hidden_size": 1024},
}

# Loads folders as bfloat16, as stored or packed for this CPU, reads every weight once, and prints
# the highest resident memory beyond that before each.
PROGRAM = """
import sys
from pathlib import Path
import torch
from qvl.checkpoint.load import load_model
from qvl.inference.prepack import load_for_inference

def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024

small, *rest = sys.argv[1:]
ways = {"plain": load_model, "packed": load_for_inference}
for load in ways.values():  # what is imported and set up only once
    load(Path(small), dtype=torch.bfloat16)
for way, folder in zip(rest[::2], rest[1::2]):
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    model = ways[way](Path(folder), dtype=torch.bfloat16)
    for parameter in model.parameters():
        parameter.detach().view(-1)[:: 4096 // parameter.itemsize].float().sum()
    print(memory("VmHWM") - before)
    del model, parameter
"""


def write(folder: Path, dtype: torch.dtype) -> int:
    """A checkpoint of zeros; returns the bytes of its weights in bfloat16."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LARGE))
    with torch.device("meta"):
        shapes = Qwen2_5_VL(ModelConfig.from_hf(LARGE)).state_dict()
    zeros = [(name, torch.zeros(t.shape, dtype=dtype)) for name, t in shapes.items()]
    write_safetensors(folder / "model.safetensors", zeros, metadata={})
    return 2 * sum(tensor.numel() for tensor in shapes.values())


def test_peak_is_at_most_1_15_times_the_weights(tmp_path: Path) -> None:
    weights = write(tmp_path / "half", torch.bfloat16)
    write(tmp_path / "full", torch.float32)
    write_checkpoint(tmp_path / "small", dtype=torch.float16)
    cases = [("plain", "half"), ("plain", "full"), ("packed", "half")]
    arguments = [word for way, name in cases for word in (way, str(tmp_path / name))]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "small"), *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for case, peak in zip(cases, run.stdout.split(), strict=True):
        # All of them were really there, and little else.
        assert 0.9 < int(peak) / weights < 1.15, case
    for file in tmp_path.glob("*/*.safetensors"):
        file.unlink()
