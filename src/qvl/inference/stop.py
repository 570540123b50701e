"""Cuts streamed text at a stop string, however the text is split into pieces.

Owns what is withheld, and for how long. Does not own where the text comes from.

    pieces -> [held back: may be the start of a stop string] -> text that is safe to show
"""

from collections.abc import Sequence


class StopMatcher:
    """Passes text on, except what is or may become a stop string.

    Text is judged character by character: the stop string that is complete first wins, and of
    those complete at the same character the longest. So the result does not depend on how the
    text was split into pieces.

    >>> matcher = StopMatcher(["###"])
    >>> [matcher.push(piece) for piece in ("a#", "b##", "#c")]
    ['a', '#b', '']
    >>> matcher.stopped
    True
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """Returns the text that is now safe to show."""
        if not self._stop:
            return piece
        if self.stopped:
            return ""
        text = self._held + piece
        found = [(at + len(stop), at) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            _, start = min(found)
            return text[:start]
        held = max(_overlap(text, stop) for stop in self._stop)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """Returns the text still held back: no more is coming, so it starts no stop string."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of ``text`` that begins ``stop``."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
