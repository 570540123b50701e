"""The complete Qwen2.5-VL system: messages with pictures and videos in, text and typed results out.

The public names below are loaded when first used, so ``import qvl`` costs no torch import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qvl.api import VisionLanguageModel as VisionLanguageModel
    from qvl.api import evaluate as evaluate
    from qvl.api import load as load
    from qvl.errors import CheckpointError as CheckpointError
    from qvl.errors import ConfigError as ConfigError
    from qvl.errors import ContextLengthError as ContextLengthError
    from qvl.errors import DataError as DataError
    from qvl.errors import InputError as InputError
    from qvl.errors import MissingDependencyError as MissingDependencyError
    from qvl.errors import QvlError as QvlError
    from qvl.geometry import Box as Box
    from qvl.geometry import ImageSize as ImageSize
    from qvl.geometry import Point as Point
    from qvl.inference.engine_options import EngineOptions as EngineOptions
    from qvl.messages import Conversation as Conversation
    from qvl.messages import GenerationResult as GenerationResult
    from qvl.messages import Image as Image
    from qvl.messages import Message as Message
    from qvl.messages import SamplingParams as SamplingParams
    from qvl.messages import Text as Text
    from qvl.messages import TextGenerator as TextGenerator
    from qvl.messages import Video as Video
    from qvl.messages import parse_conversation as parse_conversation
    from qvl.processing.processor import Processor as Processor

__version__ = "0.1.0"

_HOME_OF = {
    "qvl.api": ("VisionLanguageModel", "evaluate", "load"),
    "qvl.errors": (
        "CheckpointError",
        "ConfigError",
        "ContextLengthError",
        "DataError",
        "InputError",
        "MissingDependencyError",
        "QvlError",
    ),
    "qvl.geometry": ("Box", "ImageSize", "Point"),
    "qvl.inference.engine_options": ("EngineOptions",),
    "qvl.messages": (
        "Conversation",
        "GenerationResult",
        "Image",
        "Message",
        "SamplingParams",
        "Text",
        "TextGenerator",
        "Video",
        "parse_conversation",
    ),
    "qvl.processing.processor": ("Processor",),
}
_MODULE_OF = {name: module for module, names in _HOME_OF.items() for name in names}


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'qvl' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted([*_MODULE_OF, "__version__"])
