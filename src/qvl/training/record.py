"""What a run was: written before its first step, so that any result can be traced and made
again."""

import hashlib
import json
import os
import platform
from dataclasses import fields, is_dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from qvl.data.atomic import whole_file

_PACKAGES = ("qvl", "torch", "numpy", "pillow", "tokenizers", "safetensors")


def write_record(folder: Path, configuration: object) -> Path:
    """Writes ``run.json`` beside the results: configuration, versions, hardware.

    Args:
        folder: of the run.
        configuration: a dataclass; what has no form in JSON is named by its class.

    Raises:
        DataError: it cannot be written.
    """
    record = {
        "configuration": _plain(configuration),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in _PACKAGES}},
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }
    path = folder / "run.json"
    with whole_file(path, hint="give a folder that can be written with --output") as file:
        file.write(f"{json.dumps(record, indent=2)}\n".encode())
    return path


def fingerprint(configuration: object) -> str:
    """Returns a hash of a configuration, of what `write_record` writes of it but its folder."""
    plain = _plain(configuration)
    plain.pop("folder", None)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """Returns a configuration as JSON values; functions by their names and fixed arguments."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, partial):
        return {"function": _plain(value.func), **_plain(value.keywords)}
    if isinstance(value, int | float | bool | str | Path | None):
        return str(value) if isinstance(value, Path) else value
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"
