"""Who is asked by ``qvl eval``, and who judges: a model in a folder, or a server.

Owns: what the manifest says of it, and that weights are read when the first question is asked.

    arguments -> subject_of -> Subject;  arguments -> judge_of -> Endpoint | None
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qvl.cli import options
from qvl.endpoint.client import Endpoint
from qvl.endpoint.wire import MOST_FRAMES
from qvl.errors import ConfigError, InputError
from qvl.evaluation.evaluate import Subject
from qvl.evaluation.manifest import model_identity
from qvl.messages import Conversation, GenerationResult, SamplingParams, TextGenerator

_LONGEST_REQUEST_S, _MOST_TRIES = 3600.0, 100
"""With more, the call that a request is a part of, an hour long, would end before it."""


def subject_of(args: argparse.Namespace) -> Subject:
    """The model or the server of the command line.

    Raises:
        ConfigError: an address without a name, or with a model.
        InputError: as `patience_of`.
    """
    if args.endpoint is None:
        return _of_folder(args)
    if args.model is not None or args.name is None:
        raise ConfigError(
            "--endpoint needs --name, the model's name there, and no --model",
            hint="--endpoint http://127.0.0.1:8000/v1 --name my-model",
        )
    return Subject(
        generator=_Late(partial(_endpoint, args.endpoint, args.name, patience_of(args))),
        identity={"endpoint": args.endpoint, "name": args.name},
        computing={"device": "endpoint"},  # no more is known
        most_frames=MOST_FRAMES,
    )


def judge_of(args: argparse.Namespace) -> Endpoint | None:
    """The server that judges; None for rules alone.

    Raises:
        ConfigError: an address without a name, or the other way round.
        InputError: as `patience_of`.
    """
    patience = patience_of(args)
    if args.judge is None and args.judge_name is None:
        return None
    if args.judge is None or args.judge_name is None:
        raise ConfigError(
            "--judge needs --judge-name, the model's name there, and the other way round",
            hint="--judge http://127.0.0.1:8001/v1 --judge-name judge-model",
        )
    return _endpoint(args.judge, args.judge_name, patience)


def patience_of(args: argparse.Namespace) -> dict[str, Any]:
    """How long and how often a server is asked, as far as the command line says; it changes which
    questions get an answer, but none of the answers.

    Raises:
        InputError: a number is out of bounds, or there is no server.
    """
    seconds, tries = args.request_seconds, args.tries
    if seconds is not None and not 0 < seconds <= _LONGEST_REQUEST_S:
        raise InputError(
            f"--request-seconds is {seconds:g}, expected more than 0 and at most "
            f"{_LONGEST_REQUEST_S:g}"
        )
    if tries is not None and not 1 <= tries <= _MOST_TRIES:
        raise InputError(f"--tries is {tries}, expected 1 to {_MOST_TRIES}")
    given = {"request_s": seconds, "most_tries": tries}
    found = {name: value for name, value in given.items() if value is not None}
    if found and args.judge is None and getattr(args, "endpoint", None) is None:
        raise InputError("--request-seconds and --tries are for servers, and none is asked")
    return found


def _endpoint(url: str, name: str, patience: Mapping[str, Any]) -> Endpoint:
    """A server that knows a model by a name, asked with the key of the environment."""
    key = os.environ.get("OPENAI_API_KEY")
    return Endpoint(url=url, model=name, api_key=key, **patience)


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
