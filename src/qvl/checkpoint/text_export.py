"""The language model of a whole model as a folder of its own, laid out as published text models.

Owns: which tensors and fields those are. Does not own: reading them back (``parts``).

    folder of a model -> tensors beside the tower, config of a text model -> folder
"""

import json
import shutil
from pathlib import Path

from qvl.checkpoint.folder import CONFIG, TOKENIZER, WEIGHTS
from qvl.checkpoint.load import load_model
from qvl.checkpoint.new_folder import new_folder
from qvl.checkpoint.safetensors_file import write_safetensors

# Fields of the released Qwen2.5 text models. Source: Qwen/Qwen2.5-3B config.json.
_FIELDS = (
    "attention_dropout", "bos_token_id", "eos_token_id", "hidden_act", "hidden_size",
    "initializer_range", "intermediate_size", "max_position_embeddings", "max_window_layers",
    "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "rms_norm_eps", "rope_theta",
    "sliding_window", "tie_word_embeddings", "use_cache", "use_sliding_window", "vocab_size",
)  # fmt: skip
_COPIED = (TOKENIZER, "tokenizer_config.json", "generation_config.json", "preprocessor_config.json")


def export_language_model(model: Path, folder: Path) -> None:
    """Writes the language model of a model; the folder appears complete or not at all.

    Args:
        model: folder of a whole model. Its tokenizer goes along, and its pixel limits, which text
            models do not have, for the model that begins with this one.
        folder: new or empty.

    Raises:
        CheckpointError: the model cannot be read, or the folder cannot be written.
    """
    network = load_model(model)
    config = network.config.to_hf()
    fields = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "head_dim": network.config.text.head_dim,
        "torch_dtype": str(network.dtype).removeprefix("torch."),
        **{name: config[name] for name in _FIELDS},
    }
    tensors = [(n, t) for n, t in network.state_dict().items() if not n.startswith("visual.")]
    with new_folder(folder) as part:
        (part / CONFIG).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
        write_safetensors(part / WEIGHTS, tensors, metadata={"format": "pt"})
        for name in _COPIED:
            if (model / name).exists():
                shutil.copyfile(model / name, part / name)
