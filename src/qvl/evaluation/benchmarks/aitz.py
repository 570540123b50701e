"""Android in the Zoo (arXiv 2403.02713): steps of people on phones, chosen and
checked from Android in the Wild.

Layout: IMNearth/CoAT, SPLIT/SUBSET/EPISODE/EPISODE.json, a list of steps: episode_id, step_id,
instruction, image_path, result_action_type (numbers of Android in the Wild), result_action_text,
result_touch_yx and result_lift_yx (of 1), ui_positions (y, x, height, width in pixels); lists are
text. The screenshots lie beside the file.
Prompt: that of `android-control-high`: the goal and the actions so far; the README of Qwen2.5-VL
does not say how it asked.
Score: Qwen's rule for a step, with the annotated elements that hold the place as candidates;
`os_atlas` is that of OS-Atlas. The authors' own rule wants a box or a number of an element where
Qwen2.5-VL writes a point. A press is a tap if the finger moves by at most 0.04 of the screen.
"""

import json
import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.screens import (
    ask_on_screen,
    backwards_of,
    first_action,
    size_of,
    step_percents,
)
from qvl.evaluation.layouts.rows import Row, json_rows
from qvl.evaluation.report.failures import PLACES
from qvl.evaluation.scorers.android_control import qwen_step
from qvl.evaluation.scorers.pointing import holds
from qvl.evaluation.scorers.score import Score
from qvl.geometry import Box, ImageSize, Point
from qvl.messages import SamplingParams
from qvl.tasks import agent
from qvl.tasks.action_calls import write_action
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    PressSystem,
    SystemButton,
    Terminate,
    Type,
    mapped,
)
from qvl.tasks.tool_calls import call_json

_TYPE, _TOUCH, _COMPLETE, _IMPOSSIBLE = 3, 4, 10, 11
_BUTTONS: dict[int, SystemButton] = {5: "Back", 6: "Home", 7: "Enter"}
"""Source: google-research android_in_the_wild/action_type.py."""
_TAP = 0.04
"""Source: google-research android_in_the_wild/action_matching.py, _SWIPE_DISTANCE_THRESHOLD."""


def _load(folder: Path, split: str) -> Iterator[Question]:
    lists = sorted((folder / split).glob("*/*/*.json"))
    if not lists:
        raise DataError(f"{folder} has no {split}/SUBSET/EPISODE/EPISODE.json")
    for path in lists:
        told: list[str] = []
        for row in sorted(json_rows(path), key=lambda row: int(row["step_id"])):
            question = _question(row, path, told, folder)
            yield question
            told.append(_told(question))


def _told(question: Question) -> str:
    """A step as the next ones are told of it, in the pixels that the model saw."""
    if question.broken:
        return "unknown"
    action = mapped(_truth(question.truth, size_of(question)), backwards_of(question))
    return call_json(write_action(action, "mobile_use"))


def _question(row: Row, path: Path, told: Sequence[str], folder: Path) -> Question:
    truth = {
        "kind": row["result_action_type"],
        "text": str(row.get("result_action_text", "")),
        "touch": _listed(row, "result_touch_yx"),
        "lift": _listed(row, "result_lift_yx"),
    }
    kind = type(_truth(truth, ImageSize(1, 1), where=row.where)).__name__
    elements = {
        f"element {i}": Box(x, y, x + width, y + height)
        for i, (y, x, height, width) in enumerate(_listed(row, "ui_positions"))
    }
    name = Path(str(row["image_path"])).name
    return ask_on_screen(
        row,
        folder,
        key=f"{path.stem}-{row['step_id']}",
        screenshot=str(path.with_name(name).relative_to(folder)),
        words=agent.prompt(str(row["instruction"]), told),
        tool="mobile_use",
        truth=truth,
        targets=elements,
        groups={"action": kind, "subset": path.parent.parent.name},
        facts={"cluster": path.stem},
    )


def _listed(row: Row, name: str) -> list[Any]:
    value = row[name]
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise DataError(f"{row.where}: {name} is not JSON: {error}") from error
    if not isinstance(value, list):
        raise DataError(f"{row.where}: {name} is {value!r:.60}, expected a list")
    return value


def _truth(truth: dict[str, Any], screen: ImageSize, *, where: str = "") -> Action:
    """The annotated action in original_px.

    Raises:
        DataError: its number is unknown.
    """
    kind = truth["kind"]
    if kind in _BUTTONS:
        return PressSystem(button=_BUTTONS[kind])
    if kind == _TYPE:
        return Type(text=truth["text"])
    if kind in (_COMPLETE, _IMPOSSIBLE):
        return Terminate(status="success" if kind == _COMPLETE else "failure")
    if kind != _TOUCH:
        raise DataError(f"{where}: result_action_type is {kind!r}, expected 3 to 7, 10 or 11")
    touch, lift = (
        Point(x * screen.width, y * screen.height) for y, x in (truth["touch"], truth["lift"])
    )
    if math.dist(truth["touch"], truth["lift"]) <= _TAP:
        return Click(point=lift)
    return Drag(start=touch, end=lift)


def _score(question: Question, reply: Reply) -> Score:
    screen = size_of(question)
    truth = _truth(question.truth, screen)
    action = first_action(reply)
    if isinstance(truth, Terminate) and isinstance(action, Terminate):
        return Score(value=1.0, why="ends the task")  # the authors take any end for the same
    boxes = []
    if isinstance(truth, Click) and truth.point is not None:
        boxes = [box for box in _elements(question) if holds(box, truth.point)]
    return qwen_step(action=action, truth=truth, screen=screen, boxes=boxes)


def _elements(question: Question) -> list[Box]:
    return [Box(*box) for _, *box in question.facts[PLACES]]


AITZ = Benchmark(
    name="aitz",
    title="Android in the Zoo",
    area="agents",
    split="test",
    source="IMNearth/CoAT",
    load=_load,
    score=_score,
    total=partial(step_percents, truth_of=_truth),
    metric="exact_match",
    published={"3b": 76.9, "7b": 81.9, "32b": 83.1, "72b": 83.2},
    params=SamplingParams(max_tokens=512),
)
