"""Episodes of MiniWoB++ in a browser: one from its seed to its reward, and all of a run.

Owns: the benchmark's limits, an episode's reward. Does not own: playing, order and what is lost
(``agents.playing``), pages (``screen``), scores (``benchmark``).

    tasks x seeds -> begin -> act -> reward -> answers.jsonl, traces/task/seed/

A page or a browser that hangs is replaced by a new one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qvl.agents.episode import Limits
from qvl.agents.miniwob.benchmark import EpisodeKey, RewardedEpisode
from qvl.agents.miniwob.screen import MiniWobScreen
from qvl.agents.playing import play_each, play_one
from qvl.answers.answering import AnsweringModel
from qvl.evaluation.run import Progress
from qvl.sampling_params import SamplingParams

LIMITS = Limits(steps=10, seconds=300.0)
"""Source of the steps: the benchmark "miniwob" of BrowserGym (experiments/benchmark/configs.py)."""

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
    by_name = {key.name: key for key in keys}
    return play_each(
        list(by_name),
        folder,
        lambda name: play(by_name[name], folder, screen, playing).to_text(),
        restart=screen.restart,
        report=report,
    )


def play(key: EpisodeKey, folder: Path, screen: MiniWobScreen, playing: Playing) -> RewardedEpisode:
    """Plays one episode and leaves its trace.

    Raises:
        ScreenError: the page or the browser was lost, so that there is no reward.
        InputError: the trace cannot be written.
    """
    goal = screen.begin(key.task, key.seed)
    episode = play_one(
        key.name,
        folder,
        goal,
        playing.policy(key),
        screen,
        limits=playing.limits,
        params=playing.params,
        is_over=screen.is_over,
    )
    state = screen.state()
    return RewardedEpisode.of(
        episode, raw_reward=state.raw_reward, reward=state.reward, reason=state.reason
    )
