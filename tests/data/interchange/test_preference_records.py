"""Preference files as trainers spell them: the same preference from each."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qvl.data.interchange.annotations import write_annotations
from qvl.data.interchange.conversations import read_record
from qvl.data.interchange.opening import open_data
from qvl.data.preferences import chosen_text
from qvl.data.records import Sample
from qvl.data.texts import query_text
from qvl.errors import DataError
from qvl.messages import Image


def read(record: Any) -> Sample:
    return read_record(record, origin="f:1", licence="", locate=lambda name, kind: Path(name))


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def says(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def parts(role: str, *content: object) -> dict[str, object]:
    found = [{"type": "text", "text": c} if isinstance(c, str) else c for c in content]
    return {"role": role, "content": found}


SPELLINGS = {
    "standard": {"prompt": "Which?", "chosen": "red", "rejected": "blue"},
    "conversational": {
        "prompt": [user("Which?")], "chosen": [says("red")], "rejected": [says("blue")],
    },
    "implicit": {
        "chosen": [user("Which?"), says("red")], "rejected": [user("Which?"), says("blue")],
    },
    "both": {
        "prompt": "Which?", "messages": [user("Which?"), says("red")],
        "chosen": [user("Which?"), says("red")], "rejected": [user("Which?"), says("blue")],
    },
    "parts": {
        "prompt": [parts("user", "Which?")], "chosen": [parts("assistant", "red")],
        "rejected": [parts("assistant", "blue")],
    },
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Which?"}],
        "chosen": {"from": "gpt", "value": "red"}, "rejected": {"from": "gpt", "value": "blue"},
    },
    "alpaca": {"instruction": "Which?", "input": "", "chosen": "red", "rejected": "blue"},
    "question": {"question": "Which?", "chosen": "red", "rejected": ["blue"]},
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_the_same_preference(name: str) -> None:
    sample = read(SPELLINGS[name])
    assert query_text(sample) == "Which?"
    assert chosen_text(sample) == "red"
    assert [answer.text for answer in sample.rejected] == ["blue"]
    assert len(sample.conversation.messages) == 2


@pytest.mark.parametrize("name", ["standard", "conversational", "implicit", "sharegpt", "alpaca"])
def test_pictures_without_a_place_stand_before_the_question(name: str) -> None:
    sample = read({**SPELLINGS[name], "images": ["a.png", "b.png"]})
    content = sample.conversation.messages[0].content
    assert [p.source for p in content if isinstance(p, Image)] == [Path("a.png"), Path("b.png")]
    assert query_text(sample) == "Which?"


def test_pictures_with_a_place_stay_there() -> None:
    tagged = {**SPELLINGS["sharegpt"], "images": ["a.png"]}
    tagged["conversations"] = [{"from": "human", "value": "See <image>: which?"}]
    content = read(tagged).conversation.messages[0].content
    assert [type(part).__name__ for part in content] == ["Text", "Image", "Text"]
    placed = {**SPELLINGS["parts"], "images": ["a.png"]}
    placed["prompt"] = [parts("user", "Which?", {"type": "image"})]
    assert isinstance(read(placed).conversation.messages[0].content[1], Image)


def test_several_answers_and_their_margins() -> None:
    record = {"prompt": "Which?", "chosen": "red", "score_chosen": 9, "score_rejected": [4, 8.5]}
    for rejected in (
        ["blue", "green"],
        [says("blue"), says("green")],
        [[says("blue")], [says("green")]],
    ):
        found = read({**record, "rejected": rejected}).rejected
        assert [(answer.text, answer.margin) for answer in found] == [("blue", 5.0), ("green", 0.5)]
    assert read({**SPELLINGS["standard"], "margin": 2}).rejected[0].margin == 2.0


def test_calls_are_spelled_out() -> None:
    call = {"from": "function_call", "value": '{"name": "tap", "arguments": {"x": 3}}'}
    sample = read({**SPELLINGS["sharegpt"], "chosen": call})
    assert chosen_text(sample).startswith("<tool_call>")
    assert '"x": 3' in chosen_text(sample)


def test_earlier_turns_and_the_system_stay() -> None:
    turns = [{"role": "system", "content": "Be brief."}, user("Hi"), says("Hello"), user("Which?")]
    sample = read({"prompt": turns, "chosen": "red", "rejected": "blue", "id": 7})
    assert [m.role for m in sample.conversation.messages] == [
        "system", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert sample.facts == {"id": 7}
    alpaca = {**SPELLINGS["alpaca"], "history": [["Hi", "Hello"]]}
    assert len(read(alpaca).conversation.messages) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": None}, "no question: keys"),
        ({"chosen": []}, "chosen is"),
        ({"chosen": 3}, "expected text, a turn or a list of turns"),
        ({"rejected": []}, "rejected is"),
        ({"chosen": [user("Which?")]}, "chosen ends with a turn by 'user'"),
        ({"chosen": [user("A"), says("x")], "rejected": [user("B"), says("y")]}, "different quest"),
        ({"question": "Why?"}, "stands in prompt and in question"),
        ({"margin": [1, 2]}, "2 margins for 1 rejected"),
        ({"margin": "big"}, "expected a number"),
        ({"images": ["a.png"], "prompt": "<image> and <image>"}, "2 tags <image> for 1"),
        ({"chosen": "see <image>"}, "is an answer with the tag <image>"),
        ({"history": ["x"], "prompt": None, "instruction": "I"}, "history has 'x'"),
    ],
)
def test_malformed_records_say_how(change: dict[str, Any], words: str) -> None:
    record = {k: v for k, v in {**SPELLINGS["standard"], **change}.items() if v is not None}
    with pytest.raises(DataError) as caught:
        read(record)
    assert words in str(caught.value)


def test_files_open_and_export_again(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.zeros((28, 28, 3), np.uint8)).save(tmp_path / "a.png")
    path = tmp_path / "pairs.jsonl"
    records = [{**SPELLINGS["sharegpt"], "images": ["a.png"]}, SPELLINGS["implicit"]]
    path.write_text("\n".join(map(json.dumps, records)))
    samples = list(open_data(path))  # type: ignore[arg-type]
    write_annotations(samples, tmp_path / "again.json")
    again = list(open_data(tmp_path / "again.json"))  # type: ignore[arg-type]
    for one, other in zip(samples, again, strict=True):
        assert one.rejected == other.rejected
        assert chosen_text(one) == chosen_text(other)
        assert query_text(one) == query_text(other)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "type"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({"prompt": JSON, "chosen": JSON, "rejected": JSON, "images": JSON}))
def test_any_record_is_read_or_refused(record: dict[str, Any]) -> None:
    try:
        sample = read(record)
    except DataError:
        return
    assert sample.conversation.messages
