"""The language everything speaks: conversations in, text out.

Owns: the parts of a message, the options each part may carry, reading message dictionaries (the
schema of qwen-vl-utils and OpenAI's content parts), the `TextGenerator` protocol. Does not own: how
answers are drawn (sampling_params), opening a picture or video (processing), turning a conversation
into tokens (processing/chat_template). No address is ever fetched.

    str | list of dicts | Conversation -> parse_conversation -> Conversation
    Conversation + SamplingParams      -> TextGenerator      -> GenerationResult
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

from qvl.errors import InputError
from qvl.options import check_keys, nearest, real_number, shown, type_name, whole_number
from qvl.sampling_params import SamplingParams as SamplingParams


class PreparedSource:
    """Stands in a part for a picture or video that was decoded before, its options settled.

    Made by processing and by `Engine.encode`; here it is opaque.
    """

    __slots__ = ()


if TYPE_CHECKING:
    import numpy
    import PIL.Image

    ImageSource = str | Path | bytes | PIL.Image.Image | numpy.ndarray | PreparedSource
    """A path, `file://` address, data URI, file contents, Pillow picture, uint8[H, W, 3], or what
    was prepared before."""

    VideoSource = str | Path | bytes | Sequence[ImageSource] | PreparedSource
    """A path, `file://` address, data URI, file contents, the frames as pictures, or what was
    prepared before."""

Role = Literal["system", "user", "assistant", "tool"]

LOW_DETAIL_PIXELS = 512 * 512
"""Source: OpenAI API guide "Images and vision": detail low means a 512 x 512 px version."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words. Names of special tokens inside are ordinary text, never interpreted."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError(f"text is a {type_name(self.text)}, expected a string")


@dataclass(frozen=True, slots=True)
class Image:
    """One picture and how large the model may see it. Unset options follow the checkpoint."""

    source: "ImageSource"
    min_pixels: int | None = field(default=None, kw_only=True)
    """Fewest pixels after resizing; 784 pixels are one token."""
    max_pixels: int | None = field(default=None, kw_only=True)
    """Most pixels after resizing."""
    resized_height: int | None = field(default=None, kw_only=True)
    """Exact height in pixels, rounded to a multiple of 28; only together with resized_width."""
    resized_width: int | None = field(default=None, kw_only=True)
    """Exact width in pixels, rounded to a multiple of 28; only together with resized_height."""

    def __post_init__(self) -> None:
        _check_pixel_options(self, "image")


@dataclass(frozen=True, slots=True)
class Video:
    """One video and how it is sampled. Unset options follow the official defaults."""

    source: "VideoSource"
    fps: float | None = field(default=None, kw_only=True)
    """Frames to take per second; of a list of frames, the rate they were taken at."""
    nframes: int | None = field(default=None, kw_only=True)
    """Exact number of frames, rounded to even; not together with fps."""
    min_frames: int | None = field(default=None, kw_only=True)
    """Fewest frames taken, whatever fps says."""
    max_frames: int | None = field(default=None, kw_only=True)
    """Most frames taken, whatever fps says."""
    min_pixels: int | None = field(default=None, kw_only=True)
    """Fewest pixels of one resized frame."""
    max_pixels: int | None = field(default=None, kw_only=True)
    """Most pixels of one resized frame."""
    total_pixels: int | None = field(default=None, kw_only=True)
    """Most pixels of the whole video, a pair of frames counted once; 784 are one token."""
    resized_height: int | None = field(default=None, kw_only=True)
    """Exact height in pixels, rounded to a multiple of 28; only together with resized_width."""
    resized_width: int | None = field(default=None, kw_only=True)
    """Exact width in pixels, rounded to a multiple of 28; only together with resized_height."""
    video_start: float | None = field(default=None, kw_only=True)
    """First second to look at."""
    video_end: float | None = field(default=None, kw_only=True)
    """Last second to look at."""

    def __post_init__(self) -> None:
        _check_pixel_options(self, "video")
        for name in ("nframes", "min_frames", "max_frames", "total_pixels"):
            _set(self, name, whole_number(getattr(self, name), f"video option {name}"))
        for name in ("fps", "video_start", "video_end"):
            number = real_number(
                getattr(self, name), f"video option {name}", is_zero_allowed=name != "fps"
            )
            _set(self, name, number)
        if self.fps is not None and self.nframes is not None:
            raise InputError(
                f"fps {self.fps:g} and nframes {self.nframes} given for one video, "
                "expected one of them",
                hint="drop nframes to sample by rate, drop fps to sample a fixed number",
            )
        if None not in (self.video_start, self.video_end) and self.video_start >= self.video_end:  # type: ignore[operator]
            raise InputError(
                f"video_start {self.video_start:g} s is not before video_end {self.video_end:g} s"
            )


Part = Text | Image | Video


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function the assistant asked to be run."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. A turn of role "tool" holds what a called function returned."""

    role: Role
    content: tuple[Part, ...]
    tool_calls: tuple[ToolCall, ...] = ()

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise InputError(
                f"message has the role {shown(self.role)}, "
                f"expected one of {', '.join(get_args(Role))}"
            )
        if not isinstance(self.content, tuple):
            raise InputError(
                f"content of a Message is a {type_name(self.content)}, "
                "expected a tuple of Text, Image and Video"
            )
        for part in self.content:
            if not isinstance(part, Part):
                raise InputError(
                    f"message holds a {type_name(part)}, expected Text, Image or Video"
                )
        if self.tool_calls and self.role != "assistant":
            raise InputError(f"message of role {self.role!r} has tool_calls, expected 'assistant'")


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns so far, and the tools the assistant may call (OpenAI's function schema)."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.messages:
            raise InputError("conversation has no messages, expected at least one")
        for message in self.messages:
            if not isinstance(message, Message):
                raise InputError(
                    f"conversation holds a {type_name(message)}, expected Message",
                    hint="parse_conversation reads dictionaries",
                )

    @classmethod
    def user(cls, *parts: "Part | str", system: str | None = None) -> "Conversation":
        """One user turn of these parts, after a system turn if `system` is given."""
        content = tuple(Text(part) if isinstance(part, str) else part for part in parts)
        if not content:
            raise InputError("conversation has an empty user turn, expected at least one part")
        turn = Message("user", content)
        if system is None:
            return cls((turn,))
        return cls((Message("system", (Text(system),)), turn))


class TokenLogprob(NamedTuple):
    """How likely one token of an answer was, beside the likeliest tokens at its place."""

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResult:
    """One answer."""

    text: str
    token_ids: tuple[int, ...]
    finish_reason: Literal["stop", "length"]
    """"stop": the model or a stop string ended it; "length": max_tokens or the context did."""
    logprobs: tuple[TokenLogprob, ...] | None = None
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """New text of an answer; the last event of a stream also carries the result."""

    text: str
    result: GenerationResult | None = None


class TextGenerator(Protocol):
    """Anything that answers conversations: the engine, an HTTP client, a scripted fake."""

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers each conversation; results are in the order of the conversations."""
        ...


def parse_conversation(
    obj: object, *, tools: Iterable[Mapping[str, Any]] | None = None
) -> Conversation:
    """Reads a conversation in any of the accepted forms.

    Args:
        obj: a `Conversation`; a string (one user turn); a list of `Message` and of dictionaries
            with `role` and `content`; or a dictionary with `messages` and perhaps `tools`.
        tools: functions the assistant may call, in OpenAI's schema.

    Raises:
        InputError: anything else; an unknown key is named together with the nearest known one.

    Source: qwen-vl-utils README (message schema); OpenAI API reference (content parts).
    """
    if isinstance(obj, Conversation):
        return obj if tools is None else Conversation(obj.messages, _parse_tools(tools))
    if isinstance(obj, str):
        return Conversation((Message("user", (Text(obj),)),), _parse_tools(tools or ()))
    if isinstance(obj, Mapping):
        check_keys(obj, ("messages", "tools"), "a conversation")
        tools = obj.get("tools") if tools is None else tools
        obj = obj.get("messages")
    if isinstance(obj, Message):
        obj = [obj]
    if not isinstance(obj, list | tuple):
        raise InputError(
            f"conversation is a {type_name(obj)}, expected a string or a list of messages"
        )
    return Conversation(tuple(_parse_message(item) for item in obj), _parse_tools(tools or ()))


def _parse_message(obj: object) -> Message:
    if isinstance(obj, Message):
        return obj
    if not isinstance(obj, Mapping):
        raise InputError(
            f"message is a {type_name(obj)}, expected a dictionary with role and content"
        )
    # The template has no place for `name` and `tool_call_id`; clients of OpenAI's API send them.
    known = ("role", "content", "tool_calls", "name", "tool_call_id")
    check_keys(obj, known, "a message")
    if "role" not in obj:
        raise InputError("message has no role, expected 'system', 'user', 'assistant' or 'tool'")
    role = obj["role"]
    if role == "developer":  # OpenAI's newer name of the system role
        role = "system"
    content = obj.get("content")
    tool_calls = tuple(_parse_tool_call(call) for call in _as_list(obj.get("tool_calls")))
    if content is None:
        if not tool_calls:
            raise InputError(f"message of role {shown(role)} has no content")
        return Message(role, (), tool_calls)
    if isinstance(content, str):
        return Message(role, (Text(content),), tool_calls)
    if not isinstance(content, list | tuple):
        raise InputError(
            f"content of a message is a {type_name(content)}, expected a string or a list of parts"
        )
    return Message(role, tuple(_parse_part(part) for part in content), tool_calls)


_PAYLOAD_KEYS = {"text": "text", "image": "image", "image_url": "image"} | {
    "video": "video",
    "video_url": "video",
}
_OPTIONS: dict[str, tuple[str, ...]] = {
    "text": (),
    "image": tuple(item.name for item in fields(Image) if item.name != "source"),
    "video": tuple(item.name for item in fields(Video) if item.name != "source"),
}


def _parse_part(obj: object) -> Part:
    if isinstance(obj, Part):
        return obj
    if isinstance(obj, str):
        return Text(obj)
    if not isinstance(obj, Mapping):
        raise InputError(f"content part is a {type_name(obj)}, expected a dictionary")
    payload_key = _payload_key(obj)
    kind = _PAYLOAD_KEYS[payload_key]
    check_keys(obj, ("type", payload_key, *_OPTIONS[kind]), f"a content part of kind {kind!r}")
    payload = obj[payload_key]
    if kind == "text":
        return Text(payload)
    options = {name: value for name in _OPTIONS[kind] if (value := obj.get(name)) is not None}
    if isinstance(payload, Mapping):
        payload, detail_pixels = _parse_url(payload, payload_key)
        if detail_pixels is not None:
            options.setdefault("max_pixels", detail_pixels)
    if payload is None:
        raise InputError(f"content part has an empty {payload_key!r}")
    return Image(payload, **options) if kind == "image" else Video(payload, **options)


def _payload_key(part: Mapping[Any, Any]) -> str:
    """The key that holds what a part is about: `text`, `image`, `image_url`, `video`, `video_url`.

    The `type` may be left out, and `type: image` may go with an `image_url`, as in qwen-vl-utils.
    """
    present = [key for key in _PAYLOAD_KEYS if key in part]
    declared = part.get("type")
    if declared is not None and (not isinstance(declared, str) or declared not in _PAYLOAD_KEYS):
        raise InputError(
            f"content part has the type {shown(declared)}"
            f", expected one of {', '.join(_PAYLOAD_KEYS)}",
            hint=nearest(declared, _PAYLOAD_KEYS),
        )
    if len(present) > 1:
        raise InputError(
            f"content part has both {present[0]!r} and {present[1]!r}, expected one of them"
        )
    if not present:
        keys = ", ".join(shown(key) for key in part) or "no keys"
        expected = (
            f"one of {', '.join(_PAYLOAD_KEYS)}" if declared is None else f"the key {declared!r}"
        )
        hints = (nearest(key, _PAYLOAD_KEYS, else_list=False) for key in part if key != "type")
        raise InputError(
            f"content part has {keys}, expected {expected}",
            hint=next((hint for hint in hints if hint is not None), None),
        )
    if declared is not None and _PAYLOAD_KEYS[declared] != _PAYLOAD_KEYS[present[0]]:
        raise InputError(f"content part has the type {declared!r} but the key {present[0]!r}")
    return present[0]


def _parse_url(payload: Mapping[Any, Any], key: str) -> tuple[object, int | None]:
    """OpenAI's `{"url": ..., "detail": ...}` -> (address, the pixel limit that detail means)."""
    check_keys(payload, ("url", "detail"), f"{key!r}")
    if "url" not in payload:
        raise InputError(f"{key!r} has no 'url'")
    detail = payload.get("detail", "auto")
    if detail not in ("auto", "low", "high"):
        raise InputError(f"detail is {shown(detail)}, expected auto, low or high")
    return payload["url"], LOW_DETAIL_PIXELS if detail == "low" else None


def _parse_tool_call(obj: object) -> ToolCall:
    if isinstance(obj, ToolCall):
        return obj
    if not isinstance(obj, Mapping):
        raise InputError(f"tool call is a {type_name(obj)}, expected a dictionary")
    check_keys(obj, ("id", "type", "index", "function", "name", "arguments"), "a tool call")
    function = obj.get("function", obj)
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InputError("tool call has no name, expected {'name': ..., 'arguments': ...}")
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"arguments of the tool call {function['name']!r} are not JSON: {error}"
            ) from error
    if not isinstance(arguments, Mapping):
        raise InputError(
            f"arguments of the tool call {function['name']!r} are a {type_name(arguments)}, "
            "expected an object"
        )
    return ToolCall(function["name"], dict(arguments))


def _parse_tools(tools: object) -> tuple[dict[str, Any], ...]:
    if not isinstance(tools, Iterable) or isinstance(tools, str | bytes | Mapping):
        raise InputError(f"tools is a {type_name(tools)}, expected a list of functions")
    parsed = []
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise InputError(
                f"tool is {shown(tool)}, expected "
                "{'type': 'function', 'function': {'name': ..., 'parameters': ...}}"
            )
        parsed.append({"type": "function", "function": dict(function)})
    return tuple(parsed)


def _as_list(value: object) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InputError(f"tool_calls is a {type_name(value)}, expected a list")
    return value


def _check_pixel_options(part: Image | Video, kind: str) -> None:
    for name in ("min_pixels", "max_pixels", "resized_height", "resized_width"):
        _set(part, name, whole_number(getattr(part, name), f"{kind} option {name}"))
    if (part.resized_height is None) != (part.resized_width is None):
        given = "resized_width" if part.resized_height is None else "resized_height"
        raise InputError(
            f"{kind} option {given} is given alone, expected resized_height and resized_width"
        )
    if (
        part.min_pixels is not None
        and part.max_pixels is not None
        and part.min_pixels > part.max_pixels
    ):
        raise InputError(
            f"{kind} option min_pixels {part.min_pixels} exceeds max_pixels {part.max_pixels}"
        )


def _set(instance: object, name: str, value: object) -> None:
    """Stores a normalised value in a frozen dataclass while it is being built."""
    object.__setattr__(instance, name, value)
