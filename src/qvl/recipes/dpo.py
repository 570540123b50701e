"""Preference optimisation as a run: drawn pairs, the stage of the report.

Owns: which drawn pairs there are, and the stage. Does not own: the loss (``objectives.dpo``), the
reference pass (``training.reference``), the command.

    generators + faults -> preferences -> packs, each sample once -> dpo_stage() -> Stage
"""

from collections.abc import Mapping
from functools import partial

from qvl.data.mixture import Mixture
from qvl.data.pack_source import PackSource
from qvl.data.sources import DrawnSource
from qvl.data.synth.faults import FAULTS, preference_sample
from qvl.errors import ConfigError
from qvl.processing.tokenizer import Tokenizer
from qvl.recipes.stages import STAGES
from qvl.recipes.tiny_stages import draw_from
from qvl.training.objectives.dpo import DpoLoss, DpoObjective
from qvl.training.reference import Reference
from qvl.training.schedule import Schedule
from qvl.training.stages import Part, Stage

BASE = draw_from(word=0.2, line=0.2, shapes=0.25, places=0.2, screen=0.15)
"""What the embedded model was trained on last."""


def drawn_preferences(
    samples: int, *, seed: int = 0, faults: tuple[str, ...] = tuple(FAULTS)
) -> DrawnSource:
    """Returns drawn questions with their right answer and one that is faulty.

    Args:
        samples: how many.
        seed: another seed gives others.
        faults: names of `FAULTS`.
    """
    generator = partial(preference_sample, base=BASE, faults=faults)
    mixture = Mixture(parts={"pairs": (1.0, generator)})
    return DrawnSource(mixture=mixture, count=samples, seed=seed)


def dpo_stage(
    source: PackSource,
    tokenizer: Tokenizer,
    reference: Reference,
    *,
    rates: Mapping[Part, float],
    loss_kind: DpoLoss = "sigmoid",
    beta: float = 0.1,
    sft_weight: float = 0.0,
) -> Stage:
    """Returns the last stage of the report: the tower frozen, each sample seen once.

    Args:
        source: packs of preferences.
        tokenizer: of the model.
        reference: of the model as it is before the stage.
        rates: of merger and language model.
        loss_kind: see `objectives.dpo.pair_losses`.
        beta: 0.1 is what the DPO paper begins with; the report names none.
        sft_weight: see `DpoObjective`.

    Raises:
        ConfigError: other parts are to be trained than in the report.
    """
    if set(rates) != set(STAGES["dpo"].trains):
        raise ConfigError(
            f"preference optimisation has rates for {sorted(rates)}, expected "
            f"{sorted(STAGES['dpo'].trains)}"
        )
    objective = DpoObjective(
        tokenizer=tokenizer,
        reference=reference,
        loss_kind=loss_kind,
        beta=beta,
        sft_weight=sft_weight,
    )
    # Source of the warm-up: arXiv 2305.18290, appendix B: 150 steps; here a tenth of a stage that
    # is short. There the rate stays at its peak; here it falls, as other answers come back then.
    steps = source.num_steps or 1
    schedule = Schedule(shape="linear", warmup=max(1, min(150, steps // 10)))
    return Stage(name="dpo", rates=rates, objective=objective, source=source, schedule=schedule)
