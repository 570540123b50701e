"""How long every sample of a set is for a model: what packing plans with, before it decodes.

Owns: counting, and keeping the counts beside the index. Does not own: packs (``packing``).

    ShardReader, Processor -> lengths_of() -> Lengths(tokens, patches);   kept in lengths-KEY/

Counts depend on the tokenizer and the pixel limits, so they are kept for each processor apart.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qvl.data.fingerprint import fingerprint
from qvl.data.shard_index import ShardTable, write_json
from qvl.data.shards import ShardReader
from qvl.processing.processor import Processor


@dataclass(frozen=True, kw_only=True, slots=True)
class Lengths:
    """Lengths of all samples, in order.

    Attributes:
        tokens: int32[S], of the language model.
        patches: int32[S], of the vision tower.
    """

    tokens: npt.NDArray[np.int32]
    patches: npt.NDArray[np.int32]


def lengths_of(reader: ShardReader, processor: Processor) -> Lengths:
    """Returns the lengths of all samples, counted where they were not counted before.

    Pixels are not decoded.

    Raises:
        InputError: a sample cannot be read as this model's input.
        DataError: a shard is damaged.
    """
    key = fingerprint(processor.tokenizer.fingerprint(), processor.settings)[:16]
    folder = reader.folder / f"lengths-{key}"
    tokens: list[int] = []
    patches: list[int] = []
    for table in reader.tables():
        path = folder / f"{Path(table.name).stem}.json"
        counted = _kept(path, table)
        if counted is None:
            counted = _count(reader, processor, len(tokens), table)
            folder.mkdir(exist_ok=True)
            write_json(path, {"sha256": table.sha256, "tokens": counted[0], "patches": counted[1]})
        tokens += counted[0]
        patches += counted[1]
    return Lengths(tokens=np.array(tokens, np.int32), patches=np.array(patches, np.int32))


def _kept(path: Path, table: ShardTable) -> tuple[list[int], list[int]] | None:
    try:
        found = json.loads(path.read_text())
        counts = [int(n) for n in found["tokens"]], [int(n) for n in found["patches"]]
        fits = found["sha256"] == table.sha256 and {len(table)} == {*map(len, counts)}
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not counted, or damaged: count again
    return counts if fits else None


def _count(
    reader: ShardReader, processor: Processor, first: int, table: ShardTable
) -> tuple[list[int], list[int]]:
    bills = [
        processor.bill(reader.encoded(number).conversation, add_generation_prompt=False)
        for number in range(first, first + len(table))
    ]
    return [bill.total for bill in bills], [bill.num_patches for bill in bills]
