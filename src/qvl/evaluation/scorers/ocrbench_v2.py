"""OCRBench, second version: one rule for each kind of task.

Owns: its rules for short answers, counts, formulas, charts, outlines of pages, boxes. Does not own:
long texts (``long_reading``), spotting (``text_spotting``), fields (``key_values``), tables
(``teds``).

    answer, truths -> normal form -> contained, or more than half alike -> best of the truths

Source: Yuliang-Liu/MultimodalOCR OCRBench_v2/eval_scripts; as in lmms-eval ocrbench_v2.
"""

import html
import re
from collections.abc import Mapping, Sequence

import numpy as np

from qvl.evaluation.scorers.edit_distance import normalised_distance
from qvl.evaluation.scorers.key_values import key_value_f1, parse_key_values
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.teds import teds
from qvl.evaluation.scorers.text_spotting import SIDE
from qvl.evaluation.scorers.tree_edit import is_comparable, tree_edit_distance, tree_of_children
from qvl.geometry import Box, box_iou
from qvl.options import shown
from qvl.tasks.json_repair import JsonValue, iter_json

_SHORT_ENGLISH, _SHORT_CHINESE = 5, 4
"""Words, and parts between commas, from which on a truth need not be contained."""
_ALIKE = 0.5
_LONGEST = 20_000
_BOX = re.compile(r"[(\[]" + r"\s*(\d{1,5})\s*," * 3 + r"\s*(\d{1,5})\s*[)\]]")
_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_BLANK_IN_OUTLINE = re.compile(r"<bos>|<eos>|<pad>|<unk>|[*_]")
_JOINED = ("", ".", ". ", ",", ", ", "、", ";", "; ", " ", "和")
_FENCE = re.compile(r"```(?:markdown|html)?")


def short_answer(
    *, answer: str, truths: Sequence[str], is_chinese: bool = False, case_matters: bool = False
) -> Score:
    """Scores 1 if a short truth occurs in the answer; a long one scores its likeness above half.

    >>> short_answer(answer="It is a red Car.", truths=["red car"]).value
    1.0
    >>> short_answer(answer="one two three four fire", truths=["one two three four five"]).why
    "'one two three four fire' for 'one two three four five'"
    """
    best, why = 0.0, f"{shown(answer)} has none of {shown(list(truths))}"
    given = _normal(answer[:_LONGEST], is_chinese, case_matters)
    for truth in truths:
        wanted = _normal(str(truth), is_chinese, case_matters)
        is_short = (
            len(wanted.split(",")) < _SHORT_CHINESE
            if is_chinese
            else len(wanted.split()) < _SHORT_ENGLISH
        )
        if is_short:
            value = float(wanted in given)
        else:
            likeness = 1 - normalised_distance(given, wanted)
            value = likeness if likeness >= _ALIKE else 0.0
        if value > best:
            best, why = value, f"{shown(answer)} for {shown(truth)}"
    return Score(value=best, why=why, is_parsed=bool(answer.strip()))


def _normal(text: str, is_chinese: bool, case_matters: bool) -> str:
    text = text.strip().replace("\n", " ")
    text = text if case_matters else text.lower()
    return text.replace(" ", "") if is_chinese else text


def chosen_letters(*, answer: str, truth: str) -> Score:
    """Scores 1 if the letters of the answer, all of them together, are the truth: "B." is B.

    >>> chosen_letters(answer="(B).", truth="B").value, chosen_letters(answer="B. cat", truth="B")\
.value
    (1.0, 0.0)
    """
    given = "".join(char for char in answer if char.isalpha())
    return Score(
        value=float(given == truth),
        why=f"{shown(given)}, expected {shown(truth)}",
        is_parsed=bool(given),
    )


def counted(*, answer: str, truths: Sequence[str], is_exact: bool) -> Score:
    """Scores a count: contained in the answer, or by how near the answer's first number is.

    >>> counted(answer="I see 9", truths=["10"], is_exact=False).value
    0.9
    >>> [counted(answer="I see 4", truths=[n], is_exact=False).value for n in ("10", "0")]
    [0.0, 0.0]
    """
    if is_exact:
        value = float(any(str(truth).lower().strip() in answer for truth in truths))
        return Score(value=value, why=f"{shown(answer)} for {shown(list(truths))}")
    number = re.search(r"\d{1,15}", answer)
    if number is None or int(number.group()) == 0:
        return Score(value=0.0, why=f"no number in {shown(answer)}", is_parsed=number is not None)
    given = int(number.group())
    wanted = [truth for truth in map(int, truths) if given < 2 * truth]
    best = max((1 - abs(given - truth) / truth for truth in wanted), default=0.0)
    return Score(value=best if best > _ALIKE else 0.0, why=f"{number.group()} for {list(truths)}")


def contained_formula(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores 1 if a formula occurs in the answer, without spaces and \\text.

    >>> contained_formula(answer="$$\\\\text{cm} ^ 2$$", truths=["cm^2"]).value
    1.0
    """
    given = "".join(_TEXT.sub(r"\1", answer).split())
    wanted = ["".join(_TEXT.sub(r"\1", truth).split()) for truth in truths]
    return Score(
        value=float(any(truth in given for truth in wanted)),
        why=f"{shown(answer)} for {shown(list(truths))}",
        is_parsed=bool(given),
    )


def handwritten_choices(*, answer: str, truth: str) -> Score:
    """Scores 1 if the chosen letters occur in the answer, joined in any usual way.

    >>> handwritten_choices(answer="答案是 A、C", truth="AC").value
    1.0
    """
    ways = {joint.join(truth) for joint in _JOINED}
    return Score(
        value=float(any(way in answer for way in ways)),
        why=f"{shown(truth)} looked for in {shown(answer)}",
        is_parsed=bool(answer.strip()),
    )


def parsed_table(*, answer: str, truth: str, is_markdown: bool) -> Score:
    """Scores a table by TEDS; one in Markdown is read as rows of cells without its rule.

    An answer without any cell is no table; the reference takes it for an empty one, which has
    something in common with every table.

    >>> parsed_table(answer="|a|\\n|---|\\n| 1 |", truth="|a|\\n|-|\\n|1|", is_markdown=True).value
    1.0
    """
    if is_markdown and "|" not in answer:
        return Score(value=0.0, why=f"no table in {shown(answer)}", is_parsed=False)
    if is_markdown:
        return teds(answer=_markdown_table(answer), truth=_markdown_table(truth))
    return teds(answer=answer.replace("\n", ""), truth=_as_table(truth.replace("\n", "")))


def _as_table(text: str) -> str:
    return text if "<table" in text else f"<table>{text}</table>"


def _markdown_table(text: str) -> str:
    lines = _FENCE.sub("", text).strip().split("\n")
    rows = [line.strip().split("|")[1:-1] for line in [*lines[:1], *lines[2:]]]
    cells = (
        "".join(f"<td>{html.escape(cell.strip()) or ' '}</td>" for cell in row) for row in rows
    )
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def parsed_chart(*, answer: str, truth: str) -> Score:
    """Scores the values of a chart: a table of names and values by TEDS.

    >>> parsed_chart(answer="{'a': {'x': 1}}", truth="{'a': {'x': 1}}").value
    1.0
    """
    given, wanted = _record(answer), _record(truth)
    if not given:
        return Score(value=0.0, why=f"no values in {shown(answer)}", is_parsed=False)
    return teds(answer=_chart_table(given), truth=_chart_table(wanted))


def _record(text: str) -> Mapping[str, JsonValue]:
    records = [item.value for item in iter_json(text) if isinstance(item.value, dict)]
    return max(records, key=len, default={})


def _chart_table(record: Mapping[str, JsonValue]) -> str:
    rows = (
        f"<tr><td>{html.escape(str(key))}</td><td>{html.escape(' '.join(str(value)))}</td></tr>"
        for key, value in record.items()
    )
    return f"<table>{''.join(rows)}</table>"


def parsed_outline(*, answer: str, truth: str) -> Score:
    """Scores the outline of a page: how many lines stand under which heading.

    The reference compares trees of headings and lines, but not what they say: any two lines with
    words in them count as equal. Words are scored elsewhere.

    >>> parsed_outline(answer="# A\\ntext", truth="# B\\nother").value
    1.0
    >>> parsed_outline(answer="# A", truth="# A\\none\\ntwo").value
    0.6
    """
    (labels_a, children_a), (labels_b, children_b) = _outline(answer), _outline(truth)
    tree_a, order_a = tree_of_children(children_a)
    tree_b, order_b = tree_of_children(children_b)
    if not is_comparable(tree_a, tree_b):
        return Score(value=0.0, why=f"outlines of {len(labels_a):,} and {len(labels_b):,} lines")
    blank_a = np.array([not labels_a[i] for i in order_a])
    blank_b = np.array([not labels_b[i] for i in order_b])
    edits = tree_edit_distance(
        tree_a,
        tree_b,
        remove=np.ones(tree_a.size),
        add=np.ones(tree_b.size),
        rename=(blank_a[:, None] | blank_b[None, :]).astype(np.float64),
    )
    larger = max(tree_a.size, tree_b.size)
    return Score(value=1 - edits / larger, why=f"{edits:.0f} edits in an outline of {larger}")


def _outline(text: str) -> tuple[list[bool], list[list[int]]]:
    """Of each node whether it has words, and its children: root, what has no heading, headings."""
    has_words, children = [True, True], list[list[int]]([[1], []])
    headings: dict[str, int] = {}
    parent = 1
    for line in text[:_LONGEST].split("\n"):
        label = _BLANK_IN_OUTLINE.sub(" ", line)
        node = len(children)
        has_words.append(
            bool(label.replace("#", "").split() if label[:1] == "#" else label.split())
        )
        children.append([])
        if label.startswith("#"):
            children[0].append(node)
            parent = headings.setdefault(label.replace("#", ""), node)
        else:
            children[parent].append(node)
    return has_words, children


def extracted_fields(*, answer: str, truth: Mapping[str, Sequence[object]]) -> Score:
    """Scores fields with several right values each: the value that the answer gives counts.

    >>> extracted_fields(answer='{"a": "x", "b": "2"}', truth={"a": ["y", "X"], "b": ["3"]}).value
    0.5
    """
    given = parse_key_values(answer)
    wanted = {key: _nearest(given.get(key), values) for key, values in truth.items()}
    return key_value_f1(answer=given, truth=wanted)


def _nearest(given: str | None, values: Sequence[object]) -> str:
    plain = "".join(str(given).lower().split())
    return next(
        (str(value) for value in values if "".join(str(value).lower().split()) == plain),
        str(values[0]) if values else "",
    )


def grounded_text(*, answer: str, truth: Sequence[float]) -> Score:
    """Scores the last box of an answer by its overlap, in thousandths as the question asks.

    >>> grounded_text(answer="It is at (0, 0, 100, 50).", truth=[0, 0, 100, 100]).value
    0.5
    """
    boxes = [list(map(int, match.groups())) for match in _BOX.finditer(answer)]
    boxes = [box for box in boxes if max(box) <= SIDE]
    if not boxes:
        return Score(value=0.0, why="no box in the answer", is_parsed=False)
    return _overlap(boxes[-1], truth)


def answer_with_place(*, answer: str, truths: Sequence[str], box: Sequence[float]) -> Score:
    """Scores an answer and where it stands, half and half.

    >>> answer_with_place(answer='{"answer": "Stop", "bbox": [0, 0, 9, 9]}', truths=["stop"],
    ...     box=[0, 0, 9, 9]).value
    1.0
    """
    record = next((i.value for i in iter_json(answer) if isinstance(i.value, dict)), {})
    words = short_answer(answer=str(record.get("answer", "")), truths=truths)
    place = record.get("bbox")
    numbers = place if isinstance(place, list) else re.findall(r"\d{1,5}", str(place or ""))
    try:
        where = _overlap([int(float(str(number))) for number in numbers], box)
    except ValueError:
        where = Score(value=0.0, why="no box")
    return Score(
        value=(words.value + where.value) / 2,
        why=f"{words.why}; {where.why}",
        is_parsed=bool(record),
    )


def _overlap(box: Sequence[int], truth: Sequence[float]) -> Score:
    if len(box) != 4:
        return Score(value=0.0, why=f"a box of {len(box)} numbers")
    iou = box_iou(Box(*map(float, box)), Box(*map(float, truth)))
    return Score(value=iou, why=f"overlap {iou:.2f}")
