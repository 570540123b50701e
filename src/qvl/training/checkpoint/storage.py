"""torch.distributed.checkpoint, called in one place.

Owns: one process without a group and many with one, its warnings and its way of failing, and
reading its list of tensors without running what stands in it. Does not own which tensors.

    flat mapping of plain or sharded tensors -> write_tensors -> __RANK_0.distcp, .metadata
    folder -> read_listing -> Metadata -> read_tensors, in place, whatever the layout was
"""

import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import (
    Metadata,
    StorageMeta,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from qvl.errors import CheckpointError
from qvl.training.checkpoint.folder import METADATA
from qvl.training.checkpoint.group import CheckpointGroup

# The only things that a list of tensors is made of.
_LISTING_MODULES = {
    "torch.distributed.checkpoint.metadata": (
        "Metadata", "MetadataIndex", "TensorStorageMetadata", "TensorProperties",
        "ChunkStorageMetadata", "StorageMeta", "_MEM_FORMAT_ENCODING",
    ),
    "torch.distributed.checkpoint.filesystem": ("_StorageInfo",),
    "torch.serialization": ("_get_layout",),
    "torch": ("Size",),
    "pathlib": ("Path", "PosixPath", "WindowsPath", "PurePosixPath"),
    "collections": ("OrderedDict",),
}  # fmt: skip
# A tensor is stored with about so many bytes of its own beside its numbers.
_BYTES_PER_TENSOR = 2048


def write_tensors(folder: Path, tensors: Mapping[str, Tensor], group: CheckpointGroup) -> None:
    """Writes tensors in main memory, every rank its shards; files are on disk when this returns.

    Raises:
        CheckpointError: on every rank, if one of them cannot write.
    """
    writer = FileSystemWriter(folder, sync_files=True)
    _call(
        lambda: save(
            dict(tensors),
            storage_writer=writer,
            process_group=group.process_group,
            no_dist=group.alone,
        ),
        f"{folder} cannot be written",
    )


def read_tensors(
    folder: Path, tensors: Mapping[str, Tensor], listing: Metadata, group: CheckpointGroup
) -> None:
    """Fills tensors in place with those of the same keys; each may be laid out in its own way.

    Raises:
        CheckpointError: on every rank, if one of them cannot read.
    """
    reader = _Reader(folder, listing)
    _call(
        lambda: load(
            dict(tensors),
            storage_reader=reader,
            process_group=group.process_group,
            no_dist=group.alone,
        ),
        f"{folder} cannot be read",
    )


def num_bytes_of(tensors: Mapping[str, Tensor]) -> int:
    """Returns the bytes that tensors take on disk, over all ranks."""
    return sum(t.numel() * t.element_size() + _BYTES_PER_TENSOR for t in tensors.values())


def read_listing(folder: Path) -> Metadata:
    """Returns the list of a checkpoint's tensors.

    Raises:
        CheckpointError: it is not such a list.
    """
    try:
        with (folder / METADATA).open("rb") as file:
            listing = _ListingUnpickler(file).load()
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be read: {error.strerror or error}") from error
    except (pickle.UnpicklingError, ValueError, TypeError, AttributeError, LookupError, EOFError,
            ImportError) as error:  # fmt: skip
        raise CheckpointError(f"{folder}/{METADATA} is no list of tensors: {error}") from error
    if not isinstance(listing, Metadata):
        raise CheckpointError(f"{folder}/{METADATA} is no list of tensors")
    return listing


def shapes_of(listing: Metadata) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Returns shape and dtype of every tensor by its key."""
    return {
        key: (entry.size, entry.properties.dtype)
        for key, entry in listing.state_dict_metadata.items()
        if isinstance(entry, TensorStorageMetadata)
    }


class _ListingUnpickler(pickle.Unpickler):
    """Knows the classes of a list of tensors and nothing else: a checkpoint runs no code."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and isinstance(found := getattr(torch, name, None), torch.dtype):
            return found
        if name in _LISTING_MODULES.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


class _Reader(FileSystemReader):
    """Reads tensors by a list that was read already."""

    def __init__(self, folder: Path, listing: Metadata) -> None:
        super().__init__(folder)
        self._listing = listing

    def read_metadata(self) -> Metadata:
        listing = self._listing
        listing.storage_meta = listing.storage_meta or StorageMeta()
        return listing


def _call(action: Callable[[], object], what: str) -> None:
    """Runs a call and raises its failure, of whichever rank, as one of ours."""
    try:
        with warnings.catch_warnings():
            # One process without a group is what we ask for; torch warns of it each time.
            warnings.filterwarnings("ignore", message="torch.distributed is .*single process")
            action()
    except CheckpointException as error:
        rank, (cause, _) = next(iter(error.failures.items()))
        if not isinstance(cause, Exception):
            raise cause from None  # Ctrl-C
        raise _typed(cause, what, f" (rank {rank})" if rank else "") from cause
    except (OSError, RuntimeError, ValueError) as error:
        raise _typed(error, what, "") from error


def _typed(cause: BaseException, what: str, where: str) -> CheckpointError:
    reason = getattr(cause, "strerror", None) or (str(cause) or type(cause).__name__)
    return CheckpointError(
        f"{what}{where}: {reason.splitlines()[0]}",
        hint="the run goes on from its last complete checkpoint when this is mended",
    )
