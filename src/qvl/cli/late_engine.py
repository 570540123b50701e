"""An engine whose weights are read when the first answer is wanted, not before.

Owns: the order of things. Inputs are prepared with the processor alone, so a bad file is refused
within a second, however large the model is; a missing one before even that is imported.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qvl.cli import options
from qvl.inference.engine_options import EngineOptions
from qvl.messages import (
    Conversation,
    GenerationResult,
    SamplingParams,
    StreamEvent,
    TextGenerator,
    Video,
)

if TYPE_CHECKING:
    from qvl.inference.engine import Engine
    from qvl.processing.processor import ModelInputs, Processor


def text_generator(folder: Path) -> TextGenerator:
    """The model of a folder, loaded; bound to its folder it is what a recipe takes."""
    from qvl.api import load  # imports torch

    return load(folder)


class LateEngine:
    """Satisfies `qvl.answers.answering.AnsweringModel`."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self._folder, self._args = folder, args
        self._processor = options.load_processor(folder, args)
        self._loaded: Engine | None = None

    @property
    def processor(self) -> "Processor":
        """The checkpoint's processor."""
        return self._processor

    def prepare(self, conversation: Conversation) -> "ModelInputs":
        """As `Engine.prepare`, without the weights."""
        # One token is left for the answer.
        longest = self._processor.settings.context_length - 1
        return self._processor(
            conversation, max_length=longest, max_patches=EngineOptions().max_patches_per_chunk
        )

    def encode(self, media: Video) -> Video:
        """As `Engine.encode`."""
        return self._engine().encode(media)

    def complete(
        self, prompts: "Sequence[ModelInputs]", params: SamplingParams
    ) -> list[GenerationResult]:
        """As `Engine.complete`."""
        return self._engine().complete(prompts, params)

    def stream(
        self, prompt: "Conversation | ModelInputs", params: SamplingParams
    ) -> Iterator[StreamEvent]:
        """As `Engine.stream`."""
        inputs = self.prepare(prompt) if isinstance(prompt, Conversation) else prompt
        return self._engine().stream(inputs, params)

    def _engine(self) -> "Engine":
        if self._loaded is None:
            self._loaded = options.load_model(self._folder, self._args).engine
        return self._loaded
