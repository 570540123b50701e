"""RefCOCO, RefCOCO+ (arXiv 1608.00272) and RefCOCOg (arXiv 1511.02283): the one thing that a phrase
names.

Layouts: the annotations of Qwen-VL's evaluation, refcoco_testA.jsonl with image, sent, bbox
(corners in original_px), one phrase a line, pictures below the same folder; or lmms-lab/RefCOCO,
RefCOCOplus and RefCOCOg, testA-*.parquet with image, answer (phrases), bbox (x, y, width, height),
question_id.
Published scores are of the first: each phrase is a question. In lmms-lab/RefCOCO the split "val"
has 8811 things, of which the official one has 3811.
Prompt: the authors': "Locate {phrase} in this image and output the bbox coordinates in JSON
format."
Score: the first box overlaps the truth by one half or more. lmms-eval takes the box that fits the
truth best, read as pixels or as thousandths, whichever fits better: `any_box` is the first half of
that; the second would take the truth to read the answer and is not offered.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.grounded import box_of, boxes_of
from qvl.evaluation.layouts.rows import Row, json_rows, parquet_rows
from qvl.evaluation.report.failures import PLACES
from qvl.evaluation.scorers.boxes import HIT_AT, referred_box
from qvl.evaluation.scorers.score import Score, mean
from qvl.geometry import Box, box_iou
from qvl.messages import SamplingParams
from qvl.tasks import grounding

# Source: report, table 6.
_PUBLISHED = {
    ("refcoco", "val"): {"3b": 89.1, "7b": 90.0, "72b": 92.7},
    ("refcoco", "testA"): {"3b": 91.7, "7b": 92.5, "72b": 94.6},
    ("refcoco", "testB"): {"3b": 84.0, "7b": 85.4, "72b": 89.7},
    ("refcoco+", "val"): {"3b": 82.4, "7b": 84.2, "72b": 88.9},
    ("refcoco+", "testA"): {"3b": 88.0, "7b": 89.1, "72b": 92.2},
    ("refcoco+", "testB"): {"3b": 74.1, "7b": 76.9, "72b": 83.7},
    ("refcocog", "val"): {"3b": 85.2, "7b": 87.2, "72b": 89.9},
    ("refcocog", "test"): {"3b": 85.7, "7b": 87.2, "72b": 90.3},
}
_SETS = {
    "refcoco": ("RefCOCO", "lmms-lab/RefCOCO"),
    "refcoco+": ("RefCOCO+", "lmms-lab/RefCOCOplus"),
    "refcocog": ("RefCOCOg", "lmms-lab/RefCOCOg"),
}


def refcoco_benchmarks() -> list[Benchmark]:
    """Returns one benchmark for each of the eight splits of the report."""
    return [
        Benchmark(
            name=f"{name}-{split.lower()}",
            title=f"{_SETS[name][0]} {split}",
            area="grounding",
            split=split,
            source=_SETS[name][1],
            load=partial(_load, name=name),
            score=_score,
            total=_total,
            metric="accuracy",
            published=published,
            params=SamplingParams(max_tokens=256),
        )
        for (name, split), published in _PUBLISHED.items()
    ]


def _load(folder: Path, split: str, *, name: str) -> Iterator[Question]:
    lines = folder / f"{name}_{split}.jsonl"
    if lines.is_file():
        for number, row in enumerate(json_rows(lines)):
            box = box_of(row, "bbox", with_size=False)
            yield _question(row, folder, str(number), str(row["sent"]), box, str(row.get("image")))
        return
    for number, row in enumerate(parquet_rows(folder, split)):
        box = box_of(row, "bbox", with_size=True)
        answers = row["answer"]
        for place, phrase in enumerate([answers] if isinstance(answers, str) else answers):
            yield _question(row, folder, f"{number}-{place}", str(phrase), box, str(number))


def _question(row: Row, folder: Path, key: str, phrase: str, box: Box, cluster: str) -> Question:
    return ask(
        row,
        folder,
        key=key,
        pictures=[row.get("image")],
        words=grounding.prompt(phrase),
        truth=list(box),
        facts={PLACES: [[phrase, *box]], "cluster": cluster},
    )


def _score(question: Question, reply: Reply) -> Score:
    boxes = boxes_of(reply.text, reply.transforms)
    return referred_box(boxes=boxes, truth=Box(*question.truth))


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = [
        [box_iou(box, Box(*item.truth)) for box in boxes_of(item.text, item.transforms)]
        for item in scored
    ]
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        "mean_iou": 100 * mean([overlaps[0] if overlaps else 0.0 for overlaps in found]),
        "any_box": 100 * mean([float(max(overlaps, default=0.0) >= HIT_AT) for overlaps in found]),
    }
