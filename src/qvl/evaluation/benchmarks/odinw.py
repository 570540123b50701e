"""ODinW-13 (arXiv 2112.03857): detection in thirteen small sets of their own kinds.

Layouts: the sets as published, AerialMaritimeDrone/large/valid/annotations_without_background.json
and so on, in COCO's format with the pictures beside it; or kcz358/ODinW-13, test-*.parquet with
image, dataset_name, categories, bboxes (corners in original_px), labels. The report does not say
which split its number is of; evaluations of detectors take "valid" (small variants of it for
EgoHands and VehiclesOpenImages), where the sets also have "test".
Prompt: QwenLM/Qwen3-VL evaluation/ODinW-13.
Score: COCO's mAP of each set, all boxes with score 1 and in the order written, at most 1000 a
picture, labels equal to a category but for case; the mean of the sets, each rounded to a tenth of
a percent. Source: QwenLM/Qwen3-VL evaluation/ODinW-13. There, a list that does not parse is no
list; here, what stands in it counts, and `whole_lists` gives the number by that rule for lists that
were cut. A question's own score is the F1 of its boxes at an overlap of one half.
lmms-eval reads each box as pixels or as thousandths, whichever fits the truth better: not offered.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.coco import read_coco
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.report.failures import PLACES
from qvl.evaluation.scorers.boxes import box_list_f1
from qvl.evaluation.scorers.coco_map import Detection, Truth, average_precision
from qvl.evaluation.scorers.score import Score, mean
from qvl.geometry import Box, ResizeTransform
from qvl.messages import SamplingParams
from qvl.tasks import detection, grounding

# Folder of each set's variant that counts. Source: microsoft/GLIP configs/odinw_13.
_SETS = {
    "AerialMaritimeDrone": "large",
    "Aquarium": "Aquarium Combined.v2-raw-1024.coco",
    "CottontailRabbits": "",
    "EgoHands": "generic",
    "NorthAmericaMushrooms": "North American Mushrooms.v1-416x416.coco",
    "Packages": "Raw",
    "PascalVOC": "",
    "Raccoon": "Raccoon.v2-raw.coco",
    "ShellfishOpenImages": "raw",
    "VehiclesOpenImages": "416x416",
    "pistols": "export",
    "pothole": "",
    "thermalDogsAndPeople": "",
}
_FILE = "annotations_without_background.json"
_PLACES = {
    "valid": (f"mini_val/{_FILE}", f"valid/{_FILE}", f"val_{_FILE}"),
    "test": (f"mini_test/{_FILE}", f"test/{_FILE}", f"test_{_FILE}"),
}
_MOST_BOXES = 1000


def _load(folder: Path, split: str) -> Iterator[Question]:
    if any((folder / name).is_dir() for name in _SETS):
        for name in _SETS:
            yield from _from_coco(folder, name, split)
        return
    for number, row in enumerate(parquet_rows(folder, split)):
        boxes = [
            (str(label), Box(*map(float, box)), False, None)
            for label, box in zip(row["labels"], row["bboxes"], strict=True)
        ]
        categories = [str(name) for name in row["categories"]]
        name = str(row["dataset_name"])
        yield _question(row, folder, str(number), name, categories, boxes, row.get("image"))


def _from_coco(folder: Path, name: str, split: str) -> Iterator[Question]:
    if split not in _PLACES:
        raise DataError(f"no split {split!r}, expected one of {', '.join(_PLACES)}")
    root = folder / name / _SETS[name]
    path = next((root / place for place in _PLACES[split] if (root / place).is_file()), None)
    if path is None:
        raise DataError(
            f"{root} has no {split} split of {name}, expected {_PLACES[split][1]}",
            hint="all thirteen sets are needed: the number is their mean",
        )
    categories, pictures = read_coco(path)
    for picture in pictures:
        boxes = [(item.category, item.box, item.is_crowd, item.area) for item in picture.boxes]
        row = Row(picture.where, {})
        key = f"{name}-{picture.number}"
        yield _question(row, path.parent, key, name, categories, boxes, picture.file_name)


def _question(
    row: Row,
    folder: Path,
    key: str,
    name: str,
    categories: list[str],
    boxes: Sequence[tuple[str, Box, bool, float | None]],
    picture: object,
) -> Question:
    return ask(
        row,
        folder,
        key=key,
        pictures=[picture],
        words=detection.prompt(categories),
        truth=[[label, list(box), is_crowd, area] for label, box, is_crowd, area in boxes],
        groups={"set": name},
        facts={"categories": categories, PLACES: [[label, *box] for label, box, _, _ in boxes]},
    )


def _found(
    text: str, transforms: Sequence[ResizeTransform], categories: Sequence[str]
) -> tuple[list[tuple[str, Box]], bool]:
    """Boxes whose label is a category, and whether the answer was cut."""
    names = {name.strip().lower(): name for name in categories}
    result = grounding.parse(text, transforms=transforms[:1])
    labelled = ((names.get(item.label.strip().lower()), item.box) for item in result.boxes)
    return [(name, box) for name, box in labelled if name is not None], result.truncated


def _score(question: Question, reply: Reply) -> Score:
    found, _ = _found(reply.text, reply.transforms, question.facts["categories"])
    truths = [(label, Box(*box)) for label, box, is_crowd, _ in question.truth if not is_crowd]
    hits = 0
    for name in {label for label, _ in truths}:
        of_kind = [box for label, box in found if label == name]
        there = [box for label, box in truths if label == name]
        hits += len(box_list_f1(boxes=of_kind, truths=there).pairs)
    total = len(found) + len(truths)
    return Score(
        value=2 * hits / total if total else 1.0,
        why=f"{hits} of {len(truths)} boxes found, {len(found)} given",
        is_parsed=bool(found) or not truths,
    )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    sets = dict.fromkeys(item.groups["set"] for item in scored)
    found = {name: _map([item for item in scored if item.groups["set"] == name]) for name in sets}
    whole = {
        name: _map([item for item in scored if item.groups["set"] == name], whole_lists=True)
        for name in sets
    }
    return {"map": _mean(found), "whole_lists": _mean(whole), **found}


def _mean(by_set: dict[str, float]) -> float:
    return mean([round(value, 1) for value in by_set.values()])


def _map(scored: Sequence[Scored], *, whole_lists: bool = False) -> float:
    detections, truths = [], []
    for item in scored:
        found, is_cut = _found(item.text, item.transforms, item.facts["categories"])
        if not (whole_lists and is_cut):
            detections += [Detection(image=item.key, kind=name, box=box) for name, box in found]
        truths += [
            Truth(image=item.key, kind=label, box=Box(*box), is_crowd=is_crowd, area=area)
            for label, box, is_crowd, area in item.truth
        ]
    if not truths:
        return 0.0
    result = average_precision(detections=detections, truths=truths, max_detections=_MOST_BOXES)
    return 100 * (result.ap or 0.0)


ODINW = Benchmark(
    name="odinw-13",
    title="ODinW-13",
    area="grounding",
    split="test",
    source="kcz358/ODinW-13",
    load=_load,
    score=_score,
    total=_total,
    metric="map",
    published={"3b": 37.5, "7b": 37.3, "72b": 43.1},
    params=SamplingParams(max_tokens=4096),
)
