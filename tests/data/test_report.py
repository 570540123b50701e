"""The page of a run shows what happened, loads nothing, and trusts nothing."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from qvl.data.interleaved import Document, Paragraph, Picture, sample_of
from qvl.data.lengths import Lengths
from qvl.data.local import run_local
from qvl.data.records import Provenance, Rejected
from qvl.data.report import write_report
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader, write_shards
from qvl.data.steps import filter_step, map_step
from qvl.messages import Image
from qvl.processing.image import load_image
from tests.data.pipelines import STEPS, louder, shapes
from tests.data.small import asked, picture

EVIL = "<script>alert(1)</script>\" onload='x' \ud800"


class Tags(HTMLParser):
    """All tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.events: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        self.events += [name for name, _ in attrs if name.startswith("on")]


def test_a_page_shows_counts_reasons_and_examples(tmp_path: Path) -> None:
    source = shapes(40)
    summary = run_local(
        source, STEPS, tmp_path / "run", options=RunOptions(per_shard=10, failure_budget=1)
    )
    one = np.ones(40, np.int32)
    tokens = np.arange(50, 90, dtype=np.int32)
    lengths = Lengths(tokens=tokens, answers=one, grids=np.ones((40, 3), np.int32), items=one)
    write_report(tmp_path / "r.html", summary, source, lengths=lengths)
    page = (tmp_path / "r.html").read_text()
    dropped = summary.dropped["few"]["more than 4 shapes"]
    assert f'<td>more than 4 shapes</td><td class="n">{dropped}</td>' in page
    assert "one shape is too few" in page
    assert 'class="pair"' in page
    assert "2,780 tokens in 40 samples" in page
    reader = Tags()
    reader.feed(page)
    assert reader.tags.count("svg") > 2
    assert all(link.startswith("data:image/png;base64,") for link in reader.links)
    assert len(ShardReader(tmp_path / "run" / "aside")) > 0


def test_slow_runs_are_not_said_to_make_nothing(tmp_path: Path) -> None:
    summary = run_local(shapes(4), [], tmp_path / "run")
    for seconds, shown in ((20.0, "0.2 samples a second"), (0.01, "400 samples a second")):
        write_report(tmp_path / "r.html", replace(summary, seconds={"read": seconds}), shapes(4))
        assert shown in (tmp_path / "r.html").read_text()


def test_marked_pictures_are_shrunk_once_and_never_enlarged_again(tmp_path: Path) -> None:
    box = '[{"bbox_2d": [100, 100, 900, 900], "label": "cup"}]'
    sample = asked("Where is the cup?", box, Image(picture(1120, 1120)))
    write_shards([sample], tmp_path / "in")
    source = ShardReader(tmp_path / "in")
    write_report(tmp_path / "r.html", run_local(source, [], tmp_path / "run"), source)
    page = (tmp_path / "r.html").read_text()
    assert re.findall(r'<svg[^>]* width="(\d+)" height="(\d+)"', page) == [("640", "640")]
    assert re.findall(r'<image width="(\d+)"', page) == ["640"]
    png = re.search(r'href="data:image/png;base64,([^"]+)"', page)
    assert png is not None
    assert load_image(base64.b64decode(png[1])).size == (640, 640)


def test_what_was_rejected_is_shown_with_its_fault(tmp_path: Path) -> None:
    sample = asked("How many?", "Two.")
    worse = (Rejected(text="Three <cats>.", fault="count"), Rejected(text="Four."))
    write_shards([replace(sample, rejected=worse)], tmp_path / "in")
    source = ShardReader(tmp_path / "in")
    write_report(tmp_path / "r.html", run_local(source, [], tmp_path / "run"), source)
    page = (tmp_path / "r.html").read_text()
    assert "rejected: count</div><pre>Three &lt;cats&gt;.</pre>" in page
    assert "rejected</div><pre>Four.</pre>" in page


def test_kinds_are_counted_and_each_is_shown(tmp_path: Path) -> None:
    samples = [
        replace(
            asked(f"Question {n}?", f"Answer {n}."),
            task="maths" if n % 5 else "rare <kind>",
            facts={"domain": "Language", "category": "Writing" if n % 2 else "Safety"},
        )
        for n in range(40)
    ]
    write_shards(samples, tmp_path / "samples")
    source = ShardReader(tmp_path / "samples")
    summary = run_local(source, [], tmp_path / "run")
    write_report(tmp_path / "r.html", summary, source)
    page = (tmp_path / "r.html").read_text()
    assert '<td>maths</td><td class="n">32</td><td>80.0%</td>' in page
    assert '<td>rare &lt;kind&gt;</td><td class="n">8</td>' in page
    assert '<td>Language: Writing</td><td class="n">20</td>' in page
    shown = re.findall(r"Question (\d+)\?", page)
    assert shown == ["0", "1", "2"]  # the first of both kinds, and one more


def test_nothing_from_data_is_trusted(tmp_path: Path) -> None:
    def evil_reason(sample: object) -> str | None:
        return EVIL.replace("\ud800", "")

    box = '```json\n[{"bbox_2d": [1, 2, 1e300, 40], "label": "<script>alert(1)</script>"}]\n```'
    samples = [asked(EVIL[:-1] + str(i), box, Image(picture()), name=EVIL[:-1]) for i in range(3)]
    write_shards(samples, tmp_path / "<b>in")
    source = ShardReader(tmp_path / "<b>in")
    for number, steps in enumerate(
        ([map_step("<i>loud", louder)], [filter_step("x", evil_reason)])
    ):
        summary = run_local(source, steps, tmp_path / f"<b>out{number}")
        write_report(tmp_path / "r.html", replace(summary), source)
        page = (tmp_path / "r.html").read_text()
        reader = Tags()
        reader.feed(page)
        assert not {"script", "b", "i"} & set(reader.tags)
        assert reader.events == []
        assert "&lt;script&gt;" in page
        assert not re.search(r"(?:src|href)=\"?(?!data:)\w", page)


def test_a_document_is_shown_in_its_order_with_its_scores(tmp_path: Path) -> None:
    nodes = (Paragraph(text="Before."), Picture(source=picture()), Paragraph(text="After."))
    origin = Provenance(generator="test", scores={"relevance": 7.5})
    write_shards([sample_of(Document(nodes=nodes), origin)], tmp_path / "in")
    summary = run_local(ShardReader(tmp_path / "in"), [], tmp_path / "out")
    write_report(tmp_path / "r.html", summary, ShardReader(tmp_path / "in"))
    page = (tmp_path / "r.html").read_text()
    assert page.index("Before.") < page.index("<img") < page.index("After.")
    assert "relevance 7.5" in page
