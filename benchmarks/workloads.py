"""What is timed. A workload is one line of text, so that it can cross into another process.

"decode:4:512" -> Workload -> how often to run it, and the time it takes at the machine's best
"""

from dataclasses import dataclass

from qvl.model.config import ModelConfig
from qvl.model.cost import kv_bytes_per_token, text_flops, vision_flops

SIZES = {
    "load": (),
    "image": ("height in pixels", "width in pixels"),
    "vit": ("height in patches", "width in patches"),
    "prefill": ("tokens",),
    "decode": ("sequences", "tokens before"),
}
"""Kinds of workload, and what the numbers behind the colons are."""

_WEIGHT_BYTES = 2
# From this many patches or tokens on, one run is long enough to be timed alone.
_LARGE = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The best that this machine was seen to do.

    Attributes:
        gemm_flops: operations a second of a large product, in the fastest dtype.
        read_bytes: bytes a second of summing a large array.
    """

    gemm_flops: float
    read_bytes: float


@dataclass(frozen=True, slots=True)
class Workload:
    """One line of the comparison.

    Attributes:
        kind: a key of `SIZES`.
        sizes: its numbers.
    """

    kind: str
    sizes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Workload":
        """Reads ``kind:number:number``.

        >>> Workload.parse("vit:32:32")
        Workload(kind='vit', sizes=(32, 32))

        Raises:
            ValueError: the kind is unknown, or its sizes are not as many whole numbers.
        """
        kind, *numbers = text.split(":")
        known = kind in SIZES and len(numbers) == len(SIZES[kind])
        if not known or not all(number.isdigit() for number in numbers):
            forms = ", ".join(":".join([name, *sizes]) for name, sizes in SIZES.items())
            raise ValueError(f"no workload {text!r}; expected one of {forms}")
        return cls(kind, tuple(int(number) for number in numbers))

    def __str__(self) -> str:
        return ":".join([self.kind, *map(str, self.sizes)])

    @property
    def is_large(self) -> bool:
        """Whether a run takes seconds: then it runs once a round, and is not warmed up."""
        if self.kind == "vit":
            return self.sizes[0] * self.sizes[1] >= _LARGE
        return self.kind == "load" or (self.kind == "prefill" and self.sizes[0] >= _LARGE)

    @property
    def repeats(self) -> int:
        """Timed runs in one process."""
        return 1 if self.is_large else 8

    def floor_seconds(self, config: ModelConfig, machine: Machine) -> float | None:
        """The longer of computing at the machine's best and of reading every weight used once.

        None where neither bounds it.
        """
        if self.kind == "vit":
            height, width = self.sizes
            return vision_flops(config.vision, (1, height, width)) / machine.gemm_flops
        if self.kind not in ("prefill", "decode"):
            return None
        text = config.text
        if self.kind == "prefill":
            flops, cached = text_flops(text, num_tokens=self.sizes[0]), 0
        else:
            batch, past = self.sizes
            flops = batch * text_flops(text, num_tokens=1, num_past=past)
            cached = batch * past * kv_bytes_per_token(text, value_bytes=_WEIGHT_BYTES)
        # A single token multiplies and adds once with every weight.
        weights = text_flops(text, num_tokens=1) / 2 * _WEIGHT_BYTES
        return max(flops / machine.gemm_flops, (weights + cached) / machine.read_bytes)


SMALL = tuple(map(Workload.parse, ("vit:8:8", "prefill:16", "decode:1:512", "decode:4:512")))
"""They touch every weight, so that the large ones behind them need no warming up."""

IMAGES = tuple(map(Workload.parse, ("image:448:448", "image:1036:1036")))
LARGE = tuple(map(Workload.parse, ("vit:32:32", "prefill:512")))
HUGE = tuple(map(Workload.parse, ("vit:74:74", "prefill:2048")))
"""A picture of 1036 x 1036 pixels, and as many tokens as eight pages."""
