"""CC-OCR: likeness of what was parsed, and the form in which fields of documents are compared.

Owns: the normal forms of its tracks of parsing and of key information. Does not own: its word F1
(``text_recognition``), fields (``donut``), tables as trees (``teds``).

    answer, truth -> preamble, fences and spaces off -> 1 - edits / longer length | TEDS

Source: AlibabaResearch/AdvancedLiterateMachinery Benchmarks/CC-OCR, evaluator; as in lmms-eval
cc_ocr/evaluators.
"""

import re
from collections.abc import Callable, Mapping

from qvl.evaluation.scorers.edit_distance import normalised_distance
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.teds import teds
from qvl.tasks.json_repair import JsonValue

_FENCE = re.compile(r"```(?:latex|html|\w*)\n?(.*?)(?:```|\Z)", re.DOTALL)
_PREAMBLE = re.compile(
    r"\\documentclass\{.*?\}|\\usepackage(?:\[.*?\])?\{.*?\}|\\geometry\{.*?\}"
    r"|\\begin\{document\}|\\end\{document\}|\\noindent"
)
_TABLE_TAG = re.compile(r"<table[^>]*>")
_BETWEEN_TAGS = re.compile(r">[^<]*<")
# Printable ASCII in full width. The evaluator of fields also maps the ideographic space and comma.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_HALF_WIDTH_FIELDS = _HALF_WIDTH | {0x3000: 0x20, ord("、"): ord(",")}
_HAN = "\u4e00-\u9fff"
_SPACINGS = (
    (re.compile(rf"(?<=[{_HAN}])\s+(?=[{_HAN}a-zA-Z0-9])"), ""),
    (re.compile(rf"(?<=[a-zA-Z0-9])\s+(?=[{_HAN}])"), ""),
    (re.compile(r"(?<![0-9])\s*([,.!?:;])\s*"), r"\1 "),
    (re.compile(r"(?<=[0-9])(?=[a-zA-Z])|(?<=[a-zA-Z])(?=[0-9])"), " "),
    (re.compile(r"\s+"), " "),
)


def parsed_document(*, answer: str, truth: str) -> Score:
    """Scores a page that was written as LaTeX, without preamble and spaces.

    >>> parsed_document(answer="```latex\\n\\\\noindent a b\\n```", truth="a c").value
    0.5
    """
    body = _PREAMBLE.sub("", answer)
    return _likeness(_unfenced(body), truth)


def parsed_formula(*, answer: str, truth: str) -> Score:
    """Scores a formula in LaTeX, without spaces.

    >>> parsed_formula(answer="```latex\\nx ^ 2\\n```", truth="x^2").value
    1.0
    """
    return _likeness(_unfenced(answer), truth)


def parsed_molecule(*, answer: str, truth: str) -> Score:
    """Scores a molecule as SMILES, character by character: other spellings of it are wrong.

    >>> parsed_molecule(answer="<smiles>C C O</smiles>", truth="CCO").value
    1.0
    """
    return _likeness(answer.replace("<smiles>", "").replace("</smiles>", ""), truth)


def parsed_table(*, answer: str, truth: str) -> Score:
    """Scores the first table by TEDS, without spaces in the cells.

    >>> table = "<table border='1'> <tr> <td>a b</td> </tr> </table>"
    >>> parsed_table(answer=f"```html\\n{table}\\n```", truth=table.replace(" b", "b")).value
    1.0
    """
    return teds(answer=_table(_unfenced(answer)), truth=_table(truth))


PARSED: Mapping[str, Callable[..., Score]] = {
    "doc": parsed_document,
    "table": parsed_table,
    "formula": parsed_formula,
    "molecular": parsed_molecule,
}
"""Rule of each kind of parsing; the keys are the values of the column l2-category."""


def normal_fields(record: JsonValue) -> JsonValue:
    """Returns a record whose texts have one spacing and no full-width characters.

    >>> normal_fields({"名": "张 三，ABC １"})
    {'名': '张三, ABC 1'}
    """
    if isinstance(record, dict):
        return {key: normal_fields(value) for key, value in record.items()}
    if isinstance(record, list):
        return [normal_fields(value) for value in record]
    if not isinstance(record, str):
        return record
    text = record.translate(_HALF_WIDTH_FIELDS)
    for pattern, spacing in _SPACINGS:
        text = pattern.sub(spacing, text)
    return text


def _unfenced(answer: str) -> str:
    fence = _FENCE.search(answer)
    return answer if fence is None else fence.group(1)


def _likeness(answer: str, truth: str) -> Score:
    given, wanted = ("".join(text.split()) for text in (answer, truth))
    distance = normalised_distance(given, wanted)
    return Score(
        value=1 - distance,
        why=f"{100 * distance:.0f}% of {max(len(given), len(wanted))} characters differ",
        is_parsed=bool(given) or not wanted,
    )


def _table(text: str) -> str:
    text = _TABLE_TAG.sub("<table>", text).replace("\n", "")
    text = _BETWEEN_TAGS.sub(lambda match: "".join(match.group().split()), text)
    return text.translate(_HALF_WIDTH)
