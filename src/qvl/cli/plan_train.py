"""Tells what training will need: memory by part, how to cut it, seconds, days.

qvl plan train --model 7b --gpu h100 --count 64
qvl plan train --model 72b --gpu h200 --count 256 --length 32768 --tokens 600B
qvl plan train --model 7b --gpu rtx4090 --frozen tower,merger --lora 16 --length 4096
qvl plan train --model 7b --gpu h100 --count 512 --report
qvl plan train --model Qwen/Qwen2.5-VL-7B-Instruct --count 8 --data shards/mine

Operations are those of all matrix products; bytes are counted tensor by tensor and agree with real
steps of small models to a tenth; seconds are an estimate from published runs on such accelerators.
"""

import argparse
import re
from dataclasses import asdict
from pathlib import Path

from qvl.cli import options
from qvl.cli.terminal import binary_size, note, write, write_json, write_pairs, write_table
from qvl.data.interchange.opening import open_data
from qvl.data.weights import STAGE_TOKENS
from qvl.errors import InputError
from qvl.model.config import ModelConfig
from qvl.model.presets import PRESETS, RELEASED
from qvl.processing.tokenizer import read_json
from qvl.training.plan.hardware import GPUS, find_gpu
from qvl.training.plan.layouts import Run, Suggestion, suggest_layouts
from qvl.training.plan.measured import MeasuredPacks, measured_packs
from qvl.training.plan.memory import Widths
from qvl.training.plan.typical import MEDIA_SHARE, PICTURE_PX, SAMPLE_TOKENS, typical_pack
from qvl.training.plan.work import Pack, Trained

_PARTS = ("tower", "merger", "llm")
_SHOWN = 5
_POWERS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
# What each stage of the report trains, and how long its packs are. Source: report, table 2.
_REPORT = {
    "vision_pretrain": (8192, Trained(llm=False)),
    "multimodal_pretrain": (8192, Trained()),
    "long_context_pretrain": (32768, Trained()),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--model",
        metavar="M",
        help=f"{', '.join(PRESETS)}, a hub name or a folder; default {RELEASED[0]}, with --data "
        "tiny",
    )
    parser.add_argument("--gpu", metavar="KIND", default="h100", help=", ".join(GPUS))
    parser.add_argument("--count", type=int, default=1, metavar="N", help="accelerators; default 1")
    parser.add_argument(
        "--length", type=int, default=8192, metavar="N", help="tokens of a pack; default 8192"
    )
    parser.add_argument("--frozen", metavar="PARTS", default="", help="among tower,merger,llm")
    parser.add_argument("--lora", type=int, default=0, metavar="RANK", help="train adapters only")
    parser.add_argument(
        "--base-bits", type=int, choices=(4, 8, 16), default=16, help="of frozen weights"
    )
    parser.add_argument("--tokens", metavar="N", help="to train on, such as 2T or 300M")
    parser.add_argument(
        "--step-tokens", metavar="N", default="0", help="of an optimiser step, such as 4M"
    )
    parser.add_argument("--report", action="store_true", help="the three stages of the report")
    parser.add_argument(
        "--media-share", type=float, default=MEDIA_SHARE, metavar="X", help="of the tokens"
    )
    parser.add_argument(
        "--picture", metavar="HxW", default="x".join(map(str, PICTURE_PX)), help="typical size"
    )
    parser.add_argument(
        "--sample-tokens", type=int, default=SAMPLE_TOKENS, metavar="N", help="typical length"
    )
    parser.add_argument(
        "--data", metavar="DATA", help="pack these samples instead, as training will; read once"
    )
    parser.add_argument("--root", metavar="DIR", help="folder of their media; default: the file's")
    parser.add_argument("--json", action="store_true", help="all numbers, in bytes and seconds")


def run(args: argparse.Namespace) -> int:
    """Prints the plan; one that does not fit is no failure."""
    config = _config(args)
    if args.report:
        return _report(config, args)
    frozen = [part for part in args.frozen.split(",") if part]
    if unknown := [part for part in frozen if part not in _PARTS]:
        raise InputError(f"--frozen has {unknown[0]!r}, expected parts of {', '.join(_PARTS)}")
    trained = Trained(**{part: part not in frozen for part in _PARTS}, lora_rank=args.lora)
    found = suggest_layouts(_run(config, trained, args.length, args))
    tokens = None if args.tokens is None else read_count(args.tokens)
    if args.json:
        write_json([_record(item, tokens) for item in found])
        return 0
    _write(found, tokens, args.count)
    return 0


def read_count(text: str) -> float:
    """A number as people write it.

    >>> read_count("1.5T"), read_count("300M")
    (1500000000000.0, 300000000.0)

    Raises:
        InputError: it is no number.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmbt]?)", text.strip().lower())
    if match is None:
        raise InputError(f"{text!r} is no number of tokens, expected one such as 300M or 2T")
    return float(match.group(1)) * _POWERS[match.group(2)]


def _config(args: argparse.Namespace) -> ModelConfig:
    if args.model is None and args.data is None:
        return PRESETS[RELEASED[0]]
    if args.model in PRESETS:
        return PRESETS[args.model]
    return ModelConfig.from_hf(read_json(options.model_folder(args, weights=False) / "config.json"))


def _run(config: ModelConfig, trained: Trained, length: int, args: argparse.Namespace) -> Run:
    if args.data is None:
        pack, balance = _typical(config, length, args), 1.0
    else:
        found = _measured(config, trained, length, args)
        # Ranks wait for the costliest pack of a step.
        pack, balance = found.pack, 1 / found.imbalance
    return Run(
        config=config,
        trained=trained,
        pack=pack,
        balance=balance,
        gpu=find_gpu(args.gpu),
        count=args.count,
        step_tokens=int(read_count(args.step_tokens)),
        widths=Widths(frozen=args.base_bits / 8),
    )


def _typical(config: ModelConfig, length: int, args: argparse.Namespace) -> Pack:
    size = re.fullmatch(r"(\d+)x(\d+)", args.picture)
    if size is None:
        raise InputError(f"--picture is {args.picture!r}, expected height x width such as 560x728")
    return typical_pack(
        length,
        config.vision,
        media_share=args.media_share,
        picture_px=(int(size[1]), int(size[2])),
        sample_tokens=min(args.sample_tokens, length),
    )


def _measured(
    config: ModelConfig, trained: Trained, length: int, args: argparse.Namespace
) -> MeasuredPacks:
    """Packs of the samples that were named, said in a line."""
    if args.model in PRESETS:
        raise InputError(
            f"--data needs a tokenizer, and {args.model} is a size",
            hint="--model with a hub name or a folder",
        )
    processor = options.load_processor(options.model_folder(args, weights=False), args)
    root = None if args.root is None else Path(args.root)
    found = measured_packs(
        open_data(Path(args.data), root=root),
        processor,
        config,
        trained,
        length=length,
        packs_per_step=args.count,
    )
    note(
        f"{found.samples:,} samples, {found.tokens:,} tokens; packs {found.efficiency:.1%} full, "
        f"the costliest of a step {found.imbalance:.3f} times the mean"
        + (f"; {found.dropped:,} samples do not fit" if found.dropped else "")
    )
    return found


def _write(found: list[Suggestion], tokens: float | None, count: int) -> None:
    best = found[0]
    rows = [_row(item, tokens, count) for item in found[:_SHOWN]]
    header = ("layout", "memory", "tokens/s", "of each", "MFU", "step", "days")
    columns = slice(None) if tokens else slice(-1)
    write_table(header[columns], [row[columns] for row in rows])
    write("")
    parts = {name: size for name, size in best.memory.parts().items() if size}
    write(f"memory of {layout_name(best)}")
    write_pairs({f"  {name}": binary_size(size) for name, size in parts.items()})
    if not best.fits:
        note("does not fit: this layout is the nearest to it")
        note("would need less: more accelerators, --length, --lora, --base-bits 4, --frozen")


def _row(item: Suggestion, tokens: float | None, count: int) -> tuple[str, ...]:
    days = f"{item.days(tokens):.1f}" if tokens else ""
    return (
        layout_name(item),
        binary_size(item.memory.total),
        f"{item.tokens_per_s:,.0f}",
        f"{item.tokens_per_s / count:,.0f}",
        f"{100 * item.utilisation:.0f} %",
        f"{item.step_s:.3g} s",
        days,
    )


def layout_name(item: Suggestion) -> str:
    """The layout in a few words: what is 1 is left out."""
    layout = item.layout
    sizes = {
        "replicate": layout.dp_replicate or 1,
        "shard": layout.dp_shard or 1,
        "tp": layout.tp,
        "cp": layout.cp,
    }
    named = [f"{name} {size}" for name, size in sizes.items() if size > 1]
    accumulated = [f"{item.packs_per_rank} packs"] if item.packs_per_rank > 1 else []
    kind = layout.activation_checkpointing
    recompute = [] if kind == "none" else [f"{kind} checkpointing"]
    return ", ".join([*named, *accumulated, *recompute]) or "one accelerator"


def _report(config: ModelConfig, args: argparse.Namespace) -> int:
    rows, records, total = [], {}, 0.0
    for name, (length, trained) in _REPORT.items():
        best = suggest_layouts(_run(config, trained, length, args))[0]
        days = best.days(STAGE_TOKENS[name])
        total += days
        fits = binary_size(best.memory.total) + ("" if best.fits else ", too much")
        tokens = f"{STAGE_TOKENS[name] / 1e12:.1f}T"
        rows.append((name, tokens, layout_name(best), fits, f"{best.tokens_per_s:,.0f}",
            f"{days:.1f}"))  # fmt: skip
        records[name] = _record(best, STAGE_TOKENS[name])
    if args.json:
        write_json(records)
        return 0
    write_table(("stage", "tokens", "layout", "memory", "tokens/s", "days"), rows)
    write(f"{total:.1f} days, {total * 24 * args.count:,.0f} accelerator hours")
    return 0


def _record(item: Suggestion, tokens: float | None) -> dict[str, object]:
    return {
        "layout": {**asdict(item.layout), "packs_per_rank": item.packs_per_rank},
        "fits": item.fits,
        "memory_bytes": {**item.memory.parts(), "total": item.memory.total},
        "step_s": item.step_s,
        "tokens_per_s": item.tokens_per_s,
        "mfu": item.utilisation,
        "days": None if tokens is None else item.days(tokens),
    }
