"""How an answer about a drawn case is judged: 0 to 1, from what is known of the drawing.

Owns: one function a kind of question. Does not own: the cases (``worlds``), the scorers behind.

    answer, facts of the sample, expected answer -> a judge -> 0..1
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from qvl.evaluation.metrics import character_errors
from qvl.evaluation.scorers.chartqa import relaxed_accuracy
from qvl.evaluation.scorers.moments import TimeSpan, first_moment
from qvl.evaluation.scorers.pointing import holds, middle
from qvl.evaluation.scorers.teds import teds
from qvl.geometry import Box, Point, box_iou
from qvl.tasks import agent, document, grounding, video
from qvl.tasks.actions import Action, Click
from qvl.tasks.document_markdown import to_markdown

Facts = Mapping[str, Any]
Judge = Callable[[str, Facts, str], float]
"""Answer, facts of the sample, expected answer -> score in 0..1."""


def exact(answer: str, facts: Facts, expected: str) -> float:
    """1 for the expected words and nothing else."""
    return float(answer.strip() == expected)


def characters(answer: str, facts: Facts, expected: str) -> float:
    """Share of the characters that are right."""
    return 1 - character_errors(answer.strip(), expected)


def running_text(answer: str, facts: Facts, expected: str) -> float:
    """Share of the characters that are right, wherever lines break."""
    return 1 - character_errors(" ".join(answer.split()), " ".join(expected.split()))


def boxes(answer: str, facts: Facts, expected: str) -> float:
    """Share of the wanted boxes that an answer meets at IoU 0.5, each answer box used once."""
    pairs = _met(answer, expected)
    return sum(given is not None for _, given in pairs) / len(pairs)


def spotted(answer: str, facts: Facts, expected: str) -> float:
    """Mean over lines of the share of characters right, in boxes met as for `boxes`; a line whose
    box is not met has none right."""
    right = [
        1 - character_errors(given.label or "", wanted.label or "") if given else 0.0
        for wanted, given in _met(answer, expected)
    ]
    return sum(right) / len(right)


def points(answer: str, facts: Facts, expected: str) -> float:
    """Share of the wanted objects that hold a point of the answer."""
    wanted = grounding.parse(expected).points
    wanted_boxes = [Box(*box) for name, box in facts["shapes"] if name == wanted[0].label]
    given = [item.point for item in grounding.parse(answer).points]
    if len(given) > 2 * len(wanted):
        return 0.0
    hits = sum(any(holds(box, p) for p in given) for box in wanted_boxes)
    return hits / len(wanted_boxes)


def click(answer: str, facts: Facts, expected: str) -> float:
    """1 if the first call clicks inside the button that the expected answer clicks in the
    middle."""
    given, wanted = agent.parse(answer).actions, agent.parse(expected).actions
    point, wanted_point = (_clicked(actions[0]) if actions else None for actions in (given, wanted))
    if point is None or wanted_point is None:
        return 0.0
    buttons = [Box(*box) for _, box in facts["buttons"]]
    button = min(
        buttons,
        key=lambda box: math.dist(middle(box), wanted_point),
    )
    return float(holds(button, point))


def page(answer: str, facts: Facts, expected: str) -> float:
    """Share of the characters of the page that are right, both read as Markdown; boxes do not
    count."""
    given, wanted = (
        to_markdown(document.parse(text).elements).strip() for text in (answer, expected)
    )
    return 1 - character_errors(given, wanted)


def table(answer: str, facts: Facts, expected: str) -> float:
    """TEDS of the first table."""
    return teds(answer=answer, truth=expected, headers_as_cells=True).value


def value(answer: str, facts: Facts, expected: str) -> float:
    """1 for a number within five percent, as ChartQA counts it."""
    return relaxed_accuracy(answer=answer.strip().rstrip("."), truth=expected).value


def name(answer: str, facts: Facts, expected: str) -> float:
    """1 for the name alone, whatever its case."""
    return float(answer.strip().rstrip(".").lower() == expected.lower())


def moment(answer: str, facts: Facts, expected: str) -> float:
    """Overlap in time of the first moment with the expected one."""
    given, wanted = (
        [TimeSpan(item.start_s, item.end_s) for item in video.parse(text).moments]
        for text in (answer, expected)
    )
    return first_moment(spans=given, truth=wanted[0]).value


def _clicked(action: Action) -> Point | None:
    return action.point if isinstance(action, Click) else None


def _met(
    answer: str, expected: str
) -> list[tuple[grounding.GroundedBox, grounding.GroundedBox | None]]:
    """Each wanted box with the answer's best at IoU 0.5 or more, if there is one left."""
    wanted, given = (list(grounding.parse(text).boxes) for text in (expected, answer))
    if len(given) > 2 * len(wanted):  # covering the picture with boxes is not finding
        given = []
    pairs: list[tuple[grounding.GroundedBox, grounding.GroundedBox | None]] = []
    for item in wanted:
        best = max(given, key=lambda other: box_iou(item.box, other.box), default=None)
        if best is None or box_iou(item.box, best.box) < 0.5:
            best = None
        else:
            given.remove(best)
        pairs.append((item, best))
    return pairs
