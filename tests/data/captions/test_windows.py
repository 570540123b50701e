"""Windows cover a video without gaps, begin at its cuts, and hold few frames at a time."""

from itertools import pairwise

import numpy as np
import pytest

from qvl.data.captions.captioner import window_question
from qvl.data.captions.windows import WindowRule, windows_of
from qvl.data.synth.video.clips import film_sample
from qvl.errors import ConfigError
from qvl.messages import Image, Video
from tests.data.synth.video.films import needs_fonts


def scenes(*lengths: int, size: int = 56) -> Video:
    """Scenes of one colour each, as a list of frames at one a second."""
    shades = [(200, 30, 30), (30, 30, 200), (220, 220, 90), (20, 120, 20)]
    frames = [
        np.full((size, size, 3), shades[n % len(shades)], np.uint8)
        for n, length in enumerate(lengths)
        for _ in range(length)
    ]
    return Video(frames, fps=1.0, resized_height=size, resized_width=size)


def test_windows_begin_at_cuts_and_are_never_too_long() -> None:
    rule = WindowRule(frames=4, longest_s=10)
    windows = list(windows_of(scenes(6, 25, 3), rule))
    assert [(w.start_s, w.end_s) for w in windows] == [
        (0, 6), (6, 16), (16, 26), (26, 31), (31, 34)
    ]  # fmt: skip
    assert [w.is_cut for w in windows] == [True, True, False, False, True]
    assert [len(w.frames) for w in windows] == [4, 4, 4, 4, 3]


def test_frames_of_a_window_are_spread_over_it() -> None:
    for length in (1, 2, 3, 7, 8, 9, 31, 32, 33, 200):
        (window,) = windows_of(scenes(length), WindowRule(frames=8, longest_s=1e6))
        assert len(window.frames) == min(length, 8) or len(window.frames) >= 5
        assert len(window.frames) <= 8
        assert window.times_s[0] == 0
        gaps = np.diff([*window.times_s, float(length)])
        assert (gaps > 0).all()
        assert gaps.max() <= 2.6 * max(1.0, length / 8)


def test_a_fade_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(40, 255, (56, 56, 3)).astype(np.float64)
    light = [0.1, 0.3, 0.6, 1.0, 1.0, 1.0, 0.6, 0.3, 0.1]
    frames = [(picture * share).astype(np.uint8) for share in light]
    video = Video(frames, fps=1.0, resized_height=56, resized_width=56)
    assert len(list(windows_of(video, WindowRule()))) == 1


def test_the_question_shows_the_frames_at_their_rate() -> None:
    windows = list(windows_of(scenes(9, 1), WindowRule(frames=3, longest_s=100)))
    video, text = window_question(windows[0]).messages[0].content
    assert isinstance(video, Video)
    assert video.fps == pytest.approx(2 / 8)
    assert "from 00:00:00.00 to 00:00:09.00" in text.text  # type: ignore[union-attr]
    assert isinstance(window_question(windows[1]).messages[0].content[0], Image)


@needs_fonts
def test_cuts_of_drawn_films_are_found() -> None:
    found = wrong = missed = 0
    for number in range(6):
        rng = np.random.default_rng((8, number))
        sample = film_sample(
            rng, seed=(8, number), rates=(0.1, 0.4), seconds=(600, 900), frames=(64, 200),
            shots=(6, 16),
        )  # fmt: skip
        windows = list(windows_of(sample.conversation.messages[0].content[0], WindowRule()))  # type: ignore[arg-type]
        assert windows[0].start_s == 0
        assert windows[-1].end_s == pytest.approx(sample.facts["duration_s"])
        assert all(a.end_s == b.start_s for a, b in pairwise(windows))
        cuts = {round(e[1], 2) for e in sample.facts["events"] if e[0] == "scene"}
        got = {round(w.start_s, 2) for w in windows if w.is_cut}
        found, wrong, missed = (
            found + len(cuts & got), wrong + len(got - cuts), missed + len(cuts - got)
        )  # fmt: skip
    assert found / (found + missed) > 0.93
    assert found / (found + wrong) > 0.8


def test_impossible_windows_are_refused() -> None:
    with pytest.raises(ConfigError, match="0 frames"):
        WindowRule(frames=0)
