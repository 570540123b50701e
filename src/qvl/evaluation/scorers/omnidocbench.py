"""OmniDocBench: how far the text, formulas and tables of a page are from the truth.

Owns: normal forms, pairing of blocks, the distance of a page, the means of a set. Does not own:
splitting a reply (``document_blocks``), tables (``teds``), rendering formulas (CDM).

    blocks of both sides -> normal forms -> cheapest pairs -> edits / longer lengths, of the page
    -> mean over the pages

`page_distance` pairs whole blocks, as the official ``simple_match``; its ``quick_match`` also
joins and splits blocks and gives lower distances where a model breaks paragraphs elsewhere.
Source: opendatalab/OmniDocBench; VLMEvalKit dataset/OmniDocBench.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qvl.errors import DataError
from qvl.evaluation.scorers.assignment import cheapest_pairs
from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scorers.teds import teds

_WORTH_PAIRING = 0.7
"""lmms-eval leaves pairs further apart than this unpaired. Source: omnidocbench/utils.py."""
_MAX_CHARACTERS = 200_000
"""Of the truth of a page; dense newspaper pages have 30,000."""
_MAX_STEPS = 20_000_000
"""Characters gone through to compare all pairs of blocks, about a microsecond each."""
_NOT_WORD = re.compile(r"\W+")
_STYLED = re.compile(
    r"\\(?:text|mathrm|mathbf|mathit|mathsf|mathcal|mathbb|boldsymbol|textbf|textit)\{([^{}]*)\}"
)
_INVISIBLE = re.compile(
    r"\\(?:hspace|vspace|tag|label|begin|end)\{[^{}]*\}|\\(?:quad|qquad)(?![a-zA-Z])|\\[,;! ]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A block of the truth and the block of the answer that stands for it."""

    truth_index: int | None
    """None for a block of the answer that nothing asked for."""
    answer_index: int | None
    """None for a block of the truth that is missing."""
    edits: int
    length: int
    """Of the longer of the two, in their normal form."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageScore(Score):
    """The distance of a page: 0 is right, 1 is nothing in common."""

    pairs: tuple[Pair, ...]
    edits: int
    length: int


def normalise_text(text: str) -> str:
    """Returns the letters and digits of a text, all else left out.

    Source: OmniDocBench utils, clean_string.

    >>> normalise_text("Qwen2.5 第一段。")
    'Qwen25第一段'
    """
    return _NOT_WORD.sub("", text)


def normalise_text_lmms_eval(text: str) -> str:
    """Returns words in lower case between single spaces, characters in their compatible form.

    >>> normalise_text_lmms_eval("Qwen2.5 ﬁne!")
    'qwen2 5 fine'
    """
    text = unicodedata.normalize("NFKC", text).lower()
    return " ".join("".join(char if char.isalnum() else " " for char in text).split())


def normalise_formula(latex: str) -> str:
    """Returns LaTeX without what does not change its looks much: fonts, spacing, numbers.

    Source: lmms-eval omnidocbench/utils.py, _normalize_formula.

    >>> normalise_formula("\\\\mathbf{X} \\\\quad+ y \\\\tag{1}")
    'x + y'
    """
    latex = _STYLED.sub(r"\1", unicodedata.normalize("NFKC", latex))
    return " ".join(_INVISIBLE.sub(" ", latex).lower().split())


def page_distance(
    *,
    answer: Sequence[str],
    truth: Sequence[str],
    normalise: Callable[[str], str] = normalise_text,
) -> PageScore:
    """Returns the edits of a page over its length, by the official rule for whole blocks.

    Every block of the truth counts, and so does every block of the answer: text that is not on
    the page is an error.

    >>> page_distance(answer=["world", "hello"], truth=["hello", "world"]).value
    0.0
    >>> page_distance(answer=["hello", "more"], truth=["hello"]).why
    '4 edits in 9 characters, 0 blocks missing, 1 not on the page'

    Args:
        answer: paragraphs or formulas of a page, in any order.
        truth: the same.
        normalise: the form in which they are compared.

    Raises:
        DataError: the truth is no page.
    """
    return _page(answer, truth, normalise, furthest=1.0, extra_counts=True)


def page_distance_lmms_eval(
    *,
    answer: Sequence[str],
    truth: Sequence[str],
    normalise: Callable[[str], str] = normalise_text_lmms_eval,
) -> PageScore:
    """Returns the edits of a page by lmms-eval's rule; not comparable with the official one.

    Pairs far apart are not pairs, and what the answer adds to the page costs nothing.

    Raises:
        DataError: the truth is no page.
    """
    return _page(answer, truth, normalise, furthest=_WORTH_PAIRING, extra_counts=False)


def _page(
    answer: Sequence[str],
    truth: Sequence[str],
    normalise: Callable[[str], str],
    *,
    furthest: float,
    extra_counts: bool,
) -> PageScore:
    given, wanted = [normalise(text) for text in answer], [normalise(text) for text in truth]
    pairs = _paired(given, wanted, furthest)
    met, used = {pair.truth_index for pair in pairs}, {pair.answer_index for pair in pairs}
    missing = [_alone(i, None, text) for i, text in enumerate(wanted) if i not in met]
    extra = [_alone(None, j, text) for j, text in enumerate(given) if j not in used]
    counted = [*pairs, *missing, *(extra if extra_counts else [])]
    edits, length = sum(pair.edits for pair in counted), sum(pair.length for pair in counted)
    return PageScore(
        value=edits / length if length else 0.0,
        why=f"{edits} edits in {length} characters, {len(missing)} blocks missing, "
        f"{len(extra)} not on the page",
        is_parsed=bool(given) or not wanted,
        pairs=tuple(counted),
        edits=edits,
        length=length,
    )


def _paired(given: Sequence[str], wanted: Sequence[str], furthest: float) -> list[Pair]:
    if not given or not wanted:
        return []
    num_characters = sum(map(len, wanted))
    if num_characters > _MAX_CHARACTERS:
        raise DataError(
            f"a page of {num_characters:,} characters, expected at most {_MAX_CHARACTERS:,}",
            hint="score a page at a time",
        )
    # Of an answer that runs on and on the first blocks are paired; the others count as extra.
    steps = np.cumsum([len(wanted) * len(block) + num_characters for block in given])
    given = given[: max(1, int(np.searchsorted(steps, _MAX_STEPS)))]
    edits = np.array([[edit_distance(a, b) for b in given] for a in wanted])
    lengths = np.array([[max(len(a), len(b)) for b in given] for a in wanted])
    distances = np.divide(edits, lengths, out=np.zeros(edits.shape), where=lengths > 0)
    return [
        Pair(truth_index=i, answer_index=j, edits=int(edits[i, j]), length=int(lengths[i, j]))
        for i, j in cheapest_pairs(distances)
        if distances[i, j] <= furthest
    ]


def _alone(truth_index: int | None, answer_index: int | None, text: str) -> Pair:
    return Pair(
        truth_index=truth_index, answer_index=answer_index, edits=len(text), length=len(text)
    )


def page_tables(*, answer: Sequence[str], truth: Sequence[str]) -> list[Score]:
    """Scores the tables of a page: TEDS of each table of the truth, 0 for a missing one.

    Tables are paired by their HTML; headers count as cells.

    >>> table = "<table><tr><td>a</td></tr></table>"
    >>> [score.value for score in page_tables(answer=[table], truth=["<table></table>", table])]
    [0.0, 1.0]

    Args:
        answer: HTML of tables.
        truth: the same.

    Raises:
        DataError: the truth is no page.
    """
    given, wanted = ([" ".join(text.lower().split()) for text in side] for side in (answer, truth))
    other = {pair.truth_index: pair.answer_index for pair in _paired(given, wanted, 1.0)}
    scores = []
    for index, table in enumerate(truth):
        partner = other.get(index)
        scores.append(
            Score(value=0.0, why="no table for it", is_parsed=False)
            if partner is None
            else teds(answer=answer[partner], truth=table, headers_as_cells=True)
        )
    return scores


def reading_order_distance(page: PageScore) -> Score:
    """Returns how far the blocks of the truth stand from their order in the answer: 0 is right.

    Blocks without a partner are left out.

    >>> page = page_distance(answer=["b", "a"], truth=["a", "b"])
    >>> reading_order_distance(page).value
    1.0

    Args:
        page: with the pairs of `page_distance`.
    """
    both = [
        (pair.truth_index, pair.answer_index)
        for pair in page.pairs
        if pair.truth_index is not None and pair.answer_index is not None
    ]
    in_truth = [i for i, _ in sorted(both)]
    in_answer = [i for i, _ in sorted(both, key=lambda pair: pair[1])]
    edits = edit_distance(in_truth, in_answer)
    return Score(
        value=edits / len(both) if both else 0.0,
        why=f"{edits} of {len(both)} blocks out of order",
    )


def mean_distance(pages: Sequence[PageScore]) -> float:
    """Returns the mean over pages; pages without text on either side do not count.

    Raises:
        DataError: no page has text.
    """
    return mean([page.value for page in pages if page.length])
