"""Both message schemas in, one Conversation out; every wrong option named."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


def parse_part(part: object) -> object:
    return parse_conversation([{"role": "user", "content": [part]}]).messages[0].content[0]


def error_of(obj: object, **kwargs: Any) -> str:
    with pytest.raises(InputError) as caught:
        parse_conversation(obj, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def part_error(part: object) -> str:
    return error_of([{"role": "user", "content": [part]}])


def test_a_string_is_one_user_turn() -> None:
    assert parse_conversation("hi") == Conversation((Message("user", (Text("hi"),)),))
    assert Conversation.user("hi") == parse_conversation("hi")


def test_a_conversation_passes_through_unchanged() -> None:
    conversation = Conversation.user(Image("a.png"), "What is it?", system="Be brief.")
    assert parse_conversation(conversation) is conversation
    assert [message.role for message in conversation.messages] == ["system", "user"]
    assert conversation.messages[1].content == (Image("a.png"), Text("What is it?"))


def test_the_qwen_vl_utils_schema() -> None:
    conversation = parse_conversation(
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "image", "image": "file:///a.png", "min_pixels": 3136},
                    {"image": "b.png", "resized_height": 280, "resized_width": 420},
                    {"type": "image", "image_url": "c.png"},
                    {"type": "video", "video": ["1.jpg", "2.jpg"], "fps": 4},
                    {"video": Path("v.mp4"), "nframes": 8, "video_start": 1, "video_end": 2.5},
                    {"text": "What is it?"},
                    "And this?",
                ],
            },
            Message("assistant", (Text("A cat."),)),
        ]
    )
    assert conversation.messages == (
        Message("system", (Text("Be brief."),)),
        Message(
            "user",
            (
                Image("file:///a.png", min_pixels=3136),
                Image("b.png", resized_height=280, resized_width=420),
                Image("c.png"),
                Video(["1.jpg", "2.jpg"], fps=4.0),
                Video(Path("v.mp4"), nframes=8, video_start=1.0, video_end=2.5),
                Text("What is it?"),
                Text("And this?"),
            ),
        ),
        Message("assistant", (Text("A cat."),)),
    )


def test_openai_content_parts() -> None:
    uri = "data:image/png;base64,AAAA"
    assert parse_part({"type": "image_url", "image_url": {"url": uri}}) == Image(uri)
    assert parse_part({"type": "video_url", "video_url": {"url": "v.mp4"}, "fps": 1}) == Video(
        "v.mp4", fps=1
    )
    high = {"type": "image_url", "image_url": {"url": "a.png", "detail": "high"}}
    assert parse_part(high) == Image("a.png")
    low = {"type": "image_url", "image_url": {"url": "a.png", "detail": "low"}}
    assert parse_part(low) == Image("a.png", max_pixels=512 * 512)
    assert parse_part({**low, "max_pixels": 784}) == Image("a.png", max_pixels=784)


def test_sources_that_are_not_paths_are_kept_as_they_are() -> None:
    array = np.zeros((4, 4, 3), np.uint8)
    part = parse_part({"image": array})
    assert isinstance(part, Image)
    assert part.source is array
    assert parse_part({"video": b"RIFF"}) == Video(b"RIFF")
    assert parse_part({"image": "https://example.com/a.png"}) == Image("https://example.com/a.png")


def test_an_unset_option_may_be_written_as_null() -> None:
    assert parse_part({"image": "a.png", "max_pixels": None}) == Image("a.png")


def test_numbers_that_json_writers_made_floats() -> None:
    part = parse_part({"image": "a.png", "min_pixels": 3136.0, "max_pixels": np.int64(50_000)})
    assert part == Image("a.png", min_pixels=3136, max_pixels=50_000)
    assert isinstance(part, Image)
    assert type(part.max_pixels) is int


def test_tools_and_tool_calls() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": [1, 2]}'}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}, {"name": "g"}]
    conversation = parse_conversation(
        {
            "messages": [
                {"role": "user", "content": "click"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "1", "content": "done"},
            ],
            "tools": tools,
        }
    )
    assert conversation.messages[1] == Message("assistant", (), (ToolCall("f", {"x": [1, 2]}),))
    assert conversation.messages[2] == Message("tool", (Text("done"),))
    assert conversation.tools == (
        {"type": "function", "function": {"name": "f", "parameters": {}}},
        {"type": "function", "function": {"name": "g"}},
    )
    assert parse_conversation("hi", tools=tools).tools == conversation.tools


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"image": "a", "max_pixel": 9}, "unknown option 'max_pixel' in a content part of kind "
         "'image'; hint: did you mean 'max_pixels'?"),
        ({"image": "a", "fps": 2}, "unknown option 'fps' in a content part of kind 'image'; hint: "
         "known here: type, image, min_pixels, max_pixels, resized_height, resized_width"),
        ({"video": "a", "n_frames": 2}, "did you mean 'nframes'?"),
        ({"imag": "a"}, "did you mean 'image'?"),
        ({"type": "txt", "text": "a"}, "type 'txt', expected one of text, image"),
        ({"type": "image", "video": "a"}, "type 'image' but the key 'video'"),
        ({"image": "a", "text": "b"}, "both 'text' and 'image', expected one"),
        ({"type": "image"}, "expected the key 'image'"),
        ({"image": None}, "empty 'image'"),
        ({"text": 5}, "text is a int, expected a string"),
        (7, "content part is a int"),
        ({"image_url": {"uri": "a"}}, "did you mean 'url'?"),
        ({"image_url": {"url": "a", "detail": "max"}}, "detail is 'max'"),
        ({"image": "a", "min_pixels": 0}, "image option min_pixels is 0, expected a whole number"),
        ({"image": "a", "min_pixels": 2.5}, "min_pixels is 2.5"),
        ({"image": "a", "min_pixels": "many"}, "min_pixels is 'many'"),
        ({"image": "a", "min_pixels": True}, "min_pixels is True"),
        ({"image": "a", "min_pixels": 9, "max_pixels": 5}, "min_pixels 9 exceeds max_pixels 5"),
        ({"image": "a", "resized_height": 28}, "resized_height is given alone"),
        ({"video": "a", "fps": float("nan")}, "fps is nan, expected a number above 0"),
        ({"video": "a", "fps": 0}, "fps is 0, expected a number above 0"),
        ({"video": "a", "fps": 1, "nframes": 4}, "fps 1 and nframes 4 given for one video"),
        ({"video": "a", "video_start": -1}, "video_start is -1"),
        ({"video": "a", "video_start": 3, "video_end": 2}, "video_start 3 s is not before"),
    ],
)  # fmt: skip
def test_a_wrong_part_is_named(part: object, message: str) -> None:
    assert message in part_error(part)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (5, "conversation is a int"),
        ([], "no messages"),
        ({"message": []}, "did you mean 'messages'?"),
        ([{"content": "a"}], "message has no role"),
        ([{"role": "usr", "content": "a"}], "role 'usr', expected one of system, user"),
        ([{"role": ["user"], "content": "a"}], "role ['user']"),
        ([{"role": "user"}], "no content"),
        ([{"role": "user", "content": 3}], "content of a message is a int"),
        ([{"role": "user", "contents": "a"}], "did you mean 'content'?"),
        (["hi"], "message is a str"),
        ([{"role": "user", "content": "a", "tool_calls": [{"name": "f"}]}], "has tool_calls"),
        ([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{"}]}], "not JSON"),
        ([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "[]"}]}], "are a list"),
        ([{"role": "assistant", "tool_calls": [{}]}], "tool call has no name"),
        ([{"role": "assistant", "tool_calls": 5}], "tool_calls is a int"),
    ],
)
def test_a_wrong_conversation_is_named(obj: object, message: str) -> None:
    assert message in error_of(obj)


def test_wrong_tools_are_named() -> None:
    assert "tool is {'type': 'function'}" in error_of("hi", tools=[{"type": "function"}])
    deep = {"name": "f", "arguments": "[" * 100_000}
    assert "are not JSON" in error_of([{"role": "assistant", "tool_calls": [deep]}])
    assert "tools is a dict" in error_of({"messages": [], "tools": {"name": "f"}})


def test_a_message_built_wrongly_is_refused() -> None:
    with pytest.raises(InputError, match="content of a Message is a str"):
        Message("user", "hi")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="message holds a str"):
        Message("user", ("hi",))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="empty user turn"):
        Conversation.user()
    with pytest.raises(
        InputError, match="holds a dict, expected Message; hint: parse_conversation"
    ):
        Conversation(({"role": "user", "content": "hi"},))  # type: ignore[arg-type]


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(InputError, match="max_tokens is a int too long to show"):
        SamplingParams(max_tokens=10**5000)
    assert len(part_error({"x" * 10_000: 1})) < 400
    assert len(part_error({"image": "a", "max_pixels": "9" * 10_000})) < 400
    assert len(error_of([{"role": list(range(10**6)), "content": "a"}])) < 400


ODD_VALUES = [
    None, True, False, 0, 1, -1, 2, 10**30, 0.0, 0.5, -2.0, 1e308, float("nan"), float("inf"), "",
    "1", "a.png", "https://a/b", "data:,", "\0", "x" * 500, "two\nlines", b"", b"\xff" * 9, [],
    [None], ["a"], [[]], {}, {"url": "a"}, {"url": None}, {"url": "a", "detail": 5}, {"text": "a"},
    {"name": "f"}, {"name": "f", "arguments": "}"}, {1: 2}, (), object(), np.zeros(3), Text("a"),
    Image("a"), {"role": "user", "content": "a"},
]  # fmt: skip
PART_KEYS = [
    "type", "text", "image", "image_url", "video", "video_url", "url", "fps", "nframes",
    "min_pixels", "max_pixels", "resized_height", "resized_width", "total_pixels", "video_start",
]  # fmt: skip


def odd_part(draw: random.Random) -> object:
    if draw.random() < 0.3:
        return draw.choice(ODD_VALUES)
    return {key: draw.choice(ODD_VALUES) for key in draw.sample(PART_KEYS, draw.randint(0, 3))}


def odd_message(draw: random.Random) -> object:
    if draw.random() < 0.2:
        return draw.choice(ODD_VALUES)
    content = [odd_part(draw) for _ in range(draw.randint(0, 2))]
    message = {
        "role": draw.choice(["user", "assistant", "tool", "system", "x"]),
        "content": draw.choice([content, content, draw.choice(ODD_VALUES)]),
    }
    if draw.random() < 0.2:
        message["tool_calls"] = draw.choice([[draw.choice(ODD_VALUES)], draw.choice(ODD_VALUES)])
    return message


def test_five_thousand_odd_conversations_parse_or_give_a_typed_error() -> None:
    draw = random.Random(0)
    outcomes = {"parsed": 0, "refused": 0}
    for _ in range(5000):
        obj = [odd_message(draw) for _ in range(draw.randint(0, 2))]
        try:
            parse_conversation(obj)
            outcomes["parsed"] += 1
        except InputError as error:
            message = str(error)
            outcomes["refused"] += 1
            if "\n" in message or len(message) > 600:
                pytest.fail(f"not one short line: {message}")
    assert min(outcomes.values()) > 100


def test_sampling_is_greedy_unless_asked_otherwise() -> None:
    params = SamplingParams()
    assert (params.temperature, params.max_tokens, params.stop) == (0.0, 512, ())
    assert SamplingParams(stop="END").stop == ("END",)  # type: ignore[arg-type]
    assert SamplingParams(stop=["a", "b"]).stop == ("a", "b")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_tokens", 0), ("max_tokens", 1.5), ("temperature", -1), ("temperature", float("nan")),
        ("top_p", 0), ("top_p", 1.1), ("top_k", -1), ("min_p", 2), ("repetition_penalty", 0),
        ("seed", -3), ("seed", True), ("stop", ("",)), ("stop", (1,)), ("logprobs", 21),
        ("temperature", None), ("max_tokens", "9"),
    ],
)  # fmt: skip
def test_a_sampling_option_out_of_range_is_named(option: str, value: object) -> None:
    with pytest.raises(InputError, match=f"sampling option {option} is"):
        SamplingParams(**{option: value})  # type: ignore[arg-type]
