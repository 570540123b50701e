"""Finding the checkpoint to go on from, and filling a run's tensors from it.

Owns: which checkpoint is good, what is refused. Does not own building the model and optimiser
that are filled (``trainer``).

    folder -> find_latest -> Saved(position, ...) -> check_source -> load_state -> TrainState
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.checkpoint.metadata import Metadata

from qvl.checkpoint.folder import some
from qvl.errors import CheckpointError, ConfigError
from qvl.training.checkpoint.adapters import Adapters, check_base
from qvl.training.checkpoint.folder import (
    CHECKPOINTS,
    Marker,
    StoredFile,
    clean,
    complete,
    find_damage,
    put_aside,
    read_marker,
    typed_errors,
    updates_of,
)
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.rng import set_generator_state
from qvl.training.checkpoint.state import (
    EMA,
    OPTIMISER,
    OTHER,
    PARAMETERS,
    RANDOM,
    Position,
    TrainState,
)
from qvl.training.checkpoint.storage import read_listing, read_tensors, shapes_of

_Shapes = Mapping[str, tuple[torch.Size, torch.dtype]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A checkpoint whose bytes are those that were written.

    Attributes:
        path: its folder.
        marker: what it says about itself.
        listing: of its tensors.
        notes: what a user should know, such as that a newer one was damaged.
    """

    path: Path
    marker: Marker
    listing: Metadata
    notes: tuple[str, ...] = ()

    @property
    def position(self) -> Position:
        """Where the run was."""
        return self.marker.position

    def shapes(self, part: str) -> dict[str, tuple[torch.Size, torch.dtype]]:
        """Names with shapes and dtypes of one part: PARAMETERS, OPTIMISER, EMA or RANDOM."""
        start = f"{part}/"
        return {
            key.removeprefix(start): entry
            for key, entry in shapes_of(self.listing).items()
            if key.startswith(start)
        }


def find_latest(run_folder: Path, group: CheckpointGroup) -> Saved | None:
    """Returns the newest good checkpoint of a run, or None if it has none yet.

    Removes what a killed run left unfinished. A damaged checkpoint is put aside and the one before
    it taken; the files are read whole, divided among the ranks.

    Raises:
        CheckpointError: there are checkpoints, but none is good; or they cannot be read.
    """
    folder = run_folder / CHECKPOINTS

    def begin() -> list[Path]:
        with typed_errors(folder, "cleaned"):
            clean(folder)
            return complete(folder)

    notes: list[str] = []
    for path in reversed(group.first(begin)):
        saved = _open(path, group)
        if isinstance(saved, Saved):
            return replace(saved, notes=tuple(notes))
        notes.append(f"{path.name} is damaged ({saved}) and was put aside")
        group.first(partial(_put_aside, path))
    if notes:
        raise CheckpointError(
            f"no checkpoint in {folder} is good: {'; '.join(notes)}",
            hint="give the run another folder to start again",
        )
    return None


def open_checkpoint(run_folder: Path, *, updates: int | None = None) -> Saved:
    """Returns a checkpoint to read only: the newest, or the one after so many updates.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    folder = run_folder / CHECKPOINTS
    paths = complete(folder)
    wanted = paths[-1:]
    if updates is not None:
        wanted = [p for p in paths if updates_of(p) == updates]
    if not wanted:
        has = ", ".join(p.name for p in paths) or "none"
        raise CheckpointError(
            f"{folder} has no checkpoint{f' of step {updates}' if updates is not None else ''}",
            hint=f"it has: {has}",
        )
    saved = _open(wanted[0], CheckpointGroup())
    if isinstance(saved, str):
        raise CheckpointError(f"{wanted[0]} is damaged: {saved}", hint="choose another --step")
    return saved


def check_source(saved: Saved, source: str, *, allow_change: bool) -> None:
    """Refuses to go on with other data, or the same in other packs or another order.

    Args:
        saved: the checkpoint.
        source: identity of the data of the stage it was saved in, as they are now.
        allow_change: go on all the same.

    Raises:
        ConfigError: the identities differ.
    """
    before = saved.position.source
    if before != source and not allow_change:
        raise ConfigError(
            f"stage {saved.position.stage_name!r} has other data or packs than when "
            f"{saved.path.name} was saved: {source or 'none'} instead of {before or 'none'}",
            hint="give back the same files, mixture, seed, epochs and sizes of packs and steps; or "
            "set allow_data_change=true: samples may then be seen twice or never",
        )


def load_state(
    saved: Saved, state: TrainState, group: CheckpointGroup, *, adapters: Adapters | None = None
) -> None:
    """Fills parameters, averages and the optimiser in place, and sets the random generators.

    Sharded and plain tensors are filled from either. Parameters that the optimiser has and the
    checkpoint's had not begin afresh.

    Args:
        saved: from `find_latest`.
        state: to be filled.
        group: of all ranks.
        adapters: of a run that trains adapters only, what they are on.

    Raises:
        CheckpointError: the checkpoint is of another model, or cannot be read.
    """
    _check_adapters(saved, adapters)
    _check_same(saved, PARAMETERS, state.parameters)
    _check_same(saved, EMA, state.ema)
    state.make_moments(saved.shapes(OPTIMISER))
    known = shapes_of(saved.listing)
    tensors = {
        key: tensor
        for key, tensor in state.tensors().items()
        # What the loop remembers may change with its settings, and then begins afresh.
        if not key.startswith(f"{OTHER}/") or known.get(key) == (tensor.shape, tensor.dtype)
    }
    random = {
        f"{RANDOM}/{rank}": torch.zeros(shape, dtype=dtype)
        for rank, (shape, dtype) in saved.shapes(RANDOM).items()
        if rank == str(group.rank)
    }
    read_tensors(saved.path, {**tensors, **random}, saved.listing, group)
    for value in random.values():
        set_generator_state(value)


def _open(path: Path, group: CheckpointGroup) -> Saved | str:
    """The checkpoint, or what is wrong with it; the same on every rank."""
    marker = group.first(lambda: _marker(path))
    if isinstance(marker, str):
        return marker
    files: list[tuple[str, StoredFile]] = sorted(marker.files.items())
    found = group.gather(_look(path, files[group.rank :: group.world]))
    for damage, unreadable in found:
        if unreadable is not None:
            raise CheckpointError(f"{path} cannot be read: {unreadable}")
        if damage is not None:
            return damage
    return Saved(path=path, marker=marker, listing=group.first(lambda: read_listing(path)))


def _marker(path: Path) -> Marker | str:
    with typed_errors(path, "read"):
        try:
            return read_marker(path)
        except ValueError as error:
            return str(error)


def _look(path: Path, files: Iterable[tuple[str, StoredFile]]) -> tuple[str | None, str | None]:
    """What is damaged, and why it cannot be told: no rank raises while the others wait for it."""
    try:
        return find_damage(path, files), None
    except OSError as error:
        return None, str(error.strerror or error)


def _put_aside(path: Path) -> None:
    with typed_errors(path, "put aside"):
        put_aside(path)


def _check_adapters(saved: Saved, ours: Adapters | None) -> None:
    theirs = saved.marker.adapters
    if (theirs is None) != (ours is None):
        kinds = ("the whole model", "adapters only")
        raise CheckpointError(
            f"{saved.path} holds {kinds[theirs is not None]}, the run trains "
            f"{kinds[ours is not None]}",
            hint="use another folder for this run",
        )
    if theirs is not None and ours is not None:
        check_base(theirs, ours.base_sums, where=str(saved.path))


def _check_same(saved: Saved, part: str, tensors: Mapping[str, Tensor]) -> None:
    """Raises if names, shapes or dtypes differ."""
    stored: _Shapes = saved.shapes(part)
    ours = {name: (t.shape, t.dtype) for name, t in tensors.items()}
    problems = {
        "only in the checkpoint": [n for n in stored if n not in ours],
        "only in the run": [n for n in ours if n not in stored],
        "unlike": [
            f"{n} {_words(stored[n])} instead of {_words(ours[n])}"
            for n in ours
            if n in stored and stored[n] != ours[n]
        ],
    }
    found = [f"{len(names)} {what} ({some(names)})" for what, names in problems.items() if names]
    if found:
        raise CheckpointError(
            f"{saved.path} was saved by another model: of its {part}, {'; '.join(found)}",
            hint="use another folder for this run, or the model and stages it was begun with",
        )


def _words(entry: tuple[torch.Size, torch.dtype]) -> str:
    return f"{list(entry[0])} {str(entry[1]).removeprefix('torch.')}"
