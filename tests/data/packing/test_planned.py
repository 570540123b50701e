"""Stored samples in packs: what was planned is what comes out."""

import json
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qvl.data.interchange.annotations import AnnotationFile
from qvl.data.lengths import lengths_of
from qvl.data.pack_source import PackError
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel, sample_costs
from qvl.data.packing.planned import PlannedPacks, plan_packs
from qvl.data.packing.usable import PlanOptions, SampleSet
from qvl.data.shards import ShardReader, write_shards
from qvl.errors import ConfigError, DataError
from qvl.messages import Conversation, Image, Message, Text, Video
from qvl.model.cost import text_flops, vision_flops
from qvl.model.presets import PRESETS
from qvl.processing.processor import Processor
from tests.data.small import asked, drawn, picture, rich
from tests.material import EMBEDDED, requires_embedded
from tests.processing.clips import make_clip

pytestmark = requires_embedded

COST = CostModel(config=PRESETS["tiny"])


@pytest.fixture(scope="module")
def processor() -> Processor:
    return Processor.from_folder(EMBEDDED)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> ShardReader:
    """Samples of all kinds."""
    folder = tmp_path_factory.mktemp("shards")
    texts = [asked("Question " * (i % 9 + 1), "Answer " * (i % 7 + 1)) for i in range(24)]
    several = [
        asked("Which?", "The second", Image(picture(56, 84)), Image(picture(112, 56)))
        for _ in range(6)
    ]
    clips = [asked("When?", "Now", Video(make_clip(8), fps=2.0)) for _ in range(3)]
    write_shards([*drawn(20), *texts, *several, *clips, rich()], folder, per_shard=20)
    return ShardReader(folder)


def options(**changes: Any) -> PlanOptions:
    budget = PackBudget(max_tokens=800, max_patches=3200)
    return replace(PlanOptions(budget=budget, cost=COST, packs_per_step=4, seed=2), **changes)


def questions(packs: PlannedPacks) -> Counter[str]:
    """How often each sample comes, by its id."""
    return Counter(
        str(number)
        for step in range(packs.num_steps)
        for pack in range(packs.packs_per_step)
        for number in packs.plan.pack(step, pack)
    )


def test_planned_is_what_comes_out(reader: ShardReader, processor: Processor) -> None:
    packs, summary = plan_packs([SampleSet(name="all", source=reader)], processor, options())
    tokens = 0
    seen: Counter[str] = Counter()
    for step in range(packs.num_steps):
        for pack in range(4):
            numbers, made = packs.plan.pack(step, pack), packs.pack(step, pack).samples
            assert [len(item.inputs.input_ids) for item in made] == [
                int(packs.sets[0].sizes.tokens[n]) for n in numbers
            ]
            assert sum(len(item.inputs.input_ids) for item in made) <= 800
            tokens += sum(len(item.inputs.input_ids) for item in made)
            seen.update(item.sample.task for item in made)
    assert questions(packs) == Counter(map(str, range(len(reader))))
    assert (summary.tokens, summary.samples, summary.steps) == (tokens, 54, packs.num_steps)
    assert "54 samples" in str(summary)
    again = pickle.loads(pickle.dumps(packs))
    assert again.identity == packs.identity
    assert [len(item.inputs.input_ids) for item in again.pack(0, 1).samples] == [
        len(item.inputs.input_ids) for item in packs.pack(0, 1).samples
    ]


def test_plans_are_kept_and_told_apart(
    reader: ShardReader, processor: Processor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [SampleSet(name="all", source=reader)]
    first, summary = plan_packs(sets, processor, options(epochs=2), folder=tmp_path)
    monkeypatch.setattr("qvl.data.packing.planned.make_plan", None)  # is not needed again
    again, told = plan_packs(sets, processor, options(epochs=2), folder=tmp_path)
    assert again.identity == first.identity
    assert told == summary
    assert isinstance(again.plan.samples, np.memmap)
    monkeypatch.undo()
    others = [options(epochs=2, seed=3), options(), options(epochs=2, packs_per_step=2)]
    identities = {plan_packs(sets, processor, o)[0].identity for o in others}
    assert len(identities | {first.identity}) == 4


def test_weights_halves_and_seeing_once(reader: ShardReader, processor: Processor) -> None:
    lengths = lengths_of(reader, processor)
    is_text = lengths.patches == 0
    packs, _ = plan_packs(
        [SampleSet(name="all", source=reader)], processor, options(half_text=True, epochs=3)
    )
    number = np.array([int(n) for n in questions(packs).elements()])
    assert is_text[number].sum() == (~is_text[number]).sum() == 24 * 3
    half = SampleSet(name="half", source=reader, weight=0.5)
    packs, summary = plan_packs([half], processor, options(epochs=2, once=True))
    assert set(questions(packs).values()) == {1}
    assert summary.sets[0].per_epoch == 27
    with pytest.raises(ConfigError, match="some 2 times"):
        plan_packs([half], processor, options(epochs=3, once=True))


@pytest.mark.parametrize("how", ["drop", "shrink", "cut"])
def test_samples_too_long_are_made_to_fit_or_counted(
    how: str, processor: Processor, tmp_path: Path
) -> None:
    turns = tuple(
        Message("user" if i % 2 == 0 else "assistant", (Text(f"{i} word " * 12),))
        for i in range(12)
    )
    samples = [
        asked("Short", "Yes"),
        asked("What?", "Two things", Image(picture(420, 420)), Image(picture(280, 560))),
        asked("When?", "Later", Video(make_clip(12, size=(224, 320)), fps=4.0)),
        replace(asked("a", "b"), conversation=Conversation(turns)),
        asked(
            "Where?",
            '```json\n[{"bbox_2d": [3, 4, 50, 60], "label": "x"}]\n```',
            Image(picture(420, 420)),
            Image(picture(420, 420)),
        ),
    ]
    write_shards(samples, tmp_path, per_shard=5)
    reader = ShardReader(tmp_path)
    sets = [SampleSet(name="long", source=reader)]
    budget = PackBudget(max_tokens=230, max_patches=2000)
    small = options(budget=budget, packs_per_step=1)
    large = np.flatnonzero(lengths_of(reader, processor).tokens > 230)
    assert large.tolist() == [1, 2, 3, 4]
    with pytest.raises(DataError, match=r"sample 1: .* do not fit .*, and 3 more"):
        plan_packs(sets, processor, small)
    packs, summary = plan_packs(sets, processor, replace(small, too_long=how))
    (told,) = summary.sets
    assert told.used + sum(told.dropped.values()) == len(samples)
    used = {int(n) for n in questions(packs)}
    assert used == {"drop": {0}, "shrink": {0, 1, 2}, "cut": {0, 3}}[how]
    assert told.fitted == len(used) - 1
    if how == "shrink":
        assert any("coordinates" in reason for reason in told.dropped)
    for step in range(packs.num_steps):
        for item in packs.pack(step, 0).samples:  # would fail if it were not as planned
            assert len(item.inputs.input_ids) <= 230
            assert item.inputs.loss_mask.any()
            assert item.sample.conversation.messages[-1].role == "assistant"
            assert all(plan.num_tokens >= 4 for plan in item.inputs.media)


def test_bad_samples_are_named_and_the_others_made(processor: Processor, tmp_path: Path) -> None:
    def record(name: str) -> dict[str, Any]:
        turns = [{"from": "human", "value": f"<image>{name}"}, {"from": "gpt", "value": "Red"}]
        return {"image": name, "conversations": turns}

    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(picture())
    path = tmp_path / "data.jsonl"
    records = [record(f"{name}.jpg") for name in ("a", "b", "none", "c")]
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    sets = [SampleSet(name="mine", source=AnnotationFile(path))]
    small = options(packs_per_step=1)
    with pytest.raises(DataError, match=r"mine, sample 2: .*none\.jpg"):
        plan_packs(sets, processor, small)
    packs, summary = plan_packs(sets, processor, replace(small, unreadable="drop"))
    assert summary.sets[0].dropped == {"cannot be read": 1}
    assert len(packs.pack(0, 0).samples) == 3
    (tmp_path / "a.jpg").write_bytes(picture()[:300])  # damaged, its head is whole
    (tmp_path / "b.jpg").write_bytes(picture(140, 140))  # another picture
    with pytest.raises(PackError) as raised:
        packs.pack(0, 0)
    failures = dict(raised.value.failures)
    assert sorted(failures) == ["mine, sample 0", "mine, sample 1"]
    assert "planned were" in failures["mine, sample 1"]
    assert len(raised.value.made.samples) == 1


def test_nothing_left_is_said(processor: Processor, tmp_path: Path) -> None:
    write_shards([asked("a", "b")], tmp_path)
    sets = [SampleSet(name="tiny", source=ShardReader(tmp_path))]
    tight = options(budget=PackBudget(max_tokens=3, max_patches=4), too_long="drop")
    with pytest.raises(ConfigError, match="larger than a pack"):
        plan_packs(sets, processor, tight)
    with pytest.raises(ConfigError, match="expected one of"):
        options(too_long="truncate")


def test_costs_are_those_of_the_formulas(reader: ShardReader, processor: Processor) -> None:
    config = PRESETS["3b"]
    lengths = lengths_of(reader, processor)
    costs = sample_costs(lengths, CostModel.of_parts(config, {"merger", "llm"}))
    ends = np.cumsum(lengths.items)
    for number in range(len(reader)):
        grids = lengths.grids[ends[number] - lengths.items[number] : ends[number]]
        seen = sum(vision_flops(config.vision, tuple(map(int, grid))) for grid in grids)
        read = text_flops(
            config.text,
            num_tokens=int(lengths.tokens[number]),
            num_logits=int(lengths.answers[number]),
        )
        assert abs(costs[number] - (seen + 3 * read) / 1e6) <= 2 + len(grids)
    frozen = CostModel.of_parts(config, {"tower", "merger"})
    assert (frozen.vision_passes, frozen.text_passes) == (3, 2)


def test_samples_of_one_kind_cannot_be_halved(processor: Processor, tmp_path: Path) -> None:
    write_shards([asked("a", "b")], tmp_path)
    sets = [SampleSet(name="text", source=ShardReader(tmp_path))]
    with pytest.raises(ConfigError, match="some of both"):
        plan_packs(sets, processor, options(half_text=True))
