"""Only what is allowed stays, and what is not known is not guessed."""

from dataclasses import replace

import pytest

from qvl.data.filters.licences import ATTRIBUTION, PUBLIC, SHARE_ALIKE, is_allowed, licence_allowed
from qvl.data.records import Sample
from tests.data.small import asked


def under(licence: str) -> Sample:
    sample = asked("?", "!")
    return replace(sample, provenance=replace(sample.provenance, licence=licence))


@pytest.mark.parametrize(
    ("licence", "reason"),
    [
        ("CC0-1.0", None),
        ("cc-by-4.0", None),
        ("CC-BY-SA-4.0", "licence not allowed"),
        ("CC-BY-NC-4.0", "licence not allowed"),
        ("GPL-3.0-only WITH Classpath-exception-2.0 OR MIT", None),
        ("(MIT OR X) AND CC0-1.0", None),
        ("MIT AND X", "licence not allowed"),
        ("", "licence not known"),
        ("ask the author", "licence is no SPDX expression"),
        ("(MIT", "licence is no SPDX expression"),
        ("MIT OR", "licence is no SPDX expression"),
        ("(" * 5000 + "MIT", "licence is no SPDX expression"),
        ("(" * 1900 + "MIT", "licence is no SPDX expression"),
    ],
)
def test_licences(licence: str, reason: str | None) -> None:
    assert licence_allowed(under(licence)) == reason


def test_lists() -> None:
    assert PUBLIC < ATTRIBUTION < SHARE_ALIKE
    assert licence_allowed(under(""), unknown=True) is None
    assert licence_allowed(under("MIT"), allowed=PUBLIC) == "licence not allowed"
    assert is_allowed("Apache-2.0+", ATTRIBUTION)
