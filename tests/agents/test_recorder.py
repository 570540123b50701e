"""Records: complete, readable at any moment, and nothing of a page or a model runs in them."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from qvl.agents.episode import Step
from qvl.agents.loop import act
from qvl.agents.recorder import Recorder
from qvl.errors import InputError
from qvl.geometry import Point
from qvl.tasks.actions import Action, Click, Type
from tests.agents.screens import DrawnScreen, answers

SIZE = (1120, 700)
CLICK = Click(point=Point(560, 350))


def record(folder: Path, *actions: Action | str, goal: str = "Do it.") -> Recorder:
    recorder = Recorder(folder)
    act(answers(*actions, size=SIZE).engine, DrawnScreen(), goal, watchers=[recorder])
    return recorder


def lines(folder: Path) -> list[dict[str, object]]:
    text = (folder / "steps.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_holds_the_whole_episode(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    record(folder, CLICK, Type(text="a"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["episode.json", "index.html", "steps.jsonl"]
        + [f"00{number}{kind}.png" for number in (1, 2, 3) for kind in ("", "-action")]
    )
    facts = json.loads((folder / "episode.json").read_text("utf-8"))
    assert (facts["goal"], facts["ending"], facts["steps"]) == ("Do it.", "success", 3)
    first = lines(folder)[0]
    assert first["outcome"] == "performed"
    assert first["screenshot"] == "001.png"
    assert str(first["prompt"]).startswith("The user query:  Do it.")
    assert str(first["answer"]).startswith("I see it.\n<tool_call>")
    assert first["action"]["kind"] == "Click"  # type: ignore[index]
    assert first["screen"] == {"height": 700, "width": 1120}
    seen, drawn = (Image.open(folder / name) for name in ("001.png", "001-action.png"))
    assert seen.getpixel((560, 350)) == (255, 255, 255)
    assert drawn.getpixel((560, 350)) != (255, 255, 255)


def test_a_crash_leaves_what_was_done(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)

    class Crash:
        def began(self, *facts: object) -> None: ...
        def ended(self, episode: object) -> None: ...
        def stepped(self, step: Step) -> None:
            if step.number == 2:
                raise KeyboardInterrupt

    model = answers(CLICK, Type(text="a"), Type(text="b"), size=SIZE)
    with pytest.raises(KeyboardInterrupt):
        act(model.engine, DrawnScreen(), "Do it.", watchers=[recorder, Crash()])
    assert [line["number"] for line in lines(tmp_path)] == [1, 2]
    assert json.loads((tmp_path / "episode.json").read_text("utf-8"))["ending"] is None
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.count("<section") == 2
    assert not list(tmp_path.glob("*.partial"))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_runs_and_fetches_nothing(tmp_path: Path) -> None:
    attack = '</pre><script>alert(1)</script><img src=x onerror="alert(1)">'
    recorder = record(tmp_path, Type(text=attack), f"<tool_call>{attack}", goal=attack)
    tags = Tags()
    tags.feed((recorder.folder / "index.html").read_text("utf-8"))
    assert "script" not in tags.tags
    assert tags.tags.count("img") == 3
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    addresses = [value or "" for name, value in tags.attributes if name in ("src", "href")]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)


def test_episodes_are_never_mixed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty; hint: name a new folder"):
        Recorder(tmp_path)
    with pytest.raises(InputError, match="cannot record into"):
        Recorder(tmp_path / "notes.txt")


def test_a_folder_that_goes_away_ends_the_episode_and_keeps_its_steps(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    recorder = Recorder(folder)

    class Removing(DrawnScreen):
        def perform(self, action: Action) -> None:
            super().perform(action)
            if len(self.done) == 2:
                shutil.rmtree(folder)

    model = answers(CLICK, Type(text="a"), CLICK, size=SIZE)
    episode = act(model.engine, Removing(), "Do it.", watchers=[recorder])
    assert episode.ending == "error"
    assert "cannot record" in episode.detail
    assert len(episode.steps) == 2
