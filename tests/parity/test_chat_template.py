"""The template that exports carry says in Jinja what our renderer says in Python."""

from typing import Any

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from qvl.checkpoint.export import CHAT_TEMPLATE
from qvl.messages import Conversation, parse_conversation
from qvl.processing.chat_template import render, render_text

TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"place": "Köln"}}}
PICTURE, CLIP = {"type": "image", "image": "a.png"}, {"type": "video", "video": "b.mp4"}


def words(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "text": [{"role": "user", "content": "Hi"}],
    "system": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "media": [
        {"role": "user", "content": [PICTURE, words("and"), PICTURE, CLIP, words("?")]},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": [words("This one?"), PICTURE]},
    ],
    "calls": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL, CALL]},
        {"role": "tool", "content": "rain"},
        {"role": "tool", "content": "sun"},
        {"role": "user", "content": "Thanks"},
    ],
}


@pytest.mark.parametrize("tools", [[], [TOOL], [TOOL, TOOL]])
@pytest.mark.parametrize("prompt", [True, False])
@pytest.mark.parametrize("vision_ids", [True, False])
@pytest.mark.parametrize("name", list(CONVERSATIONS))
def test_both_render_the_same(
    name: str, vision_ids: bool, prompt: bool, tools: list[dict[str, Any]]
) -> None:
    messages = CONVERSATIONS[name]
    ours = Conversation(parse_conversation(messages).messages, tools=tuple(tools))
    expected = render_text(render(ours, add_generation_prompt=prompt, add_vision_id=vision_ids))
    (theirs,), _ = render_jinja_template(
        [messages],
        tools=tools or None,
        chat_template=CHAT_TEMPLATE,
        add_generation_prompt=prompt,
        add_vision_id=vision_ids,
    )
    assert theirs == expected
