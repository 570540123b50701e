"""Pass two and three: which samples are duplicates, and a run without them.

Owns: the rule of what a duplicate is, which of a group is kept, the table of duplicates, marking
the samples of a source. Does not own: signatures (``signatures``), groups (``clusters``).

    SignatureFolder -> exact groups; near texts, near pictures -> near groups -> DuplicateTable
    MarkedSource(source, table) -> filter_step("duplicates", not_a_duplicate) -> run

Texts are compared where a band of their signatures is equal, and joined when enough of the whole
signature is. One band of all samples is in memory at a time: about 60 bytes a sample.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from qvl.data.atomic import whole_file
from qvl.data.dedup.clusters import Clusters, Numbers, bucket_pairs
from qvl.data.dedup.minhash import mixed, similarity
from qvl.data.dedup.pictures import SamePicture, same_pictures
from qvl.data.dedup.signatures import SignatureFolder, SignatureOptions, write_signatures
from qvl.data.fingerprint import fingerprint
from qvl.data.local import run_local
from qvl.data.records import Sample
from qvl.data.run import RunOptions, RunSummary
from qvl.data.sources import Source
from qvl.data.steps import Step, filter_step
from qvl.errors import ConfigError, DataError

By = Literal["both", "text", "picture"]
"""What has to be nearly equal: text and pictures, the text alone, the pictures alone."""

SCORES = {1: "exact_duplicate", 2: "near_duplicate"}
"""Names of the scores by which marked samples are known; the value is the similarity."""

_BLOCK = 2**16
_NO_TEXT, _NO_PICTURES = np.uint64(0), np.uint64(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class NearRule:
    """From when on samples are nearly equal.

    Attributes:
        by: what is compared. With "both" a text may come again with other pictures, and a picture
            with other questions; samples without pictures are compared by their texts. Videos
            are the same when their files are.
        least_similarity: of the sets of shingles, as estimated from the signatures; how many pairs
            of a similarity are compared at all is `MinHash.chance`.
        picture: when pictures are the same.

    Source of 0.8: Lee et al., Deduplicating Training Data Makes Language Models Better (2022), 4.2.
    """

    by: By = "both"
    least_similarity: float = 0.8
    picture: SamePicture = field(default_factory=SamePicture)

    def __post_init__(self) -> None:
        if self.by not in get_args(By) or not 0 < self.least_similarity <= 1:
            raise ConfigError(
                f"near duplicates by {self.by!r} from {self.least_similarity:g} on, expected "
                f"{', '.join(get_args(By))}, and a similarity above 0 up to 1"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateTable:
    """What is known of every sample of a set.

    Attributes:
        kinds: uint8[N], 0 of a sample to keep, 1 of an exact duplicate, 2 of a near one.
        kept: int64[N], the number of the sample that stays for it.
        similarity: float32[N], of its text to that one's; 1 of exact ones.
    """

    kinds: npt.NDArray[np.uint8]
    kept: Numbers
    similarity: npt.NDArray[np.float32]

    def __str__(self) -> str:
        exact, near = (int((self.kinds == kind).sum()) for kind in (1, 2))
        return f"{len(self.kinds)} samples, {exact} exact and {near} near duplicates"

    def save(self, path: Path) -> None:
        """Writes the table whole or not at all."""
        with whole_file(path) as file:
            np.savez_compressed(file, kinds=self.kinds, kept=self.kept, similarity=self.similarity)

    @classmethod
    def load(cls, path: Path) -> "DuplicateTable":
        """Reads a table.

        Raises:
            DataError: there is none, or it is damaged.
        """
        try:
            with np.load(path) as found:
                kinds, kept, alike = (found[name] for name in ("kinds", "kept", "similarity"))
            return cls(kinds=kinds, kept=kept, similarity=alike)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path} is no table of duplicates: {error}") from error


def find_duplicates(signatures: SignatureFolder, rule: NearRule) -> DuplicateTable:
    """Finds all duplicates of a set; of each group the one with the best score is kept, of equal
    scores the first.

    Args:
        signatures: of the set.
        rule: from when on samples are nearly equal.
    """
    count = signatures.num_samples
    scores = signatures.column("scores") if count else np.zeros(0)
    everyone = np.arange(count, dtype=np.int64)
    if not count:
        return DuplicateTable(
            kinds=np.zeros(0, np.uint8), kept=everyone, similarity=np.zeros(0, np.float32)
        )
    contents = signatures.column("contents")
    kept = _best_of_each(contents[:, 0], contents[:, 1], scores, everyone)
    kinds = (kept != everyone).astype(np.uint8)
    alike = np.ones(count, np.float32)

    text_of, picture_of = _text_groups(signatures, rule), _picture_groups(signatures, rule)
    left = everyone[kinds == 0]
    if rule.by == "both":
        left = left[(text_of[left] != _NO_TEXT) | (picture_of[left] != _NO_PICTURES)]
    elif rule.by == "text":
        left = left[text_of[left] != _NO_TEXT]
    else:
        left = left[picture_of[left] != _NO_PICTURES]
    near = _best_of_each(text_of[left], picture_of[left], scores[left], left)
    changed = left[near != left]
    kinds[changed] = 2
    kept[left] = near
    kept = kept[kept]  # an exact duplicate of a near one
    alike[changed] = _similarities(signatures, changed, kept[changed])
    return DuplicateTable(kinds=kinds, kept=kept, similarity=alike)


def _best_of_each(
    first: npt.NDArray[np.uint64],
    second: npt.NDArray[np.uint64],
    scores: npt.NDArray[np.float64],
    numbers: Numbers,
) -> Numbers:
    """For each number the one to keep of those that share both keys."""
    order = np.lexsort((numbers, -scores, second, first))
    same = (np.diff(first[order]) == 0) & (np.diff(second[order]) == 0)
    group = np.concatenate([[0], np.cumsum(~same)]) if len(order) else order
    heads = np.flatnonzero(np.concatenate([[True], ~same])) if len(order) else order
    best = np.empty_like(numbers)
    best[order] = numbers[order[heads[group]]] if len(order) else numbers
    return best


def _text_groups(signatures: SignatureFolder, rule: NearRule) -> npt.NDArray[np.uint64]:
    """A key of every sample's text, equal for near texts; `_NO_TEXT` of samples without words."""
    groups = Clusters(signatures.num_samples)
    if rule.by == "picture":
        return np.zeros(signatures.num_samples, np.uint64) + np.uint64(2)
    rows = signatures.texts()
    for band in range(signatures.num_bands):
        left, right = bucket_pairs(signatures.band(band))
        for start in range(0, len(left), _BLOCK):
            one, other = left[start : start + _BLOCK], right[start : start + _BLOCK]
            apart = groups.roots(one) != groups.roots(other)
            one, other = one[apart], other[apart]
            close = similarity(rows[one], rows[other]) >= rule.least_similarity
            groups.join(one[close], other[close])
    keys = mixed(groups.labels().astype(np.uint64) + np.uint64(2))
    return np.where(signatures.column("has_text"), keys, _NO_TEXT)


def _picture_groups(signatures: SignatureFolder, rule: NearRule) -> npt.NDArray[np.uint64]:
    """A key of every sample's pictures in their order, equal for near ones, and of its videos,
    equal for the same ones; `_NO_PICTURES` of samples without both."""
    counts = signatures.column("num_pictures")
    if rule.by == "text":
        return np.full(len(counts), _NO_PICTURES)
    videos = signatures.column("videos")
    keys = np.where(videos == 0, _NO_PICTURES, mixed(videos))
    if not counts.any():
        return keys
    bits = signatures.column("bits")
    groups = Clusters(len(bits))
    for left, right in same_pictures(bits, signatures.thumbnails(), rule.picture):
        groups.join(left, right)
    labels = mixed(groups.labels().astype(np.uint64) + np.uint64(2))
    starts = np.cumsum(counts) - counts
    for place in range(int(counts.max())):
        has = counts > place
        keys[has] = mixed(keys[has] * np.uint64(31) + labels[starts[has] + place])
    return keys


def _similarities(
    signatures: SignatureFolder, one: Numbers, other: Numbers
) -> npt.NDArray[np.float32]:
    rows = signatures.texts()
    blocks = range(0, len(one), _BLOCK)
    found = [
        similarity(rows[one[start : start + _BLOCK]], rows[other[start : start + _BLOCK]])
        for start in blocks
    ]
    return np.concatenate(found) if found else np.zeros(0, np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkedSource:
    """A source whose duplicates carry a score named in `SCORES`.

    Attributes:
        source: of the samples.
        table: file of a `DuplicateTable` about that source.
    """

    source: Source
    table: Path

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, number: int, /) -> Sample:
        sample = self.source[number]
        table = _loaded(self.table)
        kind = int(table.kinds[number])
        if not kind:
            return sample
        score = {SCORES[kind]: round(float(table.similarity[number]), 4)}
        provenance = replace(sample.provenance, scores={**sample.provenance.scores, **score})
        return replace(sample, provenance=provenance)

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the samples and of what is known of them."""
        table = _loaded(self.table)
        marks = table.kinds[start:stop], table.similarity[start:stop]
        return fingerprint(self.source.fingerprint(start, stop), *marks)


@lru_cache(maxsize=4)
def _loaded(path: Path) -> DuplicateTable:
    return DuplicateTable.load(path)


def not_a_duplicate(sample: Sample) -> str | None:
    """Drops a sample that `MarkedSource` marked."""
    for score in SCORES.values():
        if score in sample.provenance.scores:
            return score.replace("_", " ")
    return None


def run_without_duplicates(
    source: Source,
    folder: Path,
    *,
    rule: NearRule | None = None,
    options: SignatureOptions | None = None,
    steps: Sequence[Step] = (),
    processes: int = 1,
    run_options: RunOptions | None = None,
    note: Callable[[str], None] | None = None,
) -> RunSummary:
    """Takes the samples of a source without duplicates into shards: all three passes.

    Args:
        source: of the samples.
        folder: of the shards; signatures and the table are kept inside.
        rule: from when on samples are nearly equal.
        options: what stands for a sample.
        steps: after the duplicates are dropped.
        processes: to share the work; any number gives the same bytes.
        run_options: of the last pass.
        note: called with a line about the duplicates.

    Raises:
        ConfigError: as `run_local`.
        DataError: as `write_signatures` and `run_local`.
    """
    signatures = write_signatures(
        source,
        folder / "signatures",
        options=options or SignatureOptions(),
        processes=processes,
    )
    table = find_duplicates(signatures, rule or NearRule())
    path = folder / "signatures" / "duplicates.npz"
    table.save(path)
    _loaded.cache_clear()
    if note is not None:
        note(str(table))
    return run_local(
        MarkedSource(source=source, table=path),
        [filter_step("duplicates", not_a_duplicate), *steps],
        folder,
        processes=processes,
        options=run_options,
    )
