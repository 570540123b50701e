"""Records of the published collections of interleaved documents.

Owns: the two shapes they come in. Does not own: files of records (``annotations``, ``parquet``),
the documents themselves (``interleaved``).

    {"texts": [..., None], "images": [None, ...], "metadata": ...} -> read_document() -> Document
    {"text_list": [...], "image_info": [...]}                      -> read_document() -> Document

Source: HuggingFaceM4/OBELICS dataset card ("Data Fields"; OmniCorpus has the same columns);
allenai/mmc4 README ("Documents": text_list, image_info with matched_text_index).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from qvl.data.interleaved import Document, Node, Picture, paragraphs_of
from qvl.errors import DataError
from qvl.geometry import ImageSize
from qvl.options import shown, type_name

_MAX_NODES = 10_000


def is_document(record: Mapping[Any, Any]) -> bool:
    """Whether a record is a document of paragraphs and pictures.

    >>> is_document({"texts": ["A cup."], "images": [None]}), is_document({"messages": []})
    (True, False)
    """
    if isinstance(record.get("text_list"), list | tuple):
        return "image_info" in record
    texts = record.get("texts")
    return (
        isinstance(texts, list | tuple)
        and isinstance(record.get("images"), list | tuple)
        and not any(isinstance(text, Mapping) for text in texts)
    )


def read_document(record: Mapping[Any, Any], *, locate: Callable[[Any], Any]) -> Document:
    """Returns the document that a record states.

    Args:
        record: for which `is_document` is true.
        locate: what the record calls a picture -> its file, its bytes, or the address as it is.

    Raises:
        DataError: the record is malformed; the message says how.
    """
    if "text_list" in record:
        return _matched(record, locate)
    return _aligned(record, locate)


def _aligned(record: Mapping[Any, Any], locate: Callable[[Any], Any]) -> Document:
    """Two lists of one length, of which one has something at each place."""
    texts, images = list(record["texts"]), list(record["images"])
    if len(texts) != len(images) or len(texts) > _MAX_NODES:
        raise DataError(
            f"record has {len(texts)} texts and {len(images)} images, expected as many of both, at "
            f"most {_MAX_NODES:,}"
        )
    told = _decoded(record.get("metadata"), "metadata", list)
    if told and len(told) != len(texts):
        raise DataError(f"metadata has {len(told)} entries for {len(texts)} texts and images")
    general = _decoded(record.get("general_metadata"), "general_metadata", dict)
    nodes: list[Node] = []
    for number, (text, image) in enumerate(zip(texts, images, strict=True)):
        if (text is None) == (image is None):
            raise DataError(f"place {number} has both or neither of a text and an image")
        if image is None:
            nodes += _paragraphs(text, number)
            continue
        known = told[number] if told and isinstance(told[number], Mapping) else {}
        nodes.append(_picture(locate(image), known))
    address = general.get("url") if general else record.get("url")
    return Document(nodes=tuple(nodes), address=address if isinstance(address, str) else "")


def _matched(record: Mapping[Any, Any], locate: Callable[[Any], Any]) -> Document:
    """Sentences, and pictures that each belong before one of them."""
    texts, images = record["text_list"], record["image_info"]
    if not isinstance(images, list | tuple) or len(texts) + len(images) > _MAX_NODES:
        raise DataError(
            f"image_info is {shown(images)}, expected a list, and at most {_MAX_NODES:,} of images "
            "and sentences"
        )
    before: dict[int, list[Picture]] = {}
    for number, image in enumerate(images):
        place = image.get("matched_text_index") if isinstance(image, Mapping) else None
        if not isinstance(place, int) or not 0 <= place < len(texts):
            raise DataError(
                f"image {number} belongs to sentence {shown(place)}, expected 0 to {len(texts) - 1}"
            )
        name = image.get("image_name") or image.get("raw_url")
        before.setdefault(place, []).append(_picture(locate(name), image))
    nodes: list[Node] = []
    for number, text in enumerate(texts):
        nodes += before.get(number, ())
        nodes += _paragraphs(text, number)
    address = record.get("url")
    return Document(nodes=tuple(nodes), address=address if isinstance(address, str) else "")


def _paragraphs(text: Any, number: int) -> list[Any]:
    if not isinstance(text, str):
        raise DataError(f"text {number} is a {type_name(text)}, expected a string")
    return paragraphs_of(text)


def _picture(source: Any, known: Mapping[Any, Any]) -> Picture:
    sides = (
        known.get("original_height", known.get("height")),
        known.get("original_width", known.get("width")),
    )
    is_sized = all(isinstance(side, int) and 0 < side < 10**6 for side in sides)
    alt = known.get("alt_text")
    words = known.get("words")
    return Picture(
        source=source,
        alt=alt if isinstance(alt, str) else "",
        words=words if isinstance(words, str) else "",
        size=ImageSize(*sides) if is_sized else None,
    )


def _decoded(value: Any, name: str, kind: type) -> Any:
    """A value that may be JSON inside a string; None when there is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{name} is no JSON: {error}") from error
    if value is not None and not isinstance(value, kind):
        raise DataError(f"{name} is a {type_name(value)}, expected a {kind.__name__}")
    return value
