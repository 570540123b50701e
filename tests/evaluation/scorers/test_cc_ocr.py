"""Parsing and fields as CC-OCR's evaluator compares them."""

import pytest

from qvl.evaluation.scorers.cc_ocr import (
    normal_fields,
    parsed_document,
    parsed_formula,
    parsed_molecule,
    parsed_table,
)


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        (r"\documentclass{article}\usepackage[a]{b}\begin{document} a b \end{document}", "ab", 1),
        ("```latex\nabcd", "abce", 0.75),
        ("", "", 1),
        ("", "abc", 0),
    ],
)
def test_documents(answer: str, truth: str, value: float) -> None:
    assert parsed_document(answer=answer, truth=truth).value == pytest.approx(value)


def test_formulas_and_molecules() -> None:
    assert parsed_formula(answer="x ^ {2}", truth="x^{2}").value == 1
    assert parsed_molecule(answer="C(=O)O", truth="OC=O").value == pytest.approx(1 / 3)


def test_tables_without_spaces_and_full_width() -> None:
    truth = "<table><tr><td>A1</td><td>b c</td></tr></table>"
    answer = '<table class="x">\n<tr>\n<td>Ａ１</td> <td>bc</td></tr>'
    assert parsed_table(answer=answer, truth=truth).value == 1
    assert parsed_table(answer="A1 bc", truth=truth).value == 0


@pytest.mark.parametrize(
    ("text", "normal"),
    [("价 格 5元", "价格5元"), ("a,b", "a, b"), ("3.5kg", "3.5 kg"), ("张 A1", "张A 1")],
)
def test_texts_of_fields(text: str, normal: str) -> None:
    assert normal_fields([text, 3]) == [normal, 3]
