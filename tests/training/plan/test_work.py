"""Operations of training against torch's own counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from qvl.model.attention import Segments
from qvl.model.cost import text_attention_flops
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.plan.work import Pack, Trained, step_flops

TINY = PRESETS["tiny"]
PACK = Pack(lengths=(90, 40), grids=((1, 16, 12), (2, 8, 4)), answers=25)


def _counted(trained: Trained) -> int:
    model = Qwen2_5_VL(TINY)
    init_weights(model, torch.Generator().manual_seed(0))
    model.attention_backend = "matmul"  # the fused kernels are not counted
    for name, parameter in model.named_parameters():
        part = "merger" if name.startswith("visual.merger.") else "llm"
        part = "tower" if part == "llm" and name.startswith("visual.") else part
        parameter.requires_grad_(getattr(trained, part))
    ids = torch.randint(0, 400, (PACK.num_tokens,))
    ids[: PACK.num_patches // 4] = TINY.image_token_id
    pixels = torch.randn(PACK.num_patches, TINY.vision.patch_dim)
    positions = torch.arange(PACK.num_tokens).expand(3, -1)
    with FlopCounterMode(display=False) as counter:
        with torch.set_grad_enabled(trained.sees):
            features = model.encode_media(pixels, PACK.grids)
        hidden = model.hidden_states(
            ids, positions, segments=Segments(PACK.lengths), media_embeds=features
        )
        model.logits(hidden[-PACK.num_answers :]).sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    "trained",
    [
        Trained(),
        Trained(tower=False),
        Trained(tower=False, merger=False),
        Trained(llm=False),
        Trained(llm=False, tower=False),
    ],
)
def test_operations_of_a_step(trained: Trained) -> None:
    # The batched products compute the half of the pairs that causality hides.
    hidden = sum(
        text_attention_flops(TINY.text, num_tokens=length) * (length - 1) // (length + 1)
        for length in PACK.lengths
    )
    said = step_flops(TINY, PACK, trained).model + 3 * hidden
    assert said == pytest.approx(_counted(trained), rel=0.01)
