"""Keeps finished pages in a folder, so that a long reading goes on where it was left.

Owns: which page counts as the same, the files. Does not own: reading.

    PageRequest -> key -> page-0007-<key>.json -> the answer, parsed again

A page is the same when document, page, prompt, limits, sampling and model are. Files are written
beside their place and moved there, so a file is whole or absent.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from qvl.answers.document_results import PageResult
from qvl.answers.files import write_text
from qvl.answers.writing import Ending
from qvl.errors import InputError
from qvl.geometry import ImageSize, ResizeTransform
from qvl.messages import SamplingParams
from qvl.processing.pdf import PageSize
from qvl.tasks.document import parse

FORMAT = 1
"""Changes when old files say something else than new ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """All that an answer depends on."""

    document: str
    """Fingerprint of its contents."""
    page: int
    prompt: str
    min_pixels: int
    max_pixels: int
    max_rounds: int
    params: SamplingParams
    model: str
    """Tells models apart; see `weights_identity`."""

    @property
    def key(self) -> str:
        """Equal for equal requests."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def weights_identity(folder: Path | None) -> str:
    """Tells one model from another, and from itself after more training: names, sizes and times of
    its files. Empty without a folder."""
    if folder is None:
        return ""
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")])
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return f"{folder.resolve()} {facts}"


class PageStore:
    """A folder of finished pages.

    Args:
        folder: made if it is missing.

    Raises:
        InputError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot make the folder {folder}: {error.strerror or error}"
            ) from error

    def path(self, request: PageRequest) -> Path:
        """Where a page is kept."""
        return self._folder / f"page-{request.page:04}-{request.key[:16]}.json"

    def load(self, request: PageRequest) -> PageResult | None:
        """A finished page; None if there is none or its file is damaged."""
        try:
            record = json.loads(self.path(request).read_text(encoding="utf-8"))
            return _page_of(record) if record["key"] == request.key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, request: PageRequest, page: PageResult) -> None:
        """Keeps a page.

        Raises:
            InputError: it cannot be written.
        """
        record = {
            "key": request.key,
            "page": page.number,
            "original_px": page.transform.original,
            "resized_px": page.transform.resized,
            "size_pt": page.size_pt,
            "ended": page.ended,
            "text": page.text,
        }
        write_text(self.path(request), json.dumps(record, ensure_ascii=False, indent=1))


def _page_of(record: dict[str, Any]) -> PageResult:
    transform = ResizeTransform(
        ImageSize(*map(int, record["original_px"])), ImageSize(*map(int, record["resized_px"]))
    )
    ended: Ending = record["ended"]
    if ended not in get_args(Ending) or min(*transform.original, *transform.resized) < 1:
        raise ValueError("not written by us")
    size_pt = record["size_pt"]
    return PageResult(
        number=int(record["page"]),
        transform=transform,
        size_pt=None if size_pt is None else PageSize(*size_pt),
        ended=ended,
        parsed=parse(str(record["text"]), transform=transform),
    )
