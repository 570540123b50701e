"""Prints the model, its configuration, the versions and the hardware.

qvl info
qvl info --model Qwen/Qwen2.5-VL-3B-Instruct --json
"""

import argparse
import os
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from qvl.cli import options
from qvl.cli.terminal import binary_size, write, write_json, write_pairs
from qvl.model.cost import num_parameters

_PACKAGES = ("qvl", "torch", "numpy", "pillow", "safetensors", "tokenizers", "av")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--json", action="store_true", help="also the whole configuration")
    options.add_model_options(parser, runs=False)


def run(args: argparse.Namespace) -> int:
    """Reads headers only; loads no weight, and downloads none."""
    folder = options.model_folder(args, weights=False)
    model, config = _describe_model(folder)
    versions = {name: metadata.version(name) for name in _PACKAGES}
    versions["python"] = platform.python_version()
    hardware = _describe_hardware()
    if args.json:
        write_json({"model": model, "config": config, "versions": versions, "hardware": hardware})
        return 0
    write_pairs({"folder": str(folder), **{k: v for k, v in model.items() if k != "folder"}})
    write("")
    write_pairs(versions)
    write("")
    write_pairs(hardware)
    return 0


def _describe_model(folder: Path) -> tuple[dict[str, str], dict[str, object]]:
    from qvl.checkpoint.folder import read_config  # imports torch

    config = read_config(folder)
    text, vision = config.text, config.vision
    return {
        "folder": str(folder),
        "parameters": f"{num_parameters(config):,}",
        "weights": _describe_weights(folder),
        "vision": f"{vision.depth} blocks of width {vision.hidden_size}",
        "language": f"{text.num_hidden_layers} layers of width {text.hidden_size}, "
        f"{text.num_attention_heads} query and {text.num_key_value_heads} key-value heads",
        "vocabulary": f"{text.vocab_size:,}",
        "context": f"{text.max_position_embeddings:,} tokens",
    }, asdict(config)


def _describe_weights(folder: Path) -> str:
    from qvl.checkpoint.folder import list_tensors  # imports torch

    if not any(folder.glob("*.safetensors")):
        return "not on this machine"
    entries = list_tensors(folder).values()
    dtypes = sorted({str(entry.dtype).removeprefix("torch.") for entry in entries})
    return f"{binary_size(sum(entry.num_bytes for entry in entries))} {', '.join(dtypes)}"


def _describe_hardware() -> dict[str, str]:
    import torch

    hardware = {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": f"{os.cpu_count()}, torch uses {torch.get_num_threads()}",
    }
    if hasattr(os, "sysconf"):  # not on Windows
        num_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        hardware["memory"] = binary_size(num_bytes)
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        hardware[f"cuda:{index}"] = f"{device.name}, {binary_size(device.total_memory)}"
    return hardware
