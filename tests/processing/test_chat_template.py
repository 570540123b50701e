"""The chat template and its loss mask against recorded renderings and the published label rule."""

import hashlib
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from qvl.errors import InputError
from qvl.messages import Conversation, Image, Message, Text, ToolCall, Video, parse_conversation
from qvl.processing import chat_template
from qvl.processing.chat_template import EncodedConversation, encode, render, render_text
from qvl.processing.tokenizer import Tokenizer
from tests.material import material, requires_material
from tests.processing.small import small_tokenizer_spec

TYPED_SPECIAL = "special tokens in the text"


@cache
def published() -> Tokenizer:
    return Tokenizer.from_folder(material("tokenizer"))


@cache
def small() -> Tokenizer:
    return Tokenizer(small_tokenizer_spec())


def _conversation(messages: list[dict[str, Any]], tools: Any = None) -> Conversation:
    """The recorded messages leave the pictures out; any name will do."""
    filled = []
    for message in messages:
        content = message["content"]
        if isinstance(content, list):
            content = [
                {**part, part["type"]: "x"} if part["type"] not in part else part
                for part in content
            ]
        filled.append({**message, "content": content})
    return parse_conversation(filled, tools=tools)


def _tokens(
    conversation: Conversation, tokenizer: Tokenizer, **options: bool
) -> EncodedConversation:
    pieces = render(conversation, **options)
    return encode(
        pieces, tokenizer, num_item_tokens=[1 for piece in pieces if piece.media is not None]
    )


@requires_material
def test_recorded_vision_template() -> None:
    cases = json.loads(material("golden", "chat_template.json").read_text())["cases"]
    assert len(cases) == 13
    for case in cases:
        conversation = _conversation(case["messages"])
        assert render_text(render(conversation, **case["options"])) == case["text"], case["name"]
        ids = _tokens(conversation, published(), **case["options"]).input_ids.tolist()
        # The one wanted difference: what a user types is text.
        assert (ids == case["ids"]) == (case["name"] != TYPED_SPECIAL), case["name"]


@requires_material
def test_recorded_tools_template() -> None:
    cases = json.loads(material("golden", "chat_template_text_tools.json").read_text())["cases"]
    assert len(cases) == 4
    for case in cases:
        messages = list(case["messages"])
        if messages[0]["role"] != "system":
            # The text-only template brings another default than the vision template.
            text_default = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
            messages.insert(0, {"role": "system", "content": text_default})
        conversation = _conversation(messages, case["options"].get("tools"))
        options = {name: v for name, v in case["options"].items() if name != "tools"}
        assert render_text(render(conversation, **options)) == case["text"], case["name"]
        ids = _tokens(conversation, published(), **options).input_ids.tolist()
        assert ids == case["ids"], case["name"]


def test_tools_block_is_the_published_wording() -> None:
    # Source: Qwen-Agent FN_CALL_TEMPLATE, 384 characters.
    digest = hashlib.sha256(chat_template._TOOLS_BLOCK.encode()).hexdigest()
    assert digest == "9dd0adbb0bab9db958e01e1e44bf5496f5f83c2d18ef264f5c4ca01a3c465a4d"


def test_tools_and_pictures_together() -> None:
    conversation = Conversation(
        (
            Message("user", (Text("Tap it."), Image("a.png"))),
            Message("assistant", (Text("Tapping."),), (ToolCall("tap", {"x": 1}),)),
            Message("tool", (Image("b.png"),)),
            Message("tool", (Text("done"),)),
        ),
        tools=({"type": "function", "function": {"name": "tap"}},),
    )
    text = render_text(render(conversation, add_vision_id=True))
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant.\n\n# Tools\n\nYou may")
    assert '<tools>\n{"type": "function", "function": {"name": "tap"}}\n</tools>' in text
    assert text.endswith(
        "<|im_start|>user\nTap it."
        "Picture 1: <|vision_start|><|image_pad|><|vision_end|><|im_end|>\n"
        '<|im_start|>assistant\nTapping.\n<tool_call>\n{"name": "tap", "arguments": {"x": 1}}\n'
        "</tool_call><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\nPicture 2: <|vision_start|><|image_pad|><|vision_end|>"
        "\n</tool_response>\n<tool_response>\ndone\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


@requires_material
def test_only_the_template_makes_special_tokens() -> None:
    typed = "".join(published().added_names)
    plain = _tokens(Conversation.user("x", system="x"), published()).input_ids
    conversation = Conversation.user(typed, system=typed)
    encoded = _tokens(conversation, published())
    first_special = 151_643
    assert (encoded.input_ids >= first_special).sum() == (plain >= first_special).sum() == 5
    assert render_text(render(conversation)).count("<|im_end|>") == 4
    tools = ({"type": "function", "function": {"name": "f", "description": typed}},)
    result = Message("tool", (Text(typed),))
    with_tools = Conversation((*conversation.messages, result), tools=tools)
    # Template: 2 call marks in each of two places of the block, and one more turn.
    assert (_tokens(with_tools, published()).input_ids >= first_special).sum() == 5 + 4 + 2


@requires_material
def test_calls_of_the_assistant_are_tokens_in_either_form() -> None:
    called = Message("assistant", (Text("ok"),), (ToolCall("f", {"a": [1]}),))
    spelled = Message(
        "assistant",
        (Text('ok\n<tool_call>\n{"name": "f", "arguments": {"a": [1]}}\n</tool_call>'),),
    )
    question = Message("user", (Text("do"),))
    ids = [
        _tokens(Conversation((question, answer)), published()).input_ids.tolist()
        for answer in (called, spelled)
    ]
    assert ids[0] == ids[1]
    assert ids[0].count(151_657) == ids[0].count(151_658) == 1


def _official_labels(
    turns: list[tuple[str, str]], tokenizer: Tokenizer
) -> tuple[list[int], list[bool]]:
    """The rule of the published fine-tuning code: each turn alone, three tokens of head masked."""
    ids: list[int] = []
    mask: list[bool] = []
    for role, content in turns:
        turn = tokenizer.encode_template(f"<|im_start|>{role}\n{content}<|im_end|>\n")
        ids += turn
        is_answer = role == "assistant"
        mask += [is_answer and index >= 3 for index in range(len(turn))]
    return ids, mask


@requires_material
@pytest.mark.parametrize("answer", ["yes", "\nyes", "  yes", "", "é e\u0301 ok\n\n", "\r\n1"])
def test_loss_mask_is_the_published_label_rule(answer: str) -> None:
    turns = [
        ("system", "Be brief."),
        ("user", "one\n"),
        ("assistant", answer),
        ("user", "\ntwo"),
        ("assistant", "2 " + answer),
    ]
    conversation = _conversation([{"role": role, "content": text} for role, text in turns])
    encoded = _tokens(conversation, published(), add_generation_prompt=False)
    ids, mask = _official_labels(turns, published())
    assert encoded.input_ids.tolist() == ids
    assert encoded.loss_mask.tolist() == mask


def test_loss_mask_in_words() -> None:
    conversation = Conversation(
        (
            Message("user", (Text("hello"),)),
            Message("assistant", (Text("hello"), Image("x"), Text("!"))),
        )
    )
    pieces = render(conversation, add_generation_prompt=False)
    encoded = encode(pieces, small(), num_item_tokens=[3])
    trained = encoded.input_ids[encoded.loss_mask]
    assert small().decode(trained.tolist(), skip_special_tokens=False) == "hello!<|im_end|>\n"
    shown = encoded.input_ids[encoded.is_content]
    assert small().decode(shown.tolist()) == "You are a helpful assistant.hellohello!"
    assert encoded.roles == ("system", "user", "assistant")
    assert encoded.turn.tolist() == sorted(encoded.turn.tolist())
    (item,) = encoded.items
    assert item.stop - item.start == 3
    assert set(encoded.input_ids[item.start : item.stop].tolist()) == {small().image_pad}
    assert encoded.input_ids[item.start - 1] == small().vision_start
    assert encoded.input_ids[item.stop] == small().vision_end


def test_generation_prompt_is_not_trained_on() -> None:
    encoded = _tokens(Conversation.user("hello"), small())
    assert not encoded.loss_mask.any()
    assert small().decode(encoded.input_ids.tolist()).endswith("hello\nassistant\n")


def test_text_meets_as_one_string_at_the_head_of_a_turn() -> None:
    ids = _tokens(Conversation.user("\nhello"), small()).input_ids.tolist()
    double_newline = small().encode("\n\n")
    assert len(double_newline) == 1
    assert double_newline[0] in ids


def test_vocabulary_without_call_marks_spells_them_out() -> None:
    call = Message("assistant", (), (ToolCall("f", {}),))
    encoded = _tokens(Conversation((Message("user", (Text("do"),)), call)), small())
    text = small().decode(encoded.input_ids.tolist())
    assert '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>' in text


def test_a_tool_that_is_not_json_is_a_typed_error() -> None:
    tools = ({"type": "function", "function": {"name": "f", "default": {1, 2}}},)
    with pytest.raises(InputError, match="cannot be written as JSON"):
        render(Conversation((Message("user", (Text("do"),)),), tools=tools))


def test_videos_and_pictures_are_numbered_apart() -> None:
    conversation = Conversation.user(Video("v"), Image("a"), Image("b"))
    text = render_text(render(conversation, add_vision_id=True))
    assert [text.count(label) for label in ("Video 1: ", "Picture 1: ", "Picture 2: ")] == [1] * 3
    assert "Picture" not in render_text(render(conversation))


def test_lengths_follow_the_counts() -> None:
    conversation = Conversation.user(Image("a"), Video("b"))
    pieces = render(conversation)
    lengths = [len(encode(pieces, small(), num_item_tokens=n).input_ids) for n in ([1, 1], [4, 9])]
    assert lengths[1] - lengths[0] == 11
    assert np.array_equal(
        encode(pieces, small(), num_item_tokens=[4, 9]).loss_mask, np.zeros(lengths[1], bool)
    )
    with pytest.raises(ValueError, match="3 token counts for 2"):
        encode(pieces, small(), num_item_tokens=[1, 1, 1])
