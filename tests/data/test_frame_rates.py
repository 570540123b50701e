"""Rates cover their octaves evenly, drawn or found, and never leave what a video allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.frame_rates import even_rates, possible_rates, random_rate
from qvl.data.synth.video.clips import FASTEST, SLOWEST
from qvl.data.synth.video.timing import random_timing
from qvl.errors import ConfigError


def octaves(rates: list[float], lowest: float, count: int) -> np.ndarray:
    """Share of the rates in each octave."""
    places = np.floor(np.log2(np.array(rates) / lowest)).astype(int)
    return np.bincount(places.clip(0, count - 1), minlength=count) / len(rates)


def test_drawn_videos_are_really_seen_at_rates_even_by_octave() -> None:
    """The rate that the sampler reports, not the one that was wished for."""
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(3000):
        rate = random_rate(rng, slowest=SLOWEST, fastest=FASTEST)
        timing = random_timing(rng, rate=rate, seconds=(2.0, 600.0), frames=(4, 64), kind="seen")
        seen.append(timing.sample_fps)
        assert 4 <= timing.num_seen <= 64
    shares = octaves(seen, SLOWEST, 9)
    # Nine octaves of 3000 samples: three standard deviations are 0.017.
    assert np.abs(shares - 1 / 9).max() < 0.018


def test_found_videos_cover_what_their_lengths_allow() -> None:
    rng = np.random.default_rng(2)
    # Lengths as people film: most of half a minute, few of an hour.
    lengths = np.exp(rng.normal(np.log(30), 1.0, 4000))
    possible = [
        rates
        for length in lengths
        if (rates := possible_rates(duration_s=length, fps=30, frames=(4, 64))) is not None
    ]
    rule = even_rates(possible)
    chosen = [rule.rate(rng, rates) for rates in possible]
    assert all(
        low * 0.999 <= rate <= high * 1.001
        for rate, (low, high) in zip(chosen, possible, strict=True)
    )
    naive = [random_rate(rng, slowest=low, fastest=high) for low, high in possible]
    # From 1/32 to 8 frames a second; slower and faster ones few of these videos allow.
    edges = 2.0 ** np.arange(-5, 4)
    ours, theirs = (np.histogram(rates, edges)[0] for rates in (chosen, naive))
    assert ours.min() > 0.85 * ours.max()
    assert theirs.min() < 0.25 * theirs.max()


def test_scarce_octaves_get_all_they_can() -> None:
    possible = [(1.0, 2.0)] * 90 + [(1.0, 16.0)] * 10
    rule = even_rates(possible)
    total = sum(rule.shares(rates) for rates in possible)
    assert (
        total.round(1).tolist()
        == [90.0, pytest.approx(10 / 3, abs=0.05)] + [pytest.approx(10 / 3, abs=0.05)] * 2
    )


@given(
    st.lists(
        st.tuples(st.floats(0.01, 60), st.floats(1, 40)).map(lambda p: (p[0], p[0] * p[1])),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_a_rate_is_always_one_that_the_video_allows(
    possible: list[tuple[float, float]], seed: int
) -> None:
    rule = even_rates(possible)
    for low, high in possible:
        rate = rule.rate(np.random.default_rng(seed), (low, high))
        assert low * (1 - 1e-9) <= rate <= high * (1 + 1e-9)


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(ConfigError, match="0 < slowest <= fastest"):
        random_rate(np.random.default_rng(0), slowest=2, fastest=1)
    with pytest.raises(ConfigError, match="no videos"):
        even_rates([])
