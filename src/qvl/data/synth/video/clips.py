"""Drawn videos with questions and answers: the generators of this folder.

Owns: putting timing, film, questions and file together. Does not own: any of the four.

    rate -> Timing -> Film -> turns;   frames of the film at the file's times -> MP4 -> Sample

Only frames that are in the file are drawn. A file "as seen" holds no others than a model sees, so
an hour costs as much as a second; its times are true all the same.
"""

from collections.abc import Sequence

import numpy as np

from qvl.data.frame_rates import random_rate
from qvl.data.records import Provenance, Sample
from qvl.data.synth.video.acts import Clock
from qvl.data.synth.video.encode import Codec, encode_video
from qvl.data.synth.video.film import Film, draw_frame
from qvl.data.synth.video.frame_questions import FRAME_FORMS
from qvl.data.synth.video.plot import random_film
from qvl.data.synth.video.questions import FORMS, TimeStyle, Turn
from qvl.data.synth.video.timing import Kind, Timing, random_timing
from qvl.errors import ConfigError
from qvl.geometry import FACTOR
from qvl.messages import Conversation, Message, Text, Video
from qvl.tasks.times import TimeFormat

SLOWEST, FASTEST = 1 / 16, 32.0
"""Rates at which short videos are seen, in frames a second: nine octaves."""

_ASPECTS = {16 / 9: 0.45, 4 / 3: 0.25, 1.0: 0.15, 9 / 16: 0.15}
# The share of hmsf is large because few videos can have it.
_STYLES: dict[TimeFormat, float] = {
    "seconds": 0.3, "mm:ss.ff": 0.3, "hh:mm:ss.ff": 0.1, "hmsf": 0.6,
}  # fmt: skip
_LEAST_HMSF_FPS = 2.0
"""Below, the frames of a second are hardly worth counting."""
_MOST_TURNS = 4
_LEAKY = ("describe", "caption")
"""Forms whose answers tell everything, so that nothing can be asked after them."""


def video_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    rates: tuple[float, float] = (SLOWEST, FASTEST),
    seconds: tuple[float, float] = (2.0, 600.0),
    frames: tuple[int, int] = (4, 64),
    frame_tokens: tuple[int, int] = (48, 100),
    shots: tuple[int, int] = (1, 4),
    kind: Kind | None = None,
    forms: tuple[str, ...] = (),
) -> Sample:
    """Returns a drawn video and questions about it.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        rates: slowest and fastest at which it is seen, even by octave between.
        seconds: shortest and longest; those that the rate allows.
        frames: fewest and most that are seen, even.
        frame_tokens: fewest and most merged tokens (28 px) of a frame.
        shots: fewest and most.
        kind: of file, see ``timing``; by chance when None.
        forms: what to ask, a turn each; several by chance when empty.

    Raises:
        ConfigError: an unknown form, or no film with questions of those forms in 20 tries.
        MissingDependencyError: a font is not installed.
    """
    rate = random_rate(rng, slowest=rates[0], fastest=rates[1])
    timing = random_timing(rng, rate=rate, seconds=seconds, frames=frames, kind=kind)
    height, width = _frame_size(rng, frame_tokens)
    clock = Clock(timing.seen_s, timing.duration_s)
    style = _time_style(rng, timing)
    for _ in range(20):
        film = random_film(rng, clock, height=height, width=width, shots=shots)
        turns = _asked(rng, film, timing, style, forms)
        if turns:
            break
    else:
        raise ConfigError(f"no film with questions of the forms {', '.join(forms)} in 20 tries")
    return Sample(
        task="video",
        conversation=_conversation(film_part(rng, film, timing), turns),
        provenance=Provenance(generator="video.clips.video_sample", seed=seed),
        facts={
            **film_facts(film, timing),
            "forms": [turn.form for turn in turns],
            "time_format": style.style,
        },
    )


def film_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    rates: tuple[float, float],
    seconds: tuple[float, float],
    frames: tuple[int, int],
    frame_tokens: tuple[int, int] = (24, 45),
    shots: tuple[int, int] = (8, 40),
) -> Sample:
    """Returns a drawn video without any question, to be captioned.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        rates: as in `video_sample`.
        seconds: likewise.
        frames: likewise.
        frame_tokens: likewise.
        shots: likewise.
    """
    rate = random_rate(rng, slowest=rates[0], fastest=rates[1])
    timing = random_timing(rng, rate=rate, seconds=seconds, frames=frames, kind="seen")
    height, width = _frame_size(rng, frame_tokens)
    clock = Clock(timing.seen_s, timing.duration_s)
    film = random_film(rng, clock, height=height, width=width, shots=shots)
    return Sample(
        task="video",
        conversation=Conversation((Message("user", (film_part(rng, film, timing),)),)),
        provenance=Provenance(generator="video.clips.film_sample", seed=seed),
        facts=film_facts(film, timing),
    )


def film_part(rng: np.random.Generator, film: Film, timing: Timing) -> Video:
    """Returns the film as a file, with the options by which a model sees what was planned.

    Frames are drawn and encoded one by one; one is in memory at a time.
    """
    codec: Codec = "h264" if rng.random() < 0.8 else "vp9"
    crf = int(rng.integers(18, 31)) + (8 if codec == "vp9" else 0)
    drawn = (draw_frame(film, time_s) for time_s in timing.times_s)
    return Video(
        encode_video(drawn, timing.times_s, codec=codec, crf=crf),
        resized_height=film.height,
        resized_width=film.width,
        **timing.options,
    )


def film_facts(film: Film, timing: Timing) -> dict[str, object]:
    """Returns what an evaluation, or an oracle, needs to know of a film."""
    return {
        "duration_s": timing.duration_s,
        "file": timing.kind,
        "file_fps": timing.fps,
        "sample_fps": timing.sample_fps,
        "num_shots": len(film.shots),
        "events": [
            [event.kind, event.start_s, event.end_s, event.who, event.sentence, event.shot]
            for event in film.events
        ],
    }


def _frame_size(rng: np.random.Generator, tokens: tuple[int, int]) -> tuple[int, int]:
    """Height and width in pixels, multiples of 28."""
    aspects = list(_ASPECTS)
    aspect = aspects[int(rng.choice(len(aspects), p=list(_ASPECTS.values())))]
    area = float(rng.uniform(*tokens))
    rows = max(3, round((area / aspect) ** 0.5))
    columns = max(3, min(round(rows * aspect), tokens[1] // rows))
    return rows * FACTOR, columns * FACTOR


def _time_style(rng: np.random.Generator, timing: Timing) -> TimeStyle:
    # Only who sees every frame of a file can count them.
    countable = timing.kind == "seen" and timing.fps >= _LEAST_HMSF_FPS
    styles = [style for style in _STYLES if countable or style != "hmsf"]
    shares = np.array([_STYLES[style] for style in styles])
    style = styles[int(rng.choice(len(styles), p=shares / shares.sum()))]
    return TimeStyle(style, timing.fps if style == "hmsf" else None)


def _asked(
    rng: np.random.Generator,
    film: Film,
    timing: Timing,
    style: TimeStyle,
    forms: Sequence[str],
) -> list[Turn]:
    """Turns of the forms wanted, or of several; none when a wanted one is not possible."""
    if forms:
        wanted = [_ask(rng, form, film, timing, style) for form in forms]
        return [turn for turn in wanted if turn is not None] if None not in wanted else []
    shares = {name: share for name, (share, _) in (FORMS | FRAME_FORMS).items()}
    count = int(rng.integers(1, _MOST_TURNS + 1))
    turns: list[Turn] = []
    about: set[str] = set()
    weights = np.array(list(shares.values()))
    names = rng.choice(list(shares), len(shares), replace=False, p=weights / weights.sum())
    for name in names.tolist():
        if len(turns) == count:
            break
        turn = _ask(rng, name, film, timing, style)
        if turn is None or (about & turn.about and name not in _LEAKY):
            continue
        turns.append(turn)
        about |= turn.about
        if name in _LEAKY:
            break
    return turns


def _ask(
    rng: np.random.Generator, form: str, film: Film, timing: Timing, style: TimeStyle
) -> Turn | None:
    if form in FORMS:
        return FORMS[form][1](rng, film, style)
    if form in FRAME_FORMS:
        return FRAME_FORMS[form][1](rng, film, timing.seen_s, style)
    names = ", ".join([*FORMS, *FRAME_FORMS])
    raise ConfigError(f"no form of question {form!r}, expected one of {names}")


def _conversation(video: Video, turns: Sequence[Turn]) -> Conversation:
    messages = []
    for number, turn in enumerate(turns):
        shown = (video,) if number == 0 else ()
        messages.append(Message("user", (*shown, Text(turn.question))))
        messages.append(Message("assistant", (Text(turn.answer),)))
    return Conversation(tuple(messages))
