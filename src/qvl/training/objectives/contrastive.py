"""Contrastive pre-training of the vision tower: a picture and its caption find each other.

Owns: pooling a picture's patches, the projections, the two losses over all ranks. Does not own: the
text tower (``text_tower``), captions (``data``).

    pictures -> vision tower -> patches before the merger -> pool -> projection --+
    captions -> text tower -> projection -------------------------------------------+-> features
    features of all ranks -> similarities -> loss of this rank's rows and columns

The vision tower is the model's own, so its weights are where they belong afterwards; the merger is
left to the next stage, which aligns the tower with the language model. Everything else is thrown
away.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.data.collate_captions import CaptionBatch, collate_captions
from qvl.data.packing import Packed
from qvl.errors import ConfigError
from qvl.model.layers import RMSNorm
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.metrics import Meter
from qvl.training.parallel.exchange import gather_rows
from qvl.training.parallel.sharing import need_whole_pack
from qvl.training.text_tower import TextTower, mean_by_segment, segments_of

ContrastiveLoss = Literal["clip", "siglip"]
Pool = Literal["mean", "attention"]

# Log of the scale that similarities are multiplied with, and its bias. Source: CLIP (arXiv
# 2103.00020), sections 2.5 (0.07 to begin with, at most 100); SigLIP (arXiv 2303.15343), section
# 3.2 (log 10 and -10).
_FIRST_SCALE = {"clip": math.log(1 / 0.07), "siglip": math.log(10.0)}
_FIRST_BIAS = -10.0
_LARGEST_SCALE = math.log(100.0)


class AttentionPool(nn.Module):
    """One learnt query for each head looks at all patches of a picture.

    Source: SigLIP's attention pooling (arXiv 2303.15343; big_vision models/vit.py, MAPHead), here
    without its perceptron.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        if width % num_heads:
            raise ConfigError(f"{num_heads} heads cannot share {width} channels evenly")
        self.query = nn.Parameter(torch.randn(num_heads, width // num_heads))
        self.keys = nn.Linear(width, width)
        self.values = nn.Linear(width, width)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        """Returns float[S, D] of float[P, D] in segments of these lengths."""
        heads, size = self.query.shape
        keys, values = (part(x).unflatten(-1, (heads, size)) for part in (self.keys, self.values))
        scores = (keys * self.query).sum(-1).float() * size**-0.5
        segment = segments_of(lengths, x.device)
        weights = _softmax_by_segment(scores, segment, len(lengths))
        seen = (weights[..., None] * values).flatten(1)
        return seen.new_zeros(len(lengths), x.shape[1]).index_add(0, segment, seen)


def _softmax_by_segment(scores: Tensor, segment: Tensor, count: int) -> Tensor:
    """Returns float[P, H], which adds up to 1 in each segment."""
    index = segment[:, None].expand_as(scores)
    most = scores.new_full((count, scores.shape[1]), -torch.inf)
    most = most.scatter_reduce(0, index, scores.detach(), "amax")
    powers = (scores - most[segment]).exp()
    sums = powers.new_zeros(most.shape).index_add(0, segment, powers)
    return powers / sums[segment]


class ContrastiveHeads(nn.Module):
    """What contrastive training needs beside the vision tower.

    Args:
        vision_width: channels of the vision tower.
        text: the text tower.
        width: channels in which pictures and captions are compared.
        kind: of loss, for the first scale and bias.
        pool: how a picture's patches become one vector.
        num_heads: of the attention pool.
    """

    def __init__(
        self,
        vision_width: int,
        text: TextTower,
        *,
        width: int,
        kind: ContrastiveLoss,
        pool: Pool = "attention",
        num_heads: int = 8,
    ) -> None:
        super().__init__()
        if kind not in get_args(ContrastiveLoss) or pool not in get_args(Pool):
            raise ConfigError(
                f"loss {kind!r} and pool {pool!r}, expected one of "
                f"{', '.join(get_args(ContrastiveLoss))} and one of {', '.join(get_args(Pool))}"
            )
        self.norm = RMSNorm(vision_width, text.norm.eps)
        self.pool = AttentionPool(vision_width, num_heads) if pool == "attention" else None
        self.text = text
        self.picture_projection = nn.Linear(vision_width, width, bias=False)
        self.caption_projection = nn.Linear(text.config.hidden_size, width, bias=False)
        self.kind: ContrastiveLoss = kind
        self.log_scale = nn.Parameter(torch.tensor(_FIRST_SCALE[kind]))
        self.bias = nn.Parameter(torch.tensor(_FIRST_BIAS)) if kind == "siglip" else None

    def pictures(self, patches: Tensor, lengths: Sequence[int]) -> Tensor:
        """Returns float32[S, width] of length 1.

        Args:
            patches: float[P, vision_width], the vision tower before its merger.
            lengths: patches of each picture.
        """
        x = self.norm(patches)
        pooled = mean_by_segment(x, lengths) if self.pool is None else self.pool(x, lengths)
        return F.normalize(self.picture_projection(pooled).float(), dim=-1)

    def captions(self, input_ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Returns float32[S, width] of length 1; arguments as of `TextTower.forward`."""
        return F.normalize(self.caption_projection(self.text(input_ids, lengths)).float(), dim=-1)

    @property
    def scale(self) -> Tensor:
        """What similarities are multiplied with; the logarithm is learnt, and CLIP's is bounded."""
        bounded = self.kind == "clip"
        return (self.log_scale.clamp(max=_LARGEST_SCALE) if bounded else self.log_scale).exp()


@dataclass(frozen=True, kw_only=True, slots=True)
class ContrastiveObjective:
    """Pictures and captions of the same number match, all others of all ranks do not.

    Attributes:
        heads: trained with the tower.
    """

    heads: ContrastiveHeads

    def collate(self, pack: Sequence[Packed]) -> CaptionBatch:
        return collate_captions(pack)

    def counts(self, batch: CaptionBatch) -> Tensor:
        """Pictures."""
        return torch.tensor([len(batch.lengths)], dtype=torch.float64)

    def loss(self, model: Qwen2_5_VL, batch: CaptionBatch, totals: Tensor, meter: Meter) -> Tensor:
        heads = self.heads
        pictures, captions = embed(model, heads, batch)
        sizes = _sizes(len(pictures), pictures.device)
        all_pictures, all_captions = _gather(pictures, sizes), _gather(captions, sizes)
        first = sum(sizes[: dist.get_rank()]) if len(sizes) > 1 else 0
        if heads.kind == "clip":
            loss = clip_loss(
                pictures, captions, all_pictures, all_captions, first=first, scale=heads.scale
            )
        else:
            assert heads.bias is not None
            loss = siglip_loss(
                pictures, all_captions, first=first, scale=heads.scale, bias=heads.bias
            )
        _count(meter, pictures, captions, all_pictures, all_captions, first)
        return loss / (float(totals[0]) or 1.0)


def embed(model: Qwen2_5_VL, heads: ContrastiveHeads, batch: CaptionBatch) -> tuple[Tensor, Tensor]:
    """Returns the vectors of pictures and captions, float32[S, width] each."""
    with _before_merger(model) as seen:
        model.encode_media(batch.pixel_values, batch.grid_thw)
    patches = torch.cat(seen)
    lengths = [t * h * w for t, h, w in batch.grid_thw]
    captions = heads.captions(batch.input_ids, batch.lengths)
    if not lengths:
        # The tower ran on a blank token: its weights take part, with a gradient of zero.
        return heads.pictures(patches, [len(patches)])[:0], captions
    return heads.pictures(patches, lengths), captions


@contextmanager
def _before_merger(model: Qwen2_5_VL) -> Iterator[list[Tensor]]:
    """Collects what the merger is given while the block runs, float[P, D] each.

    Patches stand in the order of windows there, but those of a picture are together.
    """
    need_whole_pack("contrastive losses")
    seen: list[Tensor] = []

    def remember(module: nn.Module, args: tuple[Any, ...]) -> None:
        seen.append(args[0])

    hook = model.visual.merger.register_forward_pre_hook(remember)
    try:
        yield seen
    finally:
        hook.remove()


def clip_loss(
    pictures: Tensor,
    captions: Tensor,
    all_pictures: Tensor,
    all_captions: Tensor,
    *,
    first: int,
    scale: Tensor,
) -> Tensor:
    """Returns this rank's sum of half the cross-entropy of each picture over all captions, and of
    each caption over all pictures.

    Source: CLIP (arXiv 2103.00020), figure 3.

    Args:
        pictures: float32[n, D], this rank's, of length 1.
        captions: float32[n, D].
        all_pictures: float32[N, D], of all ranks.
        all_captions: float32[N, D].
        first: place of this rank's first among all.
        scale: float32[].
    """
    labels = torch.arange(first, first + len(pictures), device=pictures.device)
    rows = F.cross_entropy(scale * pictures @ all_captions.T, labels, reduction="sum")
    columns = F.cross_entropy(scale * captions @ all_pictures.T, labels, reduction="sum")
    return (rows + columns) / 2


def siglip_loss(
    pictures: Tensor, all_captions: Tensor, *, first: int, scale: Tensor, bias: Tensor
) -> Tensor:
    """Returns this rank's sum over its pictures and all captions: every pair is a question of yes
    or no.

    Source: SigLIP (arXiv 2303.15343), algorithm 1. Arguments as of `clip_loss`.
    """
    logits = scale * pictures @ all_captions.T + bias
    at = torch.arange(len(pictures), device=pictures.device)
    signs = torch.full_like(logits, -1.0).index_put((at, at + first), logits.new_ones(()))
    return -F.logsigmoid(signs * logits).sum()


def _gather(rows: Tensor, sizes: Sequence[int]) -> Tensor:
    """Returns the rows of all ranks in the order of ranks, float[N, D], of `_sizes`."""
    if len(sizes) == 1:
        return rows
    assert dist.group.WORLD is not None
    return gather_rows(rows, sizes, dist.group.WORLD)


def _sizes(count: int, device: torch.device) -> list[int]:
    """How many pictures each rank has."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [count]
    counts = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=device)
    counts[dist.get_rank()] = count
    dist.all_reduce(counts)
    return [int(number) for number in counts]


@torch.no_grad()
def _count(
    meter: Meter,
    pictures: Tensor,
    captions: Tensor,
    all_pictures: Tensor,
    all_captions: Tensor,
    first: int,
) -> None:
    """How often the right one among all of the step is the nearest, beside what chance would do."""
    if not len(pictures):
        return
    labels = torch.arange(first, first + len(pictures), device=pictures.device)
    pairs = (("captions", pictures, all_captions), ("pictures", captions, all_pictures))
    for name, ours, theirs in pairs:
        right = (ours @ theirs.T).argmax(-1) == labels
        meter.ratio(f"retrieval/{name}", right.sum(), len(pictures))
    meter.ratio("retrieval/chance", len(pictures) / len(all_pictures), len(pictures))
