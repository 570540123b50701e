"""The errors a user can meet. Every error says what is wrong, what was got, what was expected."""

from functools import partial


class QvlError(Exception):
    """Base of all errors raised on purpose; ``str()`` is one line.

    Args:
        message: what is wrong, the value got and what was expected.
        hint: what the user can do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}; hint: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """Travels between processes with its hint; a kind with other arguments as the kind it is
        one of."""
        kinds = (kind for kind in type(self).__mro__ if issubclass(kind, QvlError))
        ours = QvlError.__init__
        kind = next(kind for kind in kinds if kind.__init__ is ours)
        return partial(kind, hint=self.hint), (self.message,)


class InputError(QvlError):
    """A prompt, picture, video or option given by the user cannot be used."""


class ContextLengthError(InputError):
    """The prompt needs more tokens than the model or the caller allows."""


class ConfigError(QvlError):
    """A configuration value is missing, unknown or impossible."""


class CheckpointError(QvlError):
    """Files of a model are missing, damaged or do not belong together."""


class DataError(QvlError):
    """A training or evaluation record cannot be used."""


class TrainingError(QvlError):
    """Training cannot go on: it diverged, nothing is learnt, or its records cannot be written."""


class MissingDependencyError(QvlError):
    """A feature needs an optional package that is not installed."""
