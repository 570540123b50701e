"""Lists of moments in every spelling become samples; what is wrong in them is named."""

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.filters.video import times_agree
from qvl.data.interchange.moments import MomentFile, asked_one_by_one, read_moments
from qvl.data.local import run_local
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader
from qvl.data.steps import filter_step, flat_map_step
from qvl.errors import DataError
from qvl.messages import Video
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video
from qvl.tasks import video as video_task
from tests.processing.clips import make_clip

ACTIVITYNET = {"v_1": {"duration": 6.0, "timestamps": [[2.0, 5.0], [0, 1.5]],
                       "sentences": ["A dog  runs. ", "A man waves."]}}  # fmt: skip
QVHIGHLIGHTS = [
    {"qid": 1, "vid": "v_1", "query": "A dog runs.", "duration": 6,
     "relevant_windows": [[2, 5]]},
    {"qid": 2, "vid": "v_1", "query": "A man waves.", "duration": 6,
     "relevant_windows": [[0, 1.5]]},
]  # fmt: skip
CHARADES = "v_1 2.0 5.0##A dog runs.\nv_1 0 1.5 ## A man waves.\n"
PLAIN = [{"video": "v_1.mp4", "moments": [
    {"start": 2, "end": 5, "description": "A dog runs."},
    {"start": "0", "end": 1.5, "description": "A man waves."},
]}]  # fmt: skip
SPELLINGS = {
    "activitynet.json": json.dumps(ACTIVITYNET),
    "highlights.jsonl": "\n".join(map(json.dumps, QVHIGHLIGHTS)),
    "charades.txt": CHARADES,
    "plain.json": json.dumps(PLAIN),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "v_1.mp4").write_bytes(make_clip(60, fps=10))
    return tmp_path


def write(folder: Path, value: object, name: str = "list.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_gives_the_same_sample(folder: Path, name: str) -> None:
    data = MomentFile(write(folder, SPELLINGS[name], name), licence="CC-BY-4.0")
    (sample,) = data
    assert sample.facts["moments"] == [[0.0, 1.5, "A man waves."], [2.0, 5.0, "A dog runs."]]
    assert sample.provenance.licence == "CC-BY-4.0"
    assert sample.provenance.source.startswith(f"{name}:v_1")
    video = sample.conversation.messages[0].content[0]
    assert isinstance(video, Video)
    facts = measure_video(video, DEFAULT_LIMITS).facts
    reading = video_task.parse(sample.conversation.messages[1].content[0].text, facts=facts)  # type: ignore[union-attr]
    assert [(m.start_s, m.end_s, m.label) for m in reading.moments] == [
        (0.0, 1.5, "A man waves."), (2.0, 5.0, "A dog runs.")
    ]  # fmt: skip


def test_moments_are_asked_for_one_by_one(folder: Path) -> None:
    entry = {"video": "v_1", "moments": [
        {"start": s, "end": s + 1, "description": text}
        for s, text in ((3, "A dog barks."), (0, "A dog barks."), (2, "It rains."))
    ]}  # fmt: skip
    (sample,) = MomentFile(write(folder, [entry]))
    children = asked_one_by_one(sample)
    assert [child.facts["query"] for child in children] == ["A dog barks", "It rains"]
    question, answer = (m.content[-1].text for m in children[0].conversation.messages)  # type: ignore[union-attr]
    assert question.startswith("Give the query: 'A dog barks'")
    assert [m.start_s for m in video_task.parse(answer).moments] == [0.0, 3.0]


def test_a_folder_goes_through_a_run(folder: Path, tmp_path: Path) -> None:
    (folder / "short.mp4").write_bytes(make_clip(2, fps=10))
    path = write(
        folder,
        {
            **ACTIVITYNET,
            "gone": {"duration": 3, "timestamps": [[0, 1]], "sentences": ["x"]},
            "short": {"duration": 3, "timestamps": [[0, 0.1]], "sentences": ["x"]},
            "../v_1": {"duration": 3, "timestamps": [[0, 1]], "sentences": ["x"]},
        },
    )
    (folder.parent / "v_1.mp4").write_bytes(b"secret")
    steps = [filter_step("agree", times_agree), flat_map_step("asked", asked_one_by_one)]
    summary = run_local(
        MomentFile(path), steps, tmp_path / "run", options=RunOptions(failure_budget=1.0)
    )
    assert summary.num_failed == 3
    messages = " | ".join(failure.message for failure in summary.failures)
    assert "no file of video 'gone'" in messages
    assert "list.json:short: 2 frames in 0.20 s, expected at least 4" in messages
    assert "lies outside" in messages
    samples = list(ShardReader(tmp_path / "run"))
    assert [s.facts["query"] for s in samples] == ["A man waves", "A dog runs"]


def test_it_travels_to_other_processes_and_notices_changes(folder: Path) -> None:
    data = MomentFile(write(folder, PLAIN), seed=4)
    again = pickle.loads(pickle.dumps(data))
    assert again[0].conversation.messages[1] == data[0].conversation.messages[1]
    before = data.fingerprint(0, 1)
    assert again.fingerprint(0, 1) == before
    (folder / "v_1.mp4").write_bytes(make_clip(70, fps=10))
    assert data.fingerprint(0, 1) != before


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"video": "a", "moments": [{"start": 1, "end": 2}]}], "entry 0: moment 1 to 2 s has no"),
        ([{"video": "a", "moments": [{"start": -1, "end": 2, "description": "x"}]}],
         "start is -1, expected seconds"),
        ([{"video": "", "moments": []}], "expected the name of a file"),
        ([{"video": "a"}], "expected timestamps, relevant_windows or moments"),
        ({"a": {"timestamps": [[1, 2]], "sentences": []}}, "entry 'a': timestamps and sentences"),
        ({"a": 3}, "entry 'a': 3, expected an object"),
        ([], "names no videos"),
        ("{", "no JSON"),
        ("3", "holds 3, expected an object or a list"),
    ],
)  # fmt: skip
def test_faults_are_named(folder: Path, value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_moments(write(folder, value))


def test_a_moment_after_the_end_is_refused_and_a_little_overrun_cut(folder: Path) -> None:
    def entry(end: float) -> list[object]:
        moment = {"start": 1, "end": end, "description": "x y"}
        return [{"video": "v_1", "moments": [moment]}]

    (sample,) = MomentFile(write(folder, entry(7.5)))
    assert sample.facts["moments"] == [[1.0, 6.0, "x y"]]
    with pytest.raises(DataError, match=r"moment 1 to 9 s reaches beyond the end at 6\.00 s"):
        MomentFile(write(folder, entry(9)))[0]


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["video", "vid", "moments", "timestamps", "sentences", "start", "end"]),
        inner, max_size=3),
    max_leaves=10,
))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    try:
        videos = read_moments(path)
    except DataError:
        return
    assert videos
