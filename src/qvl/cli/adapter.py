"""Adapters: what one holds, and a plain model made of it and its base.

qvl adapter info runs/mine/adapter
qvl adapter merge runs/mine/adapter --output merged

An adapter is a folder with adapter_config.json and adapter_model.safetensors, as `qvl train sft
--lora` and the peft library write it. To ask it, name it as --model or --adapter of any command.
"""

import argparse
from collections import Counter
from pathlib import Path

from qvl.cli.terminal import binary_size, note, write, write_json, write_pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    info = actions.add_parser("info", help="which layers it changes, its rank and kind, its size")
    info.add_argument("adapter", metavar="DIR")
    info.add_argument("--json", action="store_true", help="print it as JSON")
    merge = actions.add_parser("merge", help="write the model with the adapter in its weights")
    merge.add_argument("adapter", metavar="DIR")
    merge.add_argument("--output", "-o", required=True, metavar="DIR", help="a new folder")
    merge.add_argument("--model", metavar="NAME", help="the base; default: what the adapter names")
    merge.add_argument(
        "--dtype",
        choices=("float32", "bfloat16", "float16"),
        help="of all weights; default: as the base is stored",
    )


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    return {"info": _info, "merge": _merge}[args.action](args)


def _info(args: argparse.Namespace) -> int:
    from qvl.checkpoint.adapter import read_adapter  # imports torch

    adapter = read_adapter(Path(args.adapter))
    specs = adapter.specs.values()
    layers = Counter(name.rpartition(".")[2] for name in adapter.specs)
    kinds = {"dora": any(s.dora for s in specs), "rslora": any(s.rank_stabilised for s in specs)}
    ranks, scales = sorted({s.rank for s in specs}), sorted({s.scaling for s in specs})
    whole = sorted({name.rpartition(".")[0] for name in adapter.saved})
    num_parameters = sum(tensor.numel() for tensor in adapter.tensors.values())
    num_bytes = sum(tensor.nbytes for tensor in adapter.tensors.values())
    kind = " ".join(["lora", *(name for name, is_on in kinds.items() if is_on)])
    if args.json:
        write_json(
            {
                "base_model": adapter.base_model,
                "kind": kind,
                "ranks": ranks,
                "scales": scales,
                "layers": dict(sorted(layers.items())),
                "trained_whole": whole,
                "parameters": num_parameters,
                "bytes": num_bytes,
            }
        )
        return 0
    write_pairs(
        {
            "base model": adapter.base_model or "not named",
            "kind": kind,
            "rank": ", ".join(map(str, ranks)),
            "scale": ", ".join(f"{scale:g}" for scale in scales),
            "layers": ", ".join(f"{name} x {count}" for name, count in sorted(layers.items())),
            "trained whole": ", ".join(whole) or "nothing",
            "parameters": f"{num_parameters:,}",
            "size": binary_size(num_bytes),
        }
    )
    return 0


def _merge(args: argparse.Namespace) -> int:
    import torch

    from qvl.checkpoint.adapter import base_folder, merge_adapter
    from qvl.checkpoint.hub import resolve

    adapter = Path(args.adapter)
    base = base_folder(adapter) if args.model is None else resolve(args.model)
    note(f"base: {base}")
    dtype = None if args.dtype is None else getattr(torch, args.dtype)
    merge_adapter(adapter, Path(args.output), base=base, dtype=dtype)
    write(str(args.output))
    return 0
