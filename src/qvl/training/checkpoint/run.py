"""The checkpoints of one run, as the loop uses them: go on, save, wait.

Owns: which stage and step a run goes on from, and that a checkpoint is of this run. Does not own
when to save (``trainer``).

    Checkpoints(run, model) -> first_stage -> resume(stage, state) -> step -> save(...), again and
    again -> the last one awaited
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from qvl.errors import CheckpointError
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.checkpoint.adapters import adapters_of
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import check_source, find_latest, load_state
from qvl.training.checkpoint.state import Position, TrainState
from qvl.training.checkpoint.writer import CheckpointWriter
from qvl.training.config import RunConfig
from qvl.training.record import fingerprint


class Checkpoints:
    """Made on every rank at the same point, after the model was laid out over them.

    Args:
        run: the run.
        model: that is trained; if it has adapters, nothing else of it is stored.
        layout: how it is laid out over ranks, in words.

    Attributes:
        first_stage: number of the stage to begin with.
        counters: as the checkpoint has them that the run goes on from.

    Raises:
        CheckpointError: there are checkpoints, but none to go on from.
    """

    def __init__(self, run: RunConfig, model: Qwen2_5_VL, *, layout: str = "") -> None:
        self._run, self._group = run, CheckpointGroup()
        self._saved = find_latest(run.folder, self._group)
        self._adapters = adapters_of(model, self._group)
        self._updates = self._stage_step = 0
        self.first_stage = 0
        self.counters: dict[str, int] = {}
        now = fingerprint(run)
        if self._saved is not None:
            position = self._saved.position
            names = [stage.name for stage in run.stages]
            if position.stage_name not in names[position.stage : position.stage + 1]:
                raise CheckpointError(
                    f"{self._saved.path} was saved in stage {position.stage}, "
                    f"{position.stage_name!r}; the run's stages are {names}",
                    hint="use another folder for another run",
                )
            self._updates, self.first_stage = position.updates, position.stage
            self.counters = dict(position.counters)
        self._news = self._notes(now)
        self._writer = CheckpointWriter(
            run.folder,
            self._group,
            keeping=run.keeping,
            fingerprint=now,
            base_model=run.base_model,
            limits=run.limits,
            layout=layout,
            adapters=self._adapters,
        )

    def resume(self, stage: int, state: TrainState) -> int:
        """Fills the state if the run goes on in this stage; returns the stage's steps that are
        done.

        Raises:
            CheckpointError: it is of another model.
            ConfigError: the stage has other data.
        """
        saved, self._saved = self._saved, None
        if saved is None:
            self._stage_step = 0
            return 0
        identity = self._run.stages[stage].source.identity
        check_source(saved, identity, allow_change=self._run.allow_data_change)
        load_state(saved, state, self._group, adapters=self._adapters)
        self._stage_step = saved.position.step
        return self._stage_step

    def take_notes(self) -> tuple[str, ...]:
        """Returns, once, what a user should know about going on."""
        notes, self._news = self._news, ()
        return notes

    def save(
        self,
        stage: int,
        step: int,
        state: TrainState,
        counters: Mapping[str, int] | None = None,
        *,
        wait: bool = False,
    ) -> None:
        """Saves after so many steps of a stage: in the background, or, to ``wait``, before it
        returns.

        Raises:
            CheckpointError: the one before could not be written, or this one has no room.
        """
        self._updates += step - self._stage_step
        self._stage_step = step
        position = Position(
            updates=self._updates,
            stage=stage,
            stage_name=self._run.stages[stage].name,
            step=step,
            source=self._run.stages[stage].source.identity,
            counters=dict(counters or {}),
        )
        self._writer.save(state, position, wait=wait)

    def _notes(self, now: str) -> tuple[str, ...]:
        saved = self._saved
        if saved is None:
            return ()
        notes = list(saved.notes)
        notes.append(f"going on from {saved.path.name}")
        began, given = saved.marker.base_model, self._run.base_model
        if began != given and self._adapters is None:  # adapters look at the weights under them
            notes.append(
                f"it began from {began or 'no named model'}, now the model is "
                f"{given or 'not named'}: the weights are the checkpoint's"
            )
        if saved.marker.fingerprint != now:
            notes.append("the configuration is not the one it was saved with")
        if saved.marker.world_size != self._group.world:
            notes.append(
                f"it was saved on {saved.marker.world_size} ranks, now there are "
                f"{self._group.world}: results agree but for rounding"
            )
        return tuple(notes)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)
