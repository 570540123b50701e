"""Melodies in ABC notation, valid in their key and metre, and as engraved sheets.

Owns: inventing melodies, engraving by Verovio. Does not own: where sheets stand (``layouts``).

    key, metre -> bars that fill the metre -> ABC -> Verovio -> SVG

Source: ABC music standard 2.1.
"""

import threading
from functools import lru_cache
from typing import Any

import numpy as np

from qvl.data.synth.picking import pick
from qvl.errors import DataError, MissingDependencyError

_KEYS = ("C", "G", "D", "A", "F", "Bb", "Eb", "Am", "Em", "Dm", "Gm", "Bm")
_SCALE = "CDEFGAB"
_METRES = {"4/4": 8, "3/4": 6, "2/4": 4, "6/8": 6}
"""Metre -> eighths in a bar."""
_RHYTHMS = {
    8: (
        (2, 2, 2, 2), (4, 2, 2), (2, 1, 1, 2, 2), (4, 4), (3, 1, 2, 2), (2, 2, 1, 1, 2), (6, 2),
        (1, 1, 1, 1, 4),
    ),
    6: ((2, 2, 2), (4, 2), (2, 4), (3, 1, 2), (1, 1, 2, 2), (2, 1, 1, 2)),
    4: ((2, 2), (1, 1, 2), (2, 1, 1), (4,), (3, 1), (1, 1, 1, 1)),
}  # fmt: skip
_COMPOUND = ((3, 3), (2, 1, 3), (1, 1, 1, 3), (2, 1, 2, 1), (3, 2, 1), (6,))
_STEPS = (-2, -1, -1, 1, 1, 2, 0, 3, -3, 4)
_LOWEST, _HIGHEST = 0, 11  # middle C to the G above the staff


def melody(rng: np.random.Generator, *, bars: int, title: str = "", words: bool = False) -> str:
    """A tune in ABC: every bar fills the metre, it ends on the tonic.

    Args:
        rng: source of randomness.
        bars: how many, at least 2.
        title: printed above it; empty for none.
        words: a syllable below each note.
    """
    metre = pick(rng, tuple(_METRES))
    key = pick(rng, _KEYS)
    tonic = _SCALE.index(key[0])
    rhythms = _COMPOUND if metre == "6/8" else _RHYTHMS[_METRES[metre]]
    repeated = bars >= 4 and rng.random() < 0.4
    chords = rng.random() < 0.3
    at = tonic
    lines: list[str] = []
    syllables: list[str] = []
    music = "|: " if repeated else ""
    for bar in range(bars):
        last = bar == bars - 1
        rhythm = (_METRES[metre],) if last and rng.random() < 0.5 else pick(rng, rhythms)
        notes = []
        for place, length in enumerate(rhythm):
            at = int(np.clip(at + pick(rng, _STEPS), _LOWEST, _HIGHEST))
            ends = last and place == len(rhythm) - 1
            if ends:
                at = tonic + (7 if at > tonic + 3 and tonic + 7 <= _HIGHEST else 0)
            rests = not ends and place > 0 and rng.random() < 0.05
            notes.append(_written(rng, at, length, rests=rests, ends=ends))
            if not rests:
                syllables.append(pick(rng, ("la", "na", "doo", "hey", "oh", "lu")))
        chord = f'"{_chord(key, bar, last)}"' if chords else ""
        music += chord + _beamed(notes, rhythm, metre)
        music += (" :|" if repeated else " |]") if last else " | "
        if bar % 4 == 3 or last:
            lines.append(music.strip())
            if words:
                lines.append("w: " + " ".join(syllables))
            music, syllables = "", []
    head = ["X:1", *([f"T:{title}"] if title else []), f"M:{metre}", "L:1/8", f"K:{key}"]
    return "\n".join([*head, *lines])


def engraved(abc: str, *, width_px: int, staff_px: float) -> str:
    """A tune as SVG.

    Args:
        abc: of one tune.
        width_px: of the sheet in CSS pixels.
        staff_px: height of a staff in CSS pixels.

    Raises:
        DataError: it is no ABC, or needs several sheets.
        MissingDependencyError: Verovio is not installed.
    """
    # Verovio's unit is half the space of two lines, nine of its pixels by default.
    # Source: its options, unit = 9, and a staff has four spaces.
    scale = staff_px / (8 * 9) * 100
    with _LOCK:
        toolkit = _toolkit()
        toolkit.setOptions(
            {
                "inputFrom": "abc",
                "pageWidth": round(width_px * 100 / scale),
                "pageHeight": 60_000,
                "adjustPageHeight": True,
                "adjustPageWidth": True,
                "scale": max(1, round(scale)),
                "header": "auto",
                "footer": "none",
                "breaks": "auto",
                "pageMarginLeft": 5,
                "pageMarginRight": 5,
                "pageMarginTop": 5,
                "pageMarginBottom": 5,
                "xmlIdSeed": 1,  # names of parts are drawn at random otherwise
            }
        )
        if not toolkit.loadData(abc) or toolkit.getPageCount() != 1:
            raise DataError(f"not engraved: {abc[:60]!r}")
        return str(toolkit.renderToSVG(1))


def _written(rng: np.random.Generator, at: int, length: int, *, rests: bool, ends: bool) -> str:
    if rests:
        note = "z"
    else:
        letter = _SCALE[at % 7]
        sign = "" if ends or rng.random() > 0.04 else pick(rng, ("^", "_", "="))
        note = sign + (letter if at < 7 else letter.lower())
    return note + ("" if length == 1 else str(length))


def _beamed(notes: list[str], rhythm: tuple[int, ...], metre: str) -> str:
    """Eighths of one beat stand together, so they share a beam."""
    beat = 3 if metre == "6/8" else 2
    text, at = "", 0
    for note, length in zip(notes, rhythm, strict=True):
        text += (" " if at % beat == 0 and text else "") + note
        at += length
    return text


def _chord(key: str, bar: int, last: bool) -> str:
    """The tonic's chord at both ends, its fifth between."""
    minor = key.endswith("m")
    if bar == 0 or last or bar % 3 == 0:
        return key
    fifth = {"C": "G", "G": "D", "D": "A", "A": "E", "F": "C", "B": "F#", "E": "B"}
    root = key.rstrip("m")
    if root in ("Bb", "Eb"):
        return "F" if root == "Bb" else "Bb"
    return fifth[root] + ("m" if minor else "")


_LOCK = threading.Lock()


@lru_cache(maxsize=1)
def _toolkit() -> Any:
    try:
        import verovio
    except ImportError as error:
        raise MissingDependencyError(
            "engraving music needs the package verovio", hint="pip install 'qvl[data]'"
        ) from error
    verovio.enableLog(verovio.LOG_OFF)
    return verovio.toolkit()
