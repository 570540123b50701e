"""Writes an episode to a folder while it runs, so that a crash leaves what was done so far.

Owns: files. Does not own: how a step looks (``replay``), what it is (``episode``).

    began -> episode.json;  stepped -> 001.png, 001-action.png, a line of steps.jsonl, a section of
    index.html;  ended -> episode.json with the ending, the end of index.html
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from qvl.agents import replay
from qvl.agents.episode import Episode, Limits, Step
from qvl.errors import InputError
from qvl.tasks.agent_tools import ToolName


class Recorder:
    """A `qvl.agents.episode.Watcher` that writes one episode into one folder."""

    def __init__(self, folder: str | Path) -> None:
        """Makes the folder.

        Args:
            folder: a new or an empty one; episodes are never mixed.

        Raises:
            InputError: it holds something, or cannot be made.
        """
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            taken = any(self.folder.iterdir())
        except OSError as error:
            raise InputError(f"cannot record into {folder}: {error.strerror or error}") from error
        if taken:
            raise InputError(f"folder {folder} is not empty", hint="name a new folder")
        self._facts: dict[str, Any] = {}

    def began(self, goal: str, tool: ToolName, limits: Limits) -> None:
        """Writes what is to be done."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._facts = {"goal": goal, "tool": tool, "limits": asdict(limits), "started": started}
        self._write_facts({"ending": None})
        self._append("index.html", replay.head(goal))

    def stepped(self, step: Step) -> None:
        """Writes a step: its pictures first, so that no line names a missing file."""
        name = f"{step.number:03d}"
        self._replace(f"{name}.png", step.screenshot)
        drawn = BytesIO()
        step.draw().save(drawn, "PNG")
        self._replace(f"{name}-action.png", drawn.getvalue())
        pictures = {"screenshot": f"{name}.png", "drawn": f"{name}-action.png"}
        line = json.dumps({**step.to_json(), **pictures}, ensure_ascii=False)
        self._append("steps.jsonl", f"{line}\n")
        self._append("index.html", replay.section(step))

    def ended(self, episode: Episode) -> None:
        """Writes how it ended."""
        ending = {"ending": episode.ending, "detail": episode.detail}
        self._write_facts({**ending, "steps": len(episode.steps), "seconds": episode.seconds})
        self._append("index.html", replay.tail(episode))

    def _write_facts(self, ending: dict[str, Any]) -> None:
        text = json.dumps({**self._facts, **ending}, ensure_ascii=False, indent=2)
        self._replace("episode.json", text.encode("utf-8"))

    def _replace(self, name: str, data: bytes) -> None:
        path = self.folder / name
        partial = path.with_name(f"{name}.partial")
        with self._typed_errors(name):
            partial.write_bytes(data)
            os.replace(partial, path)

    def _append(self, name: str, text: str) -> None:
        with (
            self._typed_errors(name),
            open(self.folder / name, "a", encoding="utf-8", errors="replace") as file,
        ):
            file.write(text)

    @contextlib.contextmanager
    def _typed_errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot record {name} into {self.folder}: {error.strerror or error}"
            ) from error
