"""Accelerators as numbers: what fits into one, how fast it computes and talks.

Owns a table. Does not own what is done with it (``memory``, ``speed``).

Sources: the makers' data sheets of each accelerator, dense bfloat16 with float32 sums. What share
of the peak training reaches is published for two of them, Llama 3 8B and 70B at 8192 tokens under
FSDP2 (torchtitan, docs/performance.md and benchmarks of December 2024, which count attention to
later tokens too): A100 and H100 are set to what these come to, tests hold the estimates to them,
and the others have the share of the nearest of the two.
"""

from dataclasses import dataclass

from qvl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One accelerator in a node of several.

    Attributes:
        title: as people call it.
        memory_bytes: of one.
        peak_flops: dense bfloat16 operations per second.
        efficiency: share of the peak that large products reach in training.
        link_bytes_per_s: to its neighbours in the node, in one direction.
        network_bytes_per_s: to other nodes, in one direction, of one accelerator.
        per_node: accelerators in a node.
    """

    title: str
    memory_bytes: int
    peak_flops: float
    efficiency: float
    link_bytes_per_s: float
    network_bytes_per_s: float
    per_node: int = 8


_GIB = 2**30

GPUS: dict[str, Gpu] = {
    "a100-40": Gpu(
        title="NVIDIA A100 40 GB",
        memory_bytes=40 * _GIB,
        peak_flops=312e12,
        efficiency=0.56,
        link_bytes_per_s=300e9,
        network_bytes_per_s=25e9,
    ),
    "a100": Gpu(
        title="NVIDIA A100 80 GB",
        memory_bytes=80 * _GIB,
        peak_flops=312e12,
        efficiency=0.56,
        link_bytes_per_s=300e9,
        network_bytes_per_s=25e9,
    ),
    "h100": Gpu(
        title="NVIDIA H100 80 GB",
        memory_bytes=80 * _GIB,
        peak_flops=989e12,
        efficiency=0.37,
        link_bytes_per_s=450e9,
        network_bytes_per_s=50e9,
    ),
    "h200": Gpu(
        title="NVIDIA H200 141 GB",
        memory_bytes=141 * 10**9,
        peak_flops=989e12,
        efficiency=0.37,
        link_bytes_per_s=450e9,
        network_bytes_per_s=50e9,
    ),
    "b200": Gpu(
        title="NVIDIA B200 180 GB",
        memory_bytes=180 * 10**9,
        peak_flops=2250e12,
        efficiency=0.37,
        link_bytes_per_s=900e9,
        network_bytes_per_s=50e9,
    ),
    "mi300x": Gpu(
        title="AMD MI300X 192 GB",
        memory_bytes=192 * 10**9,
        peak_flops=1307e12,
        efficiency=0.37,
        link_bytes_per_s=448e9,
        network_bytes_per_s=50e9,
    ),
    "l40s": Gpu(
        title="NVIDIA L40S 48 GB",
        memory_bytes=48 * 10**9,
        peak_flops=362e12,
        efficiency=0.37,
        link_bytes_per_s=32e9,
        network_bytes_per_s=12.5e9,
    ),
    "rtx4090": Gpu(
        title="NVIDIA GeForce RTX 4090 24 GB",
        memory_bytes=24 * _GIB,
        peak_flops=165e12,
        efficiency=0.56,
        link_bytes_per_s=32e9,
        network_bytes_per_s=1.25e9,
        per_node=1,
    ),
}


def find_gpu(name: str) -> Gpu:
    """Returns an accelerator by its name in `GPUS`.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in GPUS:
        raise ConfigError(
            f"no accelerator named {name!r}", hint=f"expected one of {', '.join(GPUS)}"
        )
    return GPUS[name]
