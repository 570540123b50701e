"""From what a user names a model by to a folder on this machine.

Owns: what counts as a folder and what as a hub name, the local cache first, one download otherwise.
Does not own what is in the folder (``folder``).

    None -> the embedded model | path -> that folder | "owner/name" -> cache, else download
"""

import re
from pathlib import Path

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.folder import CONFIG, weight_files
from qvl.errors import CheckpointError

# Everything a model needs and nothing that can run: no pickles, no code.
_PATTERNS = ("*.json", "*.txt", "*.jinja", "LICENSE*", "README.md")
_WEIGHTS = "*.safetensors"
# Source: the hub's rule for repository names, huggingface_hub validate_repo_id.
_HUB_NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*", re.ASCII)


def resolve(
    model: str | Path | None = None, *, revision: str | None = None, weights: bool = True
) -> Path:
    """The folder of a model.

    Args:
        model: a folder, a hub name such as "Qwen/Qwen2.5-VL-3B-Instruct", or None for the tiny
            model that ships with the package.
        revision: branch, tag or commit of a hub name.
        weights: whether they are needed; without them a download is a few megabytes.

    Raises:
        CheckpointError: there is no such folder, or the name is neither in the local cache nor can
            be fetched.
    """
    if model is None:
        return EMBEDDED
    name = str(model)
    path = Path(name).expanduser()
    try:
        if name and path.is_dir():  # an empty name would be this very folder
            return path
        is_file = path.is_file()
    except (OSError, ValueError) as error:  # too long for a path, or with a zero byte
        raise CheckpointError(f"{name[:80]!r} is neither a folder nor a hub name") from error
    if is_file:
        hint = f"give the folder it is in: {path.parent}"
        raise CheckpointError(f"{name} is a file, expected a model's folder", hint=hint)
    if isinstance(model, Path) or not _HUB_NAME.fullmatch(name):
        raise CheckpointError(
            f"{name[:200]!r} is neither a folder here nor a hub name",
            hint="a hub name reads owner/name, such as Qwen/Qwen2.5-VL-3B-Instruct",
        )
    from huggingface_hub.errors import HFValidationError

    try:
        return _cached(name, revision, weights) or _download(name, revision, weights)
    except HFValidationError as error:
        raise CheckpointError(f"{name!r} is not a name that the hub allows") from error


def _patterns(weights: bool) -> list[str]:
    return [*_PATTERNS, _WEIGHTS] if weights else list(_PATTERNS)


def _cached(name: str, revision: str | None, weights: bool) -> Path | None:
    """The snapshot in the local cache, if it has all that is asked for."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                name, revision=revision, local_files_only=True, allow_patterns=_patterns(weights)
            )
        )
        if weights:
            weight_files(folder)
    except (LocalEntryNotFoundError, CheckpointError):  # never fetched, or not to the end
        return None
    return folder if (folder / CONFIG).is_file() else None


def _download(name: str, revision: str | None, weights: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: its client's
        GatedRepoError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        XetDownloadError,
    )

    try:
        folder = snapshot_download(name, revision=revision, allow_patterns=_patterns(weights))
    except GatedRepoError as error:
        hint = f"accept its terms at https://huggingface.co/{name}, then run `hf auth login`"
        raise CheckpointError(f"access to {name} needs permission", hint=hint) from error
    except RepositoryNotFoundError as error:
        hint = "check the spelling; a private model needs `hf auth login`"
        raise CheckpointError(f"the hub has no model {name}", hint=hint) from error
    except RevisionNotFoundError as error:
        raise CheckpointError(f"{name} has no revision {revision!r}") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise CheckpointError(
            f"{name} is not in the local cache and the hub cannot be reached",
            hint=f"run `hf download {name}` where there is a network, or give a folder",
        ) from error
    except (HTTPError, XetDownloadError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"{name} could not be fetched: {reason}") from error
    if weights:
        weight_files(Path(folder))  # without a network, what is there may be half a model
    return Path(folder)
