"""Invents what a diagram shows: nodes, edges and what they mean.

Owns: the record of a graph, its invention, plain walks over it. Does not own: layout and drawing
(``graphviz_graph``, ``venn``), questions (``questions``).

    topics.json, rng -> invent_graph(rng, kind) -> Graph
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qvl.data.synth.picking import pick, shuffled

GraphKind = Literal[
    "flow chart", "tree", "organisation chart", "network", "state machine", "sequence", "mind map"
]
Role = Literal["start", "end", "step", "decision", "plain", "root"]

TOPICS: dict[str, Any] = json.loads(
    Path(__file__).with_name("topics.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node; its text is unique in the graph."""

    text: str
    role: Role = "plain"
    below: str = ""
    """A second line, such as somebody's position."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """From one node to another, by index."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """What a diagram shows, apart from how.

    Attributes:
        kind: of diagram.
        title: above it; empty when there is none.
        nodes: in the order of their invention.
        edges: between them; of a graph without directions each stands once.
        directed: edges have arrows.
    """

    kind: GraphKind
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    directed: bool = True

    def after(self, node: int) -> list[int]:
        """Where edges lead from a node; both ways when there are no directions."""
        ahead = [edge.target for edge in self.edges if edge.source == node]
        if not self.directed:
            ahead += [edge.source for edge in self.edges if edge.target == node]
        return ahead

    def before(self, node: int) -> list[int]:
        """Where edges come from."""
        return [edge.source for edge in self.edges if edge.target == node]

    def steps(self, start: int, end: int) -> int | None:
        """Edges on a shortest way, or None when there is none.

        >>> edges = (Edge(source=0, target=1), Edge(source=1, target=2))
        >>> Graph(kind="sequence", title="", nodes=(), edges=edges).steps(0, 2)
        2
        """
        distance = {start: 0}
        queue = deque([start])
        while queue:
            node = queue.popleft()
            if node == end:
                return distance[node]
            for following in self.after(node):
                if following not in distance:
                    distance[following] = distance[node] + 1
                    queue.append(following)
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values for the facts of a sample."""
        return {
            "kind": self.kind,
            "title": self.title,
            "directed": self.directed,
            "nodes": [node.text for node in self.nodes],
            "roles": [node.role for node in self.nodes],
            "below": [node.below for node in self.nodes],
            "edges": [[edge.source, edge.target, edge.label] for edge in self.edges],
        }


def invent_graph(rng: np.random.Generator, kind: GraphKind) -> Graph:
    """Returns a graph of a kind."""
    return _INVENTORS[kind](rng)


def _flow_chart(rng: np.random.Generator) -> Graph:
    """A chain of steps with decisions, each of which may lead aside or back."""
    topic = pick(rng, TOPICS["processes"])
    count = int(rng.integers(3, len(topic["steps"]) + 1))
    chain = [Node(text=topic["start"], role="start")]
    chain += [Node(text=text, role="step") for text in topic["steps"][:count]]
    chain.append(Node(text=topic["end"], role="end"))
    asides: list[tuple[int, str, int]] = []
    decisions = topic["decisions"][: int(rng.integers(1, 3))]
    place = 2
    for text, aside in decisions:
        if place >= len(chain):
            break
        chain.insert(place, Node(text=text, role="decision"))
        # The way aside ends, leads back to the step before, or joins the chain later on.
        form = rng.random()
        back = place - 1 if form < 0.45 else len(chain) - 1 if form < 0.75 else -1
        asides.append((place, aside, back))
        place += int(rng.integers(2, 4))
    # Decisions inserted later moved what stands behind them.
    last = len(chain) - 1
    nodes, edges = [*chain], []
    for i in range(last):
        label = "Yes" if chain[i].role == "decision" else ""
        edges.append(Edge(source=i, target=i + 1, label=label))
    for place, aside, back in asides:
        nodes.append(Node(text=aside, role="step"))
        edges.append(Edge(source=place, target=len(nodes) - 1, label="No"))
        if back >= 0:
            target = last if back > place else back
            edges.append(Edge(source=len(nodes) - 1, target=target))
    return Graph(kind="flow chart", title=topic["title"], nodes=tuple(nodes), edges=tuple(edges))


def _hierarchy(rng: np.random.Generator) -> tuple[str, list[Node], list[Edge]]:
    root, branches = pick(rng, TOPICS["trees"])
    nodes, edges = [Node(text=root, role="root")], []
    # A word may stand in two branches of a topic, but only once in a diagram.
    used = {root}
    for branch in shuffled(rng, list(branches))[: int(rng.integers(2, len(branches) + 1))]:
        if branch in used:
            continue
        used.add(branch)
        nodes.append(Node(text=branch))
        edges.append(Edge(source=0, target=len(nodes) - 1))
        parent = len(nodes) - 1
        leaves = [leaf for leaf in branches[branch] if leaf not in used]
        for leaf in leaves[: int(rng.integers(1, len(leaves) + 1))]:
            used.add(leaf)
            nodes.append(Node(text=leaf))
            edges.append(Edge(source=parent, target=len(nodes) - 1))
    return root, nodes, edges


def _tree(rng: np.random.Generator) -> Graph:
    root, nodes, edges = _hierarchy(rng)
    title = f"Kinds of {root.lower()}" if rng.random() < 0.3 else ""
    return Graph(kind="tree", title=title, nodes=tuple(nodes), edges=tuple(edges))


def _mind_map(rng: np.random.Generator) -> Graph:
    _, nodes, edges = _hierarchy(rng)
    return Graph(kind="mind map", title="", nodes=tuple(nodes), edges=tuple(edges), directed=False)


def _organisation(rng: np.random.Generator) -> Graph:
    people, roles = shuffled(rng, TOPICS["people"]), TOPICS["roles"]
    with_roles = bool(rng.random() < 0.7)
    others = shuffled(rng, roles[5:])
    heads = shuffled(rng, roles[1:5])[: int(rng.integers(2, 5))]
    names = iter(people)

    def person(role: str, kind: Role = "plain") -> Node:
        return Node(text=next(names), role=kind, below=role if with_roles else "")

    nodes, edges = [person(roles[0], "root")], []
    for head in heads:
        nodes.append(person(head))
        edges.append(Edge(source=0, target=len(nodes) - 1))
        manager = len(nodes) - 1
        for _ in range(int(rng.integers(0, 4))):
            nodes.append(person(others.pop()))
            edges.append(Edge(source=manager, target=len(nodes) - 1))
            if len(nodes) == 13 or not others:
                break
        if len(nodes) == 13 or not others:
            break
    title = "Organisation chart" if rng.random() < 0.4 else ""
    return Graph(kind="organisation chart", title=title, nodes=tuple(nodes), edges=tuple(edges))


def _network(rng: np.random.Generator) -> Graph:
    """Connected: every node but the first is joined to an earlier one, and a few more edges."""
    is_map = bool(rng.random() < 0.6)
    names = shuffled(rng, TOPICS["places" if is_map else "devices"])[: int(rng.integers(5, 9))]
    pairs = {(int(rng.integers(i)), i) for i in range(1, len(names))}
    for _ in range(int(rng.integers(1, 4))):
        a, b = sorted(int(i) for i in rng.choice(len(names), 2, replace=False))
        pairs.add((a, b))
    edges = [
        Edge(source=a, target=b, label=str(int(rng.integers(2, 60)) * 5) if is_map else "")
        for a, b in sorted(pairs)
    ]
    title = "Distances in km" if is_map else "Network plan"
    return Graph(
        kind="network",
        title=title,
        nodes=tuple(Node(text=name) for name in names),
        edges=tuple(edges),
        directed=False,
    )


def _state_machine(rng: np.random.Generator) -> Graph:
    """All states that can be reached by the transitions that were chosen."""
    name, transitions = pick(rng, TOPICS["machines"])
    states: dict[str, int] = {transitions[0][0]: 0}
    edges: list[Edge] = []
    for number, (source, event, target) in enumerate(transitions):
        # The first ones hold the machine together, so only later ones may be missing.
        if source not in states or (number > 2 and rng.random() < 0.25):
            continue
        states.setdefault(target, len(states))
        edges.append(Edge(source=states[source], target=states[target], label=event))
    nodes = tuple(
        Node(text=text, role="start" if i == 0 else "plain") for i, text in enumerate(states)
    )
    title = f"States of a {name.lower()}" if rng.random() < 0.5 else ""
    return Graph(kind="state machine", title=title, nodes=nodes, edges=tuple(edges))


def _sequence(rng: np.random.Generator) -> Graph:
    topic = pick(rng, TOPICS["processes"])
    texts = [topic["start"], *topic["steps"][: int(rng.integers(2, 6))], topic["end"]]
    nodes = tuple(Node(text=text, role="step") for text in texts)
    edges = tuple(Edge(source=i, target=i + 1) for i in range(len(texts) - 1))
    return Graph(kind="sequence", title=topic["title"], nodes=nodes, edges=edges)


_INVENTORS: dict[GraphKind, Callable[[np.random.Generator], Graph]] = {
    "flow chart": _flow_chart,
    "tree": _tree,
    "organisation chart": _organisation,
    "network": _network,
    "state machine": _state_machine,
    "sequence": _sequence,
    "mind map": _mind_map,
}
GRAPH_KINDS: tuple[GraphKind, ...] = tuple(_INVENTORS)
