"""A run on Ray ends in what a run on one machine ends in."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qvl.errors import ConfigError, DataError, InputError, MissingDependencyError
from qvl.evaluation.answers import read_answers
from qvl.evaluation.evaluate import Run, Subject, ask, score_questions
from qvl.evaluation.manifest import read_manifest
from qvl.evaluation.ray import ask_on_ray
from qvl.evaluation.run import Progress
from qvl.evaluation.same_run import COMPARABLE, differences
from tests.evaluation.quiz import COUNT, QUIZ, Scripted, right

DRAWN = replace(QUIZ, area="own")
"""The quiz, which needs no files."""
RUN = Run(benchmark=DRAWN, batch_size=3)
SUBJECT = Subject(generator=Scripted(right), identity={"name": "scripted"})
ASKED = COUNT - 3


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'qvl[data]'")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


def _never(text: str) -> str | InputError:
    raise AssertionError(f"asked again: {text}")


def _dead(text: str) -> str | InputError:
    return InputError("nobody is there")


def test_parts_on_ray_and_one_run_end_alike(ray: object, tmp_path: Path) -> None:
    local, spread = tmp_path / "local", tmp_path / "ray"
    ask(RUN, SUBJECT, local)
    seen: list[Progress] = []
    assert ask_on_ray(RUN, SUBJECT, spread, parts=3, report=seen.append) == ASKED
    assert (seen[-1].done, seen[-1].total) == (ASKED, ASKED)
    outcomes = [score_questions(DRAWN, RUN.questions(), folder) for folder in (local, spread)]
    assert outcomes[0] == outcomes[1]
    texts = [{a.key: a.text for a in read_answers(folder)} for folder in (local, spread)]
    assert texts[0] == texts[1]
    assert differences(read_manifest(local), read_manifest(spread), COMPARABLE) == []
    # Repeated with other parts, and more of them than questions in some: nothing is asked again.
    again = replace(SUBJECT, generator=Scripted(_never))
    assert ask_on_ray(RUN, again, spread, parts=40) == ASKED


def test_what_one_machine_answered_is_not_asked_again(ray: object, tmp_path: Path) -> None:
    ask(RUN, SUBJECT, tmp_path)
    again = replace(SUBJECT, generator=Scripted(_never))
    assert ask_on_ray(RUN, again, tmp_path, parts=2) == ASKED
    other = replace(SUBJECT, identity={"name": "another"})
    with pytest.raises(DataError, match="answers of another run: model"):
        ask_on_ray(RUN, other, tmp_path, parts=2)


def test_errors_of_parts_keep_their_type(ray: object, tmp_path: Path) -> None:
    dead = replace(SUBJECT, generator=Scripted(_dead))
    with pytest.raises(DataError, match="no answer; the last reason: nobody is there"):
        ask_on_ray(RUN, dead, tmp_path, parts=1)
    assert ask_on_ray(RUN, SUBJECT, tmp_path, parts=1) == ASKED


def test_a_run_that_cannot_be_dealt_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run, parts in ((RUN, 0), (replace(RUN, shard=(1, 2)), 2)):
        with pytest.raises(ConfigError, match="expected 1 or more of a whole run"):
            ask_on_ray(run, SUBJECT, tmp_path, parts=parts)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"need the package ray.*qvl\[data\]"):
        ask_on_ray(RUN, SUBJECT, tmp_path, parts=2)
