"""What fine-tuning minimises: answers, or one of them over another.

Owns: the objective of each kind of run, and what has to be computed before its first step. Does not
own: the run (``fine_tune``), defaults of a run (``fine_tune_options``).

    options -> objective_of(), rates_of() -> Stage
    rank with its model -> before_training() -> reference log-probabilities on disk
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
import torch.distributed as dist

from qvl.data.packing import PackBudget
from qvl.data.sources import Source
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.objectives import Objective
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.objectives.dpo import DpoObjective
from qvl.training.objectives.reward import RewardHead, RewardObjective
from qvl.training.reference import (
    AdapterReference,
    StoredReference,
    check_reference,
    drop_other_data,
    write_reference,
)
from qvl.training.stages import Part

Kind = Literal["sft", "dpo", "reward"]

# The head is new and begins far from where it ends; as far above the language model's rate as the
# official scripts put the merger's.
_HEAD_RATE = 10.0
# Source: TRL's RewardConfig, after Eisenstein et al. 2023 (arXiv 2312.09244).
_CENTRE_WEIGHT = 0.01


def objective_of(
    kind: Kind, processor: Processor, *, folder: Path, with_adapter: bool, width: int, seed: int
) -> Objective[Any]:
    """Returns what a run minimises; it pickles.

    Args:
        kind: of run.
        processor: of the model.
        folder: of the run, which keeps the reference.
        with_adapter: whether adapters train; without them the model beneath is the reference.
        width: channels of the language model.
        seed: of a new head.
    """
    if kind == "dpo":
        reference = AdapterReference() if with_adapter else StoredReference(folder / "reference")
        return DpoObjective(tokenizer=processor.tokenizer, reference=reference)
    if kind == "reward":
        return RewardObjective(
            heads=RewardHead(width, torch.Generator().manual_seed(seed)),
            tokenizer=processor.tokenizer,
            centre_weight=_CENTRE_WEIGHT,
        )
    return AnswerObjective()


def rates_of(kind: Kind, rates: Mapping[Part, float]) -> dict[Part, float]:
    """Returns the rates with that of a new head, if there is one."""
    return {**rates, "heads": _HEAD_RATE * rates["llm"]} if kind == "reward" else {**rates}


def before_training(
    objective: Objective[Any],
    model: Qwen2_5_VL,
    source: Source,
    processor: Processor,
    *,
    budget: PackBudget,
    bf16: bool,
    allow_data_change: bool = False,
) -> None:
    """Computes what an objective needs of the model as it is before the run; every rank calls this,
    with the same model, and a run that goes on finds it done.

    Args:
        objective: of the run.
        model: before training, and before a checkpoint is loaded.
        source: all samples of the run, held-out ones too.
        processor: of the model.
        budget: of the answers that run together.
        bf16: whether the run computes in bfloat16.
        allow_data_change: what was computed for other data is computed again for these.

    Raises:
        ConfigError: the folder has the reference of another model, or for other data.
        DataError: a sample is no preference.
    """
    if not isinstance(objective, DpoObjective):
        return
    if not isinstance(objective.reference, StoredReference):
        return
    many, folder = dist.is_initialized(), objective.reference.folder
    if allow_data_change:
        if not many or dist.get_rank() == 0:
            drop_other_data(model, source, processor, folder, bf16=bf16)
        if many:
            dist.barrier()
    write_reference(
        model,
        source,
        processor,
        folder,
        budget=budget,
        bf16=bf16,
        rank=dist.get_rank() if many else 0,
        world=dist.get_world_size() if many else 1,
    )
    if many:
        dist.barrier()
    check_reference(folder, model, processor, bf16=bf16)
