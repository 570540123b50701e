"""Whether two answers to a question of mathematics are the same.

Owns: finding the result in an answer, units, tolerance, equality of values. Does not own: reading
expressions (``maths_values``).

    answer -> last \\boxed{}, else after "answer is", else all -> value and unit -> same or not

Differences up to 1e-6 are rounding (MathVision's tolerance). "50%" is 0.5 and not 50. What cannot
be read as mathematics is compared as text.
Source: MathVision, as in QwenLM/Qwen3-VL evaluation/MathVision, whose ``eval`` and sympy are
replaced by a grammar: text of a model is never executed.
"""

import cmath
import re
from fractions import Fraction

from qvl.evaluation.scorers.maths_values import Group, UnreadableMaths, Value, read_value
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_TOLERANCE = 1e-6
_RELATIVE = 1e-9
"""For large values, of which floats have no more digits."""
_SAMPLES = 3
_LONGEST = 20_000
"""Characters at the end of an answer that are looked at."""

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_STATES = re.compile(
    r"(?i)\banswer(?:\s+is|\s*:|\s*=)\s*:?\s*([^\n]+)|答案(?:是|为|[:：])\s*([^\n]+)"
)
_NAMED = re.compile(r"^\s*(?:[a-zA-Z]|[a-zA-Z]\([a-zA-Z]\)|\\[a-z]+|\\angle\s*[A-Z]+)\s*=\s*(?=\S)")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mbox|mathbf|textrm)\s*\{([^{}]*)\}")
_UNIT = re.compile(r"(?<=[\d})])\s*((?:[A-Za-zμ]{2,}|\b[mgsLKNJWVA]\b)[\w\s/^·.²³-]{0,30})$")
_LATEX_SPACE = re.compile(r"(?<!\\)\\[,;: ]|~")
_NUMERAL = re.compile(
    r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d{1,60})(?:\.\d{0,60})?|\.\d{1,60})(?:[eE][+-]?\d{1,3})?"
)


def maths(*, answer: str, truth: str) -> Score:
    """Scores 1 if the result of an answer is the truth.

    >>> maths(answer="So we get \\\\boxed{\\\\frac{1}{2}}.", truth="0.5").value
    1.0
    >>> maths(answer="The answer is 2x + 1", truth="1 + 2x").value
    1.0

    Args:
        answer: as the model wrote it, with or without its reasoning.
        truth: the result, as text or LaTeX.
    """
    result = final_result(answer)
    same = is_same(result, truth)
    return Score(
        value=float(same),
        why=f"{shown(result)} is {'' if same else 'not '}{shown(truth)}",
        is_parsed=bool(result),
    )


def final_result(answer: str) -> str:
    """Returns the part of an answer that states its result.

    >>> final_result("Thus x = 3. The answer is: 3 cm."), final_result("$42$")
    ('3 cm', '42')
    """
    text = answer[-_LONGEST:].strip()
    boxes = list(_BOXED.finditer(text))
    if boxes:
        return _to_closing_brace(text, boxes[-1].end()).strip()
    stated = list(_STATES.finditer(text))
    if stated:
        text = next(part for part in reversed(stated[-1].groups()) if part)
    return text.lstrip(" \n\t*$:：").rstrip(" \n\t*$.。")


def _to_closing_brace(text: str, start: int) -> str:
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return text[start:]


def is_same(a: str, b: str) -> bool:
    """Whether two results are the same number, expression, interval, set, matrix, or text.

    >>> is_same("\\\\sqrt{8}", "2\\\\sqrt2"), is_same("(1,2)", "(2,1)")
    (True, False)
    """
    if _plain(a) == _plain(b):
        return True
    a, b = _without_name(a, b), _without_name(b, a)
    (a, unit_a), (b, unit_b) = _without_unit(a), _without_unit(b)
    if unit_a and unit_b and unit_a != unit_b:
        return False
    exact_a, exact_b = _numeral(a), _numeral(b)
    if exact_a is not None and exact_b is not None:
        return abs(exact_a - exact_b) <= _TOLERANCE
    samples_agreed = 0
    for sample in range(_SAMPLES):
        try:
            if not _same_value(read_value(a, sample=sample), read_value(b, sample=sample)):
                return False
        except UnreadableMaths:
            continue
        samples_agreed += 1
    return samples_agreed == _SAMPLES or (samples_agreed == 0 and _plain(a) == _plain(b))


def _plain(text: str) -> str:
    text = _TEXT.sub(r"\1", text).replace("\\left", "").replace("\\right", "")
    return "".join(text.split()).strip("$.").lower()


def _without_name(text: str, other: str) -> str:
    """A result without "x =" before it, if the other result has no such name."""
    text = text.strip().strip("$")
    return text if "=" in other else _NAMED.sub("", text, count=1)


def _without_unit(text: str) -> tuple[str, str]:
    """A result without its unit, and the unit."""
    text = _LATEX_SPACE.sub(" ", text.replace("{,}", ","))
    text = _TEXT.sub(r" \1", text).strip().strip("$").strip().rstrip(".")
    unit = _UNIT.search(text)
    if unit is None:
        return text, ""
    name = "".join(unit.group(1).split()).lower().rstrip(".")
    return text[: unit.start()], name.removesuffix("s") if len(name) > 2 else name


def _numeral(text: str) -> Fraction | None:
    text = text.strip().strip("$").replace("\\!", "")
    match = _NUMERAL.fullmatch(text)
    return None if match is None else Fraction(text.replace(",", ""))


def _same_value(a: Value, b: Value) -> bool:
    if isinstance(a, Group) and isinstance(b, Group):
        return _same_group(a, b)
    if isinstance(a, Group) or isinstance(b, Group):
        group, other = (a, b) if isinstance(a, Group) else (b, a)
        # A set of one solution is that solution.
        return (
            isinstance(group, Group)
            and group.kind == "set"
            and len(group.items) == 1
            and _same_value(group.items[0], other)
        )
    return _same_number(a, b)


def _same_number(a: complex, b: complex) -> bool:
    if cmath.isnan(a) or cmath.isnan(b):
        return False
    if cmath.isinf(a) or cmath.isinf(b):
        return a == b
    return abs(a - b) <= max(_TOLERANCE, _RELATIVE * max(abs(a), abs(b)))


def _same_group(a: Group, b: Group) -> bool:
    if a.kind == "=" == b.kind:
        return _same_equation(a, b)
    if a.kind != b.kind or len(a.items) != len(b.items):
        return False
    if a.is_ordered:
        return all(_same_value(x, y) for x, y in zip(a.items, b.items, strict=True))
    left = list(b.items)
    for item in a.items:
        partner = next((other for other in left if _same_value(item, other)), None)
        if partner is None:
            return False
        left.remove(partner)
    return True


def _same_equation(a: Group, b: Group) -> bool:
    """Whether two equations say the same with their sides moved or swapped."""
    if len(a.items) != 2 or len(b.items) != 2:
        return False
    differences = []
    for left, right in (a.items, b.items):
        if isinstance(left, Group) or isinstance(right, Group):
            return False
        differences.append(left - right)
    return _same_number(*differences) or _same_number(differences[0], -differences[1])
