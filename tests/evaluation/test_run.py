"""Runs: nothing is lost, nothing is asked twice, everything counts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.endpoint.client import SomeUnanswered
from qvl.errors import ConfigError, DataError, InputError
from qvl.evaluation.answers import (
    ANSWERS,
    LONGEST_TEXT,
    Answer,
    AnswerFile,
    cut_to_length,
    read_answers,
)
from qvl.evaluation.manifest import hash_of_files, make_manifest, read_manifest, write_manifest
from qvl.evaluation.run import Asking, ask_all, read_failures
from qvl.evaluation.same_run import SAME_RUN, differences
from qvl.evaluation.scoring import Outcome, score_run
from qvl.evaluation.shards import in_shard, merge_runs, read_shard
from qvl.geometry import PixelLimits
from tests.evaluation.quiz import COUNT, QUIZ, Scripted, fails_on, load, right

BROKEN = len([number for number in range(COUNT) if number % 7 == 6])


def _ask(folder: Path, model: Scripted, *, batch_size: int = 4) -> None:
    asking = Asking(generator=model, params=QUIZ.params, batch_size=batch_size)
    ask_all(load(Path(), "test"), folder, asking)


def _outcome(folder: Path) -> Outcome:
    return score_run(QUIZ, load(Path(), "test"), folder)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_every_question_counts(tmp_path: Path, batch_size: int) -> None:
    _ask(tmp_path, Scripted(right), batch_size=batch_size)
    outcome = _outcome(tmp_path)
    assert (outcome.count, outcome.broken, outcome.unanswered) == (COUNT, BROKEN, 0)
    assert outcome.headline == pytest.approx(100 * (COUNT - BROKEN) / COUNT)
    assert {s.value: s.count for s in outcome.slices} == {"even": 13, "odd": 12}


def test_a_bad_question_spoils_no_other_and_is_asked_again(tmp_path: Path) -> None:
    _ask(tmp_path, Scripted(fails_on(9)))
    assert read_failures(tmp_path) == {"q9": "it is cursed"}
    outcome = _outcome(tmp_path)
    assert (outcome.unanswered, outcome.count) == (1, COUNT)
    again = Scripted(right)
    _ask(tmp_path, again)
    assert again.asked == 1
    assert _outcome(tmp_path).unanswered == 0


def test_answers_that_came_are_kept_when_others_did_not(tmp_path: Path) -> None:
    class Half(Scripted):
        def generate(self, conversations, params):  # type: ignore[no-untyped-def]
            results = super().generate(conversations, params)
            raise SomeUnanswered(
                [InputError("busy") if i % 2 else r for i, r in enumerate(results)]
            )

    _ask(tmp_path, Half(right))
    outcome = _outcome(tmp_path)
    assert 0 < outcome.unanswered < COUNT // 2 + 1
    assert set(read_failures(tmp_path).values()) == {"busy"}


def test_a_model_that_is_gone_ends_the_run(tmp_path: Path) -> None:
    model = Scripted(lambda text: InputError("no route"))
    with pytest.raises(DataError, match=r"3 batches in a row got no answer.*no route"):
        _ask(tmp_path, model)
    assert model.asked == 0
    assert len(read_failures(tmp_path)) == 12
    with pytest.raises(ConfigError, match="wrong key"):
        _ask(tmp_path, Scripted(lambda text: ConfigError("wrong key")))


@given(st.integers(0, 4000))
@settings(max_examples=30)
def test_a_torn_file_is_mended(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    folder = tmp_path_factory.mktemp("run")
    _ask(folder, Scripted(right))
    whole = (folder / ANSWERS).read_bytes()
    (folder / ANSWERS).write_bytes(whole[: at % (len(whole) + 1)])
    _ask(folder, Scripted(right))
    keys = [answer.key for answer in read_answers(folder)]
    assert sorted(keys) == sorted({json.loads(line)["key"] for line in whole.splitlines()})


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    answer = Answer(key="ключ", text="a\n\u2028\ud800b", sizes=((100, 50, 112, 56),), seconds=0.5)
    AnswerFile(tmp_path).append([answer])
    assert list(read_answers(tmp_path)) == [answer]
    (transform,) = answer.reply().transforms
    assert transform.resized.height == 112


def test_a_torn_line_is_no_answer_whoever_reads_it(tmp_path: Path) -> None:
    _ask(tmp_path, Scripted(right))
    answers = list(read_answers(tmp_path))
    whole = (tmp_path / ANSWERS).read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in (start + 1, len(whole) - 1):
        (tmp_path / ANSWERS).write_bytes(whole[:end])
        assert list(read_answers(tmp_path)) == answers[:-1]
        assert _outcome(tmp_path).unanswered == 1


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    _ask(tmp_path, Scripted(right))
    lines = (tmp_path / ANSWERS).read_text().splitlines()
    (tmp_path / ANSWERS).write_text("\n".join([lines[0], "{oops", *lines[1:]]) + "\n")
    with pytest.raises(DataError, match="line 2 is not an answer"):
        AnswerFile(tmp_path)
    (tmp_path / ANSWERS).write_text("\n".join([lines[0], lines[0]]) + "\n")
    with pytest.raises(DataError, match="a second answer to 'q0'"):
        AnswerFile(tmp_path)


def test_an_endless_answer_is_cut_and_said_to_be() -> None:
    text, cut = cut_to_length("x" * 1_000_000)
    assert (len(text), cut) == (LONGEST_TEXT, 1_000_000 - LONGEST_TEXT)


def _manifest(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "questions": load(Path(), "test"),
        "split": "test",
        "model": {"name": "m"},
        "computing": {"dtype": "float32", "device": "cpu"},
        "inputs": {},
    }
    return make_manifest(QUIZ, **(values | changes))


def test_a_manifest_tells_runs_apart(tmp_path: Path) -> None:
    manifest = _manifest()
    write_manifest(tmp_path, manifest)
    assert differences(read_manifest(tmp_path), _manifest()) == []
    assert differences(manifest, _manifest(model={"name": "n"}))[0].startswith("model:")
    other = _manifest(computing={"dtype": "bfloat16", "device": "cpu"})
    assert differences(manifest, other)[0].startswith("computing:")
    assert "prompts" in SAME_RUN
    with pytest.raises(DataError, match="no questions"):
        _manifest(questions=[])
    twice = [*load(Path(), "test"), next(load(Path(), "test"))]
    with pytest.raises(DataError, match="two questions 'q0'"):
        _manifest(questions=twice)
    with pytest.raises(DataError, match="not the folder of a run"):
        read_manifest(tmp_path / "nowhere")


def test_weights_have_a_hash(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"1")
    before = hash_of_files(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"2")
    assert hash_of_files(tmp_path) != before


def test_parts_make_the_whole(tmp_path: Path) -> None:
    questions = list(load(Path(), "test"))
    folders = []
    for number in (1, 2, 3):
        part = [q for q in questions if in_shard(q.key, (number, 3))]
        folder = tmp_path / str(number)
        asking = Asking(generator=Scripted(right), params=QUIZ.params)
        ask_all(part, folder, asking)
        write_manifest(folder, _manifest(questions=part, shard=f"{number}/3"))
        folders.append(folder)
    assert merge_runs(folders, tmp_path / "all") == COUNT - BROKEN
    assert differences(read_manifest(tmp_path / "all"), _manifest()) == []
    write_manifest(folders[1], _manifest(questions=[], shard="2/3", computing={}))
    with pytest.raises(DataError, match=r"a part of another run than .*: computing"):
        merge_runs(folders, tmp_path / "mixed")
    with pytest.raises(DataError, match="parts 2/3 of the run are missing"):
        merge_runs([folders[0], folders[2]], tmp_path / "less")


@pytest.mark.parametrize("text", ["0/3", "4/3", "x", "1/0"])
def test_a_shard_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="expected one such as 2/8"):
        read_shard(text)


def test_limits_of_the_model_decide_what_it_sees(tmp_path: Path) -> None:
    small = PixelLimits(min_pixels=784, max_pixels=784)
    ask_all(
        load(Path(), "test"),
        tmp_path,
        Asking(generator=Scripted(right), params=QUIZ.params, limits=small),
    )
    assert {answer.sizes[0][2:] for answer in read_answers(tmp_path)} == {(28, 28)}
