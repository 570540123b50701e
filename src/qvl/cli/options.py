"""Options that several commands share, and what they become.

Owns: names and help of shared options; reading QVL_MODEL. Does not own: what an option means.

    --model, --device, --dtype -> folder, VisionLanguageModel
    files, --max-pixels, --fps -> Image, Video;   --temperature, ... -> SamplingParams
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from qvl.checkpoint import EMBEDDED
from qvl.cli.terminal import note
from qvl.errors import CheckpointError, InputError
from qvl.messages import Image, SamplingParams, Text, Video
from qvl.processing.sources import is_video_name, locate_source
from qvl.sampling_params import SamplingOptions
from qvl.sampling_params import sampling_params as sampling_params_of

if TYPE_CHECKING:
    from qvl.api import VisionLanguageModel
    from qvl.processing.processor import Processor

MODEL_VARIABLE = "QVL_MODEL"

_IMAGE_ONLY = ("min_pixels", "max_pixels")
_VIDEO_ONLY = ("fps", "nframes", "max_frames", "total_pixels", "video_start", "video_end")


def add_model_options(parser: argparse.ArgumentParser, *, runs: bool = True) -> None:
    """Which model answers, and, where it runs, on what."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="NAME",
        help="hub name or folder; without it, and without the variable "
        f"{MODEL_VARIABLE}, the tiny model that ships inside",
    )
    if runs:
        group.add_argument(
            "--adapter", metavar="DIR", help="merged into the model; default model: its base"
        )
        group.add_argument("--device", help="cpu, cuda or cuda:N; default: CUDA if there is any")
        group.add_argument(
            "--dtype",
            choices=("float32", "bfloat16", "float16"),
            help="default: bfloat16, and float32 for small models on a CPU",
        )


def add_media_options(parser: argparse.ArgumentParser) -> None:
    """How large pictures are seen and how videos are sampled."""
    group = parser.add_argument_group("pictures and videos (784 pixels are one token)")
    group.add_argument("--min-pixels", type=int, metavar="N", help="enlarge pictures to at least N")
    group.add_argument("--max-pixels", type=int, metavar="N", help="shrink pictures to at most N")
    group.add_argument("--fps", type=float, metavar="N", help="video frames to take a second")
    group.add_argument("--nframes", type=int, metavar="N", help="video frames to take in all")
    group.add_argument("--max-frames", type=int, metavar="N", help="at most N video frames")
    group.add_argument("--total-pixels", type=int, metavar="N", help="budget of a whole video")
    group.add_argument("--video-start", type=float, metavar="S", help="first second to look at")
    group.add_argument("--video-end", type=float, metavar="S", help="last second to look at")


def add_sampling_options(parser: argparse.ArgumentParser, *, max_tokens: int) -> None:
    """How the answer is chosen."""
    defaults = SamplingParams()
    group = parser.add_argument_group("answer")
    group.add_argument("--max-tokens", type=int, default=max_tokens, metavar="N")
    group.add_argument(
        "--temperature",
        type=float,
        default=defaults.temperature,
        metavar="T",
        help="0 takes the likeliest token, always the same answer",
    )
    group.add_argument("--top-p", type=float, default=defaults.top_p, metavar="P")
    group.add_argument("--top-k", type=int, default=defaults.top_k, metavar="N")
    group.add_argument("--min-p", type=float, default=defaults.min_p, metavar="P")
    group.add_argument(
        "--repetition-penalty", type=float, default=defaults.repetition_penalty, metavar="R"
    )
    group.add_argument("--seed", type=int, metavar="N", help="for answers by chance that repeat")
    group.add_argument(
        "--stop", action="append", default=[], metavar="TEXT", help="end the answer before TEXT"
    )


def sampling_options(args: argparse.Namespace) -> SamplingOptions:
    """What `add_sampling_options` declared, for methods that take these options by name."""
    names = [item.name for item in fields(SamplingParams) if hasattr(args, item.name)]
    values = {name: getattr(args, name) for name in names}
    return cast(SamplingOptions, {**values, "stop": tuple(args.stop)})


def sampling_params(args: argparse.Namespace) -> SamplingParams:
    """What `add_sampling_options` declared, validated."""
    return sampling_params_of(sampling_options(args))


def media_part(source: str, args: argparse.Namespace) -> Image | Video:
    """A file named on the command line, with the options that fit its kind."""
    kind: Literal["image", "video"] = "video" if is_video_name(source) else "image"
    locate_source(source, kind=kind)  # a missing file is reported before anything is loaded
    names = (*_IMAGE_ONLY, *(_VIDEO_ONLY if kind == "video" else ()))
    options = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    return Video(source, **options) if kind == "video" else Image(source, **options)


def media_parts(sources: Sequence[str], args: argparse.Namespace) -> list[Image | Video]:
    """All files; an option that no file can use is an error, not ignored."""
    parts = [media_part(source, args) for source in sources]
    unused = [] if any(isinstance(part, Video) for part in parts) else list(_VIDEO_ONLY)
    unused += [] if parts else list(_IMAGE_ONLY)
    for name in unused:
        if getattr(args, name, None) is not None:
            kind = "video" if name in _VIDEO_ONLY else "picture or video"
            raise InputError(f"--{name.replace('_', '-')} was given, but no {kind}")
    return parts


def question(text: str) -> Text:
    """The last argument of a command; a file in its place is a slip."""
    if not text.strip():
        raise InputError("the question is empty")
    if os.path.isfile(text):  # unlike pathlib's, it takes any text for a name
        raise InputError(
            f"{text} is a file, expected a question as the last argument",
            hint=f'qvl ask {text} "What is this?"',
        )
    return Text(text)


def named_model(args: argparse.Namespace) -> str | None:
    """The model that was named with the command, or else by the environment."""
    return args.model or os.environ.get(MODEL_VARIABLE) or None


def model_folder(args: argparse.Namespace, *, weights: bool = True) -> Path:
    """The folder of the model, with or without its weights; says on stderr when it is the tiny
    one. Of a folder that holds an adapter only, it is that of the base, and the adapter is noted in
    the arguments."""
    name, adapter = named_model(args), getattr(args, "adapter", None)
    if name is None and adapter is not None:
        from qvl.checkpoint.adapter import base_folder  # imports torch

        return base_folder(Path(adapter), weights=weights)
    if name is None:
        if not (EMBEDDED / "config.json").is_file():
            raise CheckpointError(
                "this installation ships no tiny model", hint="name one with --model"
            )
        note("model: the tiny one that ships inside; --model takes a hub name or a folder")
        return EMBEDDED
    from qvl.checkpoint.adapter import base_folder, is_adapter  # imports torch
    from qvl.checkpoint.hub import resolve

    folder = resolve(name, weights=weights)
    if not is_adapter(folder):
        return folder
    if adapter is not None:
        raise InputError(f"{name} is an adapter, and --adapter names another")
    args.adapter = str(folder)
    return base_folder(folder, weights=weights)


def load_model(folder: Path, args: argparse.Namespace) -> "VisionLanguageModel":
    """The model, ready to answer."""
    from qvl.api import load  # imports torch

    return load(folder, device=args.device, dtype=args.dtype, adapter=args.adapter)


def load_processor(folder: Path, args: argparse.Namespace) -> "Processor":
    """The processor alone: enough to refuse bad input before the weights are read."""
    from qvl.processing.processor import Processor

    return Processor.from_folder(folder, getattr(args, "adapter", None))
