"""What a model must offer so that typed answers can be had from it.

Owns the protocol. The engine satisfies it; tests script it.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from qvl.messages import Conversation, GenerationResult, SamplingParams, StreamEvent, Video
from qvl.processing.processor import ModelInputs, Processor


class AnsweringModel(Protocol):
    """A model whose inputs can be seen, because results are mapped back through them."""

    @property
    def processor(self) -> Processor:
        """Makes model inputs from conversations."""
        ...

    def prepare(self, conversation: Conversation) -> ModelInputs:
        """Returns what the model will see of a conversation that an answer should follow."""
        ...

    def encode(self, media: Video) -> Video:
        """Returns the same video with what the model made of it in place of its pixels."""
        ...

    def complete(
        self, prompts: Sequence[ModelInputs], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers each prompt; results are in the order of the prompts."""
        ...

    def stream(
        self, prompt: Conversation | ModelInputs, params: SamplingParams
    ) -> Iterator[StreamEvent]:
        """Answers one prompt piece by piece; may be abandoned at any time."""
        ...
