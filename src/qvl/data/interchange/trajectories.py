"""Found trajectories on phones: files of episodes -> trajectories in our one space of actions.

Owns: files of episodes, their screens, checks of whole trajectories. Does not own: what a record
means (``trajectory_records``), the sample's layout (``data.trajectories``).

    .json or .jsonl + folder of screens -> TrajectoryFile[number] -> Sample
        -> filter_step(clicks_on_elements)
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.named_files import stamps
from qvl.data.interchange.trajectory_records import is_step, of_pixels, of_shares, step_of
from qvl.data.records import Provenance, Sample
from qvl.data.trajectories import trajectory
from qvl.errors import DataError, InputError
from qvl.messages import Image
from qvl.options import shown
from qvl.processing.image import measure_image
from qvl.processing.settings import DEFAULT_LIMITS

MAX_FILE_BYTES = 2**30
"""Largest file that is read: all of it is in memory."""
MOST_STEPS = 200


class TrajectoryFile:
    """The trajectories of a file, by number.

    An episode that cannot be used raises a `DataError` that names it when it is asked for; the
    others are not affected.

    Args:
        path: ``.jsonl`` with an episode a line, or ``.json`` with a list of episodes.
        root: folder in which screens are; None for that of the file.
        licence: SPDX name of the terms of the data set; empty when it is not known.

    Raises:
        DataError: the file cannot be read, is too large, or is no list.
    """

    def __init__(self, path: Path, *, root: Path | None = None, licence: str = "") -> None:
        self.path = path
        self.root = path.parent if root is None else root
        self.licence = licence
        self._episodes = _read_file(path)

    def __len__(self) -> int:
        return len(self._episodes)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        where = f"{self.path.name}: episode {number}"
        try:
            return self._sample(self._episodes[number], where)
        except (DataError, InputError) as error:
            raise DataError(f"{where}: {error.message}", hint=error.hint) from error

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the records, and of size and time of the screens of these."""
        screens: list[Path] = []
        for episode in self._episodes[start:stop]:
            try:
                _, records = of_shares(episode) if isinstance(episode, list) else of_pixels(episode)
                screens += [self._screen(record["screen"]) for record in records]
            except (DataError, InputError):
                continue  # asked for, it says what is wrong
        found = stamps(screens)
        return fingerprint(self._digest, found, str(self.root), self.licence, start, stop)

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self._episodes, sort_keys=True).encode()).hexdigest()

    def _sample(self, episode: Any, where: str) -> Sample:
        if isinstance(episode, str):
            raise DataError(episode)
        goal, records = of_shares(episode) if isinstance(episode, list) else of_pixels(episode)
        if not 0 < len(records) <= MOST_STEPS:
            raise DataError(f"{len(records)} steps, expected 1 to {MOST_STEPS}")
        steps, transforms = [], []
        for number, record in enumerate(records, 1):
            screen = Image(self._screen(record["screen"]))
            transform = measure_image(screen, DEFAULT_LIMITS)
            transforms.append(transform)
            try:
                steps.append(step_of(record, screen, transform))
            except DataError as error:
                raise DataError(f"step {number}: {error.message}") from error
        if len({transform.resized for transform in transforms}) > 1:
            raise DataError("screens of different sizes, expected one device held one way")
        return trajectory(
            goal,
            steps,
            tool="mobile_use",
            resized=transforms[0].resized,
            provenance=Provenance(generator=self.path.name, licence=self.licence, source=where),
            facts={"known_elements": [bool(record["elements"]) for record in records]},
        )

    def _screen(self, name: object) -> Path:
        if not isinstance(name, str) or not name:
            raise DataError(f"screen is {shown(name)}, expected the name of a file")
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise DataError(f"screen {shown(name)} is outside {self.root}")
        if not path.is_file():
            raise DataError(f"screen {shown(name)} is not in {self.root}")
        return path


def clicks_on_elements(sample: Sample) -> str | None:
    """Drops a trajectory with a click on no element, where the data set tells the elements."""
    known = sample.facts.get("known_elements", ())
    for step, has_elements in zip(sample.facts["steps"], known, strict=True):
        is_click = step["call"]["arguments"]["action"] in ("click", "long_press")
        if is_click and has_elements and step["box"] is None:
            return "a click on no known element"
    return None


def ends_as_done(sample: Sample) -> str | None:
    """Drops a trajectory that does not end with success."""
    last = sample.facts["steps"][-1]["call"]["arguments"]
    return None if last.get("status") == "success" else "no success at the end"


def _read_file(path: Path) -> list[Any]:
    """The episodes; a line that is no JSON is a string that says so."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(f"{path} has {size:,} bytes, expected at most {MAX_FILE_BYTES:,}")
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".jsonl":
            return [_parsed(line) for line in text.splitlines() if line.strip()]
        episodes = json.loads(text)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    if isinstance(episodes, list) and episodes and is_step(episodes[0]):
        return [episodes]  # a file for every episode
    if not isinstance(episodes, list):
        raise DataError(f"{path} holds {shown(episodes)}, expected a list of episodes")
    return episodes


def _parsed(line: str) -> Any:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"the line is no JSON: {error}"
    return record if isinstance(record, list | dict) else f"{shown(record)} is no episode"
