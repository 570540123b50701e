"""A reward model as a run, and its folder.

Owns: the stage, and putting model and head into one folder. Does not own: the loss
(``objectives.reward``), scoring (``training.reward_model``), the command.

    preferences -> packs -> reward_stage() -> Stage; trained -> export_reward_model() -> folder
        -> reward_scorer(folder) -> a scorer of data filters
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qvl.checkpoint.export import export_model
from qvl.data.pack_source import PackSource
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.tokenizer import Tokenizer
from qvl.training.objectives.reward import RewardHead, RewardObjective
from qvl.training.reward_model import save_reward_head
from qvl.training.schedule import Schedule
from qvl.training.stages import Part, Stage

# Source: Eisenstein et al. 2023 (arXiv 2312.09244), as TRL recommends it.
_CENTRE_WEIGHT = 0.01
_WARMUP = 0.03


def reward_stage(
    source: PackSource,
    tokenizer: Tokenizer,
    head: RewardHead,
    *,
    rates: Mapping[Part, float],
    margin_weight: float = 0.0,
    centre_weight: float = _CENTRE_WEIGHT,
) -> Stage:
    """Returns the stage that trains a head, and the model beneath it as far as rates say.

    Args:
        source: packs of preferences, once: a reward model overfits in the second epoch.
            Source: InstructGPT (arXiv 2203.02155), appendix C.2.
        tokenizer: of the model.
        head: new.
        rates: with "heads"; "heads" alone trains a linear probe.
        margin_weight: see `RewardObjective`.
        centre_weight: see `RewardObjective`.
    """
    objective = RewardObjective(
        heads=head,
        tokenizer=tokenizer,
        margin_weight=margin_weight,
        centre_weight=centre_weight,
    )
    warmup = max(1, round(_WARMUP * (source.num_steps or 1)))
    schedule = Schedule(shape="cosine", warmup=warmup)
    return Stage(name="reward", rates=rates, objective=objective, source=source, schedule=schedule)


def export_reward_model(
    model: Qwen2_5_VL, head: RewardHead, folder: Path, *, files_from: Path, about: dict[str, Any]
) -> None:
    """Writes a folder that `reward_scorer` reads; without its head it is a model like others.

    Args:
        model: trained.
        head: trained with it.
        folder: new.
        files_from: the model's folder before training.
        about: what is known of the reward model, such as its accuracy.
    """
    export_model(model, folder, files_from=files_from)
    save_reward_head(head, folder, about=about)
