"""OCRBench v2 (arXiv 2501.00321): ten thousand questions about text, in thirty kinds of tasks.

Layout: ling99/OCRBench_v2, data/test-*.parquet: id, dataset_name, question, type ("text spotting
en"), answers, image, eval, bbox, bbox_list, content. Licence MIT.
Prompt: the question as it is. It asks for boxes in thousandths of the picture; that is the space in
which answers to it are read, though the model was trained on pixels.
Score: a rule for each kind of task, see ``scorers/ocrbench_v2``. English and Chinese have numbers
of their own: the mean over groups of tasks, eight and five. As by the authors, translations whose
truth is empty are not in it (they do count one that got an empty answer); `left_out` is how many.
`by_question` is lmms-eval's mean over questions, these among them.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers import ocrbench_v2 as rules
from qvl.evaluation.scorers.long_reading import long_reading
from qvl.evaluation.scorers.ocrbench import ocrbench_formula
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scorers.text_spotting import Spotted, read_spotted, text_spotting
from qvl.evaluation.scoring import percents_by
from qvl.geometry import Box
from qvl.messages import SamplingParams

# Source: OCRBench_v2/eval_scripts/get_score.py.
_GROUPS = {
    "en": {
        "text recognition": "recognition", "fine-grained text recognition": "recognition",
        "full-page OCR": "recognition", "text grounding": "detection",
        "VQA with position": "detection", "text spotting": "spotting",
        "key information extraction": "extraction", "key information mapping": "extraction",
        "document parsing": "parsing", "chart parsing": "parsing", "table parsing": "parsing",
        "formula recognition": "parsing", "math QA": "calculation", "text counting": "calculation",
        "document classification": "understanding", "cognition VQA": "understanding",
        "diagram QA": "understanding", "reasoning VQA": "knowledge", "science QA": "knowledge",
        "APP agent": "knowledge", "ASCII art classification": "knowledge",
    },
    "cn": {
        "full-page OCR": "recognition", "key information extraction": "extraction",
        "handwritten answer extraction": "extraction", "document parsing": "parsing",
        "table parsing": "parsing", "formula recognition": "parsing",
        "cognition VQA": "understanding", "reasoning VQA": "knowledge",
        "text translation": "knowledge",
    },
}  # fmt: skip
_SHORT_ANSWER = "简答"
"""Word of questions that ask for a sentence, not for letters."""
_TRANSLATION = "text translation"


def _load(folder: Path, split: str, *, language: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        task, _, spoken = str(row["type"]).rpartition(" ")
        if spoken not in _GROUPS or task not in _GROUPS[spoken]:
            raise DataError(
                f"{row.where}: type is {row['type']!r}, which is no task of OCRBench v2"
            )
        if spoken != language:
            continue
        words = str(row["question"]).strip()
        yield ask(
            row,
            folder,
            key=str(row["id"]),
            pictures=[row.get("image")],
            words=words,
            truth=[str(answer) for answer in row.get("answers", ())],
            groups={"group": _GROUPS[language][task], "task": task},
            facts={"asked": words, "eval": str(row.get("eval", "")), **_places(row, task)},
        )


def _places(row: Row, task: str) -> dict[str, Any]:
    if task == "VQA with position":
        return {"box": [float(number) for number in row["bbox"]]}
    if task != "text spotting":
        return {}
    corners = [[float(number) for number in outline] for outline in row["bbox_list"]]
    boxes = [[min(o[::2]), min(o[1::2]), max(o[::2]), max(o[1::2])] for o in corners]
    return {"boxes": boxes, "texts": [str(text) for text in row["content"]]}


def _short(question: Question, reply: Reply, *, is_chinese: bool) -> Score:
    if question.facts["eval"] == "multiple choice":
        return rules.chosen_letters(answer=reply.text, truth=question.truth[0])
    case_matters = question.facts["eval"] == "case sensitive"
    return rules.short_answer(
        answer=reply.text,
        truths=question.truth,
        is_chinese=is_chinese and not case_matters,
        case_matters=case_matters,
    )


def _long(question: Question, reply: Reply) -> Score:
    return long_reading(answer=reply.text, truth=question.truth[0])


def _fields(question: Question, reply: Reply) -> Score:
    try:
        record = ast.literal_eval(question.truth[0].strip('"'))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        record = None
    if not isinstance(record, dict):
        raise DataError(
            f"{question.key}: answers are {question.truth[0][:80]!r}, expected a record"
        )
    truth = {
        str(key): value if isinstance(value, list) else [value] for key, value in record.items()
    }
    return rules.extracted_fields(answer=reply.text, truth=truth)


def _table(question: Question, reply: Reply, *, is_chinese: bool) -> Score:
    is_markdown = not is_chinese and "html" not in question.facts["asked"].lower()
    return rules.parsed_table(answer=reply.text, truth=question.truth[0], is_markdown=is_markdown)


def _spotting(question: Question, reply: Reply) -> Score:
    truth = [
        Spotted(box=Box(*box), text=text)
        for box, text in zip(question.facts["boxes"], question.facts["texts"], strict=True)
    ]
    return text_spotting(answer=read_spotted(reply.text), truth=truth)


def _handwritten(question: Question, reply: Reply) -> Score:
    if _SHORT_ANSWER in question.facts["asked"]:
        return _long(question, reply)
    return rules.handwritten_choices(answer=reply.text, truth=question.truth[0])


def _formula(question: Question, reply: Reply, *, is_chinese: bool) -> Score:
    rule = rules.contained_formula if is_chinese else ocrbench_formula
    return rule(answer=reply.text, truths=question.truth)


def _counting(question: Question, reply: Reply) -> Score:
    is_exact = question.facts["eval"] == "exact match"
    return rules.counted(answer=reply.text, truths=question.truth, is_exact=is_exact)


def _grounding(question: Question, reply: Reply) -> Score:
    return rules.grounded_text(answer=reply.text, truth=[float(n) for n in question.truth])


def _with_place(question: Question, reply: Reply) -> Score:
    return rules.answer_with_place(
        answer=reply.text, truths=question.truth, box=question.facts["box"]
    )


def _outline(question: Question, reply: Reply) -> Score:
    return rules.parsed_outline(answer=reply.text, truth=question.truth[0])


def _chart(question: Question, reply: Reply) -> Score:
    return rules.parsed_chart(answer=reply.text, truth=question.truth[0])


_RULES: dict[str, Callable[[Question, Reply], Score]] = {
    "full-page OCR": _long,
    "fine-grained text recognition": _long,
    _TRANSLATION: _long,
    "handwritten answer extraction": _handwritten,
    "key information extraction": _fields,
    "key information mapping": _fields,
    "text counting": _counting,
    "text grounding": _grounding,
    "text spotting": _spotting,
    "VQA with position": _with_place,
    "document parsing": _outline,
    "chart parsing": _chart,
}


def _score(question: Question, reply: Reply, *, language: str) -> Score:
    task = question.groups["task"]
    if not question.truth and task != "text spotting":
        raise DataError(f"{question.key} has no answers")
    if _is_left_out(task, question.truth):
        return Score(value=0.0, why="left out of the mean: its truth is empty")
    if task in ("table parsing", "formula recognition"):
        rule = _table if task == "table parsing" else _formula
        return rule(question, reply, is_chinese=language == "cn")
    if task in _RULES:
        return _RULES[task](question, reply)
    return _short(question, reply, is_chinese=language == "cn")


def _is_left_out(task: str, truth: Sequence[str]) -> bool:
    """Source: OCRBench_v2/eval_scripts/eval.py, "ignore"."""
    return task == _TRANSLATION and not truth[0]


def _is_counted(item: Scored) -> bool:
    return not _is_left_out(item.groups["task"], item.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    counted = [item for item in scored if _is_counted(item)]
    found = percents_by(counted, "group")
    return {
        "mean": mean(list(found.values())),
        "by_question": 100 * mean([item.score.value for item in scored]),
        **found,
        "left_out": float(len(scored) - len(counted)),
    }


def _benchmark(language: str, title: str, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=f"ocrbench-v2-{'zh' if language == 'cn' else language}",
        title=title,
        area="documents",
        split="test",
        source="ling99/OCRBench_v2",
        load=partial(_load, language=language),
        score=partial(_score, language=language),
        total=_total,
        metric="mean",
        published=published,
        params=SamplingParams(max_tokens=4096),
        in_headline=_is_counted,
    )


OCRBENCH_V2_EN = _benchmark("en", "OCRBench v2 English", {"3b": 54.3, "7b": 56.3, "72b": 61.5})
OCRBENCH_V2_ZH = _benchmark("cn", "OCRBench v2 Chinese", {"3b": 52.1, "7b": 57.2, "72b": 63.7})
