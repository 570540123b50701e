"""Invents a whole film: cuts, places, what happens in each, subtitles, what is drawn over it.

Owns: the film as a whole. Does not own: what happens in one shot (`scenes`), drawing (`film`).

    Clock of the seen frames -> random_film() -> Film with all its events
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from qvl.data.synth.video.actors import Change
from qvl.data.synth.video.acts import Clock, Stage
from qvl.data.synth.video.backdrops import PLACES, WORLD_WIDTH, Backdrop
from qvl.data.synth.video.film import Event, EventKind, Film, Overlay, Shot, Subtitle, subtitle_font
from qvl.data.synth.video.scenes import Filled, fill_stage, still_things
from qvl.data.synth.video.things import Thing, random_things
from qvl.data.synth.words import COMMON, is_heldout, random_word

LEAST_SHOT = 6
"""Fewest seen frames of a shot when there are several."""

_THINGS = 90
"""Different things that one film draws on; a long one uses them again."""

_OVERLAYS: dict[Overlay, float] = {"none": 0.7, "timer": 0.18, "progress bar": 0.12}
_CAMERAS = {"still": 0.5, "hand": 0.2, "pan": 0.14, "zoom": 0.16}
_ZOOMED = 1.7
_RETURNS = 0.2  # share of things that were seen in an earlier shot
_SLIDE_SHARE = 0.12
_COMMON = tuple(word for word in COMMON if len(word) > 2 and not is_heldout(word))


def random_film(
    rng: np.random.Generator, clock: Clock, *, height: int, width: int, shots: tuple[int, int]
) -> Film:
    """Returns a film whose events begin and end at seen frames.

    Args:
        rng: source of randomness.
        clock: the seen frames.
        height: of a frame, a multiple of 28.
        width: likewise.
        shots: fewest and most; short films have as many as fit.
    """
    cuts = _cuts(rng, len(clock.seen_s), shots)
    step_s = clock.end_s / len(clock.seen_s)
    places = _places(rng, len(cuts))
    things = _cast(rng)
    made: list[Shot] = []
    events: list[Event] = []
    for number, (a, b) in enumerate(zip(cuts, [*cuts[1:], len(clock.seen_s)], strict=True)):
        stage = Stage(height=height, width=width, shot=number)
        shot, filled = _shot(rng, clock, stage, (a, b), places[number], things)
        made.append(shot)
        events.append(_scene_event(shot, filled, number))
        events += filled.events
    with_subtitles = rng.random() < 0.3
    subtitles = _subtitles(rng, clock, height, width) if with_subtitles else ()
    events += [_subtitle_event(subtitle) for subtitle in subtitles]
    overlay = list(_OVERLAYS)[int(rng.choice(len(_OVERLAYS), p=list(_OVERLAYS.values())))]
    return Film(
        height=height,
        width=width,
        duration_s=clock.end_s,
        step_s=step_s,
        shots=tuple(made),
        events=tuple(sorted(events, key=lambda event: (event.start_s, event.end_s))),
        subtitles=subtitles,
        overlay=overlay,
    )


def _cuts(rng: np.random.Generator, num_seen: int, shots: tuple[int, int]) -> list[int]:
    """First frames of the shots, none shorter than `LEAST_SHOT` when there are several."""
    most = max(1, min(shots[1], num_seen // LEAST_SHOT))
    count = int(rng.integers(min(shots[0], most), most + 1))
    spare = num_seen - count * LEAST_SHOT
    if count == 1:
        return [0]
    shares = rng.dirichlet(np.full(count, 2.0))
    lengths = LEAST_SHOT + np.floor(shares * spare).astype(int)
    return [0, *np.cumsum(lengths[:-1]).tolist()]


def _places(rng: np.random.Generator, count: int) -> list[Backdrop]:
    names = list(PLACES)
    order: list[str] = []
    while len(order) < count:
        fresh = [names[int(i)] for i in rng.permutation(len(names))]
        if order and fresh[0] == order[-1]:
            fresh.reverse()
        order += fresh
    return [
        Backdrop(place="slide", seed=int(rng.integers(2**31)), lines=_slide_lines(rng))
        if rng.random() < _SLIDE_SHARE
        else Backdrop(place=order[number], seed=int(rng.integers(2**31)))
        for number in range(count)
    ]


def _slide_lines(rng: np.random.Generator) -> tuple[str, ...]:
    title = " ".join(_words(rng, 2, 3)).title()
    points = [" ".join(_words(rng, 2, 4)) for _ in range(int(rng.integers(2, 5)))]
    return (title, *(point.capitalize() for point in points))


def _words(rng: np.random.Generator, least: int, most: int) -> list[str]:
    count = int(rng.integers(least, most + 1))
    # Mostly words that people write, some that can only be read letter by letter.
    return [
        _COMMON[int(rng.integers(len(_COMMON)))]
        if rng.random() < 0.85
        else random_word(rng, max_letters=9, plain=True).lower()
        for _ in range(count)
    ]


def _cast(rng: np.random.Generator) -> Iterator[Thing]:
    """Things one after another; after the last the first again, and some return early."""
    fresh = random_things(rng, _THINGS)
    seen: list[Thing] = []
    for number in range(1_000_000):
        # Not one of the last few: they may be on screen now.
        if len(seen) > 6 and rng.random() < _RETURNS:
            thing = seen.pop(int(rng.integers(0, len(seen) - 5)))
        else:
            thing = fresh[number % len(fresh)]
            if thing in seen:
                continue
        seen.append(thing)
        seen = seen[-_THINGS // 2 :]
        yield thing


def _shot(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    backdrop: Backdrop,
    things: Iterator[Thing],
) -> tuple[Shot, Filled]:
    a, b = frames
    camera: tuple[Change, ...] = ()
    move = list(_CAMERAS)[int(rng.choice(len(_CAMERAS), p=list(_CAMERAS.values())))]
    if backdrop.lines:
        filled = Filled([], [_slide_event(clock, stage, frames, backdrop)])
        move = "still"
    elif move in ("pan", "zoom") and b - a >= 5:
        spread = 0.36 if move == "pan" else 0.2
        filled = still_things(rng, clock, stage, frames, things, spread=spread)
        camera, event = _camera(rng, clock, stage, frames, move)
        filled.events.append(event)
    else:
        filled = fill_stage(rng, clock, stage, frames, things)
    shot = Shot(
        start_s=clock.time(a),
        end_s=clock.time(b),
        backdrop=backdrop,
        actors=tuple(filled.actors),
        camera=camera,
        sway_px=float(rng.uniform(1, 0.012 * stage.width)) if move == "hand" else 0.0,
        fades=b - a >= 8 and bool(rng.random() < 0.25),
    )
    return shot, filled


def _camera(
    rng: np.random.Generator, clock: Clock, stage: Stage, frames: tuple[int, int], move: str
) -> tuple[tuple[Change, ...], Event]:
    a, b = frames
    k0 = a + int(rng.integers(1, max(2, (b - a) // 3)))
    k1 = k0 + max(3, round((b - a) * float(rng.uniform(0.2, 0.5))))
    k1 = min(k1, b)
    start_s, end_s = clock.time(k0), clock.time(k1)
    forward = rng.random() < 0.5
    if move == "pan":
        middle, reach = (WORLD_WIDTH - 1) * stage.width / 2, 0.22 * stage.width
        ends = (middle - reach, middle + reach) if forward else (middle + reach, middle - reach)
        change = Change(what="x", start_s=start_s, end_s=end_s, before=ends[0], after=ends[1])
        how = "right" if forward else "left"
        words, kind = f"pans to the {how}", "pan"
    else:
        ends = (1.0, _ZOOMED) if forward else (_ZOOMED, 1.0)
        change = Change(what="scale", start_s=start_s, end_s=end_s, before=ends[0], after=ends[1])
        how = "in" if forward else "out"
        words, kind = f"zooms {how}", "zoom"
    event = _event(kind, start_s, end_s, "camera", f"the camera {words}", stage.shot, how)  # type: ignore[arg-type]
    return (change,), event


def _slide_event(clock: Clock, stage: Stage, frames: tuple[int, int], backdrop: Backdrop) -> Event:
    start_s, end_s = clock.time(frames[0]), clock.time(frames[1])
    words = f"{backdrop.words} is shown"
    return _event("slide", start_s, end_s, backdrop.lines[0], words, stage.shot)


def _scene_event(shot: Shot, filled: Filled, number: int) -> Event:
    """Says where a shot takes place, and with whom."""
    place = shot.backdrop.words
    names = list(dict.fromkeys(event.who for event in filled.events if event.kind == "shown"))
    listed = [f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names]
    with_whom = f" with {joined(listed)}" if listed else ""
    event = _event("scene", shot.start_s, shot.end_s, place, f"the scene shows {place}", number)
    return replace(event, sentence=f"The scene shows {place}{with_whom}.")


def _event(
    kind: EventKind, start_s: float, end_s: float, who: str, words: str, shot: int, how: str = ""
) -> Event:
    sentence = f"{words[0].upper()}{words[1:]}."
    return Event(
        kind=kind, start_s=start_s, end_s=end_s, who=who, sentence=sentence, query=words, how=how,
        shot=shot,
    )  # fmt: skip


def joined(names: Sequence[str]) -> str:
    """Names as a list in words.

    >>> joined(["a", "b", "c"]), joined(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _subtitles(
    rng: np.random.Generator, clock: Clock, height: int, width: int
) -> tuple[Subtitle, ...]:
    """Lines now and then, each for three frames or more."""
    count = len(clock.seen_s)
    found: list[Subtitle] = []
    k = int(rng.integers(0, 4))
    while k + 3 <= count and len(found) < 12:
        k1 = min(count, k + int(rng.integers(3, max(4, count // 4))))
        words = _words(rng, 2, 5)
        while len(words) > 1 and subtitle_font(height, width, " ".join(words)).size_px < 11:
            words.pop()
        text = " ".join(words).capitalize()
        found.append(Subtitle(clock.time(k), clock.time(k1), text))
        k = k1 + int(rng.integers(0, max(2, count // 6)))
    return tuple(found)


def _subtitle_event(subtitle: Subtitle) -> Event:
    words = f'the subtitle reads "{subtitle.text}"'
    return _event("subtitle", subtitle.start_s, subtitle.end_s, subtitle.text, words, -1)
