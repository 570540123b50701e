"""MiniWoB++ as a benchmark: an episode is a question, what it came to is the answer.

Owns: names of episodes, the score. Does not own: playing (``run``), the tasks.

    tasks, seeds -> EpisodeKey -> (an episode) -> RewardedEpisode as text -> Score -> success in %

Score: an episode succeeds if the page's reward without regard to time is above 0, as in Liu et al.
2018 and later work; partial rewards count as a success, and an episode that does not end by itself
has none. It is not MobileMiniWoB++ of AndroidWorld, whose 92 tasks run in an app.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qvl.agents.playing import EpisodeRecord, episode_question
from qvl.errors import ConfigError, DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.scorers.score import Score
from qvl.messages import SamplingParams

NAME = "miniwob"


class EpisodeKey(NamedTuple):
    """One episode: a task and the seed of its random numbers."""

    task: str
    seed: int

    @property
    def name(self) -> str:
        """Unique in a run."""
        return f"{self.task}/{self.seed}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardedEpisode(EpisodeRecord):
    """What an episode came to.

    Attributes:
        raw_reward: -1 to 1 without regard to time; above 0 is a success.
        reward: -1 to 1 with it.
        reason: of the reward, where the task gives one.
    """

    raw_reward: float
    reward: float
    reason: str


def episode_keys(tasks: Sequence[str], *, episodes: int, first_seed: int = 0) -> list[EpisodeKey]:
    """Returns the episodes of a run, task by task.

    >>> [key.name for key in episode_keys(["click-test"], episodes=2, first_seed=7)]
    ['click-test/7', 'click-test/8']

    Raises:
        ConfigError: there would be none.
    """
    if episodes < 1 or first_seed < 0:
        raise ConfigError(
            f"{episodes} episodes from seed {first_seed}, expected 1 or more from 0 or more"
        )
    return [EpisodeKey(task, first_seed + i) for task in tasks for i in range(episodes)]


def questions_of(keys: Sequence[EpisodeKey], folder: Path | None = None) -> Iterator[Question]:
    """Returns episodes as questions.

    Args:
        keys: episodes.
        folder: of the run, whose traces give the last picture of each; None before there are any.
    """
    for key in keys:
        yield episode_question(
            key.name,
            f"{key.task} with seed {key.seed}",
            truth="a reward above 0",
            group=("task", key.task),
            folder=folder,
        )


def _load(folder: Path, split: str) -> Iterator[Question]:
    raise DataError("MiniWoB++ has no questions to load", hint="qvl eval miniwob plays it")


def _score(question: Question, reply: Reply) -> Score:
    record = RewardedEpisode.read(reply.text)
    told = f" ({record.reason})" if record.reason else ""
    return Score(
        value=float(record.raw_reward > 0),
        why=f"reward {record.raw_reward:g}{told} {record.told()}",
        is_parsed=record.performed > 0,
    )


def _total(scored: Sequence[Scored]) -> Mapping[str, float]:
    """Success in percent, lost episodes included; of those played the mean rewards and steps."""
    records = [RewardedEpisode.read(item.text) for item in scored if item.text]
    count = max(1, len(records))
    tasks: dict[str, list[float]] = {}
    for item in scored:
        tasks.setdefault(item.groups["task"], []).append(item.score.value)
    return {
        "success": 100 * sum(item.score.value for item in scored) / len(scored),
        "tasks_ever_solved": float(sum(any(values) for values in tasks.values())),
        "tasks": float(len(tasks)),
        "raw_reward": sum(record.raw_reward for record in records) / count,
        "reward": sum(record.reward for record in records) / count,
        "steps": sum(record.steps for record in records) / count,
        "ended_by_page": 100 * sum(record.ending == "over" for record in records) / count,
    }


MINIWOB = Benchmark(
    name=NAME,
    title="MiniWoB++",
    area="agents",
    split="train",
    source="package miniwob",
    load=_load,
    score=_score,
    total=_total,
    metric="success",
    params=SamplingParams(max_tokens=256),
)
