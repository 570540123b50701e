"""Runs on a Ray cluster: every part is a task.

Owns: sending parts to Ray. Does not own: what they do (``parts``), what a run is (``run``), which
are the same as on one machine, and so are the shards.

    Job -> put once into Ray's store -> do_part as a remote function, a few parts at a time

All machines must see the output folder, and the source's files, under the same names.
"""

import logging
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qvl.data.parts import Job, PartResult, do_part
from qvl.data.run import RunOptions, RunSummary, run
from qvl.data.sources import Source
from qvl.data.steps import Step
from qvl.errors import DataError, MissingDependencyError, QvlError


def run_ray(
    source: Source,
    steps: Sequence[Step],
    folder: Path,
    *,
    num_cpus: float = 1.0,
    num_gpus: float = 0.0,
    options: RunOptions | None = None,
) -> RunSummary:
    """As `local.run_local`, with Ray; gives the same bytes.

    Where Ray is not started yet, it is started on this machine; for a cluster call ``ray.init``
    before.

    Args:
        source: of the samples.
        steps: in their order.
        folder: of the shards.
        num_cpus: processors that a part takes.
        num_gpus: GPUs that a part takes, for steps that ask a model.
        options: how; None for the defaults.

    Raises:
        MissingDependencyError: Ray is not installed.
        ConfigError: as `run`.
        DataError: as `run`; also when a task is lost.
    """
    ray = started_ray()
    execute = partial(_in_tasks, ray, num_cpus=num_cpus, num_gpus=num_gpus)
    return run(source, steps, folder.resolve(), execute=execute, options=options or RunOptions())


def started_ray() -> Any:
    """Returns Ray's module; where Ray is not started yet, it is started on this machine.

    Raises:
        MissingDependencyError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError(
            "runs on Ray need the package ray", hint="pip install 'qvl[data]'"
        ) from error
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    return ray


def _in_tasks(
    ray: Any, job: Job, parts: Sequence[int], *, num_cpus: float, num_gpus: float
) -> Generator[PartResult, None, None]:
    task = ray.remote(do_part).options(num_cpus=num_cpus, num_gpus=num_gpus)
    shared = ray.put(job)
    most = 2 * max(1, int(ray.cluster_resources().get("CPU", 1) / max(num_cpus, 0.01)))
    rest = iter(parts)
    running: list[Any] = []
    try:
        while True:
            while len(running) < most and (part := next(rest, None)) is not None:
                running.append(task.remote(shared, part))
            if not running:
                return
            done, running = ray.wait(running)
            for reference in done:
                yield result_of(ray, reference)
    finally:
        for reference in running:
            ray.cancel(reference)


def result_of(ray: Any, reference: Any) -> Any:
    """Returns what a task returned.

    Raises:
        QvlError: what the task raised, as the kind it is.
        DataError: the task was lost.
    """
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, QvlError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        raise DataError(
            f"a task of Ray was lost: {error}", hint="the same call goes on where it stopped"
        ) from error
