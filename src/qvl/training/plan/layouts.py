"""Which layouts fit, and which is fastest; days for a budget of tokens.

Owns the search. Does not own the estimates (``memory``, ``speed``).

    Run -> suggest_layouts -> [Suggestion, fastest first]; Suggestion, tokens -> days
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import get_args

from qvl.errors import ConfigError
from qvl.model.config import ModelConfig
from qvl.training.parallel.layout import Checkpointing, Layout
from qvl.training.plan.hardware import Gpu
from qvl.training.plan.memory import Memory, Widths, train_memory
from qvl.training.plan.speed import StepTime, step_time
from qvl.training.plan.work import Pack, Trained

# Share of the memory that tensors may fill: the rest is for the context, the collectives' buffers
# and what the allocator cannot use. Ours: torchtitan's published runs of Llama 3 8B fill up to 86 %
# of 96 GB.
_FILLED = 0.9
# Fewer tokens than this on a rank leave its products too small to be efficient. Ours.
_LEAST_TOKENS = 1024
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is going to be trained on what.

    Attributes:
        config: of the model.
        trained: parts that learn.
        pack: a typical one.
        gpu: kind of accelerator.
        count: accelerators.
        step_tokens: tokens of an optimiser step; as many packs as there are groups of ranks when 0.
        widths: bytes of numbers.
        balance: mean over greatest cost of the packs of a step: ranks wait for the slowest.
    """

    config: ModelConfig
    trained: Trained
    pack: Pack
    gpu: Gpu
    count: int
    step_tokens: int = 0
    widths: Widths = field(default_factory=Widths)
    balance: float = 1.0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"count is {self.count}, expected at least one accelerator")
        if not 0 < self.balance <= 1:
            raise ConfigError(f"balance is {self.balance}, expected above 0 and at most 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """One way to cut a run.

    Attributes:
        layout: its numbers multiply to the accelerators.
        memory: bytes on one accelerator.
        time: of one pack.
        packs_per_rank: packs whose gradients are added before an update.
        tokens_per_s: of all accelerators.
        utilisation: MFU.
        fits: whether the bytes stay within the memory, with room for the rest.
    """

    layout: Layout
    memory: Memory
    time: StepTime
    packs_per_rank: int
    tokens_per_s: float
    utilisation: float
    fits: bool

    @property
    def step_s(self) -> float:
        """Seconds of an optimiser step."""
        return self.time.total_s * self.packs_per_rank

    def days(self, tokens: float) -> float:
        """Days for so many tokens of the language model."""
        return tokens / self.tokens_per_s / _SECONDS_PER_DAY


def suggest_layouts(run: Run) -> list[Suggestion]:
    """Returns ways to cut the run that fit, the fastest first; when none fits, the one that is
    nearest to it, alone.

    Of ways that differ in checkpointing alone only the fastest that fits is named.
    """
    found = [_suggestion(run, layout) for layout in _layouts(run)]
    if not found:
        raise ConfigError(
            f"{run.count} accelerators cannot share this model", hint="use a power of two"
        )
    fitting = [item for item in found if item.fits]
    if not fitting:
        return [min(found, key=lambda item: item.memory.total)]
    best: dict[Layout, Suggestion] = {}
    for item in sorted(fitting, key=lambda item: (-item.tokens_per_s, item.memory.total)):
        best.setdefault(replace(item.layout, activation_checkpointing="none"), item)
    return list(best.values())


def _layouts(run: Run) -> Iterator[Layout]:
    text = run.config.text
    for tensor in _divisors(min(run.count, run.gpu.per_node)):
        if text.num_key_value_heads % tensor or run.count % tensor:
            continue
        for context in _divisors(run.count // tensor):
            if context > 1 and run.pack.num_tokens // context < _LEAST_TOKENS:
                continue
            groups = run.count // tensor // context
            for shard in _divisors(groups):
                for recompute in get_args(Checkpointing):
                    yield Layout(
                        dp_replicate=groups // shard,
                        dp_shard=shard,
                        tp=tensor,
                        cp=context,
                        activation_checkpointing=recompute,
                    )


def _divisors(number: int) -> list[int]:
    return [value for value in range(1, number + 1) if number % value == 0]


def _suggestion(run: Run, layout: Layout) -> Suggestion:
    packs = run.count // layout.pack_ranks  # that are worked on at once
    wanted = -(-run.step_tokens // run.pack.num_tokens) if run.step_tokens else packs
    packs_per_rank = max(1, -(-wanted // packs))
    memory = train_memory(
        run.config,
        run.pack,
        run.trained,
        layout=layout,
        widths=run.widths,
        accumulates=packs_per_rank > 1,
    )
    time = step_time(run.config, run.pack, run.trained, layout, run.gpu, widths=run.widths)
    return Suggestion(
        layout=layout,
        memory=memory,
        time=time,
        packs_per_rank=packs_per_rank,
        tokens_per_s=packs * run.pack.num_tokens / time.total_s * run.balance,
        utilisation=time.utilisation(run.gpu) * run.balance,
        fits=memory.total <= _FILLED * run.gpu.memory_bytes,
    )
