"""A vLLM engine in this process, as a `TextGenerator` for steps that ask a model on many GPUs.

Owns: the translation to ``vllm.LLM.chat`` and back. Does not own: vLLM, and the JSON of pictures
(``endpoint.wire``).

    partial(VllmGenerator, "Qwen/Qwen2.5-VL-7B-Instruct") -> score_step, rejection_step
        -> loaded once in each process or Ray task that runs the step

Tested with a stand-in of vLLM's interface, not with vLLM itself, which needs a GPU to install.
Source: vLLM documentation, "Offline inference", ``LLM.chat`` and ``SamplingParams``.
"""

from collections.abc import Sequence
from typing import Any

from qvl.endpoint.wire import messages
from qvl.errors import InputError, MissingDependencyError
from qvl.messages import Conversation, GenerationResult, SamplingParams


class VllmGenerator:
    """Answers conversations with vLLM; satisfies `qvl.messages.TextGenerator`.

    Args:
        model: a hub name or a folder in the published layout.
        options: further arguments of ``vllm.LLM``, such as ``tensor_parallel_size=4``.

    Raises:
        MissingDependencyError: vLLM is not installed.
    """

    def __init__(self, model: str, **options: Any) -> None:
        try:
            import vllm
        except ImportError as error:
            raise MissingDependencyError(
                "answers of vLLM need the package vllm", hint="pip install vllm"
            ) from error
        self._params_type = vllm.SamplingParams
        self._llm = vllm.LLM(model=model, **options)

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers each conversation; results are in the order of the conversations.

        Raises:
            InputError: a picture cannot be read, log-probabilities are wanted, or conversations of
                one call have different tools.
        """
        if not conversations:
            return []
        if params.logprobs is not None:
            raise InputError(f"logprobs is {params.logprobs}, expected none with vLLM")
        tools = list(conversations[0].tools)
        if any(list(conversation.tools) != tools for conversation in conversations):
            raise InputError("conversations of one call have different tools, expected the same")
        outputs = self._llm.chat(
            [messages(conversation) for conversation in conversations],
            sampling_params=self._sampling(params),
            use_tqdm=False,
            tools=tools or None,
        )
        return [_result(output) for output in outputs]

    def _sampling(self, params: SamplingParams) -> Any:
        options: dict[str, Any] = {
            "max_tokens": params.max_tokens,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "min_p": params.min_p,
            "repetition_penalty": params.repetition_penalty,
            "seed": params.seed,
            "stop": list(params.stop),
        }
        if params.top_k:  # how "off" is written differs between versions
            options["top_k"] = params.top_k
        return self._params_type(**options)


def _result(output: Any) -> GenerationResult:
    answer = output.outputs[0]
    return GenerationResult(
        text=answer.text,
        token_ids=tuple(answer.token_ids),
        finish_reason="length" if answer.finish_reason == "length" else "stop",
        prompt_tokens=len(output.prompt_token_ids or ()),
        completion_tokens=len(answer.token_ids),
    )
