"""M-RoPE positions against the published rule's recorded results and against a slow twin."""

import doctest
import json
import math
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.processing import positions
from qvl.processing.positions import (
    Positions,
    TextRun,
    VisionRun,
    decode_positions,
    mrope_positions,
    num_tokens,
    pack_positions,
    runs_of,
)
from tests.material import material, requires_material

Run = TextRun | VisionRun


def test_worked_examples_in_the_docstrings() -> None:
    failed, tried = doctest.testmod(positions)
    assert tried > 5
    assert failed == 0


def test_worked_example_of_the_concept_page(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "concepts" / "positions.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out == printed


def test_documentation_example_with_25_tokens_per_second() -> None:
    runs = [VisionRun((3, 4, 4), second_per_grid=2.0), TextRun(5)]
    position_ids, next_position = mrope_positions(runs, tokens_per_second=25)
    assert position_ids.tolist() == [
        [0, 0, 0, 0, 50, 50, 50, 50, 100, 100, 100, 100, 101, 102, 103, 104, 105],
        [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 101, 102, 103, 104, 105],
        [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 101, 102, 103, 104, 105],
    ]
    assert next_position == 106


def test_released_rate_and_two_frames_a_second() -> None:
    runs = [VisionRun((3, 4, 4), second_per_grid=1.0), TextRun(5)]
    position_ids, _ = mrope_positions(runs, tokens_per_second=2)
    assert position_ids[0].tolist() == [0] * 4 + [2] * 4 + [4] * 4 + [5, 6, 7, 8, 9]
    assert position_ids[1, 12:].tolist() == position_ids[2, 12:].tolist() == [5, 6, 7, 8, 9]


def test_image_between_texts() -> None:
    runs = [TextRun(3), VisionRun((1, 4, 6)), TextRun(2)]
    position_ids, _ = mrope_positions(runs, tokens_per_second=2)
    assert position_ids.tolist() == [
        [0, 1, 2, 3, 3, 3, 3, 3, 3, 6, 7],
        [0, 1, 2, 3, 3, 3, 4, 4, 4, 6, 7],
        [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7],
    ]


def _golden_runs(row: list[list[object]], seconds: list[float]) -> list[Run]:
    runs: list[Run] = []
    for kind, value, *_ in row:
        if kind == "text":
            assert isinstance(value, int)
            runs.append(TextRun(value))
        else:
            assert isinstance(value, list)
            item = VisionRun(tuple(value), seconds.pop(0) if kind == "video" else None)
            runs += [TextRun(1), item, TextRun(1)]  # vision_start and vision_end are text
    return runs


@requires_material
def test_recorded_batches() -> None:
    import safetensors.numpy

    golden = json.loads(material("golden", "rope_index.json").read_text())
    tensors = safetensors.numpy.load_file(material("golden", "rope_index.safetensors"))
    ids = golden["ids"]
    assert len(golden["cases"]) == 16
    for case in golden["cases"]:
        name = case["name"]
        expected, mask = tensors[f"{name}.position_ids"], tensors[f"{name}.attention_mask"] == 1
        seconds = list(case["second_per_grid_ts"] or [])
        for row, segments in enumerate(case["segments"]):
            runs = _golden_runs(segments, seconds)
            placed = mrope_positions(runs, tokens_per_second=case["tokens_per_second"])
            kept = mask[row]
            np.testing.assert_array_equal(placed.position_ids, expected[:, row, kept], err_msg=name)
            # The reference counts padding in its delta: first new id = padded length + delta.
            delta = int(tensors[f"{name}.deltas"][row, 0])
            assert placed.next_position == mask.shape[1] + delta, name
            found = runs_of(
                tensors[f"{name}.input_ids"][row, kept],
                grids=[run.grid for run in runs if isinstance(run, VisionRun)],
                second_per_grid_ts=[r.second_per_grid for r in runs if isinstance(r, VisionRun)],
                image_token_id=ids["image"],
                video_token_id=ids["video"],
            )
            again = mrope_positions(found, tokens_per_second=case["tokens_per_second"])
            np.testing.assert_array_equal(again.position_ids, placed.position_ids)


def _slow_twin(runs: list[Run], tokens_per_second: float) -> Positions:
    """The rule of the specification, one token at a time."""
    placed: list[tuple[int, int, int]] = []
    for run in runs:
        start = 1 + max((max(token) for token in placed), default=-1)
        if isinstance(run, TextRun):
            placed += [(start + i,) * 3 for i in range(run.length)]
            continue
        t, h, w = run.grid
        for k in range(t):
            seconds = np.float32(k) * np.float32(run.second_per_grid or 0.0)
            offset = math.floor(seconds * np.float32(tokens_per_second))
            placed += [
                (start + offset, start + y, start + x) for y in range(h // 2) for x in range(w // 2)
            ]
    return Positions(np.array(placed, dtype=np.int64).T, 1 + max(max(token) for token in placed))


SIDES = st.integers(1, 6).map(lambda n: 2 * n)
TEXTS = st.builds(TextRun, st.integers(1, 9))
IMAGES = st.builds(VisionRun, st.tuples(st.just(1), SIDES, SIDES), st.none())
VIDEOS = st.builds(VisionRun, st.tuples(st.integers(1, 8), SIDES, SIDES), st.floats(0.01, 9.0))
RUNS = st.lists(st.one_of(TEXTS, IMAGES, VIDEOS), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(runs=RUNS, tokens_per_second=st.sampled_from([1, 2, 25, 2.5]))
def test_any_mix_equals_the_slow_rule(runs: list[Run], tokens_per_second: float) -> None:
    fast = mrope_positions(runs, tokens_per_second=tokens_per_second)
    slow = _slow_twin(runs, tokens_per_second)
    np.testing.assert_array_equal(fast.position_ids, slow.position_ids)
    assert fast.next_position == slow.next_position


@settings(max_examples=60, deadline=None)
@given(runs=RUNS, cut=st.integers(0, 6))
def test_a_cached_prefix_changes_nothing(runs: list[Run], cut: int) -> None:
    whole = mrope_positions(runs, tokens_per_second=2)
    head = mrope_positions(runs[:cut], tokens_per_second=2)
    tail = mrope_positions(runs[cut:], tokens_per_second=2, start=head.next_position)
    joined = np.concatenate([head.position_ids, tail.position_ids], axis=1)
    np.testing.assert_array_equal(joined, whole.position_ids)
    assert tail.next_position == whole.next_position


def test_decoding_continues_as_text_would() -> None:
    runs: list[Run] = [TextRun(4), VisionRun((8, 2, 2), 1.0)]
    prompt = mrope_positions(runs, tokens_per_second=2)
    whole = mrope_positions([*runs, TextRun(3)], tokens_per_second=2)
    np.testing.assert_array_equal(
        decode_positions(prompt.next_position, 3), whole.position_ids[:, -3:]
    )


def test_packed_samples_start_at_zero_again() -> None:
    a = mrope_positions([TextRun(2), VisionRun((1, 4, 4))], tokens_per_second=2)
    b = mrope_positions([TextRun(3)], tokens_per_second=2)
    packed = pack_positions([a, b])
    np.testing.assert_array_equal(packed[:, :6], a.position_ids)
    np.testing.assert_array_equal(packed[:, 6:], b.position_ids)
    assert pack_positions([]).shape == (3, 0)


def test_grid_that_does_not_merge_is_refused() -> None:
    with pytest.raises(InputError, match="1 x 3 x 4"):
        num_tokens((1, 3, 4))
    with pytest.raises(InputError, match="0 x 4 x 4"):
        mrope_positions([VisionRun((0, 4, 4))], tokens_per_second=2)


@pytest.mark.parametrize(
    "ids",
    [[9, 255, 255], [255] * 5, [255, 9, 255, 255, 255], [256] * 4],
    ids=["too few", "too many", "torn apart", "of a video"],
)
def test_pad_tokens_that_do_not_fit_the_grid_are_refused(ids: list[int]) -> None:
    with pytest.raises(InputError):
        runs_of(
            np.array(ids, dtype=np.int64),
            grids=[(1, 4, 4)],
            second_per_grid_ts=[None],
            image_token_id=255,
            video_token_id=256,
        )


def test_a_hundred_thousand_tokens_take_milliseconds() -> None:
    runs: list[Run] = [TextRun(500), VisionRun((384, 24, 46), 7.5), TextRun(100)]
    started = time.process_time()
    placed = mrope_positions(runs, tokens_per_second=2)
    elapsed_s = time.process_time() - started
    assert placed.position_ids.shape == (3, 106_584)
    assert elapsed_s < 0.1  # about 2 ms; generous, as the machine may be shared
