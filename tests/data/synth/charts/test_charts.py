"""Charts: answers follow from the data, boxes from the pixels, the same in any process."""

import hashlib
import json
import math
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.synth.charts import samples as chart_samples
from qvl.data.synth.charts.records import ChartData, ChartElement, DrawnChart, Reading, Series, Unit
from qvl.data.synth.charts.samples import Renderer, chart_sample
from qvl.data.synth.charts.series import KINDS, invent
from qvl.data.synth.charts.styles import ChartStyle, random_style
from qvl.data.synth.charts.value_questions import VALUE_QUESTIONS, spread
from qvl.data.synth.charts.values import shares_of_100
from qvl.data.synth.charts.view import View
from qvl.data.synth.fonts import font_files
from qvl.errors import MissingDependencyError
from qvl.geometry import FACTOR, Box
from qvl.messages import Image
from qvl.tasks import document, grounding
from qvl.tasks.document_elements import Chart

pytest.importorskip("matplotlib", reason="charts need matplotlib")
pytest.importorskip("seaborn", reason="some charts need seaborn")
try:
    font_files("train")
except MissingDependencyError:
    pytest.skip("the fonts are not installed", allow_module_level=True)


def drawn(number: int, **options: Any) -> Sample:
    return chart_sample(np.random.default_rng((3, number)), seed=(3, number), **options)


def pixels(sample: Sample) -> np.ndarray:
    part = sample.conversation.messages[0].content[0]
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source


def texts(sample: Sample) -> list[str]:
    return [m.content[-1].text for m in sample.conversation.messages]  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Of all kinds, by two libraries, drawn once for all tests."""
    renderers: tuple[Renderer, ...] = ("matplotlib", "seaborn")
    return [
        drawn(i, kinds=(KINDS[i % len(KINDS)],), renderer=renderers[i // len(KINDS) % 2],
              task="questions", side_tokens=(16, 17), most_turns=10, strength=0.0)
        for i in range(3 * len(KINDS))
    ]  # fmt: skip


def _rows(facts: dict[str, Any]) -> list[list[float | None]]:
    return [row["values"] for row in facts["chart"]["series"]]


def recomputed(question: dict[str, Any], facts: dict[str, Any]) -> Any:
    """The answer from the plain facts alone; a second way to it for every kind of question."""
    rows, names = _rows(facts), facts["chart"]["categories"]
    groups = [row["name"] for row in facts["chart"]["series"]]
    about, kind = question["about"], question["kind"]
    if isinstance(about.get("series"), int):
        row = rows[about["series"]]
        full = [v for v in row if v is not None]
    ends = (max, min)
    match kind:
        case "value":
            return row[about["category"]]
        case "extremum":
            return names[row.index(ends[not about["highest"]](full))]
        case "rank":
            return names[row.index(sorted(full, reverse=about["highest"])[about["place"]])]
        case "compare":
            a, b = about["categories"]
            return names[a] if row[a] > row[b] else names[b]
        case "difference":
            a, b = about["categories"]
            return abs(row[a] - row[b])
        case "ratio":
            a, b = about["categories"]
            return max(row[a], row[b]) / min(row[a], row[b])
        case "sum":
            return math.fsum(rows[s][i] for s, i in about["cells"])
        case "mean":
            return statistics.fmean(full)
        case "count":
            return sum((v > about["threshold"]) == about["above"] for v in full)
        case "spread":
            return max(full) - min(full)
        case "trend":
            a, b = about["categories"]
            return "rise" if row[b] > row[a] else "fall"
        case "largest change":
            sign = 1 if about["rises"] else -1
            changes = [sign * (b - a) for a, b in pairwise(row)]
            at = changes.index(max(changes))
            return f"{names[at]} and {names[at + 1]}"
        case "count changes":
            return sum((b > a) == about["rises"] for a, b in pairwise(row))
        case "best series":
            column = [r[about["category"]] for r in rows]
            return groups[column.index(ends[not about["highest"]](column))]
        case "series difference":
            a, b = about["series"]
            return rows[a][about["category"]] - rows[b][about["category"]]
        case "count larger":
            a, b = about["series"]
            return sum(x > y for x, y in zip(rows[a], rows[b], strict=True))
        case "other at extremum":
            a, b = about["series"]
            return rows[b][rows[a].index(ends[not about["highest"]](rows[a]))]
        case "correlation":
            xs = [x for r in facts["chart"]["series"] for x in r["xs"]]
            r = statistics.correlation(xs, [y for values in rows for y in values])
            return "increase" if r > 0 else "decrease"
        case "count points":
            return len(row)
        case "highest point":
            best = [ends[not about["highest"]](values) for values in rows]
            return groups[best.index(ends[not about["highest"]](best))]
        case "missing":
            return names[row.index(None)]
        case "count categories":
            return len(names)
        case "count series":
            return len(groups)
        case "title":
            return facts["chart"]["title"]
        case "legend":
            parts = names if facts["chart"]["kind"] in ("pie", "donut") else groups
            return ", ".join(parts)
    return None


def test_every_answer_follows_from_the_data(samples: list[Sample]) -> None:
    kinds = set()
    for sample in samples:
        for question in sample.facts["questions"]:
            expected = recomputed(question, sample.facts)
            if expected is None:
                continue
            kinds.add(question["kind"])
            if question["value"] is None:
                assert question["answer"] == expected, question
            else:
                assert abs(question["value"] - expected) <= question["tolerance"] + 1e-6, question
    assert len(kinds) >= 20, sorted(kinds)


def test_printed_values_are_asked_exactly(samples: list[Sample]) -> None:
    for sample in samples:
        for question in sample.facts["questions"]:
            if sample.facts["readable"]["printed"] and question["kind"] in ("value", "difference"):
                assert question["tolerance"] == 0


def test_no_answer_stands_in_what_was_said_before(samples: list[Sample]) -> None:
    for sample in samples:
        said = ""
        for turn, question in zip(
            [*zip(texts(sample)[::2], texts(sample)[1::2], strict=True)],
            sample.facts["questions"],
            strict=True,
        ):
            assert len(question["answer"]) <= 2 or question["answer"] not in said
            said += "".join(turn)


def test_pictures_are_their_own_space_and_hold_their_elements(samples: list[Sample]) -> None:
    for sample in samples:
        height, width, _ = pixels(sample).shape
        assert height % FACTOR == width % FACTOR == 0
        for _, name, (x1, y1, x2, y2) in sample.facts["elements"]:
            assert 0 <= x1 <= x2 <= width, name
            assert 0 <= y1 <= y2 <= height, name


@pytest.mark.parametrize("renderer", ["matplotlib", "seaborn"])
def test_boxes_of_bars_hold_the_colour_of_the_bar_and_nothing_beside(renderer: Renderer) -> None:
    from qvl.data.synth.charts import matplotlib_chart, seaborn_plots, styles

    checked = 0
    for number in range(6):
        rng = np.random.default_rng((8, number))
        kind = ("bar", "grouped_bar", "horizontal_bar")[number % 3]
        data = invent(rng, kind)
        style = styles.random_style(rng, side_tokens=(16, 20))
        plotter = seaborn_plots.SEABORN_PLOTTERS[kind] if renderer == "seaborn" else None
        chart = matplotlib_chart.draw(rng, data, style, plotter=plotter)
        image = chart.pixels.astype(int)
        for element in (e for e in chart.elements if e.role == "bar"):
            x1, y1, x2, y2 = element.box
            if min(x2 - x1, y2 - y1) < 8:
                continue
            inside = image[round(y1) + 2 : round(y2) - 2, round(x1) + 2 : round(x2) - 2]
            same = (np.abs(inside - element.colour).sum(-1) < 24).mean()
            assert same > 0.95, (element, same)
            checked += 1
    assert checked > 40


def test_the_size_of_a_bar_is_its_value() -> None:
    from qvl.data.synth.charts.matplotlib_chart import draw
    from qvl.data.synth.charts.styles import random_style

    rng = np.random.default_rng(4)
    data = invent(rng, "bar")
    while any(value is None for value in data.series[0].values):
        data = invent(rng, "bar")
    chart = draw(rng, data, random_style(rng))
    heights = [e.box.y2 - e.box.y1 for e in chart.elements if e.role == "bar"]
    values = [value for value in data.series[0].values if value is not None]
    scale = max(heights) / max(values)
    assert np.allclose(np.array(values) * scale, heights, atol=1.5)


def test_tables_are_read_back_as_the_data() -> None:
    checked = 0
    for number in range(30):
        sample = drawn(number, task="table", kinds=("bar", "pie"), side_tokens=(16, 18))
        if sample.task != "chart to qwenvl table":
            continue
        (chart,) = document.parse(texts(sample)[1]).elements
        assert isinstance(chart, Chart)
        assert chart.table is not None
        facts = sample.facts["chart"]
        for row, name, value in zip(
            chart.table.rows[1:], facts["categories"], facts["series"][0]["values"], strict=True
        ):
            assert row[0].text == name
            if value is None:
                assert row[1].text == ""
            else:
                steps = sample.facts["readable"]["steps"]
                allowed = 0.0 if sample.facts["readable"]["printed"] else steps[0]
                assert abs(float(row[1].text) - value) <= allowed
        checked += 1
    assert checked > 5


def test_boxes_are_asked_as_grounding_writes_them() -> None:
    for number in range(6):
        sample = drawn(number, task="boxes", side_tokens=(16, 18))
        if sample.task == "chart boxes":
            for answer in texts(sample)[1::2]:
                result = grounding.parse(answer)
                assert result.boxes
                assert not result.problems


def _hash(sample: Sample) -> str:
    digest = hashlib.sha256(pixels(sample).tobytes())
    digest.update(json.dumps([texts(sample), sample.facts], sort_keys=True).encode())
    return digest.hexdigest()


def test_the_same_in_another_process() -> None:
    program = (
        "from tests.data.synth.charts.test_charts import drawn, _hash\n"
        "print(*[_hash(drawn(i, renderer='seaborn', side_tokens=(16, 18))) for i in (5, 2)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == [_hash(drawn(i, renderer="seaborn", side_tokens=(16, 18))) for i in (5, 2)]


@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_shares_add_up_to_100(seed: int, count: int, decimals: int) -> None:
    shares = shares_of_100(np.random.default_rng(seed), count, decimals)
    assert len(shares) == count
    assert math.isclose(math.fsum(shares), 100, abs_tol=1e-6)
    assert min(shares) >= 3


@given(
    st.integers(0, 2**32),
    st.lists(st.floats(0, 1000).map(lambda v: round(v, 1)), min_size=2, max_size=8),
    st.sampled_from([0.0, 0.5, 5.0, math.inf]),
)
@settings(max_examples=150, deadline=None)
def test_nothing_is_asked_that_cannot_be_read(seed: int, values: list[float], step: float) -> None:
    names = tuple(f"n{i}" for i in range(len(values)))
    row = Series(name="", values=tuple(values), measure="Price", unit=Unit(decimals=1))
    data = ChartData(kind="bar", title="", category_axis="item", categories=names, series=(row,))
    reading = Reading(exact=step == 0, steps=(step or 1.0,), shown=frozenset(range(len(values))))
    element = ChartElement(role="legend", name="the legend", box=Box(0, 0, 1, 1))
    chart = DrawnChart(pixels=np.zeros((28, 28, 3), np.uint8), elements=(element,), reading=reading)
    rng = np.random.default_rng(seed)
    facts = {"chart": data.to_json()}
    for ask in VALUE_QUESTIONS:
        turn = ask(rng, View(data=data, drawn=chart))
        if turn is None:
            continue
        assert step < math.inf
        expected = recomputed(turn.to_json(), facts)
        if turn.value is None:
            assert turn.answer == expected
        else:
            assert abs(turn.value - expected) <= turn.tolerance + 1e-6
        if turn.kind == "compare":
            a, b = turn.about["categories"]
            assert abs(values[a] - values[b]) >= 2 * step


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_plotly_draws_the_bars_that_it_says() -> None:
    pytest.importorskip("plotly", reason="charts by plotly need plotly")
    pytest.importorskip("playwright", reason="pages need playwright")
    from qvl.data.synth.charts.plotly_chart import draw_plotly
    from qvl.data.synth.charts.styles import random_style

    rng = np.random.default_rng(5)
    data = invent(rng, "stacked_bar")
    chart = draw_plotly(data, random_style(rng, side_tokens=(16, 18)))
    bars = [e for e in chart.elements if e.role == "bar"]
    assert len(bars) == len(data.series) * len(data.categories)
    heights = [e.box.y2 - e.box.y1 for e in bars]
    values = [value for row in data.series for value in row.values if value is not None]
    scale = max(heights) / max(values)
    assert np.allclose(np.array(values) * scale, heights, atol=2.0)
    for element, height in zip(bars, heights, strict=True):
        if height > 30:
            x1, y1, x2, y2 = (round(v) for v in element.box)
            inside = chart.pixels[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].astype(int)
            assert (np.abs(inside - element.colour).sum(-1) < 24).mean() > 0.8


def test_of_two_that_look_alike_none_is_called_the_highest() -> None:
    series = Series(name="", values=(95.0, 95.0, 20.0), measure="Score", unit=Unit())
    data = ChartData(
        kind="bar", title="", category_axis="school", categories=("A", "B", "C"), series=(series,)
    )
    reading = Reading(exact=False, steps=(5.0,), shown=frozenset(range(3)))
    chart = DrawnChart(pixels=np.zeros((28, 28, 3), np.uint8), elements=(), reading=reading)
    turn = spread(np.random.default_rng(0), View(data=data, drawn=chart))
    assert turn is not None
    assert turn.steps[:2] == ("The highest is about 95.", "The lowest is about 20 for C.")


def test_shades_are_compared_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwritten(rng: np.random.Generator, **options: Any) -> ChartStyle:
        return replace(random_style(rng, **options), wants_labels=False)

    monkeypatch.setattr(chart_samples, "random_style", unwritten)
    monkeypatch.setattr(chart_samples, "_WRITTEN_CELLS", 0.0)
    for number in range(3):
        rng = np.random.default_rng((41, number))
        sample = chart_sample(rng, seed=(41, number), kinds=("heatmap",), task="questions")
        assert not sample.facts["readable"]["printed"]
        assert all(question["value"] is None for question in sample.facts["questions"])
        for message in sample.conversation.messages:
            assert message.role == "user" or "about" not in answer_text(message)
