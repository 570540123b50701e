"""Episodes of MiniWoB++ one after another, written down as the answers of a run.

Owns: the order of episodes, what becomes of those that are lost, going on where a run stopped. Does
not own: one episode (``agents.loop``), pages (``screen``), scores (``benchmark``).

    tasks x seeds - done ones -> begin -> act -> reward -> answers.jsonl, traces/task/seed/

An episode whose page or browser hangs counts as a failure, is written to ``failures.jsonl`` with
the reason, and is tried again by the next run with a new browser.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qvl.agents.episode import Episode, Limits
from qvl.agents.executor import ScreenError
from qvl.agents.loop import act
from qvl.agents.miniwob.benchmark import EpisodeKey, EpisodeRecord, trace_folder
from qvl.agents.miniwob.screen import MiniWobScreen
from qvl.agents.recorder import Recorder
from qvl.answers.answering import AnsweringModel
from qvl.errors import DataError
from qvl.evaluation.answers import Answer, AnswerFile
from qvl.evaluation.run import Progress, write_failures
from qvl.sampling_params import SamplingParams

LIMITS = Limits(steps=10, seconds=300.0)
"""Source of the steps: the benchmark "miniwob" of BrowserGym (experiments/benchmark/configs.py)."""
MOST_LOST = 3
"""So many lost episodes in a row mean that the browser is broken, not that tasks are."""

Policy = Callable[[EpisodeKey], AnsweringModel]
"""What decides in an episode: mostly the same model each time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Playing:
    """How episodes are played.

    Attributes:
        policy: decides.
        limits: of an episode.
        params: of drawing answers.
    """

    policy: Policy
    params: SamplingParams
    limits: Limits = LIMITS


def play_all(
    keys: Sequence[EpisodeKey],
    folder: Path,
    screen: MiniWobScreen,
    playing: Playing,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, str]:
    """Plays every episode that was not played yet; returns why some were lost, by their names.

    Args:
        keys: episodes of the run.
        folder: of the run.
        screen: where they are played.
        playing: who decides, and for how long.
        report: called after each episode.

    Raises:
        DataError: episodes cannot be written, or several in a row were lost.
        InputError: a trace cannot be written.
        MissingDependencyError: there is no browser.
    """
    began, file = time.monotonic(), AnswerFile(folder)
    todo = [key for key in keys if key.name not in file.keys]
    lost: dict[str, str] = {}
    in_a_row = 0
    try:
        for number, key in enumerate(todo, 1):
            start = time.monotonic()
            try:
                record = play(key, folder, screen, playing)
            except ScreenError as error:
                lost[key.name] = error.message
                in_a_row += 1
                screen.restart()
            else:
                in_a_row = 0
                seconds = round(time.monotonic() - start, 3)
                file.append([Answer(key=key.name, text=record.to_text(), seconds=seconds)])
            pace = (time.monotonic() - began) / number
            report(
                Progress(
                    done=len(file.keys),
                    failed=len(lost),
                    total=len(keys),
                    seconds_left=pace * (len(todo) - number),
                )
            )
            if in_a_row == MOST_LOST:
                raise DataError(
                    f"{in_a_row} episodes in a row were lost; the last reason: {lost[key.name]}",
                    hint="the same command goes on with the episodes that are left",
                )
    finally:  # after Ctrl-C as well
        write_failures(folder, lost)
    return lost


def play(key: EpisodeKey, folder: Path, screen: MiniWobScreen, playing: Playing) -> EpisodeRecord:
    """Plays one episode and leaves its trace.

    Raises:
        ScreenError: the page or the browser was lost, so that there is no reward.
        InputError: the trace cannot be written.
    """
    trace = folder / trace_folder(key)
    shutil.rmtree(trace, ignore_errors=True)  # of an episode that was broken off
    goal = screen.begin(key.task, key.seed)
    episode = act(
        playing.policy(key),
        screen,
        goal,
        limits=playing.limits,
        watchers=[Recorder(trace)],
        params=playing.params,
        is_over=screen.is_over,
    )
    if episode.ending == "lost":
        raise ScreenError(episode.detail)
    return _record(episode, screen)


def _record(episode: Episode, screen: MiniWobScreen) -> EpisodeRecord:
    state = screen.state()
    return EpisodeRecord(
        goal=episode.goal,
        raw_reward=state.raw_reward,
        reward=state.reward,
        reason=state.reason,
        ending=episode.ending,
        detail=episode.detail,
        steps=len(episode.steps),
        performed=sum(step.outcome == "performed" for step in episode.steps),
    )
