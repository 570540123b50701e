"""A model, packs and an objective small enough to be trained on four ranks in a second."""

import multiprocessing
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import start_processes

from qvl.model.attention import Segments
from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.model.windows import Grid
from qvl.training.losses import head_loss
from qvl.training.parallel.processes import _rank_main

VOCABULARY, IMAGE = 48, 40


def on_ranks(main: Callable[..., None], *args: Any, processes: int) -> None:
    """As `launch` starts them, but from a process that has imported torch: it takes seconds.

    A rank that waits for another for a minute fails, so what hangs is a failure.
    """
    multiprocessing.set_forkserver_preload(["qvl.training.parallel.prepare"])
    with tempfile.TemporaryDirectory() as folder:
        start_processes(
            _rank_main, (processes, folder, 60.0, main, args), nprocs=processes,
            start_method="forkserver",
        )  # fmt: skip


def small_config(*, tied: bool) -> ModelConfig:
    """Four heads, two of them for keys, so that two ranks can share a layer."""
    tiny = PRESETS["tiny"]
    vision = replace(
        tiny.vision, depth=2, hidden_size=16, intermediate_size=24, num_heads=2,
        fullatt_block_indexes=(1,), out_hidden_size=32,
    )  # fmt: skip
    text = replace(
        tiny.text, vocab_size=VOCABULARY, hidden_size=32, intermediate_size=24,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        mrope_section=(1, 1, 2), tie_word_embeddings=tied,
    )  # fmt: skip
    return replace(
        tiny, vision=vision, text=text, image_token_id=IMAGE, video_token_id=41,
        vision_start_token_id=42, vision_end_token_id=43, vision_token_id=44,
    )  # fmt: skip


def small_model(*, tied: bool = False) -> Qwen2_5_VL:
    """The same weights every time; biases too are random, so that none is missed."""
    model = Qwen2_5_VL(small_config(tied=tied))
    generator = torch.Generator().manual_seed(3)
    init_weights(model, generator, std=0.2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.1, generator=generator)
    return model


@dataclass(frozen=True, kw_only=True, slots=True)
class Pack:
    """Samples in a row; every token but a sample's last predicts the next."""

    input_ids: Tensor
    position_ids: Tensor
    lengths: tuple[int, ...]
    pixel_values: Tensor
    grid_thw: tuple[Grid, ...]


def small_pack(seed: int, samples: list[tuple[int, list[Grid]]]) -> Pack:
    """One pack.

    Args:
        seed: of pixels and words.
        samples: words of text and the pictures before them.
    """
    generator = torch.Generator().manual_seed(seed)
    ids, lengths, grids = [], [], []
    for words, pictures in samples:
        count = sum(t * h * w // 4 for t, h, w in pictures)
        text = torch.randint(0, IMAGE, (words,), generator=generator)
        ids.append(torch.cat([torch.full((count,), IMAGE), text]))
        lengths.append(count + words)
        grids += pictures
    patches = sum(t * h * w for t, h, w in grids)
    return Pack(
        input_ids=torch.cat(ids),
        position_ids=torch.cat([torch.arange(n).expand(3, n) for n in lengths], 1)
        + torch.arange(3)[:, None],
        lengths=tuple(lengths),
        pixel_values=torch.randn(patches, 1176, generator=generator),
        grid_thw=tuple(grids),
    )  # fmt: skip


# A step has four packs: of several samples and pictures, without pictures, of one sample, of one
# that is shorter than the ranks that may share it.
STEPS = (
    (
        small_pack(0, [(9, [(1, 4, 4)]), (7, [(3, 4, 6), (1, 4, 8)])]),
        small_pack(1, [(5, []), (11, []), (1, [])]),
        small_pack(2, [(14, [(1, 8, 4)])]),
        small_pack(3, [(3, [])]),
    ),
    tuple(small_pack(seed, [(4 + seed, [])]) for seed in range(4)),
    (
        small_pack(4, [(4, [])]),
        small_pack(5, [(6, [(2, 4, 4)]), (5, [])]),
        small_pack(6, [(3, [(1, 2, 2)])] * 3),
        small_pack(7, [(8, [])]),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Predict:
    """Predicts every next token, and reads the tower's features with a head that is not the
    model's."""

    heads: nn.Linear

    def counts(self, pack: Pack) -> Tensor:
        return torch.tensor([sum(pack.lengths) - len(pack.lengths)], dtype=torch.float64)

    def loss(self, model: Qwen2_5_VL, pack: Pack, totals: Tensor) -> Tensor:
        features = model.encode_media(pack.pixel_values, pack.grid_thw)
        segments = Segments(pack.lengths)
        hidden = model.hidden_states(
            pack.input_ids, pack.position_ids, segments=segments, media_embeds=features
        )
        last = torch.zeros(len(hidden), dtype=torch.bool)
        last[torch.tensor(segments.offsets[1:]) - 1] = True
        at = torch.nonzero(~last).flatten()
        weights = torch.full((len(at),), 1 / float(totals[0]))
        found = head_loss(model, hidden[at], pack.input_ids[at + 1], weights, z_loss=1e-3)
        assert len(found.losses) == len(found.right) == len(at)
        seen = self.heads(features.float()).square().sum()
        return found.total + 0.1 * seen / float(totals[0])
