"""A start for the patch embedding that sees everything: the principal components of real patches,
whitened.

A random projection of 14 x 14 patches is dominated by brightness and slow gradients; strokes of
letters are a small share of it and must first be found. Whitening gives every direction of the
data the same size from the first step.
Source: LeCun et al. 1998, "Efficient BackProp", section 4.3 (decorrelated, equalised inputs).
"""

import torch
from torch import Tensor

from qvl.model.vlm import Qwen2_5_VL

# Added to every variance (pixels are normalised to about 1): directions below it are noise and
# stay small.
_FLOOR = 0.02


@torch.no_grad()
def whiten_patch_embedding(model: Qwen2_5_VL, pixel_values: Tensor) -> None:
    """Sets the patch embedding to the leading whitened components of the patches given, in place.

    Args:
        model: its tower reads two frames, which are equal in a picture.
        pixel_values: float32[P, 1176], at least as many as channels.
    """
    weight = model.visual.patch_embed.proj.weight
    width, channels, frames, side, _ = weight.shape
    frame = pixel_values.view(-1, channels, frames, side * side)[:, :, 0].flatten(1).double()
    frame = frame - frame.mean(0)
    variances, directions = torch.linalg.eigh(frame.T @ frame / len(frame))
    leading = variances.argsort(descending=True)[:width]
    rows = directions[:, leading].T / (variances[leading] + _FLOOR).sqrt()[:, None]
    spread = rows.view(-1, channels, 1, side, side).expand(-1, -1, frames, -1, -1) / frames
    weight.zero_()
    weight[: len(spread)] = spread.to(weight)
