"""What a world with tasks must offer, and how its episodes become answers and scores.

Owns: the protocol, one task from its beginning to its score. Does not own worlds
(``android_world``, ``osworld``), turns (``agents.loop``), episodes and runs (``agents.playing``).

    name -> reset -> goal;  screenshot, perform (the loop's) ...;  Episode -> score -> ScoredEpisode
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qvl.agents.episode import Episode, Limits
from qvl.agents.executor import Executor
from qvl.agents.playing import EpisodeRecord, episode_question, play_one
from qvl.answers.answering import AnsweringModel
from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.scorers.score import Score, mean
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
class ScoredEpisode(EpisodeRecord):
    """What an episode came to.

    Attributes:
        score: 0 to 1, by the world's own checks.
    """

    score: float


def play(
    task: str,
    folder: Path,
    environment: Environment,
    model: AnsweringModel,
    *,
    limits: Limits,
    params: SamplingParams,
) -> ScoredEpisode:
    """Plays one task and leaves its trace in traces/TASK below the folder.

    Raises:
        ScreenError: the world was lost, so that there is no score.
        InputError: the trace cannot be written.
    """
    goal = environment.reset(task)
    episode = play_one(task, folder, goal, model, environment, limits=limits, params=params)
    return ScoredEpisode.of(episode, score=environment.score(episode))


def questions_of(tasks: Sequence[str], folder: Path | None = None) -> Iterator[Question]:
    """Returns tasks as questions.

    Args:
        tasks: by their names.
        folder: of the run, whose traces give the last picture of each; None before there are any.
    """
    for task in tasks:
        group = ("kind", task.split("/")[0])
        truth = "the world's own checks succeed"
        yield episode_question(task, task, truth=truth, group=group, folder=folder)


def _load(folder: Path, split: str) -> Iterator[Question]:
    raise DataError("its tasks are played, not loaded", hint="qvl eval play")


def _score(question: Question, reply: Reply) -> Score:
    record = ScoredEpisode.read(reply.text)
    return Score(
        value=record.score,
        why=f"scored {record.score:g} {record.told()}",
        is_parsed=record.performed > 0 or record.ending in ("success", "failure"),
    )


def _total(scored: Sequence[Scored]) -> Mapping[str, float]:
    """Success in percent, lost episodes included; mean steps of those played."""
    records = [ScoredEpisode.read(item.text) for item in scored if item.text]
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
