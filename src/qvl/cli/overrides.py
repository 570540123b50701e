"""``--set optim.lr=1e-5``: changes one field of a nested configuration, by its type.

Owns: finding the field, reading the text as its type. Does not own: what values are allowed, which
each dataclass checks itself.

    configuration + "path.to.field=text" -> dataclasses.replace all the way up
    function + "argument=text" -> its keyword arguments
"""

import ast
import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from qvl.errors import ConfigError

Config = TypeVar("Config")


def apply_overrides(config: Config, settings: Sequence[str]) -> Config:
    """Returns the configuration with the settings applied in order.

    Args:
        config: a dataclass; its fields may be dataclasses, tuples of them, and mappings.
        settings: such as "optim.lr=1e-5" or, of a tuple, "stages.0.steps=10" or, where the
            elements have names, "stages.read.steps=10".

    Raises:
        ConfigError: no "=", an unknown field, or a value that is not of the field's type.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting} has no value", hint="write --set field=value")
        name = path.strip()
        config = cast(Config, _changed(config, type(config), name.split("."), text.strip(), name))
    return config


def keyword_arguments(function: Callable[..., object], settings: Sequence[str]) -> dict[str, Any]:
    """Returns the arguments that the settings name, read as the types the function declares.

    Args:
        function: its parameters that have a name and a type can be set.
        settings: such as "pictures=photos".

    Raises:
        ConfigError: no "=", an unknown parameter, a value of another type, or a parameter without a
            default that no setting names.
    """
    parameters = inspect.signature(function).parameters
    kinds = get_type_hints(function)
    arguments: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ConfigError(f"--set {setting} has no value", hint="write --set name=value")
        _check_known(name, list(parameters), function.__name__, name)
        arguments[name] = read_value(text, kinds.get(name, str), name=name)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ConfigError(f"{function.__name__} needs --set {name}=...")
    return arguments


def _changed(value: object, kind: Any, path: Sequence[str], text: str, whole: str) -> object:
    """The value with what lies at ``path`` below it replaced by ``text``, read as its type."""
    if not path:
        return read_value(text, kind, name=whole)
    name, *rest = path
    if is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in fields(value) if item.init]
        _check_known(name, names, type(value).__name__, whole)
        inner = get_type_hints(type(value))[name]
        return replace(value, **{name: _changed(getattr(value, name), inner, rest, text, whole)})
    if isinstance(value, Mapping):
        _check_known(name, list(value), "the mapping", whole)
        inner = get_args(kind)[1] if get_args(kind) else type(value[name])
        return {**value, name: _changed(value[name], inner, rest, text, whole)}
    if isinstance(value, tuple):
        names = [str(getattr(item, "name", at)) for at, item in enumerate(value)]
        at = int(name) if name.isdecimal() and int(name) < len(value) else -1
        if at < 0:
            _check_known(name, names, "the list", whole)
            at = names.index(name)
        changed = _changed(value[at], type(value[at]), rest, text, whole)
        return (*value[:at], changed, *value[at + 1 :])
    raise ConfigError(f"--set {whole}: {name} is no field of a {type(value).__name__}")


def _check_known(name: str, names: Sequence[str], where: str, whole: str) -> None:
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    raise ConfigError(
        f"--set {whole}: there is no {name!r} in {where}",
        hint=f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(names)}",
    )


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
