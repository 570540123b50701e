"""EgoSchema (arXiv 2308.09126): five options about three minutes seen through somebody's eyes.

Layout: lmms-lab/egoschema, GENERATION/test-*.parquet (all 5,031, truths not published) and
Subset/test-*.parquet (500): question_idx, question, video_idx, option ("A. ..."), answer (number of
an option as text; none where it is not published); videos/VIDEO.mp4 from the archives.
Prompt: lmms-eval: question, options, DIRECTLY.
Score: the letter. The report's number is of all questions, which the authors' server alone can
score; what it needs are answers by video_idx, which are the keys here.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.choices import (
    DIRECTLY,
    letter_if_known,
    options_in,
    score_letter,
)
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams


def _load(folder: Path, split: str, *, config: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config=config):
        options = [str(option) for option in row["option"]]
        yield watch(
            row,
            folder,
            key=str(row["video_idx"]),
            video=str(row["video_idx"]),
            places=("videos", ""),
            words="\n".join([str(row["question"]), *options, DIRECTLY]),
            truth=letter_if_known(row, "answer", len(options)),
            facts={"options": options_in("\n".join(options))},
        )


EGOSCHEMA = Benchmark(
    name="egoschema",
    title="EgoSchema",
    area="video",
    split="test",
    source="lmms-lab/egoschema",
    load=partial(_load, config="GENERATION"),
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 64.8, "7b": 65.0, "72b": 76.2},
    params=SamplingParams(max_tokens=64),
)
EGOSCHEMA_SUBSET = replace(
    EGOSCHEMA,
    name="egoschema-subset",
    title="EgoSchema, 500 with truths",
    load=partial(_load, config="Subset"),
    published={},
)
