"""Charades-STA (arXiv 1705.02101): when what a sentence says happens in a video.

Layout: the authors' charades_sta_test.txt, a line a query, "VIDEO START END##sentence", times in
seconds, beside Charades_v1_480/VIDEO.mp4 (or Charades_v1/); or lmms-lab/charades_sta,
test-*.parquet: video, caption, timestamp (a list, or its text).
Prompt: the official notebook's that asks for seconds; `charades-sta-lmms-eval` has lmms-eval's.
Score: overlap of the first span in the answer with the truth; the report's number is its mean. What
states no span counts as 0.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.moments import TimeSpan, first_moment, moment_recall
from qvl.evaluation.scorers.score import Score
from qvl.messages import SamplingParams
from qvl.tasks import video as moments

_LIST = "charades_sta_{split}.txt"
_LINE = re.compile(r"(\S+)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s*##(.+)")
_MOST_BYTES = 64 * 2**20


def _notebook(sentence: str) -> str:
    return moments.prompt(sentence.strip().rstrip("."), style="seconds")


def _lmms_eval(sentence: str) -> str:
    """Source: lmms-eval charades_sta/charades.yaml; "seonds" stands there."""
    return (
        "Please find the visual event described by a sentence in the video, determining its "
        "starting and ending times. The format should be: 'The event happens in the start time - "
        "end time'. For example, The event 'person turn a light on' happens in the 24.3 - 30.4 "
        f"seonds. Now I will give you the textual sentence: {sentence}. Please return its start "
        "time and end time."
    )


def _load(folder: Path, split: str, *, prompt: Callable[[str], str]) -> Iterator[Question]:
    for number, row in enumerate(_rows(folder, split)):
        start_s, end_s = _times(row)
        name = str(row["video"])
        yield watch(
            row,
            folder,
            key=f"{number}-{name.removesuffix('.mp4')}",
            video=name,
            places=("Charades_v1_480", "Charades_v1", "videos", ""),
            words=prompt(str(row["caption"])),
            truth=[start_s, end_s],
        )


def _rows(folder: Path, split: str) -> Iterator[Row]:
    path = folder / _LIST.format(split=split)
    if not path.is_file():
        yield from parquet_rows(folder, split)
        return
    if path.stat().st_size > _MOST_BYTES:
        raise DataError(f"{path} has more than {_MOST_BYTES:,} bytes")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        match = _LINE.fullmatch(line.strip())
        if match is None and line.strip():
            raise DataError(f"{path.name}:{number} is {line[:60]!r}, expected ID 1.0 2.0##words")
        if match is not None:
            video, start, end, words = match.groups()
            times = [float(start), float(end)]
            values = {"video": video, "caption": words, "timestamp": times}
            yield Row(f"{path.name}:{number}", values)


def _times(row: Row) -> tuple[float, float]:
    value: Any = row["timestamp"]
    try:
        start, end = json.loads(value) if isinstance(value, str) else value
        return float(start), float(end)
    except (ValueError, TypeError) as error:
        raise DataError(f"{row.where}: timestamp is {value!r}, expected [start, end]") from error


def _score(question: Question, reply: Reply) -> Score:
    found = moments.parse(reply.text, is_cut=reply.finish_reason == "length").moments
    return first_moment(
        spans=[TimeSpan(item.start_s, item.end_s) for item in found],
        truth=TimeSpan(*question.truth),
    )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = moment_recall([item.score for item in scored])
    return {
        "miou": 100 * found.mean_iou,
        **{f"r1@{least}": 100 * share for least, share in found.recall.items()},
    }


CHARADES_STA = Benchmark(
    name="charades-sta",
    title="Charades-STA",
    area="video",
    split="test",
    source="lmms-lab/charades_sta",
    load=partial(_load, prompt=_notebook),
    score=_score,
    total=_total,
    metric="miou",
    published={"3b": 38.8, "7b": 43.6, "32b": 54.2, "72b": 50.9},
    params=SamplingParams(max_tokens=128),
)
CHARADES_STA_LMMS_EVAL = replace(
    CHARADES_STA,
    name="charades-sta-lmms-eval",
    title="Charades-STA, lmms-eval's prompt",
    load=partial(_load, prompt=_lmms_eval),
    published={},
)
