"""One request on its way: its tokens so far, its text so far, and when it ends; no torch.

Owns the rules of ending (end token, stop string, token limit) and of what text may be shown when.
Does not own scheduling or the choice of tokens.

    chosen token -> ids -> characters (UTF-8 safe) -> stop matcher -> text to show
"""

import random
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.inference.stop import StopMatcher
from qvl.messages import GenerationResult, SamplingParams, TokenLogprob
from qvl.processing.processor import ModelInputs
from qvl.processing.tokenizer import Tokenizer


class SequenceState:
    """A prompt and the answer growing behind it.

    Attributes:
        index: place of the request in the caller's order.
        max_tokens: most tokens of the answer; the context may allow fewer than the parameters.
        num_computed: how many of its tokens the key-value cache holds.
        finish_reason: None while it runs.
        random: its own source of draws, so that its answer does not depend on its neighbours.
    """

    def __init__(
        self,
        index: int,
        inputs: ModelInputs,
        params: SamplingParams,
        *,
        max_tokens: int,
        tokenizer: Tokenizer,
        eos_ids: Collection[int],
    ) -> None:
        self.index = index
        self.inputs = inputs
        self.params = params
        self.max_tokens = max_tokens
        self.token_ids: list[int] = []
        self.num_computed = 0
        self._slot: int | None = None
        self.finish_reason: Literal["stop", "length"] | None = None
        self.random = random.Random(params.seed)
        self._decoder = tokenizer.stream_decoder()
        self._matcher = StopMatcher(params.stop)
        self._eos_ids = frozenset(eos_ids)
        self._pieces: list[str] = []
        self._logprobs: list[TokenLogprob] = []

    @property
    def slot(self) -> int:
        """Its row of the key-value cache; it has one only while it runs."""
        assert self._slot is not None
        return self._slot

    def occupy(self, slot: int) -> None:
        """Begins to run in a row of the cache."""
        assert self._slot is None
        self._slot = slot

    def vacate(self) -> int:
        """Ends to run and returns the row it had."""
        slot = self.slot
        self._slot = None
        return slot

    @property
    def num_prompt_tokens(self) -> int:
        return len(self.inputs.input_ids)

    @property
    def num_tokens(self) -> int:
        """Tokens known so far, prompt and answer."""
        return self.num_prompt_tokens + len(self.token_ids)

    @property
    def max_num_tokens(self) -> int:
        """Tokens of prompt and answer if the answer becomes as long as allowed."""
        return self.num_prompt_tokens + self.max_tokens

    def ids_between(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """Token ids of prompt and answer. Returns int64[stop - start]."""
        prompt = self.inputs.input_ids[start:stop]
        begin = max(0, start - self.num_prompt_tokens)
        answer = self.token_ids[begin : max(0, stop - self.num_prompt_tokens)]
        return np.concatenate([prompt, np.asarray(answer, dtype=np.int64)])

    def positions_between(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """M-RoPE ids of prompt and answer; in the answer all three axes count on together.

        Returns:
            int64[3, stop - start].
        """
        prompt = self.inputs.position_ids[:, start:stop]
        first = max(start, self.num_prompt_tokens)
        offset = self.inputs.next_position - self.num_prompt_tokens
        answer = np.arange(first, max(first, stop), dtype=np.int64) + offset
        return np.concatenate([prompt, np.broadcast_to(answer, (3, len(answer)))], axis=1)

    def drop_pixels(self) -> None:
        """Frees the patches once they are encoded; they are most of a request's memory."""
        self.inputs = replace(self.inputs, pixel_values=self.inputs.pixel_values[:0].copy())

    def append(self, token_id: int, logprob: TokenLogprob | None) -> str:
        """Takes the next token of the answer and returns the text that may be shown now."""
        assert self.finish_reason is None
        self.token_ids.append(token_id)
        if logprob is not None:
            self._logprobs.append(logprob)
        shown = ""
        if token_id in self._eos_ids:
            self.finish_reason = "stop"
        else:
            shown = self._matcher.push(self._decoder.push(token_id))
            if self._matcher.stopped:
                self.finish_reason = "stop"
            elif len(self.token_ids) >= self.max_tokens:
                self.finish_reason = "length"
        if self.finish_reason is not None and not self._matcher.stopped:
            shown += self._matcher.push(self._decoder.flush()) + self._matcher.finish()
            if self._matcher.stopped:
                self.finish_reason = "stop"
        self._pieces.append(shown)
        return shown

    def result(self) -> GenerationResult:
        """The finished answer. Its text is exactly the pieces shown, joined."""
        assert self.finish_reason is not None
        return GenerationResult(
            text="".join(self._pieces),
            token_ids=tuple(self.token_ids),
            finish_reason=self.finish_reason,
            logprobs=tuple(self._logprobs) if self.params.logprobs is not None else None,
            prompt_tokens=self.num_prompt_tokens,
            completion_tokens=len(self.token_ids),
        )
