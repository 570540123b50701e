"""The model that a recipe asks, if it asks any.

Owns: which of a server, a model in the process, or none at all is meant; slips in naming it. Does
not own: loading a model (``api``, which the command line does), asking (``data``).

    --set endpoint=URL, model, key_file -> client of the server
    --model NAME -> the command line's own engine, given to the recipe as ``generator``
    neither -> None: the recipe does with rules alone what it can
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qvl.endpoint.client import Endpoint
from qvl.errors import ConfigError
from qvl.messages import TextGenerator

Asked = Callable[[], TextGenerator]
"""Makes the model; called once in each process that needs it."""

UNNAMED = "default"
"""The model of a server that has one and does not look at the name."""


def asked_model(
    generator: Asked | None, *, endpoint: str | None, model: str, key_file: Path | None
) -> Asked | None:
    """Returns what makes the model that is asked, or None.

    Args:
        generator: of a model in the process.
        endpoint: address of a server.
        model: by which the server knows it.
        key_file: holds the server's key.

    Raises:
        ConfigError: two models are given, or a name or a key without the server: it would change
            nothing, and nobody would see it.
    """
    if endpoint is None:
        if model != UNNAMED or key_file is not None:
            raise ConfigError(
                "a model or a key without the server to ask",
                hint="add --set endpoint=http://..., or name a model of your own with --model",
            )
        return generator
    if generator is not None:
        raise ConfigError(
            f"a model to run here and the server {endpoint}, expected one of them",
            hint="the server's model is named by --set model=...",
        )
    return served(endpoint, model, key_file)


def served(endpoint: str, model: str, key_file: Path | None) -> Asked:
    """Returns what makes the client of a server; the key is read where it is needed, so that it is
    in no record of the run."""
    return partial(_client, endpoint, model, key_file)


def _client(endpoint: str, model: str, key_file: Path | None) -> TextGenerator:
    key = None
    if key_file is not None:
        try:
            key = key_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"key file {key_file} cannot be read") from error
    return Endpoint(url=endpoint, model=model, api_key=key)
