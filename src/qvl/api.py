"""The model as an object: give it pictures and a question, get text, boxes, or a conversation.

Owns: loading with sensible defaults, turning paths and pictures into message parts, the chat
history. Does not own how any of it works; everything here is a few lines over the engine.

    load(name or folder) -> VisionLanguageModel -> ask, stream, chat, ground, generate, plan
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import torch

from qvl.agents.episode import Episode, Limits, Watcher
from qvl.agents.executor import Executor
from qvl.agents.loop import Confirm, act
from qvl.answers.methods import TypedAnswers
from qvl.checkpoint import hub
from qvl.checkpoint.adapter import base_folder, is_adapter
from qvl.checkpoint.folder import read_config
from qvl.errors import CheckpointError, ConfigError, InputError
from qvl.inference.engine import Engine
from qvl.inference.engine_options import EngineOptions, default_dtype
from qvl.inference.plan import Plan, PlanOptions, make_plan
from qvl.inference.prepack import load_for_inference
from qvl.messages import (
    Conversation,
    GenerationResult,
    Image,
    Message,
    Part,
    SamplingParams,
    Text,
    Video,
)
from qvl.options import shown
from qvl.processing.bill import Bill
from qvl.processing.processor import Processor
from qvl.processing.sources import is_video_name
from qvl.processing.tokenizer import read_json
from qvl.sampling_params import SamplingOptions, sampling_params

if TYPE_CHECKING:
    from qvl.evaluation.scoring import Outcome
    from qvl.messages import ImageSource, VideoSource

    Input = ImageSource | VideoSource | Part
    """What may stand before the question: a path or address, bytes, a picture, frames, a part."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Names of the dtypes a model can compute in."""


def load(
    model: str | Path | None = None,
    *,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    adapter: str | Path | None = None,
    options: EngineOptions | None = None,
) -> "VisionLanguageModel":
    """Loads a model, ready to answer.

    Args:
        model: a hub name, a folder, or None for the tiny model that ships with the package. A
            folder that holds an adapter only brings the base that it names.
        device: "cpu", "cuda", "cuda:1"; None takes CUDA if there is any.
        dtype: "float32", "bfloat16" or "float16"; None takes bfloat16, but float32 for small
            models on the CPU.
        adapter: folder of an adapter for the model; it is merged while the model loads. Pictures
            get the size that it states, if it does.
        options: limits of the engine.

    Raises:
        CheckpointError: the files are missing, damaged or do not belong together.
        ConfigError: the device or dtype cannot be used.
    """
    folder = hub.resolve(model)
    added = None if adapter is None else Path(adapter)
    if is_adapter(folder):
        if added is not None:
            raise ConfigError(f"model {str(model)!r} is an adapter, and adapter names another")
        folder, added = base_folder(folder), folder
    chosen_device = _device(device)
    chosen_dtype = _dtype(dtype, folder, chosen_device)
    # First what is quick to check: a tokenizer of another model must not cost reading the weights.
    processor, eos_ids = Processor.from_folder(folder, added), _eos_ids(folder)
    network = load_for_inference(folder, dtype=chosen_dtype, device=chosen_device, adapter=added)
    engine = Engine(network, processor, options=options, eos_ids=eos_ids)
    return VisionLanguageModel(engine, folder=folder, weight_dtype=chosen_dtype, adapter=added)


def computing(
    folder: Path,
    *,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    is_here: bool = True,
) -> dict[str, str]:
    """Returns the dtype and the type of the device that `load` chooses: both change answers.

    Args:
        folder: of the model.
        device: as for `load`.
        dtype: as for `load`.
        is_here: whether the device must be one of this machine.

    Raises:
        ConfigError: as `load`.
    """
    chosen = _device(device, is_here=is_here)
    name = str(_dtype(dtype, folder, chosen)).removeprefix("torch.")
    return {"dtype": name, "device": chosen.type}


def evaluate(
    model: "VisionLanguageModel",
    benchmark: str,
    *,
    output: str | Path,
    data: str | Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    batch_size: int = 16,
) -> "Outcome":
    """Scores a model on a benchmark, and writes pages about what it got wrong.

    The same call goes on where an earlier one stopped; answers are never asked for twice.

    Args:
        model: that is asked.
        benchmark: its name, as `qvl eval list` prints it.
        output: folder of the run; the benchmark gets a folder in it.
        data: folder with the benchmark's files; None for the hub's.
        split: instead of the benchmark's own.
        limit: only so many questions.
        batch_size: questions that are answered together.

    Raises:
        ConfigError: the name is unknown, or the benchmark runs programs of the model, which only
            the command line offers.
        DataError: there are no files, the folder has answers of another run, or another process
            is writing into it.
    """
    # Benchmarks bring parsers and drawings that answering does not need.
    from qvl.data.folder_lock import only_writer
    from qvl.evaluation.benchmarks.table import find_benchmark
    from qvl.evaluation.evaluate import Run, Subject, ask, score_questions
    from qvl.evaluation.manifest import model_identity

    run = Run(
        benchmark=find_benchmark(benchmark),
        split=split or "",
        data=None if data is None else Path(data),
        limit=limit,
        batch_size=batch_size,
    )
    device, dtype = model.engine.model.device, model.weight_dtype
    subject = Subject(
        generator=model,
        identity=model_identity(model.folder, adapter=model.adapter),
        computing=computing(model.folder, device=device, dtype=dtype),
        limits=model.processor.settings.limits,
    )
    folder = Path(output) / run.benchmark.name
    with only_writer(folder):
        ask(run, subject, folder)
        return score_questions(run.benchmark, run.questions(), folder)


class VisionLanguageModel(TypedAnswers):
    """A loaded model. Made by `load`.

    Questions come last, pictures and videos before them:

        model.ask("receipt.jpg", "What is the total?")
        model.ask("before.png", "after.png", "What changed?", max_tokens=200)
        model.ask(Video("match.mp4", fps=1), "Who scores?")

    Sampling options are those of `qvl.messages.SamplingParams`. A model also satisfies
    `qvl.messages.TextGenerator`.
    """

    engine: Engine
    folder: Path

    def __init__(
        self,
        engine: Engine,
        *,
        folder: Path,
        weight_dtype: torch.dtype,
        adapter: Path | None = None,
    ) -> None:
        self.engine = engine
        self.folder = folder
        self.adapter = adapter
        self.weight_dtype = weight_dtype

    def __repr__(self) -> str:
        network = self.engine.model
        return f"VisionLanguageModel({str(self.folder)!r}, {self.weight_dtype}, {network.device})"

    @property
    def processor(self) -> Processor:
        """Makes model inputs from conversations."""
        return self.engine.processor

    def ask(
        self, *inputs: "Input", system: str | None = None, **options: Unpack[SamplingOptions]
    ) -> str:
        """Returns the answer to one question.

        Args:
            inputs: pictures and videos, then the question. Paths, `file://` addresses, data URIs,
                bytes, Pillow pictures, arrays, lists of frames, or `Image`, `Video`, `Text`.
            system: replaces the model's usual system turn.
            options: see `SamplingParams`.
        """
        params = sampling_params(options)
        conversation = Conversation.user(*_parts(inputs), system=system)
        return self.generate([conversation], params)[0].text

    def stream(
        self, *inputs: "Input", system: str | None = None, **options: Unpack[SamplingOptions]
    ) -> Iterator[str]:
        """Like `ask`, piece by piece as the answer is written."""
        params = sampling_params(options)
        conversation = Conversation.user(*_parts(inputs), system=system)
        return (event.text for event in self.engine.stream(conversation, params))

    def chat(self, *, system: str | None = None) -> "Chat":
        """Starts a conversation that remembers its turns."""
        return Chat(self, system=system)

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers many conversations together; see `Engine.generate`."""
        return self.engine.generate(conversations, params)

    def act(
        self,
        executor: Executor,
        goal: str,
        *,
        limits: Limits | None = None,
        confirm: Confirm | None = None,
        watchers: Sequence[Watcher] = (),
        max_pixels: int | None = None,
        **options: Unpack[SamplingOptions],
    ) -> Episode:
        """Operates a screen until a goal is reached; see `qvl.agents.loop.act`."""
        return act(
            self.engine,
            executor,
            goal,
            limits=limits,
            confirm=confirm,
            watchers=watchers,
            params=sampling_params(options),
            max_pixels=max_pixels,
        )

    def bill(self, *inputs: "Input", system: str | None = None) -> Bill:
        """Returns how many tokens each picture and the question will take; runs nothing."""
        return self.processor.bill(Conversation.user(*_parts(inputs), system=system))

    def plan(
        self, *inputs: "Input", system: str | None = None, max_tokens: int | None = None
    ) -> Plan:
        """Returns what a question will cost in tokens, operations and memory; runs nothing.

        Args:
            inputs: as in `ask`.
            system: as in `ask`.
            max_tokens: most tokens of the answer; None for the default of `SamplingParams`.
        """
        engine = self.engine
        options = PlanOptions(
            max_tokens=SamplingParams().max_tokens if max_tokens is None else max_tokens,
            weight_bytes=self.weight_dtype.itemsize,
            value_bytes=engine.model.dtype.itemsize,
            engine=engine.options,
        )
        conversation = Conversation.user(*_parts(inputs), system=system)
        return make_plan(conversation, self.processor, engine.model.config, options=options)


class Chat:
    """A conversation that remembers; every turn sees all before it.

    Attributes:
        messages: the turns so far. A turn whose answer did not arrive is not among them.
    """

    def __init__(self, model: VisionLanguageModel, *, system: str | None = None) -> None:
        self._model = model
        self.messages: tuple[Message, ...] = ()
        if system is not None:
            self.messages = (Message("system", (Text(system),)),)

    def ask(self, *inputs: "Input", **options: Unpack[SamplingOptions]) -> str:
        """Returns the answer to the next turn; arguments as in `VisionLanguageModel.ask`."""
        return "".join(self.stream(*inputs, **options))

    def stream(self, *inputs: "Input", **options: Unpack[SamplingOptions]) -> Iterator[str]:
        """Like `ask`, piece by piece; the turn is remembered when the last piece was taken."""
        turn = Message("user", _parts(inputs))
        conversation = Conversation((*self.messages, turn))
        events = self._model.engine.stream(conversation, sampling_params(options))

        def pieces() -> Iterator[str]:
            written = []
            for event in events:
                written.append(event.text)
                yield event.text
            answer = Message("assistant", (Text("".join(written)),))
            self.messages = (*conversation.messages, answer)

        return pieces()


def _parts(inputs: Sequence["Input"]) -> tuple[Part, ...]:
    """Pictures and videos, then the question, as parts of a message."""
    if not inputs:
        raise InputError("nothing was asked, expected a question after the pictures")
    *media, question = inputs
    if isinstance(question, Text | Image | Video):
        last: Part = question
    elif isinstance(question, str) and os.path.isfile(question):
        raise InputError(
            f"the last input, {shown(question)}, is a file, expected the question",
            hint="give pictures and videos first, the question last",
        )
    elif isinstance(question, str):
        last = Text(question)
    else:
        raise InputError(
            f"the last input is a {type(question).__name__}, expected the question as a string",
            hint="give pictures and videos first, the question last",
        )
    return (*(_media_part(item) for item in media), last)


def _media_part(item: "Input") -> Part:
    if isinstance(item, Text | Image | Video):
        return item
    if isinstance(item, str | Path):
        return Video(item) if is_video_name(item) else Image(item)
    if isinstance(item, list | tuple):
        return Video(item)
    return Image(item)  # type: ignore[arg-type]  # a type it cannot open is named by its error


def _device(device: str | torch.device | None, *, is_here: bool = True) -> torch.device:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    wrong = ConfigError(f"device is {str(device)!r}, expected 'cpu', 'cuda' or 'cuda:N'")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise wrong from error
    if chosen.type not in ("cpu", "cuda"):
        raise wrong
    num_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if is_here and chosen.type == "cuda" and (chosen.index or 0) >= num_devices:
        count = f"{num_devices} CUDA device{'s' * (num_devices != 1)}, numbered from 0"
        here = count if num_devices else "no usable CUDA device"
        raise ConfigError(f"device is {str(device)!r}, but this machine has {here}")
    return chosen


def _dtype(dtype: str | torch.dtype | None, folder: Path, device: torch.device) -> torch.dtype:
    if dtype is None:
        return DTYPES[default_dtype(read_config(folder), on_cpu=device.type == "cpu")]
    chosen = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if chosen is None or chosen not in DTYPES.values():
        raise ConfigError(f"dtype is {dtype!r}, expected one of {', '.join(DTYPES)}")
    return chosen


def _eos_ids(folder: Path) -> list[int]:
    """Tokens that end an answer by ``generation_config.json``, which may be absent."""
    path = folder / "generation_config.json"
    if not path.exists():
        return []
    stated = read_json(path).get("eos_token_id") or []
    ids = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(token, int) for token in ids):
        raise CheckpointError(f"{path}: eos_token_id is {stated!r}, expected one or more integers")
    return ids
