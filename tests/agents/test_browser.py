"""A real browser on a real web application, driven by what a model would write.

The application is served on this machine; nothing else is reached. The model sees screenshots of
1280 x 800 pixels shrunk to a tenth of their area, so every click goes through the scaling.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from qvl.agents.browser import Browser
from qvl.agents.browser_options import BrowserOptions
from qvl.agents.episode import Episode, Limits
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.loop import act
from qvl.agents.window import PROGRAMS
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import ImageSize, Point
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    MoveTo,
    OpenApp,
    Press,
    PressSystem,
    Scroll,
    Type,
    Wait,
)
from tests.agents.screens import answers, middle
from tests.agents.site import SLOW_SECONDS, Site, serve_site
from tests.answers.scripted import ScriptedModel


def _works(program: str) -> bool:
    """Some systems have a program of that name that only tells how to install the real one."""
    path = shutil.which(program)
    if path is None:
        return False
    done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


pytest.importorskip("playwright", reason="operating a browser needs playwright")

PROGRAM = next((program for program in PROGRAMS if _works(program)), None)

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.timeout(180),
]

SIZE = (1280, 800)
NAME = Click(point=middle(40, 40, 300, 40))
AGREE = Click(point=middle(40, 100, 30, 30))
COLOUR = Click(point=middle(40, 150, 200, 40))
SAVE = Click(point=middle(40, 210, 200, 40))
DELETE = Click(point=middle(400, 40, 200, 40))
OTHER = Click(point=middle(400, 100, 200, 40))
REDIRECT = Click(point=middle(400, 150, 200, 40))
NEW_TAB = Click(point=middle(400, 200, 200, 40))
OTHER_TAB = Click(point=middle(400, 250, 200, 40))
SLOW = Click(point=middle(400, 300, 200, 40))
BROKEN = Click(point=middle(400, 350, 200, 40))
FILE = Click(point=middle(400, 400, 200, 40))
HANG = Click(point=middle(400, 450, 200, 40))
FETCH = Click(point=middle(400, 500, 200, 40))
LIST = middle(640, 40, 200, 200)
BOX = middle(640, 300, 60, 60)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve_site() as served:
        yield served


def options(**changes: object) -> BrowserOptions:
    usual = {"executable_path": PROGRAM, "settle_seconds": 3.0, "action_seconds": 30.0}
    return BrowserOptions(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def opened(site: Site) -> Iterator[Browser]:
    with Browser(f"{site.address}/", options()) as browser:
        yield browser


@pytest.fixture
def browser(opened: Browser) -> Browser:
    """The window of the module, back on the first page."""
    opened.screenshot()
    opened.perform(PressSystem(button="Home"))
    opened.events()
    return opened


def play(browser: Browser, *actions: Action | str, **limits: int) -> tuple[Episode, ScriptedModel]:
    model = answers(*actions, size=SIZE, tool=browser.tool)
    return act(model.engine, browser, "Do it.", limits=Limits(**limits)), model


def title(browser: Browser) -> str:
    assert browser._window is not None
    return browser._run(browser._window.tabs.page.title(), 5)


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether something comes true: on a busy machine an effect may come after its action."""
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def events(episode: Episode) -> str:
    return "\n".join(event for step in episode.steps for event in step.events)


def test_a_form_is_filled_in_and_saved(browser: Browser, site: Site) -> None:
    site.saved.clear()
    enter = Press(keys=("Return",))
    episode, model = play(
        browser, NAME, Type(text="Jürgen 王"), AGREE, COLOUR, Type(text="Bl"), enter, SAVE
    )
    assert episode.succeeded
    assert site.saved == [{"name": ["Jürgen 王"], "agree": ["on"], "colour": ["Blue"]}]
    assert [step.outcome for step in episode.steps] == ["performed"] * 7 + ["terminated"]
    assert (episode.steps[0].where, browser.where()) == (
        f"{site.address}/",
        f"{site.address}/saved",
    )
    assert episode.steps[0].screen == ImageSize(800, 1280)
    assert episode.steps[0].resized.area * 9 < 800 * 1280
    assert "its choices are 'Red', 'Green', 'Blue'" in model.engine.prompts[4]  # type: ignore[attr-defined]


def test_keys_change_what_was_typed(browser: Browser, site: Site) -> None:
    site.saved.clear()
    every, gone = Press(keys=("ctrl", "A")), Press(keys=("backspace",))
    episode, _ = play(browser, NAME, Type(text="wrong"), every, gone, Type(text="right\n"))
    assert episode.succeeded
    assert site.saved == [{"name": ["right"], "colour": ["Red"]}]


def test_positive_pixels_scroll_up(browser: Browser) -> None:
    play(browser, Scroll(pixels=-400, point=LIST), Scroll(pixels=-100), Scroll(pixels=200))
    # Rounded to the model's pixels, which are three pixels of the screen.
    wanted = pytest.approx(300, abs=9)
    assert eventually(lambda: int((title(browser) + " 0").split()[1]) == wanted)


def test_a_drag_starts_at_the_cursor(browser: Browser) -> None:
    play(browser, MoveTo(point=BOX), Drag(end=Point(900, 600)))
    assert eventually(lambda: title(browser).startswith("dropped"))
    word, left, top = title(browser).replace("px", "").split()
    assert word == "dropped"
    assert (int(left), int(top)) == pytest.approx((870, 570), abs=4)


def test_the_other_clicks(browser: Browser) -> None:
    play(browser, Click(point=LIST, button="right"))
    assert eventually(lambda: title(browser) == "menu")
    play(browser, Click(point=LIST, count=2))
    assert eventually(lambda: title(browser) == "twice")


def test_a_question_is_answered_by_cancel_and_told(browser: Browser) -> None:
    episode, model = play(browser, DELETE)
    assert title(browser) == "kept"
    told = "the page showed a dialog (confirm) 'Delete everything?'; the answer was Cancel"
    assert told in events(episode)
    assert told in model.engine.prompts[1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "action", [OTHER, REDIRECT, OTHER_TAB], ids=["link", "redirect", "new tab"]
)
def test_other_sites_are_not_reached(browser: Browser, site: Site, action: Click) -> None:
    episode, model = play(browser, action, Wait(seconds=0.5))
    assert site.other_asked == []
    assert browser.where() == f"{site.address}/"
    assert f"going to '{site.other}/page' was refused" in model.engine.prompts[1]  # type: ignore[attr-defined]
    assert episode.succeeded


def test_scripts_of_a_page_reach_no_other_site(browser: Browser, site: Site) -> None:
    episode, _ = play(browser, FETCH, Wait(seconds=0.5))
    assert site.other_asked == []
    assert f"the page gets nothing from '{site.other}'" in events(episode)


def test_a_new_tab_is_in_front_and_can_be_closed(browser: Browser, site: Site) -> None:
    episode, _ = play(browser, NEW_TAB, Press(keys=("ctrl", "w")))
    assert [step.where for step in episode.steps] == [
        f"{site.address}/",
        f"{site.address}/next",
        f"{site.address}/",
    ]
    assert "a new tab was opened\na tab was closed" in events(episode)
    episode, _ = play(browser, Press(keys=("ctrl", "w")))
    assert episode.steps[0].detail == "this is the only tab, it stays open"


def test_back_and_forward(browser: Browser, site: Site) -> None:
    play(browser, BROKEN)
    assert eventually(lambda: browser.where() == f"{site.address}/broken")
    play(browser, Press(keys=("alt", "left")))
    assert eventually(lambda: browser.where() == f"{site.address}/")
    play(browser, Press(keys=("alt+right",)))
    assert eventually(lambda: browser.where() == f"{site.address}/broken")


def test_a_page_that_fails_is_shown(browser: Browser) -> None:
    episode, _ = play(browser, BROKEN, Wait(seconds=1))
    assert eventually(lambda: title(browser) == "Broken")
    assert episode.steps[0].screenshot != episode.steps[2].screenshot


def test_a_slow_page_is_not_waited_for(browser: Browser) -> None:
    began = time.monotonic()
    episode, _ = play(browser, SLOW, NAME)
    assert time.monotonic() - began < SLOW_SECONDS
    assert "opened again" not in events(episode)
    assert "the page is still loading" in events(episode)
    assert episode.succeeded


def test_a_page_that_hangs_is_reported_and_opened_again(site: Site) -> None:
    site.saved.clear()
    impatient = options(action_seconds=5.0, settle_seconds=1.0)
    with Browser(f"{site.address}/", impatient) as browser:
        episode, model = play(browser, HANG, NAME, Type(text="after\n"))
    assert "the page crashed or did not react and was opened again" in events(episode)
    outcomes = [step.outcome for step in episode.steps]
    assert outcomes[1:] == ["performed", "performed", "terminated"]
    assert site.saved == [{"name": ["after"], "colour": ["Red"]}]
    if outcomes[0] == "failed":  # else it was the next screenshot that found out
        assert "(failed: the page did not react in time" in model.engine.prompts[1]  # type: ignore[attr-defined]


def test_a_page_that_crashes_is_opened_again(browser: Browser, site: Site) -> None:
    window = browser._window
    assert window is not None
    page = window.tabs.page

    async def crash() -> None:
        cdp = await page.context.new_cdp_session(page)
        sending = asyncio.ensure_future(cdp.send("Page.crash"))
        await asyncio.wait([sending], timeout=2)
        sending.cancel()

    browser._run(crash(), 10)
    episode, _ = play(browser, NAME, Type(text="again\n"))
    assert "the page crashed or did not react and was opened again" in events(episode)
    assert episode.succeeded
    assert site.saved[-1]["name"] == ["again"]


def test_a_failed_action_is_reported(browser: Browser) -> None:
    episode, model = play(browser, Press(keys=("hyper",)), OpenApp(name="Mail").name)
    assert episode.steps[0].outcome == "failed"
    assert (
        "(failed: no key is called 'hyper'; hint: did you mean 'super'?)" in model.engine.prompts[1]
    )  # type: ignore[attr-defined]
    with pytest.raises(ActionError, match="a browser has no apps"):
        browser.perform(OpenApp(name="Mail"))


def test_the_limit_of_steps_is_kept(browser: Browser) -> None:
    keys = [Type(text=str(number)) for number in range(5)]
    episode, _ = play(browser, NAME, *keys, steps=3)
    assert (episode.ending, len(episode.steps)) == ("steps", 3)


def test_it_works_where_an_event_loop_runs(browser: Browser) -> None:
    async def notebook() -> Episode:
        return play(browser, NAME)[0]

    assert asyncio.run(notebook()).succeeded


def test_options_of_what_a_page_may_do(site: Site, tmp_path: Path) -> None:
    changed = options(accept_dialogs=True, downloads=tmp_path, allow=(site.other,))
    with Browser(f"{site.address}/", changed) as browser:
        play(browser, DELETE)
        assert eventually(lambda: title(browser) == "deleted")
        episode, _ = play(browser, FILE, Wait(seconds=0.5))
        assert "the file 'report.txt' was saved" in events(episode)
        assert [path.read_text() for path in tmp_path.iterdir()] == ["numbers"]
        play(browser, REDIRECT)
        assert eventually(lambda: browser.where() == f"{site.other}/page")
    assert site.other_asked == ["/page"]
    site.other_asked.clear()


def test_files_are_refused_unless_a_folder_is_named(browser: Browser) -> None:
    episode, _ = play(browser, FILE, Wait(seconds=0.5))
    assert "the file 'report.txt' was offered and refused" in events(episode)


def test_a_small_touchscreen(site: Site) -> None:
    with Browser(f"{site.address}/", options(mobile=True)) as browser:
        assert browser.tool == "mobile_use"
        picture = browser.screenshot()
        assert picture.size == (824, 1830)
        browser.perform(Click(point=Point(400, 700)))  # device pixels, two for each CSS pixel
        assert eventually(lambda: title(browser) == "touched 200")
        browser.perform(LongPress(point=Point(300, 700), seconds=0.2))
        assert eventually(lambda: title(browser) == "touched 150")
        browser.perform(Drag(start=Point(200, 800), end=Point(200, 400)))
        assert eventually(lambda: title(browser) == "touched 100")
        browser.perform(Click(point=Point(380, 120)))
        browser.perform(Type(text="thumb"))
        browser.perform(PressSystem(button="Enter"))
        assert eventually(lambda: site.saved[-1:] == [{"name": ["thumb"], "colour": ["Red"]}])
        browser.perform(PressSystem(button="Back"))
        assert eventually(lambda: browser.where() == f"{site.address}/")
        with pytest.raises(ActionError, match="a browser has no menu of apps"):
            browser.perform(PressSystem(button="Menu"))


def test_a_wide_page_on_a_small_screen(site: Site) -> None:
    with Browser(f"{site.address}/wide", options(mobile=True)) as browser:
        shrunk = browser.screenshot().width / 980  # what small screens take a page to be wide
        browser.perform(Click(point=Point(800 * shrunk, 1050 * shrunk)))
        assert eventually(lambda: title(browser) == "hit")


def test_a_killed_browser_ends_the_episode(site: Site) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with Browser(f"{site.address}/", options()) as browser:
        browser.screenshot()
        model = answers(NAME, Type(text="a"), size=SIZE)

        class Killer:
            def began(self, *facts: object) -> None: ...
            def ended(self, episode: Episode) -> None: ...
            def stepped(self, step: object) -> None:
                for child in psutil.Process().children(recursive=True):
                    if child.pid not in before and "chrom" in child.name():
                        child.kill()

        episode = act(model.engine, browser, "Do it.", watchers=[Killer()])
        assert episode.ending == "lost"
        assert episode.detail
        assert len(episode.steps) >= 1


def test_nothing_is_left_behind(site: Site) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with Browser(f"{site.address}/", options()) as browser:
        browser.screenshot()
    with pytest.raises(ScreenError, match="the browser is not open"):
        browser.screenshot()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        left = {child.pid for child in psutil.Process().children(recursive=True)} - before
        if not left:
            return
        time.sleep(0.2)
    pytest.fail(f"{len(left)} processes are left")


def test_a_page_that_does_not_open_is_an_error() -> None:
    with (
        pytest.raises(ScreenError, match=r"127\.0\.0\.1:9/' does not open"),
        Browser("http://127.0.0.1:9/", options(load_seconds=5)),
    ):
        pass


def test_a_program_that_is_none_is_refused(site: Site) -> None:
    with (
        pytest.raises(InputError, match="executable_path 'no-such-browser' is no program"),
        Browser(site.address, options(executable_path="no-such-browser")),
    ):
        pass
    with (
        pytest.raises(ScreenError, match="the browser does not start"),
        Browser(site.address, options(executable_path="true")),
    ):
        pass


def test_without_a_browser_the_error_says_what_to_install(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvl.agents.window.PROGRAMS", ("no-such-browser",))
    with (
        pytest.raises(MissingDependencyError, match="apt-get install chromium"),
        Browser(site.address, options(executable_path=None)),
    ):
        pass


def test_files_are_pages_only_on_purpose(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>File</title><iframe src='file:///etc/hostname'></iframe>")
    with pytest.raises(InputError, match="is a file"):
        Browser(f"file://{page}")
    with Browser(f"file://{page}", options(allow=(f"file://{tmp_path}/",))) as browser:
        assert title(browser) == "File"
        assert "gets nothing from 'file:" in " ".join(browser.events())
