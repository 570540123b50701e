"""Writing checkpoints while training goes on.

Owns: the copy in main memory, the thread that writes it, and that a checkpoint is complete or not
there. Does not own when (``trainer``) or what (``state``).

    save -> wait for the one before -> room on disk? -> copy -> back to training
              thread: tensors -> hashes of all ranks -> marker -> rename -> old ones removed
"""

import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions

from qvl.errors import CheckpointError
from qvl.geometry import PixelLimits
from qvl.training.checkpoint.adapters import Adapters
from qvl.training.checkpoint.folder import (
    CHECKPOINTS,
    METADATA,
    Keeping,
    Marker,
    StoredFile,
    describe_file,
    name_of,
    prune,
    put_in_place,
    require_space,
    typed_errors,
    write_marker,
)
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.rng import generator_state
from qvl.training.checkpoint.state import RANDOM, Position, TrainState
from qvl.training.checkpoint.storage import num_bytes_of, write_tensors

_PACKAGES = ("qvl", "torch", "numpy")


class CheckpointWriter:
    """Saves a run's state; at most one checkpoint is being written.

    Made on every rank; every rank makes the same calls. As a context it waits for the last one.

    Args:
        run_folder: of the run; every rank must see it under this name.
        group: of the ranks that save together.
        keeping: which checkpoints stay.
        fingerprint: of the run's configuration.
        base_model: hub name or folder of the model that the run began from.
        limits: of its pictures where they are not the model's.
        layout: how parameters are laid out over ranks, in words.
        adapters: if the state holds adapters only, what they are on.
    """

    def __init__(
        self,
        run_folder: Path,
        group: CheckpointGroup,
        *,
        keeping: Keeping | None = None,
        fingerprint: str = "",
        base_model: str = "",
        limits: PixelLimits | None = None,
        layout: str = "",
        adapters: Adapters | None = None,
    ) -> None:
        self.folder = run_folder / CHECKPOINTS
        self.group, self.keeping = group, keeping or Keeping()
        self._fingerprint, self._base_model = fingerprint, base_model
        self._limits, self._layout, self._adapters = limits, layout, adapters
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None
        cuda = torch.cuda.is_available()
        self._stager = DefaultStager(
            StagingOptions(
                use_pinned_memory=cuda,
                use_shared_memory=False,
                use_async_staging=False,
                use_non_blocking_copy=cuda,
            )
        )

    def save(self, state: TrainState, position: Position, *, wait: bool = False) -> None:
        """Copies the state and writes it in the background; training may go on at once.

        Args:
            state: what to save.
            position: where in the run it is.
            wait: return when it is written; what is in main memory is then not copied, which
                would double what a run on the CPU holds.

        Raises:
            CheckpointError: the one before could not be written, or this one has no room.
        """
        self.finish()
        tensors = {**state.tensors(), f"{RANDOM}/{self.group.rank}": generator_state()}
        part = self.folder / f"{name_of(position.updates)}.part"
        self.group.first(lambda: self._begin(part, num_bytes_of(tensors)))
        stands_still = wait and all(tensor.device.type == "cpu" for tensor in tensors.values())
        copied = tensors if stands_still else self._stager.stage(tensors)
        assert isinstance(copied, dict)  # not asynchronous
        self._writing = self._thread.submit(self._write, part, copied, position)
        if wait:
            self.finish()

    def finish(self) -> None:
        """Waits for the checkpoint that is being written.

        Raises:
            CheckpointError: it could not be written.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.finish()
        except CheckpointError:
            if error is None:  # else what stopped the run is said, and this is its consequence
                raise
        finally:
            self._thread.shutdown()
            self._stager.close()

    def _begin(self, part: Path, num_bytes: int) -> None:
        with typed_errors(self.folder, "written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            if part.exists():
                shutil.rmtree(part)
            require_space(self.folder, num_bytes)
            part.mkdir()

    def _write(self, part: Path, tensors: Mapping[str, Tensor], position: Position) -> None:
        try:
            write_tensors(part, tensors, self.group)
            gathered = self.group.gather(self._files_of_this_rank(part))
            self.group.first(lambda: self._complete(part, position, gathered))
        except CheckpointError:
            if self.group.rank == 0:  # what was written of it takes room that is scarce
                shutil.rmtree(part, ignore_errors=True)
            raise
        except RuntimeError as error:  # the group of ranks broke
            raise CheckpointError(
                f"{part} was not completed: another rank stopped ({str(error).splitlines()[0]})",
                hint="see what that rank says",
            ) from error

    def _files_of_this_rank(self, part: Path) -> dict[str, StoredFile] | str:
        """Sizes and hashes of what this rank wrote, or why they cannot be told."""
        rank = self.group.rank
        try:
            paths = sorted(part.glob(f"__{rank}_*"))
            if rank == 0:
                paths.append(part / METADATA)
            return {path.name: describe_file(path) for path in paths}
        except OSError as error:
            return f"rank {rank}: {error.strerror or error}"

    def _complete(
        self, part: Path, position: Position, gathered: list[dict[str, StoredFile] | str]
    ) -> None:
        files: dict[str, StoredFile] = {}
        for found in gathered:
            if isinstance(found, str):
                raise CheckpointError(f"{part} cannot be read again: {found}")
            files.update(found)
        unseen = [name for name in files if not (part / name).is_file()]
        if unseen:
            raise CheckpointError(
                f"{part} lacks {unseen[0]}, which another rank wrote",
                hint="the folder of a run must be one that all machines share",
            )
        marker = Marker(
            position=position,
            world_size=self.group.world,
            versions={name: version(name) for name in _PACKAGES},
            files=files,
            fingerprint=self._fingerprint,
            base_model=self._base_model,
            limits=self._limits,
            layout=self._layout,
            adapters=self._adapters,
        )
        with typed_errors(part, "completed"):
            write_marker(part, marker)
            put_in_place(part, part.with_suffix(""))
            prune(self.folder, self.keeping)
