"""What is asked for can be clicked where the answer says; what is left out cannot."""

import numpy as np
import pytest

from qvl.data.synth.agent.descriptions import descriptions
from qvl.data.synth.agent.elements import look
from qvl.data.synth.agent.frames import page
from qvl.data.synth.agent.look import Device, random_look
from qvl.data.synth.agent.screens import APPS, Screen, opened, random_screen
from qvl.data.synth.agent.stage import Stage, stage
from qvl.data.synth.render.chromium import PageFault, chromium
from qvl.errors import DataError
from qvl.geometry import ImageSize
from qvl.tasks.actions import Click, Type
from tests.data.synth.agent.pages import DESKTOP, PHONE, needs_browser, rng

pytestmark = needs_browser

CROWDED = """<!DOCTYPE html><meta name="viewport" content="width=device-width">
<style>
button {{ position: absolute; height: 30px; width: 80px; }}</style>
<body style="margin:0;height:100vh;overflow:hidden"><div id="log"></div>
<button data-e="plain" data-kind="button" style="top:10px;left:10px">Plain</button>
<button data-e="under" data-kind="button" style="top:60px;left:10px">Under</button>
<div style="position:absolute;top:55px;left:0;width:200px;height:40px;background:red"></div>
<button data-e="half" data-kind="button" style="top:100px;left:{edge}px">Half</button>
<button data-e="below" data-kind="button" style="top:3000px;left:10px">Below</button>
<button data-e="clear" data-kind="button" style="top:150px;left:10px;opacity:0">Clear</button>
<button data-e="gone" data-kind="button" style="top:150px;left:10px;display:none">Gone</button>
<button data-e="speck" data-kind="button" style="top:200px;left:10px;width:6px;height:6px"></button>
<button data-e="off" data-kind="button" disabled style="top:240px;left:10px">Off</button>
<button data-e="named" data-kind="button" aria-label="Close" style="top:280px;left:10px">x</button>
<script id="state" type="application/json">{{}}</script>
<script>const state = {{}}, layers = []; const advance = () => {{}};
for (const b of document.querySelectorAll("button")) b.onclick = () => state[b.dataset.e] = true;
</script>"""


def at(live: Stage, x: float, y: float) -> str:
    script = "([x, y]) => document.elementFromPoint(x, y)?.closest('[data-e]')?.dataset.e ?? ''"
    return str(live.evaluate(script, [x / live.device.scale, y / live.device.scale]))


@pytest.mark.parametrize(
    "device", [DESKTOP, PHONE, Device(size=PHONE.size, scale=2, is_mobile=True)], ids=str
)
def test_every_reason_to_leave_an_element_out(device: Device) -> None:
    html = CROWDED.format(edge=device.size.width - 30)
    with stage(html, device) as live:
        view = look(live)
        problems = {e: item.problem for e, item in view.elements.items() if item.problem}
        assert problems == {
            "under": "covered", "half": "clipped", "below": "off screen", "clear": "hidden",
            "gone": "hidden", "speck": "tiny",
        }  # fmt: skip
        assert not view.elements["off"].is_enabled
        assert (view.elements["named"].role, view.elements["named"].name) == ("button", "Close")
        for item in view.usable():
            live.perform(Click(point=item.centre))
        live.perform(Click(point=view.elements["under"].centre))
        assert set(live.evaluate("() => state")) == {"plain", "named"}


def test_answers_hit_what_they_name_on_real_screens() -> None:
    num_usable = 0
    for seed in range(4):
        with opened(random_screen(rng(11, seed), launcher=0.2)) as live:
            view = look(live)
            phrases = descriptions(view.elements.values())
            usable = view.usable()
            num_usable += len(usable)
            for item in usable:
                hit = at(live, *item.centre)
                inside = live.evaluate("([a, b]) => one(a).contains(one(b))", [item.e, hit])
                assert inside, (item.e, hit)
            words = [phrase.words.lower() for item in usable for phrase in phrases[item.e]]
            assert len(words) == len(set(words))
            for item in view.elements.values():
                if item.kind and item.problem == "off screen":
                    assert at(live, *item.centre) != item.e
    assert num_usable > 40


def test_lines_are_read_where_the_ink_is() -> None:
    app = APPS["login"](rng(2), DESKTOP)
    design = random_look(rng(5), DESKTOP)
    html = page(app, design, DESKTOP, rng=rng(6), frame="none")
    screen = Screen(app=app, device=DESKTOP, look=design, frame="none", html=html)
    with opened(screen) as live:
        view, pixels = look(live), live.screenshot().astype(int)
    assert any("Sign in to" in line.text for line in view.lines)
    for line in view.lines:
        x1, y1, x2, y2 = map(round, line.box)
        assert np.ptp(pixels[y1:y2, x1:x2].sum(-1)) > 60, line.text


def test_a_page_that_fails_is_told_and_the_next_one_works() -> None:
    with (
        stage(CROWDED.format(edge=0), PHONE) as live,
        pytest.raises(DataError, match="page fails"),
    ):
        live.evaluate("() => nothing.there")
    loop = "() => { for (;;); }"
    browser = chromium()

    async def hang(running: object) -> None:
        opened_page = await running.new_page()  # type: ignore[attr-defined]
        await opened_page.evaluate(loop)

    with pytest.raises(PageFault, match="not done after 1 s"):
        browser.visit(hang, seconds=1)
    with stage(CROWDED.format(edge=0), Device(size=ImageSize(280, 280))) as live:
        live.perform(Type(text="x"))
        assert live.screenshot().shape == (280, 280, 3)
