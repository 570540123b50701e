"""MiniWoB++ itself: its own pages in a real browser, played through the whole loop."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qvl.agents.executor import ScreenError
from qvl.agents.miniwob import tasks
from qvl.agents.miniwob.benchmark import MINIWOB, EpisodeKey, RewardedEpisode
from qvl.agents.miniwob.run import Playing, play, play_all
from qvl.agents.miniwob.screen import MiniWobScreen, ScreenOptions
from qvl.agents.miniwob.tasks import REAL_TIME, task_names
from qvl.errors import ConfigError, InputError, MissingDependencyError
from qvl.evaluation.answers import read_answers
from qvl.tasks.actions import Click
from tests.agents.miniwob.oracles import ORACLES, does, middle, oracle
from tests.agents.test_browser import PROGRAM

try:
    tasks.html_folder()
    HAS_PAGES = True
except MissingDependencyError:
    HAS_PAGES = False

needs_pages = pytest.mark.skipif(not HAS_PAGES, reason="needs the pages: pip install miniwob")
needs_browser = pytest.mark.skipif(
    not HAS_PAGES or PROGRAM is None, reason="needs Chromium and the pages of miniwob"
)
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def screen() -> Iterator[MiniWobScreen]:
    with MiniWobScreen() as opened:
        yield opened


def _look_on(screen: MiniWobScreen) -> None:
    for _ in range(100):
        screen.state()
        time.sleep(0.05)


@needs_pages
def test_all_tasks_are_those_of_the_package() -> None:
    names = task_names()
    assert len(names) == 125  # as many environments as the package registers
    assert not set(names) & set(REAL_TIME)
    assert task_names(" chase-circle, click-test,chase-circle ,") == ["chase-circle", "click-test"]
    with pytest.raises(ConfigError, match="'click-tset'") as error:
        task_names("click-tset")
    assert error.value.hint == "did you mean 'click-test'?"
    with pytest.raises(ConfigError, match="no task was named"):
        task_names(",")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="package miniwob"):
        task_names()


@pytest.mark.parametrize("scale", [0.5, 9])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match="expected 1 to 8"):
        ScreenOptions(scale=scale)


@needs_browser
def test_oracles_solve_tasks_through_the_whole_loop(screen: MiniWobScreen, tmp_path: Path) -> None:
    keys = [EpisodeKey(task, 0) for task in ORACLES]
    playing = Playing(policy=oracle(screen), params=MINIWOB.params)
    assert play_all(keys, tmp_path, screen, playing) == {}
    records = {answer.key: RewardedEpisode.read(answer.text) for answer in read_answers(tmp_path)}
    assert {key: record.raw_reward for key, record in records.items()} == {
        key.name: 1.0 for key in keys
    }
    assert {record.ending for record in records.values()} == {"over"}
    assert records["enter-text/0"].steps == 3
    assert (tmp_path / "traces" / "enter-text" / "0" / "003-action.png").is_file()


@needs_browser
def test_a_wrong_action_has_a_negative_reward(screen: MiniWobScreen, tmp_path: Path) -> None:
    playing = Playing(
        policy=lambda key: does(Click(point=middle(screen, "#subbtn")))(key), params=MINIWOB.params
    )
    record = play(EpisodeKey("enter-text", 0), tmp_path, screen, playing)
    assert (record.raw_reward, record.ending, record.steps) == (-1.0, "over", 1)


@needs_browser
def test_a_second_click_begins_no_other_episode(screen: MiniWobScreen) -> None:
    screen.begin("click-test", 3)
    screen.screenshot()
    screen.perform(Click(point=middle(screen, "#subbtn"), count=3))
    assert (screen.is_over(), screen.state().raw_reward) == (True, 1.0)


@needs_browser
def test_a_seed_gives_the_same_task_again(screen: MiniWobScreen) -> None:
    first, second, third = [
        (screen.begin("enter-text", seed), screen.screenshot().tobytes()) for seed in (5, 5, 6)
    ]
    assert first == second != third


@needs_browser
def test_only_in_real_time_does_the_page_end_by_itself(screen: MiniWobScreen) -> None:
    with MiniWobScreen(ScreenOptions(real_time=True)) as timed:
        timed.begin("use-colorwheel", 0)
        assert timed.evaluate("() => core.EPISODE_MAX_TIME") == 7000
        timed.evaluate("() => core.endEpisode(-1, false, 'timed out')")
        assert (timed.state().done, timed.state().reason) == (True, "timed out")
    screen.begin("use-colorwheel", 0)
    assert screen.evaluate("() => core.EPISODE_MAX_TIME") == 24 * 3600 * 1000


@needs_browser
def test_a_page_that_was_opened_again_has_no_reward(screen: MiniWobScreen) -> None:
    screen.begin("click-test", 0)
    screen.evaluate("() => { location.reload(); }")
    with pytest.raises(ScreenError):
        _look_on(screen)
    assert screen.begin("click-test", 0) == "Click the button."


@needs_browser
def test_a_page_that_hangs_is_lost_and_the_browser_starts_again(screen: MiniWobScreen) -> None:
    screen.begin("click-test", 0)
    browser = screen._browser
    assert browser is not None
    object.__setattr__(browser._options, "action_seconds", 2.0)  # or this takes long
    screen.evaluate("() => { setTimeout(() => { for (;;) {} }, 50); }")
    with pytest.raises(ScreenError, match=r"tells no reward"):
        _look_on(screen)
    screen.restart()
    assert screen.begin("click-test", 0) == "Click the button."
