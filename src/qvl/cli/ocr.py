"""Reads the text of a picture and prints it.

qvl ocr receipt.jpg
qvl ocr receipt.jpg --lines --draw out.png
qvl ocr page.jpg --words --order layout

With --lines or --words: one line each: x1 y1 x2 y2 in pixels of the picture, a tab, the text.
"""

import argparse

from qvl.answers.drawings import check_drawing_path
from qvl.answers.ocr import TextResult
from qvl.cli import options
from qvl.cli.late_model import LateModel
from qvl.cli.terminal import note, write, write_json
from qvl.errors import InputError
from qvl.messages import Image
from qvl.tasks.ocr import Level, TextLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("image", help="the picture")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--lines", action="store_true", help="every line with its box")
    group.add_argument("--words", action="store_true", help="every word with its box")
    parser.add_argument(
        "--order",
        choices=("model", "layout"),
        default="model",
        help="of lines or words: as the model tells them, or as a person reads them",
    )
    parser.add_argument("--draw", metavar="OUT.png", help="write the picture with the boxes")
    parser.add_argument(
        "--json", action="store_true", help="everything known, with how sure the letters were"
    )
    # Room for a dense page, or for about 100 lines with their boxes.
    options.add_sampling_options(parser, max_tokens=4096)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the text; a picture without any is no failure."""
    if args.draw is not None:
        check_drawing_path(args.draw)
    level: Level = "line" if args.lines else "word" if args.words else "text"
    for name in ("draw", "order"):
        if level == "text" and getattr(args, name) not in (None, "model"):
            raise InputError(f"--{name} needs boxes", hint="give --lines or --words as well")
    (image,) = options.media_parts([args.image], args)
    if not isinstance(image, Image):
        raise InputError(f"{args.image} is a video, expected a picture")
    model = LateModel(options.model_folder(args), args)
    sampling = options.sampling_options(args)
    if args.json:
        sampling["logprobs"] = 0
    found = model.read_text(image, level=level, order=args.order, **sampling)
    if args.json:
        write_json(found.to_json())
    elif level == "text":
        write(found.text)
    else:
        for line in found.lines:
            write(_line(line))
    _report(found)
    if args.draw is not None:
        found.draw(args.draw, order=args.order == "layout")
        note(f"drawn: {args.draw}")
    return 0


def _line(line: TextLine) -> str:
    numbers = "" if line.box is None else " ".join(f"{value:.0f}" for value in line.box)
    return f"{numbers}\t{' '.join(line.text.split())}"


def _report(found: TextResult) -> None:
    for problem in found.problems:
        note(f"problem: {problem}")
    if found.truncated:
        note("the answer was cut off; --max-tokens gives it more room")
    if not found.lines:
        note("no text found")
    clipped = sum(line.clipped for line in found.lines)
    if clipped:
        note(f"{clipped} reached beyond the picture and were cut at its edge")
