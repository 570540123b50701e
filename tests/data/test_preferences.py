"""Preferences: stored and read back, linted, and known by their rejected answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qvl.data.encoding import content_id, decode_sample, encode_sample
from qvl.data.lint import lint
from qvl.data.preferences import answered, check_preference, preference_problems
from qvl.data.records import Provenance, Rejected, Sample
from qvl.data.shards import ShardReader, write_shards
from qvl.errors import DataError
from qvl.messages import Conversation, Image, Message, Text


def sample(chosen: str = "red", *rejected: str, picture: bool = True) -> Sample:
    pixels = np.full((28, 28, 3), 200, np.uint8)
    content = (Image(pixels), Text("Which colour?")) if picture else (Text("Which colour?"),)
    turns = (Message("user", content), Message("assistant", (Text(chosen),)))
    return Sample(
        task="colour",
        conversation=Conversation(turns),
        provenance=Provenance(generator="test"),
        rejected=tuple(Rejected(text=text, margin=0.5) for text in rejected),
    )


def test_shards_keep_rejected_answers(tmp_path: Path) -> None:
    whole = replace(sample("red", "blue"), rejected=(Rejected(text="b", margin=2.0, fault="x"),))
    assert decode_sample(encode_sample(whole).files).rejected == whole.rejected
    write_shards([whole, sample("red")], tmp_path)
    reader = ShardReader(tmp_path)
    assert reader[0].rejected == whole.rejected
    assert reader[1].rejected == ()


def test_rejected_answers_count_for_the_id() -> None:
    ids = {content_id(sample("red", *worse)) for worse in [(), ("blue",), ("green",)]}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (sample("red", "red "), "rejected answer 0 equals the chosen answer"),
        (sample("red", "a", "b", "a"), "rejected answer 2 equals rejected answer 0"),
        (sample("red", " "), "rejected answer 0 is empty"),
        (sample("red", "It looks to me as if it were the"), "rejected answer 0: answer is cut off"),
        (sample("It looks to me as if it were the", "x"), "the chosen answer: answer is cut off"),
        (sample("red", *map(str, range(40))), "40 rejected answers"),
    ],
)
def test_lint_names_what_is_wrong(tmp_path: Path, bad: Sample, words: str) -> None:
    assert any(words in problem for problem in preference_problems(bad))
    write_shards([bad], tmp_path)
    assert any(words in problem.message for problem in lint(ShardReader(tmp_path)).problems)


def test_what_was_cut_on_purpose_is_no_problem() -> None:
    cut = Rejected(text="It looks to me as if it were the", fault="cut")
    assert not list(preference_problems(replace(sample("red"), rejected=(cut,))))
    assert not list(preference_problems(sample("red", "blue")))


def test_samples_that_are_no_preferences_are_refused() -> None:
    with pytest.raises(DataError, match="has no rejected answer"):
        check_preference(sample("red"))
    question = sample("red", "blue")
    cut = replace(question, conversation=Conversation(question.conversation.messages[:1]))
    with pytest.raises(DataError, match="ends with a turn by user"):
        check_preference(cut)


def test_another_answer_keeps_the_question() -> None:
    one = sample("red", "blue")
    other = answered(one, "blue")
    assert other.messages[0] is one.conversation.messages[0]
    assert other.messages[1].content == (Text("blue"),)
