"""The memory model against what is alive in real steps of small models."""

from dataclasses import replace

import pytest
import torch

from qvl.model.attention import Segments
from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.losses import answer_losses
from qvl.training.parallel.blocks import checkpoint_block
from qvl.training.parallel.layout import Checkpointing, Layout
from qvl.training.plan.memory import Widths, train_memory
from qvl.training.plan.work import Pack, Trained
from tests.training.plan.live_memory import LiveMemory

FLOAT32 = Widths(weight=4, frozen=4, compute=4, gradient=4)
_PARTS = {"tower": ("visual.", ""), "merger": ("visual.merger.", ""), "llm": ("model.", "lm_head")}


def _config(*, text: int, vision: int, vocab: int = 2048) -> ModelConfig:
    """Wide layers, so that what the formulas leave out stays small."""
    tiny = PRESETS["tiny"]
    return replace(
        tiny,
        text=replace(
            tiny.text,
            hidden_size=text,
            intermediate_size=5 * text // 2,
            num_hidden_layers=4,
            num_attention_heads=text // 64,
            num_key_value_heads=text // 128,
            vocab_size=vocab,
        ),
        vision=replace(
            tiny.vision,
            hidden_size=vision,
            intermediate_size=5 * vision // 2,
            num_heads=vision // 64,
            out_hidden_size=text,
        ),
    )


def _measured(
    config: ModelConfig,
    pack: Pack,
    trained: Trained,
    recompute: Checkpointing = "none",
    *,
    bf16: bool = False,
    packs: int = 1,
) -> int:
    """Peak bytes alive in the second of two steps of some packs."""
    model = Qwen2_5_VL(config)
    for block in (*model.visual.blocks, *model.model.layers):
        checkpoint_block(block, recompute)
    init_weights(model, torch.Generator().manual_seed(0))
    for name, parameter in model.named_parameters():
        part = "llm" if not name.startswith("visual.") else "tower"
        part = "merger" if name.startswith("visual.merger.") else part
        parameter.requires_grad_(getattr(trained, part))
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=1e-4, fused=True)
    ids = torch.randint(0, 400, (pack.num_tokens,))
    merged, answers = pack.num_patches // 4, pack.num_answers
    ids[:merged] = config.image_token_id
    pixels = torch.randn(pack.num_patches, config.vision.patch_dim)
    positions = torch.arange(pack.num_tokens).expand(3, -1)
    with LiveMemory([*model.parameters(), pixels]) as memory:
        for _ in range(2):
            memory.peak = memory.live
            for _ in range(packs):
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    with torch.set_grad_enabled(trained.sees):
                        features = model.encode_media(pixels, pack.grids) if merged else None
                    hidden = model.hidden_states(
                        ids, positions, segments=Segments(pack.lengths), media_embeds=features
                    )
                    losses, _ = answer_losses(
                        hidden[-answers:], ids[-answers:].clamp(max=400), model.logits
                    )
                losses.mean().backward()
                del features, hidden, losses
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    return memory.peak


TEXT_ONLY = Pack(lengths=(700, 324), answers=300)
TEXT_WITH_A_PICTURE = Pack(lengths=(500, 524), grids=((1, 4, 4),), answers=300)
PICTURES = Pack(lengths=(500, 300), grids=((1, 32, 32), (1, 16, 24)), answers=200)


@pytest.mark.parametrize(
    ("text", "vision", "pack", "trained"),
    [
        (256, 64, TEXT_ONLY, Trained()),
        (512, 64, replace(TEXT_ONLY, answers=None), Trained()),
        (256, 256, PICTURES, Trained()),
        (256, 256, PICTURES, Trained(tower=False)),
        (256, 256, PICTURES, Trained(tower=False, merger=False)),
        (256, 128, PICTURES, Trained(llm=False)),
        (256, 64, TEXT_WITH_A_PICTURE, Trained(llm=False)),
        (512, 128, Pack(lengths=(64,), answers=32), Trained()),  # weights outweigh activations
    ],
)
def test_a_step_holds_what_the_formulas_say(
    text: int, vision: int, pack: Pack, trained: Trained
) -> None:
    config = _config(text=text, vision=vision)
    measured = _measured(config, pack, trained)
    said = train_memory(config, pack, trained, widths=FLOAT32)
    assert said.total == pytest.approx(measured, rel=0.1), said


@pytest.mark.parametrize("recompute", ["selective", "full"])
@pytest.mark.parametrize(("pack", "vision"), [(TEXT_ONLY, 64), (PICTURES, 256)])
def test_what_is_computed_again_is_not_held(
    pack: Pack, vision: int, recompute: Checkpointing
) -> None:
    config = _config(text=256, vision=vision)
    config = replace(config, text=replace(config.text, num_hidden_layers=8))
    measured = _measured(config, pack, Trained(), recompute)
    said = train_memory(
        config,
        pack,
        Trained(),
        layout=Layout(dp_replicate=1, activation_checkpointing=recompute),
        widths=FLOAT32,
    )
    assert said.total == pytest.approx(measured, rel=0.1), said


@pytest.mark.parametrize("packs", [1, 2])
def test_what_learns_stands_beside_its_copies_in_bfloat16(packs: int) -> None:
    """A few tokens: all is weights."""
    config, pack = _config(text=512, vision=64), Pack(lengths=(64,), answers=32)
    trained = Trained(tower=False, merger=False)
    measured = _measured(config, pack, trained, bf16=True, packs=packs)
    said = train_memory(config, pack, trained, widths=Widths(frozen=4), accumulates=packs > 1)
    assert said.total == pytest.approx(measured, rel=0.05), said
