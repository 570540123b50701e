"""Who is asked by ``qvl eval``, and who judges: a model in a folder, or a server.

Owns: what the manifest says of it, and that weights are read when the first question is asked.

    arguments -> subject_of -> Subject;  arguments -> judge_of -> Endpoint | None
"""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qvl.cli import options
from qvl.endpoint.client import Endpoint
from qvl.endpoint.wire import MOST_FRAMES
from qvl.errors import ConfigError
from qvl.evaluation.evaluate import Subject
from qvl.evaluation.manifest import model_identity
from qvl.messages import Conversation, GenerationResult, SamplingParams, TextGenerator


def subject_of(args: argparse.Namespace) -> Subject:
    """The model or the server of the command line.

    Raises:
        ConfigError: an address without a name, or with a model.
    """
    if args.endpoint is None:
        return _of_folder(args)
    if args.model is not None or args.name is None:
        raise ConfigError(
            "--endpoint needs --name, the model's name there, and no --model",
            hint="--endpoint http://127.0.0.1:8000/v1 --name my-model",
        )
    return Subject(
        generator=_Late(partial(_endpoint, args.endpoint, args.name)),
        identity={"endpoint": args.endpoint, "name": args.name},
        computing={"device": "endpoint"},  # no more is known
        most_frames=MOST_FRAMES,
    )


def judge_of(args: argparse.Namespace) -> Endpoint | None:
    """The server that judges; None for rules alone.

    Raises:
        ConfigError: an address without a name, or the other way round.
    """
    if args.judge is None and args.judge_name is None:
        return None
    if args.judge is None or args.judge_name is None:
        raise ConfigError(
            "--judge needs --judge-name, the model's name there, and the other way round",
            hint="--judge http://127.0.0.1:8001/v1 --judge-name judge-model",
        )
    return _endpoint(args.judge, args.judge_name)


def _endpoint(url: str, name: str) -> Endpoint:
    """A server that knows a model by a name, asked with the key of the environment."""
    return Endpoint(url=url, model=name, api_key=os.environ.get("OPENAI_API_KEY"))


def _of_folder(args: argparse.Namespace) -> Subject:
    folder = options.model_folder(args)
    limits = options.load_processor(folder, args).settings.limits
    identity = identity_of(folder, args)
    if args.ray is not None and args.device is None:
        args.device = "cuda" if args.ray_gpus else "cpu"  # whatever this machine has
    return Subject(
        generator=_Late(partial(options.load_model, folder, args)),
        identity=identity,
        computing=computing_of(folder, args, is_here=args.ray is None),
        limits=limits,
    )


class _Late:
    """Is made when it is first asked, on whatever machine that is."""

    def __init__(self, make: Callable[[], TextGenerator]) -> None:
        self._make = make
        self._made: TextGenerator | None = None

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """As `TextGenerator`."""
        if self._made is None:
            self._made = self._make()
        return self._made.generate(conversations, params)


def identity_of(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """What a manifest says of the model of the command line."""
    return model_identity(
        folder,
        name=args.model or "the embedded tiny model",
        adapter=None if args.adapter is None else Path(args.adapter),
    )


def computing_of(folder: Path, args: argparse.Namespace, *, is_here: bool = True) -> dict[str, str]:
    """What a manifest says of how the model of the command line computes."""
    from qvl.api import computing  # imports torch

    return computing(folder, device=args.device, dtype=args.dtype, is_here=is_here)
