"""LVBench (arXiv 2406.08035): multiple choice about videos of about an hour.

Layout: zai-org/LVBench, video_info.meta.jsonl, a line a video: key (its name on YouTube), type, qa:
uid, question with its options "(A) ...", answer (a letter), question_type (a list); videos are
fetched by hand, to all_videos/KEY.mp4 or videos/.
Prompt: lmms-eval: the question, "\\nAnswer the question with the option letter".
Score: the letter.
"""

from collections.abc import Iterator
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.choices import options_in, score_letter
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import Row, json_rows
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams

_CLOSING = "\nAnswer the question with the option letter"
_LIST = "video_info.meta.jsonl"


def _load(folder: Path, split: str) -> Iterator[Question]:
    path = next((p for p in (folder / _LIST, folder / "data" / _LIST) if p.is_file()), None)
    if path is None or split != "test":
        raise DataError(f"{folder} has no {_LIST} of the split {split!r}, expected that of test")
    for film in json_rows(path):
        for number, entry in enumerate(film["qa"]):
            row = Row(f"{film.where}, question {number}", entry)
            yield watch(
                row,
                folder,
                key=str(row["uid"]),
                video=str(film["key"]),
                places=("all_videos", "videos", "data/videos", ""),
                words=f"{row['question']}{_CLOSING}",
                truth=str(row["answer"]),
                groups={
                    "kind": str(film["type"]),
                    "asks for": ", ".join(map(str, row["question_type"])),
                },
                facts={"options": options_in(str(row["question"]))},
            )


LVBENCH = Benchmark(
    name="lvbench",
    title="LVBench",
    area="video",
    split="test",
    source="zai-org/LVBench",
    load=_load,
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 43.3, "7b": 45.3, "32b": 49.0, "72b": 47.3},
    params=SamplingParams(max_tokens=64),
)
