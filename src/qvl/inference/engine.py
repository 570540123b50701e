"""The one engine: conversations in, answers out, whole or as a stream.

Owns the loop and the limits. Requests wait, take a free slot, are computed in bounded steps and
leave when finished, so many unlike conversations run together; each gets exactly the tokens it
would get alone.

    Conversation -> Processor -> SequenceState -> Scheduler -> ModelRunner -> text, GenerationResult
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from qvl.errors import ContextLengthError, InputError
from qvl.inference.engine_options import EngineOptions
from qvl.inference.kv_cache import check_fits
from qvl.inference.media_cache import MediaCache
from qvl.inference.runner import ModelRunner, memory_budget
from qvl.inference.scheduler import Scheduler
from qvl.inference.sequence import SequenceState
from qvl.messages import (
    Conversation,
    GenerationResult,
    Image,
    SamplingParams,
    StreamEvent,
    Video,
)
from qvl.model.cost import kv_bytes_per_token
from qvl.model.vlm import Qwen2_5_VL
from qvl.options import type_name
from qvl.processing.media import PreparedMedia, measure_media, prepare_bounded
from qvl.processing.processor import ModelInputs, Processor

Media = TypeVar("Media", Image, Video)


class Engine:
    """Answers conversations with one model; satisfies `qvl.messages.TextGenerator`.

    Args:
        model: on the device to use; the engine puts it in eval mode.
        processor: made from the same checkpoint.
        options: limits of memory and work.
        eos_ids: tokens that end an answer besides the tokenizer's own, from generation_config.json.
    """

    def __init__(
        self,
        model: Qwen2_5_VL,
        processor: Processor,
        *,
        options: EngineOptions | None = None,
        eos_ids: Collection[int] = (),
    ) -> None:
        self.model = model.eval()
        self.processor = processor
        self.options = options or EngineOptions()
        tokenizer = processor.tokenizer
        self._eos_ids = frozenset({*tokenizer.eos_ids, *eos_ids})
        # Vision tokens and turn heads belong to prompts; rows beyond the vocabulary have no text.
        padding_rows = range(tokenizer.vocab_size, model.config.text.vocab_size)
        self._forbidden_ids = frozenset({*tokenizer.vision_ids, tokenizer.im_start, *padding_rows})
        self._media_cache = MediaCache(self.options.media_cache_bytes)
        self._bytes_per_token = kv_bytes_per_token(
            model.config.text, value_bytes=model.dtype.itemsize
        )

    @property
    def context_length(self) -> int:
        """Most tokens of prompt and answer together."""
        return self.model.config.text.max_position_embeddings

    def prepare(self, conversation: Conversation) -> ModelInputs:
        """Returns what the model will see of a conversation that an answer should follow.

        Raises:
            InputError: the conversation, a picture or a video cannot be used.
            ContextLengthError: the prompt leaves no room for an answer.
        """
        if not isinstance(conversation, Conversation):
            raise InputError(
                f"a {type_name(conversation)} is given, expected a Conversation",
                hint="parse_conversation makes one of a string or of a list of messages",
            )
        return self.processor(
            conversation,
            add_generation_prompt=True,
            max_length=self.context_length - 1,
            max_patches=self.options.max_patches_per_chunk,
        )

    def encode(self, media: Media) -> Media:
        """Returns the same picture or video with its features in place of its pixels.

        In a conversation it stands for the original, but is neither decoded nor encoded again. A
        video of any length is decoded and encoded piece by piece. It belongs to this model, and
        holds its features for as long as it lives: a token takes a row of the hidden size.

        Raises:
            InputError: it cannot be read, or its options leave no size.
        """
        limits, most = self.processor.settings.limits, self.options.max_patches_per_chunk
        plan = measure_media(media, limits)
        prepared = prepare_bounded(media, limits, plan=plan, max_patches=most)
        if prepared.features is not None:
            return media
        features = self._new_runner().encode(prepared)
        return type(media)(PreparedMedia(plan=plan, features=features))

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers each conversation; results are in the order of the conversations.

        Conversations are prepared a few at a time, so a long list does not fill the memory.

        Raises:
            InputError: a conversation cannot be used; the message says which.
        """
        if isinstance(conversations, Conversation):
            raise InputError("one Conversation is given, expected a list of them")
        return self._collect(self._prepare_each(conversations), params)

    def complete(
        self, prompts: Sequence[ModelInputs], params: SamplingParams
    ) -> list[GenerationResult]:
        """Like `generate`, for inputs made by `prepare`."""
        return self._collect(prompts, params)

    def stream(
        self, prompt: Conversation | ModelInputs, params: SamplingParams
    ) -> Iterator[StreamEvent]:
        """Answers one conversation piece by piece.

        Joined, the pieces are the text of the result. The conversation is prepared before the
        first piece is asked for, so that bad input raises here and not in the loop.
        """
        inputs = prompt if isinstance(prompt, ModelInputs) else self.prepare(prompt)
        return (event for _, event in self._run([inputs], params))

    def _prepare_each(self, conversations: Sequence[Conversation]) -> Iterator[ModelInputs]:
        for index, conversation in enumerate(conversations):
            try:
                yield self.prepare(conversation)
            except InputError as error:
                if len(conversations) == 1:
                    raise
                message = f"conversation {index}: {error.message}"
                raise type(error)(message, hint=error.hint) from error

    def _collect(
        self, prompts: Iterable[ModelInputs], params: SamplingParams
    ) -> list[GenerationResult]:
        results = {
            index: event.result
            for index, event in self._run(prompts, params)
            if event.result is not None
        }
        return [results[index] for index in sorted(results)]

    def _run(
        self, prompts: Iterable[ModelInputs], params: SamplingParams
    ) -> Iterator[tuple[int, StreamEvent]]:
        """The loop. All its state is its own, so it may be abandoned or interrupted anywhere."""
        options = self.options
        budget_bytes = options.kv_cache_bytes or memory_budget(self.model.device)
        scheduler = Scheduler(
            max_running=options.max_running,
            max_step_tokens=options.max_step_tokens,
            bytes_per_token=self._bytes_per_token,
            budget_bytes=budget_bytes,
        )
        runner = self._new_runner()
        arriving = self._sequences(prompts, params, budget_bytes)
        while True:
            self._fill(scheduler, runner, arriving)
            if not scheduler.num_requests:
                return
            shape = scheduler.new_cache()
            if shape is not None:
                runner.allocate(shape)
            scheduler.admit()
            chunks = scheduler.next_step()
            choices = runner.step(chunks)
            for chunk in chunks:
                chunk.sequence.num_computed = chunk.stop
            for sequence, token_id, logprob in choices:
                text = sequence.append(token_id, logprob)
                if sequence.finish_reason is not None:
                    runner.release(sequence)
                    scheduler.finish(sequence)
                    yield sequence.index, StreamEvent(text=text, result=sequence.result())
                elif text:
                    yield sequence.index, StreamEvent(text=text)

    def _new_runner(self) -> ModelRunner:
        return ModelRunner(
            self.model,
            forbidden_ids=self._forbidden_ids,
            media_cache=self._media_cache,
            max_patches_per_chunk=self.options.max_patches_per_chunk,
        )

    def _fill(
        self, scheduler: Scheduler, runner: ModelRunner, arriving: Iterator[SequenceState]
    ) -> None:
        """Lets requests in while there is room, one waiting at least.

        Pixels are the largest part of a request, so they are encoded as soon as there are enough
        for the vision tower, and only features wait.
        """
        received: list[SequenceState] = []
        num_patches = 0
        while not scheduler.num_waiting or scheduler.num_requests < self.options.max_running:
            sequence = next(arriving, None)
            if sequence is None:
                break
            scheduler.add(sequence)
            received.append(sequence)
            num_patches += sequence.inputs.num_patches
            if num_patches >= self.options.max_patches_per_chunk:
                runner.receive(received)
                received, num_patches = [], 0
        runner.receive(received)

    def _sequences(
        self, prompts: Iterable[ModelInputs], params: SamplingParams, budget_bytes: int
    ) -> Iterator[SequenceState]:
        for index, inputs in enumerate(prompts):
            room = self.context_length - len(inputs.input_ids)
            if room < 1:
                raise ContextLengthError(
                    f"the prompt has {len(inputs.input_ids)} tokens, the model reads at most "
                    f"{self.context_length} and needs one for the answer"
                )
            sequence = SequenceState(
                index,
                inputs,
                params,
                max_tokens=min(params.max_tokens, room),
                tokenizer=self.processor.tokenizer,
                eos_ids=self._eos_ids,
            )
            check_fits(
                sequence.max_num_tokens,
                bytes_per_token=self._bytes_per_token,
                budget_bytes=budget_bytes,
            )
            yield sequence
