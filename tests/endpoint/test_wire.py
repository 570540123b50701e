"""What is sent is what OpenAI's interface knows, and a server that reads it gets what we have."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

from qvl.endpoint.wire import MOST_FRAMES, messages, picture_file, read_answer, request_body
from qvl.errors import InputError
from qvl.messages import (
    Conversation,
    Image,
    Message,
    SamplingParams,
    Text,
    ToolCall,
    Video,
    parse_conversation,
)
from qvl.processing.image import load_image
from qvl.tasks.tool_calls import read_calls
from tests.endpoint.bad_server import answer
from tests.processing.clips import make_clip


def file_of(picture: PILImage.Image, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def decoded(part: dict[str, Any]) -> np.ndarray[Any, Any]:
    head, _, data = part["image_url"]["url"].partition(";base64,")
    assert head in ("data:image/png", "data:image/jpeg")
    return np.asarray(PILImage.open(io.BytesIO(base64.b64decode(data))))


RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 60, 3), np.uint8)
PICTURE = PILImage.fromarray(PIXELS)


def turned() -> bytes:
    exif = PILImage.Exif()
    exif[0x0112] = 6
    return file_of(PICTURE, "JPEG", exif=exif)


@pytest.mark.parametrize(
    "source",
    [
        PIXELS,
        PICTURE,
        file_of(PICTURE, "PNG"),
        file_of(PICTURE, "BMP"),
        file_of(PICTURE.convert("P"), "GIF"),
        file_of(PICTURE.convert("CMYK"), "JPEG"),
        file_of(PICTURE.convert("RGBA"), "PNG"),
        file_of(PICTURE.convert("RGB"), "PNG", transparency=(1, 2, 3)),
        turned(),
    ],
)
def test_a_server_sees_the_picture_that_we_see(source: Any) -> None:
    ((part,),) = (turn["content"] for turn in messages(Conversation.user(Image(source))))
    seen = decoded(part)
    assert np.array_equal(seen, np.asarray(load_image(source)))


def test_plain_files_travel_as_they_are() -> None:
    for kind in ("PNG", "JPEG"):
        data = file_of(PICTURE, kind)
        assert picture_file(Image(data)) == (data, f"image/{kind.lower()}")


def test_pixel_limits_hold_on_our_side() -> None:
    (turn,) = messages(Conversation.user(Image(PIXELS, resized_height=56, resized_width=84)))
    assert decoded(turn["content"][0]).shape == (56, 84, 3)


def test_a_video_becomes_frames_with_their_seconds() -> None:
    (turn,) = messages(Conversation.user(Video(make_clip(8), fps=2.0), "What happens?"))
    words = [part["text"] for part in turn["content"] if part["type"] == "text"]
    pictures = [part for part in turn["content"] if part["type"] == "image_url"]
    assert words[:-1] == sorted(words[:-1], key=lambda text: float(text[:-3]))
    assert len(words) == len(pictures) + 1
    frames = [PIXELS] * 100
    clip = make_clip(80)
    for video in (Video(frames, fps=4.0), Video(clip, nframes=64), Video(clip, min_frames=60)):
        (turn,) = messages(Conversation.user(video))
        assert len(turn["content"]) == 2 * MOST_FRAMES, video
        assert float(turn["content"][-2]["text"][:-3]) > 2.0


def test_calls_and_their_results_find_each_other() -> None:
    turns = (
        Message("user", (Text("Look."),)),
        Message("assistant", (), (ToolCall("look", {"at": [1, 2]}), ToolCall("wait", {}))),
        Message("tool", (Text("seen"),)),
        Message("tool", (Text("waited"),)),
    )
    written = messages(Conversation(turns))
    calls = written[1]["tool_calls"]
    assert [turn["tool_call_id"] for turn in written[2:]] == [call["id"] for call in calls]
    assert json.loads(calls[0]["function"]["arguments"]) == {"at": [1, 2]}
    # Our own reader of OpenAI's schema takes what we write.
    assert parse_conversation(written).messages == turns


def test_calls_of_an_answer_stand_in_its_text() -> None:
    function = {"name": "look", "arguments": '{"at": [1, 2]}'}
    call = {"id": "x", "type": "function", "function": function}
    body = answer(message={"content": None, "tool_calls": [call]}, finish_reason="tool_calls")
    result = read_answer(json.dumps(body).encode())
    assert read_calls(result.text).calls == (ToolCall("look", {"at": [1, 2]}),)


def test_only_what_is_set_is_sent() -> None:
    plain = json.loads(request_body(Conversation.user("Hi."), SamplingParams(), model="m"))
    assert not {"top_k", "min_p", "repetition_penalty", "seed", "stop"} & plain.keys()
    params = SamplingParams(top_k=5, min_p=0.1, repetition_penalty=1.1, seed=3, stop=("x",))
    full = json.loads(request_body(Conversation.user("Hi."), params, model="m"))
    assert [full[name] for name in ("top_k", "min_p", "repetition_penalty", "seed", "stop")] == [
        5, 0.1, 1.1, 3, ["x"],
    ]  # fmt: skip


def test_too_much_and_too_odd_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="logprobs is 3"):
        request_body(Conversation.user("Hi."), SamplingParams(logprobs=3), model="m")
    monkeypatch.setattr("qvl.endpoint.wire.MAX_REQUEST_BYTES", 1000)
    with pytest.raises(InputError, match="expected at most 1,000"):
        request_body(Conversation.user(Image(PIXELS)), SamplingParams(), model="m")
    # Half of a surrogate pair travels, though it is no character.
    assert b"\\ud800" in request_body(Conversation.user("\ud800"), SamplingParams(), model="m")
    with pytest.raises(InputError):
        picture_file(Image(b"GIF89a" + b"\0" * 50))
