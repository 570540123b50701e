"""A diagram said otherwise: as Mermaid code, as nodes and edges in JSON, as sentences.

Owns: prompts for them and the answers. Does not own: how JSON is spelled (``tasks.extraction``).

    Graph, DrawnGraph -> mermaid_turn | json_turn | caption_turn -> (question, answer)
"""

from collections.abc import Sequence

import numpy as np

from qvl.data.synth.diagrams.graphs import Graph
from qvl.data.synth.diagrams.graphviz_graph import DrawnGraph
from qvl.data.synth.picking import listed, pick
from qvl.tasks import extraction
from qvl.tasks.json_repair import JsonValue

_ASK_MERMAID = (
    "Convert the diagram to Mermaid code.",
    "Write Mermaid code that draws this diagram.",
)
_ASK_JSON = (
    "List the nodes and edges of the diagram in JSON format.",
    "Extract the structure of this diagram as JSON with nodes and edges.",
)
_ASK_CAPTION = ("Describe the diagram.", "What does the diagram show?")
_MERMAID_SHAPES = {
    "diamond": ("{", "}"), "ellipse": ("([", "])"), "rounded": ("(", ")"), "hexagon": ("{{", "}}"),
}  # fmt: skip
"""What comes nearest to the shapes that graphviz draws. Source: mermaid.js.org, node shapes."""


def mermaid(graph: Graph, shapes: Sequence[str], *, sideways: bool = False) -> str:
    """The graph in Mermaid's language. Source: mermaid.js.org, flowchart syntax.

    Args:
        graph: what is written down.
        shapes: of the nodes, as `DrawnGraph` has them.
        sideways: edges run from left to right.

    >>> from qvl.data.synth.diagrams.graphs import Edge, Node
    >>> nodes = (Node(text="Idle"), Node(text="Busy?", role="decision"))
    >>> edges = (Edge(source=0, target=1, label="start"),)
    >>> graph = Graph(kind="state machine", title="", nodes=nodes, edges=edges)
    >>> print(mermaid(graph, ["box", "diamond"]))
    flowchart TD
        A["Idle"]
        B{"Busy?"}
        A -->|start| B
    """
    letters = [chr(ord("A") + i) for i in range(len(graph.nodes))]
    lines = [f"flowchart {'LR' if sideways else 'TD'}"]
    for letter, node, shape in zip(letters, graph.nodes, shapes, strict=True):
        before, after = _MERMAID_SHAPES.get(shape, ("[", "]"))
        text = node.text + (f"<br/>{node.below}" if node.below else "")
        lines.append(f'    {letter}{before}"{text}"{after}')
    arrow = "-->" if graph.directed else "---"
    for edge in graph.edges:
        label = f"|{edge.label}|" if edge.label else ""
        lines.append(f"    {letters[edge.source]} {arrow}{label} {letters[edge.target]}")
    return "\n".join(lines)


def mermaid_turn(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> tuple[str, str]:
    """The diagram as code."""
    code = mermaid(graph, drawn.shapes, sideways=drawn.sideways)
    return pick(rng, _ASK_MERMAID), f"```mermaid\n{code}\n```"


def json_turn(rng: np.random.Generator, graph: Graph) -> tuple[str, str]:
    """The diagram as names of nodes, and pairs of names."""
    edges: list[JsonValue] = []
    for edge in graph.edges:
        record: dict[str, JsonValue] = {
            "from": graph.nodes[edge.source].text,
            "to": graph.nodes[edge.target].text,
        }
        edges.append({**record, "label": edge.label} if edge.label else record)
    nodes: list[JsonValue] = [node.text for node in graph.nodes]
    return pick(rng, _ASK_JSON), extraction.format({"nodes": nodes, "edges": edges})


def caption_turn(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> tuple[str, str]:
    """A few sentences that follow the edges."""
    article = "An" if graph.kind[0] in "aeiou" else "A"
    titled = f' titled "{graph.title}"' if graph.title else ""
    sentences = [f"{article} {graph.kind}{titled} with {len(graph.nodes)} nodes."]
    for node, found in enumerate(graph.nodes):
        edges = [edge for edge in graph.edges if edge.source == node]
        if not edges:
            continue
        names = [
            graph.nodes[edge.target].text + (f" ({edge.label})" if edge.label else "")
            for edge in edges
        ]
        verb = "leads to" if graph.directed else "is connected to"
        if graph.kind == "organisation chart":
            verb = "manages"
        elif graph.kind == "mind map" or (graph.kind == "tree" and drawn.sideways):
            verb = "branches into"
        elif graph.kind == "tree":
            verb = "stands above"
        sentences.append(f"{found.text} {verb} {listed(names)}.")
    return pick(rng, _ASK_CAPTION), " ".join(sentences)
