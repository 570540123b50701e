"""Diagrams: answers follow from nodes and edges, boxes from the pixels, the same in any process."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.records import Sample
from qvl.data.synth.charts.styles import PALETTES
from qvl.data.synth.diagrams.descriptions import mermaid
from qvl.data.synth.diagrams.graphs import GRAPH_KINDS, Edge, Graph, GraphKind, Node, invent_graph
from qvl.data.synth.diagrams.samples import diagram_sample, venn_sample
from qvl.data.synth.fonts import font_files
from qvl.errors import MissingDependencyError
from qvl.geometry import FACTOR
from qvl.messages import Image
from qvl.tasks import grounding

try:
    font_files("train")
except MissingDependencyError:
    pytest.skip("the fonts are not installed", allow_module_level=True)
needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")


def drawn(number: int, **options: Any) -> Sample:
    return diagram_sample(np.random.default_rng((3, number)), seed=(3, number), **options)


def pixels(sample: Sample) -> np.ndarray:
    part = sample.conversation.messages[0].content[0]
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source


def texts(sample: Sample) -> list[str]:
    return [m.content[-1].text for m in sample.conversation.messages]  # type: ignore[union-attr]


def distances(graph: dict[str, Any]) -> np.ndarray:
    """Floyd and Warshall, where the generator walks breadth first."""
    count = len(graph["nodes"])
    found = np.full((count, count), np.inf)
    for a, b, _ in graph["edges"]:
        found[a, b] = 1
        if not graph["directed"]:
            found[b, a] = 1
    np.fill_diagonal(found, 0)
    for k in range(count):
        found = np.minimum(found, found[:, k, None] + found[None, k])
    return found


def recomputed(question: dict[str, Any], graph: dict[str, Any], facts: dict[str, Any]) -> Any:
    names, edges, about = graph["nodes"], graph["edges"], question["about"]
    match question["kind"]:
        case "count nodes":
            return len(names)
        case "count edges":
            return len(edges)
        case "count decisions":
            return graph["roles"].count("decision")
        case "follows":
            pairs = [(a, b) if about["ahead"] else (b, a) for a, b, _ in edges]
            (only,) = {b for a, b in pairs if a == about["node"]}
            return names[only]
        case "branch":
            return names[edges[about["edge"]][1]]
        case "edge label":
            label = edges[about["edge"]][2]
            return float(label) if label.isdecimal() else label
        case "steps between":
            a, b = about["nodes"]
            return distances(graph)[a, b]
        case "connected":
            pair = about["nodes"]
            pairs = [[a, b] for a, b, _ in edges]
            if not graph["directed"]:
                pairs += [[b, a] for a, b, _ in edges]
            return "Yes" if pair in pairs else "No"
        case "children":
            node = about["node"]
            below = [b for a, b, _ in edges if a == node]
            if graph["kind"] == "network":
                below += [a for a, b, _ in edges if b == node]
            return ", ".join(names[i] for i in sorted(below))
        case "parent":
            return next(names[a] for a, b, _ in edges if b == about["node"])
        case "count leaves":
            return len(set(range(len(names))) - {a for a, _, _ in edges})
        case "most edges":
            ends = Counter(i for a, b, _ in edges for i in (a, b))
            return names[max(ends, key=ends.__getitem__)]
        case "way length":
            a, m, b = about["nodes"]
            return sum(int(w) for x, y, w in edges if {x, y} in ({a, m}, {m, b}))
        case "position":
            return graph["below"][about["node"]]
        case "holder":
            return names[about["node"]]
        case "colour":
            return facts["colours"][about["node"]]
        case "title":
            return graph["title"]
    return None


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [
        drawn(i, kinds=(GRAPH_KINDS[i % len(GRAPH_KINDS)],), task="questions", most_turns=12,
              strength=0.0)
        for i in range(5 * len(GRAPH_KINDS))
    ]  # fmt: skip


@needs_graphviz
def test_every_answer_follows_from_the_graph(samples: list[Sample]) -> None:
    kinds = set()
    for sample in samples:
        for question in sample.facts["questions"]:
            expected = recomputed(question, sample.facts["graph"], sample.facts)
            if expected is None:
                assert question["kind"] == "shape"
                continue
            kinds.add(question["kind"])
            found = question["answer"] if question["value"] is None else question["value"]
            assert found == expected, question
    assert len(kinds) >= 16, sorted(kinds)


@needs_graphviz
def test_boxes_of_nodes_hold_their_colour_and_do_not_overlap(samples: list[Sample]) -> None:
    hexes = {name: set() for palette in PALETTES for name, _ in palette}
    for palette in PALETTES:
        for name, value in palette:
            hexes[name].add(tuple(bytes.fromhex(value[1:])))
    checked = 0
    for sample in samples:
        image = pixels(sample).astype(int)
        assert image.shape[0] % FACTOR == image.shape[1] % FACTOR == 0
        boxes = sample.facts["boxes"]
        for box, name in zip(boxes, sample.facts["colours"], strict=True):
            x1, y1, x2, y2 = (round(v) for v in box)
            assert 0 <= x1 < x2 <= image.shape[1]
            assert 0 <= y1 < y2 <= image.shape[0]
            if name:
                inside = image[y1:y2, x1:x2].reshape(-1, 3)
                best = max((np.abs(inside - c).sum(-1) < 30).mean() for c in hexes[name])
                assert best > 0.2, (sample.provenance.seed, name, best)
                checked += 1
        for i, a in enumerate(boxes):
            for b in boxes[i + 1 :]:
                assert (
                    min(a[2], b[2]) - max(a[0], b[0]) < 2 or min(a[3], b[3]) - max(a[1], b[1]) < 2
                )
    assert checked > 60


@needs_graphviz
def test_boxes_are_asked_as_grounding_writes_them() -> None:
    sample = drawn(3, task="boxes")
    for answer in texts(sample)[1::2]:
        (item,) = grounding.parse(answer).boxes
        node = sample.facts["graph"]["nodes"].index(item.label)
        assert np.allclose(item.box, sample.facts["boxes"][node], atol=1.0)


@needs_graphviz
def test_words_agree_with_the_direction_and_the_shapes_that_are_drawn() -> None:
    seen = set()
    brackets = {"diamond": '{"', "ellipse": '(["', "rounded": '("', "hexagon": '{{"'}
    for number in range(24):
        sample = drawn(number, kinds=("tree",), task=("mermaid", "caption")[number % 2])
        (x, y), *others = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in sample.facts["boxes"]]
        sideways = all(px > x for px, _ in others)
        assert sideways != all(py > y for _, py in others), "a tree grows in one direction"
        answer = texts(sample)[1]
        if number % 2:
            assert ("above" in answer) == (not sideways), answer
        else:
            lines = answer.splitlines()[1:]
            assert lines[0] == ("flowchart LR" if sideways else "flowchart TD")
            for line, shape in zip(lines[1:], sample.facts["shapes"], strict=False):
                assert line.strip()[1:].startswith(brackets.get(shape, '["')), line
        seen.add((number % 2, sideways))
    assert len(seen) == 4


def test_mermaid_names_every_node_and_edge() -> None:
    for number in range(30):
        graph = invent_graph(np.random.default_rng(number), GRAPH_KINDS[number % len(GRAPH_KINDS)])
        lines = mermaid(graph, ["box"] * len(graph.nodes)).splitlines()[1:]
        assert len(lines) == len(graph.nodes) + len(graph.edges)
        for line, node in zip(lines, graph.nodes, strict=False):
            assert node.text in line


@given(st.integers(0, 2**32), st.sampled_from(GRAPH_KINDS))
@settings(max_examples=200, deadline=None)
def test_graphs_are_what_their_kind_says(seed: int, kind: GraphKind) -> None:
    graph = invent_graph(np.random.default_rng(seed), kind)
    texts = [node.text for node in graph.nodes]
    assert len(set(texts)) == len(texts)
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    assert len(set(pairs)) == len(pairs)
    assert all(a != b and max(a, b) < len(texts) for a, b in pairs)
    # Everything can be reached from the first node.
    assert np.isfinite(distances(graph.to_json())[0]).all()
    if kind in ("tree", "organisation chart", "mind map"):
        assert len(pairs) == len(texts) - 1
    if kind == "state machine":
        events = [(edge.source, edge.label) for edge in graph.edges]
        assert len(set(events)) == len(events)
    if kind == "flow chart":
        for i, node in enumerate(graph.nodes):
            labels = sorted(edge.label for edge in graph.edges if edge.source == i)
            assert labels == (["No", "Yes"] if node.role == "decision" else [""] * len(labels))


def test_venn_questions_add_up() -> None:
    for number in range(20):
        sample = venn_sample(np.random.default_rng(number), seed=(number,), most_turns=8)
        counts = [(set(r), c) for r, c in sample.facts["venn"]["counts"]]
        for question in sample.facts["questions"]:
            about = question["about"]
            if question["kind"] == "region":
                expected = next(c for r, c in counts if r == set(about["region"]))
            else:
                chosen = about.get("set")
                expected = sum(c for r, c in counts if chosen is None or chosen in r)
            assert question["value"] == expected


def _hash(sample: Sample) -> str:
    digest = hashlib.sha256(pixels(sample).tobytes())
    digest.update(json.dumps([texts(sample), sample.facts], sort_keys=True).encode())
    return digest.hexdigest()


@needs_graphviz
def test_the_same_in_another_process() -> None:
    program = (
        "from tests.data.synth.diagrams.test_diagrams import drawn, _hash\n"
        "print(*[_hash(drawn(i)) for i in range(4)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == [_hash(drawn(i)) for i in range(4)]


def test_without_graphviz_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="apt-get install graphviz"):
        drawn(1)


def test_quotes_in_names_do_not_break_out() -> None:
    if shutil.which("dot") is None:
        pytest.skip("graphviz is not installed")
    from qvl.data.synth.diagrams.graphviz_graph import draw_graph

    nodes = (Node(text='a" shape=star label="b'), Node(text="c\\"))
    graph = Graph(kind="sequence", title='t"] x [', nodes=nodes, edges=(Edge(source=0, target=1),))
    assert len(draw_graph(np.random.default_rng(1), graph).boxes) == 2
