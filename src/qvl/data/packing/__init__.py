"""Which samples share a training step.

Owns: the budget of a pack, and packs of drawn samples. Does not own: packs planned over stored
samples, which are measured first (``order`` of the epochs -> ``bins`` -> ``plan`` -> ``planned``).

Whole samples only: nothing is cut inside, padding does not exist (attention works on segments).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from qvl.data.records import Sample
from qvl.processing.processor import ModelInputs


@dataclass(frozen=True, kw_only=True, slots=True)
class PackBudget:
    """The most that one pack may hold; both limits count.

    Attributes:
        max_tokens: tokens of the language model.
        max_patches: patches of the tower.
    """

    max_tokens: int
    max_patches: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """A sample with its model inputs.

    Attributes:
        sample: what it is.
        inputs: of its conversation.
        more_tokens: of its rejected answers, which stand in the same pack.
    """

    sample: Sample
    inputs: ModelInputs
    more_tokens: int = 0

    @property
    def num_tokens(self) -> int:
        """Tokens of the language model."""
        return len(self.inputs.input_ids) + self.more_tokens


class FilledPack(NamedTuple):
    """What is in a pack.

    Attributes:
        samples: in order.
        num_too_large: samples drawn for it that alone exceed the budget, and were left out.
    """

    samples: list[Packed]
    num_too_large: int = 0


def fill_pack(
    draw: Callable[[int], Packed | None], budget: PackBudget, *, most_draws: int = 4096
) -> FilledPack:
    """Returns samples drawn in order until the next would not fit.

    The sample that does not fit is left out, so that a pack depends on its own draws only and any
    step can be made again without the steps before it.

    Args:
        draw: sample number -> packed sample, or None for one that is to be left out.
        budget: of the pack.
        most_draws: a bound for samples that are nearly empty.
    """
    pack: list[Packed] = []
    tokens = patches = dropped = 0
    for number in range(most_draws):
        item = draw(number)
        if item is None:
            continue
        tokens += item.num_tokens
        patches += len(item.inputs.pixel_values)
        if tokens > budget.max_tokens or patches > budget.max_patches:
            if not pack:  # alone it is larger than the whole budget
                tokens = patches = 0
                dropped += 1
                continue
            break
        pack.append(item)
    return FilledPack(pack, dropped)
