"""Finds when something happens in a video, or tells what happens in it.

qvl video match.mp4 "the goal"
qvl video match.mp4 "the goal" --sheet frames.png --timeline moments.svg
qvl video match.mp4

Prints one line a moment: start and end in seconds and in frames of the file, a tab, its words.
"""

import argparse
from pathlib import Path
from typing import get_args

from qvl.answers.drawings import check_drawing_path
from qvl.answers.video import DESCRIPTION_MAX_TOKENS
from qvl.answers.video_results import VideoAnswer
from qvl.answers.video_windows import MIN_FPS
from qvl.cli import options
from qvl.cli.late_model import LateModel
from qvl.cli.terminal import note, progress, write, write_json
from qvl.errors import InputError
from qvl.messages import Video
from qvl.tasks.times import TimeFormat
from qvl.tasks.video import Moment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("video", help="the video")
    parser.add_argument("query", nargs="?", help="what to look for; without it, all is described")
    parser.add_argument(
        "--time-format",
        choices=get_args(TimeFormat),
        default="mm:ss.ff",
        help="how the model is asked to write times",
    )
    parser.add_argument(
        "--min-fps",
        type=float,
        default=MIN_FPS,
        metavar="N",
        help="look in windows rather than see fewer frames a second",
    )
    parser.add_argument("--sheet", metavar="OUT.png", help="write frames, the moments marked")
    parser.add_argument("--timeline", metavar="OUT.svg", help="write a bar for each moment")
    parser.add_argument("--json", action="store_true", help="everything known about each moment")
    options.add_sampling_options(parser, max_tokens=DESCRIPTION_MAX_TOKENS)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the moments; an empty answer is no failure."""
    sheet, timeline = (_target(args.sheet, pixels=True), _target(args.timeline, pixels=False))
    (video,) = options.media_parts([args.video], args)
    if not isinstance(video, Video):
        raise InputError(f"{args.video} is a picture by its name, expected a video")
    model = LateModel(options.model_folder(args), args)
    sampling = options.sampling_options(args)
    found: VideoAnswer
    if args.query is None:
        found = model.describe_video(
            video,
            time_format=args.time_format,
            min_fps=args.min_fps,
            progress=_progress,
            **sampling,
        )
    else:
        found = model.find_moments(
            video,
            args.query,
            time_format=args.time_format,
            min_fps=args.min_fps,
            progress=_progress,
            **sampling,
        )
    if args.json:
        write_json(found.to_json())
    else:
        for moment in found.moments:
            write(_line(moment))
    _report(found)
    for target, draw in ((sheet, found.draw_sheet), (timeline, found.draw_timeline)):
        if target is not None:
            draw(target)
            note(f"drawn: {target}")
    return 0


def _target(name: str | None, *, pixels: bool) -> Path | None:
    """Where to draw, checked before the model runs."""
    if name is None:
        return None
    target = check_drawing_path(name)
    if pixels and target.suffix.lower() == ".svg":
        raise InputError(f"{target.name} would hold frames of the video, expected .png or .jpg")
    return target


def _progress(done: int, total: int) -> None:
    if total > 1:
        progress(f"window {done} of {total}", done=done == total)


def _line(moment: Moment) -> str:
    times = f"{moment.start_s:.2f} - {moment.end_s:.2f} s"
    frames = f"frames {moment.start_frame} - {moment.end_frame}"
    return f"{times}  {frames}\t{' '.join(moment.label.split())}".rstrip()


def _report(found: VideoAnswer) -> None:
    for problem in found.problems:
        note(f"left out: {problem}")
    if found.truncated:
        note("the answer was cut off; --max-tokens gives it more room")
    said = " ".join(" ".join(found.texts).split())[:200]
    if not found.answered:
        note(f"no times in the answer: {said!r}")
    elif not found.moments:
        note("found nothing")
    for name in ("swapped", "clipped", "off_grid"):
        count = sum(getattr(moment, name) for moment in found.moments)
        if count:
            note(f"{count} {_DOUBTS[name]}")


_DOUBTS = {
    "swapped": "had the end before the start and were put right",
    "clipped": "reached beyond what the model saw and were cut there",
    "off_grid": "lie between two frames that the model saw; a higher --fps shows it more",
}
