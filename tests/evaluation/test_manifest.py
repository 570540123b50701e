"""What tells runs apart, in words, and that a folder holds the answers of one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.answers import read_answers
from qvl.evaluation.benchmark import Question
from qvl.evaluation.evaluate import Run
from qvl.evaluation.manifest import make_manifest, read_manifest, write_manifest
from qvl.evaluation.run import FAILURES, Asking, ask_all, read_failures
from qvl.evaluation.same_run import check_same
from qvl.evaluation.shards import in_shard, merge_runs
from qvl.messages import Conversation
from tests.evaluation.quiz import COUNT, QUIZ, Scripted, load, right


def _manifest(questions: Sequence[Question], **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "split": "test",
        "model": {"name": "m"},
        "computing": {"device": "cpu"},
        "inputs": {},
    }
    return make_manifest(QUIZ, questions, **(values | changes))


def _all() -> list[Question]:
    return list(load(Path(), "test"))


def _in_other_words(folder: Path, split: str) -> Iterator[Question]:
    for question in load(folder, split):
        yield replace(question, conversation=Conversation.user("Say it."))


def _without_pictures() -> list[Question]:
    return [
        replace(question, conversation=Conversation.user("Say it."), broken="no picture")
        for question in load(Path(), "test")
    ]


@pytest.mark.parametrize(
    ("earlier", "lacks", "said", "advice"),
    [
        (_all(), "computing", r"computing: not written down and \{'device'", "earlier qvl did not"),
        (_all()[:10], "", f"questions: 10 and {COUNT} of them", "use another --output"),
        (
            [*_in_other_words(Path(), "")],
            "",
            "prompts: other questions, or asked",
            "qvl eval score",
        ),
    ],
)
def test_what_differs_from_an_earlier_run_is_said(
    earlier: list[Question], lacks: str, said: str, advice: str, tmp_path: Path
) -> None:
    manifest = _manifest(earlier)
    manifest.pop(lacks, None)
    write_manifest(tmp_path, manifest)
    with pytest.raises(DataError, match=said) as raised:
        check_same(tmp_path, _manifest(_all()))
    assert advice in str(raised.value.hint)
    assert manifest["prompts"][:20] not in raised.value.message


def test_what_every_manifest_has_is_missed(tmp_path: Path) -> None:
    manifest = _manifest(_all())
    del manifest["split"], manifest["prompts"]
    write_manifest(tmp_path, manifest)
    with pytest.raises(DataError, match="it has no split, prompts"):
        read_manifest(tmp_path)


def _parts(folder: Path, model: str, *, count: int = 2) -> list[Path]:
    """A run in parts, whose model writes its name behind every answer."""
    folders = []
    for number in range(1, count + 1):
        part = [q for q in _all() if in_shard(q.key, (number, count))]
        folders.append(folder / f"{model}-{number}")
        generator = Scripted(lambda text: f"{right(text)} {model}")
        ask_all(part, folders[-1], Asking(generator=generator, params=QUIZ.params))
        manifest = _manifest(part, model={"name": model}, shard=f"{number}/{count}")
        write_manifest(folders[-1], manifest)
    return folders


def test_parts_of_another_run_are_not_merged_in(tmp_path: Path) -> None:
    ours, theirs, whole = _parts(tmp_path, "a"), _parts(tmp_path, "b"), tmp_path / "whole"
    asked = merge_runs(ours, whole)
    with pytest.raises(DataError, match=r"has answers of another run: model: \{'name': 'a'\}"):
        merge_runs(theirs, whole)
    assert read_manifest(whole)["model"] == {"name": "a"}
    assert {answer.text.split()[-1] for answer in read_answers(whole)} == {"a"}
    assert merge_runs(ours, whole) == asked  # what was merged can be merged again


def test_each_part_is_merged_once(tmp_path: Path) -> None:
    parts = _parts(tmp_path, "a")
    with pytest.raises(DataError, match="3 folders hold 2 parts, expected each part once"):
        merge_runs([*parts, parts[0]], tmp_path / "whole")
    manifest = read_manifest(parts[1])
    del manifest["shard"]
    write_manifest(parts[1], manifest)
    with pytest.raises(DataError, match=r"the manifest of .* has no shard"):
        merge_runs(parts, tmp_path / "whole")
    assert not (tmp_path / "whole").exists()


@pytest.mark.parametrize(
    ("changes", "said", "advice"),
    [
        ({"load": lambda folder, split: islice(load(folder, split), 20)}, "25 and 20 of", "--data"),
        ({"load": _in_other_words}, "in other words", "--data names the files that were asked"),
        (
            {"load": _in_other_words, "version": 2},
            "in other words",
            "version 1 of quiz, which is 2",
        ),
    ],
)
def test_answers_are_compared_with_the_truths_of_their_questions(
    changes: dict[str, Any], said: str, advice: str, tmp_path: Path
) -> None:
    run = Run(benchmark=replace(QUIZ, area="own"))
    write_manifest(tmp_path, _manifest(list(run.questions())))
    assert len(list(run.questions(asked_in=tmp_path))) == COUNT
    other = Run(benchmark=replace(QUIZ, area="own", **changes))
    with pytest.raises(DataError, match=said) as raised:
        list(other.questions(asked_in=tmp_path))
    assert advice in str(raised.value.hint)


@pytest.mark.parametrize("text", ["{oops", '{"key": "q1"}', "7"])
def test_damaged_reasons_are_named(text: str, tmp_path: Path) -> None:
    (tmp_path / FAILURES).write_text(text)
    with pytest.raises(DataError, match=f"{FAILURES} is damaged"):
        read_failures(tmp_path)
