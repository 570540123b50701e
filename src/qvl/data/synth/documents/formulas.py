"""Formulas in LaTeX: well-known ones with what they say, and invented ones of every shape.

Owns: the LaTeX, and KaTeX with its fonts as something a page can hold. Does not own: where formulas
stand (``layouts``).

    rng -> known() | invented() | inline() -> LaTeX -> katex_head() in the page draws it

Source: commands are those of KaTeX 0.16, a subset of amsmath.
"""

import base64
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qvl.data.synth.picking import pick
from qvl.errors import MissingDependencyError

FOLDERS = (
    Path("/usr/share/javascript/katex"),
    Path("/usr/share/nodejs/katex/dist"),
    Path("node_modules/katex/dist"),
)
"""Where KaTeX is looked for. Debian: libjs-katex; npm: katex."""


class KnownFormula(NamedTuple):
    """A formula that textbooks print."""

    name: str
    latex: str
    symbols: tuple[tuple[str, str], ...]
    """LaTeX of a symbol and what it stands for."""


def _read() -> tuple[KnownFormula, ...]:
    text = Path(__file__).with_name("known_formulas.json").read_text(encoding="utf-8")
    return tuple(
        KnownFormula(record["name"], record["latex"], tuple(record["symbols"].items()))
        for record in json.loads(text)
    )


KNOWN = _read()

_LATIN = ("a", "b", "c", "k", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z")
_GREEK = (
    r"\alpha", r"\beta", r"\gamma", r"\delta", r"\varepsilon", r"\eta", r"\theta", r"\kappa",
    r"\lambda", r"\mu", r"\nu", r"\xi", r"\rho", r"\sigma", r"\tau", r"\varphi", r"\psi", r"\omega",
)  # fmt: skip
_CAPITALS = ("A", "B", "C", "E", "F", "K", "L", "N", "P", "Q", "R", "T", "V", r"\Phi", r"\Omega")
_FUNCTIONS = (r"\sin", r"\cos", r"\tan", r"\ln", r"\log", r"\exp", r"\sinh", r"\arctan")
_RELATIONS = ("=", "=", "=", r"\leq", r"\approx", r"\geq", "<", r"\equiv", r"\propto")
_SETS = (r"\mathbb{R}", r"\mathbb{N}", r"\mathbb{Z}", r"\mathbb{C}")


def known(rng: np.random.Generator) -> KnownFormula:
    """A formula that has a name."""
    return pick(rng, KNOWN)


def with_article(name: str) -> str:
    """The name of a formula as it stands in a sentence.

    >>> with_article("Bayes' rule"), with_article("wave equation")
    ("Bayes' rule", 'the wave equation')
    """
    return name if "'" in name else f"the {name}"


def invented(rng: np.random.Generator) -> str:
    """A formula nobody has proved: an equation, a definition by cases, a matrix, a limit."""
    form = rng.random()
    left = _named(rng)
    if form < 0.62:
        right = _sum(rng, depth=2)
        tail = ""
        if rng.random() < 0.2:
            tail = rf", \quad {pick(rng, _LATIN)} \in {pick(rng, _SETS)}"
        return f"{left} {pick(rng, _RELATIONS)} {right}{tail}"
    if form < 0.74:
        rows = r" \\ ".join(
            f"{_sum(rng, depth=1)} & {condition}"
            for condition in (rf"\text{{if }} x > {rng.integers(0, 9)}", r"\text{otherwise}")
        )
        return rf"f(x) = \begin{{cases}} {rows} \end{{cases}}"
    if form < 0.88:
        size = int(rng.integers(2, 4))
        kind = pick(rng, ("pmatrix", "bmatrix", "vmatrix"))
        rows = r" \\ ".join(" & ".join(_entry(rng) for _ in range(size)) for _ in range(size))
        return rf"{pick(rng, _CAPITALS)} = \begin{{{kind}}} {rows} \end{{{kind}}}"
    if form < 0.94:
        value = _atom(rng)
        return rf"\lim_{{{pick(rng, ('n', 'k', 't'))} \to \infty}} {_sum(rng, depth=1)} = {value}"
    first, second = _sum(rng, depth=1), _sum(rng, depth=1)
    lines = rf"{left} &= {first} \\ &= {second}"
    return rf"\begin{{aligned}} {lines} \end{{aligned}}"


def inline(rng: np.random.Generator) -> str:
    """A short one for running text, no higher than a line."""
    form = rng.random()
    if form < 0.3:
        return _atom(rng)
    if form < 0.6:
        return f"{_atom(rng)} {pick(rng, _RELATIONS)} {rng.integers(0, 100)}"
    if form < 0.8:
        return f"{pick(rng, _LATIN)} = {_atom(rng)} + {_atom(rng)}"
    return rf"{pick(rng, _LATIN)} \in {pick(rng, _SETS)}"


def _named(rng: np.random.Generator) -> str:
    if rng.random() < 0.4:
        return f"{pick(rng, ('f', 'g', 'h', 'F', 'u'))}({pick(rng, ('x', 't', 'x, y', 'z'))})"
    return pick(rng, _CAPITALS) if rng.random() < 0.4 else _atom(rng)


def _atom(rng: np.random.Generator) -> str:
    symbol = pick(rng, pick(rng, (_LATIN, _LATIN, _GREEK)))
    form = rng.random()
    if form < 0.2:
        return f"{symbol}_{{{pick(rng, ('0', '1', '2', 'i', 'j', 'n', 'max', 'k+1'))}}}".replace(
            "{max}", r"{\max}"
        )
    if form < 0.4:
        return f"{symbol}^{{{pick(rng, ('2', '3', 'n', '-1', 'T', '2k'))}}}"
    if form < 0.47:
        return rf"\{pick(rng, ('hat', 'bar', 'tilde', 'vec', 'dot'))}{{{pick(rng, _LATIN)}}}"
    return symbol


def _entry(rng: np.random.Generator) -> str:
    form = rng.random()
    if form < 0.45:
        return str(rng.integers(-9, 10))
    return f"a_{{{rng.integers(1, 4)}{rng.integers(1, 4)}}}" if form < 0.6 else _atom(rng)


def _sum(rng: np.random.Generator, depth: int) -> str:
    terms = [_term(rng, depth - place) for place in range(int(rng.integers(1, 3 + (depth < 2))))]
    text = terms[0]
    for term in terms[1:]:
        text += f" {pick(rng, ('+', '-', '+'))} {term}"
    return text


def _term(rng: np.random.Generator, depth: int) -> str:
    if depth < 1 or rng.random() < 0.3:
        factor = str(rng.integers(2, 100)) if rng.random() < 0.3 else ""
        return f"{factor}{_atom(rng)}"
    form = int(rng.integers(6))
    if form == 0:
        return rf"\frac{{{_sum(rng, depth - 1)}}}{{{_sum(rng, depth - 1)}}}"
    if form == 1:
        root = f"[{rng.integers(3, 6)}]" if rng.random() < 0.2 else ""
        return rf"\sqrt{root}{{{_sum(rng, depth - 1)}}}"
    if form == 2:
        index = pick(rng, ("i", "k", "n"))
        sign = pick(rng, (r"\sum", r"\sum", r"\prod"))
        end = pick(rng, ("n", "N", r"\infty", "m"))
        return rf"{sign}_{{{index}={rng.integers(0, 2)}}}^{{{end}}} {_term(rng, depth - 1)}"
    if form == 3:
        low, high = pick(rng, (("0", "1"), ("a", "b"), (r"-\infty", r"\infty"), ("0", r"\pi")))
        inner = _term(rng, depth - 1)
        return rf"\int_{{{low}}}^{{{high}}} {inner} \, d{pick(rng, ('x', 't', 'u'))}"
    if form == 4:
        return rf"{pick(rng, _FUNCTIONS)}\left( {_sum(rng, depth - 1)} \right)"
    return rf"\left( {_sum(rng, depth - 1)} \right)^{{{pick(rng, ('2', '3', 'n', '1/2'))}}}"


def spans(text: str) -> list[tuple[bool, str]]:
    """Cuts running text into words and the formulas between dollar signs.

    >>> spans("where $r$ is it")
    [(False, 'where '), (True, 'r'), (False, ' is it')]
    """
    return [(i % 2 == 1, piece) for i, piece in enumerate(text.split("$")) if piece]


@lru_cache(maxsize=1)
def katex_head() -> str:
    """What the head of a page needs so that KaTeX draws in it.

    Raises:
        MissingDependencyError: KaTeX is not installed.
    """
    folder = next((f for f in FOLDERS if (f / "katex.min.js").is_file()), None)
    if folder is None:
        raise MissingDependencyError(
            "drawing formulas needs KaTeX",
            hint="on Debian: apt-get install libjs-katex; elsewhere: npm install katex",
        )
    style = (folder / "katex.min.css").read_text(encoding="utf-8")
    style = re.sub(r"src:[^;}]*", lambda found: _embedded(found.group(), folder), style)
    script = (folder / "katex.min.js").read_text(encoding="utf-8")
    return f"<style>{style}</style><script>{script}</script>"


def _embedded(source: str, folder: Path) -> str:
    """The first font of a ``src`` that is there, inside the page."""
    for name in re.findall(r"url\(([^)]+)\)", source):
        path = folder / name.strip("\"'")
        if path.is_file():
            data = base64.b64encode(path.read_bytes()).decode()
            return f"src:url(data:font/{path.suffix[1:]};base64,{data})"
    return source
