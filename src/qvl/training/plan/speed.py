"""How long a step takes on many accelerators: computing, and talking that it cannot hide.

Owns the estimate. Does not own operations (``work``) nor bytes (``memory``).

    ModelConfig, Pack, Trained, Cut, Gpu -> step_time -> StepTime

Rings of NCCL cross from node to node once for each network card, so a group that fills nodes is as
fast as all their cards together. Source: NCCL's tests, doc/PERFORMANCE.md, for the bytes that each
collective moves.
"""

from dataclasses import dataclass

from qvl.model.config import ModelConfig, TextConfig
from qvl.model.cost import text_parameters, vision_parameters
from qvl.training.plan.hardware import Gpu
from qvl.training.plan.memory import Sharding, Widths, lora_parameters
from qvl.training.plan.work import Pack, Recompute, Trained, step_flops


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """How ranks share a run: their product is the number of accelerators.

    Attributes:
        replicate: copies of the sharded model.
        shard: ranks that share weights, gradients and optimiser state.
        tensor: ranks that share each matrix product.
        context: ranks that share a pack.
        recompute: activation checkpointing.
    """

    replicate: int = 1
    shard: int = 1
    tensor: int = 1
    context: int = 1
    recompute: Recompute = "none"

    @property
    def ranks(self) -> int:
        """Accelerators."""
        return self.replicate * self.shard * self.tensor * self.context

    @property
    def packs(self) -> int:
        """Packs that are worked on at once."""
        return self.replicate * self.shard

    @property
    def sharding(self) -> Sharding:
        """Over how many ranks bytes are cut; ranks of a pack share the weights too."""
        return Sharding(weights=self.shard * self.context, tensor=self.tensor, context=self.context)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTime:
    """Seconds of one pack on its ranks, forward and backward.

    Attributes:
        compute_s: products at the rate that training reaches.
        hidden_s: collectives that run beside them.
        exposed_s: collectives that products wait for.
        model_flops: what utilisation counts, of the pack.
        ranks: that work on the pack.
    """

    compute_s: float
    hidden_s: float
    exposed_s: float
    model_flops: int
    ranks: int

    @property
    def total_s(self) -> float:
        """Seconds; what is hidden counts where it is longer than the products."""
        return max(self.compute_s, self.hidden_s) + self.exposed_s

    def utilisation(self, gpu: Gpu) -> float:
        """Share of the peak that the model's own operations are (MFU)."""
        return self.model_flops / (self.total_s * gpu.peak_flops * self.ranks)


def step_time(
    config: ModelConfig,
    pack: Pack,
    trained: Trained,
    cut: Cut,
    gpu: Gpu,
    *,
    widths: Widths | None = None,
) -> StepTime:
    """Returns the seconds of one pack."""
    widths = widths or Widths()
    flops = step_flops(config, pack, trained, recompute=cut.recompute)
    share = cut.tensor * cut.context
    inner = _bandwidth(gpu, cut.tensor, 1)
    around = _bandwidth(gpu, cut.context, cut.tensor)
    exposed = _tensor_bytes(config.text, pack, cut, widths) / inner
    exposed += _context_bytes(config.text, pack, cut, widths) / around
    hidden = _shard_bytes(config, trained, cut, widths) / _bandwidth(
        gpu, cut.shard * cut.context, cut.tensor
    )
    learning = _learning(config, trained)
    if cut.replicate > 1:
        copies = 2 * (cut.replicate - 1) / cut.replicate
        own = learning * widths.gradient / (cut.shard * share)
        hidden += copies * own / _bandwidth(gpu, cut.replicate, cut.shard * share)
    return StepTime(
        compute_s=flops.total / share / (gpu.peak_flops * gpu.efficiency),
        hidden_s=hidden,
        exposed_s=exposed,
        model_flops=flops.model,
        ranks=share,
    )


def _bandwidth(gpu: Gpu, group: int, stride: int) -> float:
    """Bytes per second of a ring of ``group`` ranks that stand ``stride`` apart."""
    if group * stride <= gpu.per_node:
        return gpu.link_bytes_per_s
    in_node = max(1, gpu.per_node // stride)
    return min(gpu.link_bytes_per_s, gpu.network_bytes_per_s * in_node)


def _learning(config: ModelConfig, trained: Trained) -> int:
    if trained.lora_rank:
        return lora_parameters(config, trained)
    tower, merger = vision_parameters(config.vision)
    llm = text_parameters(config.text)
    return tower * trained.tower + merger * trained.merger + llm * trained.llm


def _shard_bytes(config: ModelConfig, trained: Trained, cut: Cut, widths: Widths) -> float:
    """Weights gathered forward and backward, gradients summed into their places."""
    group = cut.shard * cut.context
    weights = sum(vision_parameters(config.vision)) + text_parameters(config.text)
    moved = 2 * weights * widths.compute + _learning(config, trained) * widths.gradient
    return (group - 1) / group * moved / cut.tensor


def _tensor_bytes(config: TextConfig, pack: Pack, cut: Cut, widths: Widths) -> float:
    """Two sums of the residual in each layer, forward and backward, and again when done twice.

    Source: Shoeybi et al. 2019 (arXiv 1909.08053), section 3.
    """
    passes = 3 if cut.recompute == "full" else 2
    residual = pack.num_tokens / cut.context * config.hidden_size * widths.compute
    sums = 2 * passes * config.num_hidden_layers * residual
    return 2 * (cut.tensor - 1) / cut.tensor * sums


def _context_bytes(config: TextConfig, pack: Pack, cut: Cut, widths: Widths) -> float:
    """Keys and values of all layers gathered forward and backward, and their gradients summed."""
    kv_size = 2 * config.num_key_value_heads * config.head_dim / cut.tensor
    moved = pack.num_tokens * kv_size * widths.compute * config.num_hidden_layers
    return 3 * (cut.context - 1) / cut.context * moved
