"""Runs of episodes on a screen that is made up: going on, what is lost, what is written down."""

import json
from pathlib import Path

import PIL.Image
import pytest

from qvl.agents.episode import Limits
from qvl.agents.executor import ScreenError
from qvl.agents.miniwob.benchmark import (
    MINIWOB,
    RewardedEpisode,
    episode_keys,
    questions_of,
)
from qvl.agents.miniwob.random_clicks import RandomClicks
from qvl.agents.miniwob.run import Playing, play_all
from qvl.agents.miniwob.screen import PageState
from qvl.errors import ConfigError, DataError
from qvl.evaluation.answers import read_answers
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.evaluate import score_questions
from qvl.evaluation.manifest import make_manifest, write_manifest
from qvl.evaluation.run import read_failures
from qvl.evaluation.scoring import Outcome, score_run
from qvl.messages import Conversation, Image
from qvl.tasks.actions import Click
from tests.agents.miniwob.oracles import PROCESSOR, does
from tests.agents.screens import DrawnScreen

KEYS = episode_keys(["a", "b"], episodes=3)
LIMITS = Limits(steps=3)


class MadeUp(DrawnScreen):
    """Two tasks: "a" is solved by any action, "b" never ends; seeds in ``bad`` are lost."""

    def __init__(self, bad: tuple[str, ...] = ()) -> None:
        super().__init__((320, 420))
        self.bad, self.begun, self.restarts = bad, list[str](), 0

    def begin(self, task: str, seed: int) -> str:
        self.begun.append(f"{task}/{seed}")
        self.done.clear()
        if self.begun[-1] in self.bad:
            raise ScreenError("the page hangs")
        return "Do it."

    def restart(self) -> None:
        self.restarts += 1

    def state(self) -> PageState:
        done = self.begun[-1].startswith("a") and bool(self.done)
        return PageState(done=done, reward=0.9 * done, raw_reward=0.5 * done, reason="")

    def is_over(self) -> bool:
        if self.lost:
            raise ScreenError("the page was opened again")
        return self.state().done


def _play(folder: Path, screen: MadeUp) -> dict[str, str]:
    click = does(Click(point=None))
    playing = Playing(policy=click, params=MINIWOB.params, limits=LIMITS)
    return play_all(KEYS, folder, screen, playing)  # type: ignore[arg-type]


def _outcome(folder: Path) -> Outcome:
    return score_run(MINIWOB, questions_of(KEYS, folder), folder)


def test_rewards_become_a_success_rate(tmp_path: Path) -> None:
    assert _play(tmp_path, MadeUp()) == {}
    outcome = _outcome(tmp_path)
    assert outcome.numbers == pytest.approx(
        {
            "success": 50.0,
            "tasks_ever_solved": 1,
            "tasks": 2,
            "raw_reward": 0.25,  # three episodes with half a point, three with none
            "reward": 0.45,
            "steps": 2.0,  # one until the page ends it, three until the limit
            "ended_by_page": 50.0,
        }
    )
    assert {item.value: item.mean for item in outcome.slices} == {"a": 1.0, "b": 0.0}
    records = {answer.key: RewardedEpisode.read(answer.text) for answer in read_answers(tmp_path)}
    assert (records["a/1"].ending, records["b/1"].ending) == ("over", "steps")


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    _play(tmp_path, MadeUp())
    lines = (tmp_path / "answers.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "answers.jsonl").write_text("".join(lines[:4]))
    again = MadeUp()
    _play(tmp_path, again)  # the traces of the last two are in the way, and replaced
    assert again.begun == ["b/1", "b/2"]
    assert [answer.key for answer in read_answers(tmp_path)] == [key.name for key in KEYS]


def test_what_is_lost_counts_and_is_tried_again(tmp_path: Path) -> None:
    screen = MadeUp(bad=("a/1",))
    assert _play(tmp_path, screen) == {"a/1": "the page hangs"}
    assert screen.restarts == 1
    outcome = _outcome(tmp_path)
    assert (outcome.count, outcome.unanswered) == (6, 1)
    assert outcome.headline == pytest.approx(100 * 2 / 6)
    again = MadeUp()
    _play(tmp_path, again)
    assert again.begun == ["a/1"]
    assert (read_failures(tmp_path), _outcome(tmp_path).unanswered) == ({}, 0)


def test_a_browser_that_is_broken_ends_the_run(tmp_path: Path) -> None:
    screen = MadeUp(bad=tuple(key.name for key in KEYS))
    with pytest.raises(DataError, match=r"3 episodes in a row were lost.*the page hangs"):
        _play(tmp_path, screen)
    assert len(read_failures(tmp_path)) == 3


def test_a_page_that_goes_away_meanwhile_is_lost(tmp_path: Path) -> None:
    class Gone(MadeUp):
        def perform(self, action: object) -> None:
            self.lost = True

        def begin(self, task: str, seed: int) -> str:
            self.lost = False
            return super().begin(task, seed)

    with pytest.raises(DataError, match="the page was opened again"):
        _play(tmp_path, Gone())


def test_failures_show_the_last_picture_and_lead_to_the_trace(tmp_path: Path) -> None:
    _play(tmp_path, MadeUp())
    told = {"split": MINIWOB.split, "model": {}, "computing": {}, "inputs": {}}
    write_manifest(tmp_path, make_manifest(MINIWOB, questions_of(KEYS), **told))
    score_questions(MINIWOB, list(questions_of(KEYS, tmp_path)), tmp_path)
    page = (tmp_path / "report" / "failures-1.html").read_text()
    assert page.count("<article") == 3
    assert page.count("data:image/") == 3
    assert 'href="../traces/b/0/index.html"' in page
    assert (tmp_path / "report" / "../traces/b/0/index.html").is_file()


def test_records_are_read_back_and_damage_is_named() -> None:
    record = RewardedEpisode(
        goal="a\nb", raw_reward=-1.0, reward=-1.0, reason="timed out", ending="over", detail="",
        steps=2, performed=0,
    )  # fmt: skip
    assert RewardedEpisode.read(record.to_text()) == record
    question = next(questions_of(KEYS))
    score = MINIWOB.score(question, Reply(text=record.to_text()))
    assert (score.value, score.is_parsed) == (0.0, False)
    assert "reward -1 (timed out) after 2 steps" in score.why
    for text in ("", "[]", json.dumps({"goal": "x"})):
        with pytest.raises(DataError, match="damaged"):
            RewardedEpisode.read(text)


def test_random_clicks_are_a_function_of_the_episode() -> None:
    picture = Image(PIL.Image.new("RGB", (320, 420)))

    def clicked(number: int) -> list[str]:
        model = RandomClicks(PROCESSOR, KEYS[number])
        prompt = model.prepare(Conversation.user(picture, "Click."))
        return [event.text for _ in range(3) for event in model.stream(prompt, MINIWOB.params)]

    assert clicked(0) == clicked(0) != clicked(1)


@pytest.mark.parametrize(("episodes", "seed"), [(0, 0), (1, -1)])
def test_no_episodes_are_refused(episodes: int, seed: int) -> None:
    with pytest.raises(ConfigError, match="expected 1 or more"):
        episode_keys(["a"], episodes=episodes, first_seed=seed)
