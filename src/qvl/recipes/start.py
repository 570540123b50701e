"""What the report's training begins from: a text model, a vision tower, and a merger between them.

Owns: putting the parts together. Does not own: reading them (``checkpoint.parts``), training them.

    Qwen2.5 text model -> language model, tokenizer --+-> model in the published layout
    tower of another model, or random --> merger -----+
"""

from dataclasses import replace
from pathlib import Path

import torch

from qvl.checkpoint.export import export_model
from qvl.checkpoint.folder import read_config
from qvl.checkpoint.parts import load_language_model, load_tower, read_text_config
from qvl.model.config import ModelConfig
from qvl.model.init import empty_model, init_weights
from qvl.model.presets import PRESETS

# Its tower is that of every released size but the largest two, whose perceptron is a little wider.
_RELEASED = PRESETS["3b"]


def start_model(
    text: Path,
    output: Path,
    *,
    tower: Path | None = None,
    dtype: torch.dtype = torch.bfloat16,
    seed: int = 0,
) -> ModelConfig:
    """Writes a model to begin pre-training from, and returns its configuration.

    Args:
        text: folder of a published Qwen2.5 text model; its tokenizer is copied.
        output: new folder.
        tower: folder of a model whose tower is taken, with its merger if that leads to a language
            model of this width; None for a random tower of the released shape.
        dtype: of all weights.
        seed: of what is random.

    Raises:
        CheckpointError: a folder is damaged or no such model, or the output cannot be written.
        ConfigError: the text model has no room for the tokens of pictures.
    """
    theirs = _RELEASED if tower is None else read_config(tower)
    language = read_text_config(text)
    width = language.hidden_size
    config = replace(theirs, vision=replace(theirs.vision, out_hidden_size=width), text=language)
    model = empty_model(config).to(dtype).to_empty(device="cpu")
    init_weights(model, torch.Generator().manual_seed(seed))
    load_language_model(model, text)
    if tower is not None:
        load_tower(model, tower, merger=theirs.vision.out_hidden_size == width)
    export_model(model, output, files_from=text)
    return config
