"""Samples on disk: WebDataset tars with an index beside them for random access.

Owns the files. A sample is ``KEY.json`` and its pictures ``KEY.0.png``, ``KEY.1.png``, ...; the
index knows where each lies, so that any sample is one seek away and any tar reader can read the
shards without it.

    samples -> write_shards -> shard-00000.tar ... + index.json -> ShardReader -> samples
Source of the naming: the WebDataset format (members of a sample share what stands before the first
dot and follow one another).
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from qvl.data.records import DenseTargets, Provenance, Sample
from qvl.errors import DataError
from qvl.messages import Conversation, Image, Message, Text

_INDEX = "index.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where one member of a tar has its bytes."""

    shard: str
    offset: int
    size: int


def write_shards(samples: Iterable[Sample], folder: Path, *, per_shard: int = 1000) -> int:
    """Writes samples in order and returns how many; a shard appears complete or not at all.

    Args:
        samples: pictures must be arrays; other media belong to files of their own.
        folder: new or empty.
        per_shard: samples in a tar.

    Raises:
        DataError: the folder holds shards already, or a sample has media that is no array.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / _INDEX).exists():
        raise DataError(f"{folder} already holds shards", hint="give a new folder")
    places: list[dict[str, dict[str, Any]]] = []
    hashes: dict[str, str] = {}
    batch: list[Sample] = []

    def close() -> None:
        name = f"shard-{len(hashes):05d}.tar"
        found, digest = _write_shard(folder / name, batch, first=len(places))
        places.extend(found)
        hashes[name] = digest
        batch.clear()

    for sample in samples:
        batch.append(sample)
        if len(batch) == per_shard:
            close()
    if batch:
        close()
    part = folder / f"{_INDEX}.part"
    part.write_text(json.dumps({"sha256": hashes, "samples": places}))
    part.replace(folder / _INDEX)
    return len(places)


def _write_shard(
    path: Path, samples: list[Sample], *, first: int
) -> tuple[list[dict[str, dict[str, Any]]], str]:
    part = path.with_suffix(".part")
    places = []
    with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, sample in enumerate(samples, start=first):
            members = _members(sample)
            places.append(
                {
                    name: asdict(_add(tar, path.name, f"{number:09d}.{name}", data))
                    for name, data in members.items()
                }
            )
    with open(part, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    part.replace(path)
    return places, digest


def _add(tar: tarfile.TarFile, shard: str, name: str, data: bytes) -> _Place:
    """Adds a member; owner and time stay zero, so equal samples make equal files."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    offset = tar.offset + tarfile.BLOCKSIZE  # an USTAR header of a short name is one block
    tar.addfile(member, io.BytesIO(data))
    return _Place(shard=shard, offset=offset, size=len(data))


def _members(sample: Sample) -> dict[str, bytes]:
    """Returns the files of a sample by their endings, its description last."""
    members: dict[str, bytes] = {}
    messages = []
    for message in sample.conversation.messages:
        content = []
        for part in message.content:
            if isinstance(part, Text):
                content.append({"type": "text", "text": part.text})
            elif isinstance(part, Image) and isinstance(part.source, np.ndarray):
                name = f"{len(members)}.png"
                file = io.BytesIO()
                PIL.Image.fromarray(part.source).save(file, "PNG", compress_level=1)
                members[name] = file.getvalue()
                content.append({"type": "image", "image": name})
            else:
                raise DataError(
                    f"a {type(part).__name__} of a {sample.task!r} sample is no array of pixels",
                    hint="decode media before writing shards",
                )
        messages.append({"role": message.role, "content": content})
    targets = sample.targets
    record = {
        "task": sample.task,
        "messages": messages,
        "provenance": asdict(sample.provenance),
        "facts": sample.facts,
        "glyphs": None if targets is None else targets.glyphs.tolist(),
        "objects": None if targets is None else targets.objects.tolist(),
    }
    members["json"] = json.dumps(record, ensure_ascii=False).encode()
    return members


class ShardReader:
    """The samples of a folder by number.

    Args:
        folder: written by `write_shards`.

    Raises:
        DataError: there is no index, or it does not fit the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            index = json.loads((folder / _INDEX).read_text())
            self._places: list[Mapping[str, Mapping[str, Any]]] = index["samples"]
            self._shards = list(index["sha256"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{folder} has no readable {_INDEX}", hint="make shards with: qvl data make"
            ) from error
        missing = [name for name in self._shards if not (folder / name).is_file()]
        if missing:
            raise DataError(f"{folder} lacks {len(missing)} of its shards, such as {missing[0]}")

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Sample:
        places = self._places[number]
        record = json.loads(self._read(places["json"]))
        messages = tuple(
            Message(m["role"], tuple(self._part(part, places) for part in m["content"]))
            for m in record["messages"]
        )
        targets = None
        if record["glyphs"] is not None:
            targets = DenseTargets(
                glyphs=np.array(record["glyphs"], np.float32).reshape(-1, 3),
                objects=np.array(record["objects"], np.float32).reshape(-1, 6),
            )
        provenance = record["provenance"]
        return Sample(
            task=record["task"],
            conversation=Conversation(messages),
            provenance=Provenance(**{**provenance, "seed": tuple(provenance["seed"])}),
            targets=targets,
            facts=record["facts"],
        )

    def draw(self, rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
        """Returns any sample: a reader can stand in a mixture like a generator."""
        return self[int(rng.integers(len(self)))]

    def _read(self, place: Mapping[str, Any]) -> bytes:
        with open(self.folder / place["shard"], "rb") as file:
            file.seek(place["offset"])
            data = file.read(place["size"])
        if len(data) != place["size"]:
            raise DataError(f"{self.folder / place['shard']} is shorter than its index says")
        return data

    def _part(
        self, part: Mapping[str, str], places: Mapping[str, Mapping[str, Any]]
    ) -> Text | Image:
        if part["type"] == "text":
            return Text(part["text"])
        data = io.BytesIO(self._read(places[part["image"]]))
        return Image(np.asarray(PIL.Image.open(data).convert("RGB")))
