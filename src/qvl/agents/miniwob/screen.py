"""One browser that goes from task to task: begins episodes, shows the page, reads the reward.

Owns: the page's state, restarting what hangs. Does not own: actions (``agents.browser``), turns
(``agents.loop``), what becomes of rewards (``run``).

    task, seed -> begin() -> goal;   act(..., is_over=screen.is_over);   state() -> PageState

Source of seeds, modes and rewards: miniwob 1.1.0, selenium_instance.py and html/core/core.js.
"""

import math
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from qvl.agents.browser import Browser
from qvl.agents.browser_options import BrowserOptions
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.miniwob.tasks import address, html_folder
from qvl.errors import InputError
from qvl.geometry import ImageSize
from qvl.tasks.actions import Action
from qvl.tasks.agent_tools import ToolName

if TYPE_CHECKING:
    from PIL.Image import Image

TASK_AREA = ImageSize(210, 160)
"""What is seen of a page, in CSS pixels: the task without the display of rewards beside it. Source:
miniwob 1.1.0, constants.py."""
_DATA_MODE = "train"
"""Default of the package; few tasks have another."""
_NO_CLOCK_MS = 24 * 3600 * 1000
_READY_SECONDS = 5.0
_POLL_SECONDS = 0.05

# A page that has ended offers to begin again under the cursor: a second click of the same action
# would begin another episode, and the reward of this one would be gone.
_BEGIN = """([seed, mode, limit, episode]) => {
    core.startEpisode = () => {};
    if (limit) core.EPISODE_MAX_TIME = limit;
    Math.seedrandom(seed);
    core.setDataMode(mode);
    core.startEpisodeReal();
    window.qvlEpisode = episode;
}"""
_IS_READY = "() => Boolean(WOB_TASK_READY)"
_GOAL = "() => { const said = core.getUtterance(); return said.utterance ?? said; }"
_STATE = """() => ({
    episode: window.qvlEpisode ?? "",
    done: typeof WOB_DONE_GLOBAL !== "undefined" && WOB_DONE_GLOBAL === true,
    reward: Number(WOB_REWARD_GLOBAL),
    raw: Number(WOB_RAW_REWARD_GLOBAL),
    reason: WOB_REWARD_REASON ? String(WOB_REWARD_REASON).slice(0, 200) : "",
})"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageState:
    """What a page says of its episode.

    Attributes:
        done: whether it is over.
        reward: -1 to 1, less the longer it took where the task says so; 0 before the end.
        raw_reward: -1 to 1 without regard to time; above 0 is a success.
        reason: of the reward, where the task gives one.
    """

    done: bool
    reward: float
    raw_reward: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreenOptions:
    """How tasks are shown.

    Attributes:
        scale: pixels of a screenshot per CSS pixel. The text of tasks is 10 CSS pixels high.
        real_time: the page's own limit of 7 to 30 seconds holds while the model thinks. Made for
            programs that act within milliseconds, it measures the machine as much as the model.
        executable_path: of the browser; None looks for one.
    """

    scale: float = 2.0
    real_time: bool = False
    executable_path: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.scale <= 8:
            raise InputError(f"scale is {self.scale:g}, expected 1 to 8")


class MiniWobScreen:
    """Pages of MiniWoB++ as one screen; satisfies `qvl.agents.executor.Executor`."""

    tool: ToolName = "computer_use"

    def __init__(self, options: ScreenOptions | None = None) -> None:
        self._options = ScreenOptions() if options is None else options
        self._browser: Browser | None = None
        self._episode = ""

    def __enter__(self) -> Self:
        """Opens nothing yet: `begin` does."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the browser."""
        self.restart()

    def restart(self) -> None:
        """Closes the browser; the next episode starts another."""
        browser, self._browser = self._browser, None
        if browser is not None:
            browser.__exit__(None, None, None)

    def begin(self, task: str, seed: int) -> str:
        """Opens a task anew, begins its episode and returns the goal.

        Args:
            task: name of the page.
            seed: of its random numbers; the same as with the package's own environment.

        Raises:
            ScreenError: the browser or the page does not come up, or the page has no goal.
            MissingDependencyError: there is no browser.
        """
        limit = 0 if self._options.real_time else _NO_CLOCK_MS
        self._episode = f"{task}/{seed}"
        try:
            browser = self._at(address(task))
            browser.evaluate(_BEGIN, [seed, _DATA_MODE, limit, self._episode])
            end = time.monotonic() + _READY_SECONDS
            while not browser.evaluate(_IS_READY):
                if time.monotonic() > end:
                    raise ScreenError(f"{task} was not ready within {_READY_SECONDS:g} s")
                time.sleep(_POLL_SECONDS)
            goal = str(browser.evaluate(_GOAL)).strip()
        except ActionError as error:
            raise ScreenError(f"{task} does not begin: {error.message}") from error
        if not goal:
            raise ScreenError(f"{task} has no goal")
        return goal

    def _at(self, page: str) -> Browser:
        """The browser with a page just opened."""
        if self._browser is not None:
            self._browser.go(page)
            return self._browser
        browser = Browser(
            page,
            BrowserOptions(
                allow=(html_folder().as_uri(),),
                viewport=TASK_AREA,
                device_scale_factor=self._options.scale,
                executable_path=self._options.executable_path,
                accept_dialogs=True,
            ),
        )
        browser.__enter__()
        self._browser = browser
        return browser

    def state(self) -> PageState:
        """Returns what the page says of the episode.

        Raises:
            ScreenError: the page was opened again meanwhile, or says nothing.
        """
        try:
            found = self._opened().evaluate(_STATE)
        except ActionError as error:
            raise ScreenError(f"the page tells no reward: {error.message}") from error
        if found["episode"] != self._episode:
            raise ScreenError("the page was opened again, and the episode with it")
        reward, raw = (
            float(value) if value is not None and math.isfinite(value) else 0.0
            for value in (found["reward"], found["raw"])
        )
        return PageState(
            done=bool(found["done"]), reward=reward, raw_reward=raw, reason=str(found["reason"])
        )

    def is_over(self) -> bool:
        """Whether the page has ended the episode.

        Raises:
            ScreenError: as `state`.
        """
        return self.state().done

    def evaluate(self, script: str, argument: object = None) -> Any:
        """Returns what a script says of the page: for policies that look behind the picture.

        Raises:
            ActionError: it fails.
        """
        return self._opened().evaluate(script, argument)

    def screenshot(self) -> "Image":
        """As `Executor`."""
        return self._opened().screenshot()

    def perform(self, action: Action) -> None:
        """As `Executor`."""
        self._opened().perform(action)

    def where(self) -> str:
        """Returns the task and the seed."""
        return self._episode

    def events(self) -> tuple[str, ...]:
        """As `Executor`."""
        return self._opened().events()

    def _opened(self) -> Browser:
        if self._browser is None:
            raise ScreenError("no episode was begun")
        return self._browser
