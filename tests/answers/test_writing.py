"""Long answers: stopped when they repeat themselves, continued where they were cut off."""

import numpy as np
import pytest

from qvl.answers.writing import Writing, write
from qvl.messages import Conversation, SamplingParams
from qvl.processing.continuation import continue_inputs
from tests.answers.scripted import ScriptedEngine

PARAGRAPH = '<p data-bbox="1 2 3 4">The page says the same.</p>'


def written(
    *answers: str, max_tokens: int = 4096, max_rounds: int = 4
) -> tuple[Writing, ScriptedEngine]:
    engine = ScriptedEngine(list(answers))
    inputs = engine.prepare(Conversation.user("QwenVL HTML "))
    params = SamplingParams(max_tokens=max_tokens)
    return write(engine, inputs, params, max_rounds=max_rounds), engine


def test_an_answer_that_ends() -> None:
    writing, engine = written("<p>whole</p>")
    assert writing == Writing(text="<p>whole</p>", ended="end", num_rounds=1)
    assert len(engine.asked) == 1


def test_a_repetition_is_stopped_and_its_first_time_kept() -> None:
    writing, engine = written("<body>" + PARAGRAPH * 500 + "</body>")
    assert writing.ended == "repetition"
    assert writing.text == "<body>" + PARAGRAPH
    assert len(engine.asked) == 1


def test_a_cut_answer_is_continued_from_where_it_was_cut() -> None:
    engine = ScriptedEngine([])
    text = "<p>" + "".join(f"word{i} " for i in range(60)) + "</p>"
    ids = engine.processor.tokenizer.encode(text)
    size = len(ids) // 3 + 1
    pieces = [
        engine.processor.tokenizer.decode(ids[i : i + size]) for i in range(0, len(ids), size)
    ]
    # The scripted model cuts an answer of as many tokens as are allowed.
    writing, engine = written(*pieces, max_tokens=len(engine.processor.tokenizer.encode(pieces[0])))
    assert writing == Writing(text=text, ended="end", num_rounds=3)
    first, second, third = engine.asked
    np.testing.assert_array_equal(
        second.input_ids[len(first.input_ids) :], engine.processor.tokenizer.encode(pieces[0])
    )
    assert len(third.input_ids) > len(second.input_ids)
    assert third.next_position == first.next_position + len(third.input_ids) - len(first.input_ids)


def test_rounds_are_bounded() -> None:
    writing, engine = written("some words that go on and never end", max_tokens=3, max_rounds=2)
    assert writing.ended == "length"
    assert writing.num_rounds == len(engine.asked) == 2
    tokenizer = engine.processor.tokenizer
    three = tokenizer.decode(tokenizer.encode("some words that go on and never end")[:3])
    assert writing.text == three * 2


def test_a_character_cut_in_the_middle_is_written_again() -> None:
    engine = ScriptedEngine([])
    tokenizer = engine.processor.tokenizer
    ids = tokenizer.encode("图")
    assert len(ids) > 1, "the tiny tokenizer writes it in bytes"
    writing, engine = written("ab 图", "图 cd", max_tokens=len(tokenizer.encode("ab 图")) - 1)
    assert "\ufffd" not in engine.processor.tokenizer.decode(engine.asked[1].input_ids[-3:])
    assert "\ufffd" not in writing.text.removesuffix("\ufffd") or writing.ended == "length"
    assert writing.text.startswith("ab 图")


def test_a_full_context_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine(["many words in a row, all of them new"])
    inputs = engine.prepare(Conversation.user("hi"))
    room = engine.processor.settings.context_length - len(inputs.input_ids)
    inputs = continue_inputs(inputs, [5] * (room - 4))
    writing = write(engine, inputs, SamplingParams(max_tokens=4), max_rounds=9)
    assert (writing.ended, writing.num_rounds) == ("length", 1)


def test_progress_counts_all_that_was_written() -> None:
    counts: list[int] = []
    engine = ScriptedEngine(["<p>some text</p>"])
    inputs = engine.prepare(Conversation.user("hi"))
    writing = write(engine, inputs, SamplingParams(), on_text=counts.append)
    assert counts == sorted(counts)
    assert counts[-1] == len(writing.text)
