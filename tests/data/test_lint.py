"""Every kind of fault is named where it is; sound data is clean."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qvl.data.encoding import decode_sample, encode_sample
from qvl.data.interchange.annotations import AnnotationFile
from qvl.data.interchange.opening import open_data
from qvl.data.lint import CoordinateEvidence, check_sample, lint
from qvl.data.places import places
from qvl.data.sft.rules import malformed
from qvl.data.shards import write_shards
from qvl.data.synth.screens import screen_sample
from qvl.errors import ConfigError
from qvl.geometry import Box
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import grounding
from tests.data.small import asked, drawn, picture
from tests.data.test_synth import needs_fonts
from tests.processing.clips import make_clip


def boxes(*numbers: tuple[float, float, float, float]) -> str:
    return grounding.format([grounding.GroundedBox(box=Box(*n), label="cup") for n in numbers])


def write(tmp_path: Path, records: list[dict[str, Any]]) -> AnnotationFile:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records, indent=1))
    return AnnotationFile(path)


def record(question: str, answer: str, **keys: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {**keys, "conversations": turns}


def test_drawn_data_is_clean(tmp_path: Path) -> None:
    write_shards(drawn(40), tmp_path)
    seen: list[tuple[int, int]] = []
    report = lint(open_data(tmp_path), progress=lambda done, total: seen.append((done, total)))
    assert report.problems == ()
    assert (report.is_clean, report.num_samples, seen[-1]) == (True, 40, (40, 40))


def test_every_fault_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(picture(280, 280))
    (tmp_path / "cut.jpg").write_bytes(picture(280, 280)[:400])
    (tmp_path / "good.mp4").write_bytes(make_clip(8))
    (tmp_path / "cut.mp4").write_bytes(make_clip(8)[:400])
    outside = boxes((10, 10, 300, 50))
    question, answer = record("?", "!")["conversations"]
    faulty = [
        (record("<image>?", "!", image="missing.jpg"), r"missing\.jpg' does not exist"),
        (record("<image>?", "!", image="cut.jpg"), "picture 0: .*damaged or cut off"),
        (record("<video>?", "!", video="cut.mp4"), "video 0: "),
        (record("<image><image>?", "!", image="good.jpg"), "2 tags <image> for 1 image files"),
        (record("?", "  "), "turn 1 is an empty answer"),
        (record("", "!"), "turn 0 is an empty question"),
        (
            record("<image>?", outside, image="good.jpg"),
            r"turn 1: \(10, 10, 300, 50\) of 'cup' lies outside picture 0, which is 280 x 280 px",
        ),
        ({"conversations": [question]}, "there is no answer"),
        ({"conversations": [answer]}, "begins with a turn by assistant"),
        ({"conversations": [question, question, answer]}, "a turn by user follows one by user"),
        ({"conversations": [question, answer, question]}, "ends with a turn by user"),
        (
            {"conversations": [question, answer, {"from": "system", "value": "?"}]},
            "a system turn stands after",
        ),
        (record("Twice?", "Yes."), None),
        (record("Twice?", "Yes.", id=3), r"the same as a\.json:"),
    ]
    good = [
        record("<image>?", boxes((10, 10, 280, 50)), image="good.jpg"),
        record("<video>?", "!", video="good.mp4"),
    ]
    data = write(tmp_path, [*good, *(value for value, _ in faulty)])
    report = lint(data)
    found = {problem.where: problem.message for problem in report.problems}
    for number, (_, message) in enumerate(faulty, start=len(good)):
        where = data.where(number)
        if message is None:
            assert where not in found
        else:
            assert re.search(message, found[where])
    assert not any(data.where(i) in found for i in range(len(good)))
    assert report.num_bad == sum(message is not None for _, message in faulty)
    assert not report.is_clean
    assert "16 samples" in str(report)
    assert json.loads(json.dumps(report.to_json()))["bad"] == report.num_bad


def test_a_length_needs_somebody_who_counts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_tokens is 100, and no processor counts"):
        lint(write(tmp_path, []), max_tokens=100)


def test_pages_of_reports_escape_data(tmp_path: Path) -> None:
    data = write(tmp_path, [{"conversations": [{"from": "<script>", "value": "x"}]}])
    assert "<script>" not in lint(data)._repr_html_()


def evidence(sizes: list[tuple[int, int]], scaled: bool, *, seed: int = 0) -> CoordinateEvidence:
    """Three random boxes in each picture, in pixels or in thousandths."""
    rng = np.random.default_rng(seed)
    found = CoordinateEvidence()
    for height, width in sizes:
        unit = np.sort(rng.random((3, 2, 2)), axis=1).reshape(3, 4)
        scale = (1000, 1000) * 2 if scaled else (width, height) * 2
        answer = boxes(*(tuple(row) for row in (unit * scale).round()))  # type: ignore[arg-type]
        sample = asked("?", answer, Image(np.zeros((height, width, 3), np.uint8)))
        found.add(places(sample))
    return found


SMALL, LARGE, MIXED = [(280, 420)] * 12, [(1400, 2100)] * 12, [(280, 420), (1400, 2100)] * 6


@pytest.mark.parametrize("sizes", [SMALL, LARGE, MIXED])
def test_thousandths_are_told_from_pixels(sizes: list[tuple[int, int]]) -> None:
    for seed in range(5):
        assert evidence(sizes, scaled=True, seed=seed).is_thousandths
        assert not evidence(sizes, scaled=False, seed=seed).is_thousandths


def test_a_stray_box_or_little_evidence_is_no_proof() -> None:
    assert not evidence(SMALL[:6], scaled=True).is_thousandths
    pictures = [asked("?", boxes((1, 1, 90, 90)), Image(np.zeros((112, 112, 3), np.uint8)))] * 30
    stray = asked("?", boxes((1, 1, 120, 90)), Image(np.zeros((112, 112, 3), np.uint8)))
    found = CoordinateEvidence()
    for sample in [*pictures, stray]:
        found.add(places(sample))
    assert not found.is_thousandths


def test_thousandths_are_an_error_of_the_set(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(280, 280))
    rng = np.random.default_rng(1)
    records = [
        record(
            "<image>?",
            boxes(tuple(np.sort(rng.integers(0, 1000, (2, 2)), 0).ravel())),
            image="a.jpg",
        )  # type: ignore[arg-type]
        for _ in range(30)
    ]
    first = lint(write(tmp_path, records)).problems[0]
    assert first.where == "all"
    assert "look like thousandths" in first.message
    (tmp_path / "a.json").write_text("[]")
    assert lint(AnnotationFile(tmp_path / "a.json")).problems[0].message == "there are no samples"


def test_turns_of_tools_are_in_order() -> None:
    turns = ("user", "assistant", "tool", "tool", "assistant")
    messages = tuple(Message(role, (Text("x"),)) for role in turns)  # type: ignore[arg-type]
    sample = asked("?", "!")
    assert [*check_sample(replace(sample, conversation=Conversation(messages)))] == []
    wrong = replace(sample, conversation=Conversation((messages[0], messages[2], messages[4])))
    assert [*check_sample(wrong)] == ["a turn by tool follows one by user"]


def test_a_document_is_one_turn_that_nobody_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mill.jpg").write_bytes(picture(280, 280))
    (tmp_path / "mill.html").write_text('<p>The mill by the river.</p><img src="mill.jpg">')
    (tmp_path / "none.html").write_text("<p></p>")
    report = lint(open_data(tmp_path))
    assert [str(problem) for problem in report.problems] == ["none.html: turn 0 is an empty answer"]
    document = open_data(tmp_path)[0]
    assert "document" in str(malformed(document))
    assert [*check_sample(replace(document, task="chat"))] == [
        "begins with a turn by assistant, expected user"
    ]


def test_places_are_in_pixels_of_the_file() -> None:
    sample = asked("?", boxes((28, 28, 84, 56)), Image(picture(100, 200)))
    (place,) = places(decode_sample(encode_sample(sample).files))
    assert place.transform.resized == (112, 196)
    assert place.shape == pytest.approx((28 * 200 / 196, 25, 84 * 200 / 196, 50))
    assert places(asked("?", boxes((1, 2, 3, 4)))) == []
    assert places(asked("?", "a cup", Image(picture()))) == []


@needs_fonts
def test_clicks_are_places() -> None:
    sample = screen_sample(np.random.default_rng(1), seed=(1,), clicks=1.0, questions=2)
    found = places(sample)
    assert len(found) == len(sample.conversation.messages) // 2
    assert all(place.is_inside for place in found)
