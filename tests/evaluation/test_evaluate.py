"""Whole runs as a library: one folder, little memory, a page of everything."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import qvl
from qvl.api import computing
from qvl.checkpoint import EMBEDDED
from qvl.errors import ConfigError, DataError, InputError
from qvl.evaluation import dataset_files
from qvl.evaluation.answers import LONGEST_TEXT, read_answers
from qvl.evaluation.benchmark import Question
from qvl.evaluation.benchmarks.table import find_benchmark
from qvl.evaluation.dataset_files import dataset_folder
from qvl.evaluation.evaluate import Run, Subject, ask, begin, score_questions
from qvl.evaluation.manifest import read_manifest
from qvl.evaluation.report.summary import write_summary
from qvl.messages import Conversation, Image
from tests.evaluation.quiz import COUNT, QUIZ, Scripted, right
from tests.evaluation.test_layouts import write_parquet
from tests.material import requires_embedded

DRAWN = replace(QUIZ, area="own")
SUBJECT = Subject(generator=Scripted(right), identity={"name": "a <model>"})


def test_media_are_not_held(tmp_path: Path) -> None:
    """600 pictures of 100 kB: asked, scored, shown where wrong, in a small part of their size."""

    def load(folder: Path, split: str) -> Iterator[Question]:
        rng = np.random.default_rng(0)
        for number in range(600):
            picture = Image(rng.integers(0, 256, (168, 200, 3), np.uint8))
            yield Question(
                key=str(number),
                conversation=Conversation.user(picture, f"Say {number}."),
                truth=str(number) if number % 10 else "-",
            )

    run = Run(benchmark=replace(DRAWN, load=load))
    tracemalloc.start()
    ask(run, SUBJECT, tmp_path)
    outcome = score_questions(run.benchmark, run.questions(), tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (outcome.count, outcome.headline) == (600, 90)
    assert peak < 15 * 2**20 < 600 * 168 * 200


def test_an_answer_of_a_megabyte_costs_a_question_and_nothing_else(tmp_path: Path) -> None:
    endless = Scripted(lambda text: "7" * 1_000_000 if text == "Say 7." else right(text))
    run = Run(benchmark=DRAWN)
    ask(run, replace(SUBJECT, generator=endless), tmp_path)
    (cut,) = [answer for answer in read_answers(tmp_path) if answer.cut_characters]
    assert (len(cut.text), cut.cut_characters) == (LONGEST_TEXT, 1_000_000 - LONGEST_TEXT)
    outcome = score_questions(DRAWN, run.questions(), tmp_path)
    assert outcome.headline == pytest.approx(100 * (COUNT - 3 - 1) / COUNT)
    page = tmp_path / "report" / "failures-1.html"
    assert page.stat().st_size < 100_000


def test_a_part_without_questions_is_a_part(tmp_path: Path) -> None:
    sizes = [
        len(list(Run(benchmark=DRAWN, limit=2, shard=(i, 9)).questions())) for i in range(1, 10)
    ]
    assert sum(sizes) == 2
    empty = Run(benchmark=DRAWN, limit=2, shard=(sizes.index(0) + 1, 9))
    assert ask(empty, SUBJECT, tmp_path).answered == 0


def test_slips_are_refused_before_any_question(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="limit is 0"):
        Run(benchmark=DRAWN, limit=0)
    with pytest.raises(ConfigError, match="batch_size is 0"):
        Run(benchmark=DRAWN, batch_size=0)
    with pytest.raises(ConfigError, match="running programs"):
        Run(benchmark=replace(DRAWN, executes_code=True))
    ask(Run(benchmark=DRAWN), SUBJECT, tmp_path)
    with pytest.raises(DataError, match="another run: model"):
        ask(Run(benchmark=DRAWN), replace(SUBJECT, identity={"name": "b"}), tmp_path)


def test_the_page_of_a_run_has_every_benchmark(tmp_path: Path) -> None:
    table = {"quiz": DRAWN, "riddles": replace(DRAWN, name="riddles", title="R & R", published={})}
    for name, benchmark in table.items():
        run = Run(benchmark=benchmark)
        ask(run, SUBJECT, tmp_path / name)
        score_questions(benchmark, run.questions(), tmp_path / name)
    page = write_summary(tmp_path, table).read_text()
    assert "a &lt;model&gt;" in page
    assert "R &amp; R" in page
    assert page.count("<b>88.0</b>") == 2
    assert '<td class="n">50</td><td>accuracy</td>' in page  # published, and no number
    assert '<th class="n">3B</th>' in page
    assert "Under 3B: the published scores." in page
    for name in table:
        assert f'href="{name}/report/index.html"' in page
    with pytest.raises(DataError, match="has no results"):
        write_summary(tmp_path / "nowhere", table)


def test_files_come_from_the_hub_when_no_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def snapshot(source: str, *, repo_type: str) -> str:
        asked.append((source, repo_type))
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    assert dataset_files.dataset_folder("a/b", name="quiz") == tmp_path
    assert asked == [("a/b", "dataset")]

    def gone(source: str, *, repo_type: str) -> str:
        raise OSError("no route to host\nmore")

    monkeypatch.setattr(hub, "snapshot_download", gone)
    with pytest.raises(DataError, match="cannot be fetched: no route to host") as error:
        dataset_folder("a/b", name="quiz")
    assert "--data DIR" in str(error.value.hint)


def test_a_column_of_another_kind_is_one_line(tmp_path: Path) -> None:
    row = {"figure_path": "1.jpg", "image": None, "descriptive_a1": "x"}
    write_parquet(tmp_path / "val.parquet", [{**row, "descriptive_q1": "the first"}])
    run = Run(benchmark=find_benchmark("charxiv-descriptive"), data=tmp_path)
    with pytest.raises(
        DataError, match=r"not as those of princeton-nlp/CharXiv .* ValueError: inv"
    ):
        begin(run, SUBJECT, tmp_path / "run")


def test_which_files_were_read_is_written_down(tmp_path: Path) -> None:
    (tmp_path / "data" / "quiz").mkdir(parents=True)
    begin(Run(benchmark=QUIZ, data=tmp_path / "data"), SUBJECT, tmp_path / "run")
    assert read_manifest(tmp_path / "run")["data"] == str(tmp_path / "data" / "quiz")


@requires_embedded
def test_a_loaded_model_is_evaluated(tmp_path: Path) -> None:
    model = qvl.load(device="cpu")
    outcome = qvl.evaluate(model, "own-colour", output=tmp_path, limit=6)
    assert (outcome.count, outcome.metric, outcome.unanswered) == (6, "seen", 0)
    assert qvl.evaluate(model, "own-colour", output=tmp_path, limit=6) == outcome
    manifest = read_manifest(tmp_path / "own-colour")
    assert manifest["computing"] == {"dtype": "float32", "device": "cpu"}
    with pytest.raises(ConfigError, match="no benchmark named 'own-colur'"):
        qvl.evaluate(model, "own-colur", output=tmp_path)


@requires_embedded
def test_what_another_machine_will_compute_in_is_known_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    there = computing(EMBEDDED, device="cuda:1", is_here=False)
    assert there == {"dtype": "bfloat16", "device": "cuda"}
    with pytest.raises(ConfigError, match="no usable CUDA device"):
        computing(EMBEDDED, device="cuda:1")
