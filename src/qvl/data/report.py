"""One self-contained HTML page about a run: what was kept, what was dropped and why, with examples.

Owns: the page. Does not own: the numbers (``run``), drawing (``tasks``), lengths (``lengths``).

    RunSummary + its shards + source -> write_report() -> report.html

Everything that comes from data is escaped, and pictures are inside the page: it loads nothing.
"""

import base64
import html
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import PIL.Image

from qvl.data.atomic import whole_file
from qvl.data.encoding import media_of
from qvl.data.lengths import Lengths
from qvl.data.parts import ASIDE
from qvl.data.places import Place, answer_text, places
from qvl.data.records import Sample
from qvl.data.run import RunSummary
from qvl.data.shard_index import INDEX
from qvl.data.shards import ShardReader
from qvl.data.sources import Source
from qvl.data.video_sheets import video_sheet, videos_of
from qvl.errors import QvlError
from qvl.geometry import ImageSize
from qvl.messages import Image, Message, Text
from qvl.processing.image import load_image
from qvl.tasks import draw_svg
from qvl.tasks.marks import layout

_EXAMPLES = 3
_REASONS_SHOWN = 30
_LONGEST_TEXT = 1200
_WIDEST_PX = 640
"""Enough to read a screen. Below `marks.SMALLEST_SIDE_PX` a drawing would be enlarged again."""
_WIDEST_SHEET_PX = 1060
_BINS = 24
_MOST_PLACES = 40
_MOST_LABELS = 12
_MOST_READ = 2000
_KINDS_SHOWN = 40
_LOOKED_AT, _MOST_KEPT = 60, 12

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1100px;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:.5em 0}td,th{padding:.2em .8em;text-align:left;
border-bottom:1px solid #ddd}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.sample{border:1px solid #ddd;border-radius:6px;padding:.7em;margin:.6em 0;overflow:auto}
.pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1em;align-items:start}.role{color:#777;font-size:.85em}
pre{white-space:pre-wrap;overflow-wrap:anywhere;max-height:24em;overflow-y:auto;margin:.2em 0;
font:13px/1.4 ui-monospace,monospace}
.reason{color:#a33}svg,img{max-width:100%;height:auto}h2{margin-top:2em}
"""


def write_report(
    path: Path, summary: RunSummary, source: Source, *, lengths: Lengths | None = None
) -> None:
    """Writes the page.

    Args:
        path: of the page; replaced when it is there.
        summary: of a finished run, whose folder is still there.
        source: of the run, to show samples as they were before they were changed.
        lengths: of the samples that were kept, for their histogram; None leaves it out.

    Raises:
        DataError: the folder's shards are damaged, or the page cannot be written.
    """
    body = "\n".join(
        [
            f"<h1>{_text(summary.folder.name)}</h1>",
            _counts(summary),
            _reasons(summary),
            _failures(summary),
            _kinds(summary),
            _removed(summary),
            _speed(summary),
            "" if lengths is None else _histogram(lengths.tokens.tolist()),
            *_section("Changed", _changed(summary, source)),
            *_section("Dropped and failed", _aside(summary)),
            *_section("Kept", _kept(summary)),
        ]
    )
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{_text(summary.folder.name)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )
    with whole_file(path) as file:
        file.write(page.encode())


def _text(value: object) -> str:
    """Text for HTML; what is no character, such as half of a surrogate pair, is shown as such."""
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def _table(rows: Sequence[tuple[object, ...]], header: tuple[str, ...] = ()) -> str:
    lines = []
    if header:
        # A heading stands over its numbers as they stand under it.
        names = zip(header, rows[0] if rows else header, strict=True)
        lines = [f"<tr>{''.join(_cell('th', name, below) for name, below in names)}</tr>"]
    for row in rows:
        lines.append(f"<tr>{''.join(_cell('td', value, value) for value in row)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _cell(tag: str, value: object, like: object) -> str:
    """A cell, to the right if ``like`` is a number."""
    if isinstance(value, float):
        text = f"{value:,.2f}"
    else:
        text = f"{value:,}" if isinstance(value, int) else _text(value)
    return (
        f'<{tag} class="n">{text}</{tag}>'
        if isinstance(like, int | float)
        else f"<{tag}>{text}</{tag}>"
    )


def _counts(summary: RunSummary) -> str:
    rows = [
        ("read", summary.num_read),
        ("kept", summary.num_kept),
        ("dropped", summary.num_dropped),
        ("failed", summary.num_failed),
        ("shards", summary.num_parts),
        ("of these done before", summary.num_reused),
    ]
    return _table(rows)


def _reasons(summary: RunSummary) -> str:
    rows = [
        (step, reason, count, f"{count / max(1, summary.num_read):.1%}")
        for step, reasons in summary.dropped.items()
        for reason, count in islice(reasons.items(), _REASONS_SHOWN)
    ]
    if not rows:
        return "<p>Nothing was dropped.</p>"
    return "<h2>Why samples were dropped</h2>" + _table(
        rows, ("step", "reason", "samples", "of all")
    )


def _failures(summary: RunSummary) -> str:
    if not summary.failures:
        return ""
    rows = [(failure.number, failure.step, failure.message) for failure in summary.failures]
    return "<h2>Failures</h2>" + _table(rows, ("sample", "in", "because"))


def _speed(summary: RunSummary) -> str:
    worked = sum(summary.seconds.values())
    rows = [
        (step, seconds, f"{seconds / max(worked, 1e-9):.0%}")
        for step, seconds in summary.seconds.items()
    ]
    rate = summary.num_read / worked if worked else 0.0
    shown_rate = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
    return (
        "<h2>Time</h2>"
        + _table(rows, ("step", "seconds of all processes", "share"))
        + f"<p>{shown_rate} samples a second and process; "
        f"this call took {summary.wall_s:,.1f} s.</p>"
    )


def _histogram(tokens: Sequence[int]) -> str:
    """Bars of how many samples have how many tokens, as SVG."""
    if not len(tokens):
        return ""
    counts, edges = np.histogram(tokens, bins=_BINS)
    tallest = max(1, int(counts.max()))
    bars = "".join(
        f'<rect x="{i * 30}" y="{120 - 110 * count / tallest:.1f}" width="28" '
        f'height="{110 * count / tallest:.1f}" fill="#0072b2">'
        f"<title>{edges[i]:,.0f} to {edges[i + 1]:,.0f} tokens: {count:,}</title></rect>"
        for i, count in enumerate(counts.tolist())
    )
    width = _BINS * 30
    return (
        "<h2>Tokens of a sample</h2>"
        f'<svg viewBox="0 0 {width} 140" width="{width}" height="140">{bars}'
        f'<text x="0" y="136" font-size="12">{edges[0]:,.0f}</text>'
        f'<text x="{width}" y="136" font-size="12" text-anchor="end">{edges[-1]:,.0f}</text></svg>'
        f"<p>{sum(tokens):,} tokens in {len(tokens):,} samples, {np.median(tokens):,.0f} in half "
        "of them or fewer.</p>"
    )


def _section(title: str, parts: Iterator[str]) -> Iterator[str]:
    found = list(parts)
    if found:
        yield f"<h2>{_text(title)}</h2>"
        yield from found


def _changed(summary: RunSummary, source: Source) -> Iterator[str]:
    """A few samples before and after all steps."""
    reader = ShardReader(summary.folder)
    for number, part, place in summary.changed[:_EXAMPLES]:
        first = sum(int(shard["samples"]) for shard in reader.shards[:part])
        after = reader[first + place]
        try:
            before_html = _sample(source[number])
        except QvlError as error:
            before_html = f"<p>{_text(error)}</p>"
        steps = ", ".join(after.provenance.transforms)
        yield (
            f"<p>Sample {number}: {_text(steps)}</p>"
            f'<div class="pair"><div>before<div class="sample">{before_html}</div></div>'
            f'<div>after<div class="sample">{_sample(after)}</div></div></div>'
        )


def _aside(summary: RunSummary) -> Iterator[str]:
    """A few samples for each reason."""
    folder = summary.folder / ASIDE
    if not (folder / INDEX).exists():
        return
    shown: dict[str, list[str]] = {}
    reader = ShardReader(folder)
    for number in range(0, len(reader), max(1, len(reader) // _MOST_READ)):
        sample = reader[number]
        reason = sample.provenance.dropped
        if reason not in shown and len(shown) == _REASONS_SHOWN:
            continue
        examples = shown.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(f'<div class="sample">{_sample(sample)}</div>')
    for reason, examples in shown.items():
        yield f'<h3 class="reason">{_text(reason)}</h3>' + "".join(examples)


def _kinds(summary: RunSummary) -> str:
    """How many of the kept samples are of which task, and of which category where they are
    tagged; counted on some of them when there are many."""
    reader = ShardReader(summary.folder)
    found = [reader.encoded(n) for n in range(0, len(reader), max(1, len(reader) // _MOST_READ))]
    counts = {"task": Counter(sample.task for sample in found)}
    tags = [sample.facts for sample in found if isinstance(sample.facts.get("category"), str)]
    counts["category"] = Counter(f"{facts.get('domain')}: {facts['category']}" for facts in tags)
    tables = [
        _table(
            [(k, n, f"{n / len(found):.1%}") for k, n in rows.most_common(_KINDS_SHOWN)],
            (name, "samples", "of kept"),
        )
        for name, rows in counts.items()
        if len(rows) > 1
    ]
    return f'<h2>Kinds</h2><div class="pair">{"".join(tables)}</div>' if tables else ""


def _removed(summary: RunSummary) -> str:
    """What steps took out of the kept samples, over all of them; of some when there are many."""
    reader = ShardReader(summary.folder)
    chosen = range(0, len(reader), max(1, len(reader) // _MOST_READ))
    removed: Counter[str] = Counter()
    touched = 0
    for number in chosen:
        reasons = reader.encoded(number).facts.get("removed")
        if isinstance(reasons, dict):
            touched += 1
            counts = {str(k): v for k, v in reasons.items() if isinstance(v, int)}
            removed.update(counts)
    if not removed:
        return ""
    return (
        f"<h2>Taken out of samples that were kept</h2><p>From {touched:,} of {len(chosen):,} "
        "samples looked at.</p>" + _table(removed.most_common(_REASONS_SHOWN), ("reason", "times"))
    )


def _kept(summary: RunSummary) -> Iterator[str]:
    """The first of each task among the first ones, and a few more when there are few tasks."""
    first = [*islice(ShardReader(summary.folder), _LOOKED_AT)]
    by_task = {sample.task: sample for sample in reversed(first)}
    chosen = [sample for sample in first if by_task[sample.task] is sample][:_MOST_KEPT]
    rest = [sample for sample in first if by_task[sample.task] is not sample]
    for sample in [*chosen, *rest[: max(0, _EXAMPLES - len(chosen))]]:
        yield f'<div class="sample">{_sample(sample)}</div>'


def _sample(sample: Sample) -> str:
    """A sample as people read it: its pictures with the places of its answers, and its turns."""
    try:
        found = places(sample)
    except QvlError:
        found = []
    pictures = [part for part in media_of(sample.conversation) if isinstance(part, Image)]
    drawings = iter([_picture(part, found, number) for number, part in enumerate(pictures)])
    sheets = iter([_sheet(sample, number) for number in range(len(videos_of(sample)))])
    turns = "".join(_turn(message, drawings, sheets) for message in sample.conversation.messages)
    for answer in sample.rejected:
        fault = f": {answer.fault}" if answer.fault else ""
        turns += f'<div class="reason">rejected{_text(fault)}</div>'
        turns += f"<pre>{_text(_short(answer.text))}</pre>"
    scores = sample.provenance.scores
    told = ", ".join(f"{name} {value:g}" for name, value in scores.items())
    return f'{turns}<div class="role">{_text(told)}</div>' if told else turns


def _turn(message: Message, drawings: Iterator[str], sheets: Iterator[str]) -> str:
    parts = []
    # The words of an answer are shown as one, but between the pictures of a document.
    is_answer = message.role == "assistant"
    is_in_pieces = not is_answer or any(not isinstance(part, Text) for part in message.content)
    for part in message.content:
        if isinstance(part, Image):
            parts.append(next(drawings))
        elif not isinstance(part, Text):
            parts.append(next(sheets))
        elif is_in_pieces:
            parts.append(f"<pre>{_text(_short(part.text))}</pre>")
    if not is_in_pieces:
        parts.append(f"<pre>{_text(_short(answer_text(message)))}</pre>")
    return f'<div class="role">{_text(message.role)}</div>{"".join(parts)}'


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " ..."


def _picture(part: Image, found: Sequence[Place], number: int) -> str:
    try:
        picture = load_image(part.source)
    except QvlError as error:
        return f"<p>{_text(error.message)}</p>"
    scale = min(1.0, _WIDEST_PX / max(picture.size))
    small = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    )
    marks = [place.mark(scale) for place in found if place.picture == number][:_MOST_PLACES]
    if len(marks) > _MOST_LABELS:  # names would hide what is marked
        marks = [replace(mark, label="") for mark in marks]
    if not marks:
        return f'<img alt="" src="data:image/png;base64,{_png(small)}">'
    scene = layout(ImageSize(small.height, small.width), marks)
    return draw_svg.write(scene, small)


def _sheet(sample: Sample, number: int) -> str:
    """Frames of a video; JPEG, because a page has many of them."""
    try:
        picture = video_sheet(sample, number)
    except QvlError as error:
        return f"<p>{_text(error.message)}</p>"
    picture.thumbnail((_WIDEST_SHEET_PX, 2 * _WIDEST_SHEET_PX))
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'


def _png(picture: PIL.Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
