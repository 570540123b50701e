"""Finds things in a picture and prints where they are, in pixels of the picture as given.

qvl ground street.jpg "every person" --draw out.png
qvl ground desk.png "the red cup" --points
qvl ground page.png "every word" --region 100,200,500,400
qvl ground street.jpg "car, person, traffic light" --detect
qvl ground cakes.jpg "cupcakes" --count

Prints one line a thing: x1 y1 x2 y2 (or x y), a tab, its name. --count prints a number.
"""

import argparse

from qvl.answers.drawings import check_drawing_path, save_marks
from qvl.answers.grounding import GroundingAnswer
from qvl.cli import options
from qvl.cli.late_model import LateModel
from qvl.cli.terminal import note, write, write_json
from qvl.errors import InputError
from qvl.geometry import Box
from qvl.messages import Image
from qvl.processing.image import load_image
from qvl.tasks.grounding import Grounded, GroundedBox, Kind
from qvl.tasks.marks import marks_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("image", help="the picture")
    parser.add_argument("thing", help="what to find, such as 'every person'")
    parser.add_argument("--points", action="store_true", help="points instead of boxes")
    parser.add_argument(
        "--detect", action="store_true", help="everything of several kinds, named with commas"
    )
    parser.add_argument("--count", action="store_true", help="the number of the things")
    parser.add_argument(
        "--region", metavar="X1,Y1,X2,Y2", help="look at this part only, in full resolution"
    )
    parser.add_argument("--draw", metavar="OUT.png", help="write the picture with what was found")
    parser.add_argument("--json", action="store_true", help="everything known about each thing")
    # Room for about 50 boxes of 40 tokens.
    options.add_sampling_options(parser, max_tokens=2048)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints what was found; an empty answer is no failure."""
    target = None if args.draw is None else check_drawing_path(args.draw)
    ways = [name for name in ("points", "detect", "count") if getattr(args, name)]
    if len(ways) > 1 or (args.region is not None and ways not in ([], ["points"])):
        given = [*ways, *(["region"] if args.region is not None else [])]
        raise InputError(f"--{' and --'.join(given)} do not go together")
    region = None if args.region is None else _region(args.region)
    (image,) = options.media_parts([args.image], args)
    if not isinstance(image, Image):
        raise InputError(f"{args.image} is a video, expected a picture")
    model = LateModel(options.model_folder(args), args)
    sampling = options.sampling_options(args)
    kind: Kind = "point" if args.points else "box"
    if args.count:
        counted = model.count(image, args.thing, **sampling)
        found = counted.found
        write_json(counted.to_json()) if args.json else write(str(counted))
    else:
        if args.detect:
            found = model.detect(image, args.thing.split(","), **sampling)
        elif region is not None:
            found = model.zoom(image, region, args.thing, kind=kind, **sampling)
        else:
            found = model.ground(image, args.thing, kind=kind, **sampling)
        write_json(found.to_json()) if args.json else _print(found)
        _report(found)
    if target is not None:
        save_marks(target, load_image(args.image), marks_of(found.items))
        note(f"drawn: {target}")
    return 0


def _region(text: str) -> Box:
    try:
        x1, y1, x2, y2 = (float(number) for number in text.split(","))
    except ValueError:
        raise InputError(
            f"region is {text!r}, expected four numbers such as 100,200,500,400"
        ) from None
    return Box(x1, y1, x2, y2)


def _print(found: GroundingAnswer) -> None:
    for item in found.items:
        write(_line(item))


def _line(item: Grounded) -> str:
    numbers = item.box if isinstance(item, GroundedBox) else item.point
    return " ".join(f"{value:.0f}" for value in numbers) + f"\t{' '.join(item.label.split())}"


def _report(result: GroundingAnswer) -> None:
    for problem in result.problems:
        note(f"left out: {problem}")
    if result.truncated:
        note("the answer was cut off; --max-tokens gives it more room")
    if not result.answered:
        note(f"no coordinates in the answer: {' '.join(result.text.split())[:200]!r}")
    elif not result.items:
        note("found nothing")
    empty = sum(item.is_empty for item in result.boxes)
    if empty:
        note(f"{empty} have no area")
    clipped = sum(item.clipped for item in result.items)
    if clipped:
        note(f"{clipped} reached beyond the picture and were cut at its edge")
