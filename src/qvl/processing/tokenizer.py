"""Text to token ids and back, from a checkpoint's own ``tokenizer.json``.

Owns byte-level BPE with the special tokens kept apart: ordinary text can never become a special
token, whatever was typed. Does not own the chat format (`chat_template`).

    text -> encode -> ids -> decode, or StreamDecoder token by token -> text
"""

import codecs
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tokenizers

from qvl.errors import CheckpointError, InputError

REQUIRED_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)


class Tokenizer:
    """A byte-level BPE tokenizer whose special tokens are reachable by name only.

    Attributes:
        im_start, im_end, endoftext, vision_start, vision_end, vision_pad, image_pad, video_pad:
            ids of the tokens of these names.
        vocab_size: one more than the largest id in use; a checkpoint may have more embedding rows.
        eos_ids: ids that end an answer. Source: eos_token_id of the published generation_config.
        vision_ids: ids that only a prompt may hold; generation never samples them.
    """

    def __init__(self, spec: dict[str, Any], *, origin: str = "tokenizer.json") -> None:
        """Builds from the parsed content of a ``tokenizer.json``; ``origin`` names it in errors."""
        try:
            added = {str(token["content"]): int(token["id"]) for token in spec["added_tokens"]}
            hidden = {int(token["id"]) for token in spec["added_tokens"] if token["special"]}
            vocab: dict[str, int] = spec["model"]["vocab"]
            # Without its added tokens the library has no way to produce one from ordinary text.
            # Some trainers list them in the base vocabulary too.
            plain = {piece: index for piece, index in vocab.items() if piece not in added}
            model = {**spec["model"], "vocab": plain}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f"{origin} is not a byte-level BPE tokenizer: {error!r}"
            ) from error
        missing = [name for name in REQUIRED_TOKENS if name not in added]
        if missing:
            raise CheckpointError(
                f"{origin} lacks the special tokens {', '.join(missing)}",
                hint="use the tokenizer that came with the weights",
            )
        plain_spec = {**spec, "model": model, "added_tokens": [], "post_processor": None}
        self._backend = _build_backend(plain_spec, origin=origin)
        self._added = added
        self._added_names = {index: name for name, index in added.items()}
        self._hidden_ids = frozenset(hidden)
        self._bytes_by_id: dict[int, bytes] = {}
        # Longest first, as a name may be the beginning of another.
        names = sorted(added, key=len, reverse=True)
        self._added_pattern = re.compile("(" + "|".join(map(re.escape, names)) + ")")
        self.vocab_size = 1 + max(max(plain.values(), default=0), max(added.values()))
        self.endoftext = added["<|endoftext|>"]
        self.im_start = added["<|im_start|>"]
        self.im_end = added["<|im_end|>"]
        self.vision_start = added["<|vision_start|>"]
        self.vision_end = added["<|vision_end|>"]
        self.vision_pad = added["<|vision_pad|>"]
        self.image_pad = added["<|image_pad|>"]
        self.video_pad = added["<|video_pad|>"]
        self.eos_ids = (self.im_end, self.endoftext)
        self.vision_ids = (
            self.vision_start,
            self.vision_end,
            self.vision_pad,
            self.image_pad,
            self.video_pad,
        )

    @classmethod
    def from_folder(cls, folder: str | Path) -> "Tokenizer":
        """Reads ``tokenizer.json`` in a checkpoint folder.

        Raises:
            CheckpointError: the file is missing, unreadable, or lacks a special token.
        """
        path = Path(folder) / "tokenizer.json"
        return cls(read_json(path), origin=str(path))

    def fingerprint(self) -> str:
        """Returns a hash that differs between tokenizers: what was counted with one says nothing
        of another."""
        added = json.dumps(self._added, sort_keys=True)
        return hashlib.sha256((self._backend.to_str() + added).encode()).hexdigest()[:32]

    def encode(self, text: str) -> list[int]:
        """Returns the ids of ordinary text; special tokens spelled out in it stay text.

        Raises:
            InputError: the text has half of a surrogate pair.
        """
        return list(self._encoding(text).ids)

    def encode_with_starts(self, text: str) -> tuple[list[int], list[int]]:
        """Like `encode`, also returning the index in ``text`` of each token's first character."""
        encoding = self._encoding(text)
        return list(encoding.ids), [start for start, _ in encoding.offsets]

    def _encoding(self, text: str) -> tokenizers.Encoding:
        try:
            return self._backend.encode(text, add_special_tokens=False)
        except (UnicodeEncodeError, TypeError) as error:
            # Half of a UTF-16 pair, as json.loads accepts it, is no character.
            raise InputError(f"text is not valid Unicode: {error}") from error

    def encode_template(self, text: str) -> list[int]:
        """Returns the ids of trusted text in which special tokens are meant as such."""
        ids: list[int] = []
        for part in self.split_special(text):
            if part in self._added:
                ids.append(self._added[part])
            else:
                ids.extend(self.encode(part))
        return ids

    def split_special(self, text: str) -> list[str]:
        """Cuts trusted text into special token names and the text between them."""
        return [part for part in self._added_pattern.split(text) if part]

    @property
    def added_names(self) -> tuple[str, ...]:
        """Names of the tokens that only a template can produce, in order of their ids."""
        return tuple(self._added_names[index] for index in sorted(self._added_names))

    def has_token(self, name: str) -> bool:
        """Returns whether ``name`` is one of the added tokens."""
        return name in self._added

    def id_of(self, name: str) -> int:
        """Returns the id of the added token ``name``.

        Raises:
            CheckpointError: this tokenizer has no such token.
        """
        if name not in self._added:
            raise CheckpointError(f"the tokenizer has no token {name!r}")
        return self._added[name]

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        """Returns the text of ``ids``; bytes that are not UTF-8 become U+FFFD.

        Ids of embedding rows beyond the vocabulary stand for no text. ``<tool_call>`` is not marked
        special in the published files and stays visible.
        """
        parts = (self.token_bytes(index, skip_special_tokens) for index in ids)
        return b"".join(parts).decode("utf-8", errors="replace")

    def stream_decoder(self, *, skip_special_tokens: bool = True) -> "StreamDecoder":
        """Returns a decoder that takes ids one by one."""
        return StreamDecoder(self, skip_special_tokens=skip_special_tokens)

    def token_bytes(self, index: int, skip_special_tokens: bool = True) -> bytes:
        """Returns what one token adds to the text: UTF-8, maybe only a part of a character."""
        if skip_special_tokens and index in self._hidden_ids:
            return b""
        found = self._bytes_by_id.get(index)
        if found is None:
            if index in self._added_names:
                found = self._added_names[index].encode()
            else:
                piece = self._backend.id_to_token(index) if index >= 0 else None
                found = b"" if piece is None else _piece_bytes(piece)
            self._bytes_by_id[index] = found
        return found


class StreamDecoder:
    """Turns ids into text as they come, holding back bytes of an unfinished character.

    The concatenated outputs equal ``Tokenizer.decode`` of all the ids.
    """

    def __init__(self, tokenizer: Tokenizer, *, skip_special_tokens: bool) -> None:
        self._tokenizer = tokenizer
        self._skip_special_tokens = skip_special_tokens
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token_id: int) -> str:
        """Returns the text that is certain after this token; often empty inside a character."""
        return self._utf8.decode(self._tokenizer.token_bytes(token_id, self._skip_special_tokens))

    def flush(self) -> str:
        """Ends the stream and returns what was held back, U+FFFD for an unfinished character."""
        return self._utf8.decode(b"", final=True)


def _build_backend(spec: dict[str, Any], *, origin: str) -> tokenizers.Tokenizer:
    pieces = spec["model"]["vocab"]
    if spec["model"].get("type") != "BPE" or not _BYTE_OF_CHAR.keys() <= pieces.keys():
        raise CheckpointError(f"{origin} is not a byte-level BPE tokenizer")
    try:
        return tokenizers.Tokenizer.from_str(json.dumps(spec, ensure_ascii=False))
    except Exception as error:  # the library raises nothing narrower for faults in its JSON
        raise CheckpointError(f"{origin} cannot be used as a tokenizer: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object from a checkpoint file.

    Raises:
        CheckpointError: the file is missing, unreadable, or not a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path} is missing", hint="the folder is not a complete checkpoint"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not valid JSON: {error}", hint="download it again"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a JSON {type(content).__name__}, expected an object")
    return content


def _byte_of_char() -> dict[str, int]:
    """Returns the byte that each character of a byte-level BPE piece stands for.

    Printable Latin-1 bytes stand for themselves, the other 68 for U+0100 onwards in byte order.
    Source: byte-level BPE of GPT-2 (openai/gpt-2 src/encoder.py, bytes_to_unicode).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    table.update({chr(0x100 + index): byte for index, byte in enumerate(others)})
    return table


_BYTE_OF_CHAR = _byte_of_char()


def _piece_bytes(piece: str) -> bytes:
    # A piece with a foreign character stands for its own spelling, as in the library's decoder.
    if all(char in _BYTE_OF_CHAR for char in piece):
        return bytes(_BYTE_OF_CHAR[char] for char in piece)
    return piece.encode()
