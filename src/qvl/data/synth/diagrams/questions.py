"""Questions about diagrams, answered by walking over the graph.

Owns: the kinds of questions and their answers. Does not own: graphs, choosing (``samples``).

    Graph, DrawnGraph -> each of GRAPH_QUESTIONS -> Turn, or None when the graph cannot answer it
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from qvl.data.synth.diagrams.graphs import Graph
from qvl.data.synth.diagrams.graphviz_graph import SHAPE_NAMES, DrawnGraph
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.data.synth.turns import Turn

Asker = Callable[[np.random.Generator, Graph, DrawnGraph], Turn | None]
_MOST_LISTED = 4
_THING = {
    "flow chart": "step", "tree": "node", "organisation chart": "person", "network": "node",
    "state machine": "state", "sequence": "step", "mind map": "topic",
}  # fmt: skip
_THINGS = {name: name + "s" for name in _THING.values()} | {"person": "people"}


def _thing(graph: Graph) -> str:
    return _THING[graph.kind]


def _names(graph: Graph, nodes: list[int]) -> list[str]:
    return [graph.nodes[i].text for i in sorted(nodes)]


def count_nodes(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """How many nodes there are."""
    count, things = len(graph.nodes), _THINGS[_thing(graph)]
    return Turn(
        kind="count nodes",
        question=f"How many {things} are in the diagram?",
        answer=str(count),
        sentence=f"There are {count} {things}.",
        steps=(f"They are {listed([node.text for node in graph.nodes])}.",),
        value=float(count),
    )


def count_edges(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """How many edges there are."""
    things = "arrows" if graph.directed else "connecting lines"
    count = len(graph.edges)
    return Turn(
        kind="count edges",
        question=f"How many {things} are in the diagram?",
        answer=str(count),
        sentence=f"There are {count} {things}.",
        value=float(count),
    )


def count_decisions(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """How many diamonds a flow chart has."""
    found = [node.text for node in graph.nodes if node.role == "decision"]
    if not found:
        return None
    return Turn(
        kind="count decisions",
        question="How many decisions does the flow chart have?",
        answer=str(len(found)),
        sentence=f"It has {len(found)} decision{'s' if len(found) != 1 else ''}.",
        steps=(f"The questions are {listed(found)}",),
        value=float(len(found)),
    )


def follows(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What one arrow leads to or comes from."""
    if graph.kind not in ("flow chart", "sequence"):
        return None
    ahead = bool(rng.random() < 0.6)
    neighbours = graph.after if ahead else graph.before
    single = [i for i in range(len(graph.nodes)) if len(set(neighbours(i))) == 1]
    if not single:
        return None
    node = pick(rng, single)
    (other,) = set(neighbours(node))
    name, answer = graph.nodes[node].text, graph.nodes[other].text
    where = "directly after" if ahead else "directly before"
    return Turn(
        kind="follows",
        question=f'Which step comes {where} "{name}"?',
        answer=answer,
        sentence=f'"{answer}" comes {where} "{name}".',
        about={"node": node, "ahead": ahead},
    )


def branch(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """Where a labelled edge leads: an answer to a decision, an event in a state."""
    if graph.kind not in ("flow chart", "state machine"):
        return None
    labelled = [i for i, edge in enumerate(graph.edges) if edge.label]
    if not labelled:
        return None
    index = pick(rng, labelled)
    edge = graph.edges[index]
    source, target = graph.nodes[edge.source].text, graph.nodes[edge.target].text
    if graph.kind == "flow chart":
        question = f'What comes next if the answer to "{source}" is {edge.label.lower()}?'
        sentence = f'If the answer is {edge.label.lower()}, "{target}" comes next.'
    else:
        question = f'Which state follows "{source}" on the event "{edge.label}"?'
        sentence = f'On "{edge.label}" the state changes from "{source}" to "{target}".'
    return Turn(
        kind="branch", question=question, answer=target, sentence=sentence, about={"edge": index}
    )


def edge_label(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What stands at an edge: an event, a distance."""
    labelled = [i for i, edge in enumerate(graph.edges) if edge.label and edge.label != "Yes"]
    if not labelled or graph.kind == "flow chart":
        return None
    index = pick(rng, labelled)
    edge = graph.edges[index]
    a, b = graph.nodes[edge.source].text, graph.nodes[edge.target].text
    if graph.kind == "network":
        question = f"What number stands at the line between {a} and {b}?"
        sentence = f"The line between {a} and {b} is labelled {edge.label}."
    else:
        question = f'Which event leads from "{a}" to "{b}"?'
        sentence = f'The event "{edge.label}" leads from "{a}" to "{b}".'
    value = float(edge.label) if edge.label.isdecimal() else None
    return Turn(
        kind="edge label", question=question, answer=edge.label, sentence=sentence, value=value,
        about={"edge": index},
    )  # fmt: skip


def steps_between(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """How many edges a shortest way has."""
    pairs = [
        (a, b, length)
        for a in range(len(graph.nodes))
        for b in range(len(graph.nodes))
        if a != b and (length := graph.steps(a, b)) is not None and length >= 2
    ]
    if not pairs:
        return None
    a, b, length = pick(rng, pairs)
    names = [graph.nodes[i].text for i in (a, b)]
    edges = "arrows must be followed" if graph.directed else "lines must be followed"
    way = [graph.nodes[i].text for i in shortest_way(graph, a, b)]
    return Turn(
        kind="steps between",
        question=f'At least how many {edges} to get from "{names[0]}" to "{names[1]}"?',
        answer=str(length),
        sentence=f"At least {length} {edges}.",
        steps=(f"A shortest way is {' -> '.join(way)}.", f"It has {length} of them."),
        value=float(length),
        about={"nodes": [a, b]},
    )


def shortest_way(graph: Graph, start: int, end: int) -> list[int]:
    """Nodes on a shortest way, both ends included; the first in the order of nodes."""
    way = [start]
    while way[-1] != end:
        left = graph.steps(way[-1], end)
        assert left is not None, "ask for nodes that are connected"
        way.append(min(i for i in graph.after(way[-1]) if graph.steps(i, end) == left - 1))
    return way


def connected(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """Whether an edge joins two nodes."""
    joined = rng.random() < 0.5
    pairs = {(e.source, e.target) for e in graph.edges}
    if joined:
        a, b = pick(rng, sorted(pairs))
    else:
        apart = [
            (i, j)
            for i in range(len(graph.nodes))
            for j in range(len(graph.nodes))
            if i != j and (i, j) not in pairs and (graph.directed or (j, i) not in pairs)
        ]
        if not apart:
            return None
        a, b = pick(rng, apart)
    first, second = graph.nodes[a].text, graph.nodes[b].text
    line = (
        f'an arrow directly from "{first}" to "{second}"'
        if graph.directed
        else f'a direct line between "{first}" and "{second}"'
    )
    return Turn(
        kind="connected",
        question=f"Is there {line}?",
        answer="Yes" if joined else "No",
        sentence=f"{'Yes, there' if joined else 'No, there'} is {'' if joined else 'not '}{line}.",
        about={"nodes": [a, b]},
    )


def children(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What hangs below a node, or next to it in a network."""
    if graph.kind in ("flow chart", "sequence", "state machine"):
        return None
    few = [i for i in range(len(graph.nodes)) if 1 <= len(_below(graph, i)) <= _MOST_LISTED]
    if not few:
        return None
    node = pick(rng, few)
    names = _names(graph, _below(graph, node))
    name = graph.nodes[node].text
    question = {
        "tree": f'Which nodes does "{name}" point to?'
        if drawn.sideways
        else f'Which nodes are directly below "{name}"?',
        "organisation chart": f"Who reports directly to {name}?",
        "network": f'Which nodes are directly connected to "{name}"?',
        "mind map": f'Which topics branch directly off "{name}"?',
    }[graph.kind]
    verb = "is" if len(names) == 1 else "are"
    return Turn(
        kind="children",
        question=question,
        answer=", ".join(names),
        sentence=f"{'It' if len(names) == 1 else 'They'} {verb} {listed(names)}.",
        about={"node": node},
    )


def _below(graph: Graph, node: int) -> list[int]:
    return graph.after(node) if graph.kind == "network" else [
        edge.target for edge in graph.edges if edge.source == node
    ]  # fmt: skip


def parent(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What a node hangs from."""
    if graph.kind not in ("tree", "organisation chart", "mind map"):
        return None
    node = int(rng.integers(1, len(graph.nodes)))
    (above,) = graph.before(node)
    name, answer = graph.nodes[node].text, graph.nodes[above].text
    question = {
        "tree": f'Which node points to "{name}"?'
        if drawn.sideways
        else f'Which node is directly above "{name}"?',
        "organisation chart": f"Who does {name} report to?",
        "mind map": f'Which topic does "{name}" branch off?',
    }[graph.kind]
    return Turn(
        kind="parent", question=question, answer=answer, sentence=f"It is {answer}.",
        about={"node": node},
    )  # fmt: skip


def count_leaves(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """How many nodes of a tree have nothing below them."""
    if graph.kind not in ("tree", "organisation chart"):
        return None
    leaves = [i for i in range(len(graph.nodes)) if not graph.after(i)]
    asked = "How many people have nobody who reports to them?"
    if graph.kind == "tree":
        asked = "How many nodes point to no other node?"
    return Turn(
        kind="count leaves",
        question=asked,
        answer=str(len(leaves)),
        sentence=f"There are {len(leaves)} of them.",
        steps=(f"They are {listed(_names(graph, leaves))}.",),
        value=float(len(leaves)),
    )


def most_edges(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """Which node has the most lines, if there is one."""
    if graph.directed or len(graph.edges) < 3:
        return None
    degrees = Counter(i for edge in graph.edges for i in (edge.source, edge.target))
    (best, count), (_, second) = degrees.most_common(2)
    if count == second:
        return None
    name = graph.nodes[best].text
    return Turn(
        kind="most edges",
        question=f"Which {_thing(graph)} has the most connecting lines?",
        answer=name,
        sentence=f"{name} has the most, {count}.",
    )


def way_length(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """Two steps: the sum of the numbers along two lines that meet."""
    if graph.kind != "network" or not graph.edges[0].label:
        return None
    lengths = {frozenset((e.source, e.target)): int(e.label) for e in graph.edges}
    meeting = [i for i in range(len(graph.nodes)) if len(graph.after(i)) >= 2]
    middle = pick(rng, meeting)
    a, b = shuffled(rng, sorted(graph.after(middle)))[:2]
    first, second = lengths[frozenset((a, middle))], lengths[frozenset((middle, b))]
    names = [graph.nodes[i].text for i in (a, middle, b)]
    return Turn(
        kind="way length",
        question=f"How long is the way from {names[0]} over {names[1]} to {names[2]}?",
        answer=f"{first + second} km",
        sentence=f"It is {first + second} km long.",
        steps=(
            f"From {names[0]} to {names[1]} it is {first} km.",
            f"From {names[1]} to {names[2]} it is {second} km.",
            f"{first} + {second} = {first + second}.",
        ),
        value=float(first + second),
        about={"nodes": [a, middle, b]},
    )


def position(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What somebody's position is, or who holds it."""
    held = [i for i, node in enumerate(graph.nodes) if node.below]
    if not held:
        return None
    node = graph.nodes[pick(rng, held)]
    if rng.random() < 0.5:
        return Turn(
            kind="position",
            question=f"What is the position of {node.text}?",
            answer=node.below,
            sentence=f"The position of {node.text} is {node.below}.",
            about={"node": graph.nodes.index(node)},
        )
    return Turn(
        kind="holder",
        question=f'Whose position is "{node.below}"?',
        answer=node.text,
        sentence=f"It is the position of {node.text}.",
        about={"node": graph.nodes.index(node)},
    )


def shape(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """Which outline a node has."""
    node = int(rng.integers(len(graph.nodes)))
    name = SHAPE_NAMES.get(drawn.shapes[node])
    if name is None:
        return None
    text = graph.nodes[node].text
    return Turn(
        kind="shape",
        question=f'What shape is the node "{text}"?',
        answer=name,
        sentence=f'"{text}" is {"an" if name == "ellipse" else "a"} {name}.',
        about={"node": node},
    )


def colour(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What colour a node has."""
    node = int(rng.integers(len(graph.nodes)))
    if not drawn.colours[node]:
        return None
    text = graph.nodes[node].text
    return Turn(
        kind="colour",
        question=f'What color is the node "{text}"?',
        answer=drawn.colours[node],
        sentence=f'"{text}" is {drawn.colours[node]}.',
        about={"node": node},
    )


def title(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph) -> Turn | None:
    """What stands above the diagram."""
    if not graph.title:
        return None
    return Turn(
        kind="title",
        question="What is the title of the diagram?",
        answer=graph.title,
        sentence=f'The title is "{graph.title}".',
    )


GRAPH_QUESTIONS: tuple[Asker, ...] = (
    count_nodes, count_edges, count_decisions, follows, branch, edge_label, steps_between,
    connected, children, parent, count_leaves, most_edges, way_length, position, shape, colour,
    title,
)  # fmt: skip
