"""``qvl data dedup``, ``decontaminate`` and ``mix``: what they keep, and slips before any work."""

import json
from pathlib import Path

import pytest

from qvl.data.shards import ShardReader, write_shards
from tests.cli.conftest import Run
from tests.data.small import asked, drawn

LONG = (
    "The old lighthouse at the harbour of the island had stood for more than a hundred winters "
    "when a boy who wanted to read after dark left a candle beside his bed and fell asleep. Nobody "
    "was hurt, but the stairs, both doors and every one of the keeper's books were gone by "
    "morning. It happened in a cold night of the year"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    text = [asked(f"{LONG} {n}. When?", f"In the year {n}.") for n in (1801, 1900, 1801)]
    write_shards([*drawn(4), *text], tmp_path / "a", per_shard=3)
    write_shards([drawn(1)[0], *drawn(3, seed=8)], tmp_path / "b")
    return tmp_path


def questions(folder: Path) -> list[str]:
    return [str(sample.conversation.messages[0].content[-1]) for sample in ShardReader(folder)]


def test_dedup_over_several_sets(run: Run, folder: Path) -> None:
    code, out, err = run(
        "data", "dedup", "a", "b", "-o", "unique", "--report", "page.html", "--json"
    )
    assert code == 0, err
    told = json.loads(out)
    assert told["dropped"] == {"duplicates": {"exact duplicate": 2, "near duplicate": 1}}
    assert (told["read"], told["kept"]) == (11, 8)
    assert "11 samples, 2 exact and 1 near duplicates" in err
    assert "near duplicate" in (folder / "page.html").read_text()
    # Again, with another rule: the parts are done again.
    code, out, _ = run("data", "dedup", "a", "b", "-o", "unique", "--similarity", "1.0")
    assert (code, out.splitlines()[0]) == (0, "read 11, kept 9, dropped 2, failed 0")
    code, _, err = run("data", "dedup", "a", "-o", "none", "--similarity", "2")
    assert (code, err) == (1, "error: --similarity is 2, expected more than 0, at most 1\n")


def test_decontaminate(run: Run, folder: Path) -> None:
    (folder / "exam.txt").write_text(f"{LONG} 1900. Why?\nyes\n")
    code, out, err = run("data", "decontaminate", "a", "-o", "clean", "--against", "exam.txt")
    assert code == 0, err
    assert out == (
        "read 7, kept 4, dropped 3, failed 0\n  decontaminated: text of an evaluation set: 3\n"
    )
    assert "2 evaluation texts, 1 of them too short" in err
    index = "clean/evaluation.npz"
    assert run("data", "decontaminate", "b", "-o", "clean-b", "--against", index)[0] == 0
    # The wording that all share is no leak.
    code, out, _ = run(
        *("data", "decontaminate", "a", "-o", "asked", "--against", "exam.txt"),
        *("--prompt", f"{LONG} 1900. Why?", "--index", "kept.npz"),
    )
    assert out.startswith("read 7, kept 7")
    assert (folder / "kept.npz").exists()
    code, _, err = run("data", "decontaminate", "a", "-o", "x", "--against", index, "exam.txt")
    assert code == 1
    assert "expected it alone" in err


def test_mix_in_turns(run: Run, folder: Path) -> None:
    code, out, err = run("data", "mix", "a=2", "b", "-o", "mixed")
    assert code == 0, err
    assert out == "read 10, kept 10, dropped 0, failed 0\n"
    generators = [bool(ShardReader(folder / "mixed").media(i)) for i in range(10)]
    assert sum(generators[:9]) == 7  # six of a, of which four have pictures, and three of b
    code, out, _ = run("data", "mix", "a", "-o", "half")
    assert out.startswith("read 6")  # three of text, and as many with pictures
    kinds = [bool(ShardReader(folder / "half").media(i)) for i in range(6)]
    assert kinds == [False, True] * 3


def test_mix_by_tokens(run: Run, folder: Path) -> None:
    budget = ("data", "mix", "a=0.75", "b=0.25", "--tokens", "2e3")
    code, out, err = run(*budget, "--plan", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert plan["budget"] == sum(source["tokens"] for source in plan["sources"]) == 2000
    code, out, _ = run(*budget, "--plan")
    assert out.splitlines()[-1] == "| all | 2,000 | | 100.0% | | |"
    assert not (folder / "mixed").exists()
    code, out, err = run(*budget, "-o", "mixed", "--seed", "2")
    assert code == 0, err
    sizes = {"a": 7, "b": 4}
    wanted = sum(
        max(1, round(source["epochs"] * sizes[source["name"]])) for source in plan["sources"]
    )
    assert len(ShardReader(folder / "mixed")) == wanted


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["a=0.5", "b", "-o", "x"], "shares are 0.5, 1, expected whole numbers"),
        (["a=two", "b", "-o", "x"], "a=two has the share 'two'"),
        (["a", "a", "-o", "x"], "a set is named twice"),
        (["a", "b"], "there is no folder for the shards"),
        (["a", "b", "-o", "x", "--plan"], "--plan, --epochs or --seed without a budget"),
        (["a", "b", "-o", "x", "--tokens", "many"], "--tokens is 'many'"),
        (["a", "b", "-o", "x", "--tokens", "1e12"], "a budget of 1,000,000,000,000 tokens"),
        (["a", "c", "-o", "x"], "c does not exist"),
    ],
)
def test_slips_of_mix(run: Run, folder: Path, arguments: list[str], error: str) -> None:
    code, out, err = run("data", "mix", *arguments)
    assert (code, out) == (1, "")
    assert f"error: {error}" in err
    assert not (folder / "x").exists()
