"""What a run was: everything a score depends on, written before the first answer.

Owns the file. Does not own telling two runs apart (``same_run``), nor running (``run``).

    Benchmark, questions, Subject -> make_manifest -> manifest.json
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from qvl.data.atomic import whole_file
from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question
from qvl.messages import Conversation, Image, Text, Video

MANIFEST = "manifest.json"

_NEEDED = ("benchmark", "version", "split", "prompts", "questions")
_MOD = 2**256
_PACKAGES = ("qvl", "torch", "numpy", "pillow", "tokenizers", "safetensors", "av")


def make_manifest(
    benchmark: Benchmark,
    questions: Iterable[Question],
    *,
    split: str,
    model: Mapping[str, Any],
    computing: Mapping[str, str],
    inputs: Mapping[str, Any],
    data: str = "",
    limit: int | None = None,
    shard: str = "1/1",
    command: str = "",
) -> dict[str, Any]:
    """Returns the manifest of a run; reads through all questions.

    Args:
        benchmark: that is run.
        questions: of the run.
        split: of the benchmark.
        model: what answers: folder and hash of its files, or address and name.
        computing: dtype and type of the device, which change answers.
        inputs: pixel limits and what else the model's own settings say.
        data: folder of the files, which in the hub's cache has the name of their revision.
        limit: most questions, if there was a limit.
        shard: number and count of the part that is run.
        command: as it was typed.

    Raises:
        DataError: a key comes twice, or the whole has no question.
    """
    asked = Asked()
    for question in questions:
        if question.key in asked.keys:
            raise DataError(f"{benchmark.name} has two questions {question.key!r}, expected one")
        asked.add(question)
    if not asked.keys and shard == "1/1":  # a part may have none
        raise DataError(f"{benchmark.name} has no questions in the split {split!r}")
    manifest = {
        "benchmark": benchmark.name,
        "version": benchmark.version,
        "split": split,
        "data": data,
        "questions": len(asked.keys),
        "broken": asked.broken,
        "prompts": asked.prompts,
        "limit": limit,
        "shard": shard,
        "decoding": asdict(benchmark.params),
        "model": dict(model),
        "computing": dict(computing),
        "inputs": dict(inputs),
        "judge": None if benchmark.judge is None else benchmark.judge.version,
        "versions": _versions(),
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "system": platform.system(),
        },
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
    }
    plain: dict[str, Any] = json.loads(json.dumps(manifest))  # as it will be read
    return plain


class Asked:
    """Which questions there are, gathered while they go by.

    Attributes:
        keys: of all of them.
        broken: how many cannot be asked.
    """

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.broken = 0
        self._sum = 0

    def add(self, question: Question) -> None:
        """Takes one question."""
        self.keys.add(question.key)
        self.broken += bool(question.broken)
        line = json.dumps([question.key, prompt_text(question.conversation)])
        digest = hashlib.sha256(line.encode("utf-8", "replace")).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % _MOD

    @property
    def prompts(self) -> str:
        """One hash of keys and prompts, in whatever order they came."""
        return f"{self._sum:064x}"


def add_hashes(a: str, b: str) -> str:
    """Returns the hash of the prompts of two sets of questions together: the sum of both."""
    return f"{(int(a, 16) + int(b, 16)) % _MOD:064x}"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def prompt_text(conversation: Conversation) -> list[Any]:
    """A conversation without the content of its media, as plain values: what a prompt's hash is
    taken of."""
    found: list[Any] = [list(map(str, conversation.tools or ()))]
    for message in conversation.messages:
        found.append([message.role, [_part(part) for part in message.content]])
    return found


def _part(part: object) -> Any:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Image | Video):
        options = {
            name: value
            for name in part.__dataclass_fields__
            if name != "source" and (value := getattr(part, name)) is not None
        }
        return [type(part).__name__, options]
    return str(part)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes it, replacing an earlier one at once."""
    with whole_file(folder / MANIFEST) as file:
        file.write((json.dumps(manifest, indent=2) + "\n").encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads the manifest of a run.

    Raises:
        DataError: there is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise DataError(f"{folder} is not the folder of a run: no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    missing = [name for name in _NEEDED if not isinstance(found, dict) or name not in found]
    if missing:
        raise DataError(f"{path} is not the manifest of a run: it has no {', '.join(missing)}")
    return dict(found)


def hash_of_files(folder: Path, pattern: str = "*.safetensors") -> str:
    """Returns one hash of the files of a model's folder, by names and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        with open(path, "rb") as file:
            total.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def model_identity(folder: Path, *, name: str = "", adapter: Path | None = None) -> dict[str, Any]:
    """Returns what a manifest says of a model in a folder, with its adapter if it has one.

    Args:
        folder: of the weights.
        name: by which it was asked for; empty for the folder's.
        adapter: folder of one that is merged into it.
    """
    found = {"folder": str(folder), "name": name or folder.name, "weights": hash_of_files(folder)}
    if adapter is not None:
        found["adapter"] = hash_of_files(adapter, "adapter_*")
    return found
