"""Planted leaks of evaluation sets are found, and nothing else is taken for one."""

import io
import random
from pathlib import Path

import av
import numpy as np
import pytest

from qvl.data.dedup.contamination import EvaluationIndex, leak_step, leaks
from qvl.data.shards import write_shards
from qvl.data.steps import Dropped
from qvl.errors import DataError
from qvl.messages import Image, Video
from tests.data.dedup.test_minhash import text
from tests.data.dedup.test_pictures import photo
from tests.data.small import asked


@pytest.fixture
def index(tmp_path: Path) -> Path:
    rng = random.Random(1)
    long, short = " ".join(text(rng, 40)), " ".join(text(rng, 9))
    prompt = "Give the query of fourteen words and say when it happens in the video, please."
    (tmp_path / "set.txt").write_text(f"{long}\n{short}\nyes\n{prompt} {long[:50]}\n")
    held = asked("Where is the old red lighthouse that stands near the harbour?", "There.")
    pictured = asked("What?", "That.", Image(np.asarray(photo(3))))
    write_shards([held, pictured], tmp_path / "shards")
    found = EvaluationIndex.of([tmp_path / "set.txt", tmp_path / "shards"], prompts=[prompt])
    assert (found.num_texts, found.num_short) == (8, 4)
    found.save(tmp_path / "index.npz")
    return tmp_path / "index.npz"


def test_leaks_are_found(index: Path) -> None:
    lines = (index.parent / "set.txt").read_text().split("\n")
    words = lines[0].split()
    inside = f"Somebody wrote {' '.join(words[10:23]).upper()}! And went on."
    assert leaks(asked("Go on.", inside), index=index) == "text of an evaluation set"
    assert leaks(asked(lines[1], "Well."), index=index) == "text of an evaluation set"
    question = "Where is the old red lighthouse, that stands near the harbour?"
    assert leaks(asked(question, "Here."), index=index) == "text of an evaluation set"
    file = io.BytesIO()
    photo(3).resize((90, 90)).save(file, "JPEG", quality=70)
    leak = leaks(asked("Look.", "Yes.", Image(file.getvalue())), index=index)
    assert leak == "picture of an evaluation set"


def test_the_rest_is_kept(index: Path) -> None:
    words = (index.parent / "set.txt").read_text().split("\n")[0].split()
    prompt = "Give the query of fourteen words and say when it happens in the video, please."
    innocent = [
        asked("yes", "yes"),
        asked("Go on.", " ".join(words[10:22])),  # twelve words
        asked("Go on.", " ".join([*words[10:20], "else", *words[20:30]])),
        asked(prompt, "At noon."),
        asked("What?", "That.", Image(np.asarray(photo(4)))),
    ]
    assert [leaks(sample, index=index) for sample in innocent] == [None] * 5


def film(first: int, *, height: int = 112, crf: int = 20) -> bytes:
    """Sixteen photographs, one after the other."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=4, options={"crf": str(crf)})
        stream.width = stream.height = height
        stream.pix_fmt = "yuv420p"
        for number in range(first, first + 16):
            frame = av.VideoFrame.from_image(photo(number).resize((height, height)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def test_videos_are_found_again_in_another_encoding(tmp_path: Path) -> None:
    held = asked("What?", "That.", Video(film(0)))
    write_shards([held], tmp_path / "shards")
    found = EvaluationIndex.of([tmp_path / "shards"])
    assert str(found).endswith("0 pictures, 1 videos")
    found.save(tmp_path / "index.npz")
    index = tmp_path / "index.npz"
    again = asked("And?", "So.", Video(film(0, height=84, crf=32)))
    assert leaks(again, index=index) == "video of an evaluation set"
    assert leaks(asked("And?", "So.", Video(film(40))), index=index) is None


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"fine\n\xff\xfe")
    with pytest.raises(DataError, match="no UTF-8 at byte 5"):
        EvaluationIndex.of([tmp_path / "bad.txt"])
    with pytest.raises(DataError, match="no index of evaluation sets"):
        leaks(asked("?", "!"), index=tmp_path / "none.npz")


def test_another_index_in_the_same_file_is_another_step(index: Path) -> None:
    before = leak_step("no leak", index)
    assert leak_step("no leak", index).fingerprint == before.fingerprint
    (index.parent / "new.txt").write_text("one two three four five six seven eight nine ten")
    EvaluationIndex.of([index.parent / "new.txt"]).save(index)
    after = leak_step("no leak", index)
    assert after.fingerprint != before.fingerprint
    sample = asked("One, two, three, four, five, six, seven, eight, nine, ten?", "Yes.")
    assert after.apply([sample]) == [Dropped(reason="text of an evaluation set")]
    with pytest.raises(DataError, match="is no index"):
        leak_step("no leak", index.parent / "none.npz")
