"""ScreenSpot-Pro (arXiv 2504.07981): small elements on large screens of professional programs.

Layout: likaixin/ScreenSpot-Pro, annotations/*.json, a list each: id, img_filename, bbox (corners in
pixels), instruction, instruction_cn, application, platform, group, ui_type (text, icon), img_size
(width, height); images/.
Prompt: as `screenspot`; the pictures are larger than the models see at most, and are made smaller.
The authors let the model see all of them.
Score: the click lies in the box; over all questions.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.grounded import box_of
from qvl.evaluation.benchmarks.screens import ask_on_screen
from qvl.evaluation.benchmarks.screenspot import score_click
from qvl.evaluation.layouts.rows import json_rows
from qvl.evaluation.scorers.score import mean
from qvl.evaluation.scoring import percents_by
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    lists = sorted((folder / "annotations").glob("*.json"))
    if split != "test" or not lists:
        raise DataError(f"{folder} has no annotations/*.json of the split {split!r}")
    for path in lists:
        for row in json_rows(path):
            box = box_of(row, "bbox", with_size=False)
            yield ask_on_screen(
                row,
                folder,
                key=str(row["id"]),
                screenshot=f"images/{row['img_filename']}",
                words=str(row["instruction"]),
                tool="computer_use",
                truth=list(box),
                first="picture",
                targets={"target": box},
                groups={
                    "group": str(row["group"]),
                    "application": str(row["application"]),
                    "platform": str(row["platform"]),
                    "kind": str(row["ui_type"]),
                },
                facts={"cluster": str(row["img_filename"])},
            )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        **percents_by(scored, "kind"),
        **percents_by(scored, "group"),
    }


SCREENSPOT_PRO = Benchmark(
    name="screenspot-pro",
    title="ScreenSpot-Pro",
    area="agents",
    split="test",
    source="likaixin/ScreenSpot-Pro",
    load=_load,
    score=score_click,
    total=_total,
    metric="accuracy",
    published={"3b": 23.9, "7b": 29.0, "32b": 39.4, "72b": 43.6},
    params=SamplingParams(max_tokens=256),
)
