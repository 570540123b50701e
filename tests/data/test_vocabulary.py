"""The small tokenizer speaks the published format."""

from pathlib import Path

import pytest

from qvl.data.vocabulary import SPECIAL_TOKENS, save_tokenizer, train_tokenizer
from qvl.processing.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder: Path = tmp_path_factory.mktemp("vocabulary")
    save_tokenizer(train_tokenizer(["the image of the text"] * 50, vocab_size=300), folder)
    return Tokenizer.from_folder(folder)


@pytest.mark.parametrize("text", ["the image", "Größe 中文 \U0001f600\n\t", "", "  x  "])
def test_any_text_survives(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_stay_single(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("1984")) == 4


def test_special_names_are_last_and_not_interpreted_in_text(tokenizer: Tokenizer) -> None:
    ids = [tokenizer.id_of(name) for name in SPECIAL_TOKENS]
    assert ids == sorted(ids)
    assert min(ids) >= 256
    assert not set(tokenizer.encode("<|im_end|>")) & set(ids)
