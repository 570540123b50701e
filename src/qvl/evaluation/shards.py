"""A run in parts: which questions are whose, and putting answers together again.

key -> in_shard;  folders of parts -> merge_runs -> one folder
"""

import hashlib
import re
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from qvl.errors import ConfigError, DataError
from qvl.evaluation.answers import AnswerFile, read_answers
from qvl.evaluation.manifest import add_hashes, read_manifest, write_manifest
from qvl.evaluation.run import read_failures, write_failures
from qvl.evaluation.same_run import SAME_RUN, check_same, differences

# Each shard has its own questions; all are of one number.
_SAME = (*(name for name in SAME_RUN if name not in ("prompts", "shard")), "limit")


def read_shard(text: str) -> tuple[int, int]:
    """Returns number, from 1, and count.

    >>> read_shard("2/8")
    (2, 8)

    Raises:
        ConfigError: it is none.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"shard is {text!r}, expected one such as 2/8")
    return int(match[1]), int(match[2])


def in_shard(key: str, shard: tuple[int, int]) -> bool:
    """Whether a question belongs to a part: by its key alone, whatever else there is."""
    number, count = shard
    digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") % count == number - 1


def merge_runs(folders: Sequence[Path], output: Path) -> int:
    """Puts the answers of all parts of one benchmark into one folder; returns their number.

    Raises:
        DataError: they are not parts of one run, or not each of them once, or the folder has
            answers of another run.
    """
    whole = _whole(folders)
    check_same(output, whole)
    output.mkdir(parents=True, exist_ok=True)
    write_manifest(output, whole)  # first: what is cut off here is still known to be of this run
    file = AnswerFile(output)
    failures: dict[str, str] = {}
    for folder in folders:
        file.append([answer for answer in read_answers(folder) if answer.key not in file.keys])
        failures |= read_failures(folder)
    write_failures(output, failures)
    return len(file.keys)


def _whole(folders: Sequence[Path]) -> dict[str, Any]:
    """The manifest of all parts together."""
    manifests = [read_manifest(folder) for folder in folders]
    for folder, manifest in zip(folders, manifests, strict=True):
        if missing := [name for name in ("shard", "broken") if name not in manifest]:
            raise DataError(
                f"the manifest of {folder} has no {' and no '.join(missing)}",
                hint="an earlier qvl made it: ask its part again",
            )
        if other := differences(manifests[0], manifest, _SAME):
            raise DataError(f"{folder} is a part of another run than {folders[0]}: {other[0]}")
    shards = [read_shard(str(manifest["shard"])) for manifest in manifests]
    count = shards[0][1]
    missing_parts = [f"{n}/{count}" for n in range(1, count + 1) if (n, count) not in shards]
    if missing_parts:
        raise DataError(f"parts {', '.join(missing_parts)} of the run are missing")
    if len(shards) != count:
        raise DataError(f"{len(shards)} folders hold {count} parts, expected each part once")
    whole = {**manifests[0], "shard": "1/1", "parts": len(folders)}
    for name in ("questions", "broken"):
        whole[name] = sum(int(manifest[name]) for manifest in manifests)
    whole["prompts"] = reduce(add_hashes, [str(manifest["prompts"]) for manifest in manifests])
    return whole
