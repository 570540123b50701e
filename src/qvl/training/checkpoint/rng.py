"""The state of every random generator of a process as one tensor, and back.

Data do not depend on it: they are functions of (seed, step). What draws from global generators,
such as dropout in adapters, does.
"""

import base64
import json
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qvl.errors import CheckpointError


def generator_state() -> Tensor:
    """Returns uint8[n]: torch (CPU and the current GPU), numpy and Python, as JSON text."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 (libraries use the global generator)
    version, words, gauss = random.getstate()
    state = {
        "torch": _text(torch.get_rng_state()),
        "cuda": _text(torch.cuda.get_rng_state()) if torch.cuda.is_available() else None,
        "numpy": [kind, np.asarray(keys).tolist(), *rest],
        "python": [version, list(words), gauss],
    }
    return torch.frombuffer(bytearray(json.dumps(state).encode()), dtype=torch.uint8)


def set_generator_state(state: Tensor) -> None:
    """Sets them to what `generator_state` returned; a GPU that was not there keeps its own.

    Raises:
        CheckpointError: the state is not of these generators.
    """
    try:
        found: dict[str, Any] = json.loads(bytes(state.tolist()))
        version, words, gauss = found["python"]
        random.setstate((version, tuple(words), gauss))
        kind, keys, *rest = found["numpy"]
        np.random.set_state((kind, np.array(keys, np.uint32), *rest))  # noqa: NPY002
        torch.set_rng_state(_tensor(found["torch"]))
        if found["cuda"] is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(_tensor(found["cuda"]))
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"the state of random generators cannot be set: {str(error).splitlines()[0]}",
            hint="it was saved by other versions of torch or numpy",
        ) from error


def _text(state: Tensor) -> str:
    return base64.b64encode(state.numpy().tobytes()).decode()


def _tensor(text: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
