"""Reads a document, a PDF or a picture of a page, and writes what stands on it.

qvl parse invoice.pdf -o out
qvl parse paper.pdf -o out --pages 1-3,7 --format md,html,json,overlay
qvl parse page.png --json

Finished pages are kept in OUT/pages; the same command goes on where it was left.
"""

import argparse
from pathlib import Path

from qvl.answers.document import Progress, ReadingOptions, read_document
from qvl.answers.document_files import FORMATS, check_formats, save_document
from qvl.answers.document_results import DocumentResult
from qvl.answers.document_store import weights_identity
from qvl.cli import options
from qvl.cli.late_model import LateModel
from qvl.cli.terminal import note, progress, write, write_json
from qvl.errors import InputError
from qvl.processing.page_ranges import page_numbers
from qvl.processing.pages import open_pages

_CHARACTERS_BETWEEN = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("file", help="a PDF or a picture of a page")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="folder for the files; made if missing"
    )
    parser.add_argument("--pages", metavar="LIST", help="such as 1-3,7; default: all")
    parser.add_argument(
        "--format",
        default="md,html,json",
        metavar="LIST",
        help=f"what to write, of {','.join(FORMATS)}; default: md,html,json",
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON on the output")
    parser.add_argument(
        "--variant",
        choices=("qwenvl", "caption", "plain"),
        default="qwenvl",
        help="caption describes pictures as well, plain is HTML without boxes",
    )
    parser.add_argument("--password", metavar="TEXT", help="of an encrypted PDF")
    parser.add_argument(
        "--rounds", type=int, default=4, metavar="N", help="go on with a cut answer N - 1 times"
    )
    group = parser.add_argument_group("how large a page is seen (784 pixels are one token)")
    group.add_argument("--min-pixels", type=int, metavar="N", help="enlarge pages to at least N")
    group.add_argument("--max-pixels", type=int, metavar="N", help="shrink pages to at most N")
    options.add_sampling_options(parser, max_tokens=4096)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Writes the files; without a folder the Markdown goes to the output."""
    formats = check_formats([name.strip() for name in args.format.split(",") if name.strip()])
    folder = None if args.output is None else Path(args.output)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, expected a folder")
    reading = ReadingOptions(
        variant=args.variant,
        min_pixels=args.min_pixels,
        max_pixels=args.max_pixels,
        max_rounds=args.rounds,
        params=options.sampling_params(args),
        password=args.password,
    )
    with open_pages(args.file, password=args.password) as pages:  # before a model is loaded
        page_numbers(args.pages, pages.num_pages)
    model_folder = options.model_folder(args)
    result = read_document(
        LateModel(model_folder, args).engine,
        args.file,
        pages=args.pages,
        options=reading,
        folder=None if folder is None else folder / "pages",
        model_name=weights_identity(model_folder),
        on_progress=_Teller(),
    )
    progress(f"pages read: {len(result.pages)}", done=True)
    _report(result)
    if args.json:
        write_json(result.to_json())
    elif folder is None:
        write(result.markdown.rstrip("\n"))
    if folder is not None:
        for path in save_document(result, folder, formats):
            note(f"written: {path}")
    return 0


class _Teller:
    """Says how far the reading is, now and then."""

    def __init__(self) -> None:
        self._next = (0, 0)

    def __call__(self, at: Progress) -> None:
        if (at.page, at.characters) >= self._next:
            self._next = (at.page, at.characters + _CHARACTERS_BETWEEN)
            progress(f"page {at.page} ({at.done + 1} of {at.total}): {at.characters:,} characters")


def _report(result: DocumentResult) -> None:
    for page in result.pages:
        name = f"page {page.number}"
        if page.ended == "length":
            note(f"{name}: cut off; --rounds and --max-tokens give it more room")
        elif page.ended == "repetition":
            note(f"{name}: the model repeated itself; what it wrote before is kept")
        if not page.parsed.answered:
            note(f"{name}: no HTML in the answer, {' '.join(page.text.split())[:100]!r}")
        for problem in page.problems:
            note(f"{name}: {problem}")
