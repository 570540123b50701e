"""A run in parts: which questions are whose, and putting answers together again.

key -> in_shard;  folders of parts -> merge_runs -> one folder
"""

import hashlib
import re
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from qvl.errors import ConfigError, DataError
from qvl.evaluation.answers import AnswerFile, read_answers
from qvl.evaluation.manifest import (
    SAME_RUN,
    add_hashes,
    differences,
    read_manifest,
    write_manifest,
)
from qvl.evaluation.run import read_failures, write_failures

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
        DataError: they are not parts of one run, or not all of them.
    """
    manifests = [read_manifest(folder) for folder in folders]
    for folder, manifest in zip(folders, manifests, strict=True):
        if other := differences(manifests[0], manifest, _SAME):
            raise DataError(f"{folder} is a part of another run than {folders[0]}: {other[0]}")
    shards = sorted(read_shard(str(manifest["shard"])) for manifest in manifests)
    wanted = [(number, shards[0][1]) for number in range(1, shards[0][1] + 1)]
    if shards != wanted:
        missing = [f"{a}/{b}" for a, b in wanted if (a, b) not in shards]
        raise DataError(f"parts {', '.join(missing) or 'are there twice'} of the run are missing")
    file = AnswerFile(output)
    failures: dict[str, str] = {}
    for folder in folders:
        file.append([answer for answer in read_answers(folder) if answer.key not in file.keys])
        failures |= read_failures(folder)
    write_failures(output, failures)
    whole = {**manifests[0], "shard": "1/1", "parts": len(folders)}
    whole["questions"] = sum(int(manifest["questions"]) for manifest in manifests)
    whole["broken"] = sum(int(manifest["broken"]) for manifest in manifests)
    hashes = [int(str(manifest["prompts"]), 16) for manifest in manifests]
    whole["prompts"] = f"{reduce(add_hashes, hashes):064x}"
    write_manifest(output, whole)
    return len(file.keys)
