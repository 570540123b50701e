"""How an answer is drawn from the model's distribution: the parameters and their ranges.

Owns: names, defaults and checks. Does not own: drawing (inference/sampling).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypedDict

from qvl.errors import InputError
from qvl.options import check_keys, shown

_INTEGERS = frozenset({"max_tokens", "top_k", "seed", "logprobs"})
_RANGES: dict[str, tuple[float, float]] = {
    "max_tokens": (1, 2**31),
    "temperature": (0.0, 100.0),
    "top_p": (1e-9, 1.0),
    "top_k": (0, 2**31),
    "min_p": (0.0, 1.0),
    "repetition_penalty": (0.01, 100.0),
    "seed": (0, 2**63 - 1),
    # Source: OpenAI API reference, chat completions, top_logprobs: 0 to 20.
    "logprobs": (0, 20),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How answers are drawn. The default is greedy: always the likeliest token."""

    max_tokens: int = 512
    """Most tokens of the answer."""
    temperature: float = 0.0
    """0 is greedy; 1 draws from the model's own distribution."""
    top_p: float = 1.0
    """Draw from the fewest tokens whose probabilities add up to this; 1 is off."""
    top_k: int = 0
    """Draw from this many likeliest tokens; 0 is off."""
    min_p: float = 0.0
    """Drop tokens less likely than this times the likeliest; 0 is off."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens already seen less likely; 1 is off."""
    seed: int | None = None
    """The same seed draws the same answer; None draws a new one each time."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these strings."""
    logprobs: int | None = None
    """Report the log-probability of each token and of this many likeliest ones; None is off."""

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", (self.stop,))
        elif isinstance(self.stop, list):
            object.__setattr__(self, "stop", tuple(self.stop))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name in ("seed", "logprobs"):
                continue
            is_real = isinstance(value, int | float) and not isinstance(value, bool)
            if name in _INTEGERS and not isinstance(value, int):
                is_real = False
            if not is_real or not low <= value <= high:
                kind = "an integer" if name in _INTEGERS else "a number"
                raise InputError(
                    f"sampling option {name} is {shown(value)}, "
                    f"expected {kind} from {low:g} to {high:g}"
                )
        if not isinstance(self.stop, tuple) or not all(
            isinstance(text, str) and text for text in self.stop
        ):
            raise InputError(
                f"sampling option stop is {shown(self.stop)}, expected strings of one or more "
                "characters"
            )


class SamplingOptions(TypedDict, total=False):
    """The fields of `SamplingParams`, given by name."""

    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    seed: int | None
    stop: str | Sequence[str]
    logprobs: int | None


def sampling_params(options: SamplingOptions) -> SamplingParams:
    """The options as checked parameters; an unknown name is an error with the nearest known one."""
    check_keys(options, [field.name for field in fields(SamplingParams)], "the sampling options")
    return SamplingParams(**options)  # type: ignore[arg-type]  # it turns any list into a tuple
