"""Planted duplicates are found, the best of each group is kept, and nothing else is lost."""

import hashlib
import io
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from qvl.data.dedup.duplicates import (
    DuplicateTable,
    NearRule,
    find_duplicates,
    not_a_duplicate,
    run_without_duplicates,
)
from qvl.data.dedup.minhash import MinHash
from qvl.data.dedup.signatures import SignatureFolder, SignatureOptions, write_signatures
from qvl.data.fingerprint import fingerprint
from qvl.data.records import Sample
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader
from qvl.errors import ConfigError, DataError
from qvl.messages import Image, Video
from tests.data.dedup.test_minhash import text
from tests.data.dedup.test_pictures import photo
from tests.data.small import asked


@dataclass(frozen=True)
class Listed:
    """Samples in a list; one that is None cannot be read."""

    samples: tuple[Sample | None, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int, /) -> Sample:
        sample = self.samples[number]
        if sample is None:
            raise DataError("cannot be read")
        return sample

    def fingerprint(self, start: int, stop: int) -> str:
        return fingerprint([str(sample) for sample in self.samples[start:stop]])


def scored(sample: Sample, score: float) -> Sample:
    return replace(sample, provenance=replace(sample.provenance, scores={"good": score}))


def table_of(samples: list[Sample | None], folder: Path, **rule: object) -> DuplicateTable:
    options = SignatureOptions(score="good")
    signatures = write_signatures(Listed(tuple(samples)), folder, options=options, per_part=7)
    return find_duplicates(signatures, NearRule(**rule))  # type: ignore[arg-type]


def planted(seed: int, groups: int, changed: int) -> list[list[str]]:
    """Texts of 120 words, some with a few words changed."""
    rng = random.Random(seed)
    texts = []
    for number in range(groups):
        words = text(rng, 120)
        texts.append(words)
        if number % 3 == 0:
            places = rng.sample(range(120), changed)
            texts.append([f"{w}y" if i in places else w for i, w in enumerate(words)])
    return texts


def test_planted_near_texts_are_found(tmp_path: Path) -> None:
    texts = planted(3, groups=60, changed=2)  # similarity about 0.85
    samples = [asked("Continue the text please.", " ".join(words)) for words in texts]
    table = table_of([*samples], tmp_path)
    # 5-word shingles of two changed words of 120: every pair is at 0.8 or above, or nearly.
    rows = SignatureFolder(tmp_path).texts()[np.arange(len(samples))]
    exact = (rows[:, None, :] == rows[None, :, :]).mean(axis=2)
    near = {(a, b) for a, b in np.argwhere(exact >= 0.8).tolist() if a < b}
    found = {(int(table.kept[i]), int(i)) for i in np.flatnonzero(table.kinds == 2)}
    assert found <= near
    chance = np.mean([MinHash().chance(exact[pair]) for pair in near])
    assert len(found) >= len(near) * chance - 3 * np.sqrt(len(near) * chance * (1 - chance)) > 10


def test_what_is_kept(tmp_path: Path) -> None:
    question, pair = "What is seen here in this picture of mine today?", (photo(1), photo(2))
    files = []
    for picture in pair:
        file = io.BytesIO()
        picture.resize((84, 84)).save(file, "JPEG", quality=80)
        files.append(file.getvalue())
    first = asked(question, "A cloud over the sea.", Image(np.asarray(pair[0])))
    samples = [
        scored(first, 1),
        scored(first, 3),  # equal and better
        asked(question, "a cloud over the SEA", Image(files[0])),  # the same picture, compressed
        asked(question, "A cloud over the sea.", Image(np.asarray(pair[1]))),  # another picture
        asked(question, "A cloud."),
        None,
        asked(question, "A cloud!"),
        None,
    ]
    both = table_of(samples, tmp_path / "both")
    assert both.kinds.tolist() == [1, 0, 2, 0, 0, 0, 1, 0]
    assert both.kept.tolist() == [1, 1, 1, 3, 4, 5, 4, 7]
    assert both.similarity[[0, 2]].tolist() == [1, 1]
    texts = table_of(samples, tmp_path / "text", by="text")
    assert texts.kept.tolist() == [1, 1, 1, 1, 4, 5, 4, 7]
    pictures = table_of(samples, tmp_path / "picture", by="picture")
    assert pictures.kept.tolist() == [1, 1, 1, 3, 4, 5, 4, 7]


def filmed(seed: int, answer: str) -> Sample:
    frames = [np.asarray(photo(seed)), np.asarray(photo(seed + 1))]
    return asked("What colour is the ball in the video?", answer, Video(frames, fps=2.0))


def test_one_question_about_many_videos_is_no_duplicate(tmp_path: Path) -> None:
    samples: list[Sample | None] = [filmed(seed, "It is red.") for seed in (1, 5, 9)]
    assert not table_of(samples, tmp_path / "other").kinds.any()
    assert table_of([*samples, filmed(5, "It is red.")], tmp_path / "same").kinds.tolist() == [
        *(0, 0, 0),
        1,
    ]
    words = " ".join(text(random.Random(3), 60))
    near: list[Sample | None] = [filmed(1, words), filmed(1, f"{words} end"), filmed(5, words)]
    assert table_of(near, tmp_path / "near").kinds.tolist() == [0, 2, 0]


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in (".tar", ".npy", ".npz")
    }


def test_a_run_drops_and_counts_them_with_any_number_of_processes(tmp_path: Path) -> None:
    texts = planted(5, groups=12, changed=1)
    samples = [asked("Continue.", " ".join(words)) for words in texts]
    samples += samples[:4]
    source = Listed(tuple(samples))
    notes: list[str] = []
    options = RunOptions(per_shard=6)
    for processes in (1, 2):
        summary = run_without_duplicates(
            source,
            tmp_path / str(processes),
            processes=processes,
            run_options=options,
            note=notes.append,
        )
        reasons = summary.dropped["duplicates"]
        assert reasons == {"exact duplicate": 4, "near duplicate": 4}
        assert summary.num_kept == 12 == len(ShardReader(tmp_path / str(processes)))
    assert files(tmp_path / "1") == files(tmp_path / "2")
    assert notes[0] == "20 samples, 4 exact and 4 near duplicates"
    again = run_without_duplicates(source, tmp_path / "1", run_options=options)
    assert again.num_reused == again.num_parts
    kept = ShardReader(tmp_path / "1")[0]
    assert not_a_duplicate(kept) is None
    assert kept == samples[0]


def test_signatures_are_made_once_and_again_when_they_must(tmp_path: Path) -> None:
    source = Listed((asked("?", "One and two and three."),) * 3)
    options = SignatureOptions()
    write_signatures(source, tmp_path, options=options)
    file = tmp_path / "00000.texts.npy"
    before = file.stat().st_mtime_ns
    write_signatures(source, tmp_path, options=options)
    assert file.stat().st_mtime_ns == before
    write_signatures(source, tmp_path, options=SignatureOptions(text=MinHash(seed=1)))
    assert file.stat().st_mtime_ns != before


def test_nothing_and_damage(tmp_path: Path) -> None:
    empty = write_signatures(Listed(()), tmp_path / "empty", options=SignatureOptions())
    assert len(find_duplicates(empty, NearRule()).kinds) == 0
    with pytest.raises(DataError, match="no finished signatures"):
        SignatureFolder(tmp_path)
    with pytest.raises(DataError, match="no table of duplicates"):
        DuplicateTable.load(tmp_path / "none.npz")
    with pytest.raises(ConfigError, match="'size'"):
        NearRule(by="size")  # type: ignore[arg-type]


class OddSource:
    """Raises what no reader raises."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int, /) -> Sample:
        if number == 1:
            raise ZeroDivisionError("a bug in somebody's generator")
        return asked("What?", f"Number {number}.")

    def fingerprint(self, start: int, stop: int) -> str:
        return f"{start} {stop}"


def test_a_sample_that_fails_oddly_has_a_signature_of_its_own(tmp_path: Path) -> None:
    signatures = write_signatures(OddSource(), tmp_path, options=SignatureOptions())
    assert signatures.num_samples == 3
    assert json.loads((tmp_path / "00000.json").read_text())["unreadable"] == 1
    assert not find_duplicates(signatures, NearRule()).kinds.any()
