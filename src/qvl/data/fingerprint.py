"""Whether a function with its parameters is still the one that made a file.

Owns: the fingerprint of functions and plain values. Does not own what is done when it differs.

    function, partial, dataclass, plain values -> fingerprint() -> 32 hexadecimal digits

A function stands for the source of the whole module it is in, so that a change in what it calls
there is noticed; what it calls in other modules is not looked into.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from qvl.errors import ConfigError
from qvl.options import type_name

# Of values that contain themselves; a mixture of generators over mixtures takes four levels each.
_DEEPEST = 32


def fingerprint(*values: object) -> str:
    """Returns a hash that is the same in every process and differs when a value does.

    >>> one = functools.partial(max, key=len)
    >>> fingerprint(one, 3) == fingerprint(functools.partial(max, key=len), 3)
    True
    >>> fingerprint(3) == fingerprint("3")
    False

    Raises:
        ConfigError: a value, or one inside it, is of a kind whose changes cannot be seen.
    """
    text = json.dumps([_plain(value, 0) for value in values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: object, depth: int) -> Any:
    """Plain JSON that tells one value from another; each kind is marked by its name."""
    if depth > _DEEPEST:
        raise ConfigError(f"a {type_name(value)} lies more than {_DEEPEST} values deep")
    inner = depth + 1
    if value is None or isinstance(value, bool | int | float | str):
        return [type_name(value), repr(value)]
    if isinstance(value, bytes):
        return ["bytes", hashlib.sha256(value).hexdigest()]
    if isinstance(value, Path):
        return ["path", str(value)]
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return ["array", str(value.dtype), list(value.shape), digest]
    if isinstance(value, Mapping):
        return ["map", [[_plain(k, inner), _plain(v, inner)] for k, v in value.items()]]
    if isinstance(value, list | tuple):
        return ["list", [_plain(item, inner) for item in value]]
    if isinstance(value, set | frozenset):
        return ["set", sorted(json.dumps(_plain(item, inner)) for item in value)]
    if isinstance(value, functools.partial):
        bound = _members(sorted(value.keywords.items()), inner)
        return ["partial", _plain(value.func, inner), _plain(value.args, inner), bound]
    if isinstance(value, type):
        return ["class", value.__module__, value.__qualname__]
    if is_dataclass(value):
        members = [(item.name, getattr(value, item.name)) for item in fields(value)]
        # What it does when it is a step's function.
        call = type(value).__call__ if callable(value) else None
        code = [_code(call)] if isinstance(call, FunctionType) else []
        return ["dataclass", _plain(type(value), inner), _members(members, inner), *code]
    if isinstance(value, FunctionType):
        return ["function", value.__qualname__, _code(value), *_bound(value, inner)]
    if inspect.ismethod(value):
        code = [_code(value.__func__)] if isinstance(value.__func__, FunctionType) else []
        return ["method", value.__name__, _plain(value.__self__, inner), *code]
    if inspect.isbuiltin(value):
        return ["builtin", value.__module__, value.__qualname__]
    raise ConfigError(
        f"a {type_name(value)} has no fingerprint, so a change of it would go unseen",
        hint="use functions of a module, functools.partial, frozen dataclasses and plain values",
    )


def _members(items: list[tuple[str, Any]], depth: int) -> list[Any]:
    """Names with their values, as lists of lists, though no deeper than the values themselves."""
    pairs = [["list", [_plain(name, depth), _plain(value, depth)]] for name, value in items]
    return ["list", pairs]


def _code(function: FunctionType) -> str:
    try:
        source = _module_source(inspect.getmodule(function))
    except (OSError, TypeError):  # typed at a prompt, or a module without a file
        code = function.__code__
        source = repr((code.co_code, code.co_names, [str(c) for c in code.co_consts]))
    return hashlib.sha256(source.encode()).hexdigest()


@functools.cache
def _module_source(module: Any) -> str:
    return inspect.getsource(module)


def _bound(function: Callable[..., Any], depth: int) -> list[Any]:
    """What a function holds besides its code: defaults and variables of functions around it."""
    cells = getattr(function, "__closure__", None) or ()
    defaults = (getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None))
    return [_plain([cell.cell_contents for cell in cells], depth), _plain(defaults, depth)]
