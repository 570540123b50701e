"""``qvl plan``: exact tokens, and what would fit, without torch."""

import json
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

from qvl.cli.plan import read_size
from qvl.errors import InputError
from tests.e2e.conftest import Run
from tests.e2e.test_bad_input import video_bytes


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    PIL.Image.new("RGB", (200, 112)).save(path)
    return path


def test_counts_what_the_request_then_takes(run: Run, random_folder: Path, picture: Path) -> None:
    model = ("--model", random_folder)
    code, out, err = run("plan", picture, "Read it.", *model, "--json")
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert plan["items"][0]["resized"] == [112, 196]
    assert plan["items"][0]["tokens"] == 28
    answer = json.loads(run("ask", picture, "Read it.", *model, "--max-tokens", 1, "--json")[1])
    assert plan["prompt_tokens"] == answer["prompt_tokens"]
    assert plan["fits"]
    stored = (random_folder / "model.safetensors").stat().st_size
    assert plan["memory_bytes"]["weights"] == pytest.approx(stored, rel=0.05), "float32, as loaded"


def test_table_for_people(run: Run, random_folder: Path, picture: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(video_bytes())
    code, out, err = run("plan", picture, video, "--model", random_folder)
    assert (code, err) == (0, "")
    assert "page.png  200 x 112 px      196 x 112 px" in out
    assert "clip.mp4" in out
    assert "peak memory  about" in out


def test_says_what_would_fit(run: Run, random_folder: Path, picture: Path) -> None:
    many = [picture] * 60
    code, _, err = run(
        "plan", *many, "--model", random_folder, "--min-pixels", "40000", "--max-pixels", "50000"
    )
    assert code == 0
    assert "does not fit: the context is too small" in err
    assert "no size" in err or "would fit: --max-pixels" in err
    _, _, err = run("plan", *many, "--model", random_folder, "--max-tokens", "3000")
    assert "would fit: --max-pixels" in err
    smaller = err.split("--max-pixels ")[1].split()[0]
    again = run(
        "plan", *many, "--model", random_folder, "--max-tokens", 3000, "--max-pixels", smaller
    )
    assert again[2] == ""


def test_memory(run: Run, random_folder: Path, picture: Path) -> None:
    assert (
        "the memory is too small"
        in run("plan", picture, "--model", random_folder, "--memory", "1KB")[2]
    )
    with pytest.raises(InputError, match="expected a size"):
        read_size("much")
    assert read_size("1.5TiB") == 3 * 2**39


def test_needs_no_torch(random_folder: Path, picture: Path) -> None:
    probe = (
        "import sys, qvl.cli.plan, qvl.cli.options as options, pathlib\n"
        "from qvl.cli.main import main\n"
        "options.model_folder = lambda args, weights: pathlib.Path(args.model)\n"
        f"assert main(['plan', {str(picture)!r}, '--model', {str(random_folder)!r}]) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)


def test_a_suggestion_can_be_pasted(run: Run, random_folder: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    PIL.Image.new("L", (2800, 2000)).save(large)
    arguments = ("plan", large, "--model", random_folder, "--max-tokens", 100)
    err = run(*arguments, "--max-pixels", 2800 * 2000)[2]
    suggested = err.split("would fit: ")[1].split(" (")[0].split()
    assert int(suggested[1]) > 10**6
    assert run(*arguments, *suggested)[::2] == (0, "")
