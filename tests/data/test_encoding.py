"""A sample becomes files and comes back; its id knows what a model sees and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage

from qvl.data.encoding import content_id, decode_sample, encode_sample
from qvl.data.records import Sample
from qvl.errors import DataError, InputError
from qvl.messages import Conversation, Image, Message, Text, Video
from tests.data.small import asked, drawn, picture, rich
from tests.processing.clips import make_clip


def parts(sample: Sample) -> list[object]:
    """All parts of a sample, arrays as lists, so that they compare."""

    def plain(source: object) -> object:
        if isinstance(source, np.ndarray):
            return source.tolist()
        return [plain(item) for item in source] if isinstance(source, list) else source

    return [
        part if isinstance(part, Text) else (type(part), plain(part.source))
        for message in sample.conversation.messages
        for part in message.content
    ]


def test_everything_comes_back() -> None:
    sample = rich()
    encoded = encode_sample(sample)
    assert list(encoded.files) == ["json", "0.jpg", "1.png", "2.mp4", "3.png", "4.jpg"]
    back = decode_sample(encoded.files)
    assert parts(back) == parts(sample)
    for one, other in zip(back.conversation.messages, sample.conversation.messages, strict=True):
        assert (one.role, one.tool_calls) == (other.role, other.tool_calls)
    assert back.conversation.tools == sample.conversation.tools
    assert back.conversation.messages[1].content[0].max_pixels == 4000  # type: ignore[union-attr]
    assert back.provenance == sample.provenance
    assert back.facts == sample.facts
    assert content_id(back) == content_id(sample) == encoded.id
    assert [size[:4] for size in encoded.media] == [
        ("image", 56, 84, 1),
        ("image", 28, 28, 1),
        ("video", 48, 160, 8),
        ("video", 28, 28, 2),
    ]
    assert encoded.media[2].seconds == pytest.approx(8 / 30, abs=0.001)


def test_pixels_can_stay_bytes() -> None:
    back = decode_sample(encode_sample(drawn(1)[0]).files, pixels=False)
    source = back.conversation.messages[0].content[0].source  # type: ignore[union-attr]
    assert isinstance(source, bytes)


def test_an_id_is_what_a_model_sees() -> None:
    one = asked("What?", "A cup.", Image(picture()))
    same = replace(one, task="other", facts={"n": 1}, provenance=rich().provenance)
    assert content_id(same) == content_id(one)
    others = [
        asked("What", "?A cup.", Image(picture())),
        asked("What?", "A cup.", Image(picture(shade=91))),
        asked("What?", "A cup.", Image(picture(), max_pixels=5000)),
        asked("What?", "A cup."),
        asked("What?", "A cup.", Image(picture()), Image(picture())),
        asked("What?", "A cup.", Video([picture(), picture()])),
        replace(
            one, conversation=Conversation((Message("user", one.conversation.messages[0].content),))
        ),
    ]
    assert len({content_id(sample) for sample in [one, *others]}) == len(others) + 1


def test_a_file_its_bytes_and_its_address_are_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture())
    sources = (path, str(path), path.read_bytes(), path.as_uri())
    assert len({content_id(asked("What?", "A cup.", Image(source))) for source in sources}) == 1


def test_equal_pixels_are_one_picture() -> None:
    pixels = np.full((28, 28, 3), 7, np.uint8)
    grey = np.full((28, 28), 7, np.uint8)
    sources = (pixels, PILImage.fromarray(pixels), grey, pixels[::-1])
    assert len({content_id(asked("?", "!", Image(source))) for source in sources}) == 1


@pytest.mark.parametrize(
    ("sample", "error", "message"),
    [
        (asked("?", "!", Image("missing.jpg")), InputError, "missing.jpg' does not exist"),
        (asked("?", "!", Image(b"no picture")), InputError, "in no known format"),
        (asked("?", "!", Video(make_clip(8)[:300])), InputError, "video"),
        (asked("?", "!", number=float("nan")), DataError, "cannot be written as JSON"),
        (asked("?", "!", number={1, 2}), DataError, "cannot be written as JSON"),
        (asked("?\ud800", "!"), DataError, "cannot be written as JSON"),
    ],
)
def test_what_cannot_be_stored_is_named(sample: Sample, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        encode_sample(sample)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"{}",
        b'{"messages": 3}',
        b"\xff",
        b"[" * 100_000,
        b'{"task": "x", "messages": [], "provenance": {"generator": "x"}, "facts": {}}',
    ],
)
def test_damaged_records_are_data_errors(record: bytes) -> None:
    with pytest.raises(DataError, match="record of a sample"):
        decode_sample({"json": record})


def test_a_record_without_its_picture_is_refused() -> None:
    files = dict(encode_sample(drawn(1)[0]).files)
    del files["0.png"]
    with pytest.raises(DataError, match=r"lacks '0\.png'"):
        decode_sample(files)
