"""One record of the published fine-tuning formats <-> one sample.

Owns: the spellings of a record: ``conversations`` or ``messages``, ``from``/``value`` or
``role``/``content``, ``<image>`` and ``<video>`` tags with their files. Does not own: files of
records (``annotations``, ``parquet``).

    {"image": ..., "conversations": [...]} -> read_record() -> Sample
    Sample, names of its media -> write_record() -> {"image": ..., "conversations": [...]}

Source: QwenLM/Qwen2.5-VL qwen-vl-finetune README and qwenvl/data/data_qwen.py (tags, keys); LLaVA
docs/Finetune_Custom_Data.md; hiyouga/LLaMA-Factory data/README.md (ShareGPT roles, tools).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from qvl.data.interchange.interleaved_records import is_document, read_document
from qvl.data.interchange.preference_records import is_preference, split_preference
from qvl.data.interleaved import sample_of
from qvl.data.places import answer_text
from qvl.data.records import Provenance, Sample
from qvl.errors import DataError, InputError
from qvl.messages import (
    Image,
    Message,
    Part,
    Role,
    Text,
    ToolCall,
    Video,
    parse_conversation,
)
from qvl.options import shown, type_name
from qvl.tasks.tool_calls import call_json, read_calls

_TAGS = re.compile("(<image>|<video>)")
_MEDIA_KEYS = {"image": ("image", "images"), "video": ("video", "videos")}
_TURN_KEYS = ("conversations", "messages")
_ROLES: dict[str, Role] = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
    "chatgpt": "assistant", "model": "assistant", "system": "system", "tool": "tool",
    "observation": "tool", "function_call": "assistant",
}  # fmt: skip
_OWN_KEYS = {
    *_TURN_KEYS, "tools", "system", "image", "images", "video", "videos", "chosen", "rejected",
    "margin",
}  # fmt: skip

Locate = Callable[[Any, Literal["image", "video"]], Any]
"""What a record names -> where it is: path, bytes, or whatever else a part takes."""


def read_record(record: object, *, origin: str, licence: str, locate: Locate) -> Sample:
    """Returns the sample that a record states.

    Keys without a meaning here are kept among the facts.

    Args:
        record: decoded JSON.
        origin: file and place in it, kept as the source.
        licence: SPDX name of the data set's terms; empty when it is not known.
        locate: finds media.

    Raises:
        DataError: the record is malformed; the message says how.
    """
    if not isinstance(record, Mapping):
        raise DataError(f"record is a {type_name(record)}, expected an object")
    if is_preference(record):
        plain, rejected = split_preference(record, _answer_of)
        sample = read_record(plain, origin=origin, licence=licence, locate=locate)
        return replace(sample, rejected=rejected)
    keys = [key for key in _TURN_KEYS if key in record]
    if not keys and is_document(record):
        return _read_document(record, origin=origin, licence=licence, locate=locate)
    if len(keys) != 1:
        found = " and ".join(keys) or f"keys {shown(sorted(map(str, record)))}"
        raise DataError(f"record has {found}, expected one of {' and '.join(_TURN_KEYS)}")
    turns = record[keys[0]]
    if not isinstance(turns, list | tuple) or not turns:
        raise DataError(f"{keys[0]} is {shown(turns)}, expected a list of turns")
    media = {kind: _listed(record, kind) for kind in _MEDIA_KEYS}
    try:
        if _has_parts(turns):
            messages = _read_parts(turns, media, locate)
        else:
            messages = _read_tagged(turns, media, locate)
        if isinstance(record.get("system"), str) and messages[0].role != "system":
            messages = [Message("system", (Text(record["system"]),)), *messages]
        conversation = parse_conversation(messages, tools=_tools(record.get("tools")))
    except InputError as error:
        raise DataError(error.message, hint=error.hint) from error
    return Sample(
        task=str(record.get("task", "conversation")),
        conversation=conversation,
        provenance=Provenance(
            generator=origin.rpartition(":")[0] or origin, licence=licence, source=origin
        ),
        facts={str(k): v for k, v in record.items() if k not in _OWN_KEYS},
    )


def _answer_of(turn: Mapping[Any, Any]) -> str:
    """The words of an answer that stands alone, calls included."""
    none: dict[str, list[Any]] = {kind: [] for kind in _MEDIA_KEYS}
    read = _read_parts if _has_parts([turn]) else _read_tagged
    try:
        return answer_text(read([turn], none, lambda name, kind: name)[-1])
    except InputError as error:
        raise DataError(error.message, hint=error.hint) from error


def _read_document(
    record: Mapping[Any, Any], *, origin: str, licence: str, locate: Locate
) -> Sample:
    """A document is one answer; so is what is stored of it."""
    document = read_document(record, locate=lambda name: locate(name, "image"))
    provenance = Provenance(
        generator=origin.rpartition(":")[0] or origin, licence=licence, source=origin
    )
    return sample_of(document, provenance)


def write_record(sample: Sample, names: Sequence[str]) -> dict[str, Any]:
    """Returns the record of a sample; `read_record` reads the same conversation from it.

    Options of media, targets and provenance have no place in the format.

    Args:
        sample: its media stand in user turns.
        names: what the record calls its pictures and videos, in their order.

    Raises:
        DataError: the format cannot hold the sample.
    """
    rest = iter(names)
    media: dict[str, list[str]] = {"image": [], "video": []}
    turns: list[dict[str, str]] = []
    for message in sample.conversation.messages:
        text = ""
        for part in message.content:
            if isinstance(part, Text):
                if _TAGS.search(part.text):
                    raise DataError(
                        f"a {message.role} turn spells out a tag, {shown(part.text)}, which the "
                        "format would take for a picture or video"
                    )
                text += part.text
                continue
            kind = "image" if isinstance(part, Image) else "video"
            if message.role == "assistant":
                raise DataError(f"an answer holds a {kind}, the format has no place for it")
            media[kind].append(next(rest))
            text += f"<{kind}>"
        turns += _written_turns(message, text)
    record: dict[str, Any] = {k: v for k, v in sample.facts.items() if k not in _OWN_KEYS}
    for kind, found in media.items():
        if found:
            record[kind] = found[0] if len(found) == 1 else found
    record["conversations"] = turns
    if sample.conversation.tools:
        record["tools"] = json.dumps(list(sample.conversation.tools), ensure_ascii=False)
    if sample.rejected:
        record["chosen"] = turns.pop()
        record["rejected"] = [{"from": "gpt", "value": item.text} for item in sample.rejected]
        record["margin"] = [item.margin for item in sample.rejected]
    return record


def _written_turns(message: Message, text: str) -> list[dict[str, str]]:
    speaker = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
    turns = []
    if text or not message.tool_calls:
        turns.append({"from": speaker[message.role], "value": text})
    if message.tool_calls:
        if text:
            raise DataError(
                "an answer holds both words and calls, the format has one of them a turn"
            )
        calls = [call_json(call) for call in message.tool_calls]
        value = calls[0] if len(calls) == 1 else f"[{', '.join(calls)}]"
        turns.append({"from": "function_call", "value": value})
    return turns


def _listed(record: Mapping[Any, Any], kind: str) -> list[Any]:
    keys = [key for key in _MEDIA_KEYS[kind] if record.get(key) is not None]
    if len(keys) > 1:
        raise DataError(f"record has both {keys[0]} and {keys[1]}, expected one of them")
    value = record[keys[0]] if keys else []
    return list(value) if isinstance(value, list | tuple) else [value]


def _has_parts(turns: Sequence[Any]) -> bool:
    return any(
        isinstance(turn, Mapping) and isinstance(turn.get("content"), list | tuple)
        for turn in turns
    )


def _read_tagged(
    turns: Sequence[Any], media: Mapping[str, list[Any]], locate: Locate
) -> list[Message]:
    """Turns of plain text in which a tag stands for the next file."""
    rest = {kind: list(values) for kind, values in media.items()}
    messages = []
    for number, turn in enumerate(turns):
        speaker, text = _spoken(turn, number)
        role = _ROLES[speaker]
        if speaker == "function_call":
            messages.append(Message(role, (), _calls(text, number)))
            continue
        parts: list[Part] = []
        for piece in _TAGS.split(text):
            if piece not in ("<image>", "<video>"):
                parts += [Text(piece)] if piece else []
                continue
            kind: Literal["image", "video"] = "image" if piece == "<image>" else "video"
            if role == "assistant":
                raise DataError(f"turn {number} is an answer with the tag {piece}")
            if not rest[kind]:
                raise _miscounted(turns, media, kind)
            source = locate(rest[kind].pop(0), kind)
            parts.append(Image(source) if kind == "image" else Video(source))
        messages.append(Message(role, tuple(parts)))
    for name, left in rest.items():
        if left:
            raise _miscounted(turns, media, name)
    return messages


def _miscounted(turns: Sequence[Any], media: Mapping[str, list[Any]], kind: str) -> DataError:
    texts = [_spoken(turn, number)[1] for number, turn in enumerate(turns)]
    tags = sum(text.count(f"<{kind}>") for text in texts)
    return DataError(f"{tags} tags <{kind}> for {len(media[kind])} {kind} files")


def _spoken(turn: Any, number: int) -> tuple[str, str]:
    """Who speaks in a turn, and the text."""
    if not isinstance(turn, Mapping):
        raise DataError(f"turn {number} is a {type_name(turn)}, expected an object")
    speaker = turn.get("from", turn.get("role"))
    text = turn.get("value", turn.get("content"))
    if speaker not in _ROLES:
        raise DataError(
            f"turn {number} is by {shown(speaker)}, expected one of {', '.join(_ROLES)}"
        )
    if not isinstance(text, str):
        raise DataError(f"turn {number} has the text {shown(text)}, expected a string")
    return speaker, text


def _calls(text: str, number: int) -> tuple[ToolCall, ...]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"turn {number} is no function call: {error}") from error
    calls: list[ToolCall] = []
    for item in value if isinstance(value, list) else [value]:
        calls += read_calls(f"<tool_call>{json.dumps(item)}</tool_call>").calls
    if not calls:
        raise DataError(f"turn {number} is no function call: {shown(text)}")
    return tuple(calls)


def _tools(value: Any) -> list[Any] | None:
    if value is None or value == "":
        return None
    try:
        tools = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise DataError(f"tools are no JSON: {error}") from error
    if not isinstance(tools, list):
        raise DataError(f"tools is a {type_name(tools)}, expected a list of functions")
    return tools


def _read_parts(
    turns: Sequence[Any], media: Mapping[str, list[Any]], locate: Locate
) -> list[Message]:
    """Turns whose content is a list of parts; a part without a file takes the next of the
    record."""
    rest = {kind: list(values) for kind, values in media.items()}
    messages: list[Message] = []
    for number, turn in enumerate(turns):
        if not isinstance(turn, Mapping):
            raise DataError(f"turn {number} is a {type_name(turn)}, expected an object")
        content = turn.get("content")
        if isinstance(content, list | tuple):
            content = [_placed_part(part, rest, locate, number) for part in content]
        speaker = turn.get("role", turn.get("from"))
        plain = {key: value for key, value in turn.items() if key != "from" and value is not None}
        role = _ROLES.get(str(speaker), speaker)
        messages += parse_conversation([{**plain, "role": role, "content": content}]).messages
    for kind, left in rest.items():
        if left:
            raise DataError(f"{len(left)} {kind} files are named by no part of a turn")
    return messages


def _placed_part(part: Any, rest: Mapping[str, list[Any]], locate: Locate, number: int) -> Any:
    if not isinstance(part, Mapping):
        return part
    # Parquet gives every part every key.
    part = {key: value for key, value in part.items() if value is not None}
    kind = part.get("type")
    names: tuple[Literal["image", "video"], ...] = ("image", "video")
    for name in names:
        if name in part:
            return {**part, name: locate(part[name], name)}
    if kind in ("image", "video") and f"{kind}_url" not in part:
        if not rest[kind]:
            raise DataError(f"turn {number} has more {kind} parts than the record has files")
        return {**part, kind: locate(rest[kind].pop(0), "image" if kind == "image" else "video")}
    return part
