"""Questions about a film with their answers: what happens, and when.

Owns: the forms about events and times. Does not own: those about what a single frame shows
(`frame_questions`), the events (`plot`), how answers are written (``tasks``).

    Film, TimeStyle -> FORMS[name](rng, film, style) -> Turn | None when there is no such question

An event is asked about only where its words fit nothing else in the film.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qvl.data.synth.video.acts import plural
from qvl.data.synth.video.film import Event, EventKind, Film
from qvl.data.synth.video.things import FACING_LEFT, STANDING
from qvl.tasks import counting
from qvl.tasks import video as video_task
from qvl.tasks.times import TimeFormat, format_time
from qvl.tasks.video import Moment

TOLD: tuple[EventKind, ...] = (
    "enter", "leave", "go", "hop", "spin", "grow", "shrink", "blink", "colour", "parade",
    "collide", "count", "pan", "zoom", "slide",
)  # fmt: skip
"""What a description tells; that something is merely there is not worth a line."""

MOST_TOLD = 40
"""Most lines of a description."""

_DOES = {
    "hop": "jumps", "spin": "spins", "blink": "blinks", "grow": "gets bigger",
    "shrink": "gets smaller",
}  # fmt: skip
_MOST_EDGES = 6
"""Starts and ends of events within a stretch that is asked about."""
_ONCE = 0.3
"""Share of the questions how often that are asked although the answer is 1: most acts are done
once, and a model would learn to say so without looking."""
_FASTER = 1.5
"""Two speeds are compared only when one is this many times the other."""


class TimeStyle(NamedTuple):
    """How times of one conversation are written."""

    style: TimeFormat
    fps: float | None

    def write(self, seconds: float) -> str:
        """One time, with its unit in words where it has one."""
        text = format_time(seconds, style=self.style, fps=self.fps)
        return f"{text} seconds" if self.style == "seconds" else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A question and its answer.

    Attributes:
        form: a key of the table it is from.
        question: as a user asks.
        answer: as a model should.
        about: queries of the events it gives away; a conversation asks about each once.
    """

    form: str
    question: str
    answer: str
    about: frozenset[str]


Form = Callable[[np.random.Generator, Film, TimeStyle], Turn | None]


def told_events(film: Film) -> list[Event]:
    """What a description of the film tells, in order; scenes too when there are several."""
    kinds = TOLD if len(film.shots) == 1 else (*TOLD, "scene")
    told = [event for event in film.events if event.kind in kinds]
    # A slide is its own scene.
    told = [e for e in told if not (e.kind == "scene" and e.who.startswith("a slide"))]
    return told or [event for event in film.events if event.kind == "scene"]


def clear_events(film: Film, kinds: Sequence[EventKind]) -> list[Event]:
    """Events whose words fit them alone, or others that an answer would name as well."""
    return [event for event in film.events if event.kind in kinds and _is_clear(film, event)]


def same_query(film: Film, event: Event) -> list[Event]:
    """All events that a query for this one asks for, in order."""
    return [other for other in film.events if other.query == event.query]


def _is_clear(film: Film, event: Event) -> bool:
    own = [other for other in film.events if other.who == event.who]
    if event.kind == "go":  # coming in and leaving are motions too
        return not any(e.kind == "parade" or e.how.startswith(("from", "to the")) for e in own)
    shown = [e for e in own if e.kind == "shown"]
    if event.kind == "shown":
        return not any(e.kind in ("blink", "parade") for e in own)
    if event.kind in ("enter", "leave"):  # a cut makes things come and go as well
        same = [e for e in own if e.kind == event.kind]
        return len(same) == len(shown) and not any(e.kind in ("blink", "parade") for e in own)
    if event.kind == "parade":
        return not shown
    return True


def _pick(rng: np.random.Generator, events: Sequence[Event]) -> Event | None:
    return events[int(rng.integers(len(events)))] if events else None


def _varied(rng: np.random.Generator, *wordings: str) -> str:
    return wordings[int(rng.integers(len(wordings)))]


def when(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """When something happens: one moment or several."""
    kinds: tuple[EventKind, ...] = (*TOLD, "shown", "counter", "subtitle")
    if len(film.shots) > 1:
        kinds = (*kinds, "scene")
    events = [e for e in clear_events(film, kinds) if e.end_s - e.start_s < 0.9 * film.duration_s]
    event = _pick(rng, events)
    if event is None:
        return None
    moments = [Moment(start_s=e.start_s, end_s=e.end_s) for e in same_query(film, event)]
    return Turn(
        form="when",
        question=video_task.prompt(event.query, style=style.style),
        answer=video_task.format(moments, style=style.style, fps=style.fps),
        about=frozenset([event.query, event.who]),
    )


def absent(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """When something happens that does not happen."""
    query = _untrue(rng, film)
    return Turn(
        form="absent",
        question=video_task.prompt(query, style=style.style),
        answer=video_task.format([], style=style.style),
        about=frozenset([query]),
    )


def yes_or_no(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """Whether something happens; both answers are as likely."""
    event = _pick(rng, clear_events(film, tuple(_DOES)))  # type: ignore[arg-type]
    if event is None:  # where only "no" is possible nothing is asked, or "no" would win
        return None
    if rng.random() < 0.5:
        query, answer, about = _untrue(rng, film), "No", ""
    else:
        query, answer, about = event.query, "Yes", event.who
    subject, verb = _split(query)
    question = _varied(
        rng, f"Does {subject} {verb} in the video? Answer yes or no.",
        f"Does {subject} {verb} at any time? Yes or no?",
    )  # fmt: skip
    return Turn(form="yes_or_no", question=question, answer=answer, about=frozenset([query, about]))


def _untrue(rng: np.random.Generator, film: Film) -> str:
    """A query for an act that nobody does: of a thing that is there, or of one that is not."""
    there = sorted({event.who for event in film.events if event.kind == "shown"} - {"counter"})
    done = {event.query for event in film.events}
    whos = {event.who for event in film.events}
    zooms = any(event.kind == "zoom" for event in film.events)  # which makes everything grow
    candidates = [
        f"the {who} {does}" for who in there for kind, does in _DOES.items()
        if f"the {who} {does}" not in done and not (zooms and kind in ("grow", "shrink"))
    ]  # fmt: skip
    if candidates and rng.random() < 0.6:
        return candidates[int(rng.integers(len(candidates)))]
    names = [name for name in (*FACING_LEFT, *STANDING) if name not in whos]
    does = list(_DOES.values())
    who, act = names[int(rng.integers(len(names)))], does[int(rng.integers(len(does)))]
    return f"the {who} {act}"


def _split(query: str) -> tuple[str, str]:
    """Subject and plain verb of a query with one of the acts in `_DOES`."""
    for does in _DOES.values():
        if query.endswith(f" {does}"):
            verb, _, rest = does.partition(" ")
            plain = "get" if verb == "gets" else verb.removesuffix("s")
            return query.removesuffix(f" {does}"), f"{plain} {rest}".strip()
    raise AssertionError(query)


def describe(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """Everything that happens, with times, as JSON."""
    told = told_events(film)
    if len(told) > MOST_TOLD:
        return None
    moments = [Moment(start_s=e.start_s, end_s=e.end_s, label=e.sentence) for e in told]
    return Turn(
        form="describe",
        question=video_task.description_prompt(style=style.style),
        answer=video_task.format(moments, form="json", style=style.style, fps=style.fps),
        about=frozenset(event.query for event in film.events),
    )


def caption(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """Everything that happens, in sentences without times."""
    scenes = [event for event in film.events if event.kind == "scene"]
    told = [event for event in told_events(film) if event.kind not in ("scene", "slide")]
    if len(told) + len(scenes) > MOST_TOLD:
        return None
    lines = []
    for scene in scenes:
        lines.append(scene.sentence)
        lines += [event.sentence for event in told if event.shot == scene.shot]
    question = _varied(
        rng, "Describe this video.", "Describe what happens in this video, in order.",
        "What is going on in the video?",
    )  # fmt: skip
    about = frozenset(event.query for event in film.events)
    return Turn(form="caption", question=question, answer=" ".join(lines), about=about)


def between(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """What happens from one time to another; no event reaches over an end."""
    told = [event for event in told_events(film) if event.kind not in ("scene", "slide")]
    edges = sorted({time for event in told for time in (event.start_s, event.end_s)})
    pairs = []
    for number, start in enumerate(edges):
        for end in edges[number + 1 : number + 1 + _MOST_EDGES]:
            inside = [e for e in told if start <= e.start_s and e.end_s <= end]
            touching = [e for e in told if e.start_s < end and e.end_s > start]
            if 0 < len(inside) <= 4 and {*map(id, touching)} <= {*map(id, inside)}:
                pairs.append((start, end, inside))
    if not pairs:
        return None
    start, end, inside = pairs[int(rng.integers(len(pairs)))]
    return Turn(
        form="between",
        question=_varied(
            rng, f"What happens between {style.write(start)} and {style.write(end)}?",
            f"Describe what happens from {style.write(start)} to {style.write(end)}.",
        ),
        answer=" ".join(event.sentence for event in inside),
        about=frozenset(event.query for event in inside),
    )  # fmt: skip


def after(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """What begins next after something is over, or was over last before something began."""
    told = [event for event in told_events(film) if event.kind not in ("scene", "slide", "count")]
    is_after = rng.random() < 0.6
    found: list[tuple[Event, Event]] = []
    for anchor in told:
        if len(same_query(film, anchor)) > 1 or not _is_clear(film, anchor):
            continue
        if is_after:
            later = [e for e in told if e.start_s >= anchor.end_s and e is not anchor]
            first = min((e.start_s for e in later), default=-1.0)
            nearest = [e for e in later if e.start_s == first]
        else:
            earlier = [e for e in told if e.end_s <= anchor.start_s and e is not anchor]
            last = max((e.end_s for e in earlier), default=-1.0)
            nearest = [e for e in earlier if e.end_s == last]
        if len(nearest) == 1:
            found.append((anchor, nearest[0]))
    if not found:
        return None
    anchor, other = found[int(rng.integers(len(found)))]
    question = (
        _varied(
            rng,
            f"What happens right after {anchor.query}?",
            f"After {anchor.query}, what happens next?",
        )
        if is_after
        else _varied(
            rng,
            f"What happens just before {anchor.query}?",
            f"Before {anchor.query}, what happened last?",
        )
    )
    about = frozenset([anchor.query, other.query, other.who])
    return Turn(form="after", question=question, answer=other.sentence, about=about)


def order(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """In which order things begin."""
    kinds = tuple(kind for kind in TOLD if kind != "count")
    unique = [e for e in clear_events(film, kinds) if len(same_query(film, e)) == 1]
    by_start = {event.start_s: event for event in reversed(unique)}
    if len(by_start) < 2:
        return None
    count = min(len(by_start), int(rng.integers(2, 5)))
    starts = list(by_start)
    chosen = [by_start[starts[int(i)]] for i in rng.choice(len(starts), count, replace=False)]
    names = "ABCD"[:count]
    options = " ".join(f"{n}. {e.sentence}" for n, e in zip(names, chosen, strict=True))
    about = frozenset(event.query for event in chosen)
    if count == 2:
        answer = "A" if chosen[0].start_s < chosen[1].start_s else "B"
        question = f"Which of these happens first? {options} Answer with the letter."
        return Turn(form="order", question=question, answer=answer, about=about)
    ranked = sorted(zip(names, chosen, strict=True), key=lambda item: item[1].start_s)
    return Turn(
        form="order",
        question=f"In which order do these begin? {options} Answer with the letters in order.",
        answer=", ".join(name for name, _ in ranked),
        about=about,
    )


def duration(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """How long something takes, in seconds."""
    kinds: tuple[EventKind, ...] = ("go", "spin", "grow", "shrink", "shown", "pan", "subtitle")
    events = [
        e
        for e in clear_events(film, kinds)
        if len(same_query(film, e)) == 1 and e.end_s > e.start_s
    ]
    event = _pick(rng, events)
    if event is None:
        return None
    question = f"For how many seconds does this go on: {event.query}?"
    if event.kind == "shown":
        question = f"For how many seconds is the {event.who} on the screen?"
    answer = TimeStyle("seconds", None).write(event.end_s - event.start_s)
    about = frozenset([event.query, event.who])
    return Turn(form="duration", question=question, answer=answer, about=about)


def how_often(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """How many times something is done, or how many come by."""
    events = clear_events(film, ("hop", "blink", "parade"))
    event = _pick(rng, events)
    if event is None:
        return None
    same = [e for e in film.events if (e.kind, e.who) == (event.kind, event.who)]
    count = sum(e.times for e in same)
    if count == 1 and rng.random() > _ONCE:
        return None
    if event.kind == "parade":
        question = f"How many {plural(event.who)} cross the screen?"
    else:
        verb = "jump" if event.kind == "hop" else "blink"
        question = f"How many times does the {event.who} {verb} in the video?"
    about = frozenset([*(e.query for e in same), event.who])
    return Turn(form="how_often", question=question, answer=counting.format(count), about=about)


def scenes(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """How many scenes there are, which places, when the cuts are."""
    if not 2 <= len(film.shots) <= 12:
        return None
    about = frozenset(["scenes", *(e.query for e in film.events if e.kind == "scene")])
    pick = int(rng.integers(3))
    if pick == 0:
        question = "Into how many scenes is the video cut?"
        answer = counting.format(len(film.shots))
    elif pick == 1:
        question = "Which scenes does the video show, in order? Give one a line."
        answer = "\n".join(shot.backdrop.words for shot in film.shots)
    else:
        cuts = [Moment(start_s=shot.start_s, end_s=shot.start_s) for shot in film.shots[1:]]
        question = video_task.prompt("a cut to another scene", style=style.style)
        answer = video_task.format(cuts, style=style.style, fps=style.fps)
    return Turn(form="scenes", question=question, answer=answer, about=about)


def faster(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """Which of two things moves faster."""
    moves = [e for e in clear_events(film, ("go",))
             if sum(o.kind == "go" and o.who == e.who for o in film.events) == 1]  # fmt: skip
    pairs = [
        (one, other) for one in moves for other in moves
        if one.who != other.who and one.speed >= _FASTER * other.speed and one.shot == other.shot
    ]  # fmt: skip
    if not pairs:
        return None
    fast, slow = pairs[int(rng.integers(len(pairs)))]
    first, second = (fast, slow) if rng.random() < 0.5 else (slow, fast)
    question = f"Which moves faster across the screen, the {first.who} or the {second.who}?"
    about = frozenset([fast.query, slow.query, fast.who, slow.who])
    return Turn(form="faster", question=question, answer=f"The {fast.who}", about=about)


def which_way(rng: np.random.Generator, film: Film, style: TimeStyle) -> Turn | None:
    """Where something goes, or which colour it takes."""
    events = [
        e for e in clear_events(film, ("go", "colour", "pan", "spin"))
        if sum(o.kind == e.kind and o.who == e.who for o in film.events) == 1
    ]  # fmt: skip
    event = _pick(rng, events)
    if event is None:
        return None
    question = {
        "go": f"In which direction does the {event.who} move, left or right?",
        "colour": f"Which color does the {event.who} turn?",
        "pan": "In which direction does the camera pan, left or right?",
        "spin": f"Does the {event.who} spin clockwise or counterclockwise?",
    }[event.kind]
    about = frozenset([event.query, event.who])
    return Turn(form="which_way", question=question, answer=event.how.capitalize(), about=about)


FORMS: dict[str, tuple[float, Form]] = {
    "when": (3.0, when),
    "absent": (0.5, absent),
    "yes_or_no": (0.8, yes_or_no),
    "describe": (0.9, describe),
    "caption": (0.7, caption),
    "between": (1.0, between),
    "after": (1.2, after),
    "order": (1.0, order),
    "duration": (0.8, duration),
    "how_often": (1.8, how_often),
    "scenes": (1.0, scenes),
    "faster": (1.8, faster),
    "which_way": (1.0, which_way),
}
"""Forms of question about events with their shares."""
