"""Tells what a request will cost before anything runs, and what would fit if it does not.

qvl plan page.png "Read all the text in the image."
qvl plan match.mp4 "Who scores?" --model Qwen/Qwen2.5-VL-7B-Instruct --memory 24GiB

Token counts are exact, operations are those of all matrix products, memory is an estimate.
No weight is read and no pixel decoded.
"""

import argparse
import re
from dataclasses import asdict
from pathlib import Path

from qvl.cli import options
from qvl.cli.terminal import binary_size, note, write, write_json, write_pairs, write_table
from qvl.errors import InputError
from qvl.inference.engine_options import default_dtype
from qvl.inference.plan import Plan, PlanOptions, make_plan
from qvl.messages import Conversation
from qvl.model.config import ModelConfig
from qvl.processing.media import MediaPlan
from qvl.processing.tokenizer import read_json

_VALUE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_UNITS = {
    "": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
    "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "inputs", nargs="+", metavar="FILE... [QUESTION]", help="as for qvl ask; no question needed"
    )
    parser.add_argument("--system", metavar="TEXT", help="replaces the model's usual system turn")
    parser.add_argument(
        "--max-tokens", type=int, default=1024, metavar="N", help="most tokens of the answer"
    )
    parser.add_argument("--memory", metavar="SIZE", help="memory at hand, such as 24GiB")
    parser.add_argument(
        "--dtype",
        choices=_VALUE_BYTES,
        help="of the weights and the cache; default: bfloat16, and float32 for small models",
    )
    parser.add_argument("--json", action="store_true", help="all numbers, in operations and bytes")
    options.add_media_options(parser)
    options.add_model_options(parser, runs=False)


def run(args: argparse.Namespace) -> int:
    """Prints the plan; one that does not fit is no failure."""
    *files, last = args.inputs
    asked = [] if Path(last).suffix and not re.search(r"\s", last) else [options.question(last)]
    parts = [*options.media_parts(files if asked else args.inputs, args), *asked]
    memory_bytes = None if args.memory is None else read_size(args.memory)
    folder = options.model_folder(args, weights=False)
    config = ModelConfig.from_hf(read_json(folder / "config.json"))
    size = _VALUE_BYTES[args.dtype or default_dtype(config, on_cpu=True)]
    plan_options = PlanOptions(
        max_tokens=args.max_tokens,
        weight_bytes=size,
        value_bytes=size,
        memory_bytes=memory_bytes,
    )
    conversation = Conversation.user(*parts, system=args.system)
    plan = make_plan(
        conversation, options.load_processor(folder, args), config, options=plan_options
    )
    if args.json:
        write_json(_record(plan))
    else:
        _write(plan, files if asked else args.inputs)
    return 0


def read_size(text: str) -> int:
    """Bytes of a size as people write it.

    >>> read_size("24GiB"), read_size("1.5 GB"), read_size("4096")
    (25769803776, 1500000000, 4096)

    Raises:
        InputError: it is no size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?", text.strip().lower())
    if match is None:
        raise InputError(f"memory is {text!r}, expected a size such as 24GiB")
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def _write(plan: Plan, names: list[str]) -> None:
    rows = [
        (
            Path(name).name[-40:],
            str(item.transform.original),
            _seen(item),
            f"{item.num_tokens:,}",
            f"{flops / 1e12:.3g}",
        )
        for name, item, flops in zip(names, plan.bill.items, plan.vision_flops, strict=True)
    ]
    text = ("text", "", "", f"{plan.bill.text_tokens:,}", "")
    total = ("prompt", "", "", f"{plan.bill.total:,}", f"{sum(plan.vision_flops) / 1e12:.3g}")
    write_table(("", "size", "seen as", "tokens", "vision TFLOP"), [*rows, text, total])
    write("")
    memory, longest = plan.memory, plan.options.max_tokens
    write_pairs(
        {
            "prompt": f"{plan.prefill_flops / 1e12:.3g} TFLOP in the language model",
            "answer": f"{plan.decode_flops / 1e12:.3g} TFLOP for {longest:,} tokens",
            "context": f"{plan.bill.total + longest:,} of {plan.context_length:,} tokens",
            "weights": binary_size(memory.weights),
            "cache": binary_size(memory.kv_cache),
            "peak memory": f"about {binary_size(memory.peak)}",
        }
    )
    _say_whether_it_fits(plan)


def _seen(item: MediaPlan) -> str:
    """Size in the model's eyes; of a video also the number of frames."""
    size = str(item.transform.resized)
    return size if item.kind == "image" else f"{2 * item.grid.t} x {size}"


def _say_whether_it_fits(plan: Plan) -> None:
    if plan.fits:
        return
    what = "the context" if not plan.fits_context else "the memory"
    note(f"does not fit: {what} is too small")
    for suggestion in plan.suggestions:
        digits = ".0f" if suggestion.option == "max_pixels" else ".6g"
        option = f"--{suggestion.option.replace('_', '-')} {suggestion.value:{digits}}"
        if suggestion.min_pixels is not None:
            option += f" --min-pixels {suggestion.min_pixels}"
        note(f"would fit: {option} ({suggestion.media_tokens:,} tokens of pictures and videos)")
    if not plan.suggestions:
        note("no size of the pictures and videos would fit")


def _record(plan: Plan) -> dict[str, object]:
    bill = plan.bill
    return {
        "items": [
            {
                "kind": item.kind,
                "original": list(item.transform.original),
                "resized": list(item.transform.resized),
                "grid_thw": list(item.grid),
                "tokens": item.num_tokens,
                "second_per_grid": item.second_per_grid,
                "vision_flops": flops,
            }
            for item, flops in zip(bill.items, plan.vision_flops, strict=True)
        ],
        "text_tokens": bill.text_tokens,
        "prompt_tokens": bill.total,
        "prefill_flops": plan.prefill_flops,
        "decode_flops": plan.decode_flops,
        "memory_bytes": {**asdict(plan.memory), "peak": plan.memory.peak},
        "context_length": plan.context_length,
        "fits": plan.fits,
        "suggestions": [asdict(suggestion) for suggestion in plan.suggestions],
    }
