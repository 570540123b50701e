"""MMBench-Video (arXiv 2406.14515): open questions about videos of up to six minutes,
rated from 0 to 3.

Layout: opencompass/MMBench-Video, MMBench-Video.tsv: index, video, video_path
("./video/NAME.mp4"), video_type, question, answer, dimensions (a list as Python writes it);
video/NAME.mp4, which the authors pack in video_pkl/.
Prompt: the question, as VLMEvalKit asks models of video.
Score: the authors' prompt for the judge (VLMEvalKit dataset/utils/mmbench_video.py); published
numbers are of GPT-4. There is no rule: without `--judge` no answer is read. What is not rated
counts 0, as in the authors' "all"; a question with several dimensions counts in each.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply, Scored
from qvl.evaluation.benchmarks.choices import options_of
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import tsv_rows
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import Conversation, SamplingParams
from qvl.options import shown

_COLUMNS = ("index", "video", "question", "answer", "dimensions", "video_path")
_MOST = 3
_LONGEST = 20_000
_RATING = re.compile(r"\s*([0-3])(?!\d|\.\d)")

_SYSTEM = """
As an AI assistant, your task is to evaluate a candidate answer in comparison to a given correct \
answer.
The question itself, the correct 'groundtruth' answer, and the candidate answer will be provided \
to you.
Your assessment should range from 0 to 3, based solely on the semantic similarity between the \
groundtruth and the candidate answer, disregarding any grammatical differences.
A rating of 0 suggests no similarity, implying the candidate answer is entirely incorrect.
A rating of 1 suggests low similarity, meaning the candidate answer is largely incorrect.
A rating of 2 suggests high similarity, meaning the candidate answer is largely correct.
Lastly, a rating of 3 indicates complete similarity, which means the candidate answer is entirely \
correct.
Your response should be a single integer from 0, 1, 2, or 3.
"""


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in tsv_rows(folder / "MMBench-Video.tsv", columns=_COLUMNS):
        yield watch(
            row,
            folder,
            key=str(row["index"]),
            video=str(row["video_path"]),
            words=str(row["question"]),
            truth=str(row["answer"]),
            groups={"kind": str(row.get("video_type", "not said"))},
            facts={
                "question": str(row["question"]),
                "cluster": str(row["video"]),
                "dimensions": options_of(row, "dimensions"),
            },
        )


def _score(question: Question, reply: Reply) -> Score:
    return Score(value=0.0, why="not rated: give --judge", is_parsed=False)


def _judged(question: Question, reply: Reply) -> Conversation:
    return Conversation.user(
        f"Question: {question.facts['question']}\nGroundtruth answer: {question.truth}\n"
        f"Candidate answer: {reply.text[:_LONGEST]}\nYour response: ",
        system=_SYSTEM,
    )


def _rating(question: Question, text: str) -> Score:
    match = _RATING.match(text)
    if match is None:
        return Score(value=0.0, why=f"no rating in {shown(text)}", is_parsed=False)
    return Score(value=int(match.group(1)) / _MOST, why=f"rated {match.group(1)} of {_MOST}")


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    """Means of ratings from 0 to 3."""
    dimensions: dict[str, list[float]] = {}
    for item in scored:
        for name in item.facts["dimensions"]:
            dimensions.setdefault(name, []).append(_MOST * item.score.value)
    return {
        "rating": _MOST * mean([item.score.value for item in scored]),
        **{name: mean(values) for name, values in sorted(dimensions.items())},
    }


MMBENCH_VIDEO = Benchmark(
    name="mmbench-video",
    title="MMBench-Video",
    area="video",
    split="test",
    source="opencompass/MMBench-Video",
    load=_load,
    score=_score,
    total=_total,
    metric="rating",
    published={"3b": 1.63, "7b": 1.79, "72b": 2.02},
    params=SamplingParams(max_tokens=512),
    judge=Judge(version="mmbench-video 1", prompt=_judged, read=_rating),
)
