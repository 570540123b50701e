"""Recipes that draw take a number and a seed; wrong arguments are named."""

import inspect

import pytest

from qvl.errors import ConfigError
from qvl.recipes.data_recipes import DATA_RECIPES

NOT_DRAWN = {"annotated", "pseudo_label", "tables_found"}
DRAWN = sorted(set(DATA_RECIPES) - NOT_DRAWN)


@pytest.mark.parametrize("name", DATA_RECIPES)
def test_options_are_named_alike(name: str) -> None:
    parameters = inspect.signature(DATA_RECIPES[name]).parameters
    assert ("count" in parameters) == (name not in NOT_DRAWN)
    assert ("seed" in parameters) == (name != "tables_found")
    if "endpoint" in parameters and name != "pseudo_label":  # which asks a detector
        assert {"model", "key_file", "generator"} <= set(parameters)
    assert not {"samples", "number", "limit", "folder", "path", "url"} & set(parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())


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
