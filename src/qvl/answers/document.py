"""Reads documents: PDFs and pictures of pages to typed elements.

Owns: asking page by page, going on where a reading was left. Does not own: the form of an answer
(``tasks.document``), long answers (``answers.writing``), results (``answers.document_results``).

    source -> pages -> one picture and one prompt each -> write() -> parse() -> PageResult
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from qvl.answers.answering import AnsweringModel
from qvl.answers.document_results import DocumentResult, PageResult
from qvl.answers.document_store import PageRequest, PageStore
from qvl.answers.writing import write
from qvl.geometry import PixelLimits
from qvl.messages import Conversation, Image, SamplingParams
from qvl.options import whole_number
from qvl.processing.image import ImageSource
from qvl.processing.page_ranges import page_numbers
from qvl.processing.pages import PagePicture, PageSource, fingerprint, open_pages
from qvl.tasks.document import Variant, parse, prompt

DOCUMENT_PIXELS = PixelLimits(min_pixels=512 * 784, max_pixels=2048 * 784)
"""How large a page is shown where nothing else is said: 512 to 2048 tokens, as far as the
checkpoint's own limits allow. Source: cookbooks/document_parsing.ipynb."""

DOCUMENT_MAX_TOKENS = 4096
"""Tokens of one round; a dense page needs about 3,000."""


class Progress(NamedTuple):
    """How far a reading is."""

    page: int
    """Number of the page at work."""
    done: int
    """Pages finished."""
    total: int
    """Pages to read."""
    characters: int
    """Written of this page so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingOptions:
    """How a document is read."""

    variant: Variant = "qwenvl"
    """What to ask for; see `tasks.document.prompt`."""
    min_pixels: int | None = None
    """Fewest pixels a page is shown in; None for `DOCUMENT_PIXELS`."""
    max_pixels: int | None = None
    """Most pixels a page is rendered and shown in; None for `DOCUMENT_PIXELS`."""
    max_rounds: int = 4
    """How often an answer is asked for, each time going on where it was cut off."""
    params: SamplingParams = field(
        default_factory=lambda: SamplingParams(max_tokens=DOCUMENT_MAX_TOKENS)
    )
    """Of each round."""
    password: str | None = None
    """Of an encrypted PDF."""

    def __post_init__(self) -> None:
        prompt(self.variant)  # refuses what is none
        for name in ("min_pixels", "max_pixels", "max_rounds"):
            whole_number(getattr(self, name), name)


def read_pages(
    model: AnsweringModel,
    source: ImageSource,
    *,
    pages: str | int | Sequence[int] | None = None,
    options: ReadingOptions | None = None,
    folder: str | Path | None = None,
    model_name: str = "",
    on_progress: Callable[[Progress], None] | None = None,
) -> Iterator[PageResult]:
    """Yields each page as it is finished; arguments as in `read_document`.

    Bad input raises here, before the first page is asked for.
    """
    options = options or ReadingOptions()
    limits = pixel_limits(model, options)
    with open_pages(source, password=options.password) as opened:
        numbers = page_numbers(pages, opened.num_pages)
    store = None if folder is None else PageStore(Path(folder))
    document = "" if store is None else fingerprint(source)

    def request(number: int) -> PageRequest:
        return PageRequest(
            document=document,
            page=number,
            prompt=prompt(options.variant),
            min_pixels=limits.min_pixels,
            max_pixels=limits.max_pixels,
            max_rounds=options.max_rounds,
            params=options.params,
            model=model_name,
        )

    def results() -> Iterator[PageResult]:
        with open_pages(source, password=options.password) as opened:
            for done, number in enumerate(numbers):

                def report(characters: int, number: int = number, done: int = done) -> None:
                    if on_progress is not None:
                        on_progress(Progress(number, done, len(numbers), characters))

                kept = None if store is None else store.load(request(number))
                result = kept or _read_page(model, opened, request(number), report)
                if store is not None and kept is None:
                    store.save(request(number), result)
                yield result

    return results()


def read_document(
    model: AnsweringModel,
    source: ImageSource,
    *,
    pages: str | int | Sequence[int] | None = None,
    options: ReadingOptions | None = None,
    folder: str | Path | None = None,
    model_name: str = "",
    on_progress: Callable[[Progress], None] | None = None,
) -> DocumentResult:
    """Reads a PDF or a picture of a page.

    Args:
        model: answers.
        source: path, `file://` address, data URI or contents of a PDF or picture; or a picture.
        pages: "1-3,7" or numbers, counted from 1; None for all.
        options: prompt, limits, sampling.
        folder: finished pages are kept there and not read again.
        model_name: tells models apart in that folder.
        on_progress: called as text is written.

    Raises:
        InputError: the document cannot be read, or there is no such page.
    """
    options = options or ReadingOptions()
    read = tuple(
        read_pages(
            model,
            source,
            pages=pages,
            options=options,
            folder=folder,
            model_name=model_name,
            on_progress=on_progress,
        )
    )
    title = Path(source).name if isinstance(source, str | Path) and len(str(source)) < 4096 else ""
    return DocumentResult(
        pages=read,
        title="" if title.startswith("data:") else title,
        source=source,
        password=options.password,
        max_pixels=pixel_limits(model, options).max_pixels,
    )


def pixel_limits(model: AnsweringModel, options: ReadingOptions) -> PixelLimits:
    """How large a page is shown.

    Raises:
        ConfigError: the options leave no size.
    """
    own = model.processor.settings.limits
    largest = options.max_pixels or min(DOCUMENT_PIXELS.max_pixels, own.max_pixels)
    smallest = options.min_pixels or min(
        max(DOCUMENT_PIXELS.min_pixels, own.min_pixels), own.max_pixels, largest
    )
    return PixelLimits(min_pixels=smallest, max_pixels=largest)


def _read_page(
    model: AnsweringModel,
    source: PageSource,
    request: PageRequest,
    report: Callable[[int], None],
) -> PageResult:
    report(0)
    page = source.page(request.page, max_pixels=request.max_pixels)
    inputs = model.prepare(_question(page, request))
    written = write(model, inputs, request.params, max_rounds=request.max_rounds, on_text=report)
    (item,) = inputs.media
    return PageResult(
        number=request.page,
        transform=item.transform,
        size_pt=page.size_pt,
        ended=written.ended,
        parsed=parse(written.text, transform=item.transform),
    )


def _question(page: PagePicture, request: PageRequest) -> Conversation:
    image = Image(page.picture, min_pixels=request.min_pixels, max_pixels=request.max_pixels)
    return Conversation.user(image, request.prompt)
