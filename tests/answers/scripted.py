"""A model that reads pictures and prompts with the real processor and answers from a script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qvl.answers.methods import TypedAnswers
from qvl.messages import (
    Conversation,
    GenerationResult,
    SamplingParams,
    StreamEvent,
    Text,
    TokenLogprob,
    Video,
)
from qvl.processing.media import prepare_media
from qvl.processing.processor import ModelInputs, Processor
from tests.material import EMBEDDED


@dataclass
class ScriptedEngine:
    """Gives its answers in order, the last one again and again; remembers what it was asked.

    An answer longer than ``max_tokens`` is cut there with the finish reason "length", as a real
    engine cuts it. With ``logprobs`` every token gets ``logprob``.
    """

    answers: list[str]
    logprob: float = -0.1
    asked: list[ModelInputs] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    encoded: list[Video] = field(default_factory=list)
    params: list[SamplingParams] = field(default_factory=list)
    processor: Processor = field(default_factory=lambda: Processor.from_folder(EMBEDDED))

    def prepare(self, conversation: Conversation) -> ModelInputs:
        self.prompts.append(
            "".join(
                part.text for part in conversation.messages[-1].content if isinstance(part, Text)
            )
        )
        return self.processor(conversation)

    def encode(self, media: Video) -> Video:
        self.encoded.append(media)
        return Video(prepare_media(media, self.processor.settings.limits))

    def complete(
        self, prompts: Sequence[ModelInputs], params: SamplingParams
    ) -> list[GenerationResult]:
        return [self._answer(prompt, params) for prompt in prompts]

    def stream(
        self, prompt: Conversation | ModelInputs, params: SamplingParams
    ) -> Iterator[StreamEvent]:
        inputs = self.prepare(prompt) if isinstance(prompt, Conversation) else prompt
        result = self._answer(inputs, params)
        pieces = [result.text[i : i + 7] for i in range(0, len(result.text), 7)] or [""]
        for piece in pieces[:-1]:
            yield StreamEvent(text=piece)
        yield StreamEvent(text=pieces[-1], result=result)

    def _answer(self, inputs: ModelInputs, params: SamplingParams) -> GenerationResult:
        text = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(inputs)
        self.params.append(params)
        tokenizer = self.processor.tokenizer
        ids = tokenizer.encode(text)
        whole = len(ids) < params.max_tokens
        ids = ids if whole else ids[: params.max_tokens]
        return GenerationResult(
            text=text if whole else tokenizer.decode(ids),
            token_ids=tuple(ids),
            finish_reason="stop" if whole else "length",
            logprobs=tuple(TokenLogprob(token, self.logprob, ()) for token in ids)
            if params.logprobs is not None
            else None,
            prompt_tokens=len(inputs.input_ids),
            completion_tokens=len(ids),
        )


class ScriptedModel(TypedAnswers):
    """What `qvl.load` returns, with a script in place of the network."""

    def __init__(self, *answers: str) -> None:
        self.engine = ScriptedEngine(list(answers))
