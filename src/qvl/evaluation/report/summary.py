"""The page of a whole run: its benchmarks below one another, beside the published scores.

Owns the table. Does not own the pages of one benchmark (``page``), nor numbers (``scoring``).

    folder of a run -> */result.json, */manifest.json -> index.html
"""

from collections.abc import Mapping
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark
from qvl.evaluation.manifest import read_manifest
from qvl.evaluation.report.media import escaped as text
from qvl.evaluation.report.page import write_page
from qvl.evaluation.result_files import RESULT, read_result
from qvl.evaluation.scoring import Outcome, told, told_metric
from qvl.model.presets import RELEASED


def write_summary(folder: Path, benchmarks: Mapping[str, Benchmark]) -> Path:
    """Writes the page of all benchmarks in a folder that are scored; returns its path.

    Args:
        folder: of the run, which has a folder for each benchmark.
        benchmarks: by name, for titles and published scores.

    Raises:
        DataError: no benchmark is scored, or a file is damaged.
    """
    scored = sorted(path.parent for path in folder.glob(f"*/{RESULT}"))
    if not scored:
        raise DataError(f"{folder} has no results", hint=f"qvl eval score {folder}")
    outcomes = [(path, read_result(path)) for path in scored]
    sizes = [
        size
        for size in RELEASED
        if any(size in _published(benchmarks, outcome) for _, outcome in outcomes)
    ]
    head = _line(
        "th",
        "",
        ["score", "", *(size.upper() for size in sizes)],
        "metric",
        ["questions", "unread", "unanswered"],
    )
    rows = "".join(_row(path, outcome, benchmarks, sizes) for path, outcome in outcomes)
    model = read_manifest(scored[0]).get("model", {})
    name = str(model.get("name") or model.get("folder") or "a model")
    published = f" Under {' '.join(map(str.upper, sizes))}: the published scores." if sizes else ""
    body = (
        f"<h1>{text(name)}</h1><p>In percent, but for metrics with a scale of their own; ± is the "
        f"standard error.{published}</p><table>{head}{rows}</table>"
    )
    path = folder / "index.html"
    write_page(path, name, body)
    return path


def _published(benchmarks: Mapping[str, Benchmark], outcome: Outcome) -> Mapping[str, float]:
    found = benchmarks.get(outcome.benchmark)
    return {} if found is None else found.published


def _row(
    folder: Path, outcome: Outcome, benchmarks: Mapping[str, Benchmark], sizes: list[str]
) -> str:
    found = benchmarks.get(outcome.benchmark)
    title = outcome.benchmark if found is None else found.title
    published = _published(benchmarks, outcome)
    lost = outcome.unanswered + outcome.broken
    numbers = [
        f"<b>{told(outcome.headline)}</b>",
        "" if outcome.headline_error is None else f"± {told(outcome.headline_error)}",
        *(f"{published[size]:g}" if size in published else "" for size in sizes),
    ]
    counts = [
        f"{outcome.count:,}",
        f"{outcome.unparsed:,}" if outcome.unparsed else "",
        f'<span class="warn">{lost:,}</span>' if lost else "",
    ]
    link = f'<a href="{text(folder.name)}/report/index.html">{text(title)}</a>'
    return _line("td", link, numbers, text(told_metric(found, outcome)), counts)


def _line(tag: str, name: str, numbers: list[str], metric: str, counts: list[str]) -> str:
    """A row of the table, of HTML: words to the left, numbers to the right."""
    scores, sums = (
        "".join(f'<{tag} class="n">{cell}</{tag}>' for cell in cells) for cells in (numbers, counts)
    )
    return f"<tr><{tag}>{name}</{tag}>{scores}<{tag}>{metric}</{tag}>{sums}</tr>"
