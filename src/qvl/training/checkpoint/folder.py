"""Folders of checkpoints: names, what makes one complete, which are kept.

Owns: the marker with sizes and hashes that is written last, cleaning up, keeping the newest. Does
not own tensors.

    checkpoints/step-00001200/        complete: it has a marker, and was renamed to this name
    checkpoints/step-00001400.part/   being written, or left by a run that was killed
    checkpoints/step-00001000.damaged/  put aside because its bytes are not those that were written
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qvl.errors import CheckpointError, ConfigError
from qvl.geometry import PixelLimits
from qvl.training.checkpoint.adapters import Adapters
from qvl.training.checkpoint.state import Position

CHECKPOINTS = "checkpoints"
"""Their folder inside a run's."""
MARKER = "checkpoint.json"
METADATA = ".metadata"
"""Where torch.distributed.checkpoint lists the tensors."""
FORMAT = 1

_NAME = re.compile(r"step-(\d{8,12})")
_LEFT_BEHIND = re.compile(_NAME.pattern + r"(\.part|\.old)")
# A marker names a few files per rank and a few facts; more is not ours.
_MAX_MARKER_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """Which checkpoints stay.

    Attributes:
        newest: so many of the newest, at least 1.
        every: also those after every so many updates.
    """

    newest: int = 2
    every: int | None = None

    def __post_init__(self) -> None:
        if self.newest < 1 or (self.every is not None and self.every < 1):
            raise ConfigError(
                f"keeping is newest={self.newest}, every={self.every}, expected at least 1"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """Size and SHA-256 of one file."""

    num_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """What makes a folder a checkpoint.

    Attributes:
        position: where the run was.
        world_size: ranks that saved.
        layout: how parameters were laid out over them, in words.
        fingerprint: of the run's configuration.
        base_model: hub name or folder of the model that the run began from, or "".
        limits: of its pictures where they are not the model's.
        versions: of packages.
        files: every other file of the folder.
        adapters: of a checkpoint that holds adapters only, what they are on.
    """

    position: Position
    world_size: int
    layout: str
    fingerprint: str
    base_model: str
    limits: PixelLimits | None
    versions: Mapping[str, str]
    files: Mapping[str, StoredFile]
    adapters: Adapters | None = None


def name_of(updates: int) -> str:
    """Returns the folder's name.

    >>> name_of(1200)
    'step-00001200'
    """
    return f"step-{updates:08d}"


def updates_of(path: Path) -> int:
    """Undoes `name_of`."""
    return int(path.name.removeprefix("step-"))


def complete(folder: Path) -> list[Path]:
    """Returns the folders that have a marker, oldest first."""
    if not folder.is_dir():
        return []
    found = [p for p in folder.iterdir() if _NAME.fullmatch(p.name) and (p / MARKER).is_file()]
    return sorted(found, key=updates_of)


def write_marker(folder: Path, marker: Marker) -> None:
    """Writes it, on disk before this returns."""
    body = {
        "format": FORMAT,
        "position": marker.position.to_json(),
        "world_size": marker.world_size,
        "layout": marker.layout,
        "fingerprint": marker.fingerprint,
        "base_model": marker.base_model,
        "limits": None if marker.limits is None else asdict(marker.limits),
        "versions": dict(marker.versions),
        "adapters": None if marker.adapters is None else marker.adapters.to_json(),
        "files": {
            name: {"num_bytes": file.num_bytes, "sha256": file.sha256}
            for name, file in sorted(marker.files.items())
        },
    }
    with (folder / MARKER).open("w", encoding="utf-8") as out:
        json.dump({**body, "sha256": _hash_of(body)}, out, indent=2)
        out.flush()
        os.fsync(out.fileno())


def read_marker(folder: Path) -> Marker:
    """Reads a checkpoint's marker.

    Raises:
        ValueError: it is damaged.
        CheckpointError: a newer version of this package wrote it.
        OSError: it cannot be read.
    """
    path = folder / MARKER
    if path.stat().st_size > _MAX_MARKER_BYTES:
        raise ValueError(f"{MARKER} has more than {_MAX_MARKER_BYTES:,} bytes")
    raw = json.loads(path.read_bytes())
    if not isinstance(raw, dict) or raw.pop("sha256", None) != _hash_of(raw):
        raise ValueError(f"{MARKER} is not what was written")
    if raw.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has the format {raw.get('format')!r}, expected {FORMAT}",
            hint="another version of qvl wrote it; use that version",
        )
    try:
        files = {name: StoredFile(**file) for name, file in raw["files"].items()}
        if any(Path(name).name != name for name in files) or METADATA not in files:
            raise ValueError(f"{MARKER} names files outside its folder, or no {METADATA}")
        limits = raw.get("limits")  # written since adapters carry them
        return Marker(
            position=Position.from_json(raw["position"]),
            world_size=int(raw["world_size"]),
            layout=str(raw["layout"]),
            fingerprint=str(raw["fingerprint"]),
            base_model=str(raw["base_model"]),
            limits=None if limits is None else PixelLimits(**limits),
            versions=dict(raw["versions"]),
            files=files,
            adapters=None if raw["adapters"] is None else Adapters.from_json(raw["adapters"]),
        )
    except (KeyError, TypeError, AttributeError, ConfigError) as error:
        raise ValueError(f"{MARKER} lacks what a checkpoint has: {error}") from error


def describe_file(path: Path) -> StoredFile:
    """Reads a file whole and returns its size and hash."""
    with path.open("rb") as file:
        return StoredFile(
            sha256=hashlib.file_digest(file, "sha256").hexdigest(), num_bytes=file.tell()
        )


def find_damage(folder: Path, files: Iterable[tuple[str, StoredFile]]) -> str | None:
    """Returns what is wrong with the first file that is not as it was written, if one is not."""
    for name, written in files:
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        size = path.stat().st_size
        if size != written.num_bytes:
            return f"{name} has {size:,} bytes, {written.num_bytes:,} were written"
        if describe_file(path) != written:
            return f"{name} does not hold the bytes that were written"
    return None


def clean(folder: Path) -> None:
    """Removes what a killed run left behind: parts, and folders without a marker."""
    if not folder.is_dir():
        return
    for path in list(folder.iterdir()):
        before = path.with_suffix("")
        if path.suffix == ".old" and _NAME.fullmatch(before.name) and not before.exists():
            path.rename(before)  # killed before the new one had its name
            continue
        unfinished = _NAME.fullmatch(path.name) and not (path / MARKER).exists()
        if path.is_dir() and (unfinished or _LEFT_BEHIND.fullmatch(path.name)):
            shutil.rmtree(path)


def put_aside(path: Path) -> None:
    """Renames a damaged checkpoint, so that it is neither used nor counted as one to keep."""
    aside = path.with_name(f"{path.name}.damaged")
    if aside.exists():
        shutil.rmtree(aside)
    path.rename(aside)


def put_in_place(part: Path, folder: Path) -> None:
    """Gives a complete folder its name, on disk before this returns."""
    _sync(part)
    if folder.exists():  # the same step again, after a change that made an earlier run start over
        old = folder.with_name(f"{folder.name}.old")
        folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old)
    else:
        part.rename(folder)
    _sync(folder.parent)


def prune(folder: Path, keeping: Keeping) -> None:
    """Removes the checkpoints that need not be kept."""
    for path in complete(folder)[: -keeping.newest]:
        if keeping.every is None or updates_of(path) % keeping.every:
            # Without its marker it is no checkpoint, so a kill in between leaves no broken one.
            (path / MARKER).unlink()
            shutil.rmtree(path)


def require_space(folder: Path, num_bytes: int) -> None:
    """Refuses to begin writing what will not fit.

    Raises:
        CheckpointError: the disk has less room.
    """
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise CheckpointError(
            f"{folder} has {free / 1e9:.3f} GB free, a checkpoint needs {num_bytes / 1e9:.3f} GB: "
            f"{(num_bytes - free) / 1e9:.3f} GB are missing",
            hint="make room and repeat the command; the run goes on from its last checkpoint",
        )


@contextmanager
def typed_errors(folder: Path, doing: str) -> Iterator[None]:
    """Raises what the system says about a folder as an error for people."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be {doing}: {error.strerror or error}",
            hint="the run goes on from its last checkpoint when this is mended",
        ) from error


def _hash_of(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
