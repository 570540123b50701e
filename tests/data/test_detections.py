"""Marks are believed only where they are clear; servers of detections are trusted in nothing."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data import detection_endpoint
from qvl.data.annotated import Instance
from qvl.data.detection_endpoint import DetectionEndpoint, read_detections
from qvl.data.detections import Belief, asked_step, believed, mark_step
from qvl.data.masks import run_lengths
from qvl.data.steps import Dropped, Kept
from qvl.endpoint.http import Response
from qvl.errors import ConfigError, DataError, QvlError
from qvl.geometry import Box, ImageSize
from qvl.messages import Image
from tests.data.small import asked

SIZE = ImageSize(224, 308)


def found(name: str, score: float, box: tuple[int, ...], mask: bool | None = None) -> Instance:
    x1, y1, x2, y2 = box
    segmentation = None
    if mask is not None:
        pixels = np.zeros(SIZE, bool)
        pixels[y1:y2, x1 : x2 if mask else x1 + 5] = True
        segmentation = run_lengths(pixels)
    return Instance(name=name, score=score, box=Box(*map(float, box)), segmentation=segmentation)


def test_what_is_clear_is_believed_and_what_is_not_is_left_open() -> None:
    known = believed(
        [
            found("cat", 0.9, (10, 10, 100, 100)),
            found("cat", 0.6, (12, 10, 100, 104)),  # the same cat again
            found("dog", 0.5, (10, 10, 101, 100)),  # the cat under another name
            found("cup", 0.25, (200, 100, 240, 160)),  # perhaps
            found("hat", 0.1, (200, 10, 240, 60)),  # hardly
            found("sky", 0.9, (0, 0, 308, 224)),  # the picture
            found("pen", 0.9, (120, 10, 180, 100), mask=False),  # box and mask disagree
            found("key", 0.9, (120, 110, 180, 200), mask=True),
            found("unasked", 0.9, (0, 200, 40, 220)),
        ],
        ["cat", "dog", "cup", "hat", "sky", "pen", "key", "owl"],
        SIZE,
        Belief(),
    )
    assert [item.name for item in known.instances] == ["cat", "key"]
    assert known.unsure == {"dog", "cup", "sky", "pen"}
    assert known.absent == {"hat", "owl"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cat", "dog", "owl"]),
            st.floats(0, 1),
            st.tuples(*[st.integers(0, 200)] * 2, *[st.integers(5, 100)] * 2),
        ),
        max_size=12,
    )
)
@settings(max_examples=80, deadline=None)
def test_nothing_is_both_there_and_absent(items: list[Any]) -> None:
    marks = [found(n, s, (x, y, x + w, y + h)) for n, s, (x, y, w, h) in items]
    phrases = ["cat", "dog", "owl"]
    known = believed(marks, phrases, SIZE, Belief())
    there = {item.name for item in known.instances}
    assert not known.absent & (there | known.unsure)
    # Every phrase is there, absent or unsure.
    assert known.absent | there | known.unsure == set(phrases)
    assert believed(marks[::-1], phrases, SIZE, Belief()).absent == known.absent


def test_beliefs_fit_together() -> None:
    with pytest.raises(ConfigError, match="would be absent"):
        Belief(at_least=0.1)
    with pytest.raises(ConfigError, match="same_iou is 2"):
        Belief(same_iou=2)


@dataclass(frozen=True)
class Scripted:
    """A detector that finds the same in every picture."""

    items: tuple[Instance, ...]

    def detect(self, picture: PIL.Image.Image, phrases: object) -> list[Instance]:
        return list(self.items)


def test_a_marked_sample_is_asked_about_what_was_found_and_what_was_not() -> None:
    items = (found("cat", 0.8, (20, 20, 120, 120), mask=True),)
    sample = asked("?", "!", Image(np.zeros((*SIZE, 3), np.uint8)))
    mark = mark_step("marks", partial(Scripted, items), phrases=("cat", "dog"))
    (outcome,) = mark.apply([sample])
    assert isinstance(outcome, Kept)
    (marked,) = outcome.samples
    assert marked.facts["absent"] == ["dog"]
    assert marked.provenance.scores == {"lowest detection": 0.8}
    said = set()
    for seed in range(12):
        (outcome,) = asked_step("questions", seed=seed).apply([marked])
        assert isinstance(outcome, Kept)
        said |= {turn["expression"] for turn in outcome.samples[0].facts["asked"]}
    assert {"cat", "dog"} <= {word.removesuffix("s") for word in said}
    nothing = mark_step("marks", partial(Scripted, ()), phrases=("cat",)).apply([sample])
    assert nothing == [Dropped(reason="nothing found")]
    with pytest.raises(DataError, match="0 phrases"):
        mark_step("marks", partial(Scripted, items)).apply([sample])


Reply = tuple[int, bytes]


@contextmanager
def serving(replies: list[Reply]) -> Iterator[tuple[str, list[Any]]]:
    """A server that gives these replies in turn, the last one again and again."""
    requests: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, dict(self.headers), json.loads(body)))
            status, reply = replies[min(len(requests), len(replies)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection_endpoint, "_FIRST_WAIT_S", 0.001)


def reply(*detections: object) -> bytes:
    return json.dumps({"detections": detections}).encode()


CAT = {"phrase": "cat", "box": [1, 2, 30, 40], "score": 0.5}


def test_a_server_is_asked_and_asked_again() -> None:
    mask = run_lengths(np.ones((50, 60), bool))
    good = reply({**CAT, "mask": {"size": [50, 60], "counts": mask.counts}})
    picture = PIL.Image.new("RGB", (60, 50), (1, 2, 3))
    with serving([(429, b""), (503, b"busy"), (200, good)]) as (url, requests):
        (item,) = DetectionEndpoint(url=url, api_key="k").detect(picture, ["cat"])
    assert (item.name, item.box, item.score) == ("cat", Box(1, 2, 30, 40), 0.5)
    assert item.segmentation == mask
    assert len(requests) == 3
    path, headers, body = requests[-1]
    assert path == "/v1/detect"
    assert headers["Authorization"] == "Bearer k"
    assert (body["phrases"], body["threshold"]) == (["cat"], 0.1)
    sent = PIL.Image.open(io.BytesIO(base64.b64decode(body["image"])))
    assert np.array_equal(np.asarray(sent), np.asarray(picture))


@pytest.mark.parametrize(
    ("replies", "error", "message", "tries"),
    [
        ([(500, b"")], DataError, "failed 3 times, at last: status 500", 3),
        ([(400, b"")], DataError, "does not take this picture", 1),
        ([(401, b"")], ConfigError, "refuses with status 401", 1),
        ([(302, b"")], ConfigError, "refuses with status 302", 1),
        ([(200, b"{")], DataError, "is no JSON", 1),
        ([(200, b"x" * 9000)], DataError, "failed 3 times", 3),
    ],
)
def test_a_server_that_fails_costs_a_picture_or_ends_the_run(
    replies: list[Reply], error: type[QvlError], message: str, tries: int
) -> None:
    picture = PIL.Image.new("RGB", (60, 50))
    with serving(replies) as (url, requests):
        endpoint = DetectionEndpoint(url=url, most_tries=3, max_response_bytes=4096)
        with pytest.raises(error, match=message):
            endpoint.detect(picture, ["cat"])
    assert len(requests) == tries


def test_nobody_listens() -> None:
    endpoint = DetectionEndpoint(url="http://127.0.0.1:9", most_tries=2)
    with pytest.raises(DataError, match="failed 2 times"):
        endpoint.detect(PIL.Image.new("RGB", (60, 50)), ["cat"])
    with pytest.raises(ConfigError, match="no address"):
        DetectionEndpoint(url="file:///etc/passwd")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "detections are None"),
        (b'{"detections": 3}', "detections are 3"),
        (reply(3), "detection is 3"),
        (reply({**CAT, "phrase": "dog"}), "a phrase asked for"),
        (reply({**CAT, "phrase": ["cat"]}), "a phrase asked for"),
        (reply({**CAT, "box": [1, 2, 3]}), "expected four numbers"),
        (reply({**CAT, "box": [1, 2, None, 4]}), "expected four numbers"),
        (reply({**CAT, "box": [70, 2, 90, 4]}), "has no area"),
        (reply({**CAT, "score": 7}), "score of a detection is 7"),
        (reply({**CAT, "score": None}), "score of a detection is None"),
        (reply({**CAT, "mask": "x"}), "mask is 'x'"),
        (reply({**CAT, "mask": {"size": [50, 60], "counts": "1"}}), "do not fill"),
        (b"[" * 100_000, "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
    ],
)
def test_garbage_is_named(body: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_detections(body, ["cat"], ImageSize(50, 60))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["phrase", "box", "score", "mask", "size", "counts"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_json_is_read_or_refused(detections: list[Any]) -> None:
    read: Callable[..., Any] = read_detections
    try:
        items = read(reply(*detections), ["cat"], ImageSize(50, 60))
    except DataError:
        return
    assert all(item.name == "cat" for item in items)


def test_a_server_is_asked_when_it_says_and_not_for_ever() -> None:
    waits = {"retry-after": "7"}

    def busy(method: str, address: object, *rest: object, **options: object) -> Response:
        return Response(status=429, headers=waits, body=b"")

    endpoint = DetectionEndpoint(url="http://127.0.0.1:9", most_tries=5, call_s=3.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qvl.data.detection_endpoint.request", busy)
        start = time.monotonic()
        # It would have to wait seven seconds; the picture may take three.
        with pytest.raises(DataError, match="no detections within 3 s, at last: status 429"):
            endpoint.detect(PIL.Image.new("RGB", (60, 50)), ["cat"])
    assert time.monotonic() - start < 2
