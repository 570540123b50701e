"""A person's data, looked at before anything is trained: what can be used, how long it is, what is
held out.

Owns: one pass over all samples, keeping what it found, the validation split. Does not own: reading
formats (``data.interchange``), the checks (``data.lint``), packs (``data``).

    file or folder -> open_data -> examine() -> Examined (sizes, faults, groups) -> split()
        -> numbers to train on, numbers to validate on

Every picture is decoded once here, so that a damaged one is found before hours of training and not
after them; in sets of more than `DECODED` samples only headers are read.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.annotations import Problem
from qvl.data.interchange.opening import Data, where
from qvl.data.lint import CoordinateEvidence, check_sample, turn_problems
from qvl.data.media import media_hashes
from qvl.data.places import places
from qvl.data.records import Sample
from qvl.errors import DataError, QvlError
from qvl.messages import Image, Text
from qvl.processing.processor import Processor

DECODED = 20_000
"""Samples of which every picture is decoded: minutes on one core."""
_MOST_LISTED = 1000
_LEAST_TO_SPLIT = 10
MOST_VALIDATED = 200
"""Samples held out at most: enough to see a loss turn, few enough to score often."""

Numbers = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """What one pass found out about S samples.

    Attributes:
        tokens: int32[S], of the language model; 0 where a sample cannot be used.
        patches: int32[S], of the vision tower.
        pictures: int32[S], pictures and videos.
        groups: uint64[S], equal for samples about the same picture, or with the same question where
            there is none.
        faults: the first of those that cannot be trained on, each with its reason.
        notes: what is odd but can be trained on.
    """

    tokens: npt.NDArray[np.int32]
    patches: npt.NDArray[np.int32]
    pictures: npt.NDArray[np.int32]
    groups: npt.NDArray[np.uint64]
    faults: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def usable(self) -> Numbers:
        """Numbers of the samples that can be trained on."""
        return np.flatnonzero(self.tokens)

    @property
    def num_faulty(self) -> int:
        """How many cannot be."""
        return int((self.tokens == 0).sum())


def examine(
    data: Data, processor: Processor, *, max_tokens: int, progress: Progress | None = None
) -> Examined:
    """Looks at every sample, without keeping any.

    Args:
        data: of conversations.
        processor: of the model that is trained.
        max_tokens: a sample that is longer is a fault: nothing is cut.
        progress: called with how many samples are done, and how many there are.
    """
    size = len(data)
    tokens, patches, pictures = (np.zeros(size, np.int32) for _ in range(3))
    groups = np.zeros(size, np.uint64)
    faults: list[Problem] = []
    oddities = _Oddities()
    for number in range(size):
        if progress is not None and number % 100 == 0:
            progress(number, size)
        try:
            sample = data[number]
            checks = check_sample if size <= DECODED else turn_problems
            found = [*checks(sample)]
            bill = processor.bill(sample.conversation, add_generation_prompt=False)
            if bill.total > max_tokens:
                found.append(
                    f"{bill.total:,} tokens, {bill.media_tokens:,} of them of pictures, "
                    f"at most {max_tokens:,} are allowed"
                )
            if not found:
                tokens[number], patches[number] = bill.total, bill.num_patches
                pictures[number], groups[number] = len(bill.items), _group(sample)
                if size <= DECODED:
                    oddities.add(sample, processor)
        except QvlError as error:
            found = [error.message.removeprefix(f"{where(data, number)}: ")]
            tokens[number] = 0
        if found and len(faults) < _MOST_LISTED:
            faults.append(Problem(where(data, number), found[0]))
    if progress is not None:
        progress(size, size)
    return Examined(
        tokens=tokens,
        patches=patches,
        pictures=pictures,
        groups=groups,
        faults=tuple(faults),
        notes=oddities.notes(size),
    )


def examine_once(
    data: Data,
    processor: Processor,
    *,
    max_tokens: int,
    kept: Path,
    progress: Progress | None = None,
) -> Examined:
    """Like `examine`, and not again while neither data nor model change.

    Args:
        data: as in `examine`, like ``processor``, ``max_tokens`` and ``progress``.
        kept: file that holds what was found.
    """
    key = fingerprint(
        data.fingerprint(0, len(data)),
        processor.tokenizer.fingerprint(),
        processor.settings,
        max_tokens,
    )
    found = _read(kept, key)
    if found is None:
        found = examine(data, processor, max_tokens=max_tokens, progress=progress)
        _write(kept, key, found)
    return found


def split(examined: Examined, *, share: float) -> tuple[Numbers, Numbers]:
    """Returns the numbers to train on and those to validate on.

    Samples about one picture stay on one side, so that validation does not ask about what was
    trained on. Which side is decided by the hash of the picture, so that it stays there when the
    file is sorted anew or grows.

    Args:
        examined: with at least one usable sample.
        share: of the samples to hold out; 0 holds out none, and neither do fewer than 10 samples.
    """
    usable = examined.usable
    wanted = min(int(np.ceil(share * len(usable))), MOST_VALIDATED)
    if share <= 0 or len(usable) < _LEAST_TO_SPLIT:
        return usable, usable[:0]
    groups, of_sample, counts = np.unique(
        examined.groups[usable], return_inverse=True, return_counts=True
    )
    # Whole groups by the order of their hashes, while they do not hold out more than wanted; the
    # first one that fits is always taken.
    chosen = np.zeros(len(groups), bool)
    room = wanted
    for number, count in enumerate(counts.tolist()):
        if count <= room:
            chosen[number] = True
            room -= count
        if not room:
            break
    held_out = chosen[of_sample]
    return usable[~held_out], usable[held_out]


def refuse_faults(data: Data, examined: Examined, *, skip_bad: bool) -> None:
    """Raises a `DataError` if samples cannot be used, and they are not to be skipped or nothing
    else is there."""
    bad, size = examined.num_faulty, len(examined.tokens)
    if not size:
        raise DataError("the data has no samples", hint="give a file with at least one record")
    if bad == size:
        first = examined.faults[0]
        raise DataError(f"none of {size} samples can be used; the first: {first}")
    if bad and not skip_bad:
        raise DataError(
            f"{bad} of {size} samples cannot be used",
            hint="correct them, or train on the others with --skip-bad",
        )


class _Oddities:
    """What can be trained on and is probably not meant."""

    def __init__(self) -> None:
        self._evidence = CoordinateEvidence()
        self._seen: set[bytes] = set()
        self._doubles = self._outside = 0

    def add(self, sample: Sample, processor: Processor) -> None:
        found = places(sample, processor.settings.limits)
        self._evidence.add(found)
        self._outside += sum(not place.is_inside for place in found)
        key = hashlib.blake2b(repr(_said(sample)).encode(), digest_size=12).digest()
        self._doubles += key in self._seen
        self._seen.add(key)

    def notes(self, size: int) -> tuple[str, ...]:
        notes = []
        if size > DECODED:
            notes.append(
                f"more than {DECODED:,} samples: pictures were measured, not decoded; "
                "qvl data lint decodes all"
            )
        if self._evidence.is_thousandths:
            notes.append(
                "boxes look like thousandths of the picture; Qwen2.5-VL writes pixels of the "
                "resized picture"
            )
        elif self._outside:
            notes.append(f"{self._outside} boxes or points lie outside their picture")
        if self._doubles:
            notes.append(f"{self._doubles} samples repeat another one")
        return tuple(notes)


def _said(sample: Sample) -> list[object]:
    """Turns with their media by hash: equal for samples that are the same."""
    return [
        (
            message.role,
            [
                part.text if isinstance(part, Text) else media_hashes(part)
                for part in message.content
            ],
            message.tool_calls,
        )
        for message in sample.conversation.messages
    ]


def _group(sample: Sample) -> int:
    """A number shared by samples that should not be on both sides of a split."""
    media = media_of(sample.conversation)
    if media:
        # The first one: a logo further on may be shared by all samples.
        text = "".join(media_hashes(media[0]))
    else:
        asked = (m for m in sample.conversation.messages if m.role == "user")
        first = next(asked, None)
        parts = () if first is None else first.content
        text = "".join(part.text for part in parts if isinstance(part, Text))
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _write(path: Path, key: str, found: Examined) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"faults": found.faults, "notes": found.notes}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(part, "wb") as file:
        np.savez_compressed(
            file,
            key=np.array(key),
            said=np.array(json.dumps(said)),
            tokens=found.tokens,
            patches=found.patches,
            pictures=found.pictures,
            groups=found.groups,
        )
    part.replace(path)


def _read(path: Path, key: str) -> Examined | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            said = json.loads(str(file["said"]))
            return Examined(
                tokens=file["tokens"],
                patches=file["patches"],
                pictures=file["pictures"],
                groups=file["groups"],
                faults=tuple(Problem(*fault) for fault in said["faults"]),
                notes=tuple(said["notes"]),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error):
        return None  # damaged: look again


def first_question(data: Data, numbers: Sequence[int] | Numbers) -> tuple[str, Image | None]:
    """Returns a question of the data and its picture, to say what can be asked afterwards."""
    sample = data[int(numbers[0])]
    user = next(m for m in sample.conversation.messages if m.role == "user")
    text = " ".join(part.text.strip() for part in user.content if isinstance(part, Text))
    media = media_of(sample.conversation)
    picture = media[0] if media and isinstance(media[0], Image) else None
    return text.strip(), picture
