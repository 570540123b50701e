"""Asks one question about pictures and videos and prints the answer as it is written.

qvl ask receipt.jpg "What is the total?"
qvl ask before.png after.png "What changed?"
qvl ask match.mp4 "Who scores?" --fps 1
"""

import argparse
from dataclasses import asdict

from qvl.cli import options
from qvl.cli.late_engine import LateEngine
from qvl.cli.terminal import write, write_json, write_piece
from qvl.messages import Conversation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="FILE... QUESTION",
        help="pictures and videos, then the question",
    )
    parser.add_argument("--system", metavar="TEXT", help="replaces the model's usual system turn")
    parser.add_argument("--json", action="store_true", help="answer, token counts and why it ended")
    options.add_sampling_options(parser, max_tokens=1024)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the answer."""
    *files, text = args.inputs
    question = options.question(text)
    params = options.sampling_params(args)
    parts = [*options.media_parts(files, args), question]
    conversation = Conversation.user(*parts, system=args.system)
    engine = LateEngine(options.model_folder(args), args)
    inputs = engine.prepare(conversation)
    if args.json:
        (result,) = engine.complete([inputs], params)
        write_json(asdict(result))
        return 0
    for event in engine.stream(inputs, params):
        write_piece(event.text)
    write("")
    return 0
