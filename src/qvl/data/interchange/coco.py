"""Detection and segmentation sets in COCO's format.

Owns: the file: images, annotations, categories, licences; LVIS's notes on what was not looked for.
Does not own: masks (``data.masks``), questions about what is marked (``synth.grounding``), writing
ours in it (``coco_writing``).

    instances.json + folder of pictures -> CocoFile -> picture(number) -> AnnotatedPicture
        -> file[number] -> Sample that asks for everything

Source: https://cocodataset.org/#format-data; https://www.lvisdataset.org/dataset.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from qvl.data.annotated import AnnotatedPicture, Instance
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.annotations import MAX_JSON_BYTES
from qvl.data.masks import Polygons, RunLengths, Segmentation, written_counts
from qvl.data.records import Provenance, Sample
from qvl.errors import DataError, QvlError
from qvl.geometry import Box, ImageSize, PixelLimits
from qvl.messages import Conversation, Image, Message, Text
from qvl.options import shown
from qvl.processing.image import measure_image, measure_size
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.tasks import detection, grounding

MAX_INSTANCES = 10_000
"""Most annotations of one picture; published sets have some hundreds at most."""

_EMPTY_ASKS = 80
"""Where nothing is marked, so many names are asked for."""
_CREATIVE = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)")
_SPDX = re.compile(r"[\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+)*")
_ZERO = re.compile(r"creativecommons\.org/publicdomain/zero/(\d\.\d)")


class CocoFile:
    """The pictures of a COCO file, by number.

    An annotation that cannot be used raises a `DataError` when its picture is asked for; other
    pictures are not affected.

    Args:
        path: of the JSON file.
        root: folder of the pictures; None for that of the file.
        licence: SPDX name of the terms where the file states none.
        limits: under which a model resizes pictures; boxes are in pixels of the resized picture.

    Raises:
        DataError: the file cannot be read, is too large, or is no COCO file.
    """

    def __init__(
        self,
        path: Path,
        *,
        root: Path | None = None,
        licence: str = "",
        limits: PixelLimits = DEFAULT_LIMITS,
    ) -> None:
        self.path = path
        self.root = path.parent if root is None else root
        self.licence = licence
        self.limits = limits
        content = _read(path)
        self._images: list[Any] = _list(content, "images", path)
        self._categories = _categories(_list(content, "categories", path), path)
        self._licences = _licences(content.get("licenses"))
        self._annotations: dict[Any, list[Any]] = {}
        for annotation in _list(content, "annotations", path):
            image = annotation.get("image_id") if isinstance(annotation, dict) else None
            if isinstance(image, int | str):
                self._annotations.setdefault(image, []).append(annotation)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.root, self.licence, self.limits)

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def where(self, number: int) -> str:
        """Returns file and place of a picture, as messages name it."""
        return f"{self.path.name}: image {number}"

    @property
    def names(self) -> tuple[str, ...]:
        """All categories, in the order of the file."""
        return tuple(dict.fromkeys(name for name, _ in self._categories.values()))

    def picture(self, number: int, /) -> AnnotatedPicture:
        """Returns a picture with what is marked in it.

        Raises:
            DataError: its record or one of its annotations is damaged, or its file is missing or of
                another size.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        try:
            return self._picture(number)
        except DataError as error:
            raise DataError(f"{self.where(number)}: {error.message}", hint=error.hint) from error

    def __getitem__(self, number: int, /) -> Sample:
        """Returns a picture with the question for everything that is marked in it."""
        annotated = self.picture(number)
        assert isinstance(annotated.picture, Path)
        image = Image(annotated.picture)
        transform = measure_image(image, self.limits)
        single = [item for item in annotated.instances if not item.is_crowd]
        names = list(dict.fromkeys(item.name for item in single))
        boxes = [
            grounding.to_model_space(
                grounding.GroundedBox(box=item.box, label=item.name), transform
            )
            for item in single
        ]
        absent = [name for name in self.names if name in annotated.absent]
        question = detection.prompt(names or absent[:_EMPTY_ASKS])
        turns = (
            Message("user", (image, Text(question))),
            Message("assistant", (Text(grounding.format(boxes)),)),
        )
        return Sample(
            task="detection",
            conversation=Conversation(turns),
            provenance=Provenance(
                generator=self.path.name, licence=annotated.licence, source=annotated.source
            ),
            facts={"things": [item.to_json() for item in annotated.instances]},
        )

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the file, and of size and time of these pictures."""
        media = []
        for image in self._images[start:stop]:
            name = image.get("file_name") if isinstance(image, dict) else None
            path = self.root / name if isinstance(name, str) else self.root
            if path.is_file():
                status = path.stat()
                media.append((str(path), status.st_size, status.st_mtime_ns))
        return fingerprint(self._sha256, self.licence, self.limits, media, start, stop)

    @cached_property
    def _sha256(self) -> str:
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _picture(self, number: int) -> AnnotatedPicture:
        image = self._images[number]
        if not isinstance(image, dict) or not isinstance(image.get("id"), int | str):
            raise DataError(f"record is {shown(image)}, expected an object with an id")
        file = _below(self.root, _file_name(image))
        size = ImageSize(_side(image, "height"), _side(image, "width"))
        annotations = self._annotations.get(image["id"], [])
        if len(annotations) > MAX_INSTANCES:
            raise DataError(f"{len(annotations)} annotations, expected at most {MAX_INSTANCES}")
        instances = tuple(self._instance(item, size) for item in annotations)
        try:
            actual = measure_size(file)
        except QvlError as error:
            raise DataError(error.message) from error
        if actual != size:
            raise DataError(f"{file.name} is {actual}, its record says {size}")
        there = {item.name for item in instances}
        crowds = {item.name for item in instances if item.is_crowd}
        return AnnotatedPicture(
            picture=file,
            size=size,
            instances=instances,
            absent=self._absent(image) - there,
            unsure=frozenset(crowds | self._named(image.get("not_exhaustive_category_ids"))),
            licence=self._licences.get(image.get("license"), self.licence),
            source=f"{self.path.name}: image {image['id']}",
        )

    def _absent(self, image: Mapping[str, Any]) -> frozenset[str]:
        """COCO looked for every category in every picture; LVIS lists those it did not find."""
        if "neg_category_ids" in image:
            return self._named(image["neg_category_ids"])
        return frozenset(self.names)

    def _named(self, ids: Any) -> frozenset[str]:
        found = ids if isinstance(ids, list) else []
        return frozenset(
            self._categories[item][0]
            for item in found
            if isinstance(item, int | str) and item in self._categories
        )

    def _instance(self, annotation: Mapping[str, Any], size: ImageSize) -> Instance:
        where = f"annotation {shown(annotation.get('id'))}"
        category = annotation.get("category_id")
        if not isinstance(category, int | str) or category not in self._categories:
            raise DataError(f"{where}: category {shown(category)} is not in the file")
        name, group = self._categories[category]
        try:
            segmentation = _segmentation(annotation.get("segmentation"), size)
            box = _box(annotation.get("bbox"), size)
        except DataError as error:
            raise DataError(f"{where}: {error.message}") from error
        score = annotation.get("score", 1.0)
        return Instance(
            name=name,
            group=group,
            box=box,
            segmentation=segmentation,
            is_crowd=bool(annotation.get("iscrowd", 0)),
            score=float(score) if _is_number(score) and 0 <= score <= 1 else 1.0,
        )


def _reopened(path: Path, root: Path, licence: str, limits: PixelLimits) -> CocoFile:
    return CocoFile(path, root=root, licence=licence, limits=limits)


def is_coco(path: Path) -> bool:
    """Returns whether a JSON file begins as an object, and not as a list of records."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read(4096).lstrip().startswith("{")
    except (OSError, UnicodeDecodeError):
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > MAX_JSON_BYTES:
            raise DataError(f"{path} has {size:,} bytes, expected at most {MAX_JSON_BYTES:,}")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds {shown(content)}, expected an object with images")
    return content


def _list(content: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    value = content.get(key)
    if not isinstance(value, list):
        raise DataError(
            f"{path}: {key!r} is {shown(value)}, expected a list",
            hint="a COCO file has images, annotations and categories",
        )
    return value


def _categories(records: Sequence[Any], path: Path) -> dict[int | str, tuple[str, str]]:
    """Id -> name and wider word."""
    found: dict[int | str, tuple[str, str]] = {}
    for record in records:
        number = record.get("id") if isinstance(record, dict) else None
        name = record.get("name") if isinstance(record, dict) else None
        if not isinstance(number, int | str) or not isinstance(name, str) or not name.strip():
            raise DataError(f"{path}: category is {shown(record)}, expected an id and a name")
        group = record.get("supercategory")
        wider = _words(group) if isinstance(group, str) else ""
        found[number] = (_words(name), "" if wider == _words(name) else wider)
    return found


def _words(name: str) -> str:
    """A name as it is spoken.

    >>> _words("baseball_bat"), _words("mouse_(computer_equipment)")
    ('baseball bat', 'mouse (computer equipment)')
    """
    return " ".join(name.replace("_", " ").split())


def _licences(records: Any) -> dict[Any, str]:
    """Id -> SPDX name."""
    found = {}
    for record in records if isinstance(records, list) else []:
        if isinstance(record, dict) and isinstance(record.get("id"), int | str):
            found[record["id"]] = spdx_name(str(record.get("url")), str(record.get("name")))
    return found


def spdx_name(url: str, name: str) -> str:
    """Returns the SPDX name of terms that a file states by address and name.

    >>> spdx_name("http://creativecommons.org/licenses/by-nc-sa/2.0/", "Attribution-...")
    'CC-BY-NC-SA-2.0'
    >>> spdx_name("", "CC-BY-4.0 AND OFL-1.1")
    'CC-BY-4.0 AND OFL-1.1'
    >>> spdx_name("http://flickr.com/commons/usage/", "No known copyright restrictions")
    'LicenseRef-No-known-copyright-restrictions'
    """
    if match := _CREATIVE.search(url.lower()):
        return f"CC-{match[1].upper()}-{match[2]}"
    if match := _ZERO.search(url.lower()):
        return f"CC0-{match[1]}"
    if not url and _SPDX.fullmatch(name):  # as `write_coco` writes it
        return name
    words = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
    return f"LicenseRef-{words}" if words else ""


def _file_name(image: Mapping[str, Any]) -> str:
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        # LVIS names its pictures by their address in COCO. Source: lvisdataset.org/dataset.
        address = image.get("coco_url")
        if not isinstance(address, str) or "/" not in address:
            raise DataError(f"file_name is {shown(name)}, expected a text")
        return "/".join(address.split("/")[-2:])
    return name


def _below(root: Path, name: str) -> Path:
    path = root / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DataError(f"file_name is {shown(name)}, which leads out of {root}")
    if not path.is_file():
        raise DataError(f"{path} is missing", hint="give the folder of the pictures")
    return path


def _side(image: Mapping[str, Any], key: str) -> int:
    value = image.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**17:
        raise DataError(f"{key} is {shown(value)}, expected a whole number of pixels")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _box(value: Any, size: ImageSize) -> Box:
    """Left, top, width, height -> edges, cut at the picture's own."""
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise DataError(f"bbox is {shown(value)}, expected x, y, width and height")
    x, y, width, height = value
    x1, y1 = max(0.0, float(x)), max(0.0, float(y))
    x2, y2 = min(float(size.width), x + width), min(float(size.height), y + height)
    if x2 <= x1 or y2 <= y1:
        raise DataError(f"bbox {shown(value)} has no area in a picture of {size}")
    return Box(x1, y1, x2, y2)


def _segmentation(value: Any, size: ImageSize) -> Segmentation | None:
    if value is None or value == []:
        return None
    if isinstance(value, list):
        if not all(isinstance(part, list) and all(map(_is_number, part)) for part in value):
            raise DataError("segmentation is no list of outlines, expected lists of numbers")
        # Outlines of one or two points are in published files; they cover nothing.
        polygons: Polygons = tuple(
            tuple(float(number) for number in part)
            for part in value
            if len(part) >= 6 and len(part) % 2 == 0
        )
        return polygons or None
    if not isinstance(value, dict) or value.get("size") != [*size]:
        raise DataError(f"segmentation is {shown(value)}, expected outlines or runs of {size}")
    counts = value.get("counts")
    if isinstance(counts, str):
        return RunLengths(size=size, counts=counts)
    if isinstance(counts, list) and all(isinstance(n, int) and n >= 0 for n in counts):
        return RunLengths(size=size, counts=written_counts(counts))
    raise DataError(f"counts of a mask are {shown(counts)}, expected a text or whole numbers")
