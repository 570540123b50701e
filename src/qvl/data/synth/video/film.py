"""A video before its pixels: shots, what happens in them, words over them; any frame on demand.

Owns: the records of a film, and drawing its frame at a time. Does not own: inventing films
(`plot`), when frames are shown (`timing`), files (`encode`).

    Film, time_s -> draw_frame() -> uint8[H, W, 3];   boxes_at() -> where each thing is then

No frame exists before it is asked for, so two hours cost as much as the frames that are looked at.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageDraw

from qvl.data.synth.fonts import Font, font_files, load_font
from qvl.data.synth.video.actors import Actor, Change, Pose, pose_at, pose_picture
from qvl.data.synth.video.backdrops import WORLD_HEIGHT, WORLD_WIDTH, Backdrop, backdrop_picture
from qvl.geometry import Box

Overlay = Literal["none", "timer", "progress bar"]

EventKind = Literal[
    "enter", "leave", "go", "hop", "spin", "grow", "shrink", "blink", "colour", "parade",
    "collide", "count", "counter", "scene", "pan", "zoom", "slide", "shown", "subtitle",
]  # fmt: skip

_DARKEST = 0.35
"""Brightness of a scene's first frame when it fades in from black: it can be seen already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happens, with its exact time and its words.

    Attributes:
        kind: what; "shown" is being on the screen at all, "counter" one number of a "count".
        start_s: the first frame at which it is under way.
        end_s: the first frame at which it is over; equal to the start for an instant.
        who: name of the thing, without article; the words themselves of what is read.
        sentence: that tells it, with a full stop.
        query: that names it; events of one query are answers to the same question.
        how: "right", "left"; a colour; a number. Empty when there is nothing more to tell.
        times: how often it is repeated within.
        speed: frame widths a second, of what moves along.
        shot: number of the shot it is in.
    """

    kind: EventKind
    start_s: float
    end_s: float
    who: str
    sentence: str
    query: str
    how: str = ""
    times: int = 1
    speed: float = 0.0
    shot: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One place seen by one camera, from a cut to the next.

    Attributes:
        start_s: its first frame.
        end_s: the first frame after it.
        backdrop: the place.
        actors: later ones stand in front of earlier ones.
        camera: changes of "x", where the left edge looks, in pixels of the world, and "scale".
        sway_px: how far a hand moves the camera about.
        fades: whether it comes out of black and goes into black.
    """

    start_s: float
    end_s: float
    backdrop: Backdrop
    actors: tuple[Actor, ...] = ()
    camera: tuple[Change, ...] = ()
    sway_px: float = 0.0
    fades: bool = False


class Subtitle(NamedTuple):
    """Words at the bottom of the picture."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Film:
    """A whole video.

    Attributes:
        height: of a frame, a multiple of 28.
        width: likewise.
        duration_s: its end; the last frame is before it.
        step_s: seconds between two frames as they are seen.
        shots: without gaps.
        events: all that happens, in order of their starts.
        subtitles: ascending and apart.
        overlay: what is drawn over everything.
    """

    height: int
    width: int
    duration_s: float
    step_s: float
    shots: tuple[Shot, ...]
    events: tuple[Event, ...]
    subtitles: tuple[Subtitle, ...] = ()
    overlay: Overlay = "none"


class _View(NamedTuple):
    """What the camera looks at: the corner of the world at the frame's, and pixels per pixel."""

    x: float
    y: float
    zoom: float


def shot_at(film: Film, time_s: float) -> Shot:
    """Returns the shot on screen at a time."""
    return next((shot for shot in reversed(film.shots) if shot.start_s <= time_s), film.shots[0])


def draw_frame(film: Film, time_s: float) -> NDArray[np.uint8]:
    """Returns the picture at a time: uint8[H, W, 3]."""
    shot = shot_at(film, time_s)
    view = _view(film, shot, time_s)
    picture = _seen(film, shot, view)
    for actor in shot.actors:
        pose = pose_at(actor, time_s)
        if pose is not None:
            sprite = pose_picture(pose, view.zoom)
            picture.paste(sprite, _corner(pose, sprite, view), sprite)
    if shot.fades:
        picture = picture.point(_dimmed(shot, film.step_s, time_s))
    for subtitle in film.subtitles:
        if subtitle.start_s <= time_s < subtitle.end_s:
            _write_subtitle(picture, subtitle.text)
    _draw_overlay(film, picture, time_s)
    return np.asarray(picture)


def boxes_at(film: Film, time_s: float) -> list[tuple[str, Box]]:
    """Returns name and box of everything on screen, in pixels of the frame, cut at its edges.

    What is covered by something else counts as if it were not.
    """
    shot = shot_at(film, time_s)
    view = _view(film, shot, time_s)
    found = []
    for actor in shot.actors:
        pose = pose_at(actor, time_s)
        if pose is None:
            continue
        sprite = pose_picture(pose, view.zoom)
        x, y = _corner(pose, sprite, view)
        box = Box(
            max(0, x), max(0, y), min(film.width, x + sprite.width),
            min(film.height, y + sprite.height),
        )  # fmt: skip
        if box.x2 > box.x1 and box.y2 > box.y1:
            found.append((pose.thing.name, box))
    return found


def _view(film: Film, shot: Shot, time_s: float) -> _View:
    spare_x, spare_y = (WORLD_WIDTH - 1) * film.width, (WORLD_HEIGHT - 1) * film.height
    x, zoom = spare_x / 2, 1.0
    for change in shot.camera:
        if change.start_s <= time_s or change is shot.camera[0]:
            value = change.before + (change.after - change.before) * change.progress(time_s)
            x, zoom = (value, zoom) if change.what == "x" else (x, value)
    sway = shot.sway_px
    x += sway * math.sin(time_s / film.step_s * 0.7)
    y = spare_y / 2 + sway * math.sin(time_s / film.step_s * 0.45 + 1)
    # A zoom keeps the middle of the picture where it is.
    x += film.width / 2 * (1 - 1 / zoom)
    y += film.height / 2 * (1 - 1 / zoom)
    return _View(x, y, zoom)


def _seen(film: Film, shot: Shot, view: _View) -> PILImage.Image:
    world = backdrop_picture(shot.backdrop, film.height, film.width)
    size = (film.width, film.height)
    if view.zoom == 1:
        x, y = round(view.x), round(view.y)
        return world.crop((x, y, x + film.width, y + film.height))
    box = (view.x, view.y, view.x + size[0] / view.zoom, view.y + size[1] / view.zoom)
    return world.resize(size, PILImage.Resampling.BILINEAR, box=box)


def _corner(pose: Pose, sprite: PILImage.Image, view: _View) -> tuple[int, int]:
    """Where the top left corner of a sprite comes to lie."""
    # Whole pixels of the world first, so that a still thing stays put on a background that moves.
    if view.zoom == 1:
        x, y = round(pose.x) - round(view.x), round(pose.y) - round(view.y)
        return x - sprite.width // 2, y - sprite.height // 2
    x_on, y_on = (pose.x - view.x) * view.zoom, (pose.y - view.y) * view.zoom
    return round(x_on - sprite.width / 2), round(y_on - sprite.height / 2)


def _dimmed(shot: Shot, step_s: float, time_s: float) -> list[int]:
    """Table of brightness: two frames up, and two frames down again."""
    from_edge_s = min(time_s - shot.start_s, shot.end_s - step_s - time_s)
    light = min(1.0, _DARKEST + (1 - _DARKEST) * max(0.0, from_edge_s) / (2 * step_s))
    return [round(value * light) for value in range(256)] * 3


def _write_subtitle(picture: PILImage.Image, text: str) -> None:
    width, height = picture.size
    font = subtitle_font(height, width, text)
    pen = ImageDraw.Draw(picture)
    middle = (width / 2, height - 0.08 * height)
    pen.text(
        middle, text, font=font.face, fill=(255, 255, 255), anchor="mm",
        stroke_width=max(1, font.size_px // 9), stroke_fill=(10, 10, 10),
    )  # fmt: skip


def subtitle_font(height: int, width: int, text: str) -> Font:
    """Returns the font in which a subtitle fits the width."""
    family = font_files("train")[0]
    size_px = max(11, round(height * 0.075))
    while size_px > 9 and load_font(family, size_px).length(text) > width * 0.94:
        size_px -= 1
    return load_font(family, size_px)


def _draw_overlay(film: Film, picture: PILImage.Image, time_s: float) -> None:
    pen = ImageDraw.Draw(picture)
    if film.overlay == "timer":
        whole = int(time_s + 1e-6)
        text = f"{whole // 60:02d}:{whole % 60:02d}"
        if film.duration_s >= 3600:
            text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        font = load_font(font_files("train")[0], max(10, film.height // 17))
        right = film.width - 6
        pen.rectangle((right - font.length(text) - 6, 5, right, 9 + font.size_px), fill=(0, 0, 0))
        pen.text((right - font.length(text) - 3, 5), text, font=font.face, fill=(255, 255, 255))
    elif film.overlay == "progress bar":
        y = film.height - 3
        pen.rectangle((0, y, film.width, film.height), fill=(90, 90, 90))
        done = film.width * time_s / film.duration_s
        pen.rectangle((0, y, done, film.height), fill=(225, 40, 40))
