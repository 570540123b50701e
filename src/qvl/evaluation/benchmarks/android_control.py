"""AndroidControl (arXiv 2406.03679): the next step on a phone, given the goal alone (high) or the
step in words as well (low).

Layout: Reallm-Labs/android_control_test, android_control_test.json, the form in which the authors
of Qwen2.5-VL shared the test set, made from the gzipped TFRecords of google-research: a list of
episode (episode_id, goal, screenshot_paths, step_instructions), width, height, step_pams (the
actions as arguments of mobile_use), step_check_pams (what is compared: action, coordinate,
candidate_bbox of the accessibility tree, text, button, direction), beside the screenshots.
Prompt: theirs: goal, for low the step, then the actions so far in the file's own pixels.
Score: Qwen's exact match (QwenLM/Qwen2.5-VL issue 904); `os_atlas` is that of OS-Atlas, which the
report does not use; the two are not comparable. Directions of swipes up and down are of the page,
the opposite of the finger's, as the shared script has them; those of left and right are the
finger's.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.screens import (
    ask_on_screen,
    first_action,
    size_of,
    step_percents,
)
from qvl.evaluation.layouts.rows import Row, json_rows
from qvl.evaluation.scorers.android_control import qwen_step
from qvl.evaluation.scorers.score import Score
from qvl.geometry import Box, ImageSize, Point
from qvl.messages import SamplingParams, ToolCall
from qvl.tasks.action_calls import UnusableCall, read_action
from qvl.tasks.actions import Action, Click, Drag, LongPress, OpenApp, Wait

_FILE = "android_control_test.json"
_PER_STEP = ("step_pams", "step_check_pams")
_WAYS = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}
"""Of the finger, by the file's direction."""


def _load(folder: Path, split: str, *, is_low: bool) -> Iterator[Question]:
    if split != "test":
        raise DataError(f"no split {split!r}, expected test")
    for row in json_rows(folder / _FILE):
        episode = Row(f"{row.where}, episode", row["episode"])
        counts = {len(row[name]) for name in _PER_STEP} | {len(episode["step_instructions"])}
        if len(counts) != 1 or len(episode["screenshot_paths"]) < max(counts):
            raise DataError(f"{row.where}: steps and screenshots differ in number")
        for number in range(counts.pop()):
            yield _question(row, episode, folder, number, is_low)


def _question(row: Row, episode: Row, folder: Path, number: int, is_low: bool) -> Question:
    goal, check = str(episode["goal"]), row["step_check_pams"][number]
    done = "".join(
        f"Step {place}: {json.dumps(step, ensure_ascii=False)}; "
        for place, step in enumerate(row["step_pams"][:number], 1)
    )
    step = f"Current step query: {episode['step_instructions'][number]}\n" if is_low else ""
    words = (
        f"The user query:  {goal}\n{step}Task progress (You have done the following operation on "
        f"the current device): {done}"
    )
    _truth(check, ImageSize(1, 1), where=f"{row.where}, step {number}")
    boxes = {f"candidate {i}": Box(*box) for i, box in enumerate(check.get("candidate_bbox") or ())}
    return ask_on_screen(
        row,
        folder,
        key=f"{episode['episode_id']}-{number}",
        screenshot=str(episode["screenshot_paths"][number]),
        words=words,
        tool="mobile_use",
        truth=check,
        targets=boxes,
        groups={"action": str(check["action"])},
        facts={"cluster": str(episode["episode_id"])},
    )


def _truth(check: dict[str, Any], screen: ImageSize, *, where: str = "") -> Action:
    """The annotated action in original_px.

    Raises:
        DataError: it is none.
    """
    kind = check.get("action")
    try:
        if kind == "wait":
            return Wait(seconds=float(check.get("time") or 0.0))
        if kind == "long_press":
            return LongPress(point=Point(*check["coordinate"]), seconds=0.0)
        if kind == "open":
            return OpenApp(name=str(check["text"]))
        if kind == "swipe" and check.get("direction"):
            x, y = _WAYS[check["direction"]]
            start = Point(screen.width / 2, screen.height / 2)
            return Drag(start=start, end=Point(start.x + x, start.y + y))
        return read_action(ToolCall("mobile_use", check))
    except (UnusableCall, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: {check!r:.200} is no action of mobile_use: {error}") from error


def _score(question: Question, reply: Reply) -> Score:
    screen = size_of(question)
    truth = _truth(question.truth, screen)
    boxes = [Box(*box) for box in question.truth.get("candidate_bbox") or ()]
    return qwen_step(
        action=first_action(reply),
        truth=truth,
        screen=screen,
        boxes=boxes if isinstance(truth, Click | LongPress) else (),
        icon=boxes[0] if isinstance(truth, OpenApp) and boxes else None,
    )


def _benchmark(name: str, title: str, is_low: bool, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="agents",
        split="test",
        source="Reallm-Labs/android_control_test",
        load=partial(_load, is_low=is_low),
        score=_score,
        total=partial(step_percents, truth_of=_truth),
        metric="exact_match",
        published=published,
        params=SamplingParams(max_tokens=512),
    )


ANDROID_CONTROL_HIGH = _benchmark(
    "android-control-high",
    "AndroidControl High",
    False,
    {"3b": 63.7, "7b": 60.1, "32b": 69.6, "72b": 67.36},
)
ANDROID_CONTROL_LOW = _benchmark(
    "android-control-low",
    "AndroidControl Low",
    True,
    {"3b": 90.8, "7b": 91.4, "32b": 93.3, "72b": 93.7},
)
