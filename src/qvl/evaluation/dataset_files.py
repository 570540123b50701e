"""Where a benchmark's files lie: a folder that was named, or the hub's cache.

Owns finding the folder. Does not own reading it (``layouts``, ``benchmarks``).
"""

from pathlib import Path

from qvl.errors import DataError, MissingDependencyError


def dataset_folder(source: str, *, data: Path | None = None, name: str = "") -> Path:
    """Returns the folder of a dataset.

    Args:
        source: id on the hub, such as "lmms-lab/DocVQA".
        data: a folder that holds the files, or one with a folder of the benchmark's name; None
            asks the hub, its cache first.
        name: of the benchmark.

    Raises:
        DataError: there is no such folder, and the hub has none or cannot be reached.
    """
    if data is not None:
        for folder in (data / name, data):
            if folder.is_dir():
                return folder
        raise DataError(f"{data} is not a folder, expected the files of {source}")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingDependencyError(
            "datasets from the hub need huggingface-hub", hint="pip install huggingface-hub"
        ) from error
    try:
        return Path(snapshot_download(source, repo_type="dataset"))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise DataError(
            f"{source} is not in the hub's cache and cannot be fetched: "
            f"{str(error).splitlines()[0]}",
            hint=f"name a folder with its files: --data DIR (DIR/{name} or DIR itself)",
        ) from error
