"""A sample as files and back, and the id by which equal samples are known.

Owns: the record (``json``) and the names of the files beside it. Does not own: how files are packed
(``shards``), reading media (``media``).

    Sample -> encode_sample() -> {"json": ..., "0.png": ..., "1.jpg": ...} -> decode_sample()
    Sample -> content_id() -> 32 hexadecimal digits
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from qvl.data.media import (
    MediaSize,
    StoredMedia,
    is_frame_list,
    media_hashes,
    read_pixels,
    stored,
    suffix_of,
)
from qvl.data.records import DenseTargets, Provenance, Rejected, Sample
from qvl.errors import DataError, QvlError
from qvl.messages import Conversation, Image, Message, Part, Text, ToolCall, Video

MAX_RECORD_BYTES = 64 * 2**20
"""Longest record; a million tokens of text are about 4 MB."""

_OPTIONS = {
    kind: tuple(item.name for item in fields(kind) if item.name != "source")
    for kind in (Image, Video)
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedSample:
    """A sample as it is stored.

    Attributes:
        id: see `content_id`.
        files: contents by the ending of their names; the record is ``json`` and stands first.
        media: sizes of pictures and videos, in order of appearance.
    """

    id: str
    files: Mapping[str, bytes]
    media: tuple[MediaSize, ...]


def encode_sample(sample: Sample) -> EncodedSample:
    """Returns the files of a sample.

    Raises:
        InputError: a picture or video cannot be read.
        DataError: facts are no plain JSON values, or something is too large.
    """
    items = [stored(part) for part in media_of(sample.conversation)]
    names: dict[str, bytes] = {}
    references: list[list[str]] = []
    for item in items:
        references.append([])
        for data in item.files:
            name = f"{len(names)}.{suffix_of(data)}"
            names[name] = data
            references[-1].append(name)
    record = _record(sample, items, references)
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
        data = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"a {sample.task!r} sample cannot be written as JSON: {error}",
            hint="facts take plain values: text, finite numbers, lists, dictionaries",
        ) from error
    if len(data) > MAX_RECORD_BYTES:
        raise DataError(f"record has {len(data):,} bytes, expected at most {MAX_RECORD_BYTES:,}")
    return EncodedSample(
        id=_id(sample, [item.hashes for item in items]),
        files={"json": data, **names},
        media=tuple(item.size for item in items),
    )


def decode_sample(files: Mapping[str, bytes], *, pixels: bool = True) -> Sample:
    """Returns the sample that these files are.

    Args:
        files: of `encode_sample`.
        pixels: decode pictures that were arrays; False leaves them as the bytes of a PNG.

    Raises:
        DataError: the record is damaged, or names a file that is not there.
    """
    try:
        record = json.loads(files["json"])
        messages = tuple(_message(item, files, pixels) for item in record["messages"])
        provenance = dict(record["provenance"])
        for name in ("seed", "parents", "transforms"):
            provenance[name] = tuple(provenance.get(name, ()))
        return Sample(
            task=str(record["task"]),
            conversation=Conversation(messages, tuple(record.get("tools", ()))),
            provenance=Provenance(**provenance),
            targets=_targets(record),
            facts=dict(record["facts"]),
            rejected=tuple(Rejected(**item) for item in record.get("rejected", ())),
        )
    except KeyError as error:
        raise DataError(f"record of a sample lacks {error}, or a file of it is missing") from error
    except (ValueError, TypeError, AttributeError, RecursionError, QvlError) as error:
        raise DataError(f"record of a sample is damaged: {error}") from error


def content_id(sample: Sample) -> str:
    """Returns a hash of what a model sees and learns: turns, tools, pictures and their options,
    rejected answers.

    It is the same after a sample was stored and read. Facts, provenance and targets do not count:
    samples of one id are duplicates.

    Raises:
        InputError: a picture or video cannot be read.
    """
    media = [media_hashes(part) for part in media_of(sample.conversation)]
    return _id(sample, media)


def media_of(conversation: Conversation) -> list[Image | Video]:
    """Returns the pictures and videos of a conversation, in order."""
    return [
        part
        for message in conversation.messages
        for part in message.content
        if not isinstance(part, Text)
    ]


def _id(sample: Sample, hashes: list[tuple[str, ...]]) -> str:
    conversation, rest = sample.conversation, iter(hashes)
    turns = [
        (
            message.role,
            [
                part.text
                if isinstance(part, Text)
                else [type(part).__name__, next(rest), _options(part)]
                for part in message.content
            ],
            [(call.name, call.arguments) for call in message.tool_calls],
        )
        for message in conversation.messages
    ]
    worse = [[answer.text for answer in sample.rejected]] if sample.rejected else []
    text = json.dumps([turns, conversation.tools, *worse], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _options(part: Image | Video) -> dict[str, Any]:
    values = {name: getattr(part, name) for name in _OPTIONS[type(part)]}
    return {name: value for name, value in values.items() if value is not None}


def _record(
    sample: Sample, items: list[StoredMedia], references: list[list[str]]
) -> dict[str, Any]:
    media = iter(zip(items, references, strict=True))
    messages: list[dict[str, Any]] = []
    for message in sample.conversation.messages:
        content: list[dict[str, Any]] = []
        for part in message.content:
            if isinstance(part, Text):
                content.append({"type": "text", "text": part.text})
            else:
                content.append(_reference(part, *next(media)))
        turn: dict[str, Any] = {"role": message.role, "content": content}
        if message.tool_calls:
            turn["tool_calls"] = [
                {"name": call.name, "arguments": call.arguments} for call in message.tool_calls
            ]
        messages.append(turn)
    record = {
        "task": sample.task,
        "messages": messages,
        "provenance": asdict(sample.provenance),
        "facts": sample.facts,
    }
    if sample.conversation.tools:
        record["tools"] = list(sample.conversation.tools)
    if sample.rejected:
        record["rejected"] = [asdict(answer) for answer in sample.rejected]
    if sample.targets is not None:
        record["glyphs"] = sample.targets.glyphs.tolist()
        record["objects"] = sample.targets.objects.tolist()
    return record


def _reference(part: Image | Video, item: StoredMedia, names: list[str]) -> dict[str, Any]:
    kind = "image" if isinstance(part, Image) else "video"
    value: str | list[str] = names if is_frame_list(part.source) else names[0]
    reference: dict[str, Any] = {"type": kind, kind: value, **_options(part)}
    if any(item.pixels):
        reference["pixels"] = list(item.pixels)
    return reference


def _message(turn: Mapping[str, Any], files: Mapping[str, bytes], pixels: bool) -> Message:
    calls = tuple(ToolCall(call["name"], call["arguments"]) for call in turn.get("tool_calls", ()))
    content = tuple(_part(item, files, pixels) for item in turn["content"])
    return Message(turn["role"], content, calls)


def _part(item: Mapping[str, Any], files: Mapping[str, bytes], pixels: bool) -> Part:
    kind = item["type"]
    if kind == "text":
        return Text(item["text"])
    names = item[kind] if isinstance(item[kind], list) else [item[kind]]
    were_arrays = item.get("pixels", [False] * len(names))
    sources: list[Any] = [
        read_pixels(files[name]) if was_array and pixels else files[name]
        for name, was_array in zip(names, were_arrays, strict=True)
    ]
    source: Any = sources if isinstance(item[kind], list) else sources[0]
    options = {k: v for k, v in item.items() if k not in ("type", kind, "pixels")}
    return Image(source, **options) if kind == "image" else Video(source, **options)


def _targets(record: Mapping[str, Any]) -> DenseTargets | None:
    if record.get("glyphs") is None:
        return None
    return DenseTargets(
        glyphs=np.array(record["glyphs"], np.float32).reshape(-1, 3),
        objects=np.array(record["objects"], np.float32).reshape(-1, 6),
    )
