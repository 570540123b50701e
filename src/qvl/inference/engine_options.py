"""How a model is run, by numbers that change cost and never an answer.

Owns the engine's limits and the dtype taken when nobody names one; needs no torch, so that a plan
can be made without.
"""

from dataclasses import dataclass

from qvl.errors import ConfigError
from qvl.model.config import ModelConfig
from qvl.model.cost import num_parameters

SMALL_MODEL_PARAMETERS = 10**9
"""Below this a CPU computes in float32: such models fit twice over and gain nothing from bf16."""


def default_dtype(config: ModelConfig, *, on_cpu: bool) -> str:
    """Returns the dtype that a model gets when nobody names one."""
    is_small = num_parameters(config) < SMALL_MODEL_PARAMETERS
    return "float32" if is_small and on_cpu else "bfloat16"


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """How much the engine does at a time. None of it changes an answer."""

    max_running: int = 32
    """Most requests computed together."""
    max_step_tokens: int = 4096
    """Most tokens computed in one step; longer prompts are read in several."""
    max_patches_per_chunk: int = 16384
    """Most patches in the vision tower at a time."""
    kv_cache_bytes: int | None = None
    """Most memory for keys and values; None takes a part of what is free when a run begins."""
    media_cache_bytes: int = 256 * 2**20
    """Memory for the features of pictures seen lately; 0 encodes every picture anew."""

    def __post_init__(self) -> None:
        for name in ("max_running", "max_step_tokens", "max_patches_per_chunk"):
            if getattr(self, name) < 1:
                raise ConfigError(f"EngineOptions.{name} is {getattr(self, name)}, expected >= 1")
        for name, least in (("kv_cache_bytes", 1), ("media_cache_bytes", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"EngineOptions.{name} is {value}, expected >= {least}")
        if self.max_step_tokens < self.max_running:
            raise ConfigError(
                f"EngineOptions.max_step_tokens is {self.max_step_tokens}, "
                f"expected at least max_running ({self.max_running})"
            )
