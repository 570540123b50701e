"""Episodes one after another, written down as the answers of a run.

Owns: their order, what becomes of those that are lost, going on where a run stopped. Does not own
one episode (``loop``), what is played (``miniwob``, ``environments``), scores.

    names - done ones -> play -> answers.jsonl, failures.jsonl

An episode whose screen is lost counts as a failure, is written to ``failures.jsonl`` with the
reason, and is tried again by the next run.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from qvl.agents.executor import ScreenError
from qvl.errors import DataError
from qvl.evaluation.answers import Answer, AnswerFile
from qvl.evaluation.run import Progress, write_failures

MOST_LOST = 3
"""So many lost episodes in a row mean that the screen is broken, not that tasks are."""


def play_each(
    names: Sequence[str],
    folder: Path,
    play: Callable[[str], str],
    *,
    restart: Callable[[], None] = lambda: None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, str]:
    """Plays every episode that was not played yet; returns why some were lost, by their names.

    Args:
        names: of the run's episodes, each once.
        folder: of the run.
        play: plays one and returns its record as text.
        restart: called after a loss.
        report: called after each episode.

    Raises:
        DataError: episodes cannot be written, or several in a row were lost.
    """
    began, file = time.monotonic(), AnswerFile(folder)
    todo = [name for name in names if name not in file.keys]
    lost: dict[str, str] = {}
    in_a_row = 0
    try:
        for number, name in enumerate(todo, 1):
            start = time.monotonic()
            try:
                text = play(name)
            except ScreenError as error:
                lost[name] = error.message
                in_a_row += 1
                restart()
            else:
                in_a_row = 0
                seconds = round(time.monotonic() - start, 3)
                file.append([Answer(key=name, text=text, seconds=seconds)])
            pace = (time.monotonic() - began) / number
            report(
                Progress(
                    done=len(file.keys),
                    failed=len(lost),
                    total=len(names),
                    seconds_left=pace * (len(todo) - number),
                )
            )
            if in_a_row == MOST_LOST:
                raise DataError(
                    f"{in_a_row} episodes in a row were lost; the last reason: {lost[name]}",
                    hint="the same command goes on with the episodes that are left",
                )
    finally:  # after Ctrl-C as well
        write_failures(folder, lost)
    return lost
