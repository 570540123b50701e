"""Samples about diagrams: questions, code, structure, descriptions and boxes of one picture.

Owns: which diagram, what is asked about it. Does not own: graphs, drawings, the answers.

    rng -> Graph -> graphviz -> turns -> light wear of the picture -> Sample
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.diagrams.descriptions import caption_turn, json_turn, mermaid_turn
from qvl.data.synth.diagrams.graphs import GRAPH_KINDS, Graph, GraphKind, invent_graph
from qvl.data.synth.diagrams.graphviz_graph import DrawnGraph, draw_graph
from qvl.data.synth.diagrams.questions import GRAPH_QUESTIONS
from qvl.data.synth.diagrams.venn import draw_venn, invent_venn, venn_turns
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.turns import Turn, conversation, given_away, worded
from qvl.data.synth.words import Split
from qvl.geometry import Box
from qvl.tasks import grounding

Task = Literal["questions", "mermaid", "json", "caption", "boxes"]
TASKS: tuple[Task, ...] = ("questions", "mermaid", "json", "caption", "boxes")
_TASK_SHARES = np.array([0.6, 0.1, 0.1, 0.08, 0.12])


def diagram_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    kinds: Sequence[GraphKind] = GRAPH_KINDS,
    task: Task | None = None,
    fonts: Split = "train",
    most_turns: int = 4,
    strength: float = 0.15,
) -> Sample:
    """Returns a diagram of nodes and edges and a conversation about it.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        kinds: of diagrams to choose from.
        task: what is asked; None takes any.
        fonts: which typefaces.
        most_turns: of a conversation.
        strength: of what happened to the picture on its way; nothing moves.

    Raises:
        MissingDependencyError: graphviz is not installed.
        DataError: graphviz fails.
    """
    graph = invent_graph(rng, pick(rng, kinds))
    drawn = draw_graph(rng, graph, fonts=fonts)
    chosen = task or TASKS[int(rng.choice(len(TASKS), p=_TASK_SHARES))]
    asked: list[Turn] = []
    if chosen == "mermaid":
        turns = [mermaid_turn(rng, graph, drawn)]
    elif chosen == "json":
        turns = [json_turn(rng, graph)]
    elif chosen == "caption":
        turns = [caption_turn(rng, graph, drawn)]
    elif chosen == "boxes":
        turns = _locate(rng, graph, drawn, most_turns)
    else:
        asked = _ask(rng, graph, drawn, int(rng.integers(1, most_turns + 1)))
        turns = worded(rng, asked)
    return Sample(
        task=f"diagram {chosen}",
        conversation=conversation(_worn(rng, drawn.pixels, strength), turns),
        provenance=Provenance(generator="diagrams.samples.diagram_sample", seed=seed),
        facts={
            "graph": graph.to_json(),
            "questions": [turn.to_json() for turn in asked],
            "boxes": [[round(v, 1) for v in box] for box in drawn.boxes],
            "colours": list(drawn.colours),
            "shapes": list(drawn.shapes),
            "sideways": drawn.sideways,
        },
    )


def venn_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    fonts: Split = "train",
    most_turns: int = 4,
    strength: float = 0.15,
) -> Sample:
    """Returns a Venn diagram with questions about its regions; arguments as `diagram_sample`."""
    data = invent_venn(rng)
    pixels = draw_venn(rng, data, fonts=fonts)
    asked: list[Turn] = []
    count = int(rng.integers(1, most_turns + 1))
    for turn in venn_turns(rng, data):
        if len(asked) < count and not given_away(turn, asked):
            asked.append(turn)
    return Sample(
        task="diagram venn",
        conversation=conversation(_worn(rng, pixels, strength), worded(rng, asked)),
        provenance=Provenance(generator="diagrams.samples.venn_sample", seed=seed),
        facts={"venn": data.to_json(), "questions": [turn.to_json() for turn in asked]},
    )


def _worn(
    rng: np.random.Generator, pixels: npt.NDArray[np.uint8], strength: float
) -> npt.NDArray[np.uint8]:
    return np.asarray(photograph(rng, PILImage.fromarray(pixels), strength=strength), np.uint8)


def _ask(rng: np.random.Generator, graph: Graph, drawn: DrawnGraph, count: int) -> list[Turn]:
    chosen: list[Turn] = []
    for asker in shuffled(rng, GRAPH_QUESTIONS):
        turn = asker(rng, graph, drawn)
        if turn is not None and not given_away(turn, chosen):
            chosen.append(turn)
        if len(chosen) == count:
            break
    return chosen


def _locate(
    rng: np.random.Generator, graph: Graph, drawn: DrawnGraph, most_turns: int
) -> list[tuple[str, str]]:
    height, width = drawn.pixels.shape[:2]
    turns = []
    for node in shuffled(rng, range(len(graph.nodes)))[: int(rng.integers(1, most_turns + 1))]:
        x1, y1, x2, y2 = drawn.boxes[node]
        box = Box(max(0, x1), max(0, y1), min(width - 1, x2), min(height - 1, y2))
        text = graph.nodes[node].text
        item = grounding.GroundedBox(box=box, label=text)
        turns.append((grounding.prompt(f'the node "{text}"'), grounding.format([item])))
    return turns
