"""The pages of a run: one with the numbers, then failures, fifty to a page.

Owns what is shown and in which order. Does not own one failure (``failures``), nor numbers
(``scoring``).

    Benchmark, Outcome, manifest -> index.html;  each failure -> failures-1.html, ...

Everything that comes from data is escaped; pages load nothing from anywhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.report.failures import failure_html, text
from qvl.evaluation.scoring import Outcome
from qvl.model.presets import RELEASED

_PER_PAGE = 50
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1100px;padding:0 1em;color:#222}
h1{margin-bottom:.1em}h1+p{color:#666;margin-top:0}a{color:#0072b2}
table{border-collapse:collapse;margin:.7em 0}td,th{padding:.25em .9em;text-align:left;
border-bottom:1px solid #ddd}td.n{text-align:right;font-variant-numeric:tabular-nums}
tr.own td{font-weight:600}
.big{font-size:2.6em;font-weight:600;font-variant-numeric:tabular-nums}.big small{font-size:.4em;
font-weight:400;color:#666}
.bar{display:inline-block;height:.7em;background:#0072b2;border-radius:2px;vertical-align:baseline}
.failure{border:1px solid #ddd;border-radius:6px;padding:.6em 1em;margin:.8em 0;overflow:auto}
.failure.unparsed{border-left:4px solid #d55e00}.failure h3{margin:.2em 0;font-size:1em}
.failure small{color:#777;font-weight:400}
.pair{display:grid;grid-template-columns:430px 1fr;gap:1em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em .8em;margin:0}dt{color:#777}
dd{margin:0}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;
font:13px/1.45 ui-monospace,monospace}
svg,img{max-width:100%;height:auto}.warn{color:#a33}nav{margin:1em 0}
@media(max-width:800px){.pair{grid-template-columns:1fr}}
"""


class Report:
    """Takes a run's scores one after another and writes its pages.

    Args:
        folder: of the run; pages go into ``report/``.
        benchmark: of the run.
    """

    def __init__(self, folder: Path, benchmark: Benchmark) -> None:
        self.folder, self.benchmark = folder / "report", benchmark
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("failures-*.html"):
            old.unlink()
        self._pieces: list[str] = []
        self.num_failures = self.num_pages = 0

    def add(self, question: Question, scored: Scored, reply: Reply) -> None:
        """Takes one question; what is fully right is not shown."""
        if scored.score.value >= 1 and not self.benchmark.smaller_is_better:
            return
        if scored.score.value <= 0 and self.benchmark.smaller_is_better:
            return
        self._pieces.append(failure_html(question, scored, reply))
        self.num_failures += 1
        if len(self._pieces) == _PER_PAGE:
            self._flush()

    def _flush(self) -> None:
        if not self._pieces:
            return
        self.num_pages += 1
        first = self.num_failures - len(self._pieces) + 1
        title = f"{self.benchmark.title}: failures {first} to {self.num_failures}"
        before = (
            f'<a href="failures-{self.num_pages - 1}.html">before</a> '
            if self.num_pages > 1
            else ""
        )
        nav = f'<nav>{before}<a href="index.html">numbers</a></nav>'
        body = f"<h1>{text(title)}</h1>{nav}{''.join(self._pieces)}{nav}"
        _write(self.folder / f"failures-{self.num_pages}.html", title, body)
        self._pieces = []

    def close(self, outcome: Outcome, manifest: Mapping[str, Any]) -> Path:
        """Writes what is left and the page with the numbers; returns its path."""
        self._flush()
        benchmark = self.benchmark
        model = manifest.get("model", {})
        name = model.get("name") or model.get("folder") or ""
        body = "\n".join(
            [
                f"<h1>{text(benchmark.title)}</h1>",
                f"<p>{text(name)}, split {text(manifest.get('split', ''))}, "
                f"{text(manifest.get('date', ''))}</p>",
                _headline(outcome),
                _beside(benchmark, outcome, str(name)),
                _counts(outcome),
                _numbers(outcome),
                self._links(),
                _slices(outcome),
                _manifest(manifest),
            ]
        )
        path = self.folder / "index.html"
        _write(path, benchmark.title, body)
        return path

    def _links(self) -> str:
        if not self.num_failures:
            return "<p>There are no failures.</p>"
        pages = " ".join(
            f'<a href="failures-{number}.html">{number}</a>'
            for number in range(1, self.num_pages + 1)
        )
        return f"<h2>Failures</h2><p>{self.num_failures:,} to look at, on pages {pages}</p>"


def _headline(outcome: Outcome) -> str:
    judged = f", judged by {text(outcome.judged_by)}" if outcome.judged_by else ""
    error = f"± {100 * outcome.stderr:.1f}" if outcome.stderr else ""
    return (
        f'<p class="big">{outcome.headline:.1f} <small>{error} {text(outcome.metric)}, '
        f"{outcome.count:,} questions{judged}</small></p>"
    )


def _beside(benchmark: Benchmark, outcome: Outcome, name: str) -> str:
    """The headline in a row with the published ones."""
    if not benchmark.published:
        return ""
    rows = {f"Qwen2.5-VL-{s.upper()}, published": benchmark.published[s] for s in RELEASED
        if s in benchmark.published}  # fmt: skip
    rows[name or "this run"] = outcome.headline
    most = max(*(abs(value) for value in rows.values()), 1e-9)
    lines = [
        f"<tr{' class=own' if label == (name or 'this run') else ''}><td>{text(label)}</td>"
        f'<td class="n">{value:.1f}</td><td style="width:24em">'
        f'<span class="bar" style="width:{100 * abs(value) / most:.0f}%"></span></td></tr>'
        for label, value in sorted(rows.items(), key=lambda row: row[1])
    ]
    return f"<table>{''.join(lines)}</table>"


def _counts(outcome: Outcome) -> str:
    """What a reader has to know about the denominator."""
    said = [
        (outcome.unparsed, "answers state nothing that the rule can use"),
        (outcome.unanswered, "questions have no answer"),
        (outcome.broken, "questions cannot be asked"),
        (outcome.cut, "answers reached the most tokens"),
    ]
    lines = [f'<li class="warn">{number:,} {what}</li>' for number, what in said if number]
    if not lines:
        return "<p>Every question was asked, answered and read.</p>"
    return f"<ul>{''.join(lines)}</ul><p>All of them are in the count.</p>"


def _numbers(outcome: Outcome) -> str:
    rows = "".join(
        f'<tr><td>{text(name)}</td><td class="n">{value:.2f}</td></tr>'
        for name, value in outcome.numbers.items()
    )
    return f"<h2>Numbers</h2><table>{rows}</table>"


def _slices(outcome: Outcome) -> str:
    """Means by group, with bars."""
    found = []
    for group in dict.fromkeys(item.group for item in outcome.slices):
        rows = "".join(
            f'<tr><td>{text(item.value)}</td><td class="n">{100 * item.mean:.1f}</td>'
            f'<td class="n">± {100 * item.stderr:.1f}</td><td class="n">{item.count:,}</td>'
            f'<td style="width:18em"><span class="bar" style="width:{100 * item.mean:.0f}%">'
            "</span></td></tr>"
            for item in outcome.slices
            if item.group == group
        )
        found.append(f"<h2>By {text(group)}</h2><table>{rows}</table>")
    return "".join(found)


def _manifest(manifest: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{text(name)}</td><td><pre>{text(value)}</pre></td></tr>"
        for name, value in manifest.items()
    )
    return f"<h2>How it was run</h2><table>{rows}</table>"


def _write(path: Path, title: str, body: str) -> None:
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
