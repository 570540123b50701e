"""Detection sets in COCO's format: one picture at a time, with the boxes in it.

Owns: the file's three lists and how they hang together. Does not own pictures (``pictures``), nor
masks.

    annotations.json -> CocoPicture(file name, [(category, box, crowd), ...]), ...
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.layouts.rows import MAX_JSON_BYTES
from qvl.geometry import Box


@dataclass(frozen=True, kw_only=True, slots=True)
class CocoBox:
    """One annotation."""

    category: str
    box: Box
    """In original_px."""
    area: float
    """Of the object, in square pixels; of the box where none is stated."""
    is_crowd: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CocoPicture:
    """One picture with its annotations."""

    where: str
    """File and number, for people."""
    number: str
    """Its id in the file."""
    file_name: str
    boxes: tuple[CocoBox, ...]


def coco_categories(content: dict[str, Any]) -> dict[Any, str]:
    """Names of the categories by their ids, in the order of the file."""
    return {item["id"]: str(item["name"]) for item in content["categories"]}


def read_coco(path: Path) -> tuple[list[str], Iterator[CocoPicture]]:
    """Reads a file.

    Returns:
        Names of the categories in the order of the file; the pictures in the order of the file.

    Raises:
        DataError: there is no such file, it is too large, or is no COCO file.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DataError(f"{path} is larger than {MAX_JSON_BYTES:,} bytes")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    try:
        names = coco_categories(content)
        boxes: dict[Any, list[CocoBox]] = defaultdict(list)
        for item in content["annotations"]:
            boxes[item["image_id"]].append(_box(item, names))
        pictures = [
            CocoPicture(
                where=f"{path.name}: image {item['id']}",
                number=str(item["id"]),
                file_name=str(item["file_name"]),
                boxes=tuple(boxes[item["id"]]),
            )
            for item in content["images"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is no COCO file: {type(error).__name__} {error}",
            hint="it has the lists images, annotations and categories",
        ) from error
    return list(names.values()), iter(pictures)


def _box(item: dict[str, Any], names: dict[Any, str]) -> CocoBox:
    x, y, width, height = (float(number) for number in item["bbox"])
    return CocoBox(
        category=names[item["category_id"]],
        box=Box(x, y, x + width, y + height),
        area=float(item.get("area", width * height)),
        is_crowd=bool(item.get("iscrowd", 0)),
    )
