"""How one answer grows and ends."""

import numpy as np

from qvl.messages import SamplingParams, TokenLogprob
from tests.inference.tiny import sequence, tiny_tokenizer

EOS = tiny_tokenizer().im_end


def feed(text: str, **params: object) -> tuple[list[str], object]:
    state = sequence(params=SamplingParams(**params))
    pieces = []
    for byte in text.encode():
        pieces.append(state.append(byte, None))
        if state.finish_reason is not None:
            return pieces, state.result()
    pieces.append(state.append(EOS, None))
    return pieces, state.result()


def test_end_token_is_counted_but_not_shown() -> None:
    pieces, result = feed("ab")
    assert pieces == ["a", "b", ""]
    assert (result.text, result.finish_reason) == ("ab", "stop")
    assert result.token_ids == (97, 98, EOS)
    assert (result.prompt_tokens, result.completion_tokens) == (5, 3)
    assert result.logprobs is None


def test_length_ends_an_answer() -> None:
    _, result = feed("abcdef", max_tokens=3)
    assert (result.text, result.finish_reason) == ("abc", "length")


def test_characters_are_shown_whole() -> None:
    pieces, result = feed("aé漢😀")
    assert [piece for piece in pieces if piece] == ["a", "é", "漢", "😀"]
    assert result.text == "aé漢😀"


def test_unfinished_character_at_the_end_is_replaced_once() -> None:
    pieces, result = feed("a漢", max_tokens=3)
    assert result.text == "a\ufffd"
    assert "".join(pieces) == result.text


def test_stop_string_across_tokens_is_cut() -> None:
    pieces, result = feed("one END two", stop=("END",))
    assert result.text == "one "
    assert "".join(pieces) == "one "
    assert result.finish_reason == "stop"
    assert result.completion_tokens == len("one END")


def test_withheld_text_is_shown_at_the_end() -> None:
    pieces, result = feed("one EN", stop=("END",))
    assert pieces[-1] == "EN"
    assert result.text == "one EN"


def test_withheld_text_is_shown_at_the_length_limit() -> None:
    _, result = feed("one END", stop=("END",), max_tokens=6)
    assert (result.text, result.finish_reason) == ("one EN", "length")


def test_stop_string_may_hold_any_character() -> None:
    _, result = feed("日本。次", stop=("。",))
    assert result.text == "日本"


def test_stop_string_completed_by_the_flush() -> None:
    # The unfinished character becomes U+FFFD, which here is the stop string.
    _, result = feed("a漢", stop=("\ufffd",), max_tokens=3)
    assert result.text == "a"


def test_ids_and_positions_go_on_from_prompt_to_answer() -> None:
    state = sequence("abc")
    state.append(65, None)
    state.append(66, None)
    assert state.ids_between(0, 5).tolist() == [97, 98, 99, 65, 66]
    assert state.ids_between(2, 4).tolist() == [99, 65]
    assert state.ids_between(4, 5).tolist() == [66]
    assert state.positions_between(2, 5).tolist() == [[2, 3, 4]] * 3
    assert state.positions_between(4, 5).dtype == np.int64


def test_logprobs_stand_beside_the_tokens() -> None:
    state = sequence(params=SamplingParams(max_tokens=1, logprobs=1))
    logprob = TokenLogprob(65, -0.5, ((66, -0.1),))
    state.append(65, logprob)
    assert state.result().logprobs == (logprob,)


def test_equal_seeds_draw_alike() -> None:
    draws = [sequence(params=SamplingParams(seed=3)).random.random() for _ in range(2)]
    assert draws[0] == draws[1]
    assert sequence().random.random() != sequence().random.random()
