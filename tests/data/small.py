"""Samples for tests of the store: drawn ones, and one of every kind of media."""

import io

import numpy as np
from PIL import Image as PILImage

from qvl.data.records import Provenance, Sample
from qvl.data.synth.shapes import shapes_sample
from qvl.messages import Conversation, Image, Message, Part, Text, ToolCall, Video
from tests.processing.clips import make_clip


def drawn(count: int, *, seed: int = 4) -> list[Sample]:
    """Shapes with questions."""
    return [shapes_sample(np.random.default_rng((seed, i)), seed=(seed, i)) for i in range(count)]


def asked(question: str, answer: str, *media: Part, **facts: object) -> Sample:
    """A sample of one question and one answer."""
    turns = (
        Message("user", (*media, Text(question))),
        Message("assistant", (Text(answer),)),
    )
    return Sample(
        task="test",
        conversation=Conversation(turns),
        provenance=Provenance(generator="test"),
        facts=facts,
    )


def picture(height: int = 56, width: int = 84, *, kind: str = "JPEG", shade: int = 90) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    PILImage.new("RGB", (width, height), (shade, 20, 30)).save(file, kind)
    return file.getvalue()


def rich() -> Sample:
    """A sample with everything: bytes, arrays, videos, options, tools, calls, descent, facts."""
    pixels = np.arange(28 * 28 * 3, dtype=np.uint8).reshape(28, 28, 3)
    turns = (
        Message("system", (Text("Be brief."),)),
        Message(
            "user",
            (
                Image(picture(), max_pixels=4000),
                Text("Compare <image>\n"),
                Image(pixels),
                Video(make_clip(8), fps=2.0),
                Video([pixels, picture(28, 28)]),
            ),
        ),
        Message("assistant", (), (ToolCall("look", {"at": [1, 2]}),)),
        Message("tool", (Text('{"seen": "日本"}'),)),
        Message("assistant", (Text("Same."),)),
    )
    tools = ({"type": "function", "function": {"name": "look", "parameters": {}}},)
    return Sample(
        task="rich",
        conversation=Conversation(turns, tools),
        provenance=Provenance(
            generator="test",
            licence="CC-BY-4.0",
            source="a.json:3",
            parents=("ab",),
            transforms=("trimmed",),
            scores={"clarity": 0.5},
        ),
        facts={"names": ["x", None, 1.5], "deep": {"a": True}},
    )
