"""``--set optim.lr=1e-5``: changes one field of a nested configuration, by its type.

Owns: finding the field, reading the text as its type. Does not own: what values are allowed, which
each dataclass checks itself.

    configuration + "path.to.field=text" -> dataclasses.replace all the way up
"""

import ast
import difflib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from qvl.errors import ConfigError

Config = TypeVar("Config")


def apply_overrides(config: Config, settings: Sequence[str]) -> Config:
    """Returns the configuration with the settings applied in order.

    Args:
        config: a dataclass, whose fields may be dataclasses.
        settings: such as "optim.lr=1e-5".

    Raises:
        ConfigError: no "=", an unknown field, or a value that is not of the field's type.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting} has no value", hint="write --set field=value")
        config = _changed(config, path.strip().split("."), text.strip(), whole=path.strip())
    return config


def _changed(config: Config, path: Sequence[str], text: str, *, whole: str) -> Config:
    if not is_dataclass(config) or isinstance(config, type):
        raise ConfigError(f"--set {whole}: {path[0]} is no field of a {type(config).__name__}")
    name, *rest = path
    names = [item.name for item in fields(config) if item.init]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise ConfigError(
            f"--set {whole}: there is no {name!r} in {type(config).__name__}",
            hint=f"did you mean {near[0]!r}?" if near else f"fields: {', '.join(names)}",
        )
    value = getattr(config, name)
    if rest:
        changed = _changed(value, rest, text, whole=whole)
    else:
        changed = read_value(text, get_type_hints(type(config))[name], name=whole)
    return replace(config, **{name: changed})


def read_value(text: str, kind: Any, *, name: str) -> object:
    """A text as a value of a type: bool, int, float, str, Path, Literal, tuples, unions of them.

    >>> read_value("1e-5", float, name="lr"), read_value("none", int | None, name="seed")
    (1e-05, None)
    """
    for choice in _choices(kind):
        try:
            return _read_as(text, choice, name)
        except (ValueError, SyntaxError, ConfigError):
            continue
    raise ConfigError(f"--set {name} is {text!r}, expected {_name(kind)}")


def _choices(kind: Any) -> list[Any]:
    if get_origin(kind) in (Union, UnionType):
        # None first, text last: "none" and "3" should not become strings.
        return sorted(get_args(kind), key=lambda choice: (choice is not NoneType, choice is str))
    return [kind]


def _read_as(text: str, kind: Any, name: str) -> object:
    if kind is NoneType and text.lower() == "none":
        return None
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in (int, float, str, Path):
        return kind(text)
    if get_origin(kind) is Literal and text in map(str, get_args(kind)):
        return next(choice for choice in get_args(kind) if str(choice) == text)
    if get_origin(kind) is tuple:
        return _read_tuple(text, get_args(kind), name)
    raise ValueError(text)


def _read_tuple(text: str, kinds: tuple[Any, ...], name: str) -> tuple[object, ...]:
    parts = [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(parts)
    if len(parts) != len(kinds):
        raise ValueError(text)
    return tuple(
        read_value(_unquoted(part), kind, name=name)
        for part, kind in zip(parts, kinds, strict=True)
    )


def _unquoted(part: str) -> str:
    return str(ast.literal_eval(part)) if part[:1] in "'\"" else part


def _name(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_name(choice) for choice in get_args(kind))
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(kind))
    if kind is NoneType:
        return "none"
    return str(kind) if get_origin(kind) is not None else kind.__name__
