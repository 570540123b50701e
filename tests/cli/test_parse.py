"""``qvl parse``: files in a folder, resumed when repeated, bad input refused first."""

import json
from pathlib import Path

import pytest

from qvl.cli import options
from tests.answers.scripted import ScriptedModel
from tests.cli.conftest import Run
from tests.processing.pdfs import write_pdf

PAGE = '<html><body><h1 data-bbox="1 2 30 40">A title</h1><p onclick="x">text</p></body></html>'


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedModel:
    model = ScriptedModel(PAGE, "<p>two</p>", "<p>again</p>")
    monkeypatch.setattr(options, "model_folder", lambda args: tmp_path)
    monkeypatch.setattr(options, "load_processor", lambda folder, args: model.engine.processor)
    monkeypatch.setattr(options, "load_model", lambda folder, args: model)
    return model


def test_writes_files_and_goes_on_when_repeated(
    run: Run, scripted: ScriptedModel, tmp_path: Path
) -> None:
    pdf, out = write_pdf(tmp_path / "a.pdf", num_pages=2), tmp_path / "out"
    command = ("parse", str(pdf), "-o", str(out), "--format", "md,overlay")
    code, shown, said = run(*command)
    assert (code, shown) == (0, "")
    assert (out / "a.md").read_text() == "# A title\n\ntext\n\n---\n\ntwo\n"
    assert (out / "a-overlay.pdf").is_file()
    assert (out / "a-overlay" / "page-0002.png").is_file()
    assert not (out / "a.json").exists()
    assert "page 1 (1 of 2): 0 characters\n" in said
    assert "page 1: left out: onclick of a <p>\n" in said
    assert f"written: {out / 'a.md'}\n" in said
    assert run(*command)[0] == 0
    assert len(scripted.engine.asked) == 2


def test_to_the_output(run: Run, scripted: ScriptedModel, picture: str) -> None:
    assert run("parse", picture)[:2] == (0, "# A title\n\ntext\n")
    code, shown, _ = run("parse", picture, "--json", "--variant", "caption")
    assert code == 0
    assert json.loads(shown)["pages"][0]["elements"][0]["text"] == "two"
    asked = scripted.engine.processor.tokenizer.decode(scripted.engine.asked[1].input_ids)
    assert "QwenVL HTML with image caption" in asked


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["none.pdf"], "document file 'none.pdf' does not exist"),
        (["a.pdf", "--pages", "9"], "page 9 is asked for, the document has 1 page, counted from 1"),
        (["a.pdf", "--format", "mdd"], "format is 'mdd', expected of md, html, json, overlay"),
        (["a.pdf", "--format", ","], "no format was chosen"),
        (["a.pdf", "--rounds", "0"], "max_rounds is 0, expected a whole number above 0"),
        (["a.pdf", "-o", "a.pdf"], "a.pdf is a file, expected a folder"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "model_folder", lambda args: pytest.fail("a model was loaded"))
    write_pdf(tmp_path / "a.pdf")
    code, shown, said = run("parse", *arguments)
    assert (code, shown) == (1, "")
    assert said.startswith(f"error: {error}")
