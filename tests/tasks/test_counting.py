"""Numbers in answers: what was asked is stated, coordinates are no counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.tasks import counting
from tests.material import material, requires_material


@given(st.integers(0, 999_999_999))
def test_parse_undoes_format(count: int) -> None:
    assert counting.parse(counting.format(count)) == count


@given(st.integers(0, 9999))
def test_a_listing_ends_with_its_count(count: int) -> None:
    listing = '```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "mug"}]\n```'
    answer = counting.format_listing(listing, count, one="red mug", several="red mugs")
    assert answer.startswith(listing)
    assert counting.parse(answer) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("There are 12 cupcakes in the image.", 12),
        ("1,204 seats", 1204),
        ("First I see 3 on the left and 4 on the right, so 7 in total.", 7),
        ("Twenty-one", 21),
        ("There are no birds.", 0),
        ("没有", 0),
        ("图中共有两只猫", 2),
        ("图中共有３只猫", 3),
        ("I cannot tell.", None),
        ("", None),
        ("The price is 3.50 dollars", None),
        ("Room B12", None),
        ("I know nothing of cats.", None),
        ('```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "cat"}]\n```\nThere is one cat.', 1),
        ('```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "cat"}]\n```', None),
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "cat"}, {"bbox_2d": [5, 6', None),
        ("```json\n[]\n```\n0", 0),
        ("```\n5\n```", 5),
        ("I have no idea how many there are.", None),
        ("There is no doubt: there are several.", None),
        ("None of them is missing, there are many", None),
        ("None.", 0),
        ("3 of the 10 cups are red", None),
        ("There are 5 dogs (see image 1).", 5),
        ("There are 25 people. One is sitting.", 25),
        ("4 (two on the left, two on the right)", 4),
        ("There are 4: 2 red and 2 blue", 4),
        ("I see 5 cups: 2 red, 2 blue and one green.", 5),
        ("5 cups:\n- 3 on the table\n- 2 on the shelf", 5),
        ("4 (two on the left, three on the right)", None),
        ("4 (or 5)", None),
        ("4 (maybe 2 more)", None),
        ("10 cups, of which 3 are red and 7 blue", None),
        ("3: 2, 1", None),
        ("two hundred and five", 205),
        ("one hundred", 100),
        ("a dozen eggs", 12),
        ("一百二十个", 120),
        ("twenty  one", 21),
        ("-3", None),
        ("10-12", None),
        ("12345678901", 12345678901),
    ],
)
def test_reads_what_is_stated(text: str, count: int | None) -> None:
    assert counting.parse(text) == count


@requires_material
def test_a_recorded_list_states_no_number() -> None:
    path = material("cookbooks", "model_outputs", "grounding_cakes_described.txt")
    assert counting.parse(path.read_text()) is None


@given(st.text())
def test_any_text_reads_as_a_number_or_none(text: str) -> None:
    assert (counting.parse(text) or 0) >= 0


def test_long_text_takes_linear_time() -> None:
    for text in (
        "[{" * 500_000,
        "```" * 300_000,
        "twenty-" * 200_000,
        "1," * 500_000,
        "1 " * 200_000,
    ):
        counting.parse(text)


def test_nothing_to_count_is_refused() -> None:
    for ask in (counting.prompt, counting.listing_prompt):
        with pytest.raises(InputError, match="nothing to count"):
            ask("  ")
