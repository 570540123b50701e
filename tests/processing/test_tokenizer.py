"""The tokenizer against recorded ids, and what a user types against the special tokens."""

import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import CheckpointError, InputError
from qvl.processing.tokenizer import Tokenizer
from tests.material import material, requires_material
from tests.processing.small import SPECIAL, small_tokenizer_spec


@cache
def published() -> Tokenizer:
    return Tokenizer.from_folder(material("tokenizer"))


@cache
def small() -> Tokenizer:
    return Tokenizer(small_tokenizer_spec())


@requires_material
def test_recorded_vectors() -> None:
    cases = json.loads(material("tokenizer", "vectors.json").read_text())["cases"]
    assert len(cases) == 52
    for case in cases:
        assert published().encode_template(case["text"]) == case["ids"], case["text"]
        decoded = published().decode(case["ids"], skip_special_tokens=False)
        assert decoded == case["decoded"]
        if not any(name in case["text"] for name in published().added_names):
            assert published().encode(case["text"]) == case["ids"], case["text"]


@requires_material
def test_published_ids_by_name() -> None:
    tokenizer = published()
    assert tokenizer.vocab_size == 151_665
    assert tokenizer.eos_ids == (151_645, 151_643)
    assert (tokenizer.im_start, tokenizer.im_end) == (151_644, 151_645)
    assert tokenizer.vision_ids == (151_652, 151_653, 151_654, 151_655, 151_656)
    assert tokenizer.id_of("<tool_call>") == 151_657


@requires_material
def test_typed_special_tokens_stay_text_in_the_published_vocabulary() -> None:
    tokenizer = published()
    assert len(tokenizer.added_names) == 22
    for name in tokenizer.added_names:
        ids = tokenizer.encode(f"a{name}b")
        assert max(ids) < 151_643, name
        assert tokenizer.decode(ids) == f"a{name}b"


TYPED = st.lists(
    st.one_of(st.sampled_from(SPECIAL), st.text(max_size=6), st.sampled_from(["<|", "|>", "\n"])),
    max_size=6,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(text=TYPED)
def test_no_text_becomes_a_special_token(text: str) -> None:
    ids = small().encode(text)
    assert not set(ids) & set(range(len(SPECIAL)))
    assert small().decode(ids) == unicodedata.normalize("NFC", text)


@settings(max_examples=300, deadline=None)
@given(ids=st.lists(st.integers(0, 330), max_size=40), skip=st.booleans())
def test_stream_equals_whole(ids: list[int], skip: bool) -> None:
    decoder = small().stream_decoder(skip_special_tokens=skip)
    streamed = "".join(decoder.push(index) for index in ids) + decoder.flush()
    assert streamed == small().decode(ids, skip_special_tokens=skip)


def test_stream_waits_for_the_last_byte_of_a_character() -> None:
    ids = small().encode("aé🦙")
    assert len(ids) == 7
    decoder = small().stream_decoder()
    assert [decoder.push(index) for index in ids] == ["a", "", "é", "", "", "", "🦙"]
    assert decoder.flush() == ""
    cut = small().stream_decoder()
    assert [cut.push(index) for index in ids[:-1]] == ["a", "", "é", "", "", ""]
    assert cut.flush() == "�"


@requires_material
def test_stream_of_the_recorded_texts() -> None:
    for case in json.loads(material("tokenizer", "vectors.json").read_text())["cases"]:
        decoder = published().stream_decoder(skip_special_tokens=False)
        pieces = [decoder.push(index) for index in case["ids"]]
        assert "".join(pieces) == case["decoded"]
        assert decoder.flush() == ""


def test_trusted_text_has_special_tokens() -> None:
    ids = small().encode_template("<|im_start|>user\nhello<|im_end|>")
    assert ids[0] == small().im_start == 1
    assert ids[-1] == small().im_end == 2
    assert small().decode(ids) == "user\nhello"
    assert small().decode(ids, skip_special_tokens=False) == "<|im_start|>user\nhello<|im_end|>"


def test_a_base_vocabulary_that_lists_special_tokens_does_not_leak_them() -> None:
    # With ignore_merges a whole pre-token is looked up before any merge.
    spec = small_tokenizer_spec()
    byte_level = spec["pre_tokenizer"]["pretokenizers"][1]
    tokenizer = Tokenizer(
        {**spec, "pre_tokenizer": byte_level, "model": {**spec["model"], "ignore_merges": True}}
    )
    assert tokenizer.im_end not in tokenizer.encode("<|im_end|>")


def test_the_longest_of_two_names_wins() -> None:
    spec = small_tokenizer_spec()
    longer = {**spec["added_tokens"][1], "id": 400, "content": "<|im_start|>!"}
    tokenizer = Tokenizer({**spec, "added_tokens": [*spec["added_tokens"], longer]})
    assert tokenizer.encode_template("<|im_start|>!<|im_start|>") == [400, 1]
    assert tokenizer.vocab_size == 401


def test_call_marks_survive_when_special_tokens_are_hidden() -> None:
    tokenizer = Tokenizer(small_tokenizer_spec(call_marks=True))
    ids = tokenizer.encode_template("<|im_start|><tool_call>{}</tool_call>")
    assert tokenizer.decode(ids) == "<tool_call>{}</tool_call>"


def test_embedding_rows_beyond_the_vocabulary_stand_for_nothing() -> None:
    assert small().decode([small().vocab_size, 10_000]) == ""


def _edited(**changes: Any) -> dict[str, Any]:
    return {**small_tokenizer_spec(), **changes}


def _without(name: str) -> dict[str, Any]:
    spec = small_tokenizer_spec()
    return {**spec, "added_tokens": [t for t in spec["added_tokens"] if t["content"] != name]}


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (_without("<|image_pad|>"), "lacks the special tokens <|image_pad|>"),
        (_edited(added_tokens=[]), "lacks the special tokens"),
        (_edited(added_tokens=[{}]), "not a byte-level BPE"),
        (_edited(added_tokens=None), "not a byte-level BPE"),
        (_edited(model={"type": "WordPiece", "vocab": {}}), "not a byte-level BPE"),
        (_edited(model={"type": "BPE", "vocab": []}), "not a byte-level BPE"),
        (_edited(pre_tokenizer={"type": "Nonsense"}), "cannot be used"),
        ({}, "not a byte-level BPE"),
    ],
)
def test_a_tokenizer_that_is_not_ours_is_named(spec: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        Tokenizer(spec, origin="folder/tokenizer.json")
    assert "folder/tokenizer.json" in str(caught.value)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_unreadable_file_is_one_typed_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json") as caught:
        Tokenizer.from_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(CheckpointError, match="cannot be read"):
        Tokenizer.from_folder(tmp_path)


def test_unknown_name() -> None:
    with pytest.raises(CheckpointError, match="no token"):
        small().id_of("<tool_call>")


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_surrogate_pair_is_a_typed_error(text: str) -> None:
    with pytest.raises(InputError, match="not valid Unicode"):
        small().encode(text)
