"""What a screen must offer so that a model can operate it.

Owns: the protocol and its two errors. The browser and the Android device satisfy it, and anything
of yours can.

    screenshot() -> the model -> perform(action) -> events() -> screenshot() ...
"""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from qvl.errors import QvlError
from qvl.tasks.actions import Action
from qvl.tasks.agent_tools import ToolName

if TYPE_CHECKING:
    from PIL.Image import Image


class ActionError(QvlError):
    """An action could not be performed; the screen is still there and the model may try another."""


class ScreenError(QvlError):
    """The screen cannot be reached any more, or never could."""


class Executor(Protocol):
    """A screen with hands. Every method ends within the time limits of the implementation."""

    @property
    def tool(self) -> ToolName:
        """The function that the model is offered for this kind of screen."""
        ...

    def __enter__(self) -> Self:
        """Makes the screen ready.

        Raises:
            ScreenError: it cannot be reached.
        """
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets the screen go; never raises."""
        ...

    def screenshot(self) -> "Image":
        """Returns what is on the screen now; its pixels are the space of `perform`.

        Raises:
            ScreenError: the screen is gone.
        """
        ...

    def perform(self, action: Action) -> None:
        """Does one action and waits until the screen has settled.

        Args:
            action: in pixels of the last screenshot.

        Raises:
            ActionError: it cannot be done here, or failed.
            ScreenError: the screen is gone.
        """
        ...

    def where(self) -> str:
        """Returns what is being looked at: the address of a page, the name of an app."""
        ...

    def events(self) -> tuple[str, ...]:
        """Returns what happened beside the actions since it was last asked, one line each."""
        ...
