"""How sure the model was of a part of its answer, from the log-probabilities of its tokens.

Owns: which characters each token wrote, and the probability of a span of them. Does not own: what a
span means (the parsers of ``tasks`` set it).

    GenerationResult with logprobs -> token_spans() -> span_probability(), with_confidence()

The number is the geometric mean of the token probabilities, so long and short spans compare; the
product would call every long span unlikely. ``measure="min"`` is the least sure token instead: what
to look at when a single wrong digit makes the whole value wrong. Neither is calibrated: use them to
compare and to sort, and find the limit that fits your data.
"""

import codecs
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from qvl.messages import GenerationResult
from qvl.processing.tokenizer import Tokenizer
from qvl.tasks.grounding import GroundedBox, GroundedPoint

Measure = Literal["mean", "min"]

# The digits of coordinates, not those of keys such as "x1": brackets and commas are nearly always
# certain and would hide an unsure digit.
_NUMBER = re.compile(r"(?<![A-Za-z_\d])\d[\d.]*")


class TokenSpan(NamedTuple):
    """The characters ``text[start:stop]`` of an answer that one token wrote, or helped to write."""

    start: int
    stop: int
    logprob: float


class _Spanned(Protocol):
    """What confidence can be had of: a frozen dataclass with the characters it was read from."""

    @property
    def span(self) -> tuple[int, int] | None: ...
    @property
    def confidence(self) -> float | None: ...


Item = TypeVar("Item", bound=_Spanned)


def token_spans(result: GenerationResult, tokenizer: Tokenizer) -> tuple[TokenSpan, ...]:
    """Returns where the tokens of an answer stand in its text, in order.

    A character of several tokens belongs to each of them. Tokens without text, such as the one that
    ends the answer, and what follows a stop string are left out. Empty when the answer has no
    log-probabilities or when its text is not what its tokens spell.
    """
    if result.logprobs is None or len(result.logprobs) != len(result.token_ids):
        return ()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    spans: list[TokenSpan] = []
    pieces: list[str] = []
    start = 0
    for token, logprob in zip(result.token_ids, result.logprobs, strict=True):
        written = tokenizer.token_bytes(token)
        if not written:
            continue
        piece = decoder.decode(written)
        pieces.append(piece)
        stop = start + len(piece)
        is_open = bool(decoder.getstate()[0])  # bytes of a character that the next token goes on
        last = min(stop + is_open, len(result.text))
        if start < last:
            spans.append(TokenSpan(start, last, logprob.logprob))
        start = stop
    pieces.append(decoder.decode(b"", final=True))
    return tuple(spans) if "".join(pieces).startswith(result.text) else ()


def span_probability(
    result: GenerationResult,
    tokenizer: Tokenizer,
    span: tuple[int, int],
    *,
    measure: Measure = "mean",
) -> float | None:
    """Returns how probable the tokens were that wrote a part of an answer.

    Args:
        result: an answer drawn with ``logprobs``.
        tokenizer: the one that made its tokens.
        span: characters of ``result.text``; tokens that stand partly in it count whole.
        measure: "mean", exp of the mean log-probability, or "min", the least probable token.

    Returns:
        0 to 1; None when there are no log-probabilities or no token stands in the span.
    """
    return _probability(token_spans(result, tokenizer), [span], measure)


def with_confidence(
    items: Sequence[Item],
    result: GenerationResult,
    tokenizer: Tokenizer,
    *,
    measure: Measure = "mean",
) -> tuple[Item, ...]:
    """Returns the items with their ``confidence`` set, as `span_probability` of their ``span``.

    Of boxes and points only the digits of the coordinates count. An item without a span, or an
    answer without log-probabilities, leaves it None.
    """
    spans = token_spans(result, tokenizer)
    changed: list[Item] = []
    for item in items:
        parts = [] if item.span is None else [item.span]
        if isinstance(item, GroundedBox | GroundedPoint):
            parts = [
                found.span() for part in parts for found in _NUMBER.finditer(result.text, *part)
            ]
        any_item: Any = item  # every item is a dataclass, which a protocol cannot say
        changed.append(replace(any_item, confidence=_probability(spans, parts, measure)))
    return tuple(changed)


def _probability(
    spans: Sequence[TokenSpan], parts: Iterable[tuple[int, int]], measure: Measure
) -> float | None:
    tokens: set[int] = set()
    for start, stop in parts:
        first = bisect_right(spans, start, key=lambda token: token.stop)
        last = bisect_left(spans, stop, key=lambda token: token.start)
        tokens.update(range(first, last))
    if not tokens:
        return None
    logprobs = [spans[index].logprob for index in tokens]
    value = min(logprobs) if measure == "min" else math.fsum(logprobs) / len(logprobs)
    return min(1.0, math.exp(value))
