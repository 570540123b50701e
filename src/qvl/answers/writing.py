"""Has a model write a long answer: watched for repetition, continued when it was cut off.

Owns: when to stop and when to go on. Does not own: what a repetition is (``tasks.repetition``),
positions (``processing.continuation``).

    inputs -> stream -> text -> repeats itself? stop -> cut off? stream on from there -> Writing
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from qvl.answers.answering import AnsweringModel
from qvl.messages import GenerationResult, SamplingParams
from qvl.processing.continuation import continue_inputs
from qvl.processing.processor import ModelInputs
from qvl.tasks.repetition import find_repetition

Ending = Literal["end", "length", "repetition"]

CHECK_EVERY = 400
"""Characters between two looks for a repetition; a look takes a few milliseconds."""

_LONGEST_CHARACTER = 3
"""Tokens that may hold the beginning of a character whose end is still to come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """A long answer."""

    text: str
    ended: Ending
    """"end": the model ended it; "length": a limit did; "repetition": it repeated itself, and
    ``text`` has the first time only."""
    num_rounds: int
    """How often the model was asked, the continuations among them."""


def write(
    model: AnsweringModel,
    inputs: ModelInputs,
    params: SamplingParams,
    *,
    max_rounds: int = 4,
    on_text: Callable[[int], None] | None = None,
) -> Writing:
    """Has one answer written.

    Args:
        model: writes it.
        inputs: of the prompt.
        params: ``max_tokens`` is the limit of one round.
        max_rounds: rounds in all; each goes on where the last was cut off.
        on_text: called with the number of characters written so far.

    Raises:
        ContextLengthError: the prompt leaves no room for an answer.
    """
    tokenizer = model.processor.tokenizer
    before = ""
    for number in range(1, max_rounds + 1):
        text, result = _stream(model, inputs, params, before, on_text)
        if result is None:
            return Writing(text=text, ended="repetition", num_rounds=number)
        if result.finish_reason == "stop":
            return Writing(text=text, ended="end", num_rounds=number)
        token_ids = list(result.token_ids)
        # The last character may be cut in the middle; it is written again.
        for _ in range(_LONGEST_CHARACTER):
            if token_ids and tokenizer.decode(token_ids).endswith("\ufffd"):
                token_ids.pop()
        room = model.processor.settings.context_length - len(inputs.input_ids) - len(token_ids)
        is_full = result.completion_tokens < params.max_tokens or room < 1
        if number == max_rounds or is_full or not token_ids:
            return Writing(text=text, ended="length", num_rounds=number)
        before += tokenizer.decode(token_ids)
        inputs = continue_inputs(inputs, token_ids)
        if params.seed is not None:  # not the same draws again
            params = replace(params, seed=params.seed + 1)
    raise AssertionError("the last round returns")


def _stream(
    model: AnsweringModel,
    inputs: ModelInputs,
    params: SamplingParams,
    before: str,
    on_text: Callable[[int], None] | None,
) -> tuple[str, GenerationResult | None]:
    """The text so far with one round behind it; no result when it was left for repeating itself."""
    text, next_check = before, len(before) + CHECK_EVERY
    for event in model.stream(inputs, params):
        text += event.text
        if on_text is not None and event.text:
            on_text(len(text))
        if len(text) >= next_check or event.result is not None:
            next_check = len(text) + CHECK_EVERY
            repetition = find_repetition(text)
            if repetition is not None:
                return repetition.kept(text), None
        if event.result is not None:
            return text, event.result
    raise AssertionError("a stream ends with its result")
