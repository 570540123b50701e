"""LongVideoBench (arXiv 2407.15754): multiple choice about moments that the question describes, in
videos of up to an hour.

Layout: longvideobench/LongVideoBench, validation-*.parquet (option0 to option4, "N/A" where there
are fewer) or lvb_val.json (candidates): id, video_path, question, correct_choice, duration,
duration_group (15, 60, 600, 3600), question_category, subtitle_path,
starting_timestamp_for_subtitles; unpacked: videos/, subtitles/.
Prompt: lmms-eval: question, options, DIRECTLY.
Subtitles: the authors put every line behind the frames up to its middle, where a frame shows it;
here the frames are short spans of the video, each before its lines. The report does not say which
of the two it measured; the published number stands beside the video alone.
Score: the letter.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.choices import ALPHABET, asked_directly, lettered, score_letter
from qvl.evaluation.benchmarks.watching import TOTAL_PIXELS, watch
from qvl.evaluation.layouts.pictures import file_below
from qvl.evaluation.layouts.rows import Row, json_rows, parquet_rows
from qvl.evaluation.scoring import mean_percent
from qvl.evaluation.subtitles import Line, joined, read_json_subtitles, within
from qvl.messages import Conversation, SamplingParams, Text, Video

_NO_OPTION = "N/A"
_MOST_OPTIONS = 5
_FRAMES = 4
"""Of one span."""
_MOST_SPANS = 64
"""256 frames, as many as the authors give at most."""


def _load(folder: Path, split: str, *, with_subtitles: bool) -> Iterator[Question]:
    for row in _rows(folder, split):
        options = lettered(_options(row))
        place = row["correct_choice"]
        if not isinstance(place, int) or not 0 <= place < len(options):
            raise DataError(f"{row.where}: correct_choice is {place!r} of {len(options)} options")
        question = watch(
            row,
            folder,
            key=str(row["id"]),
            video=str(row["video_path"]),
            places=("videos", "."),
            words=asked_directly(row["question"], options),
            truth=ALPHABET[place],
            groups={
                "seconds": str(row["duration_group"]),
                "category": str(row["question_category"]),
            },
            facts={"options": options},
        )
        if with_subtitles and not question.broken:
            try:
                question = _interleaved(question, row, folder)
            except DataError as error:
                question = replace(question, broken=error.message)
        yield question


def _rows(folder: Path, split: str) -> Iterator[Row]:
    listed = folder / "lvb_val.json"
    if split == "validation" and listed.is_file():
        return json_rows(listed)
    return parquet_rows(folder, split)


def _options(row: Row) -> list[str]:
    if "candidates" in row.values:
        return [str(option) for option in row["candidates"]]
    options = [row.get(f"option{number}", _NO_OPTION) for number in range(_MOST_OPTIONS)]
    return [str(option) for option in options if option != _NO_OPTION]


def _interleaved(question: Question, row: Row, folder: Path) -> Question:
    """The question with its video in spans, each followed by the subtitles in its time."""
    path = file_below(f"subtitles/{row['subtitle_path']}", folder, where=row.where)
    duration_s, start_s = float(row["duration"]), float(row["starting_timestamp_for_subtitles"])
    lines = [
        Line(start_s=line.start_s - start_s, end_s=line.end_s - start_s, text=line.text)
        for line in read_json_subtitles(path)
    ]
    lines = within(lines, 0.0, duration_s)
    video, words = question.conversation.messages[0].content
    if not isinstance(video, Video):
        raise DataError(f"{row.where} has no video to put subtitles into")
    count = max(1, min(_MOST_SPANS, int(duration_s)))
    length_s = duration_s / count
    parts: list[Video | Text] = []
    for number in range(count):
        since, until = number * length_s, (number + 1) * length_s
        parts.append(
            Video(
                video.source,
                nframes=_FRAMES,
                total_pixels=TOTAL_PIXELS // count,
                video_start=since,
                video_end=until,
            )
        )
        said = [
            line
            for line in lines
            if since <= (line.start_s + line.end_s) / 2 < until
            or (number == count - 1 and (line.start_s + line.end_s) / 2 >= until)
        ]
        if said:
            parts.append(Text(f"\n{joined(said, where=row.where)}\n"))
    return replace(question, conversation=Conversation.user(*parts, Text("\n"), words))


LONGVIDEOBENCH = Benchmark(
    name="longvideobench",
    title="LongVideoBench",
    area="video",
    split="validation",
    source="longvideobench/LongVideoBench",
    load=partial(_load, with_subtitles=False),
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 54.2, "7b": 56.0, "72b": 60.7},
    params=SamplingParams(max_tokens=64),
)
LONGVIDEOBENCH_SUBTITLES = replace(
    LONGVIDEOBENCH,
    name="longvideobench-subtitles",
    title="LongVideoBench with subtitles",
    load=partial(_load, with_subtitles=True),
    published={},
)
