"""The object a user holds: loading, asking, chatting, grounding."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

import qvl
from qvl.api import VisionLanguageModel
from qvl.errors import CheckpointError, ConfigError, InputError
from qvl.inference import engine_options
from qvl.messages import Conversation, Image, SamplingParams, Text, Video
from qvl.sampling_params import SamplingOptions
from tests.inference.tiny import one_thread, tiny_model, tiny_tokenizer, write_processor_files


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights."""
    path = tmp_path_factory.mktemp("checkpoint")
    write_processor_files(path)
    save_file(tiny_model().state_dict(), path / "model.safetensors")
    (path / "generation_config.json").write_text(json.dumps({"eos_token_id": [258, 256]}))
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> VisionLanguageModel:
    return qvl.load(folder, device="cpu")


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(3).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    path = tmp_path / "noise.png"
    PIL.Image.fromarray(pixels).save(path)
    return path


def test_load_from_a_folder(model: VisionLanguageModel, folder: Path) -> None:
    assert model.engine.model.dtype == torch.float32, "small models compute in float32 on a CPU"
    assert str(folder) in repr(model)


@pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16])
def test_dtype_by_name_or_object(folder: Path, dtype: str | torch.dtype) -> None:
    loaded = qvl.load(folder, device="cpu", dtype=dtype)
    assert loaded.ask("Hi", max_tokens=3) is not None


def test_large_models_compute_in_bfloat16(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_options, "SMALL_MODEL_PARAMETERS", 1)
    chosen = []
    load = qvl.api.load_for_inference

    def watched(path: Path, *, dtype: torch.dtype, **options: Any) -> torch.nn.Module:
        chosen.append(dtype)
        return load(path, dtype=dtype, **options)

    monkeypatch.setattr(qvl.api, "load_for_inference", watched)
    qvl.load(folder, device="cpu")
    assert chosen == [torch.bfloat16]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float"}, "dtype is 'float', expected one of float32"),
        ({"dtype": torch.int8}, "expected one of float32"),
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"device": "mps:3x"}, "device is 'mps:3x'"),
        ({"device": "meta"}, "device is 'meta', expected 'cpu', 'cuda'"),
    ],
    ids=str,
)
def test_impossible_device_or_dtype(folder: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        qvl.load(folder, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no usable CUDA device"):
        qvl.load(folder, device="cuda")


def test_cuda_device_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="this machine has 2 CUDA devices, numbered from 0"):
        qvl.load(folder, device="cuda:2")
    assert qvl.api.computing(folder, device="cuda:1")["device"] == "cuda"


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        qvl.load(tmp_path)


def test_damaged_generation_config(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": "<|im_end|>"}')
    with pytest.raises(CheckpointError, match="eos_token_id"):
        qvl.load(tmp_path, device="cpu")


def test_ask_is_the_engine(model: VisionLanguageModel, picture_file: Path) -> None:
    conversation = Conversation.user(Image(picture_file), "What?", system="Be brief.")
    (expected,) = model.generate([conversation], SamplingParams(max_tokens=8))
    asked = model.ask(picture_file, "What?", system="Be brief.", max_tokens=8)
    assert asked == expected.text
    assert "".join(model.stream(picture_file, "What?", system="Be brief.", max_tokens=8)) == asked


def test_every_kind_of_picture(model: VisionLanguageModel, picture_file: Path) -> None:
    opened = PIL.Image.open(picture_file).convert("RGB")
    sources = [str(picture_file), picture_file.read_bytes(), opened, np.array(opened)]
    sources += [Image(picture_file)]
    answers = {model.ask(source, "What?", max_tokens=8) for source in sources}
    assert len(answers) == 1


def test_frames_are_a_video(model: VisionLanguageModel, picture_file: Path) -> None:
    opened = PIL.Image.open(picture_file)
    frames = [opened] * 4
    as_list = model.ask(frames, "What?", max_tokens=8)
    assert as_list == model.ask(Video(frames), "What?", max_tokens=8)
    assert as_list != model.ask(opened, "What?", max_tokens=8)


def test_video_files_are_known_by_their_names(model: VisionLanguageModel) -> None:
    with pytest.raises(InputError, match="video"):
        model.ask("missing.mp4", "What?")
    with pytest.raises(InputError, match="image"):
        model.ask("missing.jpg", "What?")


def test_question_may_be_typed(model: VisionLanguageModel, picture_file: Path) -> None:
    plain = model.ask(picture_file, "What?", max_tokens=4)
    assert model.ask(picture_file, Text("What?"), max_tokens=4) == plain


def test_no_question(model: VisionLanguageModel, picture_file: Path) -> None:
    with pytest.raises(InputError, match="nothing was asked"):
        model.ask()
    with pytest.raises(InputError, match="expected the question"):
        model.ask(picture_file.read_bytes())
    with pytest.raises(InputError, match=r"noise\.png.* is a file, expected the question"):
        model.ask(str(picture_file))


def test_unknown_sampling_option(model: VisionLanguageModel) -> None:
    with pytest.raises(InputError, match=r"'max_token'.*'max_tokens'"):
        model.ask("Hi", max_token=3)


def test_sampling_options_are_those_of_the_params() -> None:
    assert list(SamplingOptions.__annotations__) == [f.name for f in fields(SamplingParams)]


def test_stop_may_be_a_string_or_a_list(model: VisionLanguageModel) -> None:
    whole = model.ask("Hi", max_tokens=12)
    cut = whole[: whole.index(whole[3])]
    assert model.ask("Hi", max_tokens=12, stop=whole[3]) == cut
    assert model.ask("Hi", max_tokens=12, stop=[whole[3], "\0"]) == cut


def test_chat_remembers(model: VisionLanguageModel, picture_file: Path) -> None:
    chat = model.chat(system="Be brief.")
    first = chat.ask(picture_file, "What?", max_tokens=6)
    second = "".join(chat.stream("And now?", max_tokens=6))
    assert [message.role for message in chat.messages] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    history = Conversation(chat.messages[:4])
    (expected,) = model.generate([history], SamplingParams(max_tokens=6))
    assert second == expected.text
    assert chat.messages[2].content == (Text(first),)


def test_chat_forgets_a_turn_that_did_not_finish(model: VisionLanguageModel) -> None:
    chat = model.chat()
    next(chat.stream("Hi", max_tokens=6))
    with pytest.raises(InputError):
        chat.ask("missing.png", "What?")
    assert chat.messages == ()
    assert chat.ask("Hi", max_tokens=6) == model.ask("Hi", max_tokens=6)


def test_ground_gives_pixels_of_the_picture_as_given(
    model: VisionLanguageModel, picture_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is made to state a box; its resized picture is 196 x 112."""
    answer = '```json\n[{"bbox_2d": [49, 28, 98, 56], "label": "cup"}]\n```'
    written = iter([*answer.encode(), tiny_tokenizer().im_end])
    logits = model.engine.model.logits

    def scripted(hidden: torch.Tensor) -> torch.Tensor:
        scores = logits(hidden)
        scores[0, next(written)] = 1e4
        return scores

    monkeypatch.setattr(model.engine.model, "logits", scripted)
    result = model.ground(picture_file, "the cup")
    (found,) = result.boxes
    assert found.box == pytest.approx((50, 30, 100, 60))
    assert found.label == "cup"


def test_plan_runs_nothing(
    model: VisionLanguageModel, picture_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.engine.model, "hidden_states", None)
    plan = model.plan(picture_file, "What?", max_tokens=20)
    inputs = model.engine.prepare(Conversation.user(Image(picture_file), "What?"))
    assert plan.bill.total == len(inputs.input_ids)
    assert plan.bill == model.bill(picture_file, "What?")
    assert plan.options.max_tokens == 20
    assert plan.fits
