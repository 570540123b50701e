"""Packed pairs that share their question equal each answer by itself; references agree."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qvl.data.branches import branch, branched_tokens, rejected_tokens
from qvl.data.collate_pairs import PairBatch, collate_pairs
from qvl.data.packing import PackBudget
from qvl.data.preferences import chosen_text
from qvl.data.records import Rejected
from qvl.data.shards import ShardReader, write_shards
from qvl.errors import ConfigError, DataError
from qvl.model.lora import add_lora
from qvl.model.lora_config import LoraConfig
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.recipes.fine_tune_pairs import before_training
from qvl.training import reference as reference_module
from qvl.training.metrics import Meter
from qvl.training.objectives.dpo import DpoObjective, pair_losses
from qvl.training.objectives.pairs import answer_logps
from qvl.training.reference import (
    AdapterReference,
    FrozenReference,
    StoredReference,
    check_reference,
    read_logps,
    write_reference,
)
from tests.training.objectives.pairs_small import (
    PREFERENCES,
    packed,
    plain_logps,
    preference,
    processor,
    small_model,
    without_rejected,
)

PROCESSOR = processor()
BUDGET = PackBudget(max_tokens=150, max_patches=100)


def batch_of(*samples: object) -> PairBatch:
    return collate_pairs(packed(samples or PREFERENCES), PROCESSOR.tokenizer)  # type: ignore[arg-type]


def logps_of(model: Qwen2_5_VL, batch: PairBatch) -> torch.Tensor:
    features = model.encode_media(batch.pixel_values.double(), batch.grid_thw)
    return answer_logps(model, batch, features).sums


def test_a_row_holds_each_answer_as_the_template_writes_it() -> None:
    for item in packed(PREFERENCES):
        row = branch(item.sample, item.inputs, PROCESSOR.tokenizer)
        start, *tails = row.lengths
        offset = start
        texts = [chosen_text(item.sample), *(r.text for r in item.sample.rejected)]
        for number, (tail, text) in enumerate(zip(tails, texts, strict=True)):
            ids = [*row.input_ids[:start], *row.input_ids[offset : offset + tail]]
            whole = PROCESSOR.tokenizer.decode(ids, skip_special_tokens=False)
            assert whole.endswith(f"<|im_start|>assistant\n{text}<|im_end|>\n")
            learnt = PROCESSOR.tokenizer.decode(
                row.targets[row.answers == number], skip_special_tokens=False
            )
            assert learnt.strip() == f"{text}<|im_end|>".strip()
            offset += tail
        assert offset == len(row.input_ids) == row.position_ids.shape[1]
        bill = PROCESSOR.bill(item.sample.conversation, add_generation_prompt=False)
        more = branched_tokens(item.sample, bill, PROCESSOR.tokenizer)
        assert more == rejected_tokens(item.sample, item.inputs, PROCESSOR.tokenizer)
        assert more + len(item.inputs.input_ids) == len(row.input_ids)


def test_packed_pairs_equal_answers_by_themselves() -> None:
    model = small_model()
    batch = batch_of()
    together = logps_of(model, batch)
    apart = torch.stack([logp for s in PREFERENCES for logp in plain_logps(model, s)])
    torch.testing.assert_close(together, apart.float(), rtol=1e-5, atol=1e-5)
    weights = torch.linspace(-1, 1, len(apart)).double()
    model.zero_grad()
    (together.double() * weights).sum().backward()
    packed_grads = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    (apart * weights).sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            scale = float(parameter.grad.abs().max()) + 1e-6
            difference = (packed_grads[name] - parameter.grad).abs().max()
            assert float(difference) < 1e-4 * scale, name


def test_pictures_and_questions_run_once() -> None:
    model = small_model()
    seen: list[int] = []
    model.visual.patch_embed.register_forward_hook(lambda m, a, out: seen.append(len(out)))
    rows: list[int] = []
    model.model.norm.register_forward_hook(lambda m, a, out: rows.append(len(out)))
    items = packed(PREFERENCES)
    batch = collate_pairs(items, PROCESSOR.tokenizer)
    objective = DpoObjective(tokenizer=PROCESSOR.tokenizer, reference=zeros)
    objective.loss(model.float(), batch, objective.counts(batch), Meter())
    assert seen == [sum(len(item.inputs.pixel_values) for item in items)]
    questions = sum(b[0] for b in batch.branches)
    answers = sum(sum(b[1:]) for b in batch.branches)
    assert rows == [questions + answers]
    assert sum(len(b) - 1 for b in batch.branches) == batch.num_answers == len(batch.ends)


def zeros(model: Qwen2_5_VL, batch: PairBatch, features: torch.Tensor | None) -> torch.Tensor:
    return torch.zeros(batch.num_answers)


def test_shares_of_packs_add_up_to_the_loss_of_all() -> None:
    model = small_model().float()
    whole = batch_of()
    objective = DpoObjective(
        tokenizer=PROCESSOR.tokenizer, reference=zeros, sft_weight=0.5, beta=0.02
    )
    totals = objective.counts(whole)
    meter = Meter()
    loss = objective.loss(model, whole, totals, meter)
    assert meter.total("answer_tokens") == len(whole.targets)  # whose logits were computed
    parts = [batch_of(sample) for sample in PREFERENCES]
    torch.testing.assert_close(sum(map(objective.counts, parts)), totals)
    shares = [objective.loss(model, part, totals, Meter()) for part in parts]
    torch.testing.assert_close(torch.stack(shares).sum(), loss, rtol=1e-5, atol=1e-6)

    logps = torch.stack([x for s in PREFERENCES for x in plain_logps(model, s)]).detach()
    expected = pair_losses(
        logps, torch.zeros(11), torch.ones(11), whole.chosen, whole.rejected,
        kind="sigmoid", beta=0.02,
    ).mean()  # fmt: skip
    better = logps[whole.chosen.unique()].sum() / totals[1]
    assert float(loss.detach()) == pytest.approx(float(expected - 0.5 * better), rel=1e-4)


def test_a_rank_without_pairs_runs_the_same_modules() -> None:
    model = small_model().float()
    nothing = collate_pairs([], PROCESSOR.tokenizer)
    objective = DpoObjective(tokenizer=PROCESSOR.tokenizer, reference=zeros)
    assert objective.counts(nothing).tolist() == [0, 0]
    loss = objective.loss(model, nothing, torch.tensor([3.0, 5.0]), Meter())
    loss.backward()
    assert float(loss.detach()) == 0
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert not parameter.grad.any(), name


def test_three_references_agree_and_stay(tmp_path: Path) -> None:
    write_shards(PREFERENCES, tmp_path / "shards")
    model = small_model().float()
    source = ShardReader(tmp_path / "shards")
    write_reference(model, source, PROCESSOR, tmp_path / "reference", budget=BUDGET)
    stored = check_reference(tmp_path / "reference", model, PROCESSOR)
    frozen = FrozenReference(model, ("llm", "merger"))
    shared = {id(p) for p in frozen.copy.parameters()} & {id(p) for p in model.parameters()}
    assert len(shared) == sum(
        "visual.merger" not in n for n, _ in model.visual.named_parameters(prefix="visual")
    )
    add_lora(model, LoraConfig(rank=2))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.3)
    batch = batch_of()
    before = [reference(model, batch, None) for reference in (stored, frozen, AdapterReference())]
    torch.testing.assert_close(before[0], before[1])
    torch.testing.assert_close(before[0], before[2])
    features = model.encode_media(batch.pixel_values, batch.grid_thw)
    drift = (answer_logps(model, batch, features).sums - before[0]).abs()
    assert float(drift.detach().max()) > 1e-3
    # The adapter does not count: the reference is the model beneath it.
    check_reference(tmp_path / "reference", model, PROCESSOR)


@pytest.mark.parametrize("bf16", [False, True])
def test_a_reference_is_computed_as_the_policy_is(tmp_path: Path, bf16: bool) -> None:
    """Else the first margins would be rounding, and not zero."""
    write_shards(PREFERENCES, tmp_path / "shards")
    model, source = small_model().float(), ShardReader(tmp_path / "shards")
    folder = tmp_path / "reference"
    # All in one pack, as in the batch: in bfloat16 another row may round otherwise.
    room = PackBudget(max_tokens=10_000, max_patches=10_000)
    write_reference(model, source, PROCESSOR, folder, budget=room, bf16=bf16)
    batch, meter = batch_of(), Meter()
    objective = DpoObjective(
        tokenizer=PROCESSOR.tokenizer,
        reference=check_reference(folder, model, PROCESSOR, bf16=bf16),
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        objective.loss(model, batch, objective.counts(batch), meter)
    assert meter.summary(1.0)["pairs/margin"] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ConfigError, match="was computed in another precision"):
        check_reference(folder, model, PROCESSOR, bf16=not bf16)


def test_a_policy_like_its_reference_has_no_margin(tmp_path: Path) -> None:
    model, meter = small_model().float(), Meter()
    batch = batch_of()
    objective = DpoObjective(
        tokenizer=PROCESSOR.tokenizer, reference=FrozenReference(model, ("llm",))
    )
    loss = objective.loss(model, batch, objective.counts(batch), meter)
    assert float(loss.detach()) == pytest.approx(math.log(2), abs=1e-6)
    shown = meter.summary(1.0)
    assert shown["pairs/margin"] == shown["drift/chosen"] == shown["drift/rejected"] == 0
    assert shown["logp/chosen"] < 0
    assert set(shown) >= {"pairs/accuracy", "pairs/preferred", "pairs/accuracy/wrong"}


def test_a_stopped_pass_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_module, "_PER_PART", 2)
    write_shards(PREFERENCES, tmp_path / "shards")
    source, folder = ShardReader(tmp_path / "shards"), tmp_path / "reference"
    model = small_model().float()
    # Two ranks share it; one of them is stopped before its part.
    write_reference(model, source, PROCESSOR, folder, budget=BUDGET, rank=1, world=2)
    with pytest.raises(DataError, match=r"part-00000\.json is missing"):
        check_reference(folder, model, PROCESSOR)
    (done,) = folder.glob("part-*.json")
    time = done.stat().st_mtime_ns
    progress: list[tuple[int, int]] = []
    write_reference(
        model, source, PROCESSOR, folder, budget=BUDGET,
        progress=lambda *at: progress.append(at),
    )  # fmt: skip
    assert done.stat().st_mtime_ns == time
    assert progress == [(2, 4), (4, 4)]
    check_reference(folder, model, PROCESSOR)
    assert sum(map(len, read_logps(folder).values())) == 11


def test_where_data_may_change_the_reference_is_computed_again(tmp_path: Path) -> None:
    folder, model = tmp_path / "reference", small_model().float()
    for name, samples in (("shards", PREFERENCES), ("others", PREFERENCES[:2])):
        write_shards(samples, tmp_path / name)
    old, new = ShardReader(tmp_path / "shards"), ShardReader(tmp_path / "others")
    objective = DpoObjective(tokenizer=PROCESSOR.tokenizer, reference=StoredReference(folder))

    def begin(source: ShardReader, model: Qwen2_5_VL = model, *, allowed: bool) -> set[str]:
        before_training(
            objective, model, source, PROCESSOR, budget=BUDGET, bf16=False,
            allow_data_change=allowed,
        )  # fmt: skip
        return set(read_logps(folder))

    first = begin(old, allowed=True)
    written = (folder / "part-00000.json").stat().st_mtime_ns
    assert begin(old, allowed=True) == first
    assert (folder / "part-00000.json").stat().st_mtime_ns == written
    with pytest.raises(ConfigError, match="for other data"):
        begin(new, allowed=False)
    with pytest.raises(ConfigError, match="with other weights"):
        begin(new, small_model(1).float(), allowed=True)
    assert begin(new, allowed=True) == set(batch_of(*PREFERENCES[:2]).ids)


def test_a_reference_of_something_else_is_refused(tmp_path: Path) -> None:
    write_shards(PREFERENCES[:2], tmp_path / "shards")
    source, folder = ShardReader(tmp_path / "shards"), tmp_path / "reference"
    model = small_model().float()
    write_reference(model, source, PROCESSOR, folder, budget=BUDGET)
    with pytest.raises(ConfigError, match="was computed with other weights"):
        check_reference(folder, small_model(1).float(), PROCESSOR)
    limits = replace(PROCESSOR.settings.limits, max_pixels=50 * 784)
    other = Processor(PROCESSOR.tokenizer, replace(PROCESSOR.settings, limits=limits))
    with pytest.raises(ConfigError, match="other pixel limits"):
        check_reference(folder, model, other)
    write_shards(PREFERENCES[2:], tmp_path / "others")
    others = ShardReader(tmp_path / "others")
    with pytest.raises(ConfigError, match="for other data"):
        write_reference(model, others, PROCESSOR, folder, budget=BUDGET)
    stored = check_reference(folder, model, PROCESSOR)
    with pytest.raises(DataError, match="has no reference for sample"):
        stored(model, batch_of(PREFERENCES[3]), None)
    read_logps.cache_clear()
    (folder / "part-00000.json").write_text("[")
    with pytest.raises(DataError, match="damaged"):
        check_reference(folder, model, PROCESSOR)
    (folder / "reference.json").write_text(json.dumps({"format": "qvl-reference-1"}))
    with pytest.raises(DataError, match=r"no readable reference\.json"):
        check_reference(folder, model, PROCESSOR)


def test_samples_without_pairs_are_refused() -> None:
    with pytest.raises(DataError, match="has no rejected answer"):
        batch_of(without_rejected(PREFERENCES[0]))


def test_dpo_learns_what_is_better_and_says_it_of_unseen_ones() -> None:
    def drawn(first: int, count: int) -> PairBatch:
        rng = np.random.default_rng(first)
        samples = []
        for number in range(first, first + count):
            right, wrong = rng.permutation(["red circle", "blue star", "green cross"])[:2]
            sample = preference(2 * number, str(right), pictures=0)
            # What is wrong is said as right elsewhere; that it is said twice is never right.
            samples.append(replace(sample, rejected=(Rejected(text=f"{wrong}\n{wrong}"),)))
        return batch_of(*samples)

    torch.manual_seed(0)
    model = small_model().float()
    train, held_out = drawn(0, 12), drawn(100, 8)
    objective = DpoObjective(
        tokenizer=PROCESSOR.tokenizer, reference=FrozenReference(model, ("llm",)), beta=0.5
    )
    for parameter in model.visual.parameters():
        parameter.requires_grad_(False)
    optimiser = torch.optim.AdamW(model.model.parameters(), lr=2e-3)
    for _ in range(12):
        optimiser.zero_grad()
        objective.loss(model, train, objective.counts(train), Meter()).backward()
        optimiser.step()
    meter = Meter()
    with torch.no_grad():
        loss = objective.loss(model, held_out, objective.counts(held_out), meter)
    shown = meter.summary(1.0)
    assert float(loss) < 0.5 * math.log(2)
    assert shown["pairs/accuracy"] >= 0.85
    assert shown["pairs/margin"] > 0.5
