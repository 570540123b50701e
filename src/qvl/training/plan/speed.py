"""How long a step takes on many accelerators: computing, and talking that it cannot hide.

Owns the estimate. Does not own operations (``work``) nor bytes (``memory``).

    ModelConfig, Pack, Trained, Layout, Gpu -> step_time -> StepTime

Rings of NCCL cross from node to node once for each network card, so a group that fills nodes is as
fast as all their cards together. Source: NCCL's tests, doc/PERFORMANCE.md, for the bytes that each
collective moves.
"""

from dataclasses import dataclass

from qvl.model.config import ModelConfig, TextConfig
from qvl.model.cost import num_parameters
from qvl.training.parallel.layout import Layout
from qvl.training.plan.hardware import Gpu
from qvl.training.plan.memory import Widths, learning_parameters
from qvl.training.plan.work import Pack, Trained, step_flops


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
    layout: Layout,
    gpu: Gpu,
    *,
    widths: Widths | None = None,
) -> StepTime:
    """Returns the seconds of one pack."""
    widths = widths or Widths()
    flops = step_flops(config, pack, trained, recompute=layout.activation_checkpointing)
    share = layout.pack_ranks
    inner = _bandwidth(gpu, layout.tp, 1)
    around = _bandwidth(gpu, layout.cp, layout.tp)
    exposed = _tensor_bytes(config.text, pack, layout, widths) / inner
    exposed += _context_bytes(config.text, pack, layout, widths) / around
    hidden = _shard_bytes(config, trained, layout, widths) / _bandwidth(
        gpu, (layout.dp_shard or 1) * layout.cp, layout.tp
    )
    learning = learning_parameters(config, trained)
    copies, ranks = layout.dp_replicate or 1, (layout.dp_shard or 1) * share
    own = learning * widths.gradient / ranks
    hidden += 2 * (copies - 1) / copies * own / _bandwidth(gpu, copies, ranks)
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


def _shard_bytes(config: ModelConfig, trained: Trained, layout: Layout, widths: Widths) -> float:
    """Weights gathered forward and backward, gradients summed into their places."""
    group = (layout.dp_shard or 1) * layout.cp
    moved = (
        2 * num_parameters(config) * widths.compute
        + learning_parameters(config, trained) * widths.gradient
    )
    return (group - 1) / group * moved / layout.tp


def _tensor_bytes(config: TextConfig, pack: Pack, layout: Layout, widths: Widths) -> float:
    """Two sums of the residual in each layer, forward and backward, and again when done twice.

    Source: Shoeybi et al. 2019 (arXiv 1909.08053), section 3.
    """
    passes = 3 if layout.activation_checkpointing == "full" else 2
    residual = pack.num_tokens / layout.cp * config.hidden_size * widths.compute
    sums = 2 * passes * config.num_hidden_layers * residual
    return 2 * (layout.tp - 1) / layout.tp * sums


def _context_bytes(config: TextConfig, pack: Pack, layout: Layout, widths: Widths) -> float:
    """Keys and values of all layers gathered forward and backward, and their gradients summed."""
    kv_size = 2 * config.num_key_value_heads * config.head_dim / layout.tp
    moved = pack.num_tokens * kv_size * widths.compute * config.num_hidden_layers
    return 3 * (layout.cp - 1) / layout.cp * moved
