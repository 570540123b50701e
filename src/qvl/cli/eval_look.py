"""The actions of ``qvl eval`` that only look: list, compare."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from qvl.cli.terminal import note, write, write_json, write_table
from qvl.errors import DataError
from qvl.evaluation.benchmarks.table import BENCHMARKS
from qvl.evaluation.compare import Comparison, compare_runs
from qvl.evaluation.manifest import MANIFEST
from qvl.evaluation.statistics import Paired
from qvl.model.presets import RELEASED

_SHOWN = 20


def list_benchmarks(args: argparse.Namespace) -> int:
    """Prints every benchmark with its split, metric, published scores and source."""
    if args.json:
        write_json(
            [
                {
                    "name": item.name,
                    "title": item.title,
                    "area": item.area,
                    "split": item.split,
                    "metric": item.metric,
                    "published": dict(item.published),
                    "source": item.source,
                    "judged": item.judge is not None,
                }
                for item in BENCHMARKS.values()
            ]
        )
        return 0
    rows = [
        (
            item.name,
            item.area,
            item.split,
            item.metric + (" (judged)" if item.judge else ""),
            *(f"{item.published[s]:g}" if s in item.published else "" for s in RELEASED),
            item.source,
        )
        for item in BENCHMARKS.values()
    ]
    write_table(("name", "area", "split", "metric", *RELEASED, "files"), rows)
    return 0


def compare(args: argparse.Namespace) -> int:
    """Prints how the second run differs from the first, for each benchmark of both."""
    found = [compare_runs(*folders) for folders in _pairs(Path(args.first), Path(args.second))]
    if args.json:
        write_json([asdict(item) for item in found])
        return 0
    _write(found)
    return 0


def run_folders(folder: Path) -> list[Path]:
    """The folders of the benchmarks of a run.

    Raises:
        DataError: there is none.
    """
    if (folder / MANIFEST).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    if not found:
        raise DataError(f"{folder} is not the folder of a run: no {MANIFEST}")
    return found


def _pairs(first: Path, second: Path) -> list[tuple[Path, Path]]:
    ones, others = run_folders(first), run_folders(second)
    if ones == [first] and others == [second]:
        return [(first, second)]
    by_name = {path.name: path for path in others}
    pairs = [(path, by_name[path.name]) for path in ones if path.name in by_name]
    if not pairs:
        raise DataError(f"{first} and {second} have no benchmark in common")
    both = {path.name for path, _ in pairs}
    for folder, paths in ((first, ones), (second, others)):
        if alone := [path.name for path in paths if path.name not in both]:
            note(f"not compared, only in {folder}: {', '.join(alone)}")
    return pairs


def _write(found: Sequence[Comparison]) -> None:
    """One table of all benchmarks, in percent, then the questions that changed in each."""
    for warning in dict.fromkeys(warning for item in found for warning in item.warnings):
        note(f"the runs differ in {warning}")
    rows = []
    for item in found:
        rows.append(_row(item.benchmark, item.overall))
        rows += [_row(f"  {name}", paired) for name, paired in item.slices.items()]
    write_table(("", "difference", "95 % interval", "better", "worse", "p", "questions"), rows)
    for item in found:
        if item.changes:
            write(f"{item.benchmark}: {len(item.changes):,} changed, in percent")
        for change in item.changes[:_SHOWN]:
            told = f"{100 * change.first:.3g} -> {100 * change.second:.3g}"
            write(f"  {change.key}: {told}  {change.why}")
        if len(item.changes) > _SHOWN:
            write(f"  and {len(item.changes) - _SHOWN:,} more; --json has all of them")


def _row(name: str, paired: Paired) -> tuple[str, ...]:
    return (
        name,
        f"{100 * paired.difference:+.1f}",
        f"{100 * paired.low:+.1f} to {100 * paired.high:+.1f}",
        str(paired.better),
        str(paired.worse),
        "" if paired.p_value is None else f"{paired.p_value:.3g}",
        f"{paired.count:,}",
    )
