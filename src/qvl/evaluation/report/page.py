"""The pages of a run: one with the numbers, then failures, fifty to a page.

Owns what is shown and in which order. Does not own one failure (``failures``), nor numbers
(``scoring``).

    Benchmark, Outcome, manifest -> index.html;  each failure -> failures-1.html, ...

Everything that comes from data is escaped; pages load nothing from anywhere and have no scripts. A
page shows one slice alone when the slice's name is the target of its address.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qvl.data.atomic import whole_file
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.report.failures import failure_html
from qvl.evaluation.report.media import escaped as text
from qvl.evaluation.report.style import STYLE
from qvl.evaluation.scoring import Outcome, told, told_metric
from qvl.model.presets import RELEASED

_PER_PAGE = 50
_MOST_FILTERS = 24
_MOST_LINKS = 30

Group = tuple[str, str]
"""Name of a slice's group, and the slice's value."""


class Report:
    """Takes a run's scores one after another and writes its pages.

    Args:
        folder: of the run; pages go into ``report/``.
        benchmark: of the run.

    Raises:
        DataError: a page cannot be written.
    """

    def __init__(self, folder: Path, benchmark: Benchmark) -> None:
        self.folder, self.benchmark = folder / "report", benchmark
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("failures-*.html"):
            old.unlink()
        self._pieces: list[str] = []
        self._here: Counter[Group] = Counter()
        self._pages: dict[Group, list[int]] = {}
        self._names: dict[Group, str] = {}
        self.num_failures = self.num_pages = 0

    def add(self, question: Question, scored: Scored) -> None:
        """Takes one question; what is fully right is not shown."""
        if scored.score.value >= 1:
            return
        if len(self._pieces) == _PER_PAGE:
            self._flush(is_last=False)
        groups = list(scored.groups.items())
        for group in groups:
            pages = self._pages.setdefault(group, [])
            if pages[-1:] != [self.num_pages + 1]:
                pages.append(self.num_pages + 1)
        self._here.update(groups)
        self._pieces.append(failure_html(question, scored, map(self._name, groups)))
        self.num_failures += 1

    def _name(self, group: Group) -> str:
        """What a slice is called in pages: values may be any text."""
        return self._names.setdefault(group, f"s{len(self._names)}")

    def _flush(self, *, is_last: bool) -> None:
        if not self._pieces:
            return
        self.num_pages += 1
        first = self.num_failures - len(self._pieces) + 1
        title = f"{self.benchmark.title}: failures {first:,} to {self.num_failures:,}"
        links = ['<a href="index.html">numbers</a>']
        if self.num_pages > 1:
            links.append(f'<a href="failures-{self.num_pages - 1}.html">before</a>')
        if not is_last:
            links.append(f'<a href="failures-{self.num_pages + 1}.html">next</a>')
        nav = f"<nav>{' '.join(links)}</nav>"
        body = f"<h1>{text(title)}</h1>{nav}{self._filters()}{''.join(self._pieces)}{nav}"
        write_page(self.folder / f"failures-{self.num_pages}.html", title, body)
        self._pieces, self._here = [], Counter()

    def _filters(self) -> str:
        """Links that leave one slice of a page on it, for groups of not too many values."""
        sizes = Counter(name for name, _ in self._here)
        found = {
            group: count
            for group, count in sorted(self._here.items())
            if 1 < sizes[group[0]] <= _MOST_FILTERS
        }
        rows = "".join(
            f"<nav><b>{text(name)}</b> "
            + " ".join(
                f'<a href="#{self._name((group, value))}">{text(value)} {count}</a>'
                for (group, value), count in found.items()
                if group == name
            )
            + ' <a href="#">all</a></nav>'
            for name in dict.fromkeys(name for name, _ in found)
        )
        names = [self._name(group) for group in self._here]
        rules = "".join(f"#{name}:target~article:not(.{name}){{display:none}}" for name in names)
        anchors = "".join(f'<i id="{name}"></i>' for name in names)
        return f"{rows}<style>{rules}</style>{anchors}"

    def close(self, outcome: Outcome, manifest: Mapping[str, Any]) -> Path:
        """Writes what is left and the page with the numbers; returns its path."""
        self._flush(is_last=True)
        benchmark = self.benchmark
        model = manifest.get("model", {})
        name = model.get("name") or model.get("folder") or ""
        body = "\n".join(
            [
                f"<h1>{text(benchmark.title)}</h1>",
                f"<p>{text(name)}, split {text(manifest.get('split', ''))}, "
                f"{text(manifest.get('date', ''))}</p>",
                _headline(benchmark, outcome),
                _counts(outcome),
                '<div class="columns">',
                _beside(benchmark, outcome, str(name)),
                _numbers(outcome),
                "</div>",
                self._links(),
                '<div class="columns slices">',
                self._slices(outcome),
                "</div>",
                _manifest(manifest),
            ]
        )
        path = self.folder / "index.html"
        write_page(path, benchmark.title, body)
        return path

    def _links(self) -> str:
        if not self.num_failures:
            return "<p>There are no failures.</p>"
        links = _page_links(range(1, self.num_pages + 1))
        return f"<h2>Failures</h2><nav><b>{self.num_failures:,}, on pages</b> {links}</nav>"

    def _slices(self, outcome: Outcome) -> str:
        """Means by group, with bars, and where the failures of each are."""
        found = []
        for group in dict.fromkeys(item.group for item in outcome.slices):
            rows = []
            for item in outcome.slices:
                if item.group != group:
                    continue
                key = (item.group, item.value)
                pages = self._pages.get(key, [])
                links = _page_links(pages, target=f"#{self._name(key)}", most=6) if pages else ""
                rows.append(
                    f'<tr><td><bdi>{text(item.value)}</bdi></td><td class="n">'
                    f'{100 * item.mean:.1f}</td><td class="n">± {100 * item.stderr:.1f}</td>'
                    f'<td class="n">{item.count:,}</td><td style="width:12em"><span class="bar" '
                    f'style="width:{100 * min(1.0, max(0.0, item.mean)):.0f}%"></span></td>'
                    f"<td>{links}</td></tr>"
                )
            head = (
                '<th></th><th class="n">score</th><th></th><th class="n">questions</th>'
                "<th></th><th>failures</th>"
            )
            found.append(
                f"<div><h2>By {text(group)}</h2><table><tr>{head}</tr>{''.join(rows)}</table></div>"
            )
        return "".join(found)


def _page_links(pages: Iterable[int], *, target: str = "", most: int = _MOST_LINKS) -> str:
    """Links to pages of failures; of very many the first and the last.

    >>> _page_links([1, 2, 3], most=2)
    '<a href="failures-1.html">1</a> ... <a href="failures-3.html">3</a>'
    """
    numbers = list(pages)
    links = [f'<a href="failures-{number}.html{target}">{number}</a>' for number in numbers]
    if len(links) > most:
        links = [*links[: most - 1], "...", links[-1]]
    return " ".join(links)


def _headline(benchmark: Benchmark, outcome: Outcome) -> str:
    judged = f" by {text(outcome.judged_by)}" if outcome.judged_by else ""
    error = "" if outcome.headline_error is None else f"± {told(outcome.headline_error)}"
    return (
        f'<p class="big">{told(outcome.headline)} <small>{error} '
        f"{text(told_metric(benchmark, outcome))}{judged}, {outcome.count:,} questions</small></p>"
    )


def _beside(benchmark: Benchmark, outcome: Outcome, name: str) -> str:
    """The headline in a row with the published ones."""
    if not benchmark.published:
        return ""
    rows = {
        f"Qwen2.5-VL-{size.upper()}, published": benchmark.published[size]
        for size in RELEASED
        if size in benchmark.published
    }
    rows[name or "this run"] = outcome.headline
    most = max(*(abs(value) for value in rows.values()), 1e-9)
    lines = [
        f"<tr{' class=own' if label == (name or 'this run') else ''}><td>{text(label)}</td>"
        f'<td class="n">{told(value)}</td><td class="wide">'
        f'<span class="bar" style="width:{100 * abs(value) / most:.0f}%"></span></td></tr>'
        for label, value in sorted(rows.items(), key=lambda row: row[1])
    ]
    return f"<div><h2>Beside the published scores</h2><table>{''.join(lines)}</table></div>"


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
        f'<tr><td>{text(name)}</td><td class="n">{told(value)}</td></tr>'
        for name, value in outcome.numbers.items()
    )
    return f"<div><h2>Numbers</h2><table>{rows}</table></div>"


def _manifest(manifest: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{text(name)}</td><td><pre dir="auto">{text(_entries(value))}</pre></td></tr>'
        for name, value in manifest.items()
        if value not in (None, "", {})
    )
    return f"<h2>How it was run</h2><table>{rows}</table>"


def _entries(value: object) -> str:
    """A value of the manifest, the entries of a record below one another."""
    if not isinstance(value, Mapping):
        return str(value)
    return "\n".join(f"{name}: {entry}" for name, entry in value.items())


def write_page(path: Path, title: str, body: str) -> None:
    """Writes one page of ours at once.

    Args:
        path: of the file.
        title: of the page, as text.
        body: as HTML.

    Raises:
        DataError: it cannot be written.
    """
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
    with whole_file(path) as file:
        file.write(page.encode())
