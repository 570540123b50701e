"""Steps for tests of runs, in a module, so that other processes find them."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.sources import DrawnSource
from qvl.data.steps import (
    Dropped,
    Kept,
    Outcome,
    Step,
    batch_step,
    filter_step,
    flat_map_step,
    map_step,
)
from qvl.data.synth.shapes import shapes_sample
from qvl.messages import Conversation, Message, Text


def shapes(count: int, *, seed: int = 3) -> DrawnSource:
    """Drawn shapes."""
    return DrawnSource(
        mixture=Mixture(parts={"shapes": (1.0, shapes_sample)}), count=count, seed=seed
    )


def few(sample: Sample) -> str | None:
    """Drops crowded pictures."""
    return None if len(sample.facts["shapes"]) <= 4 else "more than 4 shapes"


def louder(sample: Sample) -> Sample:
    """Answers in capitals."""
    turns = tuple(
        Message(m.role, tuple(Text(p.text.upper()) for p in m.content if isinstance(p, Text)))
        if m.role == "assistant"
        else m
        for m in sample.conversation.messages
    )
    return replace(sample, conversation=Conversation(turns))


def one_question_each(sample: Sample) -> Sequence[Sample]:
    """A conversation of several questions becomes several."""
    turns = sample.conversation.messages
    first = turns[0].content[0]
    return [
        replace(
            sample,
            conversation=Conversation(
                (Message("user", (first, turns[i].content[-1])), turns[i + 1])
            ),
        )
        for i in range(0, len(turns), 2)
    ]


def brief(samples: Sequence[Sample]) -> Sequence[Outcome]:
    """Drops long answers; fails on pictures of one shape."""
    for sample in samples:
        if len(sample.facts["shapes"]) == 1:
            raise ValueError("one shape is too few")
    return [
        Kept(samples=(sample,))
        if len(sample.conversation.messages[-1].content[0].text) < 90  # type: ignore[union-attr]
        else Dropped(reason="long answer")
        for sample in samples
    ]


STEPS: list[Step] = [
    filter_step("few", few),
    map_step("louder", louder),
    flat_map_step("single", one_question_each),
    batch_step("brief", brief, batch_size=5),
]


@dataclass(frozen=True)
class DiesOnce:
    """Kills its own process at the n-th sample, counted in a file that outlives it."""

    counter: Path
    deaths: tuple[int, ...]

    def __call__(self, sample: Sample) -> str | None:
        with open(self.counter, "a") as file:
            file.write(".")
        if self.counter.stat().st_size in self.deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        return None


def hang(sample: Sample) -> str | None:
    """Never comes back on pictures of one shape."""
    while len(sample.facts["shapes"]) == 1:
        time.sleep(0.01)
    return None
