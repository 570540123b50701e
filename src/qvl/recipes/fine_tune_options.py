"""What a person says about a fine-tuning run, and what holds where nothing is said.

Owns: the options, their checks, the defaults with their sources. Does not own: the data
(``fine_tune_data``), the run made of it (``sft``, ``dpo``, ``reward``).

    options, ModelConfig, sizes of the samples -> rates by part, budget of a pack, packs of a step
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qvl.data.lengths import Lengths
from qvl.data.packing import PackBudget
from qvl.errors import ConfigError
from qvl.model.config import ModelConfig
from qvl.model.cost import num_parameters
from qvl.recipes.fine_tune_pairs import Kind
from qvl.recipes.stages import STAGES, ReportStage
from qvl.training.parallel.layout import Checkpointing
from qvl.training.stages import Part

KINDS = (*STAGES, "reward")
Quantise = Literal["none", "int8", "nf4"]

EPOCHS = 3.0
"""Of fine-tuning on answers. Source: qwen-vl-finetune/README.md, usage. Everything else sees each
sample once, as the report says of preferences (section 2.3) and as is usual of pre-training."""
_MOST_EPOCHS = 10_000
"""A slip above: all epochs are planned before the first step."""
SAMPLES_PER_STEP = 16
"""Source: the same script, 4 samples at a time and 4 accumulations on each GPU."""
WARMUP = 0.03
"""Share of the steps. Source: the same script, with cosine after it."""
VALIDATION = 0.05

# Source: qwen-vl-finetune/README.md, usage: a base rate "in the range of 1e-6 to 2e-7", the merger
# at 1e-5, the tower at 1e-6. The lower end is that of the millions of samples of sft.sh, so the
# upper one is taken.
_RATES: dict[Part, float] = {"tower": 1e-6, "merger": 1e-5, "llm": 1e-6}
# Source: QLoRA (arXiv 2305.14314), table 9: 2e-4 up to 13B parameters, 1e-4 beyond.
_LORA_RATE = 2e-4
# Preferences move a model by less than answers do. Source: arXiv 2305.18290, appendix B, has 1e-6
# for full training.
_DPO_RATE = 1e-6
_DPO_SHARE = 0.1
# Models of few parameters need larger steps; the rate the embedded model was last trained with,
# see `tiny_stages`, halved.
_SMALL_MODEL = 100_000_000
_SMALL_RATE = 4e-4
_SMALL_LORA_RATE = 2e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class FineTuneOptions:
    """A fine-tuning run as a person asks for it.

    Attributes:
        kind: a stage of the report, or "reward" for a model that scores answers.
        model: folder to begin with.
        data: file or folder of samples.
        folder: of the run; the same one goes on.
        root: folder of the media that records name; None for that of the data.
        epochs: how often each sample is seen; a fraction ends earlier; None for the usual number.
        rate: of all trained parts; None for the defaults.
        lora_rank: adapters of this rank are trained; None trains the parts themselves.
        quantise: how the frozen model under adapters is held.
        max_tokens: longest sample and longest pack; None for those of the report's stage.
        max_pixels: of a picture; None for the model's own limit.
        samples_per_step: about so many samples before each update.
        validation: share of the samples that are held out.
        skip_bad: train on the rest when samples cannot be used.
        seed: of the order of samples, and of adapters.
        device: "cpu" or "cuda".
        processes: ranks on this machine.
        recompute: what is computed twice to save memory.
    """

    kind: str = "sft"
    model: Path
    data: Path
    folder: Path
    root: Path | None = None
    epochs: float | None = None
    rate: float | None = None
    lora_rank: int | None = None
    quantise: Quantise = "none"
    max_tokens: int | None = None
    max_pixels: int | None = None
    samples_per_step: int = SAMPLES_PER_STEP
    validation: float = VALIDATION
    skip_bad: bool = False
    seed: int = 0
    device: str = "cpu"
    processes: int = 1
    recompute: Checkpointing = "none"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"kind is {self.kind!r}, expected one of {', '.join(KINDS)}")
        if not 0 < self.passes <= _MOST_EPOCHS:
            raise ConfigError(
                f"epochs is {self.epochs}, expected more than 0 and at most {_MOST_EPOCHS:,}"
            )
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}, expected 0 or more")
        if self.rate is not None and not 0 < self.rate < 1:
            raise ConfigError(f"the learning rate is {self.rate}, expected more than 0, below 1")
        if not 0 <= self.validation < 1:
            raise ConfigError(f"validation is {self.validation}, expected a share of 0 to 1")
        for name in ("lora_rank", "max_tokens", "max_pixels", "samples_per_step", "processes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}, expected at least 1")
        if self.quantise != "none" and self.lora_rank is None:
            raise ConfigError(
                f"a model held in {self.quantise} cannot be trained itself",
                hint="add --lora: adapters train, the quantised model stays as it is",
            )

    @property
    def passes(self) -> float:
        """How often each sample is seen."""
        if self.epochs is not None:
            return self.epochs
        return EPOCHS if self.kind == "sft" else 1.0

    @property
    def stage(self) -> ReportStage:
        """The stage of the report; a reward model is trained as answers are."""
        return STAGES.get(self.kind, STAGES["sft"])

    @property
    def minimises(self) -> Kind:
        """What the loss is about."""
        if self.kind == "dpo":
            return "dpo"
        return "reward" if self.kind == "reward" else "sft"

    def longest(self, config: ModelConfig) -> int:
        """Returns the most tokens of a sample.

        Raises:
            ConfigError: more are asked for than the model can take.
        """
        context = config.text.max_position_embeddings
        if self.max_tokens is None:
            return min(self.stage.max_tokens, context)
        if self.max_tokens > context:
            raise ConfigError(
                f"max_tokens is {self.max_tokens:,}, the model takes at most {context:,}"
            )
        return self.max_tokens

    def rates(self, config: ModelConfig) -> dict[Part, float]:
        """Returns the rates of the parts that train: those of the report's stage, so after
        pre-training the tower is frozen; with adapters the language model."""
        small = num_parameters(config) < _SMALL_MODEL
        share = _DPO_SHARE if self.kind == "dpo" else 1.0
        if self.lora_rank is not None:
            return {"llm": self.rate or share * (_SMALL_LORA_RATE if small else _LORA_RATE)}
        rates: dict[Part, float] = {}
        for part in self.stage.trains:
            usual = _SMALL_RATE * share if small else _RATES[part]
            rates[part] = self.rate or (usual if small or self.kind != "dpo" else _DPO_RATE)
        return rates


def choose_packs(
    lengths: Lengths, options: FineTuneOptions, longest: int
) -> tuple[PackBudget, int]:
    """Returns the budget of a pack and the packs of a step over all ranks.

    A step holds about `samples_per_step` samples of the mean length. One pack takes them all, or as
    many tokens as a sample may have at most; then a step has several. So fifty short samples are
    not one pack, one step and no training.

    >>> import numpy as np
    >>> sizes = Lengths(
    ...     tokens=np.full(100, 200, np.int32), answers=np.full(100, 20, np.int32),
    ...     grids=np.ones((0, 3), np.int32), items=np.zeros(100, np.int32),
    ... )
    >>> options = FineTuneOptions(model=Path("m"), data=Path("d"), folder=Path("f"))
    >>> choose_packs(sizes, options, 8192)
    (PackBudget(max_tokens=3200, max_patches=12800), 1)
    >>> choose_packs(sizes, options, 1000)
    (PackBudget(max_tokens=1000, max_patches=4000), 3)

    Args:
        lengths: of the samples that are trained on; at least one.
        options: have the number of samples and of ranks.
        longest: most tokens of a sample.
    """
    wanted = min(options.samples_per_step, len(lengths)) * float(lengths.tokens.mean())
    largest, patches = int(lengths.tokens.max()), int(lengths.patches.max(initial=0))
    ranks = options.processes
    tokens = max(largest, min(longest, math.ceil(wanted / ranks)))
    packs = ranks * max(1, round(wanted / ranks / tokens))
    # The tower's work grows with the tokens of pictures; a pack may be all pictures.
    budget = PackBudget(max_tokens=tokens, max_patches=max(4 * tokens, patches))
    return budget, packs
