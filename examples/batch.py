"""Many conversations at once, each answered as if it were alone: python examples/batch.py."""

from pathlib import Path

from qvl import Conversation, Image, SamplingParams, load

PICTURES = Path(__file__).parent / "pictures"
READ = "Read all the text in the image."

sign, note, shapes = (Image(PICTURES / f"{name}.png") for name in ("sign", "note", "shapes"))
conversations = [
    Conversation.user(sign, READ),
    Conversation.user(shapes, "How many shapes are there in the image?"),
    Conversation.user(note, sign, READ),
]
for result in load().generate(conversations, SamplingParams(max_tokens=64)):
    print(f"{result.prompt_tokens} tokens in, {result.completion_tokens} out: {result.text!r}")
