"""Every app holds together: what tasks, facts and questions speak of exists, once."""

import json
import re
from html import unescape

import pytest

from qvl.data.synth.agent.app import App
from qvl.data.synth.agent.descriptions import descriptions
from qvl.data.synth.agent.elements import Element
from qvl.data.synth.agent.frames import page, random_frame
from qvl.data.synth.agent.icons import SHOWS, icon
from qvl.data.synth.agent.look import random_device, random_look
from qvl.data.synth.agent.screens import APPS, random_screen
from qvl.geometry import FACTOR, Box
from tests.data.synth.agent.pages import DESKTOP, PHONE, rng

COMMANDS = re.compile(r"^  (\w+): \(", re.MULTILINE)
SEEDS = range(6)


def apps(kind: str) -> list[App]:
    return [APPS[kind](rng(seed), device) for seed in SEEDS for device in (DESKTOP, PHONE)]


def names(app: App) -> list[str]:
    return [unescape(name) for name in re.findall(r'data-e="([^"]*)"', app.body)]


@pytest.mark.parametrize("kind", APPS)
def test_what_an_app_speaks_of_exists_once(kind: str) -> None:
    for app in apps(kind):
        present = names(app)
        assert len(present) == len(set(present)), {n for n in present if present.count(n) > 1}
        spoken = {name for fact in (*app.facts, *app.questions) for name in fact.seen}
        spoken |= {name for path in app.looks for name in path}
        acted = {i.on for task in app.tasks for i in task.plan if i.on}
        frame = {"clock", "battery"}
        assert spoken | acted <= {*present, *frame}
        assert app.kind == kind
        assert app.tasks
        assert app.questions


@pytest.mark.parametrize("kind", APPS)
def test_tasks_change_something_and_end_in_plain_json(kind: str) -> None:
    for app in apps(kind):
        for task in app.tasks:
            assert {**app.state, **task.ends} != app.state, task.goal
            assert json.loads(json.dumps(dict(task.ends))) == dict(task.ends)
            assert all(intent.why for intent in task.plan)


@pytest.mark.parametrize("kind", APPS)
def test_pages_use_only_commands_that_there_are(kind: str) -> None:
    from qvl.data.synth.agent.frames import _RUNTIME

    known = set(COMMANDS.findall(_RUNTIME))
    for app in apps(kind):
        for written in re.findall(r'data-(?:do|twice|held|enter)="([^"]*)"', app.body):
            for name, *_ in json.loads(unescape(written)):
                assert name in known


def test_the_same_numbers_give_the_same_page() -> None:
    first, again, other = (random_screen(rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first.html != other.html


def test_devices_have_pixels_that_are_never_resized() -> None:
    for seed in range(60):
        device = random_device(rng(seed))
        assert all(side * device.scale % FACTOR == 0 for side in device.size)
        if device.is_mobile:
            assert 360 <= device.size.width <= 430


def test_text_of_pages_cannot_end_the_state() -> None:
    app = APPS["mail"](rng(0), PHONE)
    generator = rng(3)
    html = page(app, random_look(generator, PHONE), PHONE, rng=generator, frame="phone")
    data = html.split('id="state">', 1)[1].split("</script>", 1)[0]
    assert json.loads(data)["folder"] == "Inbox"
    assert random_frame(rng(1), PHONE) == "phone"


def test_every_icon_says_what_it_shows() -> None:
    assert len(set(SHOWS.values())) == len(SHOWS)
    for name in SHOWS:
        assert "NaN" not in icon(name)


def element(e: str, **known: object) -> Element:
    fields = {
        "kind": "button", "role": "button", "name": "", "use": "", "of": "", "icon": "", "text": "",
        "placeholder": "", "is_lit": False, "is_twice": False, "is_enabled": True,
        "box": Box(0, 0, 20, 20), "problem": "",
    } | known  # fmt: skip
    return Element(e=e, **fields)  # type: ignore[arg-type]


def test_a_phrase_that_fits_two_elements_means_neither() -> None:
    words = descriptions(
        [
            element("a", text="Delete", of="in the row of Anna", use="remove Anna"),
            element("b", text="Delete", of="in the row of Ben", use="remove Ben"),
            element("c", text="Save", use="keep all"),
            element("d", text="save", problem="clipped"),
        ]
    )
    assert {p.words for p in words["a"]} == {
        'the "Delete" button in the row of Anna',
        "the button that removes Anna",
    }
    assert [p.words for p in words["c"]] == ["the button that keeps all"]
    assert "d" not in words
