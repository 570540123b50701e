"""Like neighbours become one, nothing is lost or made up, and every level gets smaller."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.captions.merging import Caption, likeness, merge_captions, summarise

WORDS = st.lists(
    st.sampled_from(["dog", "cat", "jumps", "runs", "red", "house", "tree", "sleeps"]), max_size=6
)


def captions(texts: Sequence[str], *, cuts: bool = True) -> list[Caption]:
    return [
        Caption(start_s=10.0 * n, end_s=10.0 * (n + 1), text=text, is_cut=cuts)
        for n, text in enumerate(texts)
    ]


@given(st.lists(WORDS.map(" ".join), min_size=1, max_size=12), st.booleans())
@settings(max_examples=100, deadline=None)
def test_merged_captions_cover_the_same_time_with_the_same_texts(
    texts: list[str], cuts: bool
) -> None:
    before = captions(texts, cuts=cuts)
    after = merge_captions(before)
    assert after[0].start_s == 0
    assert after[-1].end_s == before[-1].end_s
    assert all(a.end_s == b.start_s for a, b in pairwise(after))
    assert {c.text for c in after} <= set(texts)
    assert all(likeness(a.text, b.text) < 1 for a, b in pairwise(after))


def test_the_same_told_in_other_words_is_joined_and_news_are_not() -> None:
    told = ["A dog runs on the grass.", "The dog runs over grass.", "A dog sleeps on a sofa."]
    merged = merge_captions(captions(told))
    assert [(c.start_s, c.end_s) for c in merged] == [(0, 20), (20, 30)]
    assert merged[0].text == "A dog runs on the grass."


def test_without_a_cut_a_shorter_text_belongs_to_the_one_before() -> None:
    told = ["A meadow with a dog. The dog jumps high and barks.", "A meadow with a dog."]
    assert len(merge_captions(captions(told, cuts=False))) == 1
    assert len(merge_captions(captions(told, cuts=True))) == 2
    # The other way round something new happens.
    assert len(merge_captions(captions(told[::-1], cuts=False))) == 2


def test_above_one_nothing_is_joined() -> None:
    assert len(merge_captions(captions(["same dog", "same dog"], cuts=False), same=1.1)) == 2


@given(st.integers(1, 300), st.integers(2, 9))
@settings(max_examples=50, deadline=None)
def test_a_summary_holds_every_text_in_order_in_groups_of_bounded_size(
    count: int, fan_in: int
) -> None:
    calls = []

    def together(groups: Sequence[Sequence[str]]) -> list[str]:
        calls.append([len(group) for group in groups])
        return [" ".join(group) for group in groups]

    texts = [str(n) for n in range(count)]
    assert summarise(texts, together, fan_in=fan_in) == " ".join(texts)
    assert all(max(sizes) <= fan_in for sizes in calls)
    assert all(len(b) < len(a) for a, b in pairwise(calls))
