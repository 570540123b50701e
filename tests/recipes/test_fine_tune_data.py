"""What is found out about a person's data before training, and what is held out of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qvl.checkpoint import EMBEDDED
from qvl.data.interchange.opening import open_data
from qvl.errors import DataError
from qvl.processing.processor import Processor
from qvl.recipes import fine_tune_data
from qvl.recipes.fine_tune_data import Examined, examine, split
from qvl.recipes.fine_tune_faults import refuse_faults
from tests.data.small import picture


@pytest.fixture(scope="module")
def processor() -> Processor:
    return Processor.from_folder(EMBEDDED)


def record(question: str, answer: str, image: str | None = None) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"conversations": turns} if image is None else {"image": image, "conversations": turns}


def write(folder: Path, records: list[Any]) -> Path:
    path = folder / "my.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
    return path


def examined(path: Path, processor: Processor, *, max_tokens: int = 500) -> Examined:
    folder = path.parent / "run"
    return examine(open_data(path), processor, max_tokens=max_tokens, folder=folder)


def test_sizes_are_those_of_processing(tmp_path: Path, processor: Processor) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(112, 84))
    path = write(tmp_path, [record("<image>What?", "It.", "a.jpg"), record("Who?", "日本 é")])
    found = examined(path, processor)
    for number, sample in enumerate(open_data(path)):
        inputs = processor(sample.conversation, add_generation_prompt=False)
        assert found.lengths.tokens[number] == len(inputs.input_ids)
        assert found.lengths.patches[number] == len(inputs.pixel_values)
    assert found.lengths.items.tolist() == [1, 0]
    assert (found.faults, found.notes) == ((), ())


def test_where_pairs_are_learnt_an_answer_alone_is_a_fault(
    tmp_path: Path, processor: Processor
) -> None:
    pair = {"prompt": "Who?", "chosen": "It.", "rejected": "They."}
    path = write(tmp_path, [pair, record("Who?", "It.")])
    data, folder = open_data(path), tmp_path / "run"
    alone = examine(data, processor, max_tokens=500, folder=folder)
    assert alone.usable.tolist() == [0, 1]
    found = examine(data, processor, max_tokens=500, folder=folder, pairs=True)
    assert found.usable.tolist() == [0]
    (fault,) = found.faults
    assert str(fault).startswith("my.jsonl:2: there is no rejected answer")


def test_every_fault_is_named_and_the_rest_can_be_used(
    tmp_path: Path, processor: Processor
) -> None:
    (tmp_path / "cut.jpg").write_bytes(picture(280, 280)[:400])
    turns = [{"from": "human", "value": "And?"}]
    path = write(
        tmp_path,
        [
            record("Fine?", "Yes."),
            "{no json",
            record("<image>?", "!", "missing.jpg"),
            record("<image>?", "!", "cut.jpg"),
            {"conversations": turns},
            {"instruction": "Say", "output": "it"},
            record("word " * 600, "Long."),
        ],
    )
    found = examined(path, processor)
    said = [str(fault) for fault in found.faults]
    assert found.usable.tolist() == [0]
    assert len(said) == found.num_faulty == 6
    for place, text in [
        (2, "no JSON"),
        (3, "missing.jpg' does not exist"),
        (4, "damaged or cut off"),
        (5, "there is no answer"),
        (6, "'instruction', 'output'"),
        (7, "at most 500"),
    ]:
        (one,) = (s for s in said if s.startswith(f"my.jsonl:{place}"))
        assert text in one
    with pytest.raises(DataError, match=r"6 of 7 samples cannot be used.*--skip-bad"):
        refuse_faults(found, skip_bad=False)
    refuse_faults(found, skip_bad=True)


def test_nothing_usable_is_refused_even_when_bad_samples_are_skipped(
    tmp_path: Path, processor: Processor
) -> None:
    path = write(tmp_path, [record("word " * 600, "Long.")] * 3)
    found = examined(path, processor)
    with pytest.raises(DataError, match=r"none of 3 samples .* at most 500"):
        refuse_faults(found, skip_bad=True)
    empty = write(tmp_path, [])
    with pytest.raises(DataError, match="no samples"):
        refuse_faults(examined(empty, processor), skip_bad=True)


def test_oddities_are_said_and_do_not_stop(tmp_path: Path, processor: Processor) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(280, 280))
    answer = '[{"bbox_2d": [10, 10, 900, 50], "label": "cup"}]'
    path = write(tmp_path, [record("<image>cup", answer, "a.jpg")] * 2)
    found = examined(path, processor)
    assert found.num_faulty == 0
    assert found.notes == (
        "2 boxes or points lie outside their picture",
        "1 samples repeat another one",
    )


def test_a_picture_is_never_on_both_sides(tmp_path: Path, processor: Processor) -> None:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(picture(56, 56, kind="PNG", shade=number))
    records = [record(f"<image>{i}?", f"{i}!", f"{i % 12}.png") for i in range(60)]
    found = examined(write(tmp_path, records), processor)
    train, validation = split(found, share=0.2)
    assert len(train) + len(validation) == 60
    assert 5 <= len(validation) <= 12
    assert not {i % 12 for i in train.tolist()} & {i % 12 for i in validation.tolist()}


def test_the_split_follows_the_samples_not_their_order(
    tmp_path: Path, processor: Processor
) -> None:
    records = [record(f"Question {i}?", f"{i}!") for i in range(40)]
    _, first = split(examined(write(tmp_path, records), processor), share=0.1)
    _, turned = split(examined(write(tmp_path, records[::-1]), processor), share=0.1)
    assert {39 - i for i in turned.tolist()} == set(first.tolist())
    assert len(first) == 4


def test_few_samples_are_all_trained_on(tmp_path: Path, processor: Processor) -> None:
    found = examined(write(tmp_path, [record(f"{i}?", "!") for i in range(5)]), processor)
    train, validation = split(found, share=0.1)
    assert (len(train), len(validation)) == (5, 0)


def test_one_sample_at_least_is_trained_on(tmp_path: Path, processor: Processor) -> None:
    found = examined(write(tmp_path, [record(f"{i}?", "!") for i in range(10)]), processor)
    train, validation = split(found, share=0.99)
    assert (len(train), len(validation)) == (1, 9)


def test_checks_are_kept_until_the_data_changes(
    tmp_path: Path, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, [record("Fine?", "Yes."), "{"])
    checked = []
    real = fine_tune_data.check_sample

    def counted(sample: Any) -> Any:
        checked.append(sample)
        return real(sample)

    monkeypatch.setattr(fine_tune_data, "check_sample", counted)
    first = examined(path, processor)
    second = examined(path, processor, max_tokens=400)
    assert len(checked) == 1
    assert (first.faults, first.notes) == (second.faults, second.notes)
    assert np.array_equal(first.groups, second.groups)
    write(tmp_path, [record("Fine?", "No.")])
    assert examined(path, processor).num_faulty == 0
    assert len(checked) == 2
    (tmp_path / "run" / "checked.npz").write_bytes(b"PK\x03\x04 damaged")
    examined(path, processor)
    assert len(checked) == 3
