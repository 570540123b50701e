"""The losses of finding: they watch the true attention, and make the model find what is asked."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from qvl.data.collate_drawings import DrawingBatch
from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.synth.canvas import SHAPES
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import ConfigError
from qvl.model.attention import Segments
from qvl.recipes.tiny import TinyRun
from qvl.training.loader import load_pack
from qvl.training.objectives.drawings import DrawingObjective
from qvl.training.objectives.finding import _first_head_scores, finding_losses, watching
from qvl.training.trainer import Trainer
from tests.training.small import small_inputs, small_run, small_trainer


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sentences = [f"the {colour} {kind}" for colour in COLOUR_NAMES for kind in SHAPES]
    return small_inputs(tmp_path_factory.mktemp("inputs"), sentences)


def _one_of_three(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
    again = (5, int(rng.integers(3)))
    return shapes_sample(
        np.random.default_rng(again), seed=again, least=2, most=3, side_tokens=(4, 4),
        forms=("point",), distinct=True,
    )  # fmt: skip


def finding_run(folder: Path, **changes: object) -> TinyRun:
    places = partial(
        shapes_sample, least=2, most=3, side_tokens=(4, 5), forms=("point", "box"), distinct=True
    )
    run = small_run(folder, finding_layer=1)
    stage = replace(
        run.stages[1],
        finding_weight=1.0,
        mixture=Mixture(parts={"places": (1.0, places)}),
        **changes,  # type: ignore[arg-type]
    )
    return replace(run, stages=(stage,))


def first_batch(trainer: Trainer) -> DrawingBatch:
    batch = load_pack(trainer.run_config.stages[0], 0, 0).batch
    assert isinstance(batch, DrawingBatch)
    return batch


def test_watched_scores_are_the_attention_of_the_first_head(tmp_path: Path, inputs: Path) -> None:
    run = finding_run(tmp_path)
    trainer = small_trainer(run, inputs)
    model, batch = trainer.model, first_batch(trainer)
    layer = model.model.layers[1]
    mixed: list[torch.Tensor] = []
    layer.self_attn.o_proj.register_forward_pre_hook(lambda module, args: mixed.append(args[0]))
    with torch.no_grad(), watching([layer]) as watched:
        features = model.encode_media(batch.pixel_values, batch.grid_thw)
        model.hidden_states(
            batch.input_ids, batch.position_ids, segments=Segments(batch.lengths),
            media_embeds=features,
        )  # fmt: skip
    (seen,) = watched
    with torch.no_grad():
        at = torch.arange(len(batch.input_ids))
        probabilities = _first_head_scores(seen, at, batch).softmax(-1)
        values = layer.self_attn.v_proj(seen.x)[:, : layer.self_attn.head_dim]
        expected = mixed[0][:, : layer.self_attn.head_dim]
    torch.testing.assert_close(probabilities @ values, expected)


def test_a_model_learns_to_name_what_is_asked(tmp_path: Path, inputs: Path) -> None:
    run = finding_run(tmp_path, steps=45, warmup=5)
    few = Mixture(parts={"few": (1.0, _one_of_three)})
    stage = replace(run.stages[0], mixture=few, answer_weight=0.1)
    run = replace(run, stages=(stage,), log_every=10, save_every=1000)
    small_trainer(run, inputs).run()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["named_acc"] > 0.9
    assert lines[-1]["found_acc"] > 0.9
    assert lines[-1]["carried_acc"] > lines[0]["carried_acc"] + 0.2


def test_nothing_asked_costs_nothing(tmp_path: Path, inputs: Path) -> None:
    run = finding_run(tmp_path)
    counts = Mixture(parts={"counts": (1.0, partial(shapes_sample, forms=("count",)))})
    run = replace(run, stages=(replace(run.stages[0], mixture=counts),))
    trainer = small_trainer(run, inputs)
    model, batch = trainer.model, first_batch(trainer)
    with watching(model.model.layers[1:]) as watched:
        features = model.encode_media(batch.pixel_values, batch.grid_thw)
        model.hidden_states(
            batch.input_ids, batch.position_ids, segments=Segments(batch.lengths),
            media_embeds=features,
        )  # fmt: skip
    objective = trainer.run_config.stages[0].objective
    assert isinstance(objective, DrawingObjective)
    assert objective.heads is not None
    found = finding_losses(
        watched, features, batch, table=model.model.embed_tokens.weight, names=objective.names,
        carried=objective.heads.carried,
    )  # fmt: skip
    assert found.num_found == found.num_named == 0
    assert torch.isfinite(found.total)


def test_finding_needs_names(tmp_path: Path, inputs: Path) -> None:
    with pytest.raises(ConfigError, match="kind_names"):
        small_trainer(replace(finding_run(tmp_path), kind_names=()), inputs)


def test_the_finding_layer_has_a_next_one(tmp_path: Path, inputs: Path) -> None:
    with pytest.raises(ConfigError, match="last but one of 3 layers"):
        small_trainer(replace(finding_run(tmp_path), finding_layer=2), inputs)
