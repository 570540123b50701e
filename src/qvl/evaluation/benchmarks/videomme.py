"""Video-MME (arXiv 2405.21075): multiple choice about short, medium and long videos, with and
without subtitles.

Layout: lmms-lab/Video-MME, videomme/test-*.parquet: videoID, question_id, duration (short, medium,
long), domain, sub_category, task_type, question, options ("A. ..."), answer (a letter); the
unpacked archives: data/VIDEOID.mp4, subtitle/VIDEOID.srt. A video without a file of subtitles has
no speech: its questions are asked with the words for that, as lmms-eval does.
Prompt: the authors'. lmms-eval speaks of subtitles also where there are none, and asks for the
letter in other words.
Subtitles: of the frames that are sampled, as the authors give them.
Score: the letter, by our own reading; `first_letter` reads as the authors' script does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import av

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.choices import options_in, score_letter
from qvl.evaluation.benchmarks.watching import FPS, MAX_FRAMES, find_video, watch
from qvl.evaluation.layouts.pictures import MissingMedium, file_below
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.choice_letters import scored
from qvl.evaluation.scorers.choice_letters_peers import video_mme_letter
from qvl.evaluation.scorers.score import mean
from qvl.evaluation.scoring import percents_by
from qvl.evaluation.subtitles import joined, read_srt, sampled_times, shown_at
from qvl.messages import SamplingParams

_PLACES = ("data", "video", "videos", "")
_ASKED = (
    "Select the best answer to the following multiple-choice question based on the video{also}. "
    "Respond with only the letter (A, B, C, or D) of the correct option."
)
_LISTED = "This video's subtitles are listed below:\n{subtitles}\n"
_NONE = "No subtitles available"


def _load(folder: Path, split: str, *, with_subtitles: bool) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config="videomme"):
        video = str(row["videoID"])
        options = [str(option) for option in row["options"]]
        asked = _ASKED.format(also=" and the subtitles" if with_subtitles else "")
        words = "\n".join([asked, str(row["question"]), *options, "The best answer is:"])
        broken = ""
        if with_subtitles:
            try:
                words = _LISTED.format(subtitles=_subtitles(row, folder, video)) + words
            except DataError as error:
                broken = error.message
        question = watch(
            row,
            folder,
            key=str(row["question_id"]),
            video=video,
            places=_PLACES,
            words=words,
            truth=str(row["answer"]),
            groups={
                "duration": str(row["duration"]),
                "domain": str(row["domain"]),
                "task": str(row["task_type"]),
            },
            facts={"options": options_in("\n".join(option.rstrip(". ") for option in options))},
        )
        yield replace(question, broken=question.broken or broken)


def _subtitles(row: Row, folder: Path, video: str) -> str:
    try:
        lines = read_srt(file_below(f"subtitle/{video}.srt", folder, where=row.where))
        source = find_video(video, folder, places=_PLACES, where=row.where)
    except MissingMedium:
        return _NONE
    duration_s = _duration_s(source)
    if duration_s is not None:
        lines = shown_at(lines, sampled_times(duration_s, fps=FPS, max_frames=MAX_FRAMES))
    return joined(lines, where=row.where) or _NONE


@lru_cache(maxsize=4)
def _duration_s(path: Path) -> float | None:
    """Length of a video by its header; None if it has none: asking about it will say why."""
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            duration = container.duration
    except (av.error.FFmpegError, OSError):
        return None
    return float(duration / av.time_base) if duration else None


def _total(scored_items: Sequence[Scored]) -> dict[str, float]:
    first = [
        scored(video_mme_letter(item.text), str(item.truth), item.text).value
        for item in scored_items
    ]
    return {
        "accuracy": 100 * mean([item.score.value for item in scored_items]),
        "first_letter": 100 * mean(first),
        **percents_by(scored_items, "duration"),
    }


VIDEOMME = Benchmark(
    name="videomme",
    title="Video-MME",
    area="video",
    split="test",
    source="lmms-lab/Video-MME",
    load=partial(_load, with_subtitles=False),
    score=score_letter,
    total=_total,
    metric="accuracy",
    published={"3b": 61.5, "7b": 65.1, "32b": 70.5, "72b": 73.3},
    params=SamplingParams(max_tokens=64),
)
VIDEOMME_SUBTITLES = replace(
    VIDEOMME,
    name="videomme-subtitles",
    title="Video-MME with subtitles",
    load=partial(_load, with_subtitles=True),
    published={"3b": 67.6, "7b": 71.6, "32b": 77.9, "72b": 79.1},
)
