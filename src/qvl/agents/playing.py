"""Episodes one after another, written down as the answers of a run.

Owns: their order, what becomes of those that are lost, going on where a run stopped; an episode's
record, trace and question. Does not own turns (``loop``), what is played (``miniwob``,
``environments``), scores.

    names - done ones -> play -> answers.jsonl, failures.jsonl
    goal -> act -> Episode, traces/NAME/;  NAME, traces/NAME/ -> Question

An episode whose screen is lost counts as a failure, is written to ``failures.jsonl`` with the
reason, and is tried again by the next run.
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from qvl.agents.episode import Episode, Limits
from qvl.agents.executor import Executor, ScreenError
from qvl.agents.loop import act
from qvl.agents.recorder import Recorder
from qvl.answers.answering import AnsweringModel
from qvl.errors import DataError
from qvl.evaluation.answers import Answer, AnswerFile
from qvl.evaluation.benchmark import Question
from qvl.evaluation.report.failures import TRACE
from qvl.evaluation.run import Progress, write_failures
from qvl.evaluation.scoring import CLUSTER
from qvl.messages import Conversation, Image, Text
from qvl.sampling_params import SamplingParams

MOST_LOST = 3
"""So many lost episodes in a row mean that the screen is broken, not that tasks are."""


def play_each(
    names: Sequence[str],
    folder: Path,
    play: Callable[[str], str],
    *,
    restart: Callable[[], None] = lambda: None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, str]:
    """Plays every episode that was not played yet; returns why some were lost, by their names.

    Args:
        names: of the run's episodes, each once.
        folder: of the run.
        play: plays one and returns its record as text.
        restart: called after a loss.
        report: called after each episode.

    Raises:
        DataError: episodes cannot be written, or several in a row were lost.
    """
    began, file = time.monotonic(), AnswerFile(folder)
    todo = [name for name in names if name not in file.keys]
    lost: dict[str, str] = {}
    in_a_row = 0
    try:
        for number, name in enumerate(todo, 1):
            start = time.monotonic()
            try:
                text = play(name)
            except ScreenError as error:
                lost[name] = error.message
                in_a_row += 1
                restart()
            else:
                in_a_row = 0
                seconds = round(time.monotonic() - start, 3)
                file.append([Answer(key=name, text=text, seconds=seconds)])
            pace = (time.monotonic() - began) / number
            report(
                Progress(
                    done=len(file.keys),
                    failed=len(lost),
                    total=len(names),
                    seconds_left=pace * (len(todo) - number),
                )
            )
            if in_a_row == MOST_LOST:
                raise DataError(
                    f"{in_a_row} episodes in a row were lost; the last reason: {lost[name]}",
                    hint="the same command goes on with the episodes that are left",
                )
    finally:  # after Ctrl-C as well
        write_failures(folder, lost)
    return lost


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeRecord:
    """What an episode came to; each benchmark adds its score.

    Attributes:
        goal: as the world said it.
        ending: as `qvl.agents.episode.Ending`; "over" when the screen ended it.
        detail: what the ending does not say by itself.
        steps: turns of the model.
        performed: those whose action was done.
    """

    goal: str
    ending: str
    detail: str
    steps: int
    performed: int

    @classmethod
    def of(cls, episode: Episode, **scores: Any) -> Self:
        """Returns the record of an episode with the fields that its benchmark adds."""
        return cls(
            goal=episode.goal,
            ending=episode.ending,
            detail=episode.detail,
            steps=len(episode.steps),
            performed=sum(step.outcome == "performed" for step in episode.steps),
            **scores,
        )

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads what `to_text` wrote.

        Raises:
            DataError: it is damaged.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise DataError(f"record of an episode is damaged: {error}") from error

    def to_text(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def told(self) -> str:
        """How it went, for the reason of a score."""
        detail = f", {self.detail}" if self.detail else ""
        return f"after {self.steps} steps, ended: {self.ending}{detail}; goal: {self.goal}"


def play_one(
    name: str,
    folder: Path,
    goal: str,
    model: AnsweringModel,
    screen: Executor,
    *,
    limits: Limits,
    params: SamplingParams,
    is_over: Callable[[], bool] = lambda: False,
) -> Episode:
    """Plays one episode and leaves its trace.

    Args:
        name: of the episode in its run.
        folder: of the run.
        goal: in words.
        model: decides.
        screen: where it is played; ready.
        limits: of the episode.
        params: of drawing answers.
        is_over: as `act` has it.

    Raises:
        ScreenError: the screen was lost, so that there is no score.
        InputError: the trace cannot be written.
    """
    trace = folder / _trace(name)
    shutil.rmtree(trace, ignore_errors=True)  # of an episode that was broken off
    watchers = [Recorder(trace)]
    episode = act(
        model, screen, goal, limits=limits, watchers=watchers, params=params, is_over=is_over
    )
    if episode.ending == "lost":
        raise ScreenError(episode.detail)
    return episode


def episode_question(
    name: str, asked: str, *, truth: str, group: tuple[str, str], folder: Path | None
) -> Question:
    """Returns an episode as a question, so that runs are scored and shown as others are.

    Args:
        name: of the episode in its run.
        asked: in words.
        truth: what is expected, in words.
        group: name and value; episodes of one value are one cluster.
        folder: of the run, whose trace gives the last picture; None before there is any.
    """
    parts: tuple[Image | Text, ...] = (Text(asked),)
    facts: dict[str, object] = {CLUSTER: group[1]}
    # Screenshots with the actions on them, in order.
    drawn = [] if folder is None else sorted((folder / _trace(name)).glob("*-action.png"))
    if drawn:
        parts = (Image(drawn[-1]), *parts)
        facts[TRACE] = f"../{_trace(name).as_posix()}/index.html"
    return Question(
        key=name,
        conversation=Conversation.user(*parts),
        truth=truth,
        groups=dict([group]),
        facts=facts,
    )


def _trace(name: str) -> Path:
    """Where an episode's trace lies in the folder of a run."""
    return Path("traces", name)
