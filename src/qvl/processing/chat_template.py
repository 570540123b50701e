"""A conversation as the text the model was trained on: one renderer for prompts and for labels.

Owns the ChatML turns, the tools block, the vision markers, and which tokens training predicts.
Does not own pixels: how many tokens an item takes is given.

    Conversation -> render -> pieces -> encode -> ids, loss mask, place of every item

Source: chat_template.json (vision) and tokenizer_config.json (tools) of the published checkpoints,
merged; QwenLM/Qwen-Agent qwen_agent/llm/fncall_prompts/nous_fncall_prompt.py (tools block).
Shapes: T tokens.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.errors import InputError
from qvl.messages import Conversation, Image, Message, Text, Video
from qvl.processing.tokenizer import Tokenizer

DEFAULT_SYSTEM = "You are a helpful assistant."
"""Stands first when a conversation brings no system turn. Source: chat_template.json."""

_TOOLS_BLOCK = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tool_descs}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>"""

_TOOL_CALL_MARKS = re.compile("(</?tool_call>)")

PieceKind = Literal["special", "text", "image", "video"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a rendered conversation.

    Attributes:
        kind: "special" is the token named ``text``; "text" is ordinary characters, in which
            nothing is special; "image" and "video" stand for all tokens of ``media``.
        turn: number of the turn it belongs to, counting from 0.
        role: whose turn it is; a function's result has the role "user", as rendered.
        is_answer: True if training predicts these tokens.
        is_content: True if it came from the caller, False if the template put it there.
    """

    kind: PieceKind
    text: str = ""
    media: Image | Video | None = None
    turn: int
    role: str
    is_answer: bool = False
    is_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedItem:
    """Where the pad tokens of an image or video lie: tokens ``start`` to ``stop - 1``.

    Attributes:
        index: the how many-th item of the whole conversation it is, from 0.
    """

    index: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedConversation:
    """A rendered conversation as tokens.

    Attributes:
        input_ids: int64[T].
        loss_mask: bool[T], True where training predicts the token.
        is_content: bool[T], True where the token came from the caller, not from the template.
        turn: int64[T], number of the turn the token belongs to.
        roles: role of each turn.
        items: images and videos in order of appearance.
    """

    input_ids: npt.NDArray[np.int64]
    loss_mask: npt.NDArray[np.bool_]
    is_content: npt.NDArray[np.bool_]
    turn: npt.NDArray[np.int64]
    roles: tuple[str, ...]
    items: tuple[EncodedItem, ...]


def render(
    conversation: Conversation, *, add_generation_prompt: bool = True, add_vision_id: bool = False
) -> list[Piece]:
    """Returns the pieces of a conversation in order.

    Answers are what follows ``<|im_start|>assistant`` and a newline, with the closing
    ``<|im_end|>`` and newline, in every assistant turn; images in them are not predicted.
    Source: QwenLM/Qwen2.5-VL qwen-vl-finetune/qwenvl/data/data_qwen.py, preprocess_qwen_2_visual.

    Args:
        conversation: what to render.
        add_generation_prompt: end with the head of an assistant turn for the model to fill.
        add_vision_id: put "Picture 1: " and "Video 1: " before items, numbered over all turns.
    """
    renderer = _Renderer(add_vision_id=add_vision_id)
    messages = list(conversation.messages)
    if messages[0].role != "system":
        messages.insert(0, Message("system", (Text(DEFAULT_SYSTEM),)))
    for role, group in groupby(messages, key=lambda message: message.role):
        if role == "tool":
            renderer.tool_results(list(group))
            continue
        for message in group:
            tools = conversation.tools if message is messages[0] else ()
            renderer.turn_of(message, tools)
    if add_generation_prompt:
        renderer.open_turn("assistant")
    return renderer.pieces


def render_text(pieces: Sequence[Piece]) -> str:
    """Returns the pieces as the published template writes them, one pad token for each item."""
    return "".join(
        f"<|{piece.kind}_pad|>" if piece.media is not None else piece.text for piece in pieces
    )


class _Renderer:
    """Appends pieces, keeping count of turns, pictures and videos."""

    def __init__(self, *, add_vision_id: bool) -> None:
        self.pieces: list[Piece] = []
        self._add_vision_id = add_vision_id
        self._num_items = {"image": 0, "video": 0}
        self._turn = -1
        self._role = ""
        self._is_answer = False

    def turn_of(self, message: Message, tools: Sequence[dict[str, object]]) -> None:
        self.open_turn(message.role)
        self._is_answer = message.role == "assistant"
        self._content(message)
        if tools:
            self._tools(tools)
        self._calls(message)
        self._close_turn()

    def tool_results(self, messages: Sequence[Message]) -> None:
        """Results of several calls share one user turn."""
        self.open_turn("user")
        for index, message in enumerate(messages):
            self._text("<tool_response>\n" if index == 0 else "\n<tool_response>\n")
            self._content(message)
            self._text("\n</tool_response>")
        self._close_turn()

    def open_turn(self, role: str) -> None:
        self._turn += 1
        self._role = role
        self._is_answer = False
        self._special("<|im_start|>")
        self._text(role + "\n")

    def _close_turn(self) -> None:
        self._special("<|im_end|>")
        self._text("\n")

    def _content(self, message: Message) -> None:
        for part in message.content:
            if not isinstance(part, Text):
                self._item(part)
            elif message.role == "assistant":
                # The model's own call marks are not hidden when its answer is decoded, so an
                # answer that comes back as text holds them spelled out.
                self._with_call_marks(part.text, is_content=True)
            else:
                self._text(part.text, is_content=True)

    def _item(self, media: Image | Video) -> None:
        kind: PieceKind = "image" if isinstance(media, Image) else "video"
        self._num_items[kind] += 1
        was_answer, self._is_answer = self._is_answer, False
        if self._add_vision_id:
            label = "Picture" if kind == "image" else "Video"
            self._text(f"{label} {self._num_items[kind]}: ", is_content=True)
        self._special("<|vision_start|>", is_content=True)
        self._append(kind, media=media, is_content=True)
        self._special("<|vision_end|>", is_content=True)
        self._is_answer = was_answer

    def _tools(self, tools: Sequence[dict[str, object]]) -> None:
        before, after = _TOOLS_BLOCK.split("{tool_descs}")
        self._text("\n\n" + before)
        self._text("\n".join(_to_json(tool) for tool in tools), is_content=True)
        self._with_call_marks(after)

    def _calls(self, message: Message) -> None:
        has_text = any(not isinstance(part, Text) or part.text for part in message.content)
        for index, call in enumerate(message.tool_calls):
            self._text("\n" if has_text or index else "", is_content=True)
            self._special("<tool_call>", is_content=True)
            arguments = {"name": call.name, "arguments": call.arguments}
            self._text("\n" + _to_json(arguments) + "\n", is_content=True)
            self._special("</tool_call>", is_content=True)

    def _with_call_marks(self, text: str, *, is_content: bool = False) -> None:
        for index, part in enumerate(_TOOL_CALL_MARKS.split(text)):
            if index % 2:
                self._special(part, is_content=is_content)
            else:
                self._text(part, is_content=is_content)

    def _special(self, name: str, *, is_content: bool = False) -> None:
        self._append("special", text=name, is_content=is_content)

    def _text(self, text: str, *, is_content: bool = False) -> None:
        if text:
            self._append("text", text=text, is_content=is_content)

    def _append(
        self,
        kind: PieceKind,
        *,
        text: str = "",
        media: Image | Video | None = None,
        is_content: bool,
    ) -> None:
        self.pieces.append(
            Piece(
                kind=kind,
                text=text,
                media=media,
                turn=self._turn,
                role=self._role,
                is_answer=self._is_answer,
                is_content=is_content,
            )
        )


def encode(
    pieces: Sequence[Piece], tokenizer: Tokenizer, *, num_item_tokens: Sequence[int]
) -> EncodedConversation:
    """Returns the tokens of rendered pieces.

    Text between two special tokens is tokenized as one string, as in training, so a token may
    reach over the border of two pieces; it counts to the piece in which it starts.

    Args:
        num_item_tokens: for each image and video, in order, how many pad tokens it takes.
    """
    num_items = sum(piece.media is not None for piece in pieces)
    if num_items != len(num_item_tokens):
        raise ValueError(f"{len(num_item_tokens)} token counts for {num_items} images and videos")
    ids: list[int] = []
    owners: list[int] = []  # for each token, the index of its piece
    items: list[EncodedItem] = []
    for is_text, group in groupby(
        enumerate(pieces), key=lambda pair: not _is_token(pair[1], tokenizer)
    ):
        if is_text:
            _encode_text(list(group), tokenizer, ids=ids, owners=owners)
            continue
        for index, piece in group:
            if piece.media is None:
                run = [tokenizer.id_of(piece.text)]
            else:
                pad = tokenizer.image_pad if piece.kind == "image" else tokenizer.video_pad
                run = [pad] * num_item_tokens[len(items)]
                items.append(
                    EncodedItem(index=len(items), start=len(ids), stop=len(ids) + len(run))
                )
            ids += run
            owners += [index] * len(run)
    owner = np.array(owners, dtype=np.int64)
    roles = {piece.turn: piece.role for piece in pieces}
    return EncodedConversation(
        input_ids=np.array(ids, dtype=np.int64),
        loss_mask=np.array([piece.is_answer for piece in pieces], dtype=np.bool_)[owner],
        is_content=np.array([piece.is_content for piece in pieces], dtype=np.bool_)[owner],
        turn=np.array([piece.turn for piece in pieces], dtype=np.int64)[owner],
        roles=tuple(roles[turn] for turn in sorted(roles)),
        items=tuple(items),
    )


def _is_token(piece: Piece, tokenizer: Tokenizer) -> bool:
    # A small vocabulary may have no token for the call marks; there they are spelled out.
    return piece.kind != "text" and (piece.media is not None or tokenizer.has_token(piece.text))


def _encode_text(
    group: list[tuple[int, Piece]], tokenizer: Tokenizer, *, ids: list[int], owners: list[int]
) -> None:
    text = "".join(piece.text for _, piece in group)
    if len(group) == 1:
        found = tokenizer.encode(text)
        owners += [group[0][0]] * len(found)
    else:
        found, starts = tokenizer.encode_with_starts(text)
        ends = np.cumsum([len(piece.text) for _, piece in group])
        owners += [group[place][0] for place in np.searchsorted(ends, starts, side="right")]
    ids += found


def _to_json(value: object) -> str:
    # Source: transformers utils/chat_template_utils.py, tojson (no ASCII or HTML escapes).
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a tool or tool call cannot be written as JSON: {error}") from error
