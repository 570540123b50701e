"""Pointing: places on things whose masks are known.

The report's own set of points was not published; its scores (58.3, 67.3, 67.5) cannot be redone.

Layouts:
- PointArena/pointarena-data (arXiv 2505.09990): data.json with image_filename, mask_filename,
  category, user_input, count; selected_images.zip and selected_masks.zip, or folders of that name.
- allenai/pixmo-points-eval (arXiv 2409.17146), test-*.parquet: image_url, image_sha256, label,
  points, masks (one a thing, True on it). Pictures are fetched before, as images/SHA256.jpg.
- Masks of one's own: questions.jsonl with image, question, masks (names of black and white
  pictures, one a thing).
Prompt: PointArena's own words, or `grounding.prompt`; answers are JSON in resized_px. lmms-eval
asks PointArena's for thousandths, which is not how this model was trained.
Score: PointArena: the first point lies on the mask; of its category "counting" all points do, and
their number is right. `fraction` is the share of points on the mask, lmms-eval's other number. The
two others: F1 of things and points.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qvl.data.masks import RunLengths, rasterised, run_lengths
from qvl.errors import DataError, QvlError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask, fetched_name, with_hash
from qvl.evaluation.benchmarks.grounded import points_of
from qvl.evaluation.layouts.pictures import MissingMedium, file_below
from qvl.evaluation.layouts.rows import json_rows, parquet_rows
from qvl.evaluation.layouts.zips import ZippedPictures
from qvl.evaluation.scorers.pointing import (
    Mask,
    on_mask,
    point_in_mask,
    points_in_mask,
    points_in_masks,
)
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import percents_by
from qvl.geometry import ImageSize, Point, ResizeTransform
from qvl.messages import SamplingParams
from qvl.processing.image import load_image
from qvl.tasks import grounding

_COUNTING = "counting"
_CLOSING = "\nOutput the point coordinates in JSON format."
_EVERY = "\nPoint to every object that is counted."


def _load_pointarena(folder: Path, split: str) -> Iterator[Question]:
    images = ZippedPictures(folder, "selected_images")
    masks = ZippedPictures(folder, "selected_masks")
    for number, row in enumerate(json_rows(folder / "data.json")):
        category = str(row["category"])
        picture, truth, broken = None, None, ""
        try:
            picture = images.of(str(row["image_filename"]), where=row.where)
            truth = _written(_mask(masks.of(str(row["mask_filename"]), where=row.where), row.where))
        except MissingMedium as error:
            broken = error.message
        question = ask(
            row,
            folder,
            key=str(number),
            pictures=[picture],
            words=f"{str(row['user_input']).strip()}"
            f"{_EVERY if category == _COUNTING else ''}{_CLOSING}",
            truth={"mask": truth, "count": int(row.get("count", 0))},
            groups={"category": category},
        )
        yield replace(question, broken=broken) if broken else question


def _load_pixmo(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split, at_once=1)):
        sha256 = str(row["image_sha256"])
        masks = [np.array(mask, dtype=bool) for mask in row["masks"]]
        question = ask(
            row,
            folder,
            key=str(number),
            pictures=[fetched_name(folder, sha256)],
            words=grounding.prompt(str(row["label"]), kind="point"),
            truth=[_written(mask) for mask in masks if mask.ndim == 2 and mask.any()],
            facts={"cluster": sha256},
        )
        yield with_hash(question, sha256)


def _load_own(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(json_rows(folder / "questions.jsonl")):
        names = [str(name) for name in row["masks"]]
        truth, broken = [], ""
        for name in names:
            try:
                content = file_below(name, folder, where=row.where).read_bytes()
                truth.append(_written(_mask(content, row.where)))
            except MissingMedium as error:
                broken = error.message
        question = ask(
            row,
            folder,
            key=str(row.get("id", number)),
            pictures=[row.get("image")],
            words=f"{str(row['question']).strip()}{_CLOSING}",
            truth=truth,
        )
        yield replace(question, broken=broken) if broken else question


def _mask(content: bytes, where: str) -> Mask:
    """bool[H, W]: what is brighter than half."""
    try:
        picture = load_image(content)
    except QvlError as error:
        raise DataError(f"{where}: a mask cannot be read: {error.message}") from error
    return np.asarray(picture.convert("L")) > 127


def _written(mask: Mask) -> dict[str, Any]:
    runs = run_lengths(mask)
    return {"size": list(runs.size), "counts": runs.counts}


def _read(written: Mapping[str, Any]) -> Mask:
    size = ImageSize(*written["size"])
    return rasterised(RunLengths(size=size, counts=written["counts"]), size, size)


def _points(text: str, transforms: Sequence[ResizeTransform], mask: Mask) -> list[Point]:
    """Points in pixels of the mask, which may be smaller than the picture."""
    points = points_of(text, transforms)
    if not transforms:
        return points
    size = transforms[0].original
    across, down = mask.shape[1] / size.width, mask.shape[0] / size.height
    return [Point(point.x * across, point.y * down) for point in points]


def _score_pointarena(question: Question, reply: Reply) -> Score:
    mask = _read(question.truth["mask"])
    points = _points(reply.text, reply.transforms, mask)
    if question.groups["category"] == _COUNTING:
        return points_in_mask(points=points, mask=mask, count=question.truth["count"])
    return point_in_mask(points=points, mask=mask)


def _total_pointarena(scored: Sequence[Scored]) -> dict[str, float]:
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        "fraction": 100 * mean([_fraction(item) for item in scored]),
        **percents_by(scored, "category"),
    }


def _fraction(item: Scored) -> float:
    if not item.text or item.truth["mask"] is None:
        return 0.0
    mask = _read(item.truth["mask"])
    points = _points(item.text, item.transforms, mask)
    return mean([float(on_mask(point, mask)) for point in points]) if points else 0.0


def _score_f1(question: Question, reply: Reply) -> Score:
    masks = [_read(written) for written in question.truth]
    blank = np.zeros((1, 1), dtype=bool)
    points = _points(reply.text, reply.transforms, masks[0] if masks else blank)
    return points_in_masks(points=points, masks=masks)


def _mean_f1(scored: Sequence[Scored]) -> dict[str, float]:
    return {"f1": 100 * mean([item.score.value for item in scored])}


_benchmark = partial(Benchmark, area="grounding", params=SamplingParams(max_tokens=1024))

POINTARENA = _benchmark(
    name="pointarena",
    title="PointArena",
    split="test",
    source="PointArena/pointarena-data",
    load=_load_pointarena,
    score=_score_pointarena,
    total=_total_pointarena,
    metric="accuracy",
)
PIXMO_POINTS = _benchmark(
    name="pixmo-points",
    title="PixMo-Points-Eval",
    split="test",
    source="allenai/pixmo-points-eval",
    load=_load_pixmo,
    score=_score_f1,
    total=_mean_f1,
    metric="f1",
)
POINT_MASKS = _benchmark(
    name="point-masks",
    title="Points on masks",
    split="test",
    source="a folder of one's own",
    load=_load_own,
    score=_score_f1,
    total=_mean_f1,
    metric="f1",
)
