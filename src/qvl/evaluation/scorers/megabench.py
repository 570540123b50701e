"""MEGA-Bench's metrics that are rules: of texts, numbers, sets, sequences, records, places.

Owns: each metric by its name in the data, and joining a question's fields. Does not own: reading
answers (``megabench_answers``), plans (``plans``), constraints on a text (``constrained_text``),
translations (``translation``), running programs (``benchmarks/megabench``). Metrics that need what
is not here are in `UNRULED`.

    field's answer, truth, context -> METRICS[name] -> 0 to 1, or -1: the field does not count
    scores of fields -> joined -> score of the question

Source: TIGER-AI-Lab/MEGA-Bench megabench/metrics (arXiv 2410.10563), as in lmms-eval 0.7.3.
Differences: letters lose their accents by Unicode, not by unidecode's table; LaTeX and numbers are
compared by ``maths``, not by sympy; "None" is a text, where the reference makes it an empty set; a
list of numbers may be compared without case. BLEU takes the truth for the answer and the answer for
the reference, as that code does: who leaves words out is not punished for shortness.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from qvl.evaluation.scorers.constrained_text import keeps_constraints, spoken_constraints
from qvl.evaluation.scorers.maths import final_result, is_same
from qvl.evaluation.scorers.megabench_answers import (
    as_list,
    as_record,
    as_set,
    is_number,
    literal,
    python_literal,
    tagged,
    tuples_of,
)
from qvl.evaluation.scorers.plans import plan_reaches_goal
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.translation import chinese_gleu, smoothed_bleu
from qvl.geometry import Box, box_iou

Metric = Callable[[Any, Any, Mapping[str, Any]], Score]

PROGRAM = "program_judge"
"""The metric that runs a program of the model."""
UNRULED: Mapping[str, str] = {
    "gpt_4o_as_judge": "a model's judgement",
    "ascii_art_gpt4o_judge": "a model's judgement",
    "nli_entailment": "a model of language",
    "geo_proximity_location_dict": "a map of the world",
}
"""What metrics need that are no rules."""
_NEAR = 0.9
_EPSILON = 0.01
_SHARPNESS = 10
_LONGEST = 2_000
_ONE_LETTER = re.compile(r"^\(?([A-Za-z])\)?(?:\s*\.\s*|\.)?(.*)", re.DOTALL)
_DROPPED = str.maketrans("", "", " -\n\t.")


def _exact(given: Any, truth: Any) -> float:
    given, truth = str(given), str(truth)
    if len(truth) == 1 and truth.isalpha() and len(given) > 1:
        letter = _ONE_LETTER.match(given)
        given = letter.group(1) if letter else given
    return float(given == truth)


def _simple(given: Any, truth: Any) -> float:
    return _exact(*(str(text).translate(_DROPPED).lower() for text in (given, truth)))


def _any_case(given: Any, truth: Any) -> float:
    return _exact(str(given).lower(), str(truth).lower())


def _in_code(given: Any, truth: Any) -> float:
    block = re.search(r"```\w*(?:\s*\n+)?(.*?)(?:\n+\s*)?```", str(truth), re.DOTALL)
    return _exact(given, block.group(1) if block else truth)


def similarity(a: str, b: str) -> float:
    """1 less the share of changes, swaps of neighbours among them (Damerau and Levenshtein).

    >>> similarity("abcd", "abdc")
    0.75
    """
    a, b = a[:_LONGEST], b[:_LONGEST]
    if not a and not b:
        return 1.0
    most = len(a) + len(b)
    last: dict[str, int] = {}
    rows = {-1: [most] * (len(b) + 2), 0: [most, *range(len(b) + 1)]}
    for i, x in enumerate(a, 1):
        row, before = [most, i], 0
        for j, y in enumerate(b, 1):
            above, swap_row = last.get(y, 0), before
            cost = 1
            if x == y:
                cost, before = 0, j
            swapped = rows[above - 1][swap_row] + (i - above - 1) + 1 + (j - swap_row - 1)
            if above == 0 or swap_row == 0:
                swapped = most
            row.append(min(rows[i - 1][j] + cost, row[j] + 1, rows[i - 1][j + 1] + 1, swapped))
        last[x] = i
        rows[i] = row
    return 1 - rows[len(a)][-1] / max(len(a), len(b))


def _similar(given: Any, truth: Any) -> float:
    return similarity(given, truth) if isinstance(given, str) and isinstance(truth, str) else 0.0


def _near(given: Any, truth: Any) -> float:
    if not isinstance(given, str) or not isinstance(truth, str):
        return 0.0
    found = similarity(_without_accents(given), _without_accents(truth))
    return found if found >= _NEAR else 0.0


def _without_accents(text: str) -> str:
    words = [word for word in text.split(" ") if word.lower() not in ("the", "a")]
    plain = unicodedata.normalize("NFKD", " ".join(words))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower()


def _relative(given: Any, truth: Any) -> float:
    a, b = python_literal(given), python_literal(truth)
    if not is_number(a) or not is_number(b) or b == 0:
        return 0.0
    return max(0.0, 1 - abs((a - b) / b))


def _positive(given: Any, truth: Any) -> float:
    a, b = python_literal(given), python_literal(truth)
    if not isinstance(a, int) or not isinstance(b, int):
        return 0.0
    return -1.0 if a <= 0 and b <= 0 else float(a == b)


def _numeric(given: Any, truth: Any) -> float:
    """Within one part in a hundred, else the same result, else the same text."""
    a, b = (re.split(r"=|≈|\\approx", str(text))[-1].strip() for text in (given, truth))
    x, y = (python_literal(re.sub(r"[$¥°,]|°?C$", "", text).replace("%", "")) for text in (a, b))
    if is_number(x) and is_number(y) and a.endswith("%") == b.endswith("%"):
        return float(abs(x - y) <= abs(y) * _EPSILON)
    return float(is_same(a, b)) or _simple(a, b)


def _boxed(given: Any, truth: Any) -> float:
    return _numeric(final_result(str(given)), final_result(str(truth)))


def _latex(given: Any, truth: Any) -> float:
    return float(is_same(str(given), str(truth))) or _simple(given, truth)


def _closeness(given: Any, truth: Any) -> float:
    a, b = python_literal(given), python_literal(truth)
    return 1 - min(abs(a - b), 0.1) / 0.1 if is_number(a) and is_number(b) else 0.0


def _angles(given: Any, truth: Any) -> float:
    a, b = as_list(given), as_list(truth)
    if len(a) != len(b) or not b or not all(map(is_number, [*a, *b])):
        return 0.0
    return 1 - min(sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(b), 10.0) / 10


def _same_set(given: Any, truth: Any) -> float:
    return float(as_set(given) == as_set(truth))


def _same_set_any_case(given: Any, truth: Any) -> float:
    a, b = as_set(given), as_set(truth)
    if not all(isinstance(item, str) for item in a | b):
        return 0.0
    return float({str(item).upper() for item in a} == {str(item).upper() for item in b})


def _same_lines(given: Any, truth: Any) -> float:
    a, b = (set(str(t).replace("\\n", "\n").lower().split("\n")) for t in (given, truth))
    return float(a == b)


def _same_commas(given: Any, truth: Any) -> float:
    a, b = ({str(item).lower() for item in as_set(value)} for value in (given, truth))
    return float(a == b)


def _share(given: set[Any], truth: set[Any], of: set[Any]) -> float:
    return len(given & truth) / len(of) if of else 1.0


def _jaccard(given: Any, truth: Any) -> float:
    a, b = as_set(given), as_set(truth)
    return _share(a, b, a | b)


def _jaccard_any_case(given: Any, truth: Any) -> float:
    a, b = ({_folded(item) for item in as_set(value)} for value in (given, truth))
    return _share(a, b, a | b)


def _folded(item: Any) -> Any:
    if isinstance(item, tuple):
        return tuple(str(part).lower().translate(_DROPPED).replace("_", "") for part in item)
    return str(item).lower()


def _set_precision(given: Any, truth: Any) -> float:
    a, b = as_set(given), as_set(truth)
    return _share(a, b, a)


def _chess(given: Any, truth: Any) -> float:
    a, b = (
        {str(move).removesuffix("!").removesuffix("#") for move in as_set(value)}
        for value in (given, truth)
    )
    return _share(a, b, a | b)


def _same_list(given: Any, truth: Any) -> float:
    return float(as_list(str(given)) == as_list(truth))


def _same_list_any_case(given: Any, truth: Any) -> float:
    a, b = as_list(str(given)), as_list(truth)
    return float([str(item).lower() for item in a] == [str(item).lower() for item in b])


def _list_share(given: Any, truth: Any) -> float:
    a, b = as_list(given), as_list(truth)
    if len(a) != len(b) or not b:
        return 0.0
    return sum(str(x).lower() == str(y).lower() for x, y in zip(a, b, strict=True)) / len(b)


def _prefix(given: Any, truth: Any) -> float:
    a, b = as_list(given), as_list(truth)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))
    return len(list(same)) / len(b) if b else 0.0


def _one_of(given: Any, truth: Any) -> float:
    return max((_simple(given, ref) for ref in as_list(str(truth).replace("，", ","))), default=0.0)


def _records(given: Any, truth: Any) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
    a, b = as_record(given), as_record(truth)
    return (a, b) if isinstance(a, dict) and isinstance(b, dict) else None


def _same_record(given: Any, truth: Any) -> float:
    pair = _records(given, truth)
    return float(pair is not None and pair[0] == pair[1])


def _record_precision(given: Any, truth: Any) -> float:
    pair = _records(given, truth)
    if pair is None or not pair[0]:
        return 0.0
    a, b = pair
    return sum(_exact(value, b[key]) for key, value in a.items() if key in b) / len(a)


def _record_recall(given: Any, truth: Any) -> float:
    pair = _records(given, truth)
    if pair is None or not pair[1]:
        return 0.0
    a, b = pair
    return sum(_exact(a.get(key), value) for key, value in b.items()) / len(b)


def _over_keys(of_value: Callable[[Any, Any], float]) -> Callable[[Any, Any], float]:
    """The mean of a metric over the keys of both records; what one lacks is empty."""

    def metric(given: Any, truth: Any) -> float:
        pair = _records(given, truth)
        if pair is None or not (keys := set(pair[0]) | set(pair[1])):
            return 0.0
        a, b = pair
        return sum(of_value(a.get(key, []), b.get(key, [])) for key in keys) / len(keys)

    return metric


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    return box_iou(Box(*a), Box(*b))


def _best_boxes(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> float:
    return sum(max((_iou(x, y) for y in b), default=0.0) for x in a) / len(a) if a else 0.0


def _boxes(given: Any, truth: Any) -> float:
    return _best_boxes(tuples_of(given, 4), tuples_of(truth, 4))


def _box_sequence(given: Any, truth: Any) -> float:
    a, b = tuples_of(given, 4), tuples_of(truth, 4)
    if len(a) != len(b) or not b:
        return 0.0
    return sum(_iou(x, y) for x, y in zip(a, b, strict=True)) / len(b)


def _tagged_box(given: Any, truth: Any) -> float:
    return _best_boxes(tagged(given, "box", 4), tagged(truth, "box", 4))


def _tagged_distance(given: Any, truth: Any) -> float:
    a, b = tagged(given, "point", 2), tagged(truth, "point", 2)
    if len(a) != 1 or len(b) != 1 or not all(0 <= part <= 1 for part in (*a[0], *b[0])):
        return 0.0
    return max(0.0, 1 - math.dist(a[0], b[0]))


def _tagged_inside(given: Any, truth: Any, context: Mapping[str, Any]) -> float:
    points = tagged(given, "point", 2)
    boxes = [box for text in context.get("bounding_boxes", ()) for box in tuples_of(text, 4)]
    if len(points) != 1:
        return 0.0
    x, y = points[0]
    return float(any(box[0] <= x <= box[2] and box[1] <= y <= box[3] for box in boxes))


def _key_points(given: Any, truth: Any) -> float:
    a, b = tuples_of(given, 2), tuples_of(truth, 2)
    if len(a) != len(b) or not b:
        return 0.0
    far = [math.dist(x, y) / math.sqrt(2) for x, y in zip(a, b, strict=True)]
    return sum(math.exp(-_SHARPNESS * distance) for distance in far) / len(far)


def _text_and_latex(given: Any, truth: Any) -> float:
    if not isinstance(given, str) or not isinstance(truth, str):
        return 0.0
    plain, formulas = zip(*map(_apart, (given, truth)), strict=True)
    return float(bool(_simple(*plain)) and bool(_latex(*formulas)))


def _apart(text: str) -> tuple[str, str]:
    formulas = re.findall(r"\$([^$]*)\$", text)
    plain = re.sub(r"\$[^$]*\$", "", text).replace(",", "")
    return plain, " ".join(formula.strip().replace(",", "") for formula in formulas)


_OF_VALUES: dict[str, Callable[[Any, Any], float]] = {
    "exact_str_match": _exact,
    "simple_str_match": _simple,
    "code_result_exact_str_match": _in_code,
    "exact_str_match_case_insensitive": _any_case,
    "normalized_similarity_damerau_levenshtein": _similar,
    "near_str_match": _near,
    "multi_ref_phrase": _one_of,
    "number_rel_diff_ratio": _relative,
    "positive_int_match": _positive,
    "general_single_numerical_match": _numeric,
    "boxed_single_numerical_match": _boxed,
    "latex_expr_equality": _latex,
    "text_with_latex_expr_equality": _text_and_latex,
    "normalized_rmse": _closeness,
    "angle_seq_float_rmse": _angles,
    "set_equality": _same_set,
    "set_equality_case_insensitive": _same_set_any_case,
    "str_set_equality_line_break": _same_lines,
    "str_set_equality_comma": _same_commas,
    "set_precision": _set_precision,
    "jaccard_index": _jaccard,
    "jaccard_index_case_insensitive": _jaccard_any_case,
    "chess_move_list_jaccard_index": _chess,
    "sequence_equality": _same_list,
    "sequence_equality_case_insensitive": _same_list_any_case,
    "sequence_accuracy_case_insensitive": _list_share,
    "longest_common_list_prefix_ratio": _prefix,
    "dict_equality": _same_record,
    "dict_precision": _record_precision,
    "dict_exact_str_match_agg_recall": _record_recall,
    "dict_jaccard_agg_jaccard": _over_keys(_jaccard),
    "dict_set_equality_agg_jaccard": _over_keys(_same_set),
    "dict_nbbox_iou_tuple_agg_jaccard": _over_keys(_boxes),
    "nbbox_iou_tuple": _boxes,
    "nbbox_iou_single": _boxes,
    "nbbox_iou_sequence": _box_sequence,
    "xml_nbbox_iou_single": _tagged_box,
    "xml_norm_point_distance": _tagged_distance,
    "sequence_coords_similarity": _key_points,
}


def _plain(metric: Callable[[Any, Any], float]) -> Metric:
    return lambda given, truth, context: Score(value=metric(given, truth), why="")


def _inside(given: Any, truth: Any, context: Mapping[str, Any]) -> Score:
    return Score(value=_tagged_inside(given, truth, context), why="")


def _bleu(given: Any, truth: Any, context: Mapping[str, Any]) -> Score:
    return smoothed_bleu(answer=str(truth), truth=str(given))


def _gleu(given: Any, truth: Any, context: Mapping[str, Any]) -> Score:
    return chinese_gleu(answer=str(given), truth=str(truth))


def _plan(given: Any, truth: Any, context: Mapping[str, Any]) -> Score:
    domain, problem = (str(context.get(name, "")) for name in ("domain_pddl", "task_pddl"))
    return plan_reaches_goal(answer=str(given), domain=domain, problem=problem)


def _constraints(given: Any, truth: Any, context: Mapping[str, Any]) -> Score:
    return keeps_constraints(answer=str(given), constraints=context)


METRICS: Mapping[str, Metric] = {
    **{name: _plain(metric) for name, metric in _OF_VALUES.items()},
    "xml_norm_point_in_bbox": _inside,
    "bleu": _bleu,
    "gleu_cn": _gleu,
    "symbolic_planning_test": _plan,
    "constrained_generation": _constraints,
}


def needs(metrics: Iterable[str], context: Mapping[str, Any]) -> list[str]:
    """What would be needed to decide metrics, and is not here; a program of the model is.

    >>> needs(["bleu", "nli_entailment"], {})
    ['nli_entailment needs a model of language']
    >>> needs(["constrained_generation"], {"length": "<9", "syllables": "575"})
    ['syllables needs a dictionary of sounds']
    """
    found = []
    for name in sorted(set(metrics)):
        if name in UNRULED:
            found.append(f"{name} needs {UNRULED[name]}")
        elif name == "constrained_generation":
            kinds = spoken_constraints(context)
            found += [f"{kind} needs a dictionary of sounds" for kind in kinds]
        elif name not in METRICS and name != PROGRAM:
            found.append(f"{name} is unknown")
    return found


def joined(scores: Mapping[str, float], weights: Mapping[str, float], *, way: str) -> float:
    """The score of a question of those of its fields; fields of -1 do not count.

    >>> joined({"a": 1.0, "b": 0.0, "c": -1.0}, {"a": 3, "b": 1, "c": 9}, way="mean")
    0.75

    Args:
        scores: by field.
        weights: by field; 1 where there is none.
        way: "mean" or "min".
    """
    counted = {field: score for field, score in scores.items() if score >= 0}
    if not counted:
        return 0.0
    if way == "min":
        return min(counted.values())
    total = math.fsum(weights.get(field, 1) for field in counted)
    return math.fsum(score * weights.get(field, 1) for field, score in counted.items()) / total


def plain_truth(value: Any) -> Any:
    """A truth without the quotes around it."""
    inner = literal(value) if isinstance(value, str) and value[:1] in "'\"" else None
    return inner if isinstance(inner, str) else value
