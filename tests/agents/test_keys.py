"""Names of keys in the spellings of models."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.agents.executor import ActionError
from qvl.agents.keys import android_key, browser_key, chord


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        (["ctrl", "c"], ["Control", "c"]),
        (["Control_L+Shift", "Tab"], ["Control", "Shift", "Tab"]),
        (["Return"], ["Enter"]),
        (["page_down"], ["PageDown"]),
        (["left"], ["ArrowLeft"]),
        (["F5"], ["F5"]),
        (["ctrl++"], ["Control", "+"]),
        ([" "], [" "]),
        (["space"], [" "]),
        (["é"], ["é"]),
    ],
)
def test_keys_of_a_browser(written: list[str], keys: list[str]) -> None:
    assert [browser_key(name) for name in chord(written)] == keys


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ActionError, match=r"called 'entr'; hint: did you mean 'enter'\?"):
        browser_key("entr")
    for name in ("a; reboot", "$(reboot)", "", "x" * 99, "é"):
        with pytest.raises(ActionError, match="no key is called"):
            android_key(name)


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_names_are_keys_or_refused(names: list[str]) -> None:
    for name in chord(names):
        for read in (browser_key, android_key):
            with contextlib.suppress(ActionError):
                assert read(name)
