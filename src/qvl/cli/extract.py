"""Extracts fields from pictures, by a JSON schema or by their names.

qvl extract receipt.jpg --fields "company, date, total"
qvl extract receipt.jpg --schema receipt.schema.json --attempts 2
qvl extract front.jpg back.jpg --schema card.schema.json --evidence --json

Prints one line a field: its name and its value, "-" for what is not there. The exit code is 1 when
the answer does not meet the schema.
"""

import argparse
import json
from pathlib import Path

from qvl.answers.drawings import check_drawing_path
from qvl.answers.extraction import ExtractionResult
from qvl.cli import options
from qvl.cli.late_model import LateModel
from qvl.cli.terminal import note, write, write_json
from qvl.errors import InputError
from qvl.messages import Image
from qvl.tasks.extraction_result import field_lines
from qvl.tasks.extraction_schema import MAX_SCHEMA_CHARS, Schema, as_schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("images", nargs="+", metavar="image", help="the pictures")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--schema", metavar="FILE.json", help="a JSON schema of an object")
    group.add_argument("--fields", metavar="NAMES", help="names of fields, with commas between")
    parser.add_argument(
        "--attempts",
        type=int,
        default=1,
        metavar="N",
        help="ask up to N times, telling what does not meet the schema",
    )
    parser.add_argument("--evidence", action="store_true", help="ask where every value stands")
    parser.add_argument("--draw", metavar="OUT.png", help="write the first picture with the boxes")
    parser.add_argument(
        "--json", action="store_true", help="everything known, with how sure the values were"
    )
    # Room for about 100 fields.
    options.add_sampling_options(parser, max_tokens=2048)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the fields."""
    if args.draw is not None:
        check_drawing_path(args.draw)
        if not args.evidence:
            raise InputError("--draw needs boxes", hint="give --evidence as well")
    schema = _schema(args)
    parts = options.media_parts(args.images, args)
    images = [part for part in parts if isinstance(part, Image)]
    if len(images) != len(parts):
        raise InputError("a video is among the files, expected pictures")
    model = LateModel(options.model_folder(args), args)
    sampling = options.sampling_options(args)
    if args.json:
        sampling["logprobs"] = 0
    found = model.extract(
        images, schema, attempts=args.attempts, evidence=args.evidence, **sampling
    )
    if args.json:
        write_json(found.to_json())
    else:
        for line in field_lines(found):
            write(line)
    _report(found)
    if args.draw is not None:
        found.draw(args.draw)
        note(f"drawn: {args.draw}")
    return 0 if found.is_valid else 1


def _schema(args: argparse.Namespace) -> Schema:
    if args.fields is not None:
        return as_schema(args.fields.split(","))
    path = Path(args.schema)
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_SCHEMA_CHARS + 1)
        if len(text) > MAX_SCHEMA_CHARS:
            raise InputError(
                f"the schema {path} has more than {MAX_SCHEMA_CHARS:,} characters, the most allowed"
            )
        return as_schema(json.loads(text))
    except OSError as error:
        raise InputError(f"cannot read the schema {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the schema {path} is not JSON: {error}") from error


def _report(found: ExtractionResult) -> None:
    for complaint in found.errors:
        note(f"does not meet the schema: {complaint}")
    for problem in found.problems:
        note(f"problem: {problem}")
    if found.extra:
        note(f"beside the schema: {', '.join(found.extra)}")
    if found.truncated:
        note("the answer was cut off; --max-tokens gives it more room")
    if all(item.status == "missing" for item in found.fields):
        note(f"no field in the answer: {' '.join(found.text.split())[:200]!r}")
