"""Writes samples with boxes and masks as a COCO file.

Owns: the file, the pictures beside it. Does not own: reading such files (``coco``).

    samples -> write_coco() -> instances.json + instances_media/
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qvl.data.atomic import whole_file
from qvl.data.encoding import media_of
from qvl.data.interchange.annotations import Problem
from qvl.data.masks import read_counts
from qvl.data.media import stored, suffix_of
from qvl.data.places import places
from qvl.data.records import Sample
from qvl.errors import DataError, QvlError
from qvl.geometry import Box
from qvl.messages import Image
from qvl.processing.image import measure_size


def write_coco(samples: Iterable[Sample], path: Path) -> tuple[int, list[Problem]]:
    """Writes the first picture of each sample with its boxes as a COCO file; returns how many, and
    which could not be written.

    Boxes and masks are those of the sample's facts where it has some, else those its answers state.

    Args:
        samples: in order.
        path: ends in ``.json`` and does not exist; pictures are written beside it.

    Raises:
        DataError: the name is taken, or ends otherwise.
    """
    if path.suffix != ".json":
        raise DataError(f"{path.name} ends in {path.suffix!r}, expected .json")
    if path.exists():
        raise DataError(f"{path} already exists", hint="give a new name")
    media = path.with_name(f"{path.name.split('.')[0]}_media")
    media.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    licences: dict[str, int] = {}
    problems: list[Problem] = []
    for number, sample in enumerate(samples):
        try:
            data = _first_picture(sample)
            size = measure_size(data)
            found = _instances(sample)
        except QvlError as error:
            problems.append(Problem(f"sample {number}", error.message))
            continue
        file = media / f"{number:09d}.{suffix_of(data)}"
        file.write_bytes(data)
        licence = licences.setdefault(sample.provenance.licence, len(licences) + 1)
        images.append(
            {"id": number, "file_name": f"{media.name}/{file.name}", "width": size.width,
             "height": size.height, "license": licence}
        )  # fmt: skip
        for item in found:
            category = categories.setdefault(item["name"], len(categories) + 1)
            annotations.append(_annotation(item, len(annotations) + 1, number, category))
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for name, i in categories.items()],
        "licenses": [{"id": i, "name": name, "url": ""} for name, i in licences.items()],
    }
    with whole_file(path) as part:
        part.write(json.dumps(content, ensure_ascii=False).encode())
    return len(images), problems


def _first_picture(sample: Sample) -> bytes:
    pictures = [item for item in media_of(sample.conversation) if isinstance(item, Image)]
    if not pictures:
        raise DataError("has no picture")
    return stored(pictures[0]).files[0]


def _instances(sample: Sample) -> list[dict[str, Any]]:
    things = sample.facts.get("things")
    if isinstance(things, list) and all(
        isinstance(item, dict) and {"name", "box"} <= item.keys() for item in things
    ):
        return things
    found = [
        {"name": place.label or "object", "box": [*place.shape]}
        for place in places(sample)
        if isinstance(place.shape, Box) and place.picture == 0
    ]
    if not found:
        raise DataError("states no box of its first picture")
    return found


def _annotation(item: Mapping[str, Any], number: int, image: int, category: int) -> dict[str, Any]:
    x1, y1, x2, y2 = item["box"]
    found = {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
        "area": round((x2 - x1) * (y2 - y1), 2),
        "iscrowd": int(bool(item.get("is_crowd"))),
    }
    if "segmentation" in item:
        found["segmentation"] = item["segmentation"]
        if isinstance(item["segmentation"], dict):
            found["area"] = sum(read_counts(item["segmentation"]["counts"])[1::2])
    if "score" in item:
        found["score"] = item["score"]
    return found
