"""Texts of a folder, cut into pieces to be continued.

Owns: finding the files, cutting them, naming what is no text. Does not own: which texts are good
enough (``filters``, ``sft``, ``dedup``).

    folder -> files in order -> pieces of at most so many characters, cut at paragraphs
        -> CorpusSource[number] -> "Continue this text." with the rest of the piece as the answer

Memory holds the places of pieces, 24 bytes each, and one file at a time.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qvl.data.fingerprint import fingerprint
from qvl.data.records import Provenance, Sample
from qvl.errors import ConfigError, DataError
from qvl.messages import Conversation, Message, Text

MAX_FILE_BYTES = 256 * 2**20

_PROMPTS = ("Continue this text.", "Write how this text goes on.", "Go on with the text below.")
_SHARE_SHOWN = 0.4
_FEWEST = 200
_PARAGRAPH, _SENTENCE = re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?。！？])\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusSource:
    """Pieces of the texts in a folder, in the order of the files' names.

    Attributes:
        folder: with files of UTF-8 text, also in folders inside.
        suffixes: endings of the names of texts.
        characters: most of a piece.
        licence: SPDX name of the terms of the texts; empty when it is not known.

    Raises:
        ConfigError: there are no texts.
        DataError: a file is too large, or no UTF-8; the message names the byte.
    """

    folder: Path
    suffixes: tuple[str, ...] = (".txt", ".md")
    characters: int = 2000
    licence: str = ""
    _files: tuple[Path, ...] = field(init=False, repr=False)
    _hashes: tuple[str, ...] = field(init=False, repr=False)
    _pieces: npt.NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.characters < 2 * _FEWEST:
            raise ConfigError(
                f"pieces of {self.characters} characters, expected at least {2 * _FEWEST}"
            )
        if not self.folder.is_dir():
            raise ConfigError(f"{self.folder} is no folder of texts")
        files = tuple(
            path for path in sorted(self.folder.rglob("*"))
            if path.suffix.lower() in self.suffixes and path.is_file()
        )  # fmt: skip
        rows: list[tuple[int, int, int]] = []
        hashes = []
        for number, path in enumerate(files):
            text = read_text(path)
            hashes.append(hashlib.sha256(text.encode()).hexdigest())
            rows += [(number, start, stop) for start, stop in cut(text, self.characters)]
        if not rows:
            raise ConfigError(
                f"{self.folder} has no texts of at least {_FEWEST} characters that end in "
                f"{' or '.join(self.suffixes)}"
            )
        object.__setattr__(self, "_files", files)
        object.__setattr__(self, "_hashes", tuple(hashes))
        object.__setattr__(self, "_pieces", np.array(rows, np.int64))

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        file, start, stop = self._pieces[number].tolist()
        path = self._files[file]
        text = _kept_text(path)
        if len(text) < stop:
            raise DataError(f"{path} has become shorter since the run began")
        piece = text[start:stop].strip()
        shown = _head(piece)
        source = f"{path.relative_to(self.folder)}:{start}"
        turns = (
            Message("user", (Text(f"{_PROMPTS[number % len(_PROMPTS)]}\n\n{piece[:shown]}"),)),
            Message("assistant", (Text(piece[shown:].lstrip()),)),
        )
        return Sample(
            task="continuation",
            conversation=Conversation(turns),
            provenance=Provenance(
                generator="text_tasks.corpus", licence=self.licence, source=source
            ),
            facts={"characters": len(piece)},
        )

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the texts in which these pieces lie."""
        files = sorted({*self._pieces[start:stop, 0].tolist()})
        texts = [self._hashes[file] for file in files]
        return fingerprint(texts, self.characters, self.licence, start, stop)


def read_text(path: Path) -> str:
    """Reads a file of UTF-8 text; a byte order mark and the line ends of Windows are taken out.

    Raises:
        DataError: it cannot be read, is too large, or is no UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{path} has {size:,} bytes, expected at most {MAX_FILE_BYTES:,}",
                hint="split it into several files",
            )
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no UTF-8: byte {error.start:,} is {data[error.start]:#04x}",
            hint="convert it, such as with iconv -f latin1 -t utf-8",
        ) from error
    if "\0" in text:
        raise DataError(f"{path} holds zero bytes, expected text")
    return text.replace("\r\n", "\n")


@lru_cache(maxsize=4)
def _kept_text(path: Path) -> str:
    return read_text(path)


def cut(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Yields first and last character of pieces that cover a text, the long ones cut where a
    paragraph, a sentence or at least a word ends; short rests are left out.

    >>> list(cut("a" * 150 + "\\n\\n" + "b" * 300, 400))
    [(0, 400)]
    """
    start = 0
    while len(text) - start >= _FEWEST:
        stop = start + most
        if stop < len(text):
            stop = _end(text, start + most // 2, stop)
        yield start, min(stop, len(text))
        start = stop


def _end(text: str, low: int, high: int) -> int:
    """The last good place for a cut between two places."""
    for pattern in (_PARAGRAPH, _SENTENCE):
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        if ends:
            return ends[-1]
    space = text.rfind(" ", low, high)
    return high if space < 0 else space + 1


def _head(piece: str) -> int:
    """How much of a piece is shown: about two fifths, up to the end of a sentence or word."""
    wanted = round(_SHARE_SHOWN * len(piece))
    return _end(piece, max(1, wanted // 2), wanted)
