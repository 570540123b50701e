"""Which token wrote which characters, and how sure the model was of a part of its answer."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.answers.confidence import span_probability, token_spans, with_confidence
from qvl.messages import GenerationResult, TokenLogprob
from qvl.processing.tokenizer import Tokenizer
from qvl.tasks import grounding
from tests.material import EMBEDDED

TOKENIZER = Tokenizer.from_folder(EMBEDDED)


def answer(
    text: str,
    *,
    ids: list[int] | None = None,
    logprobs: list[float] | None = None,
    end: bool = True,
) -> GenerationResult:
    """An answer whose tokens have these log-probabilities, or -1, -2, -3, ..."""
    tokens = TOKENIZER.encode(text) if ids is None else ids
    values = [-1.0 - i for i in range(len(tokens))] if logprobs is None else logprobs
    tokens = [*tokens, TOKENIZER.im_end] if end else tokens
    values = [*values, -99.0] if end else values
    return GenerationResult(
        text=text,
        token_ids=tuple(tokens),
        finish_reason="stop",
        logprobs=tuple(TokenLogprob(t, v, ()) for t, v in zip(tokens, values, strict=True)),
        prompt_tokens=1,
        completion_tokens=len(tokens),
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_spans_cover_the_text_in_order(text: str) -> None:
    result = answer(text)
    spans = token_spans(result, TOKENIZER)
    covered = {place for span in spans for place in range(span.start, span.stop)}
    assert covered == set(range(len(text)))
    assert [s.start for s in spans] == sorted(s.start for s in spans)
    assert [s.stop for s in spans] == sorted(s.stop for s in spans)
    assert [s.logprob for s in spans] == [-1.0 - i for i in range(len(spans))]
    for span, token in zip(spans, result.token_ids, strict=False):
        written = TOKENIZER.token_bytes(token)
        assert written in text[span.start : span.stop].encode()


def test_a_character_of_several_tokens_belongs_to_each() -> None:
    ids = [token for byte in "x米y".encode() for token in _token_of(bytes([byte]))]
    spans = token_spans(answer("x米y", ids=ids), TOKENIZER)
    assert [(s.start, s.stop) for s in spans] == [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]
    one = span_probability(answer("x米y", ids=ids), TOKENIZER, (1, 2))
    assert one == pytest.approx(math.exp((-2 - 3 - 4) / 3))


def _token_of(byte: bytes) -> list[int]:
    return [t for t in range(300) if TOKENIZER.token_bytes(t) == byte][:1]


def test_bytes_that_are_no_text_are_replaced_where_they_stand() -> None:
    lone = _token_of("米".encode()[:1])
    result = answer("a\ufffdb", ids=[*_token_of(b"a"), *lone, *_token_of(b"b")])
    assert [(s.start, s.stop) for s in token_spans(result, TOKENIZER)] == [(0, 1), (1, 2), (1, 3)]


def test_mean_and_minimum() -> None:
    result = answer("12", logprobs=[-0.5, -1.5])
    assert len(token_spans(result, TOKENIZER)) == 2
    assert span_probability(result, TOKENIZER, (0, 2)) == pytest.approx(math.exp(-1.0))
    assert span_probability(result, TOKENIZER, (0, 2), measure="min") == pytest.approx(
        math.exp(-1.5)
    )
    assert span_probability(result, TOKENIZER, (1, 2)) == pytest.approx(math.exp(-1.5))


def test_nothing_is_claimed_without_grounds() -> None:
    result = answer("some text")
    assert span_probability(result, TOKENIZER, (4, 4)) is None
    assert span_probability(result, TOKENIZER, (50, 60)) is None
    other = GenerationResult(
        text="another", token_ids=result.token_ids, finish_reason="stop", logprobs=result.logprobs,
        prompt_tokens=1, completion_tokens=1,
    )  # fmt: skip
    assert span_probability(other, TOKENIZER, (0, 3)) is None
    silent = GenerationResult(
        text="some text", token_ids=result.token_ids, finish_reason="stop", prompt_tokens=1,
        completion_tokens=1,
    )  # fmt: skip
    assert span_probability(silent, TOKENIZER, (0, 3)) is None
    (item,) = with_confidence(grounding.parse("[1, 2, 3, 4]").items, silent, TOKENIZER)
    assert item.confidence is None


def test_text_after_a_stop_string_is_left_out() -> None:
    whole = answer("one two END three")
    cut = GenerationResult(
        text="one two ", token_ids=whole.token_ids, finish_reason="stop", logprobs=whole.logprobs,
        prompt_tokens=1, completion_tokens=1,
    )  # fmt: skip
    spans = token_spans(cut, TOKENIZER)
    assert spans[-1].stop == len(cut.text)


def test_of_a_box_only_the_digits_count() -> None:
    text = '[{"bbox_2d": [12, 34, 56, 78], "label": "9"}, {"bbox_2d": [1, 2, 3, 4]}]'
    starts = [span.start for span in token_spans(answer(text), TOKENIZER)]
    stops = [*starts[1:], len(text)]
    first = (text.index("12"), text.index("78") + 2)
    logprobs = [
        -0.25 if any(c.isdigit() for c in text[max(a, first[0]) : min(b, first[1])]) else -5.0
        for a, b in zip(starts, stops, strict=True)
    ]
    boxes = with_confidence(grounding.parse(text).boxes, answer(text, logprobs=logprobs), TOKENIZER)
    assert [box.confidence for box in boxes] == [
        pytest.approx(math.exp(-0.25)),
        pytest.approx(math.exp(-5.0)),
    ]
    assert boxes[0].to_json()["confidence"] == boxes[0].confidence
    assert "confidence" not in grounding.parse(text).boxes[0].to_json()


def test_many_items_take_linear_time() -> None:
    text = "[" + ", ".join(['{"bbox_2d": [12, 34, 56, 78], "label": "cup"}'] * 1000) + "]"
    result = answer(text)
    items = grounding.parse(text).items
    start = time.process_time()
    found = with_confidence(items, result, TOKENIZER)
    assert time.process_time() - start < 2.0
    assert all(item.confidence is not None for item in found)
