"""Scores, their errors, comparisons of runs, pages, judges."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import ConfigError, DataError
from qvl.evaluation.benchmark import AREAS, Benchmark, Judge, Question, Reply
from qvl.evaluation.benchmarks.table import BENCHMARKS, SUITE, find_benchmark, find_benchmarks
from qvl.evaluation.compare import compare_runs
from qvl.evaluation.dataset_files import dataset_folder
from qvl.evaluation.judges import judge_answers
from qvl.evaluation.manifest import make_manifest, write_manifest
from qvl.evaluation.report.page import Report
from qvl.evaluation.result_files import RESULT, SCORES, ScoreFile, read_result
from qvl.evaluation.run import Asking, ask_all
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import score_run
from qvl.evaluation.statistics import compare_paired, mcnemar, standard_error
from qvl.messages import Conversation
from tests.evaluation.quiz import QUIZ, Scripted, load, right


def _wrong_on(*numbers: int) -> Callable[[str], str]:
    return lambda text: "no idea" if int(right(text)) in numbers else right(text)


def _run(folder: Path, answer: Callable[[str], str]) -> None:
    questions = list(load(Path(), "test"))
    manifest = make_manifest(QUIZ, questions, split="test", model={}, computing={}, inputs={})
    write_manifest(folder, manifest)
    ask_all(questions, folder, Asking(generator=Scripted(answer), params=QUIZ.params))
    scores = ScoreFile(folder)
    outcome = score_run(QUIZ, questions, folder, each=scores.add)
    scores.close(outcome)
    assert read_result(folder) == outcome


def test_runs_are_compared_question_by_question(tmp_path: Path) -> None:
    _run(tmp_path / "a", _wrong_on(1, 2, 3))
    _run(tmp_path / "b", _wrong_on(3, 4))
    found = compare_runs(tmp_path / "a", tmp_path / "b")
    assert (found.overall.better, found.overall.worse) == (2, 1)
    assert found.overall.difference == pytest.approx(1 / 25)
    assert found.overall.low < found.overall.difference < found.overall.high
    assert found.overall.p_value == 1.0
    assert [change.key for change in found.changes] == ["q4", "q1", "q2"]
    assert set(found.slices) == {"parity: even", "parity: odd"}


def test_a_rule_that_runs_programs_is_taken_where_that_is_allowed(tmp_path: Path) -> None:
    _run(tmp_path, right)
    lenient = replace(QUIZ, score=lambda question, reply: Score(value=1.0, why="it ran"))
    quiz, questions = replace(QUIZ, with_code=lenient), list(load(Path(), "test"))
    whole = score_run(QUIZ, questions, tmp_path).headline
    _run(tmp_path / "wrong", lambda text: "no idea")
    assert score_run(quiz, questions, tmp_path / "wrong").headline == 0
    assert score_run(quiz, questions, tmp_path / "wrong", allow_code=True).headline == whole > 0


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), DataError("by zero")])
def test_a_truth_that_cannot_be_scored_is_named(error: Exception, tmp_path: Path) -> None:
    def rule(question: Question, reply: Reply) -> Score:
        if question.key == "q3":
            raise error
        return Score(value=1.0, why="right")

    _run(tmp_path, right)
    with pytest.raises(DataError, match=r"question 'q3'.*: by zero"):
        score_run(replace(QUIZ, score=rule), load(Path(), "test"), tmp_path)


def test_other_questions_are_not_compared(tmp_path: Path) -> None:
    _run(tmp_path / "a", right)
    _run(tmp_path / "b", right)
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    write_manifest(tmp_path / "b", {**manifest, "prompts": "0"})
    with pytest.raises(DataError, match="cannot be compared: prompts"):
        compare_runs(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": QUIZ.score, "judged_by": "a judge"}, "judged_by: '' and 'a judge'"),
        ({"benchmark": replace(QUIZ, version=2)}, "version: 1 and 2"),
        ({"benchmark": replace(QUIZ, with_code=QUIZ), "allow_code": True}, "ran_code: False and"),
    ],
)
def test_scores_of_different_rules_are_not_compared(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    _run(tmp_path / "a", right)
    _run(tmp_path / "b", right)
    told = {"benchmark": QUIZ, **options}
    scores = ScoreFile(tmp_path / "b")
    questions = list(load(Path(), "test"))
    scores.close(score_run(questions=questions, folder=tmp_path / "b", each=scores.add, **told))
    with pytest.raises(DataError, match=f"scored by different rules: {message}"):
        compare_runs(tmp_path / "a", tmp_path / "b")


def test_scores_of_changed_code_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(tmp_path / "a", right)
    monkeypatch.setattr("qvl.evaluation.scoring.hash_of_rules", lambda benchmark: "other")
    _run(tmp_path / "b", right)
    with pytest.raises(DataError, match="different rules: rules: the code that scores was changed"):
        compare_runs(tmp_path / "a", tmp_path / "b")
    result = json.loads((tmp_path / "b" / RESULT).read_text())
    del result["rules"]  # scored before this was written down
    (tmp_path / "b" / RESULT).write_text(json.dumps(result))
    with pytest.raises(DataError, match="different rules"):
        compare_runs(tmp_path / "a", tmp_path / "b")
    _run(tmp_path / "a", right)
    assert compare_runs(tmp_path / "a", tmp_path / "a").changes == ()


def test_a_page_of_a_distance_shows_what_is_far_off(tmp_path: Path) -> None:
    _run(tmp_path, _wrong_on(1, 2))
    questions = list(load(Path(), "test"))
    report = Report(tmp_path, find_benchmark("omnidocbench-en"))
    report.close(score_run(QUIZ, questions, tmp_path, each=report.add), {})
    assert report.num_failures == 2 + 3  # wrong or not asked; what is right is not shown


def test_scores_that_are_not_of_all_questions_are_not_compared(tmp_path: Path) -> None:
    for name in "ab":
        _run(tmp_path / name, right)
    lines = (tmp_path / "b" / SCORES).read_text().splitlines(keepends=True)
    (tmp_path / "b" / SCORES).write_text("".join(lines[:-1]))
    with pytest.raises(DataError, match=r"b has 24 scores of 25 questions"):
        compare_runs(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("text", ["7", "[]", "{", '{"slices": [1]}'])
def test_a_damaged_result_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / RESULT).write_text(text)
    with pytest.raises(DataError, match=f"{RESULT} is damaged"):
        read_result(tmp_path)


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(1, 5))
def test_repeating_questions_in_clusters_does_not_make_a_score_surer(
    values: list[bool], times: int
) -> None:
    numbers = [float(value) for value in values]
    names = [str(i) for i in range(len(numbers))]
    alone = standard_error(numbers, names)
    assert standard_error(numbers * times, names * times) == pytest.approx(alone)
    assert standard_error(numbers) == pytest.approx(alone)


def test_intervals_cover_what_they_should() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        first, second = rng.random((2, 120))
        paired = compare_paired(first.tolist(), (second + 0.1).tolist())
        covered += paired.low <= 0.1 <= paired.high
    assert covered >= 51  # 57 expected; fewer than 51 comes once in 300 draws of the seed
    assert paired == compare_paired(first.tolist(), (second + 0.1).tolist())
    assert paired.p_value is None


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test(better: int, worse: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    n = better + worse
    expected = stats.binomtest(better, n, 0.5).pvalue if n else 1.0
    assert mcnemar(better, worse) == pytest.approx(expected, rel=1e-6, abs=1e-11)


def test_pages_show_every_failure_and_load_nothing(tmp_path: Path) -> None:
    _run(tmp_path, _wrong_on(1, 2, 3))
    report = Report(tmp_path, QUIZ)
    outcome = score_run(QUIZ, load(Path(), "test"), tmp_path, each=report.add)
    page = report.close(outcome, {"split": "<b>test</b>", "model": {"name": "mine"}})
    numbers = page.read_text()
    assert "published" in numbers
    assert "mine" in numbers
    assert "<b>test</b>" not in numbers
    failures = (tmp_path / "report" / "failures-1.html").read_text()
    assert failures.count("<article") == 3 + 3  # wrong, and not asked
    assert "no idea" in failures
    assert "http" not in failures.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_a_judge_is_asked_once_and_its_scores_have_its_name(tmp_path: Path) -> None:
    judge = Judge(
        version="test 1",
        prompt=lambda question, reply: Conversation.user("x", f"Say {reply.text}."),
        read=lambda question, text: Score(value=0.5, why=f"judged {text}"),
    )
    judged = replace(QUIZ, judge=judge)
    _run(tmp_path, right)
    model = Scripted(lambda text: "fine")
    rule = judge_answers(judged, load(Path(), "test"), tmp_path, model)
    outcome = score_run(judged, load(Path(), "test"), tmp_path, rule=rule, judged_by="j")
    assert outcome.headline == pytest.approx(50 * 22 / 25)
    asked = model.asked
    judge_answers(judged, load(Path(), "test"), tmp_path, model)
    assert model.asked == asked == 22
    with pytest.raises(ConfigError, match="scored by a rule"):
        judge_answers(QUIZ, load(Path(), "test"), tmp_path, model)


def test_an_error_is_of_the_headline_or_not_told(tmp_path: Path) -> None:
    _run(tmp_path, _wrong_on(1, 2, 3))
    outcome = read_result(tmp_path)
    share = outcome.stderr
    assert outcome.headline_error == pytest.approx(100 * share)
    mean, count = outcome.mean, outcome.count
    for headline, error in ((mean, share), (mean * count, share * count), (0.4 * mean, None)):
        other = replace(outcome, numbers={"accuracy": headline})
        assert other.headline_error == (None if error is None else pytest.approx(error))


def test_benchmarks_are_found_by_name_area_and_suite() -> None:
    assert {item.name for item in find_benchmarks(["own-click", "own-click"])} == {"own-click"}
    assert find_benchmarks(["suite"]) == find_benchmarks(["own"])
    with pytest.raises(ConfigError, match="no benchmark named 'own-clik'") as error:
        find_benchmarks(["own-clik"])
    assert "own-click" in str(error.value.hint)


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda item: item.name)
def test_rows_of_the_table_are_whole(benchmark: Benchmark) -> None:
    assert benchmark.name not in (*AREAS, SUITE)  # which name several
    assert benchmark.title
    assert benchmark.source
    assert set(benchmark.published) <= {"3b", "7b", "32b", "72b"}


def test_files_of_a_dataset_are_where_they_were_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "quiz").mkdir()
    assert dataset_folder("a/b", data=tmp_path, name="quiz") == tmp_path / "quiz"
    assert dataset_folder("a/b", data=tmp_path, name="other") == tmp_path
    with pytest.raises(DataError, match="is not a folder"):
        dataset_folder("a/b", data=tmp_path / "no", name="quiz")
    with pytest.raises(DataError, match="cannot be fetched"):
        dataset_folder("nobody/nothing-at-all", name="quiz")
