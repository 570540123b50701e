"""What a world with tasks must offer, and how its episodes become answers and scores.

Owns: the protocol, the record of an episode, one task from its beginning to its score. Does not own
worlds (``android_world``, ``osworld``), turns (``agents.loop``), the run (``agents.playing``).

    name -> reset -> goal;  screenshot, perform (the loop's) ...;  Episode -> score -> EpisodeRecord
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from qvl.agents.episode import Episode, Limits
from qvl.agents.executor import Executor, ScreenError
from qvl.agents.loop import act
from qvl.agents.recorder import Recorder
from qvl.answers.answering import AnsweringModel
from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import CLUSTER
from qvl.messages import Conversation
from qvl.sampling_params import SamplingParams


class Environment(Executor, Protocol):
    """A screen with tasks: `screenshot` observes, `perform` is a step, the rest frames episodes."""

    def tasks(self) -> Sequence[str]:
        """Names of all tasks, "KIND/WHICH".

        Raises:
            ScreenError: the world cannot be reached.
            DataError: its list is damaged.
        """
        ...

    def reset(self, task: str) -> str:
        """Prepares a task and returns its goal in words; the screen shows where it begins.

        Raises:
            ScreenError: it cannot be prepared.
        """
        ...

    def score(self, episode: Episode) -> float:
        """Returns 0 to 1 for what an episode left behind, and cleans up.

        Raises:
            ScreenError: the world is gone, or cannot tell.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeRecord:
    """What an episode came to.

    Attributes:
        score: 0 to 1, by the world's own checks.
        goal: as the world said it.
        ending: as `qvl.agents.episode.Ending`.
        detail: what the ending does not say by itself.
        steps: turns of the model.
        performed: those whose action was done.
    """

    score: float
    goal: str
    ending: str
    detail: str
    steps: int
    performed: int

    def to_text(self) -> str:
        """One line of JSON; `read_record` reads it back."""
        return json.dumps(asdict(self), ensure_ascii=False)


def read_record(text: str) -> EpisodeRecord:
    """Reads what `EpisodeRecord.to_text` wrote.

    Raises:
        DataError: it is damaged.
    """
    try:
        return EpisodeRecord(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise DataError(f"record of an episode is damaged: {error}") from error


def play(
    task: str,
    folder: Path,
    environment: Environment,
    model: AnsweringModel,
    *,
    limits: Limits,
    params: SamplingParams,
) -> EpisodeRecord:
    """Plays one task and leaves its trace in traces/TASK below the folder.

    Raises:
        ScreenError: the world was lost, so that there is no score.
        InputError: the trace cannot be written.
    """
    trace = folder / "traces" / task
    shutil.rmtree(trace, ignore_errors=True)  # of an episode that was broken off
    goal = environment.reset(task)
    watchers = [Recorder(trace)]
    episode = act(model, environment, goal, limits=limits, watchers=watchers, params=params)
    if episode.ending == "lost":
        raise ScreenError(episode.detail)
    score = environment.score(episode)
    return EpisodeRecord(
        score=score,
        goal=goal,
        ending=episode.ending,
        detail=episode.detail,
        steps=len(episode.steps),
        performed=sum(step.outcome == "performed" for step in episode.steps),
    )


def questions_of(tasks: Sequence[str]) -> Iterator[Question]:
    """Returns tasks as questions, so that runs are scored and shown as others are."""
    for task in tasks:
        kind = task.split("/")[0]
        yield Question(
            key=task,
            conversation=Conversation.user(task),
            truth="the world's own checks succeed",
            groups={"kind": kind},
            facts={CLUSTER: kind},
        )


def _load(folder: Path, split: str) -> Iterator[Question]:
    raise DataError("its tasks are played, not loaded", hint="qvl eval play")


def _score(question: Question, reply: Reply) -> Score:
    record = read_record(reply.text)
    return Score(
        value=record.score,
        why=f"scored {record.score:g} after {record.steps} steps, ended: {record.ending}"
        f"{f', {record.detail}' if record.detail else ''}; goal: {record.goal}",
        is_parsed=record.performed > 0 or record.ending in ("success", "failure"),
    )


def _total(scored: Sequence[Scored]) -> Mapping[str, float]:
    """Success in percent, lost episodes included; mean steps of those played."""
    records = [read_record(item.text) for item in scored if item.text]
    return {
        "success": 100 * mean([item.score.value for item in scored]),
        "steps": sum(record.steps for record in records) / max(1, len(records)),
    }


def world_benchmark(
    name: str, title: str, source: str, published: Mapping[str, float]
) -> Benchmark:
    """Returns a world as a benchmark, whose headline is the share of tasks that succeed."""
    return Benchmark(
        name=name,
        title=title,
        area="agents",
        split="test",
        source=source,
        load=_load,
        score=_score,
        total=_total,
        metric="success",
        published=published,
        params=SamplingParams(max_tokens=256),
    )


ANDROID_WORLD = world_benchmark(
    "android-world", "AndroidWorld", "google-research/android_world", {"32b": 22.0, "72b": 35.0}
)
OSWORLD = world_benchmark("osworld", "OSWorld", "xlang-ai/OSWorld", {"32b": 5.92, "72b": 8.83})
WORLDS = {benchmark.name: benchmark for benchmark in (ANDROID_WORLD, OSWORLD)}
"""By their names."""
