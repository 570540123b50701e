"""The command line with a scripted model in place of a loaded one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from qvl.cli import options
from qvl.cli.main import main
from qvl.geometry import ImageSize, ResizeTransform
from qvl.messages import Conversation, GenerationResult, SamplingParams, StreamEvent


@dataclass
class ScriptedModel:
    """Answers whatever it is asked with the next of its answers, and remembers what it saw."""

    answers: list[str] = field(default_factory=lambda: ["It is 8.75."])
    asked: list[object] = field(default_factory=list)
    params: list[SamplingParams] = field(default_factory=list)

    @property
    def engine(self) -> "ScriptedModel":
        return self

    def complete(self, prompts: list[object], params: SamplingParams) -> list[GenerationResult]:
        return [self._result(prompt, params) for prompt in prompts]

    def stream(self, prompt: object, params: SamplingParams) -> Iterator[StreamEvent]:
        result = self._result(prompt, params)
        for word in result.text.split(" "):
            yield StreamEvent(text=word + " ")

    def _result(self, prompt: object, params: SamplingParams) -> GenerationResult:
        self.asked.append(prompt)
        self.params.append(params)
        text = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return GenerationResult(
            text=text,
            token_ids=(1, 2),
            finish_reason="stop",
            logprobs=None,
            prompt_tokens=10,
            completion_tokens=2,
        )

    def chat(self, *, system: str | None = None) -> SimpleNamespace:
        turns: list[object] = []

        def stream(*parts: object, **sampling: object) -> Iterator[str]:
            turns.append(parts)
            yield f"turn {len(turns)}, {len(parts)} parts"

        return SimpleNamespace(stream=stream)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """Replaces the processor by one that halves a 200 x 100 picture, and the model by a script."""
    scripted = ScriptedModel()
    transform = ResizeTransform(ImageSize(100, 200), ImageSize(56, 112))

    class Process:
        settings = SimpleNamespace(context_length=4096)

        def __call__(self, conversation: Conversation, **options: object) -> SimpleNamespace:
            media = [part for part in conversation.messages[-1].content if hasattr(part, "source")]
            items = [SimpleNamespace(transform=transform) for _ in media]
            return SimpleNamespace(conversation=conversation, media=items, options=options)

    monkeypatch.setattr(options, "model_folder", lambda args: Path("/models/scripted"))
    monkeypatch.setattr(options, "load_processor", lambda folder, args: Process())
    monkeypatch.setattr(options, "load_model", lambda folder, args: scripted)
    return scripted


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "photo of a desk.png"
    Image.new("RGB", (200, 100), "white").save(path)
    return str(path)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
