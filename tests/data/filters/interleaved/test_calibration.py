"""A calibration never turns an order around, and brings scores nearer to the reference."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.filters.interleaved.calibration import (
    Calibration,
    fit_isotonic,
    fit_quantiles,
    load_calibration,
    pool_adjacent_violators,
    save_calibration,
)
from qvl.errors import DataError

NUMBERS = st.lists(st.floats(0, 10), min_size=20, max_size=60)


@settings(max_examples=100, deadline=None)
@given(NUMBERS, st.randoms(use_true_random=False))
def test_maps_do_not_fall_and_stay_within_the_reference(raw: list[float], random: object) -> None:
    reference = [random.uniform(0, 10) for _ in raw]  # type: ignore[attr-defined]
    for fit in (fit_isotonic, fit_quantiles):
        found = fit(raw, reference)
        values = [found(score) for score in np.linspace(-1, 11, 40)]
        assert all(a <= b + 1e-12 for a, b in pairwise(values))
        assert min(reference) - 1e-9 <= min(values)
        assert max(values) <= max(reference) + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=6))
def test_pooling_is_the_best_rising_fit(items: list[tuple[int, int]]) -> None:
    values, weights = zip(*items, strict=True)
    fitted = pool_adjacent_violators(values, weights)

    def error(candidate: list[float]) -> float:
        return sum(w * (v - c) ** 2 for v, w, c in zip(values, weights, candidate, strict=True))

    assert fitted == sorted(fitted)
    rng = np.random.default_rng(len(items))
    for _ in range(200):
        other = np.sort(np.array(fitted) + rng.normal(0, 0.5, len(fitted))).tolist()
        assert error(fitted) <= error(other) + 1e-9


def test_a_mild_judge_becomes_the_reference() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 10, 400)
    mild = np.clip(6 + truth * 0.4 + rng.normal(0, 0.2, 400), 0, 10).round(1)
    found = fit_isotonic(mild[:200].tolist(), truth[:200].tolist())
    after = np.array([found(score) for score in mild[200:]])
    assert np.abs(after - truth[200:]).mean() < 0.6 < np.abs(mild[200:] - truth[200:]).mean()
    # Quantiles need no labels of the same documents: the shares above a threshold agree.
    blind = fit_quantiles(mild[:200].tolist(), rng.permutation(truth[200:]).tolist())
    share = np.mean([blind(score) >= 5 for score in mild[:200]])
    assert share == pytest.approx(np.mean(truth[200:] >= 5), abs=0.05)


def test_a_judge_of_one_word_says_nothing() -> None:
    found = fit_isotonic([7.0] * 30, [2.0, 4.0] * 15)
    assert found(0) == found(10) == 3


@pytest.mark.parametrize(
    ("raw", "reference"),
    [([1.0] * 19, [1.0] * 19), ([1.0] * 20, [1.0] * 21), ([float("nan")] * 20, [1.0] * 20)],
)
def test_bad_examples_are_named(raw: list[float], reference: list[float]) -> None:
    with pytest.raises(DataError):
        fit_isotonic(raw, reference)


def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    found = fit_isotonic([float(i % 7) for i in range(40)], [float(i % 5) for i in range(40)])
    save_calibration(found, tmp_path / "relevance.json")
    assert load_calibration(tmp_path / "relevance.json") == found
    assert [path.name for path in tmp_path.iterdir()] == ["relevance.json"]


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"raw": [1, 2], "score": [2, 1]}', '{"raw": [2, 1], "score": [1, 2]}'),
        *(
            '{"raw": [], "score": []}',
            '{"raw": ["a"], "score": [1]}',
            '{"raw": [NaN], "score": [1]}',
        ),
    ],
)
def test_damaged_files_are_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(DataError):
        load_calibration(tmp_path / "c.json")
    with pytest.raises(DataError, match="cannot be read"):
        load_calibration(tmp_path / "none.json")


def test_one_knot_is_a_level() -> None:
    assert Calibration(raw=(3.0,), score=(4.0,))(9.0) == 4.0
