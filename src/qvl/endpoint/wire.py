"""Conversations as OpenAI's chat completions has them, and its answers as results.

Owns: the JSON of a request, how pictures and videos travel, what an answer must look like. Does not
own: sending it (``http``), trying again (``client``).

    Conversation, SamplingParams -> request_body() -> bytes of JSON
    bytes of JSON -> read_answer() -> GenerationResult | EndpointError

A picture goes as the file it is when any server reads it as we do, else as PNG. A video goes as
its frames, with the second of each in words: the interface knows no videos.
Source: OpenAI API reference, "Create chat completion".
"""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image

from qvl.errors import DataError, InputError
from qvl.messages import (
    Conversation,
    GenerationResult,
    Image,
    Message,
    PreparedSource,
    SamplingParams,
    Text,
    ToolCall,
    Video,
)
from qvl.options import shown, type_name
from qvl.processing.image import load_image, measure_size, prepare_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.sources import locate_source
from qvl.processing.video import prepare_video
from qvl.tasks.tool_calls import format_call

MAX_REQUEST_BYTES = 64 * 2**20
"""Largest request; hosted servers stop at about as much. Source: OpenAI API guide "Images and
vision", 50 MB of pictures in a request."""

MOST_FRAMES = 32
"""Frames sent of a video; about what servers of one GPU take as pictures."""

_FRAME_QUALITY = 90
_ORIENTATION = 0x0112  # Source: EXIF 2.32, tag Orientation; 1 is upright
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg"}
# "tool_calls" and its older name end an answer that calls, which is a whole answer.
_FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",
    "function_call": "stop",
}
_LONGEST_ERROR = 300


class EndpointError(DataError):
    """A conversation got no answer."""


def request_body(conversation: Conversation, params: SamplingParams, *, model: str) -> bytes:
    """Returns the JSON of a request.

    Options that OpenAI's own servers do not know (``top_k``, ``min_p``, ``repetition_penalty``) are
    in it only when they are set.

    Raises:
        InputError: a picture or video cannot be read, it is too much, or log-probabilities are
            wanted: servers tell them by the text of tokens, not by their numbers.
    """
    if params.logprobs is not None:
        raise InputError(f"logprobs is {params.logprobs}, expected none: a server has no token ids")
    body: dict[str, Any] = {
        "model": model,
        "messages": messages(conversation),
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
    }
    if params.seed is not None:
        body["seed"] = params.seed
    if params.stop:
        body["stop"] = list(params.stop)
    for name, off in (("top_k", 0), ("min_p", 0.0), ("repetition_penalty", 1.0)):
        if getattr(params, name) != off:
            body[name] = getattr(params, name)
    if conversation.tools:
        body["tools"] = list(conversation.tools)
    # Half of a surrogate pair is escaped, as JSON has it.
    data = json.dumps(body).encode("ascii")
    if len(data) > MAX_REQUEST_BYTES:
        raise InputError(
            f"request has {len(data):,} bytes, expected at most {MAX_REQUEST_BYTES:,}",
            hint="set max_pixels of the pictures",
        )
    return data


def messages(conversation: Conversation) -> list[dict[str, Any]]:
    """Returns the turns with their content parts.

    >>> messages(Conversation.user("Hi.", system="Be brief."))
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hi.'}]
    """
    turns: list[dict[str, Any]] = []
    calls = answered = 0
    for message in conversation.messages:
        turn: dict[str, Any] = {"role": message.role, "content": _content(message)}
        if message.tool_calls:
            turn["tool_calls"] = [
                _written_call(call, f"call_{calls + i}")
                for i, call in enumerate(message.tool_calls)
            ]
            calls += len(message.tool_calls)
        if message.role == "tool":  # results come in the order of the calls
            turn["tool_call_id"] = f"call_{answered}"
            answered += 1
        turns.append(turn)
    return turns


def _written_call(call: ToolCall, name: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": name, "type": "function", "function": function}


def _content(message: Message) -> str | list[dict[str, Any]] | None:
    if message.tool_calls and not message.content:
        return None
    if all(isinstance(part, Text) for part in message.content):
        return "".join(part.text for part in message.content if isinstance(part, Text))
    parts: list[dict[str, Any]] = []
    for part in message.content:
        if isinstance(part, Text):
            parts.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            parts.append(_picture_part(*picture_file(part)))
        else:
            parts += _video_parts(part)
    return parts


def _picture_part(data: bytes, mime: str) -> dict[str, Any]:
    uri = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": uri}}


def picture_file(image: Image) -> tuple[bytes, str]:
    """Returns the file of a picture and its media type.

    A picture with options of its own is resized here, as a server would not know them.

    Raises:
        InputError: it is no readable picture.
    """
    options = (image.min_pixels, image.max_pixels, image.resized_height, image.resized_width)
    if any(option is not None for option in options):
        pixels = prepare_image(image, DEFAULT_LIMITS).pixels
        return _encoded(PIL.Image.fromarray(pixels), "PNG")
    source = image.source
    if isinstance(source, str | Path | bytes) and not isinstance(source, PreparedSource):
        measure_size(source)  # refuses what is no picture, and one too large to decode
        located = locate_source(source, kind="image")
        try:
            data = located if isinstance(located, bytes) else located.read_bytes()
        except OSError as error:
            raise InputError(f"image {located!r} cannot be read: {error.strerror}") from error
        kind = _plain_format(data)
        if kind is not None:
            return data, _FORMATS[kind]
    return _encoded(load_image(source), "PNG")


def _plain_format(data: bytes) -> str | None:
    """The format of a file in which nobody can see anything else than we do: upright, opaque,
    eight bits."""
    try:
        with PIL.Image.open(io.BytesIO(data)) as opened:
            upright = opened.getexif().get(_ORIENTATION, 1) == 1
            plain = opened.format in _FORMATS and opened.mode in ("RGB", "L") and upright
            return opened.format if plain and "transparency" not in opened.info else None
    except (OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError):
        return None  # decoding it says what is wrong


def _encoded(picture: PIL.Image.Image, kind: str, **options: Any) -> tuple[bytes, str]:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue(), _FORMATS[kind]


def _video_parts(video: Video) -> Iterator[dict[str, Any]]:
    prepared = prepare_video(_bounded(video), DEFAULT_LIMITS)
    for pixels, second in zip(prepared.frames, prepared.timestamps_s.tolist(), strict=True):
        yield {"type": "text", "text": f"{second:.1f} s:"}
        picture = PIL.Image.fromarray(pixels)
        yield _picture_part(*_encoded(picture, "JPEG", quality=_FRAME_QUALITY))


def _bounded(video: Video) -> Video:
    """The video with at most `MOST_FRAMES` frames taken from it."""
    if isinstance(video.source, Sequence) and not isinstance(video.source, str | bytes):
        total = len(video.source)
        if total <= MOST_FRAMES:
            return video
        chosen = [video.source[i * total // MOST_FRAMES] for i in range(MOST_FRAMES)]
        fps = None if video.fps is None else video.fps * MOST_FRAMES / total
        return replace(video, source=chosen, fps=fps)
    if video.nframes is not None:
        return replace(video, nframes=min(video.nframes, MOST_FRAMES))
    most = min(video.max_frames or MOST_FRAMES, MOST_FRAMES)
    least = None if video.min_frames is None else min(video.min_frames, most)
    return replace(video, max_frames=most, min_frames=least)


def read_answer(data: bytes) -> GenerationResult:
    """Returns the first answer in a response.

    Calls are written out in the text, as the model wrote them. Numbers of tokens are 0 where the
    server does not tell them, and there are no token ids.

    Raises:
        EndpointError: it is no JSON, of another shape, cut off by a filter, or an error that came
            with status 200.
    """
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EndpointError(f"the server's answer is no JSON: {shown(data[:80])}") from error
    if not isinstance(body, Mapping):
        raise EndpointError(f"the server's answer is a {type_name(body)}, expected an object")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        told = f": {error_text(data)}" if "error" in body else ""
        raise EndpointError(f"the server's answer has no choices{told}")
    reason = choices[0].get("finish_reason")
    if not isinstance(reason, str) or reason not in _FINISH:
        raise EndpointError(
            f"the answer ended by {shown(reason)}, expected one of {', '.join(_FINISH)}"
        )
    message = choices[0].get("message")
    if not isinstance(message, Mapping):
        raise EndpointError(f"the answer's message is {shown(message)}, expected an object")
    usage = body.get("usage")
    return GenerationResult(
        text=_answer_text(message),
        token_ids=(),
        finish_reason="length" if _FINISH[reason] == "length" else "stop",
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _answer_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise EndpointError(f"the answer's content is {shown(content)}, expected a string")
    lines = [content] if content else []
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        lines.append(format_call(_read_call(call)))
    if content is None and not lines:
        raise EndpointError("the answer has neither content nor tool calls")
    return "\n".join(lines)


def _read_call(call: Any) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    if isinstance(function, Mapping) and isinstance(function.get("name"), str):
        try:
            arguments = json.loads(function.get("arguments") or "{}")
        except (ValueError, TypeError, RecursionError):
            arguments = None
        if isinstance(arguments, dict):
            return ToolCall(function["name"], arguments)
    raise EndpointError(f"the answer calls {shown(call)}, expected a function with arguments")


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if isinstance(value, int) and value >= 0 else 0


def error_text(data: bytes) -> str:
    """Returns what a server says is wrong, on one line and bounded."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = data.decode("utf-8", "replace")
    for key in ("error", "message", "detail"):
        if isinstance(body, Mapping) and key in body:
            body = body[key]
    text = body if isinstance(body, str) else json.dumps(body)
    return " ".join(text.split())[:_LONGEST_ERROR]
