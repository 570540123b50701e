"""IFEval's kinds of instructions: each with an answer that follows it and one that does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.instructions import CHECKS, followed, sentences

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["dog", "cat"]}, "Cats and DOGS", "dogs"),
    (
        "keywords:frequency",
        {"keyword": "dog", "frequency": 2, "relation": "at least"},
        "dog, Dog",
        "a dog",
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["dog"]}, "dogs", "A Dog."),
    (
        "keywords:letter_frequency",
        {"letter": "e", "let_frequency": 2, "let_relation": "less than"},
        "one",
        "Eve",
    ),
    ("language:response_language", {"language": "de"}, "Das ist ein Hund.", "This is a dog."),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 3, "relation": "less than"},
        "Dr. Lee paid. He left.",
        "One. Two. Three.",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n\nb"),
    (
        "length_constraints:number_words",
        {"num_words": 3, "relation": "at least"},
        "one two-three",
        "one two",
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "dogs"},
        "Hi.\n\n'Dogs, they said.",
        "Dogs\n\nHi",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] at [place]", "[x]"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye.\np.p. s Hi", "P.S. Hi"),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        "* a\n  - b\nc",
        "* a\n** b\n- c\n- d",
    ),
    ("detectable_format:constrained_response", {}, "Well. My answer is no.", "no"),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        "*one* and *two*",
        "*one* and * *",
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        "SECTION 1\na\nSECTION 2\nb",
        "SECTION 1\nSection 2",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": [1]}\n```', "{'a': 1}"),
    ("detectable_format:title", {}, "<<Dogs>>\nbark", "<<  >>"),
    ("combination:two_responses", {}, "a\n******\nb", "a ****** a"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say Hi."}, "say hi. Hi", "Hi. Say hi."),
    ("startend:end_checker", {"end_phrase": "That is all."}, 'Hi. THAT is all."', "All."),
    ("startend:quotation", {}, ' "a" ', '"'),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "at least"},
        "THIS is BIG.",
        "This IS",
    ),
    ("change_case:english_capital", {}, "THIS IS A DOG AND A CAT.", "This is a dog."),
    ("change_case:english_lowercase", {}, "this is a dog and a cat.", "das ist ein hund und so."),
    ("punctuation:no_comma", {}, "a b", "a, b"),
]


def test_every_kind_has_a_case() -> None:
    assert [kind for kind, *_ in CASES] == list(CHECKS)
    assert len(CHECKS) == 25


@pytest.mark.parametrize(("kind", "arguments", "right", "wrong"), CASES, ids=[c[0] for c in CASES])
def test_a_kind(kind: str, arguments: dict[str, Any], right: str, wrong: str) -> None:
    if "language" in kind or "english" in kind:
        pytest.importorskip("langdetect")
    assert followed(right, [kind], [arguments]).strict == (True,)
    assert followed(wrong, [kind], [arguments]).strict == (False,)
    assert followed("  ", [kind], [arguments]).strict == (False,)


def test_loosely_a_first_line_a_last_line_and_asterisks_do_not_count() -> None:
    for answer in ("Sure!\n'a'\nBye!", "Sure!\n'a'", "'a'\nBye!", "**'a'**"):
        found = followed(answer.replace("'", '"'), ["startend:quotation"], [{}])
        assert (found.strict, found.loose) == ((False,), (True,))


def test_arguments_that_are_null_are_none() -> None:
    found = followed("dog", ["keywords:existence"], [{"keywords": ["dog"], "letter": None}])
    assert found.strict == (True,)
    with pytest.raises(DataError, match="no instruction 'x:y', expected one of keywords"):
        followed("dog", ["x:y"], [{}])
    for bad in ({}, {"keyword": "a", "frequency": 1, "relation": "exactly"}):
        with pytest.raises(DataError, match="keywords:frequency has the arguments"):
            followed("dog", ["keywords:frequency"], [bad])


@given(st.text(alphabet="ab.!? *\n\"'[]<>{}#Ä1", max_size=60))
def test_no_answer_breaks_a_check(answer: str) -> None:
    kinds = [case for case in CASES if "language" not in case[0] and "english" not in case[0]]
    found = followed(answer, [case[0] for case in kinds], [case[1] for case in kinds])
    assert all(loose or not strict for strict, loose in zip(found.strict, found.loose, strict=True))
    assert "".join("".join(sentences(answer)).split()) == "".join(answer.split())
