"""Data runs about videos: short drawn ones with questions, long ones with questions and captions.

Owns: their sources and steps. Does not own: drawing, captions, filters (``data``).
"""

import functools
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qvl.data.captions.captioner import Asking
from qvl.data.captions.long_captions import CaptionerFor, CaptionRule, caption_step
from qvl.data.captions.oracle import film_captioner
from qvl.data.filters.rules import answers_between
from qvl.data.filters.video import long_enough, not_black, not_static, times_agree
from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.video.clips import film_sample, video_sample
from qvl.messages import TextGenerator
from qvl.recipes.asked_model import UNNAMED, Asked, asked_model

VIDEO_SAMPLES = 100_000
LONG_VIDEO_SAMPLES = 10_000

LONG_RATES = (1 / 24, 0.4)
"""At the fastest, half an hour has 748 frames; a model sees at most 768."""
LONG_SECONDS = (1870.0, 7200.0)
"""More than half an hour, after rounding to whole pairs of frames; to two hours."""
LONG_FRAMES = (96, 768)


def video(*, count: int = VIDEO_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Short drawn videos, seen at 1/16 to 32 frames a second, with questions of every form.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"video": (1.0, video_sample)})
    steps = [
        filter_step("long enough", partial(long_enough, seconds=1.5, frames=4)),
        filter_step("times agree", times_agree),
        filter_step("not black", not_black),
        filter_step("answer length", partial(answers_between, least=1, most=6000)),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


def video_long(
    *,
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    generator: Asked | None = None,
    store: Path | None = None,
    count: int = LONG_VIDEO_SAMPLES,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Drawn videos of half an hour to two hours: half with questions, half with long captions.

    Args:
        endpoint: address of a server whose model captions the windows; without it, captions come
            from what is known of the films.
        model: by which the server knows it.
        key_file: holds the server's key.
        generator: a model in the process, instead of a server.
        store: folder in which captions are kept from one run to the next.
        count: of samples.
        seed: another seed draws others.
    """
    questions = partial(
        video_sample,
        rates=LONG_RATES,
        seconds=LONG_SECONDS,
        frames=LONG_FRAMES,
        frame_tokens=(24, 45),
        shots=(6, 40),
        kind="seen",
    )
    films = partial(film_sample, rates=LONG_RATES, seconds=LONG_SECONDS, frames=LONG_FRAMES)
    mixture = Mixture(parts={"questions": (0.5, questions), "captions": (0.5, films)})
    asked = asked_model(generator, endpoint=endpoint, model=model, key_file=key_file)
    captioner: CaptionerFor = film_captioner if asked is None else partial(_captioner, asked)
    rule = CaptionRule(asking=Asking(store=store))
    steps = [
        filter_step("long enough", partial(long_enough, seconds=1800, frames=64)),
        filter_step("not static", not_static),
        caption_step("captioned", captioner, rule),
        filter_step("times agree", times_agree),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


def _captioner(asked: Asked, sample: Sample) -> TextGenerator:
    """One model for all samples of a process."""
    return _made(asked)


@functools.lru_cache(maxsize=1)
def _made(asked: Asked) -> TextGenerator:
    return asked()
