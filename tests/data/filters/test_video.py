"""Rules for videos drop what nobody can learn from, and keep the rest."""

from collections.abc import Callable

import numpy as np
import pytest

from qvl.data.filters.video import (
    frames_differ,
    long_enough,
    not_black,
    not_static,
    times_agree,
)
from qvl.data.records import Sample
from qvl.data.synth.video.encode import encode_video
from qvl.messages import Video
from tests.data.small import asked

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(60, 255, (14, 14, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)


def moving(number: int) -> np.ndarray:
    return np.roll(PICTURE, 6 * number, axis=1)


def clip(
    frame: Callable[[int], np.ndarray], count: int = 32, *, times: list[float] | None = None
) -> Sample:
    shown = times or [n / 8 for n in range(count)]
    data = encode_video((frame(n) for n in range(count)), shown)
    return asked("When?", "The event happens in 00:01.00 - 00:02.00.", Video(data))


def test_a_good_video_passes_all() -> None:
    sample = clip(moving)
    rules = (long_enough, not_static, not_black, frames_differ, times_agree)
    options = {long_enough: {"seconds": 4, "frames": 32}}
    assert [rule(sample, **options.get(rule, {})) for rule in rules] == [None] * 5  # type: ignore[operator]


def test_samples_without_videos_pass_all() -> None:
    sample = asked("?", "From 00:10 to 00:20.")
    assert long_enough(sample, seconds=9) is None
    assert not_static(sample) is not_black(sample) is frames_differ(sample) is None
    assert times_agree(sample) is None


def test_short_videos() -> None:
    sample = clip(moving, 16)
    assert long_enough(sample, seconds=2.01) == "video below 2.01 s"
    assert long_enough(sample, seconds=1, frames=17) == "video below 17 frames"


def test_still_videos_also_as_lists_of_frames() -> None:
    assert not_static(clip(lambda n: PICTURE)) == "nothing moves in the video"
    listed = asked("?", "Yes.", Video([PICTURE] * 40))
    assert not_static(listed) == "nothing moves in the video"
    assert not_static(asked("?", "Yes.", Video([moving(n) for n in range(40)]))) is None


def test_black_videos() -> None:
    black = np.zeros_like(PICTURE)
    assert not_black(clip(lambda n: black if n < 24 else moving(n))) == "video is mostly black"
    assert not_black(clip(lambda n: black if n < 8 else moving(n))) is None


def test_frames_that_repeat() -> None:
    assert frames_differ(clip(lambda n: moving(n // 4))) == "frames repeat the ones before"
    assert frames_differ(clip(lambda n: moving(n // 2))) is None
    # A still video is not a repeating one; another rule has it.
    assert frames_differ(clip(lambda n: PICTURE)) is None


def test_gaps_in_time() -> None:
    times = [n / 8 + (30 if n > 20 else 0) for n in range(32)]
    assert times_agree(clip(moving, times=times)) == "a gap in the times of the video"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("The event happens in 00:03.00 - 00:04.00.", None),
        ("The event happens in 00:03.00 - 00:05.00.", "moment outside the video"),
        ("The event happens in 01:03.00 - 01:05.00.", "moment outside the video"),
        ("A dog runs.", None),
    ],
)
def test_moments_outside(answer: str, reason: str | None) -> None:
    part = clip(moving).conversation.messages[0].content[0]
    assert times_agree(asked("?", answer, part)) == reason


def test_a_length_that_is_not_the_stated_one() -> None:
    part = clip(moving).conversation.messages[0].content[0]
    assert times_agree(asked("?", "Yes.", part, duration_s=4.3)) is None
    assert times_agree(asked("?", "Yes.", part, duration_s=9)) == "length is not the stated one"
