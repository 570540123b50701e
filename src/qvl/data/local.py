"""Runs on this machine, in this process or in several.

Owns: putting the two together. Does not own: the processes (``processes``), what they do
(``parts``), what a run is (``run``).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qvl.data.parts import do_part
from qvl.data.processes import in_processes
from qvl.data.run import RunOptions, RunSummary, run
from qvl.data.sources import Source
from qvl.data.steps import Step
from qvl.errors import ConfigError


def run_local(
    source: Source,
    steps: Sequence[Step],
    folder: Path,
    *,
    processes: int = 1,
    options: RunOptions | None = None,
) -> RunSummary:
    """Takes all samples of a source through the steps into shards, on this machine.

    Args:
        source: of the samples.
        steps: in their order.
        folder: of the shards; a stopped run goes on when called again.
        processes: to share the parts; with 1 the work is done here.
        options: how; None for the defaults.

    Raises:
        ConfigError: as `run`; also when a step cannot be sent to another process.
        DataError: as `run`; also when a process is killed.
    """
    if processes < 1:  # before a folder is made
        raise ConfigError(f"{processes} processes, expected at least 1")
    execute = partial(in_processes, do_part, processes=processes)
    return run(source, steps, folder, execute=execute, options=options or RunOptions())
