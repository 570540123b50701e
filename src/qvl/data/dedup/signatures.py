"""Pass one of a search for duplicates: what stands for every sample, part by part on disk.

Owns: signatures of samples, the files of a part, doing parts in several processes and only once.
Does not own: signatures of texts (``minhash``) and of pictures (``pictures``), what is a duplicate
(``duplicates``).

    source[i] -> content, text, pictures -> SIGNATURES/00007.*.npy, 00007.json -> SignatureFolder

Memory holds one part, whatever the number of samples. The files are the same for every number of
processes; a part with its marker is not done again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qvl.data.atomic import whole_file
from qvl.data.dedup.minhash import NO_TEXT, MinHash
from qvl.data.dedup.pictures import THUMBNAIL_BYTES, picture_signature
from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.media import media_hashes
from qvl.data.parts import FAULTS
from qvl.data.processes import in_processes
from qvl.data.records import Sample
from qvl.data.shard_index import write_json
from qvl.data.sources import Source
from qvl.data.texts import turns_text, words_of
from qvl.errors import DataError
from qvl.messages import Image, Video
from qvl.processing.image import load_image

PER_PART = 10_000
_RECORD = "signatures.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureOptions:
    """What stands for a sample.

    Attributes:
        text: how texts are compared.
        score: name of the score in a sample's provenance by which the best of a group is kept;
            None keeps the first.
    """

    text: MinHash = field(default_factory=MinHash)
    score: str | None = None


@dataclass(kw_only=True)
class _Columns:
    """The signatures of a part's samples, in order."""

    contents: list[bytes] = field(default_factory=list)
    texts: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    num_pictures: list[int] = field(default_factory=list)
    videos: list[int] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    thumbnails: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    num_unreadable: int = 0

    def arrays(self, options: SignatureOptions) -> dict[str, npt.NDArray[Any]]:
        size, count = options.text.size, len(self.texts)
        texts = np.array(self.texts, np.uint32).reshape(count, size)
        return {
            "contents": np.frombuffer(b"".join(self.contents), np.uint64).reshape(count, 2),
            "texts": texts,
            "has_text": texts[:, 0] != NO_TEXT,
            "keys": options.text.band_keys(texts),
            "scores": np.array(self.scores, np.float64),
            "num_pictures": np.array(self.num_pictures, np.int32),
            "videos": np.array(self.videos, np.uint64),
            "bits": np.array(self.bits, np.uint64),
            "thumbnails": np.array(self.thumbnails, np.uint8).reshape(-1, THUMBNAIL_BYTES),
        }


def content_of(sample: Sample) -> bytes:
    """16 bytes that are equal for samples with the same words in the same turns and the same media.

    Case, punctuation and white space do not count, nor do the options of pictures.
    """
    parts = [
        " ".join(words_of(line)) for line in turns_text(sample).split("\n")
    ]  # a change of line is kept: "1\n2" is not "12"
    hashes = [media_hashes(part) for part in media_of(sample.conversation)]
    plain = json.dumps([parts, hashes]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(plain, digest_size=16).digest()


def write_signatures(
    source: Source,
    folder: Path,
    *,
    options: SignatureOptions,
    processes: int = 1,
    per_part: int = PER_PART,
) -> "SignatureFolder":
    """Makes the signatures of all samples, those that are not there yet.

    A sample that cannot be read has a signature like no other: the run that follows names it.

    Args:
        source: of the samples.
        folder: new, or of an earlier call.
        options: what stands for a sample.
        processes: to share the parts.
        per_part: samples in memory at once in each process.

    Raises:
        DataError: the folder cannot be written, or a process was killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = range(-(-len(source) // per_part))
    shared = (source, folder, options, per_part)
    most = max(1, min(processes, len(parts)))
    for _ in in_processes(_do_part, shared, parts, processes=most):
        pass
    finish(folder, num_samples=len(source), num_parts=len(parts), num_bands=options.text.bands)
    return SignatureFolder(folder)


def save_columns(folder: Path, part: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Writes the columns of a part, each whole or not at all."""
    for name, array in arrays.items():
        with whole_file(folder / f"{part:05d}.{name}.npy") as file:
            np.save(file, array)


def finish(folder: Path, *, num_samples: int, num_parts: int, num_bands: int) -> None:
    """Writes down what the folder holds; with it the signatures are complete."""
    record = {"samples": num_samples, "parts": num_parts, "bands": num_bands}
    write_json(folder / _RECORD, record)


def _do_part(shared: tuple[Source, Path, SignatureOptions, int], part: int) -> None:
    source, folder, options, per_part = shared
    numbers = range(part * per_part, min((part + 1) * per_part, len(source)))
    key = fingerprint(options, content_of, source.fingerprint(numbers.start, numbers.stop))
    marker = folder / f"{part:05d}.json"
    try:
        if json.loads(marker.read_text())["key"] == key:
            return
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not done, or damaged
    columns = _Columns()
    for number in numbers:
        try:
            _add(columns, source[number], options)
        except FAULTS:
            _add_unreadable(columns, number, options)
    marker.unlink(missing_ok=True)
    save_columns(folder, part, columns.arrays(options))
    write_json(marker, {"key": key, "samples": len(numbers), "unreadable": columns.num_unreadable})


def _add(columns: _Columns, sample: Sample, options: SignatureOptions) -> None:
    pictures = [part for part in media_of(sample.conversation) if isinstance(part, Image)]
    found = [picture_signature(load_image(part.source)) for part in pictures]
    content, videos = content_of(sample), _videos_of(sample)
    text = options.text.signature(turns_text(sample))
    scores = sample.provenance.scores
    score = 0.0 if options.score is None else float(scores.get(options.score, 0.0))
    # Nothing fails from here on: columns stay equally long.
    columns.contents.append(content)
    columns.texts.append(text)
    columns.scores.append(score)
    columns.num_pictures.append(len(found))
    columns.videos.append(videos)
    columns.bits += [signature.bits for signature in found]
    columns.thumbnails += [signature.thumbnail for signature in found]


def _videos_of(sample: Sample) -> int:
    """64 bits that are equal for the same files of videos in the same order; 0 without any."""
    videos = [part for part in media_of(sample.conversation) if isinstance(part, Video)]
    if not videos:
        return 0
    plain = json.dumps([media_hashes(part) for part in videos]).encode()
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little") | 1


def _add_unreadable(columns: _Columns, number: int, options: SignatureOptions) -> None:
    columns.contents.append(hashlib.blake2b(b"unreadable %d" % number, digest_size=16).digest())
    columns.texts.append(options.text.signature(""))
    columns.scores.append(0.0)
    columns.num_pictures.append(0)
    columns.videos.append(0)
    columns.num_unreadable += 1


class SignatureFolder:
    """The signatures of a set, read a column at a time.

    Args:
        folder: written by `write_signatures`.

    Raises:
        DataError: it is not finished, or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            record = json.loads((folder / _RECORD).read_text())
            self.num_samples, self._num_parts = int(record["samples"]), int(record["parts"])
            self.num_bands = int(record["bands"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{folder} holds no finished signatures", hint="make them with write_signatures"
            ) from error

    def column(self, name: str) -> npt.NDArray[Any]:
        """A small column of all samples, in memory: contents, scores, has_text, ...."""
        return np.concatenate(list(self._parts(name)))

    def band(self, number: int) -> npt.NDArray[np.uint64]:
        """The keys of one band of all samples: uint64[N]."""
        return np.concatenate([part[number] for part in self._parts("keys")])

    def texts(self) -> "Rows":
        """The signatures of all texts, uint32[N, size], which stay on disk."""
        return Rows(list(self._parts("texts")))

    def thumbnails(self) -> npt.NDArray[np.uint8]:
        """Those of all pictures: uint8[P, 48]."""
        return self.column("thumbnails")

    def _parts(self, name: str) -> Iterator[npt.NDArray[Any]]:
        for part in range(self._num_parts):
            path = self.folder / f"{part:05d}.{name}.npy"
            try:
                yield np.load(path, mmap_mode="r" if name in ("texts", "keys") else None)
            except (OSError, ValueError) as error:
                raise DataError(
                    f"{path} cannot be read: {error}", hint="remove it and make signatures again"
                ) from error


class Rows:
    """Rows of several arrays on disk, by number."""

    def __init__(self, parts: Sequence[npt.NDArray[Any]]) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])

    def __getitem__(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        part_of = np.searchsorted(self._starts, numbers, side="right") - 1
        found = np.empty((len(numbers), self._parts[0].shape[1]), self._parts[0].dtype)
        for part in np.unique(part_of).tolist():
            here = part_of == part
            found[here] = self._parts[part][numbers[here] - self._starts[part]]
        return found
