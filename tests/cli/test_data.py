"""``qvl data``: makes, runs, converts, checks and shows; slips are refused before any work."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qvl.data.interchange.annotations import AnnotationFile
from qvl.data.shards import ShardReader
from tests.cli.conftest import Run
from tests.data.small import picture
from tests.data.test_synth import needs_fonts
from tests.material import requires_embedded

RECIPE = """
from qvl.data.mixture import Mixture
from qvl.data.sources import DrawnSource
from qvl.data.steps import filter_step
from qvl.data.synth.shapes import shapes_sample


def few(sample):
    return None if len(sample.facts["shapes"]) < 3 else "crowded"


def recipe():
    mixture = Mixture(parts={"shapes": (1, shapes_sample)})
    return DrawnSource(mixture=mixture, count=50), [filter_step("few", few)]


def sized(count: int, *, seed: int = 0):
    mixture = Mixture(parts={"shapes": (1, shapes_sample)})
    return DrawnSource(mixture=mixture, count=count, seed=seed), []


def wrong():
    return 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_recipe.py").write_text(RECIPE)
    (tmp_path / "broken_recipe.py").write_text("def recipe(:")
    (tmp_path / "a.jpg").write_bytes(picture())
    (tmp_path / "a.json").write_text("[]")
    return tmp_path


def record(question: str, answer: str, **keys: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {**keys, "conversations": turns}


def test_make_and_show(run: Run, folder: Path) -> None:
    code, out, err = run("data", "make", "one_box", "-n", "3", "-o", "made", "--seed", "5")
    assert (code, out) == (0, "made\n")
    assert err == "1/1 shards  read 3  kept 3  failed 0\n"
    assert len(ShardReader(folder / "made")) == 3
    code, out, _ = run("data", "show", "made", "1", "-o", "files")
    assert code == 0
    assert "Locate the" in out
    assert "[image " in out
    names = {path.name for path in (folder / "files").iterdir()}
    assert names == {"sample.json", "0.png", "drawn-0.svg"}
    shown = json.loads(run("data", "show", "made", "1", "--json")[1])
    assert shown["id"] == ShardReader(folder / "made").id(1)
    assert shown["task"] == "shapes"


@requires_embedded
def test_run_writes_shards_counts_and_a_page(run: Run, folder: Path) -> None:
    arguments = ("data", "run", "my_recipe:recipe", "--limit", "20", "-o", "out")
    code, out, err = run(*arguments, "--report", "r.html", "--keep-rejects", "--json")
    assert code == 0
    counts = json.loads(out)
    assert counts["read"] == 20
    assert counts["kept"] + counts["dropped"]["few"]["crowded"] == 20
    assert "report: r.html" in err
    assert "Tokens of a sample" in (folder / "r.html").read_text()
    code, out, _ = run(*arguments, "--keep-rejects")
    assert out.startswith(f"read 20, kept {counts['kept']}, dropped")


def test_boxes_go_into_a_coco_file_and_come_back(run: Run, folder: Path) -> None:
    assert run("data", "make", "one_box", "-n", "3", "-o", "made")[0] == 0
    code, _, err = run("data", "convert", "made", "-o", "made.coco.json")
    assert code == 0, err
    assert "3 samples written, 0 not" in err
    assert run("data", "lint", "made.coco.json")[0] == 0
    code, out, _ = run("data", "show", "made.coco.json", "0")
    assert code == 0
    assert "image 0" in out


def test_a_recipe_takes_its_arguments_by_their_types(run: Run, folder: Path) -> None:
    arguments = ("data", "run", "my_recipe:sized", "-o", "out", "--json")
    code, out, _ = run(*arguments, "--set", "count=3", "--set", "seed=9")
    assert (code, json.loads(out)["kept"]) == (0, 3)


@needs_fonts
def test_the_grounding_recipe(run: Run, folder: Path) -> None:
    code, out, _ = run("data", "run", "grounding", "--limit", "30", "-o", "out", "--json")
    assert code == 0
    counts = json.loads(out)
    assert counts["failed"] == 0
    assert counts["kept"] > 10
    assert set(counts["dropped"]) <= {"points somewhere", "inside", "large enough"}
    assert run("data", "lint", "out")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("make", "nothing", "-o", "x"), "no generator 'nothing'"),
        (("make", "shapes", "-n", "0", "-o", "x"), "--number is 0"),
        (("run", "groundin", "-o", "x"), "did you mean 'grounding'?"),
        (("run", "missing:recipe", "-o", "x"), "module 'missing' of the recipe cannot be imported"),
        (("run", ":recipe", "-o", "x"), "module '' of the recipe cannot be imported"),
        (("run", "broken_recipe:recipe", "-o", "x"), "broken_recipe.py, line 1"),
        (("run", "my_recipe:recipe", "-o", "a.jpg"), "a.jpg/parts cannot be read or written"),
        (("run", "my_recipe:missing", "-o", "x"), "has no function 'missing'"),
        (("run", "my_recipe:wrong", "-o", "x"), "returned 3, expected (source, steps)"),
        (("run", "my_recipe:recipe", "-o", "x", "--limit", "0"), "--limit is 0"),
        (("run", "my_recipe:sized", "-o", "x"), "sized needs --set count="),
        (("run", "my_recipe:sized", "-o", "x", "--set", "count=x"), "expected int"),
        (("run", "my_recipe:sized", "-o", "x", "--set", "cuont=3"), "did you mean 'count'?"),
        (("run", "my_recipe:sized", "-o", "x", "--set", "count"), "has no value"),
        (("run", "my_recipe:recipe", "-o", "x", "--processes", "0"), "--processes is 0"),
        (("run", "my_recipe:recipe", "-o", "x", "--failures", "7"), "--failures is 7"),
        (("run", "my_recipe:recipe", "-o", "x", "--report", "no/r.html"), "does not exist"),
        (("lint", "x"), "x does not exist"),
        (("lint", "my_recipe.py"), "ends in '.py'"),
        (("lint", "."), "no readable index.json"),
        (("show", "x", "0"), "x does not exist"),
        (("lint", "a.json", "--root", "x"), "x is no folder"),
        (("run", "interleaved", "--set", "data=a.json", "--set", "root=x", "-o", "y"), "x is no"),
        (("convert", "x", "-o", "y.json"), "x does not exist"),
        (
            ("convert", "a.json", "-o", "y.csv"),
            "y.csv ends in '.csv', expected .json, .jsonl, .coc",
        ),
        (("index", "x"), "x is no folder"),
        (("index", "."), "holds no tars"),
    ],
)
def test_slips_are_one_line(
    run: Run, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run("data", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    assert not (folder / "x").exists()


def test_lint_names_faults_and_fails(run: Run, folder: Path) -> None:
    records = [
        record("<image>?", "A cup.", image="a.jpg"),
        record("<image>?", "A cup.", image="b.jpg"),
    ]
    (folder / "a.json").write_text(json.dumps(records))
    code, out, _ = run("data", "lint", "a.json")
    assert code == 1
    assert "a.json:1: picture 0: image file 'b.jpg' does not exist" in out
    assert out.endswith("2 samples, 1 bad, 1 problems\n")
    code, out, _ = run("data", "lint", "a.json", "--json")
    assert (code, json.loads(out)["bad"]) == (1, 1)
    (folder / "b.jpg").write_bytes(picture(shade=1))
    assert run("data", "lint", "a.json")[0] == 0
    code, _, err = run("data", "show", "a.json", "2")
    assert (code, err) == (1, "error: sample is 2, expected 0 to 1\n")


@requires_embedded
def test_lint_names_what_training_would_call_too_long(run: Run, folder: Path) -> None:
    (folder / "large.jpg").write_bytes(picture(560, 560))
    records = [
        record("<image>?", "A cup.", image="large.jpg"),
        record("Count.", "1 2 3 4 5 " * 60),
        record("Hi", "Ho"),
    ]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    assert run("data", "lint", "a.jsonl")[0] == 0
    code, out, err = run("data", "lint", "a.jsonl", "--max-length", "100")
    assert code == 1
    assert "model: the tiny one" in err
    first, second, _ = out.splitlines()
    assert re.fullmatch(r"a\.jsonl:1: [\d,]+ tokens, a sample may have at most 100", first)
    assert second.startswith("a.jsonl:2: ")
    _, _, err = run("train", "sft", "--data", "a.jsonl", "--max-length", "100", "--dry-run")
    assert f"{first} (and 1 like it: a.jsonl:2)" in err
    code, out, _ = run("data", "lint", "a.jsonl", "--max-length", "100", "--max-pixels", "7840")
    assert (code, out.count("tokens, a sample")) == (1, 1)
    for length in ("0", "999999999"):
        code, _, err = run("data", "lint", "a.jsonl", "--max-length", length)
        assert (code, "expected 1 to" in err) == (1, True)


@requires_embedded
def test_lint_reads_boxes_of_originals_by_the_limits_of_the_model(run: Run, folder: Path) -> None:
    (folder / "a.jpg").write_bytes(picture(560, 560))
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 560, "width": 560}],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [300, 300, 200, 200]}],
    }
    (folder / "a.coco.json").write_text(json.dumps(coco))
    code, out, _ = run("data", "lint", "a.coco.json", "--max-pixels", "100352")
    assert code == 0, out


def test_convert_there_and_back(run: Run, folder: Path) -> None:
    records = [record("<image>?", "A cup.", image="a.jpg"), record("Hi", "Ho", id="x")]
    (folder / "a.json").write_text(json.dumps(records))
    code, out, err = run("data", "convert", "a.json", "-o", "shards", "--licence", "MIT")
    assert (code, out) == (0, "shards\n")
    assert err.endswith("2 samples written, 0 not\n")
    assert ShardReader(folder / "shards")[0].provenance.licence == "MIT"
    assert run("data", "convert", "shards", "-o", "b.jsonl")[0] == 0
    back = AnnotationFile(folder / "b.jsonl")
    assert [m.role for m in back[0].conversation.messages] == ["user", "assistant"]
    assert back[1].facts == {"id": "x"}
    (folder / "c.json").write_text(json.dumps([*records, {"x": 1}]))
    for target in ("d.jsonl", "d"):
        code, _, err = run("data", "convert", "c.json", "-o", target)
        assert code == 1
        assert "c.json:1: record has keys ['x']" in err
        assert err.endswith("2 samples written, 1 not\n")


def test_index_of_tars_of_others(run: Run, folder: Path) -> None:
    assert run("data", "make", "one_box", "-n", "2", "-o", "made")[0] == 0
    for path in (folder / "made").glob("*.json"):
        path.unlink()
    assert run("data", "index", "made")[:2] == (0, "2 samples\n")
    assert len(ShardReader(folder / "made")) == 2


ASKING = """
from my_recipe import recipe as plain
from qvl.data.steps import map_step


def same(sample):
    return sample


def recipe(*, generator=None):
    source, steps = plain()
    return source, [*steps, *([] if generator is None else [map_step("asks", same)])]
"""


def test_a_model_that_is_named_reaches_the_recipe(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "asking_recipe.py").write_text(ASKING)
    call = ("data", "run", "asking_recipe:recipe", "--limit", "3", "--json", "-o")
    code, out, err = run(*call, "a", "--model", str(folder))
    assert code == 0, err
    assert "asks" in json.loads(out)["seconds"]
    # One in the environment counts tokens, but does not take the place of rules.
    monkeypatch.setenv("QVL_MODEL", str(folder))
    code, out, err = run(*call, "b")
    assert code == 0, err
    assert "asks" not in json.loads(out)["seconds"]


def test_convert_names_pictures_that_break_off(run: Run, folder: Path) -> None:
    (folder / "cut.jpg").write_bytes(picture(400, 400)[:-700])
    rows = [record("<image>What?", "That.", image=name) for name in ("a.jpg", "cut.jpg")]
    (folder / "some.json").write_text(json.dumps(rows))
    for target in ("shards", "some.parquet", "back.json"):
        code, out, err = run("data", "convert", "some.json", "-o", target)
        assert (code, out) == (1, f"{target}\n")
        assert "picture 0: " in err, err
        assert "1 samples written, 1 not" in err
