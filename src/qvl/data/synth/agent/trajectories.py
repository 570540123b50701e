"""Whole tasks acted out on random screens.

Owns: the generator. Does not own: acting (``expert``), how trajectories are kept and taken apart
(``data.trajectories``).

    random screen, one of its tasks -> act_out -> steps, failure -> Sample
"""

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.agent.content import one
from qvl.data.synth.agent.expert import act_out
from qvl.data.synth.agent.grounding import about
from qvl.data.synth.agent.screens import random_screen
from qvl.data.synth.agent.stage import stage
from qvl.data.trajectories import TrajectoryStep, trajectory
from qvl.geometry import ImageSize
from qvl.messages import Image


def trajectory_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    mobile: float = 0.5,
    sharp: float = 0.15,
    kind: str = "",
) -> Sample:
    """Returns a task acted out on a page; ``facts["failure"]`` says why it does not count.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.
        kind: of the app; empty for any.

    Raises:
        DataError: the page fails, or not even one step was possible.
        MissingDependencyError: there is no browser.
    """
    screen = random_screen(rng, mobile=mobile, sharp=sharp, launcher=0.35, kind=kind)
    number = int(rng.integers(len(screen.app.tasks)))
    task, how = screen.app.tasks[number], one(rng, ("icon", "name"))
    with stage(screen.html, screen.device) as live:
        episode = act_out(live, screen.app, task, opens_app=how if screen.launcher else "")
    height, width = screen.device.size
    steps = [
        TrajectoryStep(
            screen=Image(step.before),
            action=step.action,
            thought=step.why,
            on=step.on,
            box=step.box,
        )
        for step in episode.steps
    ]
    return trajectory(
        episode.goal,
        steps,
        tool="mobile_use" if screen.device.is_mobile else "computer_use",
        resized=ImageSize(height * screen.device.scale, width * screen.device.scale),
        provenance=Provenance(generator="agent.trajectories.trajectory_sample", seed=seed),
        failure=episode.failure,
        facts={
            **about(screen),
            "path": [],
            "task_number": number,
            "opens_app": how if screen.launcher else "",
        },
    )
