"""A person's data, looked at before anything is trained: what can be used, and what is held out.

Owns: the checks of all samples, keeping what they found, the validation split. Does not own:
reading formats (``data.interchange``), one sample's checks (``data.lint``), sizes
(``data.lengths``), packs.

    file or folder -> open_data -> measure, checks -> Examined (sizes, faults, groups) -> split()
        -> numbers to train on, numbers to validate on

Every picture is decoded once here, so that a damaged one is found before hours of training and not
after them; in sets of more than `DECODED` samples only headers are read.
"""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from qvl.data.atomic import whole_file
from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.annotations import Problem
from qvl.data.interchange.opening import Data, where
from qvl.data.lengths import Lengths, measure, too_long
from qvl.data.lint import CoordinateEvidence, check_sample, turn_problems
from qvl.data.media import media_hashes
from qvl.data.places import places
from qvl.data.records import Sample
from qvl.errors import QvlError
from qvl.geometry import PixelLimits
from qvl.messages import Text
from qvl.processing.processor import Processor

DECODED = 20_000
"""Samples of which every picture is decoded: minutes on one core."""
MOST_VALIDATED = 200
"""Samples held out at most: enough to see a loss turn, few enough to score often."""
_MOST_LISTED = 1000
_LEAST_TO_SPLIT = 10

Numbers = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""Told what is done, of how many samples, and of how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """What is known of S samples before training.

    Attributes:
        lengths: their sizes.
        is_usable: bool[S], whether a sample can be trained on.
        groups: uint64[S], equal for samples about the same picture, or with the same question where
            there is none.
        faults: the first reasons why samples cannot be trained on.
        notes: what is odd but can be trained on.
    """

    lengths: Lengths
    is_usable: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.uint64]
    faults: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def usable(self) -> Numbers:
        """Numbers of the samples that can be trained on."""
        return np.flatnonzero(self.is_usable)

    @property
    def num_faulty(self) -> int:
        """How many cannot be."""
        return int((~self.is_usable).sum())


def examine(
    data: Data,
    processor: Processor,
    *,
    max_tokens: int,
    folder: Path,
    pairs: bool = False,
    processes: int = 1,
    progress: Progress = lambda what, done, of: None,
) -> Examined:
    """Looks at every sample, without keeping any; what was seen is not looked at again.

    Args:
        data: of conversations.
        processor: of the model that is trained.
        max_tokens: a sample that is longer is a fault: nothing is cut.
        folder: keeps what was found.
        pairs: a sample without a rejected answer is a fault.
        processes: that measure.
        progress: see `Progress`.
    """
    lengths = measure(
        data,
        processor,
        folder=folder,
        processes=processes,
        progress=lambda done, of: progress("measured", done, of),
    )
    key = fingerprint(lengths.identity, processor.settings, pairs)
    found = _read(folder / "checked.npz", key)
    if found is None:
        found = _check(data, processor.settings.limits, progress, pairs=pairs)
        _write(folder / "checked.npz", key, found)
    is_usable = found.is_sound & (lengths.tokens > 0)
    longer = np.flatnonzero(is_usable & (lengths.tokens > max_tokens))
    faults = [*found.faults]
    for number in longer[:_MOST_LISTED].tolist():
        message = too_long(int(lengths.tokens[number]), max_tokens)
        faults.append(Problem(where(data, number), message))
    is_usable[longer] = False
    return Examined(
        lengths=lengths,
        is_usable=is_usable,
        groups=found.groups,
        faults=tuple(faults),
        notes=found.notes,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checked:
    """What the checks alone have found; it depends on no length."""

    is_sound: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.uint64]
    faults: tuple[Problem, ...]
    notes: tuple[str, ...]


def _check(data: Data, limits: PixelLimits, progress: Progress, *, pairs: bool) -> _Checked:
    size = len(data)
    checks = check_sample if size <= DECODED else turn_problems
    is_sound = np.zeros(size, bool)
    groups = np.zeros(size, np.uint64)
    faults: list[Problem] = []
    oddities = _Oddities(limits)
    for number in range(size):
        if number % 100 == 0:
            progress("checked", number, size)
        try:
            sample = data[number]
            problems = [*checks(sample)]
            if pairs and not sample.rejected:
                problems.append(
                    "there is no rejected answer, expected the keys chosen and rejected"
                )
            if not problems:
                groups[number] = _group(sample)
                if size <= DECODED:
                    oddities.add(sample)
        except QvlError as error:
            problems = [error.message.removeprefix(f"{where(data, number)}: ")]
        is_sound[number] = not problems
        if problems and len(faults) < _MOST_LISTED:
            faults.append(Problem(where(data, number), problems[0]))
    progress("checked", size, size)
    return _Checked(
        is_sound=is_sound, groups=groups, faults=tuple(faults), notes=oddities.notes(size)
    )


def split(examined: Examined, *, share: float) -> tuple[Numbers, Numbers]:
    """Returns the numbers to train on and those to validate on.

    Samples about one picture stay on one side, so that validation does not ask about what was
    trained on. Which side is decided by the hash of the picture, so that it stays there when the
    file is sorted anew or grows.

    Args:
        examined: with at least one usable sample.
        share: of the samples to hold out, and one at least is trained on; 0 holds out none, and
            neither do fewer than 10 samples.
    """
    usable = examined.usable
    wanted = min(int(np.ceil(share * len(usable))), len(usable) - 1, MOST_VALIDATED)
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


class _Oddities:
    """What can be trained on and is probably not meant."""

    def __init__(self, limits: PixelLimits) -> None:
        self._limits = limits
        self._evidence = CoordinateEvidence()
        self._seen: set[bytes] = set()
        self._doubles = self._outside = 0

    def add(self, sample: Sample) -> None:
        found = places(sample, self._limits)
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


def _write(path: Path, key: str, found: _Checked) -> None:
    said = json.dumps({"key": key, "faults": found.faults, "notes": found.notes})
    hint = "free some room, or give another folder with --output"
    with whole_file(path, hint=hint) as file:
        np.savez_compressed(file, said=np.array(said), is_sound=found.is_sound, groups=found.groups)


def _read(path: Path, key: str) -> _Checked | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            said = json.loads(str(file["said"]))
            if said["key"] != key:
                return None
            return _Checked(
                is_sound=file["is_sound"],
                groups=file["groups"],
                faults=tuple(Problem(*fault) for fault in said["faults"]),
                notes=tuple(said["notes"]),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error):
        return None  # damaged: look again
