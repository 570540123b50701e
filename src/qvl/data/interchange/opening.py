"""Finds out what a file or folder of training data is.

Owns: the choice of a reader by name and content. Does not own: the readers.
"""

from pathlib import Path

from qvl.data.interchange.annotations import AnnotationFile
from qvl.data.interchange.coco import CocoFile, is_coco
from qvl.data.interchange.parquet import ParquetFiles
from qvl.data.interchange.web_pages import WebPages
from qvl.data.shard_index import INDEX
from qvl.data.shards import ShardReader
from qvl.errors import DataError
from qvl.geometry import PixelLimits
from qvl.processing.settings import DEFAULT_LIMITS

Data = AnnotationFile | CocoFile | ParquetFiles | ShardReader | WebPages


def open_data(
    path: Path,
    *,
    root: Path | None = None,
    licence: str = "",
    whole: bool = True,
    limits: PixelLimits = DEFAULT_LIMITS,
) -> Data:
    """Opens shards, annotation files, parquet files or web pages.

    Args:
        path: a folder of shards, parquet files or pages, or a file in JSON, JSONL, parquet or HTML.
        root: folder of the media that records name; None for that of the file.
        licence: SPDX name of the terms of found data; empty when it is not known.
        whole: refuse a list in JSON that breaks off; else what stands before the fault is opened,
            and the fault is a record that cannot be read.
        limits: of the model that reads boxes, where the file has them in pixels of the original.

    Raises:
        DataError: it is none of these, or it breaks off; or the root is no folder.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist, expected a file or folder of training data")
    if root is not None and not root.is_dir():
        raise DataError(f"{root} is no folder, expected the one that holds the media of {path}")
    if path.is_dir():
        if not (path / INDEX).exists():
            if any(path.glob("*.parquet")):
                return ParquetFiles(path, root=root, licence=licence)
            if any(path.rglob("*.html")) or any(path.rglob("*.htm")):
                return WebPages(path, root=root, licence=licence)
        return ShardReader(path)
    if path.suffix == ".json" and is_coco(path):
        return CocoFile(path, root=root, licence=licence, limits=limits)
    if path.suffix in (".json", ".jsonl"):
        file = AnnotationFile(path, root=root, licence=licence)
        if whole and file.fault:
            raise DataError(file.fault, hint="fetch or write the file again; nothing was done")
        return file
    if path.suffix == ".parquet":
        return ParquetFiles(path, root=root, licence=licence)
    if path.suffix in (".html", ".htm"):
        return WebPages(path, root=root, licence=licence)
    raise DataError(
        f"{path.name} ends in {path.suffix!r}, expected .json, .jsonl, .parquet, .html or a folder"
    )


def where(data: Data, number: int) -> str:
    """Returns the place of a sample, as messages name it."""
    return f"sample {number}" if isinstance(data, ShardReader) else data.where(number)
