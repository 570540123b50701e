"""A question once, and each of its answers behind it: the row of tokens of a preference.

Owns: where the answers branch off, their tokens, positions and predictions. Does not own: rendering
(``processing.chat_template``), tensors (``collate_pairs``), attention (``model.segments``).

    Packed (question with the better answer) + worse answers -> branch() -> Branched
        [ question | better answer | worse answer | worse answer ]

The question with its pictures stands in the row once, however many answers there are: an answer
sees the question and itself. The answers begin at the same position.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import numpy.typing as npt

from qvl.data.preferences import answered, check_preference
from qvl.data.records import Sample
from qvl.errors import DataError
from qvl.processing.bill import Bill
from qvl.processing.chat_template import EncodedConversation, encode, render
from qvl.processing.processor import ModelInputs
from qvl.processing.tokenizer import Tokenizer

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Branched:
    """The row of one question and A answers; shapes: T tokens, n predictions.

    Attributes:
        lengths: tokens of the question, then of each answer; the better one is the first.
        input_ids: int64[T].
        position_ids: int64[3, T].
        places: int64[n], tokens after which an answer's token is predicted: the last of the
            question for every answer's first, then those of the answer itself.
        targets: int64[n], the predicted tokens.
        answers: int64[n], the answer that a prediction belongs to.
    """

    lengths: tuple[int, ...]
    input_ids: Ids
    position_ids: Ids
    places: Ids
    targets: Ids
    answers: Ids


def branch(sample: Sample, inputs: ModelInputs, tokenizer: Tokenizer) -> Branched:
    """Returns the row of a preference.

    Args:
        sample: `preferences.check_preference`.
        inputs: of its conversation, which ends with the better answer.
        tokenizer: that made them.

    Raises:
        DataError: the sample is no preference.
    """
    check_preference(sample)
    counts = [item.num_tokens for item in inputs.media]
    rows = [(inputs.input_ids, inputs.loss_mask)]
    for answer in sample.rejected:
        found = _encoded(sample, answer.text, tokenizer, counts)
        rows.append((found.input_ids, found.loss_mask))
    start = _start(rows)
    tails = [len(ids) - start for ids, _ in rows]
    position = inputs.position_ids[:, start - 1 : start].max() + 1
    return Branched(
        lengths=(start, *tails),
        input_ids=np.concatenate([rows[0][0][:start], *(ids[start:] for ids, _ in rows)]),
        position_ids=np.concatenate(
            [inputs.position_ids[:, :start], *(_positions(position, tail) for tail in tails)], 1
        ),
        **_predictions(rows, start),
    )


def rejected_tokens(sample: Sample, inputs: ModelInputs, tokenizer: Tokenizer) -> int:
    """Returns how many tokens a sample's rejected answers add to its row.

    Raises:
        DataError: it has some, and is no preference all the same.
    """
    if not sample.rejected:
        return 0
    return sum(branch(sample, inputs, tokenizer).lengths) - len(inputs.input_ids)


def branched_tokens(sample: Sample, bill: Bill, tokenizer: Tokenizer) -> int:
    """As `rejected_tokens`, from a bill: nothing has to be decoded.

    Raises:
        DataError: the sample is no preference.
    """
    check_preference(sample)
    counts = [item.num_tokens for item in bill.items]
    texts = [None, *(answer.text for answer in sample.rejected)]
    found = [_encoded(sample, text, tokenizer, counts) for text in texts]
    rows = [(item.input_ids, item.loss_mask) for item in found]
    start = _start(rows)
    return sum(len(ids) - start for ids, _ in rows[1:])


def _encoded(
    sample: Sample, text: str | None, tokenizer: Tokenizer, counts: Sequence[int]
) -> EncodedConversation:
    conversation = sample.conversation if text is None else answered(sample, text)
    pieces = render(conversation, add_generation_prompt=False)
    return encode(pieces, tokenizer, num_item_tokens=counts)


def _start(rows: Sequence[tuple[Ids, npt.NDArray[np.bool_]]]) -> int:
    """Where the answers branch off: at the first trained token of the last answer, or before it,
    where an answer's first letters changed how the end of the question is cut into tokens."""
    starts = [_last_run(mask) for _, mask in rows]
    shortest = min(starts)
    first = rows[0][0][:shortest]
    same = np.logical_and.reduce([ids[:shortest] == first for ids, _ in rows])
    return sum(1 for _ in takewhile(bool, same))


def _last_run(mask: npt.NDArray[np.bool_]) -> int:
    """The first token of the last run of trained tokens.

    >>> _last_run(np.array([0, 1, 0, 0, 1, 1], bool))
    4
    """
    if not mask.size or not mask[-1]:
        raise DataError("a preference ends with tokens that are no answer")
    untrained = np.flatnonzero(~mask)
    return int(untrained[-1]) + 1 if untrained.size else 0


def _positions(first: int, count: int) -> Ids:
    return np.broadcast_to(first + np.arange(count), (3, count))


def _predictions(rows: Sequence[tuple[Ids, npt.NDArray[np.bool_]]], start: int) -> dict[str, Ids]:
    places, targets, answers = [], [], []
    offset = start
    for number, (ids, mask) in enumerate(rows):
        trained = np.flatnonzero(mask[start:])
        # The token before an answer's first is the question's last.
        places.append(np.where(trained == 0, start - 1, offset + trained - 1))
        targets.append(ids[start:][trained])
        answers.append(np.full(len(trained), number))
        offset += len(ids) - start
    return {
        "places": np.concatenate(places).astype(np.int64),
        "targets": np.concatenate(targets).astype(np.int64),
        "answers": np.concatenate(answers).astype(np.int64),
    }
