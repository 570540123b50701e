"""What a fine-tuning run will do and need, told before it does it.

Owns: the numbers of the plan, its lines, what would fit where the plan does not. Does not own: the
formulas (``training.plan``, ``model.cost``), the decision, which is the person's.

    options, config, sizes, packs -> make_plan() -> FineTunePlan -> lines(), fits, proposals
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from qvl.data.lengths import Lengths
from qvl.data.packing import PackBudget
from qvl.data.packing.plan import PackPlan
from qvl.geometry import MERGE
from qvl.model.config import ModelConfig
from qvl.model.cost import num_parameters, text_parameters, vision_parameters
from qvl.recipes.fine_tune_options import FineTuneOptions
from qvl.training.config import RunConfig
from qvl.training.plan.measured import pack_of
from qvl.training.plan.memory import Memory, Widths, lora_parameters, train_memory
from qvl.training.plan.work import Pack, Trained, step_flops
from qvl.training.stages import Part

_FROZEN_BYTES = {"none": None, "int8": 1.0, "nf4": 0.53}
"""Bytes of a frozen weight; NF4 with doubly quantised scales takes 4.127 bits for each.
Source: QLoRA (arXiv 2305.14314), section 3. Embeddings and norms stay wide."""
_HARDLY = 3e-5
"""Rate times steps: AdamW moves a weight by at most about that much, and weights are about 2e-2."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What is trained on.

    Attributes:
        samples: in the data.
        faulty: left out.
        trained: trained on.
        validated: held out.
        pictures: of the trained ones.
        tokens: of the trained ones, once.
        media_tokens: those of them that pictures and videos take.
        answer_tokens: those that are predicted.
        packs: of one epoch.
    """

    samples: int
    faulty: int
    trained: int
    validated: int
    pictures: int
    tokens: int
    media_tokens: int
    answer_tokens: int
    packs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FineTunePlan:
    """A run before it runs.

    Attributes:
        options: what was asked for.
        run: that is planned.
        config: of the model.
        counts: of the data.
        notes: what is odd about the run.
        budget: of a pack.
        packs_per_step: over all ranks.
        steps: of the whole run.
        rates: of the parts that train.
        memory: of one rank.
        at_hand: bytes there are on its device; None if that is not known.
        proposals: options that would fit, when this does not.
        step_flops: operations of a step.
    """

    options: FineTuneOptions
    run: RunConfig
    config: ModelConfig
    counts: Counts
    notes: tuple[str, ...]
    budget: PackBudget
    packs_per_step: int
    steps: int
    rates: Mapping[Part, float]
    memory: Memory
    at_hand: int | None
    proposals: tuple[str, ...]
    step_flops: int

    @property
    def fits(self) -> bool:
        """Whether the memory is enough, as far as it is known."""
        return self.at_hand is None or self.memory.total <= self.at_hand

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        options = {
            name: str(value) if hasattr(value, "parts") else value
            for name, value in asdict(self.options).items()
        }
        return {
            "options": options,
            "parameters": num_parameters(self.config),
            "trained_parameters": trained_parameters(self.config, self.options, self.rates),
            "data": asdict(self.counts),
            "notes": list(self.notes),
            "pack_tokens": self.budget.max_tokens,
            "packs_per_step": self.packs_per_step,
            "steps": self.steps,
            "rates": dict(self.rates),
            "memory_bytes": {**self.memory.parts(), "total": self.memory.total},
            "memory_at_hand": self.at_hand,
            "fits": self.fits,
            "proposals": list(self.proposals),
            "step_flops": self.step_flops,
        }


def make_plan(
    options: FineTuneOptions,
    run: RunConfig,
    config: ModelConfig,
    lengths: Lengths,
    counts: Counts,
    *,
    budget: PackBudget,
    packs: PackPlan,
    at_hand: int | None,
) -> FineTunePlan:
    """Returns the plan of a run.

    Args:
        options: what was asked for.
        run: of one stage.
        config: of the model.
        lengths: of the samples that are trained on.
        counts: of the data.
        budget: of a pack.
        packs: of the whole run.
        at_hand: bytes there are on the device of a rank; None if that is not known.

    Raises:
        ConfigError: the layout does not fit the ranks or the model.
    """
    (stage,) = run.stages
    run = replace(run, layout=run.layout.resolve(options.processes))
    run.layout.check_model(config)
    rates: dict[Part, float] = {p: rate for p, rate in stage.rates.items() if p != "heads"}
    steps = stage.num_steps
    accumulates = packs.packs_per_step * run.layout.pack_ranks > options.processes
    pack, memory = max(
        (
            (pack, memory_of(options, run, config, pack, rates, accumulates=accumulates))
            for pack in heaviest_packs(lengths, packs)
        ),
        key=lambda found: found[1].total,
    )
    notes: tuple[str, ...] = ()
    if min(rates.values()) * steps < _HARDLY:
        notes = (
            f"{steps} steps at a rate of {min(rates.values()):g} hardly change a model; "
            "consider --lora, more --epochs or a higher --lr",
        )
    proposals: tuple[str, ...] = ()
    if at_hand is not None and memory.total > at_hand:
        proposals = proposals_for(
            options, run, config, pack, rates, accumulates=accumulates, at_hand=at_hand
        )
    flops = step_flops(
        config, pack, trained_parts(options, rates), recompute=run.layout.activation_checkpointing
    )
    return FineTunePlan(
        options=options,
        run=run,
        config=config,
        counts=counts,
        notes=notes,
        budget=budget,
        packs_per_step=packs.packs_per_step,
        steps=steps,
        rates=rates,
        memory=memory,
        at_hand=at_hand,
        proposals=proposals,
        step_flops=flops.total * packs.packs_per_step,
    )


def trained_parts(options: FineTuneOptions, parts: Collection[Part]) -> Trained:
    """Returns what learns of some parts; with adapters the language model alone has some."""
    if options.lora_rank is not None:
        return Trained(tower=False, merger=False, llm=True, lora_rank=options.lora_rank)
    return Trained(tower="tower" in parts, merger="merger" in parts, llm="llm" in parts)


def trained_parameters(
    config: ModelConfig, options: FineTuneOptions, parts: Collection[Part]
) -> dict[Part, int]:
    """Returns how many numbers of each part learn; arguments as of `trained_parts`."""
    if options.lora_rank is not None:
        return {"llm": lora_parameters(config, trained_parts(options, parts))}
    tower, merger = vision_parameters(config.vision)
    whole: dict[Part, int] = {
        "llm": text_parameters(config.text), "merger": merger, "tower": tower,
    }  # fmt: skip
    return {part: number for part, number in whole.items() if part in parts}


def heaviest_packs(lengths: Lengths, plan: PackPlan) -> tuple[Pack, ...]:
    """Returns the pack with the most tokens and the one with the most patches.

    Args:
        lengths: of the samples that are trained on.
        plan: of their packs.
    """
    columns = (lengths.tokens.astype(np.int64), lengths.patches)
    places = {int(plan.sums(column).argmax()) for column in columns}
    return tuple(
        pack_of(lengths, plan.pack(*divmod(place, plan.packs_per_step))) for place in places
    )


def memory_of(
    options: FineTuneOptions,
    run: RunConfig,
    config: ModelConfig,
    pack: Pack,
    parts: Collection[Part],
    *,
    accumulates: bool,
) -> Memory:
    """Returns the bytes of a rank that trains these parts in the layout of the run."""
    compute = 4.0 if run.precision == "float32" else 2.0
    frozen = _FROZEN_BYTES[options.quantise]
    return train_memory(
        config,
        pack,
        trained_parts(options, parts),
        widths=Widths(
            weight=4,
            frozen=frozen or (compute if options.lora_rank else 4.0),
            compute=compute,
            gradient=2 if run.precision == "bf16_weights" else 4,
            ema=0 if run.ema is None else 4,
        ),
        layout=run.layout,
        accumulates=accumulates,
    )


def proposals_for(
    options: FineTuneOptions,
    run: RunConfig,
    config: ModelConfig,
    pack: Pack,
    parts: Collection[Part],
    *,
    accumulates: bool,
    at_hand: int,
) -> tuple[str, ...]:
    """Returns what a person could add to the command so that it fits, the mildest first."""
    half = Pack(
        lengths=pack.lengths[: max(1, len(pack.lengths) // 2)],
        grids=pack.grids[: len(pack.grids) // 2],
        answers=max(1, pack.num_answers // 2),
    )
    shorter = f"--max-length {half.num_tokens}"
    lora = replace(options, lora_rank=options.lora_rank or 16)
    full = replace(options, recompute="full")
    tries: list[tuple[str, FineTuneOptions, Pack]] = [
        ("--recompute full", full, pack),
        (shorter, options, half),
        (f"--recompute full {shorter}", full, half),
        ("--lora", lora, pack),
        ("--lora --recompute full", replace(lora, recompute="full"), pack),
        ("--lora --quantise nf4", replace(lora, quantise="nf4"), pack),
        (
            "--lora --quantise nf4 --recompute full",
            replace(lora, quantise="nf4", recompute="full"),
            pack,
        ),
        (
            f"--lora --quantise nf4 --recompute full {shorter}",
            replace(lora, quantise="nf4", recompute="full"),
            half,
        ),
    ]
    fitting = []
    for words, changed, smaller in tries:
        if changed == options and smaller is pack:
            continue
        layout = run.layout
        if changed.recompute != options.recompute:
            layout = replace(layout, activation_checkpointing=changed.recompute)
        so = replace(run, layout=layout)
        need = memory_of(changed, so, config, smaller, parts, accumulates=accumulates).total
        if need <= at_hand:
            fitting.append(f"{words} (about {need / 2**30:.1f} GiB)")
    return tuple(fitting[:3])


def describe(plan: FineTunePlan) -> dict[str, str]:
    """Returns the plan as names and values for people, in the order in which they ask."""
    options, counts, memory = plan.options, plan.counts, plan.memory
    learning = trained_parameters(plan.config, options, plan.rates)
    rows = {"model": f"{options.model}, {_millions(num_parameters(plan.config))} parameters"}
    rows["data"] = (
        f"{options.data}: {counts.trained:,} samples to train on, {counts.validated:,} to "
        f"validate on" + (f", {counts.faulty:,} left out" if counts.faulty else "")
    )
    rows["tokens"] = (
        f"{counts.tokens:,}, of them {counts.media_tokens:,} of {counts.pictures:,} pictures, "
        f"{counts.answer_tokens:,} learnt"
    )
    fill = counts.tokens / max(1, counts.packs * plan.budget.max_tokens)
    rows["packs"] = (
        f"{counts.packs:,} of at most {plan.budget.max_tokens:,} tokens, {fill:.0%} full"
    )
    each = "1 pack" if plan.packs_per_step == 1 else f"{plan.packs_per_step} packs"
    rows["steps"] = f"{plan.steps:,} ({options.passes:g} epochs, {each} a step)"
    how = f"adapters of rank {options.lora_rank} on " if options.lora_rank else ""
    rows["trains"] = how + ", ".join(
        f"{part} ({_millions(number)} at {plan.rates[part]:g})" for part, number in learning.items()
    )
    frozen = [part for part in ("tower", "merger", "llm") if part not in learning]
    rows["frozen"] = ", ".join(frozen) + (" and the model under the adapters" if how else "")
    if options.quantise != "none":
        rows["frozen"] += f", held in {options.quantise}"
    (stage,) = plan.run.stages
    rows["optimiser"] = (
        f"AdamW, {stage.schedule.shape} after a warm-up of {stage.schedule.warmup:,} of "
        f"{plan.steps:,} steps, norm clipped at {plan.run.optimiser.clip:g}"
    )
    compute = "float32" if plan.run.precision == "float32" else "bfloat16"
    many = f" x {options.processes} processes" if options.processes > 1 else ""
    layout = plan.run.layout
    shared = [
        f"{name} {n}" for name in ("dp_shard", "tp", "cp") if (n := getattr(layout, name)) > 1
    ]
    rows["computes"] = ", ".join([f"{compute} on {options.device}{many}", *shared])
    there = "" if plan.at_hand is None else f" of {plan.at_hand / 2**30:.1f} GiB"
    parts = ", ".join(f"{name} {_bytes(size)}" for name, size in memory.parts().items() if size)
    rows["memory"] = f"about {_bytes(memory.total)}{there}: {parts}"
    rows["work"] = f"{plan.step_flops / 1e12:.3g} TFLOP a step"
    return rows


def data_counts(lengths: Lengths, *, samples: int, validated: int, packs: int) -> Counts:
    """Returns the counts of a set of which some samples are trained on.

    Args:
        lengths: of the trained ones.
        samples: in all.
        validated: held out.
        packs: of one epoch.
    """
    trained = len(lengths)
    return Counts(
        samples=samples,
        faulty=samples - trained - validated,
        trained=trained,
        validated=validated,
        pictures=int(lengths.items.sum()),
        tokens=int(lengths.tokens.sum(dtype=np.int64)),
        media_tokens=int(lengths.patches.sum()) // MERGE**2,
        answer_tokens=int(lengths.answers.sum(dtype=np.int64)),
        packs=packs,
    )


def _millions(count: int) -> str:
    return f"{count / 1e9:.2f} B" if count >= 1e9 else f"{count / 1e6:.2f} M"


def _bytes(count: float) -> str:
    """Bytes for people.

    >>> _bytes(3 * 2**29), _bytes(5 * 2**20)
    ('1.5 GiB', '5 MiB')
    """
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
