"""Equality of results in mathematics."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.maths import final_result, is_same, maths
from qvl.evaluation.scorers.maths_values import UnreadableMaths, read_value

SAME = [
    ("\\frac{1}{2}", "0.5"), ("50\\%", "0.5"), ("1,000", "1000"), ("1e3", "1000"), ("1.0", "1"),
    ("2\\sqrt{2}", "\\sqrt{8}"), ("\\frac12", "1/2"), ("2\\pi", "6.283185307"),
    ("π/2", "\\frac\\pi2"),
    ("[0,1)", "\\left[0, 1\\right)"), ("\\{1,2\\}", "\\{2,1\\}"), ("1, 2", "\\{2, 1\\}"),
    ("x=5", "5"), ("5 cm", "5"), ("5\\text{ cm}", "5 cm"), ("90^\\circ", "90"),
    ("90°", "90^{\\circ}"),
    ("3\\frac{1}{2}", "3.5"), ("x+1", "1+x"), ("(x+1)^2", "x^2+2x+1"), ("\\pm 3", "3, -3"),
    ("x>3", "3<x"), ("1 \\le x < 3", "1\\leq x<3"), ("(-\\infty,2]\\cup[3,\\infty)",
    "[3,\\infty)\\cup(-\\infty,2]"), ("\\sqrt[3]{-8}", "-2"), ("\\log_2 8", "3"),
    ("2^{10}", "1024"),
    ("5!", "120"), ("y=2x+1", "2x+1"), ("x+y=1", "y=1-x"), ("3+4i", "4i+3"), ("|-3|", "3"),
    ("\\sin 2", "sin(2)"), ("Blue", "blue"), ("-x^2", "-(x^2)"), ("10^{-3}", "0.001"),
    ("\\text{yes}", "Yes"), ("\\varnothing", "\\emptyset"), ("$\\$5.00$", "5"),
    ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
     "\\begin{bmatrix} 1 & 2 \\\\ 3 & \\frac{8}{2} \\end{bmatrix}"),
]  # fmt: skip
OTHER = [
    ("1", "2"), ("2", "-2"), ("(1,2)", "[1,2]"), ("(1,2)", "(2,1)"), ("x", "y"), ("50\\%", "50"),
    ("5 cm", "5 kg"), ("10000001", "10000000"), ("x>3", "x<3"), ("x>3", "x\\ge 3"), ("xy", "x+y"),
    ("\\{1,2\\}", "\\{1,3\\}"), ("red", "blue"), ("", "0"), ("1/3", "0.33"), ("1/0", "2"),
    ("12345678901234567890123", "12345678901234567890124"), ("\\infty", "-\\infty"),
    ("x+y=1", "x+y=2"),
    ("\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"),
    ("__import__('os')", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same(a: str, b: str) -> None:
    assert is_same(a, b)
    assert is_same(b, a)


@pytest.mark.parametrize(("a", "b"), OTHER)
def test_not_the_same(a: str, b: str) -> None:
    assert not is_same(a, b)
    assert not is_same(b, a)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("so \\boxed{\\frac{1}{2}} and then \\boxed{{3}}.", "{3}"),
        ("The answer is: **42**.", "42"),
        ("answer = 3\nas said", "3"),
        ("答案是：7。", "7"),
        (" $x^2$ ", "x^2"),
        ("\\boxed{3", "3"),
    ],
)
def test_results_are_found(answer: str, result: str) -> None:
    assert final_result(answer) == result


@pytest.mark.parametrize(
    ("answer", "truth"),
    [("12\\,\\mathrm{m/s}", "12"), ("1{,}000", "1000"), ("(2,\\;3)", "(2,3)"), ("12~cm", "12 cm")],
)
def test_spaces_of_latex_are_none(answer: str, truth: str) -> None:
    assert is_same(answer, truth)
    assert not is_same(answer, truth.replace("2", "7").replace("1", "8"))


def test_scores() -> None:
    score = maths(answer="It is \\boxed{4}", truth="5")
    assert (score.value, score.why) == (0, "'4' is not '5'")
    assert not maths(answer="", truth="5").is_parsed


@given(st.fractions(max_denominator=1000).filter(lambda value: abs(value) < 10**6))
def test_a_fraction_is_its_quotient(value: Fraction) -> None:
    latex = f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    assert is_same(latex, repr(value.numerator / value.denominator))
    assert not is_same(latex, repr(value.numerator / value.denominator + 0.001))


@given(st.text(alphabet="0123456789+-*/^!()[]{}\\|,xyzi=<>%. fracsqrtpi", max_size=60))
def test_any_text_is_itself_and_raises_nothing(text: str) -> None:
    assert is_same(text, text)
    maths(answer=text, truth="1")


@pytest.mark.parametrize(
    "text",
    ["(" * 9999, "9" * 99999, "\\frac" * 100, "x^" * 150, "2^" * 100 + "2", "1" + "+1" * 190,
     "9^9^9^9^9^9", "|" * 300, "{" * 300, "-" * 390 + "1", "5" + "!" * 300, "1," * 180,
     "[1;" * 100],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_hostile_expressions(text: str) -> None:
    start = time.process_time()
    maths(answer=text, truth="1")
    maths(answer="1", truth=text)
    assert time.process_time() - start < 1


def test_values() -> None:
    assert read_value("2 + 3 \\cdot 4") == 14
    assert read_value("-2^2") == -4
    assert read_value("2^3^2") == 512
    assert read_value("2^{-1}3") == 1.5
    with pytest.raises(UnreadableMaths):
        read_value("1 +")
