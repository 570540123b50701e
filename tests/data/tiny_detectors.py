"""Grounding DINO and SAM with random weights in folders, as the hub has them."""

import json
from pathlib import Path
from typing import Any

import pytest

WORDS = ["a", "an", "red", "blue", "cat", "dog", "traffic", "light", "person", "cup"]


def make_detector(folder: Path) -> Path:
    """Writes a Grounding DINO of a few thousand parameters with its processor."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    folder.mkdir()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?"]
    (folder / "vocab.txt").write_text("\n".join([*special, *WORDS]) + "\n")
    tokenizer = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    vocabulary = len(special) + len(WORDS)
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=64,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=transformers.BertConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
        ),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=12,
        num_feature_levels=4,
        max_text_len=64,
        text_enhancer_dropout=0.0,
    )
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    images = transformers.GroundingDinoImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 96}
    )
    _save_as_on_the_hub(images, folder, "GroundingDino")
    return folder


def _save_as_on_the_hub(images: Any, folder: Path, name: str) -> None:
    """Published folders name the class without its backend, and the processor beside it."""
    images.save_pretrained(folder)
    path = folder / "preprocessor_config.json"
    names = {"image_processor_type": f"{name}ImageProcessor", "processor_class": f"{name}Processor"}
    path.write_text(json.dumps({**json.loads(path.read_text()), **names}))


def make_segmenter(folder: Path) -> Path:
    """Writes a SAM of a few thousand parameters with its image processor."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    folder.mkdir()
    config = transformers.SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 16,
            "num_pos_feats": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 16,
            "window_size": 2,
            "global_attn_indexes": [0],
            "mlp_dim": 16,
        },
        prompt_encoder_config={
            "hidden_size": 16,
            "image_size": 64,
            "patch_size": 16,
            "mask_input_channels": 4,
        },
        mask_decoder_config={
            "hidden_size": 16,
            "mlp_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "iou_head_depth": 2,
            "iou_head_hidden_dim": 16,
        },
    )
    transformers.SamModel(config).save_pretrained(folder)
    images = transformers.SamImageProcessorPil(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}
    )
    _save_as_on_the_hub(images, folder, "Sam")
    return folder
