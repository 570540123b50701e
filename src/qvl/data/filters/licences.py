"""Which terms training data may come under.

Owns: the lists of licences, reading expressions of them. Does not own: what a licence asks for;
attribution stays in the provenance of every sample.

    Sample.provenance.licence -> licence_allowed(...) in a filter step -> None to keep it | reason

Names are those of the SPDX list, and expressions of them with AND, OR and brackets.
Source: SPDX specification 3.0, annex "SPDX license expressions".
"""

import re
from collections.abc import Set

from qvl.data.records import Sample

PUBLIC = frozenset({"CC0-1.0", "PDDL-1.0", "Unlicense", "0BSD", "CC-PDDC", "MIT-0", "WTFPL"})
"""Nothing is asked of a user."""

ATTRIBUTION = PUBLIC | {
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "BSL-1.0", "OFL-1.1",
    "CC-BY-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "ODC-By-1.0",
    "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "Unicode-3.0", "Unicode-DFS-2016",
    "Python-2.0", "PSF-2.0", "OGL-UK-3.0",
}  # fmt: skip
"""Also those that ask that the author is named."""

SHARE_ALIKE = ATTRIBUTION | {
    "CC-BY-SA-2.0", "CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "ODbL-1.0", "GFDL-1.3-only",
    "GFDL-1.3-or-later", "MPL-2.0", "CDLA-Sharing-1.0",
}  # fmt: skip
"""Also those that ask for the same terms of what is made of it."""

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_LONGEST = 2000


def licence_allowed(
    sample: Sample, *, allowed: Set[str] = ATTRIBUTION, unknown: bool = False
) -> str | None:
    """Drops a sample whose terms are not allowed.

    Args:
        sample: its provenance names the terms.
        allowed: SPDX names.
        unknown: keep samples whose terms are not known.
    """
    expression = sample.provenance.licence.strip()
    if not expression:
        return None if unknown else "licence not known"
    verdict = is_allowed(expression, allowed)
    if verdict is None:
        return "licence is no SPDX expression"
    return None if verdict else "licence not allowed"


def is_allowed(expression: str, allowed: Set[str]) -> bool | None:
    """Whether an SPDX expression can be satisfied with these licences; None if it is none.

    Exceptions after WITH only give more rights, so they are passed over.

    >>> is_allowed("MIT OR GPL-3.0-only", {"MIT"}), is_allowed("MIT AND GPL-3.0-only", {"MIT"})
    (True, False)
    >>> is_allowed("MIT AND (CC0-1.0 OR X)", {"MIT", "CC0-1.0"}), is_allowed("free for all", set())
    (True, None)
    """
    if len(expression) > _LONGEST:
        return None
    names = {name.lower() for name in allowed}
    tokens = _TOKEN.findall(expression)[::-1]
    try:
        verdict = _either(tokens, names)
    except (IndexError, ValueError, RecursionError):
        return None
    return None if tokens else verdict


def _either(tokens: list[str], names: Set[str]) -> bool:
    verdict = _both(tokens, names)
    while tokens and tokens[-1].upper() == "OR":
        tokens.pop()
        other = _both(tokens, names)
        verdict = verdict or other
    return verdict


def _both(tokens: list[str], names: Set[str]) -> bool:
    verdict = _one(tokens, names)
    while tokens and tokens[-1].upper() == "AND":
        tokens.pop()
        other = _one(tokens, names)
        verdict = verdict and other
    return verdict


def _one(tokens: list[str], names: Set[str]) -> bool:
    token = tokens.pop()
    if token == "(":
        verdict = _either(tokens, names)
        if tokens.pop() != ")":
            raise ValueError("a bracket is not closed")
        return verdict
    if token == ")" or token.upper() in ("AND", "OR", "WITH"):
        raise ValueError(f"{token} stands in place of a licence")
    if tokens and tokens[-1].upper() == "WITH":
        tokens.pop()
        tokens.pop()
    return token.lower().removesuffix("+") in names
