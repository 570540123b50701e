"""The published fine-tuning formats: read, written back, every fault with its file and line."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.data.encoding import content_id, media_of
from qvl.data.interchange.annotations import AnnotationFile, write_annotations
from qvl.data.interchange.conversations import read_record, write_record
from qvl.data.interchange.opening import open_data
from qvl.data.local import run_local
from qvl.data.records import Sample
from qvl.data.shards import ShardReader
from qvl.errors import DataError
from qvl.messages import Image, Text, Video
from tests.data.small import asked, drawn, picture
from tests.material import MATERIAL, requires_material
from tests.processing.clips import make_clip


def record(*turns: str, **keys: Any) -> dict[str, Any]:
    """The turns by human and gpt in turn."""
    speakers = ("human", "gpt")
    return {
        **keys,
        "conversations": [{"from": speakers[i % 2], "value": text} for i, text in enumerate(turns)],
    }


def read(value: object) -> Sample:
    return read_record(value, origin="x.json:1", licence="MIT", locate=lambda name, kind: name)


def shown(sample: Sample) -> list[tuple[str, list[Any]]]:
    return [
        (m.role, [p.text if isinstance(p, Text) else (type(p), p.source) for p in m.content])
        for m in sample.conversation.messages
    ]


def write(tmp_path: Path, value: object, name: str = "a.json") -> Path:
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


@requires_material
@pytest.mark.parametrize("name", ["single_images.json", "video.json"])
def test_the_demo_files_come_back(name: str, tmp_path: Path) -> None:
    original = MATERIAL / "cookbooks" / "finetune_demo" / name
    data = AnnotationFile(original, root=tmp_path)
    samples = list(data)
    assert data.where(1).startswith(f"{name}:1")
    count, problems = write_annotations(samples, tmp_path / "out.json")
    assert (count, problems) == (len(samples), [])
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(original.read_text())
    lines = tmp_path / "out.jsonl"
    write_annotations(samples, lines)
    again = AnnotationFile(lines)
    assert [shown(sample) for sample in again] == [shown(sample) for sample in samples]


@pytest.mark.parametrize(
    ("value", "turns"),
    [
        (
            record("<image>\nWhat?", "A cup.", image="a.jpg"),
            [("user", [(Image, "a.jpg"), "\nWhat?"]), ("assistant", ["A cup."])],
        ),
        (
            record("<image> and <image>?", "No.", images=["a.jpg", "b.jpg"]),
            [
                ("user", [(Image, "a.jpg"), " and ", (Image, "b.jpg"), "?"]),
                ("assistant", ["No."]),
            ],
        ),
        (
            record("<video><image>", "Yes.", video="a.mp4", image=["b.jpg"]),
            [("user", [(Video, "a.mp4"), (Image, "b.jpg")]), ("assistant", ["Yes."])],
        ),
        (record("Hi", "Ho"), [("user", ["Hi"]), ("assistant", ["Ho"])]),
        (
            {"messages": [{"role": "user", "content": "Hi <image>"}], "images": ["a"]},
            [("user", ["Hi ", (Image, "a")])],
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]},
                    {"role": "assistant", "content": "!"},
                ],
                "images": ["a"],
            },
            [("user", [(Image, "a"), "?"]), ("assistant", ["!"])],
        ),
        (
            {"messages": [{"role": "user", "content": [{"image": "a"}, {"text": "?"}]}]},
            [("user", [(Image, "a"), "?"])],
        ),
        (
            {**record("Hi", "Ho"), "system": "Be kind."},
            [("system", ["Be kind."]), ("user", ["Hi"]), ("assistant", ["Ho"])],
        ),
    ],
)
def test_every_spelling_is_read(value: object, turns: object) -> None:
    assert shown(read(value)) == turns


def test_calls_tools_and_other_keys_are_kept() -> None:
    value = record("Hi", "Ho", id="x7", task="talk", difficulty=3)
    call = {"name": "look", "arguments": {"at": [1]}}
    value["conversations"] += [
        {"from": "function_call", "value": json.dumps(call)},
        {"from": "observation", "value": "seen"},
    ]
    value["tools"] = json.dumps([{"name": "look", "parameters": {}}])
    sample = read(value)
    assert sample.conversation.messages[2].tool_calls[0].arguments == {"at": [1]}
    assert [message.role for message in sample.conversation.messages][3] == "tool"
    assert sample.conversation.tools[0]["function"]["name"] == "look"
    assert sample.facts == {"id": "x7", "task": "talk", "difficulty": 3}
    assert (sample.task, sample.provenance.source, sample.provenance.licence) == (
        "talk", "x.json:1", "MIT",
    )  # fmt: skip
    assert shown(read(write_record(sample, []))) == shown(sample)
    assert read(write_record(sample, [])).conversation == sample.conversation


words = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(
    st.lists(st.lists(st.one_of(words, st.sampled_from([Image, Video])), max_size=5), max_size=4)
)
def test_written_conversations_are_read_back(turns: list[list[Any]]) -> None:
    names = [
        f"{i}.{j}"
        for i, turn in enumerate(turns)
        for j, p in enumerate(turn)
        if not isinstance(p, str)
    ]
    rest = iter(names)
    parts = [[Text(p) if isinstance(p, str) else p(next(rest)) for p in turn] for turn in turns]
    sample = read(record("x", "y"))
    from qvl.messages import Conversation, Message

    sample = type(sample)(
        task=sample.task,
        conversation=Conversation(
            (*(Message("user", tuple(turn)) for turn in parts), Message("assistant", (Text("z"),)))
        ),
        provenance=sample.provenance,
    )
    back = read(write_record(sample, names))

    def plain(sample: Sample) -> list[Any]:
        """Neighbouring texts are one text in this format."""
        return [
            "".join(p if isinstance(p, str) else repr(p) for p in content)
            for _, content in shown(sample)
        ]

    assert plain(back) == plain(sample)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "record is a str"),
        ({}, "expected one of conversations and messages"),
        ({"conversations": [], "messages": []}, "has conversations and messages"),
        ({"conversations": {}}, "expected a list of turns"),
        ({"conversations": []}, "expected a list of turns"),
        ({"conversations": ["hi"]}, "turn 0 is a str"),
        ({"conversations": [{"from": "alien", "value": "x"}]}, "turn 0 is by 'alien'"),
        ({"conversations": [{"from": "human", "value": 3}]}, "turn 0 has the text 3"),
        (record("<image>", "x"), "1 tags <image> for 0 image files"),
        (record("<image><image>", "x", image="a"), "2 tags <image> for 1 image files"),
        (record("x", "y", image="a"), "0 tags <image> for 1 image files"),
        (record("x", "y", video=["a", "b"]), "0 tags <video> for 2 video files"),
        (record("x", "<image>", image="a"), "turn 1 is an answer with the tag <image>"),
        (record("x", "y", image="a", images=["b"]), "both image and images"),
        ({"conversations": [{"from": "function_call", "value": "{"}]}, "is no function call"),
        ({**record("x", "y"), "tools": "["}, "tools are no JSON"),
        ({**record("x", "y"), "tools": {"a": 1}}, "tools is a dict"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "more image parts"),
        ({"messages": [{"role": "user", "content": [{"text": 3}]}]}, "text is a int"),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}], "image": "a"},
            "named by no part",
        ),
    ],
)
def test_malformed_records_are_named(value: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(value)
    path = write(tmp_path, [record("a", "b"), value])
    data = AnnotationFile(path)
    assert shown(data[0]) == [("user", ["a"]), ("assistant", ["b"])]
    with pytest.raises(DataError, match=rf"a\.json:1: .*{message}"):
        data[1]


def test_faults_have_their_line(tmp_path: Path) -> None:
    good = json.dumps(record("a", "b"), indent=1)
    data = AnnotationFile(write(tmp_path, f"[\n{good},\n{good},\n{{'x': 1}},\n{good}]"))
    length = good.count("\n") + 1
    assert [data.where(i) for i in range(3)] == [f"a.json:{2 + i * length}" for i in range(3)]
    assert len(data) == 3
    with pytest.raises(DataError, match="no JSON, the rest of the file is not read"):
        data[2]
    line = json.dumps(record("a", "b"))
    lines = AnnotationFile(write(tmp_path, f"{line}\n\n{{\n{line}\n", "a.jsonl"))
    assert len(lines) == 3
    with pytest.raises(DataError, match=r"a\.jsonl:3: no JSON"):
        lines[1]
    assert lines.where(2) == "a.jsonl:4"
    assert shown(lines[2])[0] == ("user", ["a"])


def test_a_line_too_long_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.data.interchange.annotations._MAX_LINE_BYTES", 500)
    line, long = json.dumps(record("a", "b")), json.dumps(record("a", "b" * 1700))
    lines = AnnotationFile(write(tmp_path, f"{line}\n{long}\n{line}\n{long}", "a.jsonl"))
    assert [lines.where(number) for number in range(4)] == [f"a.jsonl:{n}" for n in (1, 2, 3, 4)]
    assert shown(lines[2])[0] == ("user", ["a"])
    for number in (1, 3):
        with pytest.raises(DataError, match="line of more than 500 bytes"):
            lines[number]


@pytest.mark.parametrize(
    "text", ["", "{}", "[", "[1", "[1,", "[1 2]", "[" * 10_000, "[nul", "\ufeff[1]"]
)
def test_files_that_are_no_lists_do_not_crash(text: str, tmp_path: Path) -> None:
    data = AnnotationFile(write(tmp_path, text))
    for number in range(len(data)):
        with pytest.raises(DataError, match=r"a\.json:1"):
            data[number]


def test_packs_are_taken_apart(tmp_path: Path) -> None:
    packs = [[record("a", "b"), record("c", "d")], record("e", "f")]
    for name, text in (
        ("a.json", json.dumps(packs)),
        ("a.jsonl", "\n".join(map(json.dumps, packs))),
    ):
        data = AnnotationFile(write(tmp_path, text, name))
        assert [shown(sample)[0][1] for sample in data] == [["a"], ["c"], ["e"]]
        assert data.where(1) == f"{name}:1, 1 of a pack"


def test_unreadable_files_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        AnnotationFile(tmp_path / "missing.json")
    (tmp_path / "latin.json").write_bytes(b'["\xe4"]')
    with pytest.raises(DataError, match="no text in UTF-8"):
        AnnotationFile(tmp_path / "latin.json")
    with pytest.raises(DataError, match="does not exist"):
        open_data(tmp_path / "missing.json")
    with pytest.raises(DataError, match=r"ends in '\.txt'"):
        open_data(write(tmp_path, "", "a.txt"))


def test_a_list_that_breaks_off_is_refused_whole_and_linted_in_part(tmp_path: Path) -> None:
    records = [{"conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "!"}]}]
    text = json.dumps(records * 4, indent=1)
    path = write(tmp_path, text[: len(text) // 2], "cut.json")
    with pytest.raises(
        DataError, match=r"cut\.json:\d+: no JSON, the rest of the file is not read"
    ):
        open_data(path)
    assert len(open_data(path, whole=False)) == 3
    assert len(open_data(write(tmp_path, text, "whole.json"))) == 4


def test_media_go_to_shards_and_back(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(picture())
    (tmp_path / "media" / "b.mp4").write_bytes(make_clip(8))
    values = [
        record("<image>What?", "A cup.", image="a.jpg"),
        record("<video>What?", "Bars.", video="b.mp4"),
        record("<image>Where?", "Nowhere.", image="missing.jpg"),
    ]
    data = AnnotationFile(write(tmp_path, values), root=tmp_path / "media")
    data = pickle.loads(pickle.dumps(data))
    from qvl.data.run import RunOptions

    summary = run_local(data, [], tmp_path / "shards", options=RunOptions(failure_budget=0.5))
    assert (summary.num_kept, summary.num_failed) == (2, 1)
    assert "missing.jpg' does not exist" in summary.failures[0].message
    reader = ShardReader(tmp_path / "shards")
    assert [reader.id(i) for i in range(2)] == [content_id(data[i]) for i in range(2)]
    count, problems = write_annotations(reader, tmp_path / "out" / "b.jsonl")
    assert (count, problems) == (2, [])
    back = open_data(tmp_path / "out" / "b.jsonl")
    assert [content_id(back[i]) for i in range(2)] == [reader.id(i) for i in range(2)]
    assert [
        Path(part.source).suffix for i in range(2) for part in media_of(back[i].conversation)
    ] == [".jpg", ".mp4"]  # type: ignore[arg-type]


def test_drawn_samples_are_written_with_their_pictures(tmp_path: Path) -> None:
    samples = drawn(3)
    write_annotations(samples, tmp_path / "a.json")
    for one, other in zip(AnnotationFile(tmp_path / "a.json"), samples, strict=True):
        assert one.facts == json.loads(json.dumps(other.facts))
        assert [m.content[-1] for m in one.conversation.messages] == [
            m.content[-1] for m in other.conversation.messages
        ]


def test_what_the_format_cannot_hold_is_a_problem(tmp_path: Path) -> None:
    frames = asked("?", "!", Video([picture(), picture()]))
    tag = asked("What is <image>?", "!")
    missing = asked("?", "!", Image("missing.jpg"))
    count, problems = write_annotations(
        [frames, asked("a", "b"), tag, missing], tmp_path / "a.json"
    )
    assert count == 1
    assert [problem.where for problem in problems] == ["sample 0", "sample 2", "sample 3"]
    assert len(AnnotationFile(tmp_path / "a.json")) == 1
    with pytest.raises(DataError, match="already exists"):
        write_annotations([], tmp_path / "a.json")
    with pytest.raises(DataError, match=r"expected \.json or \.jsonl"):
        write_annotations([], tmp_path / "a.txt")


def test_the_fingerprint_sees_changed_media(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    path = write(tmp_path, [record("<image>What?", "A cup.", image="a.jpg"), record("a", "b")])
    before = [AnnotationFile(path).fingerprint(i, i + 1) for i in range(2)]
    (tmp_path / "a.jpg").write_bytes(picture(28, 28))
    after = [AnnotationFile(path).fingerprint(i, i + 1) for i in range(2)]
    assert before[0] != after[0]
    assert before[1] == after[1]
