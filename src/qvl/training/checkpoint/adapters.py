"""Checkpoints that hold adapters only: what they say of the model that the adapters are on.

Owns: telling one base model from another by sums of its weights. Does not own the adapters
(``model.lora``). The base is not stored: it never changes, and it may be a hundred times larger.

    frozen parameters, plain or sharded -> sums_of -> {name: sum} -> marker -> compared on return
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from qvl.checkpoint.folder import some
from qvl.errors import CheckpointError
from qvl.model.lora import adapter_parameters, lora_layers, saved_parameters
from qvl.model.lora_config import LoraConfig, LoraSpec
from qvl.training.checkpoint.group import CheckpointGroup

# Numbers that are widened at a time.
_PIECE = 1 << 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapters:
    """How the rest of a model is found and known again.

    Attributes:
        config: which layers have adapters.
        base_dtype: of its weights, such as "bfloat16".
        base_sums: of its parameters by name, from `sums_of`.
    """

    config: LoraConfig
    base_dtype: str
    base_sums: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "base_sums": dict(self.base_sums)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Adapters":
        """Reads what `to_json` wrote.

        Raises:
            TypeError: it has other fields.
        """
        fields = dict(raw["config"])
        for name in ("targets", "modules_to_save"):
            fields[name] = tuple(fields[name])
        return cls(**{**raw, "config": LoraConfig(**fields)})


def adapters_of(model: nn.Module, group: CheckpointGroup) -> Adapters | None:
    """Returns what a model's adapters are on, or None if it has none. All ranks call it.

    Args:
        model: plain or sharded.
        group: of all ranks.
    """
    layers = lora_layers(model)
    trained = adapter_parameters(model)
    if not trained:
        return None
    specs = {name: layer.spec for name, layer in layers.items()}
    one = next(iter(specs.values()), LoraSpec(rank=1, alpha=1.0))
    config = LoraConfig(
        rank=one.rank,
        alpha=one.alpha,
        targets=tuple(specs),
        dropout=one.dropout,
        rank_stabilised=one.rank_stabilised,
        dora=one.dora,
        rank_pattern={name: spec.rank for name, spec in specs.items() if spec.rank != one.rank},
        alpha_pattern={n: spec.alpha for n, spec in specs.items() if spec.alpha != one.alpha},
        modules_to_save=tuple(dict.fromkeys(n.rpartition(".")[0] for n in saved_parameters(model))),
    )
    base = {name: p for name, p in model.named_parameters() if name not in trained}
    dtypes = Counter(p.dtype for p in base.values())
    return Adapters(
        config=config,
        base_dtype=str(dtypes.most_common(1)[0][0]).removeprefix("torch."),
        base_sums=sums_of(base, group),
    )


def check_base(saved: Adapters, sums: Mapping[str, int], *, where: str) -> None:
    """Refuses a base whose weights are not those the adapters were trained on.

    Args:
        saved: what the checkpoint says.
        sums: of the base there is; names that only one of them has, as quantised weights, are
            not compared.
        where: the checkpoint, for the error.

    Raises:
        CheckpointError: with the first names that differ.
    """
    common = saved.base_sums.keys() & sums.keys()
    unlike = [name for name in sorted(common) if sums[name] != saved.base_sums[name]]
    if unlike or not common:
        raise CheckpointError(
            f"{where} has adapters of another model: of {len(common)} weights that are known, "
            f"{len(unlike)} differ ({some(unlike)})",
            hint="give the model that the run began from",
        )


def sums_of(parameters: Mapping[str, Tensor], group: CheckpointGroup) -> dict[str, int]:
    """Returns a sum of each tensor's numbers as 32-bit patterns, modulo 2^64.

    It is exact, so it does not depend on how a tensor is laid out over ranks, nor on a wider dtype
    that holds the same numbers. All ranks call it.

    Args:
        parameters: floating point, plain or sharded.
        group: of the ranks that share them.
    """
    parts = [_sum_here(tensor, group) for tensor in parameters.values()]
    gathered = group.gather(parts)
    totals = (sum(column) % 2**64 for column in zip(*gathered, strict=True))
    return dict(zip(parameters, totals, strict=True))


@torch.no_grad()
def _sum_here(tensor: Tensor, group: CheckpointGroup) -> int:
    """The sum of what this rank holds and no rank before it does."""
    if isinstance(tensor, DTensor):
        place = tensor.device_mesh.get_coordinate()
        assert place is not None
        copies = [
            at for at, how in zip(place, tensor.placements, strict=True) if how.is_replicate()
        ]
        mine, local = not any(copies), tensor.to_local()
    else:
        mine, local = group.rank == 0, tensor
    if not mine:
        return 0
    pieces = local.detach().contiguous().flatten().split(_PIECE)
    return sum(int(p.float().view(torch.int32).sum(dtype=torch.int64)) for p in pieces)
