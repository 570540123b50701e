"""A checkpoint of true 3B shape, with random weights, from the disk to an answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"
MEMORY_LIMIT = 24e9
# Weights of the released 3B: 3,754,622,976 numbers of two bytes.
WEIGHTS = 7_509_245_952

PROGRAM = """
import json, resource, sys
import numpy as np
import qvl
from qvl.messages import Conversation, Image, SamplingParams

model = qvl.load(sys.argv[1], device="cpu")
image = Image(np.random.default_rng(0).integers(0, 256, (112, 168, 3), dtype=np.uint8))
questions = [Conversation.user(image, "What is this?"), Conversation.user("Hello")]
answers = model.generate(questions, SamplingParams(max_tokens=3))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"tokens": [len(a.token_ids) for a in answers], "peak": peak,
                  "prompt": answers[0].prompt_tokens}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_3b_loads_and_generates_within_24_gb(tmp_path: Path) -> None:
    folder = tmp_path / "random-3b"
    maker = [sys.executable, str(SCRIPTS / "make_random_checkpoint.py"), "3b", str(folder)]
    subprocess.run(maker, check=True, timeout=900)
    try:
        assert sum(f.stat().st_size for f in folder.glob("*.safetensors")) > WEIGHTS
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder)],
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    finally:
        for file in folder.glob("*.safetensors"):
            file.unlink()
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["tokens"] == [3, 3]
    assert result["prompt"] > 24  # 4 x 6 merged patches, and the text
    # A CPU without bfloat16 instructions computes in float32; the weights still take two bytes.
    assert result["peak"] < min(MEMORY_LIMIT, 1.3 * WEIGHTS)
