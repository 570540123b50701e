"""What a training loop asks for packs.

Owns: the protocol, and the error for samples that cannot be made. Does not own: packs drawn from a
mixture, packs planned over stored data (``packing/planned``), or what is done about bad samples
(the loop).

    source.pack(step, pack) -> what is in one pack;   source.identity -> is it still this data?
"""

from collections.abc import Sequence
from typing import Protocol

from qvl.data.packing import FilledPack, PackBudget
from qvl.errors import DataError, QvlError


class PackSource(Protocol):
    """The packs of all steps by number. It travels to worker processes, so it pickles."""

    @property
    def budget(self) -> PackBudget:
        """The most that a pack may hold."""
        ...

    @property
    def packs_per_step(self) -> int:
        """Packs of one step, over all ranks and all that a rank accumulates."""
        ...

    @property
    def num_steps(self) -> int | None:
        """Steps there are packs for; None if they are drawn without end."""
        ...

    @property
    def identity(self) -> str:
        """A hash that differs when any pack would: of data, plan and seed."""
        ...

    def pack(self, step: int, pack: int) -> FilledPack:
        """Returns one pack, a function of the numbers alone; it is empty where the last step of an
        epoch has fewer samples than packs.

        Args:
            step: of the stage, from 0.
            pack: of the step, from 0 over all ranks and all that a rank accumulates.

        Raises:
            PackError: samples cannot be read or decoded.
            ConfigError: there is no such pack.
        """
        ...


class PackError(DataError):
    """Samples of a pack cannot be read or decoded.

    Attributes:
        failures: the name of each sample and why.
        made: the pack without them, for those who go on.
    """

    def __init__(self, failures: Sequence[tuple[str, QvlError]], made: FilledPack) -> None:
        (name, error), more = failures[0], len(failures) - 1
        others = f", and {more} more of this pack cannot be used" if more else ""
        super().__init__(f"{name}: {error.message}{others}", hint=error.hint)
        self.failures = tuple((name, error.message) for name, error in failures)
        self.made = made
        self._arguments = failures, made

    def __reduce__(self) -> tuple[type["PackError"], tuple[object, ...]]:
        return PackError, self._arguments  # from worker processes
