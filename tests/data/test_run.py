"""A run loses nothing, repeats nothing, counts everything, and can be killed at any time."""

import errno
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from qvl.data import parts
from qvl.data.encoding import content_id
from qvl.data.local import run_local
from qvl.data.parts import PartResult
from qvl.data.records import Sample
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader, ShardWriter, write_shards
from qvl.data.sources import SomeOf
from qvl.data.steps import filter_step, map_step
from qvl.data.time_limit import time_limit
from qvl.errors import ConfigError, DataError
from tests.data.pipelines import STEPS, few, hang, louder, shapes
from tests.data.small import asked

SMALL = RunOptions(per_shard=10, failure_budget=1.0)


def files(folder: Path) -> dict[str, str]:
    """Hashes of the shards and indexes; markers hold times."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in (".tar", ".json") and path.parent.name != "parts"
    }


def test_everything_is_accounted_for(tmp_path: Path) -> None:
    source = shapes(37)
    seen: list[tuple[int, int]] = []
    options = replace(
        SMALL, keep_rejects=True, progress=lambda done, total: seen.append((done.part, total))
    )
    summary = run_local(source, STEPS, tmp_path, options=options)
    crowded = [n for n in range(37) if len(source[n].facts["shapes"]) > 4]
    lonely = [n for n in range(37) if len(source[n].facts["shapes"]) == 1]
    questions = Counter(
        {n: len(source[n].conversation.messages) // 2 for n in range(37) if n not in crowded}
    )
    assert summary.num_read == 37
    assert summary.dropped["few"] == {"more than 4 shapes": len(crowded)}
    assert summary.num_failed == sum(questions[n] for n in lonely) > 0
    long_answers = summary.dropped["brief"]["long answer"]
    assert summary.num_kept == questions.total() - summary.num_failed - long_answers > 0
    assert {failure.number for failure in summary.failures} == set(lonely)
    assert summary.failures[0].message == "ValueError('one shape is too few')"
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]

    kept = list(ShardReader(tmp_path))
    assert len(kept) == summary.num_kept
    assert all(sample.provenance.transforms[-1] == "single" for sample in kept)
    ids = {content_id(source[n]) for n in range(37)}
    assert all({*sample.provenance.parents, content_id(sample)} & ids for sample in kept)
    assert sum(bool(sample.provenance.parents) for sample in kept) > len(kept) / 2
    aside = Counter(sample.provenance.dropped for sample in ShardReader(tmp_path / "aside"))
    assert aside == {
        "few: more than 4 shapes": len(crowded),
        "brief: long answer": long_answers,
        "brief failed: ValueError('one shape is too few')": summary.num_failed,
    }
    assert f"kept {summary.num_kept}" in str(summary)
    assert json.loads(json.dumps(summary.to_json()))["failed"] == summary.num_failed


_AWAY = [False]


def _unless_away(sample: Sample) -> str | None:
    if _AWAY[0] and len(sample.facts["shapes"]) == 2:
        raise OSError("the server is away")
    return None


def test_failed_samples_are_tried_again_when_that_is_wanted(tmp_path: Path) -> None:
    steps = [filter_step("asked", _unless_away)]
    options = replace(SMALL, failure_budget=1.0)
    run_local(shapes(25), steps, tmp_path / "whole", options=options)
    _AWAY[0] = True
    away = run_local(shapes(25), steps, tmp_path / "away", options=options)
    _AWAY[0] = False
    assert 0 < away.num_failed < 25
    assert run_local(shapes(25), steps, tmp_path / "away", options=options).num_failed > 0
    retry = replace(options, retry_failed=True)
    assert run_local(shapes(25), steps, tmp_path / "away", options=retry).num_failed == 0
    assert files(tmp_path / "away") == files(tmp_path / "whole")
    done = run_local(shapes(25), steps, tmp_path / "away", options=retry)
    assert done.num_reused == done.num_parts


def test_order_and_number_of_processes_change_nothing(tmp_path: Path) -> None:
    run_local(shapes(25), STEPS, tmp_path / "one", options=SMALL)
    run_local(shapes(25), STEPS, tmp_path / "two", options=SMALL, processes=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_finished_part_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_local(shapes(25), STEPS, tmp_path, options=SMALL)
    before = files(tmp_path)
    # A damaged part, and one whose marker is gone, are done again; the others are not looked at.
    (tmp_path / "shard-00001.tar").write_bytes(b"damaged")
    done = []
    options = replace(SMALL, progress=lambda result, total: done.append(result))
    again = run_local(shapes(25), STEPS, tmp_path, options=options)
    assert [result.is_reused for result in done] == [True, False, True]
    assert files(tmp_path) == before
    assert again.num_reused == 2
    longer = run_local(shapes(35), STEPS, tmp_path, options=SMALL)
    assert (longer.num_parts, longer.num_reused) == (4, 2)
    shorter = run_local(shapes(10), STEPS, tmp_path, options=SMALL)
    assert (shorter.num_parts, shorter.num_reused) == (1, 1)
    assert {path.name for path in tmp_path.glob("*.tar")} == {"shard-00000.tar"}
    assert len(ShardReader(tmp_path)) == shorter.num_kept


def test_other_steps_need_another_folder(tmp_path: Path) -> None:
    run_local(shapes(10), [filter_step("few", few)], tmp_path, options=SMALL)
    for steps in ([], [map_step("few", louder)], [filter_step("fewer", few)]):
        with pytest.raises(DataError, match="holds the shards of other steps"):
            run_local(shapes(10), steps, tmp_path, options=SMALL)
    write_shards([shapes(1)[0]], tmp_path / "made")
    with pytest.raises(DataError, match="already holds shards"):
        run_local(shapes(10), [], tmp_path / "made", options=SMALL)


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    def nested(result: PartResult, total: int) -> None:
        run_local(shapes(10), [], tmp_path, options=SMALL)

    with pytest.raises(DataError, match="another run is writing"):
        run_local(shapes(10), [], tmp_path, options=replace(SMALL, progress=nested))


def test_shards_are_a_source(tmp_path: Path) -> None:
    written = [shapes(1)[0], asked("What?", "A cup."), asked("Who?", "I.")]
    write_shards(written, tmp_path / "in", per_shard=2)
    reader = ShardReader(tmp_path / "in")
    run_local(reader, [], tmp_path / "out", options=SMALL)
    copied = ShardReader(tmp_path / "out")
    assert [copied.id(i) for i in range(3)] == [content_id(sample) for sample in written]
    assert reader.fingerprint(0, 2) != reader.fingerprint(1, 3) != reader.fingerprint(0, 3)
    chosen = SomeOf(source=reader, count=2, seed=1)
    assert len({content_id(chosen[i]) for i in range(2)}) == 2
    with pytest.raises(IndexError):
        chosen[2]


class Faulty:
    """A source in which every third record is bad."""

    def __len__(self) -> int:
        return 30

    def __getitem__(self, number: int, /) -> object:
        if number % 3 == 0:
            raise DataError(f"record {number} is bad")
        return asked(f"What is {number}?", "A number.")

    def fingerprint(self, start: int, stop: int) -> str:
        return f"{start}-{stop}"


@pytest.mark.parametrize("per_shard", [4, 30])
def test_too_many_failures_stop_the_run(tmp_path: Path, per_shard: int) -> None:
    options = RunOptions(per_shard=per_shard, failure_budget=0.2)
    with pytest.raises(DataError, match=r"7 samples failed, at most 6 may.*record 0 is bad|"
                       r"7 samples failed, at most 6 may.*record 18 is bad"):  # fmt: skip
        run_local(Faulty(), [], tmp_path, options=options)  # type: ignore[arg-type]
    patient = replace(options, failure_budget=0.4)
    summary = run_local(Faulty(), [], tmp_path, options=patient)  # type: ignore[arg-type]
    assert (summary.num_kept, summary.num_failed) == (20, 10)
    assert {failure.step for failure in summary.failures} == {"read"}


def test_faults_of_the_run_itself_stop_it(tmp_path: Path) -> None:
    def broken(sample: object) -> str | None:
        raise ConfigError("no such model")

    with pytest.raises(ConfigError, match="no such model"):
        run_local(shapes(3), [filter_step("broken", broken)], tmp_path, options=SMALL)
    steps = [filter_step("inner", lambda sample: None)]
    with pytest.raises(ConfigError, match="cannot be sent to another process"):
        run_local(shapes(3), steps, tmp_path / "b", processes=2, options=SMALL)
    with pytest.raises(ConfigError, match="no samples"):
        run_local(shapes(0), [], tmp_path / "c")
    for options in ({"per_shard": 0}, {"failure_budget": 2.0}):
        with pytest.raises(ConfigError):
            RunOptions(**options)  # type: ignore[arg-type]


SCRIPT = """
import sys
from pathlib import Path
from qvl.data.local import run_local
from qvl.data.run import RunOptions
from tests.data.pipelines import STEPS, shapes
if __name__ == "__main__":
    options = RunOptions(per_shard=4, failure_budget=0.9, keep_rejects=True)
    run_local(shapes(60), STEPS, Path(sys.argv[1]), processes=int(sys.argv[2]), options=options)
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_killed_at_any_time_it_ends_with_the_same_bytes(tmp_path: Path, processes: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, str(script), str(tmp_path / "killed"), str(processes)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    chance = random.Random(processes)
    kills = 0
    while True:
        done_before = len(list((tmp_path / "killed").glob("parts/*.json")))
        process = subprocess.Popen(command, env=environment)
        while process.poll() is None:
            if kills < 3 and len(list((tmp_path / "killed").glob("*.part"))) > 0:
                time.sleep(chance.random() * 0.05)
                os.kill(process.pid, signal.SIGKILL)  # its own processes are left to themselves
            time.sleep(0.005)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
        assert len(list((tmp_path / "killed").glob("parts/*.json"))) >= done_before
    assert kills == 3
    options = RunOptions(per_shard=4, failure_budget=0.9, keep_rejects=True)
    run_local(shapes(60), STEPS, tmp_path / "calm", options=options)
    assert files(tmp_path / "killed") == files(tmp_path / "calm")
    assert not list((tmp_path / "killed").rglob("*.part"))


def test_a_part_stopped_between_any_two_writes_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops at every single file that is put in place."""
    run_local(shapes(12), STEPS, tmp_path / "calm", options=SMALL)
    replace_file = Path.replace
    for last in range(20):
        count = 0

        def dying(self: Path, target: Path, last: int = last) -> Path:
            nonlocal count
            count += 1
            if count > last:
                raise KeyboardInterrupt
            return replace_file(self, target)

        folder = tmp_path / f"stopped-{last}"
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            try:
                run_local(shapes(12), STEPS, folder, options=SMALL)
                stopped = False
            except KeyboardInterrupt:
                stopped = True
        run_local(shapes(12), STEPS, folder, options=SMALL)
        assert files(folder) == files(tmp_path / "calm")
        if not stopped:
            break
    assert not stopped
    assert last > 6


def test_a_killed_process_is_reported(tmp_path: Path) -> None:
    from tests.data.pipelines import DiesOnce

    steps = [filter_step("dies", DiesOnce(tmp_path / "count", (7,)))]
    with pytest.raises(DataError, match="a process was killed"):
        run_local(shapes(20), steps, tmp_path / "out", processes=2, options=SMALL)
    summary = run_local(shapes(20), steps, tmp_path / "out", processes=2, options=SMALL)
    assert summary.num_kept == 20


def test_a_full_disk_ends_the_run_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: ShardWriter, data: bytes) -> None:
        if self.name == "shard-00001.tar":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, data)

    write = ShardWriter._write
    with monkeypatch.context() as patched:
        patched.setattr(ShardWriter, "_write", full)
        with pytest.raises(DataError, match="cannot be read or written: No space left"):
            run_local(shapes(25), [], tmp_path, options=SMALL)
    assert not list(tmp_path.rglob(".*.part"))
    summary = run_local(shapes(25), [], tmp_path, options=SMALL)
    assert (summary.num_kept, summary.num_reused) == (25, 1)


def test_batches_with_a_bad_sample_lose_only_it(tmp_path: Path) -> None:
    summary = run_local(shapes(30), STEPS[3:], tmp_path, options=SMALL)
    lonely = sum(
        len(sample.facts["shapes"]) == 1 for sample in map(shapes(30).__getitem__, range(30))
    )
    assert summary.num_failed == lonely > 0
    assert summary.num_kept + summary.num_dropped == 30 - lonely


def test_only_examples_of_rejects_are_kept_unless_asked(tmp_path: Path) -> None:
    summary = run_local(shapes(40), STEPS[:1], tmp_path, options=replace(SMALL, per_shard=40))
    assert summary.num_dropped > 2
    assert len(ShardReader(tmp_path / "aside")) == parts._EXAMPLES


@pytest.mark.parametrize("processes", [1, 2])
def test_a_sample_that_hangs_is_one_failure(tmp_path: Path, processes: int) -> None:
    source = shapes(9)
    hangs = [n for n in range(9) if len(source[n].facts["shapes"]) == 1]
    assert 1 < len(hangs) < 5
    options = replace(SMALL, per_shard=5, sample_s=1.0)
    steps = [filter_step("hang", hang)]
    summary = run_local(source, steps, tmp_path, processes=processes, options=options)
    assert [failure.number for failure in summary.failures] == hangs
    assert {failure.message for failure in summary.failures} == {"the step took more than 1 s"}
    assert summary.num_kept == 9 - len(hangs)
    with pytest.raises(ConfigError, match="s for a sample, expected above 0"):
        RunOptions(sample_s=0)


def test_an_alarm_interrupts_what_looks_for_signals() -> None:
    slow = re.compile(r"(a+)+$")
    with pytest.raises(DataError, match="reading took more than"), time_limit(0.2, "reading"):
        slow.match("a" * 40 + "b")
    with time_limit(0.05, "nothing"):
        pass
    time.sleep(0.1)  # no alarm is left
    with pytest.raises(DataError, match="outer"), time_limit(0.1, "outer"):
        _waits_within_another_limit()
    thread = threading.Thread(target=lambda: time_limit(1, "x").__enter__())
    thread.start()
    thread.join()


def _waits_within_another_limit() -> None:
    with time_limit(9, "inner"):
        pass
    time.sleep(1)
