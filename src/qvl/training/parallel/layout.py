"""How ranks are used, as data.

Owns the numbers and whether they fit: the ranks there are, and the shape of the model. Does not own
process groups (``ranks``) or what is done to a model (``prepare``).

    Layout + number of ranks -> resolve -> every number known -> check_model
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from qvl.errors import ConfigError
from qvl.model.config import ModelConfig

Checkpointing = Literal["none", "selective", "full"]
ReduceDtype = Literal["float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Ranks are numbered with tensor ranks innermost, so that they are neighbours in a machine.

    >>> Layout(dp_replicate=None, dp_shard=4, tp=2).resolve(16).dp_replicate
    2

    Attributes:
        dp_replicate: groups of ranks that each hold the whole model; None is what the other
            numbers leave.
        dp_shard: ranks that share one copy of weights, gradients and moments and train on packs of
            their own; None is what the other numbers leave.
        tp: ranks that share every matrix product of the language model's layers.
        cp: ranks that share the tokens of one pack.
        activation_checkpointing: what a block keeps for the backward pass: everything, the results
            of products and attention, or its input alone.
        compile: compile what every block does to single tokens; not together with ``tp``.
        reduce_dtype: in which gradients of sharded weights are added up.
    """

    dp_replicate: int | None = None
    dp_shard: int | None = 1
    tp: int = 1
    cp: int = 1
    activation_checkpointing: Checkpointing = "none"
    compile: bool = False
    reduce_dtype: ReduceDtype = "float32"

    def __post_init__(self) -> None:
        for name in ("dp_replicate", "dp_shard", "tp", "cp"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"layout.{name} is {value}, expected 1 or more")
        if self.dp_replicate is None and self.dp_shard is None:
            raise ConfigError(
                "layout.dp_replicate and layout.dp_shard are both None, expected one number",
                hint="dp_replicate=1 shards over all ranks, dp_shard=1 copies to all",
            )
        if self.compile and self.tp > 1:
            raise ConfigError(
                f"layout.compile is true with tp {self.tp}, expected one of the two",
                hint="compiled blocks of matrices that are cut have not been made to work",
            )
        for name, kind in (
            ("activation_checkpointing", Checkpointing),
            ("reduce_dtype", ReduceDtype),
        ):
            if getattr(self, name) not in get_args(kind):
                raise ConfigError(
                    f"layout.{name} is {getattr(self, name)!r}, "
                    f"expected one of {', '.join(get_args(kind))}"
                )

    @property
    def pack_ranks(self) -> int:
        """Ranks that work on one pack together."""
        return self.cp * self.tp

    @property
    def is_sharded(self) -> bool:
        """True if no rank holds the whole model."""
        return self.dp_shard != 1 or self.pack_ranks > 1

    def resolve(self, world: int) -> "Layout":
        """Returns the layout with every number known.

        Raises:
            ConfigError: the numbers do not multiply to the number of ranks.
        """
        named = {"dp_replicate": self.dp_replicate, "dp_shard": self.dp_shard}
        fixed = self.pack_ranks
        for number in named.values():
            fixed *= number or 1
        open_name = next((name for name, number in named.items() if number is None), None)
        if world % fixed or (open_name is None and world != fixed):
            product = " x ".join(
                f"{name} {number}"
                for name, number in {**named, "cp": self.cp, "tp": self.tp}.items()
                if number is not None
            )
            expected = f"{fixed}" if open_name else f"exactly {fixed}"
            raise ConfigError(
                f"there are {world} ranks, expected {'a multiple of ' if open_name else ''}"
                f"{expected} for the layout {product}",
                hint="start as many processes, or leave dp_replicate or dp_shard open with None",
            )
        if open_name == "dp_replicate":
            return replace(self, dp_replicate=world // fixed)
        return replace(self, dp_shard=world // fixed) if open_name else self

    def check_model(self, config: ModelConfig) -> None:
        """Checks that a model can be cut in this way.

        Raises:
            ConfigError: its heads or widths do not come apart into ``tp`` equal parts.
        """
        text = config.text
        for name in ("num_attention_heads", "num_key_value_heads", "intermediate_size"):
            size = getattr(text, name)
            if size % self.tp:
                fits = [n for n in range(1, text.num_key_value_heads + 1) if _all_divide(config, n)]
                raise ConfigError(
                    f"layout.tp is {self.tp}, which does not divide {name} = {size}",
                    hint=f"this model allows tp of {', '.join(map(str, fits))}; "
                    "shard weights (dp_shard) or tokens (cp) over more ranks instead",
                )


def _all_divide(config: ModelConfig, tp: int) -> bool:
    text = config.text
    sizes = (text.num_attention_heads, text.num_key_value_heads, text.intermediate_size)
    return not any(size % tp for size in sizes)
