"""Times of events are those of the pixels, read back from the encoded file."""

from dataclasses import replace

import numpy as np

from qvl.data.synth.video.acts import plural
from qvl.data.synth.video.encode import encode_video
from qvl.data.synth.video.film import Event, Film, boxes_at, draw_frame
from qvl.data.synth.video.things import FACING_LEFT, STANDING, random_things, thing_picture
from qvl.data.synth.video.timing import Timing
from qvl.geometry import Box
from qvl.processing.video_reader import open_video
from tests.data.synth.video.films import made, needs_fonts

pytestmark = needs_fonts


def decoded(film: Film, timing: Timing, codec: str = "h264") -> list[np.ndarray]:
    frames = (draw_frame(film, time_s) for time_s in timing.times_s)
    data = encode_video(frames, timing.times_s, codec=codec, crf=18)  # type: ignore[arg-type]
    with open_video(data) as reader:
        assert np.allclose(reader.timeline.times_s, timing.times_s, atol=1e-9)
        return [pixels for _, pixels in reader.read(range(len(timing.times_s)))]


def without(film: Film, event: Event) -> Film:
    """The film without the thing that an event is about."""
    shots = tuple(
        replace(shot, actors=tuple(a for a in shot.actors if a.thing.name != event.who))
        for shot in film.shots
    )
    return replace(film, shots=shots)


def seen_in(pixels: np.ndarray, bare: np.ndarray, box: Box) -> float:
    """How much of a thing stands in a box: the difference from the picture without it."""
    x1, y1, x2, y2 = (int(value) for value in box)
    part = np.abs(pixels[y1:y2, x1:x2].astype(int) - bare[y1:y2, x1:x2])
    return float(np.percentile(part.max(axis=-1), 80))


def test_a_thing_is_in_the_file_from_its_first_frame_to_its_last() -> None:
    checked = 0
    for number in range(14):
        film, timing = made(number, kind="seen")
        frames = decoded(film, timing)
        for event in film.events:
            if event.kind != "shown" or event.who == "counter":
                continue
            bare_film = without(film, event)
            first = timing.times_s.index(event.start_s)
            after = (
                len(frames) if event.end_s == film.duration_s else timing.times_s.index(event.end_s)
            )
            for inside, outside in ((first, first - 1), (after - 1, after)):
                shot_ends = {shot.start_s for shot in film.shots} | {film.duration_s}
                if event.start_s in shot_ends and inside == first:
                    continue  # it is there from the cut
                if event.end_s in shot_ends and inside == after - 1:
                    continue
                boxes = [b for n, b in boxes_at(film, timing.times_s[inside]) if n == event.who]
                if not boxes or min(boxes[0].x2 - boxes[0].x1, boxes[0].y2 - boxes[0].y1) < 6:
                    continue
                others = [n for n, b in boxes_at(bare_film, timing.times_s[inside])
                          if b.x1 < boxes[0].x2 and boxes[0].x1 < b.x2]  # fmt: skip
                if others:
                    continue
                bare = [draw_frame(bare_film, timing.times_s[k]) for k in (inside, outside)]
                there = seen_in(frames[inside], bare[0], boxes[0])
                gone = seen_in(frames[outside], bare[1], boxes[0])
                assert there > 12, (number, event)
                assert gone < 0.6 * there, (number, event)
                checked += 1
    assert checked > 10


def test_motion_begins_after_its_start_and_ends_at_its_end() -> None:
    checked = 0
    for number in range(20):
        film, timing = made(number, kind="seen")
        for event in film.events:
            if event.kind != "go":
                continue
            k0 = timing.times_s.index(event.start_s)
            k1 = timing.times_s.index(event.end_s) if event.end_s < film.duration_s else None
            shot = film.shots[event.shot]
            xs = {
                k: [(b.x1 + b.x2) / 2 for n, b in boxes_at(film, timing.times_s[k])
                    if n == event.who]
                for k in (k0 - 1, k0, k0 + 1)
                if k >= 0 and timing.times_s[k] >= shot.start_s
            }  # fmt: skip
            if any(len(x) != 1 for x in xs.values()) or shot.sway_px or shot.camera:
                continue
            step = xs[k0 + 1][0] - xs[k0][0]
            assert abs(step) > 1
            assert (step > 0) == (event.how == "right")
            assert k1 is None or k1 > k0
            checked += 1
    assert checked > 10


def test_a_box_is_exactly_what_is_painted() -> None:
    checked = 0
    for number in range(20):
        film, timing = made(number, kind="seen")
        film = replace(film, subtitles=(), overlay="none")
        time_s = timing.times_s[len(timing.times_s) // 2]
        for name, box in boxes_at(film, time_s):
            bare = without(film, replace(film.events[0], who=name))
            changed = np.abs(draw_frame(film, time_s).astype(int) - draw_frame(bare, time_s)).max(
                -1
            )
            shares = [b for n, b in boxes_at(film, time_s) if n == name]
            if len(shares) > 1 or not (changed > 30).any():
                continue
            ys, xs = (changed > 30).nonzero()
            painted = Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            # A pixel at the rim may be too faint to count, or have the colour behind it.
            assert max(abs(a - b) for a, b in zip(painted, box, strict=True)) <= 3
            checked += 1
    assert checked > 15


def test_events_begin_and_end_at_seen_frames_in_their_shot() -> None:
    for number, kind in enumerate(("seen", "native", "varying") * 8):
        film, timing = made(number, kind=kind)  # type: ignore[arg-type]
        known = {*timing.seen_s, timing.duration_s}
        for event in film.events:
            assert event.start_s in known
            assert event.end_s in known
            assert event.start_s <= event.end_s
            if event.shot >= 0:
                shot = film.shots[event.shot]
                assert shot.start_s <= event.start_s <= event.end_s <= shot.end_s


def test_a_colour_that_a_thing_takes_is_seen_at_the_end() -> None:
    checked = 0
    for number in range(80):
        film, timing = made(number, frames=16)
        for event in film.events:
            if event.kind != "colour":
                continue
            gone_s = max(
                e.end_s
                for e in film.events
                if (e.kind, e.who, e.shot) == ("shown", event.who, event.shot)
            )
            seen = [t for t in timing.seen_s if event.end_s - 1e-9 <= t < gone_s - 1e-9]
            assert seen, (number, event)
            checked += 1
    assert checked > 5


def test_nothing_is_told_of_a_thing_under_a_colour_that_it_had_before() -> None:
    checked = 0
    for number in range(60):
        film, _ = made(number, frames=30)
        for event in film.events:
            if event.kind == "colour":
                checked += 1
                later = [e for e in film.events if e.who == event.who and e.shot == event.shot]
                assert all(e.start_s < event.end_s for e in later), (number, later)
    assert checked > 5


def test_a_frame_depends_on_its_time_alone() -> None:
    film, timing = made(3)
    forward = [draw_frame(film, t) for t in timing.times_s[:12]]
    backward = [draw_frame(film, t) for t in reversed(timing.times_s[:12])]
    assert all(np.array_equal(a, b) for a, b in zip(forward, reversed(backward), strict=True))


def test_things_have_different_names_and_pictures_that_touch_their_sides() -> None:
    things = random_things(np.random.default_rng(5), 90)
    assert len({thing.name for thing in things}) == 90
    assert len(set(FACING_LEFT.values()) | set(STANDING.values())) == len(FACING_LEFT | STANDING)
    for thing in things:
        picture = thing_picture(thing, 40)
        assert max(picture.size) <= 40
        alpha = np.asarray(picture.getchannel("A"))
        assert min(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) > 40
    assert plural("taxi") == "taxis"
