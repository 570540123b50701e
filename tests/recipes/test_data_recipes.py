"""Recipes that draw take a number and a seed; wrong arguments are named."""

import pytest

from qvl.errors import ConfigError
from qvl.recipes.data_recipes import DATA_RECIPES

DRAWN = (
    "charts", "diagrams", "documents", "grounding", "grounding_scenes", "ocr_documents",
    "ocr_multilingual", "ocr_wild", "referring", "tables", "video", "video_long",
)  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_another_seed_and_number_make_other_data(name: str) -> None:
    recipe = DATA_RECIPES[name]
    one, other, same = (recipe(count=12, seed=seed)[0] for seed in (0, 1, 0))
    assert len(one) == 12
    assert one.fingerprint(0, 12) == same.fingerprint(0, 12) != other.fingerprint(0, 12)
    whole = recipe()[0]
    assert whole.fingerprint(0, 12) == one.fingerprint(0, 12), "the default seed is 0"


def test_unknown_languages_are_named() -> None:
    with pytest.raises(ConfigError, match="'xx', expected some of ar, de"):
        DATA_RECIPES["grounding_scenes"](languages=("de", "xx"))
