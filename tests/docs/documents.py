"""Finds what can be run in the documents: Python blocks, console blocks, and their outputs.

A ``text`` block right after a ``python`` block is its output. In a ``console`` block lines that
begin with "$ " are commands.
"""

import re
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Block(NamedTuple):
    """One fenced block, and the output block that follows it, if one does."""

    kind: str
    code: str
    output: str | None


def blocks(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    result = []
    for block, following in zip_longest(found, found[1:]):
        output = None
        if following is not None and following.group(1) == "text":
            between = _COMMENT.sub("", text[block.end() : following.start()])
            output = following.group(2) if not between.strip() else None
        result.append(Block(block.group(1), block.group(2), output))
    return result


def commands(block: Block) -> list[str]:
    """The commands of a console block."""
    return [line[2:] for line in block.code.splitlines() if line.startswith("$ ")]
