"""Signatures estimate the similarity of texts within their error, and bands find what they say."""

import random
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.dedup.clusters import Clusters, bucket_pairs
from qvl.data.dedup.minhash import NO_TEXT, MinHash, run_hashes, similarity
from qvl.data.texts import words_of
from qvl.errors import ConfigError


def text(rng: random.Random, words: int) -> list[str]:
    return ["".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(words)]


def jaccard(one: list[str], other: list[str], shingle: int) -> float:
    sets = [
        {tuple(words[i : i + shingle]) for i in range(len(words) - shingle + 1)}
        for words in (one, other)
    ]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_the_estimate_is_within_its_error() -> None:
    rng = random.Random(0)
    scheme = MinHash(shingle=3, bands=32, rows=8)
    gaps = []
    for _ in range(60):
        one = text(rng, 200)
        changed = rng.sample(range(200), rng.randint(0, 60))
        other = [f"{word}x" if i in changed else word for i, word in enumerate(one)]
        true = jaccard(one, other, 3)
        signatures = [scheme.signature(" ".join(words)) for words in (one, other)]
        error = np.sqrt(true * (1 - true) / scheme.size)
        gaps.append((float(similarity(*signatures)) - true) / max(error, 1e-9) if error else 0.0)
    assert max(map(abs, gaps)) < 4
    assert 0.6 < np.std(gaps) < 1.5  # as wide as it should be, and not narrower by a mistake
    assert abs(np.mean(gaps)) < 0.6


def test_equal_words_have_equal_signatures() -> None:
    scheme = MinHash()
    plain = scheme.signature("The red circle is left of the blue square.")
    assert (plain == scheme.signature("the RED circle,\nis left of the Blue square")).all()
    assert (scheme.signature("  !? ") == NO_TEXT).all()
    assert similarity(scheme.signature(""), scheme.signature("")) == 0
    assert (scheme.signature("红色的圆形在左边") != scheme.signature("红色的圆形在右边")).any()


def test_long_texts_are_taken_in_blocks() -> None:
    words = text(random.Random(1), 10_000)
    scheme = MinHash()
    whole = scheme.signature(" ".join(words))
    parts = [scheme.signature(" ".join(words[i : i + 2504])) for i in range(0, 10_000, 2500)]
    assert (whole == np.min(parts, axis=0)).all()


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_runs_are_equal_exactly_where_the_words_are(words: list[str], length: int) -> None:
    hashes = run_hashes(words, length).tolist()
    runs = [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(hashes, runs, strict=True))) == len(set(hashes)) == len(set(runs))


@pytest.mark.parametrize("similar", [0.5, 0.7, 0.85])
def test_bands_find_as_many_pairs_as_the_curve_says(similar: float) -> None:
    scheme = MinHash(bands=14, rows=8)
    rng = np.random.default_rng(2)
    one = rng.integers(0, 2**32 - 1, (4000, scheme.size)).astype(np.uint32)
    other = rng.integers(0, 2**32 - 1, one.shape).astype(np.uint32)
    other = np.where(rng.random(one.shape) < similar, one, other)
    found = (scheme.band_keys(one) == scheme.band_keys(other)).any(axis=0).mean()
    assert abs(found - scheme.chance(similar)) < 4 * np.sqrt(0.25 / 4000)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_pairs_of_a_bucket_connect_all_of_it_and_nothing_else(keys: list[int]) -> None:
    array = np.array(keys, np.uint64)
    left, right = bucket_pairs(array)
    assert (array[left] == array[right]).all()
    assert len(left) <= 2 * len(keys)
    groups = Clusters(len(keys))
    groups.join(left, right)
    assert groups.labels().tolist() == [keys.index(key) for key in keys]


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_groups_are_the_connected_ones(pairs: list[tuple[int, int]]) -> None:
    groups = Clusters(20)
    for start in range(0, len(pairs), 7):
        chunk = np.array(pairs[start : start + 7], np.int64).reshape(-1, 2)
        groups.join(chunk[:, 0], chunk[:, 1])
    expected = list(range(20))
    for _ in range(20):  # spread the smallest number along the pairs
        for a, b in pairs:
            expected[a] = expected[b] = min(expected[a], expected[b])
    assert groups.labels().tolist() == expected


def test_words() -> None:
    assert words_of("Ｆｕｌｌ width, snake_case, 3.5") == [
        "full",
        "width",
        "snake",
        "case",
        "3",
        "5",
    ]
    with pytest.raises(ConfigError, match="0 bands"):
        MinHash(bands=0)
