"""A control that looks at nothing: clicks anywhere on the screen, through the whole loop.

What it scores is what a task gives away.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np

from qvl.agents.miniwob.benchmark import EpisodeKey
from qvl.geometry import Point
from qvl.messages import Conversation, GenerationResult, SamplingParams, StreamEvent, Video
from qvl.processing.processor import ModelInputs, Processor
from qvl.tasks import agent
from qvl.tasks.actions import Click


class RandomClicks:
    """Satisfies `qvl.answers.answering.AnsweringModel`; a function of the episode."""

    def __init__(self, processor: Processor, key: EpisodeKey) -> None:
        """Takes a processor for the size at which a model would see the screen."""
        self._processor = processor
        self._rng = np.random.default_rng((crc32(key.task.encode()), key.seed))

    @property
    def processor(self) -> Processor:
        """Of the model in whose place it clicks."""
        return self._processor

    def prepare(self, conversation: Conversation) -> ModelInputs:
        """As `AnsweringModel`."""
        return self._processor(conversation)

    def encode(self, media: Video) -> Video:
        """As `AnsweringModel`: nothing is made of it."""
        return media

    def complete(
        self, prompts: Sequence[ModelInputs], params: SamplingParams
    ) -> list[GenerationResult]:
        """A click anywhere on the first picture of each prompt."""
        return [self._click(inputs) for inputs in prompts]

    def stream(
        self, prompt: Conversation | ModelInputs, params: SamplingParams
    ) -> Iterator[StreamEvent]:
        """A click, in one piece."""
        inputs = self.prepare(prompt) if isinstance(prompt, Conversation) else prompt
        result = self._click(inputs)
        yield StreamEvent(text=result.text, result=result)

    def _click(self, inputs: ModelInputs) -> GenerationResult:
        size = inputs.media[0].transform.resized
        place = Point(float(self._rng.integers(size.width)), float(self._rng.integers(size.height)))
        return GenerationResult(
            text=agent.format(Click(point=place)),
            token_ids=(),
            finish_reason="stop",
            logprobs=None,
            prompt_tokens=len(inputs.input_ids),
            completion_tokens=0,
        )
