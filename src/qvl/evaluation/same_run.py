"""Whether two runs are one, and whether answers are to these questions; if not, what differs.

Owns the words for people. Does not own what a manifest holds (``manifest``).

    two manifests -> differences -> words
    folder, manifest of a run -> check_same;  folder, questions -> check_asked
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.manifest import MANIFEST, Asked, read_manifest

# What must be the same for two runs to be one, or to be compared question by question.
SAME_RUN = (
    "benchmark",
    "version",
    "split",
    "prompts",
    "decoding",
    "model",
    "computing",
    "inputs",
    "shard",
)
COMPARABLE = ("benchmark", "version", "split", "prompts")


def differences(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Iterable[str] = SAME_RUN
) -> list[str]:
    """Returns which of the named entries differ, each with both values, for people.

    >>> differences({"split": "val"}, {"split": "test"}, ["split"])
    ["split: 'val' and 'test'"]
    >>> differences({}, {"shard": "1/1"}, ["shard"])
    ["shard: not written down and '1/1'"]
    """
    return [_difference(name, a, b) for name in names if a.get(name) != b.get(name)]


def _difference(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    if name == "rules":  # hashes tell people nothing
        return "rules: the code that scores was changed in between"
    if name == "prompts" and name in a and name in b:
        if a.get("questions") != b.get("questions"):
            return f"questions: {_short(a, 'questions')} and {_short(b, 'questions')} of them"
        if a.get("broken") != b.get("broken"):
            return f"broken: {_short(a, 'broken')} and {_short(b, 'broken')} have missing files"
        return "prompts: other questions, or asked in other words"
    return f"{name}: {_short(a, name)} and {_short(b, name)}"


def _short(manifest: Mapping[str, Any], name: str) -> str:
    if name not in manifest:
        return "not written down"
    text = repr(manifest[name])
    return text if len(text) <= 60 else text[:57] + "..."


def check_same(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raises DataError if a folder has answers of another run: they are never mixed."""
    if not (folder / MANIFEST).exists():
        return
    found = read_manifest(folder)
    other = differences(found, manifest)
    if not other:
        return
    hint = f"use another --output; qvl eval score {folder} scores the answers that are there"
    if unknown := [name for name in SAME_RUN if name not in found]:
        hint = (
            f"an earlier qvl did not write down {' and '.join(unknown)}, so nobody knows "
            f"whether the answers belong together: {hint}"
        )
    raise DataError(f"{folder} has answers of another run: {'; '.join(other)}", hint=hint)


def check_asked(asked: Asked, folder: Path, *, version: int) -> None:
    """Raises DataError if questions are not those that were asked in a folder.

    Args:
        asked: the questions whose truths would be compared with the answers there.
        folder: of the run.
        version: of the benchmark, as it is now.
    """
    manifest = read_manifest(folder)
    if asked.prompts == manifest["prompts"]:
        return
    now = {
        **manifest,
        "prompts": asked.prompts,
        "questions": len(asked.keys),
        "broken": asked.broken,
    }
    (other,) = differences(manifest, now, ["prompts"])
    since = manifest["version"]
    raise DataError(
        f"{folder} has answers to other questions than these: {other}",
        hint="--data names the files that were asked"
        if since == version
        else f"asked by version {since} of {manifest['benchmark']}, which is {version} now: "
        "ask again, with another --output",
    )
