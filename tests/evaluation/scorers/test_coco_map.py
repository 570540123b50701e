"""Mean average precision, against pycocotools."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest

from qvl.errors import DataError
from qvl.evaluation.scorers.coco_map import Detection, Truth, average_precision
from qvl.geometry import Box


def _random(seed: int) -> tuple[list[Detection], list[Truth]]:
    rng = np.random.default_rng(seed)
    truths, detections = [], []
    for image in range(6):
        for kind in ("cat", "dog", "cup"):
            for _ in range(rng.integers(0, 4)):
                x, y, w, h = rng.uniform(1, 120, 4)
                truths.append(
                    Truth(
                        image=image,
                        kind=kind,
                        box=Box(x, y, x + w, y + h),
                        is_crowd=bool(rng.random() < 0.1),
                        area=float(w * h * rng.uniform(0.3, 1)),
                    )
                )
                for _ in range(rng.integers(0, 3)):
                    dx, dy, dw, dh = rng.normal(0, 6, 4)
                    box = Box(x + dx, y + dy, x + dx + abs(w + dw), y + dy + abs(h + dh))
                    score = float(rng.choice([1.0, 0.5, rng.random()]))
                    detections.append(Detection(image=image, kind=kind, box=box, score=score))
    rng.shuffle(detections)  # type: ignore[arg-type]
    return detections, truths


def _oracle(detections: list[Detection], truths: list[Truth], limit: int) -> list[float]:
    """AP, AP50, AP75, small, medium, large as COCOeval gives them."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    kinds = list(dict.fromkeys(truth.kind for truth in truths))

    def xywh(box: Box) -> list[float]:
        return [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1]

    there, found = coco.COCO(), coco.COCO()
    categories = [{"id": kinds.index(kind) + 1, "name": kind} for kind in kinds]
    images = [{"id": image} for image in range(6)]
    there.dataset = {"images": images, "categories": categories, "annotations": [
        {"id": number, "image_id": truth.image, "category_id": kinds.index(truth.kind) + 1,
         "bbox": xywh(truth.box), "area": truth.area, "iscrowd": int(truth.is_crowd)}
        for number, truth in enumerate(truths, start=1)
    ]}  # fmt: skip
    records: list[dict[str, Any]] = [
        {"image_id": item.image, "category_id": kinds.index(item.kind) + 1,
         "bbox": xywh(item.box), "score": item.score}
        for item in detections if item.kind in kinds
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        there.createIndex()
        found = there.loadRes(records)
        judge = evaluation.COCOeval(there, found, "bbox")
        judge.params.maxDets = [1, limit, limit]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"]  # overlaps, recalls, kinds, areas, limits

    def mean(values: np.ndarray) -> float:
        values = values[values > -1]
        return float(values.mean()) if values.size else -1.0

    whole = precision[..., 0, 2]
    sizes = [mean(precision[..., area, 2]) for area in (1, 2, 3)]
    return [mean(whole), mean(whole[0]), mean(whole[5]), *sizes]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("limit", [2, 100])
def test_equals_pycocotools(seed: int, limit: int) -> None:
    detections, truths = _random(seed)
    ours = average_precision(detections=detections, truths=truths, max_detections=limit)
    values = [ours.ap, ours.ap50, ours.ap75, ours.ap_small, ours.ap_medium, ours.ap_large]
    expected = _oracle(detections, truths, limit)
    assert [-1 if value is None else value for value in values] == pytest.approx(expected)


def test_perfect_and_nothing() -> None:
    _, truths = _random(0)
    truths = [truth for truth in truths if not truth.is_crowd]
    found = [Detection(image=t.image, kind=t.kind, box=t.box) for t in truths]
    assert average_precision(detections=found, truths=truths).ap == pytest.approx(1)
    assert average_precision(detections=[], truths=truths).ap == 0
    with pytest.raises(DataError):
        average_precision(detections=found, truths=[])


def test_without_scores_the_order_of_writing_breaks_ties() -> None:
    truth = Truth(image=0, kind="cat", box=Box(0, 0, 10, 10))
    right = Detection(image=0, kind="cat", box=truth.box)
    wrong = Detection(image=0, kind="cat", box=Box(50, 50, 60, 60))
    assert average_precision(detections=[right, wrong], truths=[truth]).ap == 1
    assert average_precision(detections=[wrong, right], truths=[truth]).ap == pytest.approx(0.5)


def test_kinds_are_averaged() -> None:
    truths = [Truth(image=0, kind=kind, box=Box(0, 0, 9, 9)) for kind in ("cat", "dog")]
    found = [Detection(image=0, kind="cat", box=Box(0, 0, 9, 9))]
    result = average_precision(detections=found, truths=truths)
    assert result.by_kind == {"cat": 1, "dog": 0}
    assert (result.ap, result.ap_large) == (0.5, None)
