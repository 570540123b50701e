"""Questions about what a film shows at one time: where things are, how many, what is written.

Owns: the forms about single frames and about words. Does not own: those about events
(`questions`).

    Film, seen times, TimeStyle -> FRAME_FORMS[name](...) -> Turn | None
"""

from collections.abc import Callable, Sequence

import numpy as np

from qvl.data.synth.video.film import Event, Film, boxes_at, shot_at
from qvl.data.synth.video.questions import TimeStyle, Turn
from qvl.geometry import Box
from qvl.tasks import counting, grounding

LEAST_BOX_PX = 18
"""Shortest side of a box that is asked for; a patch of the model is 14."""

_TRIES = 12

_BARE = ("snowy field", "plain wall", "tiled floor")
"""Places with nothing in them that somebody could count, such as a window, a cloud or a house."""

FrameForm = Callable[[np.random.Generator, Film, Sequence[float], TimeStyle], Turn | None]


def where_at(
    rng: np.random.Generator, film: Film, seen_s: Sequence[float], style: TimeStyle
) -> Turn | None:
    """Boxes of things of one name in the frame at a time."""
    for _ in range(_TRIES):
        time_s = seen_s[int(rng.integers(len(seen_s)))]
        found = boxes_at(film, time_s)
        recoloured = {e.who for e in film.events if e.kind == "colour" and e.start_s < time_s}
        names = sorted({name for name, _ in found} - recoloured)
        if not names:
            continue
        name = names[int(rng.integers(len(names)))]
        boxes = [box for other, box in found if other == name]
        others = [box for other, box in found if other != name]
        if not all(
            _is_plain(film, box, [*others, *(b for b in boxes if b != box)]) for box in boxes
        ):
            continue
        frame = f"the video frame at {style.write(time_s)}"
        boxes.sort(key=lambda box: (box.x1, box.y1))
        return Turn(
            form="where_at",
            question=grounding.prompt(f"the {name}").replace("this image", frame),
            answer=grounding.format([grounding.GroundedBox(box=box, label=name) for box in boxes]),
            about=frozenset([name]),
        )
    return None


def how_many_at(
    rng: np.random.Generator, film: Film, seen_s: Sequence[float], style: TimeStyle
) -> Turn | None:
    """How many things are on the screen at a time."""
    for _ in range(_TRIES):
        time_s = seen_s[int(rng.integers(len(seen_s)))]
        found = boxes_at(film, time_s)
        if any(name == "counter" for name, _ in found):  # is a number a thing?
            continue
        boxes = [box for _, box in found]
        rest = [[b for b in boxes if b is not box] for box in boxes]
        if not all(_is_plain(film, *pair) for pair in zip(boxes, rest, strict=True)):
            continue
        if shot_at(film, time_s).backdrop.place not in _BARE:
            continue
        return Turn(
            form="how_many_at",
            question=f"How many objects are in the scene at {style.write(time_s)}?",
            answer=counting.format(len(boxes)),
            about=frozenset(["how many"]),
        )
    return None


def _is_plain(film: Film, box: Box, others: Sequence[Box]) -> bool:
    """Whether a thing is seen whole: away from the edges, large enough, touched by none."""
    inside = box.x1 > 0 and box.y1 > 0 and box.x2 < film.width and box.y2 < film.height
    large = min(box.x2 - box.x1, box.y2 - box.y1) >= LEAST_BOX_PX
    # Subtitles and overlays are at the edges.
    clear = box.y2 < 0.86 * film.height and box.y1 > 0.02 * film.height
    apart = all(box.x2 < o.x1 or o.x2 < box.x1 or box.y2 < o.y1 or o.y2 < box.y1 for o in others)
    return inside and large and clear and apart


def read_at(
    rng: np.random.Generator, film: Film, seen_s: Sequence[float], style: TimeStyle
) -> Turn | None:
    """What is written at a time: a subtitle, the number of a counter, the title of a slide."""
    written = [e for e in film.events if e.kind in ("subtitle", "counter", "slide")]
    if not written:
        return None
    event = written[int(rng.integers(len(written)))]
    times = [time_s for time_s in seen_s if event.start_s <= time_s < event.end_s]
    same = [e for e in written if e.kind == event.kind]
    times = [t for t in times if sum(e.start_s <= t < e.end_s for e in same) == 1]
    if not times:
        return None
    at = style.write(times[int(rng.integers(len(times)))])
    question, answer = _reading(event, at)
    return Turn(
        form="read_at", question=question, answer=answer, about=frozenset([event.query, event.who])
    )


def _reading(event: Event, at: str) -> tuple[str, str]:
    if event.kind == "subtitle":
        return f"What does the subtitle say at {at}?", event.who
    if event.kind == "counter":
        return f"Which number does the counter show at {at}?", event.how
    return f"What is the title of the slide shown at {at}?", event.who


def read_all(
    rng: np.random.Generator, film: Film, seen_s: Sequence[float], style: TimeStyle
) -> Turn | None:
    """All subtitles in order."""
    if not film.subtitles:
        return None
    return Turn(
        form="read_all",
        question="Read all subtitles of the video in order, one a line.",
        answer="\n".join(subtitle.text for subtitle in film.subtitles),
        about=frozenset(e.query for e in film.events if e.kind == "subtitle"),
    )


FRAME_FORMS: dict[str, tuple[float, FrameForm]] = {
    "where_at": (1.4, where_at),
    "how_many_at": (0.5, how_many_at),
    "read_at": (1.3, read_at),
    "read_all": (1.0, read_all),
}
"""Forms of question about frames with their shares."""
