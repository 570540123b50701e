"""Finds things in a picture and prints where they are, in pixels of the picture as given.

qvl ground street.jpg "every person" --draw out.png
qvl ground desk.png "the red cup" --points

Prints one line a thing: x1 y1 x2 y2 (or x y), a tab, its name.
"""

import argparse
from pathlib import Path

import PIL.Image

from qvl.cli import options
from qvl.cli.terminal import note, write, write_json
from qvl.errors import InputError
from qvl.messages import Conversation, Image
from qvl.processing.image import load_image
from qvl.tasks import grounding
from qvl.tasks.draw import draw
from qvl.tasks.grounding import Grounded, GroundedBox, GroundingResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("image", help="the picture")
    parser.add_argument("thing", help="what to find, such as 'every person'")
    parser.add_argument("--points", action="store_true", help="points instead of boxes")
    parser.add_argument("--draw", metavar="OUT.png", help="write the picture with what was found")
    parser.add_argument("--json", action="store_true", help="everything known about each thing")
    # Room for about 50 boxes of 40 tokens.
    options.add_sampling_options(parser, max_tokens=2048)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints what was found; an empty answer is no failure."""
    output = _output(args.draw)
    prompt = grounding.prompt(args.thing, kind="point" if args.points else "box")
    params = options.sampling_params(args)
    (image,) = options.media_parts([args.image], args)
    if not isinstance(image, Image):
        raise InputError(f"{args.image} is a video, expected a picture")
    folder = options.model_folder(args)
    inputs = options.load_processor(folder)(Conversation.user(image, prompt))
    model = options.load_model(folder, args)
    (answer,) = model.engine.complete([inputs], params)
    transforms = [item.transform for item in inputs.media]
    result = grounding.parse(answer.text, transforms=transforms)
    if args.json:
        write_json(result.to_json())
    else:
        for item in result.items:
            write(_line(item))
    _report(result)
    if output is not None:
        _save(draw(load_image(args.image), result.items), output)
    return 0


def _output(name: str | None) -> Path | None:
    """Where to draw, checked before the model runs."""
    if name is None:
        return None
    path = Path(name)
    if path.suffix.lower() not in PIL.Image.registered_extensions():
        raise InputError(f"cannot draw a {path.suffix or 'file without ending'}, expected .png")
    if not path.parent.is_dir():
        raise InputError(f"folder {path.parent} of {path.name} does not exist")
    return path


def _line(item: Grounded) -> str:
    numbers = item.box if isinstance(item, GroundedBox) else item.point
    return " ".join(f"{value:.0f}" for value in numbers) + f"\t{' '.join(item.label.split())}"


def _report(result: GroundingResult) -> None:
    for problem in result.problems:
        note(f"left out: {problem}")
    if result.truncated:
        note("the answer was cut off; --max-tokens gives it more room")
    if not result.answered:
        note(f"no coordinates in the answer: {' '.join(result.text.split())[:200]!r}")
    elif not result.items:
        note("found nothing")
    clipped = sum(item.clipped for item in result.items)
    if clipped:
        note(f"{clipped} reached beyond the picture and were cut at its edge")


def _save(picture: PIL.Image.Image, path: Path) -> None:
    try:
        picture.save(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    note(f"drawn: {path}")
