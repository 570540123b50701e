"""Packs drawn from a mixture, without end.

Owns: which numbers a sample is drawn from. Does not own: the budget of a pack (``packing``), packs
of stored samples (``packing/planned``).

    (seed, step, pack, i) -> mixture -> sample -> processor -> pack
"""

from dataclasses import dataclass

from qvl.data.branches import rejected_tokens
from qvl.data.fingerprint import fingerprint
from qvl.data.mixture import Mixture
from qvl.data.pack_source import PackError
from qvl.data.packing import FilledPack, PackBudget, Packed, fill_pack
from qvl.errors import ConfigError, DataError, InputError, QvlError
from qvl.processing.processor import Processor


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnPacks:
    """A `qvl.data.pack_source.PackSource` over generators.

    Attributes:
        mixture: where samples come from.
        budget: of one pack.
        processor: makes model inputs.
        seed: numbers that all samples depend on, such as the run's seed and the stage's number.
        packs_per_step: over all ranks.
    """

    mixture: Mixture
    budget: PackBudget
    processor: Processor
    seed: tuple[int, ...]
    packs_per_step: int = 1

    def __post_init__(self) -> None:
        if self.packs_per_step < 1:
            raise ConfigError(f"packs_per_step is {self.packs_per_step}, expected at least 1")

    @property
    def num_steps(self) -> None:
        """There is no end."""
        return None

    @property
    def identity(self) -> str:
        """A hash of generators, seed and everything that shapes a pack."""
        tokenizer = self.processor.tokenizer.fingerprint()
        settings = self.processor.settings
        drawn = (self.mixture, self.budget, self.seed, self.packs_per_step)
        return fingerprint(*drawn, tokenizer, settings)

    def pack(self, step: int, pack: int) -> FilledPack:
        """Returns one pack; see `qvl.data.pack_source.PackSource`.

        Raises:
            PackError: samples cannot be drawn or processed.
        """
        failures: list[tuple[str, QvlError]] = []

        def draw(i: int) -> Packed | None:
            numbers = (*self.seed, step, pack, i)
            try:
                sample = self.mixture.sample(*numbers)
                inputs = self.processor(sample.conversation, add_generation_prompt=False)
                more = rejected_tokens(sample, inputs, self.processor.tokenizer)
            except (DataError, InputError) as error:
                failures.append((f"the sample drawn from {numbers}", error))
                return None
            return Packed(sample=sample, inputs=inputs, more_tokens=more)

        made = fill_pack(draw, self.budget)
        if failures:
            raise PackError(failures, made)
        return made
