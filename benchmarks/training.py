"""Fine-tuning steps of qvl against transformers' Trainer with peft: tokens a second, peak memory.

python benchmarks/training.py                       # both sizes, LoRA and full, about ten minutes
python benchmarks/training.py --sizes tiny --rounds 3

The same random weights, the same samples, the same precision (float32), the same number of
updates. Samples are made ready before the clock starts, so what is timed is the step: forward,
backward, clipping, AdamW. Each run is a process of its own with one thread; all of a round run one
after the other, in turn. Seconds are those of the processor, so that other work on the machine
slows a run only through the caches.

| way | a step of B samples |
| --- | --- |
| packed | one row of all tokens, no padding (qvl) |
| padded | a matrix as wide as the longest sample (transformers) |
| one by one | B passes whose gradients add up: no packing, no padding (both) |

"packed" against "padded" is what a person gets; "one by one" shows how much of it is packing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from clock import peak_mib, time_runs
from make_random_checkpoint import half_billion, make_tokenizer

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.data.packing import FilledPack, Packed
from qvl.data.records import Provenance, Sample
from qvl.messages import Conversation, Image, Message, Text
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor

HERE = Path(__file__).parent
# A process that takes longer than this hangs.
TIMEOUT_S = 900
LORA_RANK = 16


class Size(NamedTuple):
    """A model and what a step of it consists of."""

    batch: int
    steps: int
    words: int


SIZES = {
    "tiny": Size(batch=8, steps=3, words=60),
    "0.5b": Size(batch=4, steps=1, words=30),
}
WAYS = {"qvl": ("packed", "one by one"), "transformers": ("padded", "one by one")}


def make_folder(size: str, folder: Path) -> None:
    """Writes a checkpoint with random weights in float32."""
    config = PRESETS["tiny"] if size == "tiny" else half_billion()
    model = Qwen2_5_VL(config)
    init_weights(model, torch.Generator().manual_seed(0))
    inputs = EMBEDDED
    if size != "tiny":
        inputs = folder.with_name(f"{folder.name}-inputs")
        inputs.mkdir(parents=True)
        make_tokenizer().save(str(inputs / "tokenizer.json"))
        for name in ("tokenizer_config.json", "preprocessor_config.json"):
            (inputs / name).write_text((EMBEDDED / name).read_text())
        (inputs / "config.json").write_text(json.dumps(config.to_hf()))
    export_model(model, folder, files_from=inputs)


def make_samples(size: str, steps: int) -> list[Sample]:
    """Returns samples of unequal lengths, every other one with a picture.

    Lengths are log-normal, as those of published instruction sets are; the longest is some five
    times the median.
    """
    rng = np.random.default_rng(5)
    samples = []
    for number in range(SIZES[size].batch * steps):
        words = int(np.clip(rng.lognormal(np.log(SIZES[size].words), 0.8), 4, 400))
        answer = "".join(rng.choice(list("abcdefgh "), words * 2))
        height, width = (int(28 * n) for n in rng.integers(2, 9, 2))
        picture = Image(rng.integers(0, 256, (height, width, 3), np.uint8))
        media = (picture,) if number % 2 else ()
        turns = (
            Message("user", (*media, Text("Say what is there."))),
            Message("assistant", (Text(answer),)),
        )
        provenance = Provenance(generator="benchmark", seed=(number,))
        samples.append(Sample(task="all", conversation=Conversation(turns), provenance=provenance))
    return samples


def measure_qvl(folder: Path, size: str, way: str, lora: bool) -> dict[str, Any]:
    """Steps of our trainer."""
    from qvl.training.config import RunConfig
    from qvl.training.objectives.answers import AnswerObjective
    from qvl.training.schedule import Schedule
    from qvl.training.stages import Stage
    from qvl.training.trainer import Trainer

    shape = SIZES[size]
    model = load_model(folder, dtype=torch.float32)
    if lora:
        from qvl.model.lora import add_lora
        from qvl.model.lora_config import LoraConfig

        add_lora(model, LoraConfig(rank=LORA_RANK, alpha=2 * LORA_RANK, targets=("llm",)))
    processor = Processor.from_folder(folder)
    made = [
        Packed(sample=s, inputs=processor(s.conversation, add_generation_prompt=False))
        for s in make_samples(size, shape.steps + 1)
    ]
    each = 1 if way == "packed" else shape.batch
    stage = Stage(
        name="sft",
        rates={"llm": 1e-4} if lora else {"llm": 1e-5, "merger": 1e-5},
        objective=AnswerObjective(),
        source=_InMemory(made=made, packs_per_step=each, batch=shape.batch),
        schedule=Schedule(shape="constant"),
    )
    lines: list[dict[str, Any]] = []
    stamps = [time.process_time()]

    def report(line: dict[str, Any]) -> None:
        lines.append(line)
        stamps.append(time.process_time())

    with tempfile.TemporaryDirectory() as run_folder:
        run = RunConfig(
            folder=Path(run_folder), stages=(stage,), log_every=1, save_every=10**6, workers=0
        )
        Trainer(run, model, report=report).run()
    return {"seconds": np.diff(stamps)[1:].tolist(), "losses": [line["loss"] for line in lines]}


class _InMemory(NamedTuple):
    """Packs of samples that are ready."""

    made: list[Packed]
    packs_per_step: int
    batch: int
    identity: str = "benchmark"

    @property
    def num_steps(self) -> int:
        return len(self.made) // self.batch

    def pack(self, step: int, pack: int) -> FilledPack:
        each = self.batch // self.packs_per_step
        start = step * self.batch + pack * each
        return FilledPack(self.made[start : start + each])


def measure_transformers(folder: Path, size: str, way: str, lora: bool) -> dict[str, Any]:
    """Steps of transformers' Trainer, with peft's adapters."""
    import transformers
    from peft import LoraConfig, get_peft_model

    shape = SIZES[size]
    network = transformers.Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa"
    )
    network.requires_grad_(False)
    if lora:
        names = r".*language_model\.layers\..*\.(q|k|v|o|gate|up|down)_proj"
        config = LoraConfig(r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=names)
        network = get_peft_model(network, config)
    else:
        network.model.language_model.requires_grad_(True)
        network.model.visual.merger.requires_grad_(True)
        network.lm_head.requires_grad_(True)
    processor = Processor.from_folder(folder)
    rows = [
        processor(s.conversation, add_generation_prompt=False)
        for s in make_samples(size, shape.steps + 1)
    ]
    pad = processor.tokenizer.im_start

    def collate(chosen: list[Any]) -> dict[str, torch.Tensor]:
        width = max(len(row.input_ids) for row in chosen)
        ids = torch.full((len(chosen), width), pad)
        mask = torch.zeros(len(chosen), width, dtype=torch.int64)
        labels = torch.full((len(chosen), width), -100)
        positions = torch.ones(3, len(chosen), width, dtype=torch.int64)
        for at, row in enumerate(chosen):
            length = len(row.input_ids)
            ids[at, :length] = torch.from_numpy(row.input_ids)
            mask[at, :length] = 1
            labels[at, :length] = torch.from_numpy(np.where(row.loss_mask, row.input_ids, -100))
            positions[:, at, :length] = torch.from_numpy(row.position_ids)
        batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        batch["position_ids"] = positions
        pixels = [row.pixel_values for row in chosen if len(row.pixel_values)]
        if pixels:
            batch["pixel_values"] = torch.from_numpy(np.concatenate(pixels))
            batch["image_grid_thw"] = torch.from_numpy(
                np.concatenate([row.grid_thw for row in chosen])
            )
        return batch

    stamps: list[float] = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *args: Any, **options: Any) -> None:
            stamps.append(time.process_time())

        def on_step_end(self, *args: Any, **options: Any) -> None:
            stamps.append(time.process_time())

    padded = way == "padded"
    with tempfile.TemporaryDirectory() as run_folder:
        arguments = transformers.TrainingArguments(
            output_dir=run_folder,
            per_device_train_batch_size=shape.batch if padded else 1,
            gradient_accumulation_steps=1 if padded else shape.batch,
            num_train_epochs=1,
            learning_rate=1e-4 if lora else 1e-5,
            lr_scheduler_type="constant",
            weight_decay=0.0,
            max_grad_norm=1.0,
            optim="adamw_torch_fused",
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            dataloader_num_workers=0,
            remove_unused_columns=False,
            train_sampling_strategy="sequential",
        )
        trainer = transformers.Trainer(
            model=network,
            args=arguments,
            train_dataset=rows,
            data_collator=collate,
            callbacks=[Clock()],
        )
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    seconds = [stop - start for start, stop in zip(stamps[::2], stamps[1::2], strict=True)]
    return {"seconds": seconds[1:], "losses": losses}


MEASURES = {"qvl": measure_qvl, "transformers": measure_transformers}


def run_worker(name: str, folder: Path, size: str, way: str, lora: bool) -> None:
    """Measures one system in this process and prints a line of JSON."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found: dict[str, Any] = {}
    timing = time_runs(
        lambda: found.update(MEASURES[name](folder, size, way, lora)), warm=0, repeats=1
    )
    found |= {"peak_mib": peak_mib(), "others": timing.others}
    print(json.dumps(found))


class Row(NamedTuple):
    """What was found about one system in one way."""

    size: str
    kind: str
    system: str
    way: str
    tokens_per_s: float
    peak_mib: float
    losses: tuple[float, ...]
    others: float


def compare(folder: Path, size: str, kind: str, rounds: int) -> list[Row]:
    """Runs every system in every way once a round, in alternating order."""
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    ways = [(system, way) for system, found in WAYS.items() for way in found]
    for number in range(rounds):
        for system, way in ways if number % 2 == 0 else ways[::-1]:
            print(f"  {size} {kind}: {system}, {way}", file=sys.stderr, flush=True)
            worker = ["--worker", system, str(folder), size, way, kind]
            done = subprocess.run(
                [sys.executable, str(Path(__file__)), *worker],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                timeout=TIMEOUT_S,
                env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
            )
            found = json.loads(done.stdout.splitlines()[-1])
            runs.setdefault((system, way), []).append(found)
    tokens = tokens_per_step(folder, size)
    return [
        Row(
            size=size,
            kind=kind,
            system=system,
            way=way,
            tokens_per_s=statistics.median(
                count / seconds
                for run in found
                for count, seconds in zip(tokens[1:], run["seconds"], strict=True)
            ),
            peak_mib=statistics.median(run["peak_mib"] for run in found),
            losses=tuple(found[0]["losses"]),
            others=max(run["others"] for run in found),
        )
        for (system, way), found in runs.items()
    ]


def tokens_per_step(folder: Path, size: str) -> list[int]:
    """Tokens of the samples of each step, without padding: what a step gets done."""
    shape, processor = SIZES[size], Processor.from_folder(folder)
    lengths = [
        processor.bill(s.conversation, add_generation_prompt=False).total
        for s in make_samples(size, shape.steps + 1)
    ]
    starts = range(0, len(lengths), shape.batch)
    return [sum(lengths[start : start + shape.batch]) for start in starts]


def table(rows: Sequence[Row]) -> str:
    """Markdown; ratios are to what a person gets from transformers, padded."""
    lines = [
        "| model | trained | system | samples | tokens/s | ratio | peak memory | ratio "
        "| first loss | others' share |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        (peer,) = (
            other
            for other in rows
            if (other.size, other.kind, other.way) == (row.size, row.kind, "padded")
        )
        lines.append(
            f"| {row.size} | {row.kind} | {row.system} | {row.way} | {row.tokens_per_s:,.0f} "
            f"| {row.tokens_per_s / peer.tokens_per_s:.2f} | {row.peak_mib:,.0f} MiB "
            f"| {peer.peak_mib / row.peak_mib:.2f} | {row.losses[0]:.4f} | {row.others} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measures all, round after round, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("lora", "full"))
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        name, folder, size, way, kind = args.worker
        run_worker(name, Path(folder), size, way, kind == "lora")
        return
    kinds = [args.only] if args.only else ["full", "lora"]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as root:
        for size in args.sizes:
            folder = Path(root) / size
            make_folder(size, folder)
            for kind in kinds:
                rows += compare(folder, size, kind, args.rounds)
    print(table(rows))


if __name__ == "__main__":
    main()
