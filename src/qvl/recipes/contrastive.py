"""Stage 0: the vision tower from nothing, by pictures and their captions; then its alignment.

Owns: the two stages, the heads' sizes for the embedded model. Does not own: the losses
(``objectives``), the tower, which is the model's own and keeps its weights, captions
(``data.synth``).

    captions -> contrastive_stage(): tower and heads
        -> alignment_stage(): the merger hands the tower's patches to the frozen language model
        -> vision_pretrain and all that follows

Source: report, section 2.1.1: CLIP pre-training, vision-language alignment, end-to-end fine-tuning;
it names no text tower, loss or batch. What alignment trains is LLaVA's (arXiv 2304.08485, section
4.2).
"""

from collections.abc import Mapping

import torch

from qvl.data.pack_source import PackSource
from qvl.errors import ConfigError
from qvl.model.config import ModelConfig
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.objectives.contrastive import (
    ContrastiveHeads,
    ContrastiveLoss,
    ContrastiveObjective,
    Pool,
)
from qvl.training.schedule import Schedule
from qvl.training.stages import Part, Stage
from qvl.training.text_tower import TextTower, TextTowerConfig

# Source: CLIP (arXiv 2103.00020), table 18: 2,000 steps of warm-up, cosine; its 32 epochs of 400M
# pictures are some 390,000 steps, so half a percent, rounded up for short runs.
_WARMUP = 0.02


def small_heads(
    config: ModelConfig, *, vocab_size: int, kind: ContrastiveLoss, pool: Pool, seed: int
) -> ContrastiveHeads:
    """Returns heads of about the size of the embedded model's tower.

    Args:
        config: of the model.
        vocab_size: of its tokenizer.
        kind: of loss.
        pool: how a picture's patches become one vector.
        seed: another seed gives other weights.
    """
    width = config.vision.hidden_size
    text = TextTowerConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        intermediate_size=config.vision.intermediate_size,
        num_hidden_layers=3,
        num_attention_heads=config.vision.num_heads,
    )
    torch.manual_seed(seed)
    tower = TextTower(text, torch.Generator().manual_seed(seed))
    heads = config.vision.num_heads
    return ContrastiveHeads(width, tower, width=width, kind=kind, pool=pool, num_heads=heads)


def contrastive_stage(
    source: PackSource, heads: ContrastiveHeads, *, rates: Mapping[Part, float], steps: int
) -> Stage:
    """Returns the stage that trains the tower and the heads; the merger has no part in it.

    Args:
        source: packs of pictures with captions. All pictures of a step's ranks are compared with
            one another, those of packs that a rank accumulates are not.
        heads: new.
        rates: of tower and heads.
        steps: optimiser steps.

    Raises:
        ConfigError: other parts are to be trained.
    """
    if set(rates) != {"tower", "heads"}:
        raise ConfigError(
            f"contrastive training has rates for {sorted(rates)}, expected tower and heads"
        )
    return Stage(
        name="contrastive_pretrain",
        rates=rates,
        objective=ContrastiveObjective(heads=heads),
        source=source,
        steps=steps,
        schedule=Schedule(shape="cosine", warmup=max(1, round(_WARMUP * steps))),
    )


def alignment_stage(
    source: PackSource, *, rates: Mapping[Part, float], steps: int | None = None
) -> Stage:
    """Returns the stage in which the merger learns to speak to the language model.

    Args:
        source: packs of pictures with answers.
        rates: of the merger; with more parts, of those too.
        steps: None for as many as the source has.

    Raises:
        ConfigError: the merger is not trained.
    """
    if "merger" not in rates:
        raise ConfigError(f"alignment has rates for {sorted(rates)}, expected the merger too")
    return Stage(
        name="alignment",
        rates=rates,
        objective=AnswerObjective(),
        source=source,
        steps=steps,
        schedule=Schedule(shape="cosine", warmup=max(1, (steps or 1) // 30)),
    )
