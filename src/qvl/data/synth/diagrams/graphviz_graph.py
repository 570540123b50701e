"""A graph laid out and drawn by graphviz.

Owns: looks of diagrams, the program that draws, boxes of nodes. Does not own: graphs (``graphs``).

    Graph, rng -> DOT with a style -> one process of graphviz -> PNG and layout -> DrawnGraph

A picture that came out too wide, too high or with too small letters is laid out another way.
"""

import io
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageFont

from qvl.data.synth.charts.plots import ink_on, rgb
from qvl.data.synth.charts.styles import PALETTES, text_fonts
from qvl.data.synth.diagrams.graphs import Graph, Node
from qvl.data.synth.picking import pick
from qvl.data.synth.words import Split
from qvl.errors import DataError, MissingDependencyError
from qvl.geometry import FACTOR, Box

_DPI = 96
_PAD_IN = 0.2
_SECONDS = 20.0
_MOST_SIDE_PX = 1120
_LEAST_FONT_PX = 10.5
_ENGINES = {"network": ("neato", "circo", "dot"), "mind map": ("twopi", "dot", "neato")}
_SHAPES = {"start": "ellipse", "end": "ellipse", "decision": "diamond", "root": "box"}
_PLAIN = ("box", "box", "ellipse", "hexagon", "cds", "note")
SHAPE_NAMES = {
    "diamond": "diamond", "ellipse": "ellipse", "box": "rectangle", "hexagon": "hexagon",
    "rounded": "rounded rectangle",
}  # fmt: skip
"""Shapes that have an everyday name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnGraph:
    """A picture of a graph.

    Attributes:
        pixels: uint8[H, W, 3], sides multiples of 28.
        boxes: of the nodes, in resized_px.
        shapes: of the nodes, as graphviz calls them; "rounded" is a box with round corners.
        colours: names of the nodes' colours; empty strings where they have none.
        sideways: edges run from left to right, not downwards.
    """

    pixels: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    shapes: tuple[str, ...]
    colours: tuple[str, ...]
    sideways: bool


def draw_graph(rng: np.random.Generator, graph: Graph, *, fonts: Split = "train") -> DrawnGraph:
    """Draws a graph.

    Args:
        rng: source of its looks.
        graph: what is shown.
        fonts: which typefaces.

    Raises:
        MissingDependencyError: graphviz is not installed.
        DataError: it fails or takes too long, or no layout fits.
    """
    look = _Look(rng, graph, fonts)
    for attempt in range(4):
        source = look.dot(graph, attempt)
        picture, layout = _run(source, look.engine(graph, attempt))
        scale = min(1.0, _MOST_SIDE_PX / max(picture.size))
        if scale * look.font_px >= _LEAST_FONT_PX:
            return _placed(picture, layout, scale, look, graph, look.is_sideways(attempt))
    raise DataError(
        f"a {graph.kind} of {len(graph.nodes)} nodes fits no picture of {_MOST_SIDE_PX} px"
    )


class _Look:
    """Colours, shapes and fonts of one diagram."""

    def __init__(self, rng: np.random.Generator, graph: Graph, fonts: Split) -> None:
        family, _ = ImageFont.truetype(str(pick(rng, text_fonts(fonts))), 12).getname()
        self.family = family or "sans"
        self.font_px = int(rng.integers(14, 21))
        self.palette = pick(rng, PALETTES)
        self.paper, self.ink = (
            ("#ffffff", "#222222"),
            ("#ffffff", "#222222"),
            ("#fbf7ef", "#3b2f2f"),
            ("#f4f6fa", "#1b2a41"),
            ("#1e1e24", "#e8e8ea"),
        )[int(rng.integers(5))]
        self.filled = bool(rng.random() < 0.7)
        self.by_role = bool(rng.random() < 0.5)
        self.plain_shape = pick(rng, _PLAIN)
        self.rounded = bool(rng.random() < 0.5)
        self.splines = pick(rng, ("true", "true", "ortho", "polyline"))
        self.arrow = pick(rng, ("normal", "normal", "vee", "open", "empty"))
        self.thick = float(rng.uniform(1.0, 2.2))
        self.sideways = bool(rng.random() < (0.6 if graph.kind == "sequence" else 0.35))
        self.bold_root = bool(rng.random() < 0.5)
        self.engines = _ENGINES.get(graph.kind, ("dot",))
        self.first_engine = int(rng.integers(len(self.engines)))
        self.seed = int(rng.integers(1, 1000))

    def engine(self, graph: Graph, attempt: int) -> str:
        """Another attempt takes another engine, where there are several."""
        return self.engines[(self.first_engine + attempt) % len(self.engines)]

    def is_sideways(self, attempt: int) -> bool:
        """Whether edges run from left to right; every other attempt turns them."""
        return self.sideways ^ (attempt % 2 == 1)

    def shape(self, node: Node) -> str:
        """Which outline a node has."""
        shape = _SHAPES.get(node.role, self.plain_shape)
        return "rounded" if shape == "box" and self.rounded else shape

    def colour(self, graph: Graph, index: int) -> tuple[str, str]:
        """Name and value of a node's colour, or empty ones."""
        if not self.filled:
            return "", ""
        roles = ["start", "step", "decision", "end", "plain", "root"]
        if graph.kind in ("flow chart", "state machine") or self.by_role:
            return self.palette[roles.index(graph.nodes[index].role) % len(self.palette)]
        return self.palette[0] if graph.kind == "sequence" else self.palette[_depth(graph, index)]

    def dot(self, graph: Graph, attempt: int) -> str:
        """The graph in graphviz' language."""
        gap = 0.35 if attempt < 2 else 0.2
        points = self.font_px * 72 / _DPI
        title = f'label="{_quoted(graph.title)}" labelloc=t' if graph.title else ""
        splines = self.splines
        labelled = any(edge.label for edge in graph.edges)
        if splines == "ortho" and (labelled or self.engine(graph, attempt) != "dot"):
            # Labels of orthogonal edges stand beside others, and engines other than dot fail on
            # them.
            splines = "true"
        side = "LR" if self.is_sideways(attempt) else "TB"
        lines = [
            f"{'digraph' if graph.directed else 'graph'} {{",
            f'graph [dpi={_DPI} pad={_PAD_IN} bgcolor="{self.paper}" fontname="{self.family}" '
            f'fontsize={points * 1.25:.1f} fontcolor="{self.ink}" rankdir={side} '
            f"nodesep={gap} ranksep={gap + 0.15} overlap=false splines={splines} sep=0.25 "
            f"start={self.seed} {title}]",
            f'node [fontname="{self.family}" fontsize={points:.1f} color="{self.ink}" '
            f"penwidth={self.thick:.1f}]",
            f'edge [fontname="{self.family}" fontsize={points * 0.9:.1f} color="{self.ink}" '
            f'fontcolor="{self.ink}" arrowhead={self.arrow} penwidth={self.thick:.1f}]',
        ]
        lines += [self._node(graph, i) for i in range(len(graph.nodes))]
        arrow = "->" if graph.directed else "--"
        for edge in graph.edges:
            label = f' [label=" {_quoted(edge.label)} "]' if edge.label else ""  # off the line
            lines.append(f"n{edge.source} {arrow} n{edge.target}{label}")
        return "\n".join([*lines, "}"])

    def _node(self, graph: Graph, index: int) -> str:
        node = graph.nodes[index]
        _, fill = self.colour(graph, index)
        shape = self.shape(node)
        styles = ["filled"] if fill else []
        if shape == "rounded":
            shape = "box"
            styles.append("rounded")
        ink = ink_on(rgb(fill)) if fill else self.ink
        label = _quoted(node.text) + (f"\\n{_quoted(node.below)}" if node.below else "")
        looks = f'fillcolor="{fill}" ' if fill else ""
        return (
            f'n{index} [label="{label}" shape={shape} style="{",".join(styles)}" {looks}'
            f'fontcolor="{ink}"]'
        )


def _depth(graph: Graph, index: int) -> int:
    """Edges from the first node, at most a few, so that a palette has enough colours."""
    return min(graph.steps(0, index) or 0, 4)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _run(source: str, engine: str) -> tuple[PILImage.Image, dict[str, Any]]:
    program = shutil.which("dot")
    if program is None:
        raise MissingDependencyError(
            "drawing diagrams needs graphviz, and there is no program 'dot'",
            hint="on Debian: apt-get install graphviz",
        )
    with tempfile.TemporaryDirectory(prefix="qvl-graph-") as folder:
        png, layout = Path(folder, "graph.png"), Path(folder, "graph.json")
        command = [program, f"-K{engine}", "-Tpng", "-o", str(png), "-Tjson0", "-o", str(layout)]
        try:
            done = subprocess.run(
                command, input=source.encode(), capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise DataError(f"graphviz was not done after {_SECONDS:g} s") from error
        if done.returncode != 0 or not png.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise DataError(f"graphviz failed: {said[0] if said else done.returncode}")
        picture = PILImage.open(io.BytesIO(png.read_bytes())).convert("RGB")
        return picture, json.loads(layout.read_text(encoding="utf-8"))


def _placed(
    picture: PILImage.Image,
    layout: dict[str, Any],
    scale: float,
    look: _Look,
    graph: Graph,
    sideways: bool,
) -> DrawnGraph:
    """Scales the picture down where it must be, and fills it up to multiples of 28."""
    width, height = picture.size
    inner = picture
    if scale < 1:
        inner = picture.resize((round(width * scale), round(height * scale)))
    sides = [max(4, -(-side // FACTOR)) * FACTOR for side in inner.size]
    left, top = (sides[0] - inner.width) // 2, (sides[1] - inner.height) // 2
    whole = PILImage.new("RGB", (sides[0], sides[1]), look.paper)
    whole.paste(inner, (left, top))
    # Layouts are in points with y from below; the bounding box begins where the padding ends.
    x0, _, _, y1 = map(float, layout["bb"].split(","))
    pixel = _DPI / 72
    boxes: dict[str, Box] = {}
    for node in layout["objects"]:
        x, y = map(float, node["pos"].split(","))
        half_w, half_h = float(node["width"]) * _DPI / 2, float(node["height"]) * _DPI / 2
        cx = (x - x0) * pixel + _PAD_IN * _DPI
        cy = (y1 - y) * pixel + _PAD_IN * _DPI
        sides_of = (cx - half_w, cy - half_h, cx + half_w, cy + half_h)
        offsets = (left, top, left, top)
        boxes[node["name"]] = Box(*(v * scale + o for v, o in zip(sides_of, offsets, strict=True)))
    nodes = range(len(graph.nodes))
    return DrawnGraph(
        pixels=np.asarray(whole, np.uint8),
        boxes=tuple(boxes[f"n{i}"] for i in nodes),
        shapes=tuple(look.shape(node) for node in graph.nodes),
        colours=tuple(look.colour(graph, i)[0] for i in nodes),
        sideways=sideways,
    )
