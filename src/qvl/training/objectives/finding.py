"""Losses that teach a language model to find the object that a question names.

"Locate the red circle" takes three steps, "What color is the circle?" too, and the answer says
little about any of them: the words have to reach the tokens that answer, attention has to match
them with the picture's tokens, and what stands there has to be brought back. Each step gets a loss
of its own.

    tower's output at an object's centre  -> names its kind and colour
    states where an object is asked about -> name what was said of it: kind, colour
    first head of one layer               -> attends to the picture's token at its centre
    states of the next layer              -> tell its box, digit by digit

Names are told by the rows of the model's own embedding, so both sides of the match speak of "red"
in the same direction. Nothing is added to the model: the layer that tells boxes is thrown away, as
the dense heads are. Source of the idea of a loss on attention:
pointer networks (arXiv 1506.03134); the rest is ours, see docs/log.md.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.data.collate_drawings import DrawingBatch
from qvl.errors import ConfigError
from qvl.model.language import TextAttention
from qvl.model.rotary import rotate
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.objectives.dense import box_digits
from qvl.training.parallel.sharing import need_whole_pack

# Scale of cosines before the softmax over names: certainty needs a cosine of about 0.5 more than
# the others have.
_SHARPNESS = 12.0
# Weight of telling the box: it has 18 digits, most of them hard.
_CARRIED = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The tokens that name what is seen.

    Attributes:
        kinds: int64[K], the last token of each kind's name; kinds beyond these have no name.
        colours: int64[C].
    """

    kinds: Tensor
    colours: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingLosses:
    """The sum of the four losses, each a mean, and what accuracies are made of.

    Attributes:
        total: float[], to minimise.
        named_right: tokens that tell all rightly that was said of their object.
        num_named: tokens that are about an object with a name, before its coordinates.
        found_right: tokens from which the head looks most at the right token.
        num_found: tokens that are about an object, before its coordinates.
        carried_right: digits of boxes told rightly by the next layer.
        num_carried: digits of boxes.
    """

    total: Tensor
    named_right: Tensor
    num_named: int
    found_right: Tensor
    num_found: int
    carried_right: Tensor
    num_carried: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What an attention layer was given: float[T, D], and cosines and sines of its positions."""

    layer: TextAttention
    x: Tensor
    cos: Tensor
    sin: Tensor


@contextmanager
def watching(layers: Iterable[nn.Module]) -> Iterator[list[Watched]]:
    """Remembers what the attention of decoder layers is given while the block runs, in the order in
    which they run."""
    watched: list[Watched] = []

    def remember(module: nn.Module, args: tuple[Any, ...]) -> None:
        assert isinstance(module, TextAttention)
        x, cos, sin, _ = args
        watched.append(Watched(layer=module, x=x, cos=cos, sin=sin))

    hooks = []
    for layer in layers:
        need_whole_pack("the losses of finding")
        assert isinstance(layer.self_attn, TextAttention)
        hooks.append(layer.self_attn.register_forward_pre_hook(remember))
    try:
        yield watched
    finally:
        for hook in hooks:
            hook.remove()


def finding_losses(
    watched: Sequence[Watched],
    features: Tensor,
    batch: DrawingBatch,
    *,
    table: Tensor,
    names: Names,
    carried: nn.Module,
) -> FindingLosses:
    """Returns the losses of a batch.

    Args:
        watched: the layer whose first head has to find, and the next.
        features: float[M, D], the tower's output.
        batch: has the labels.
        table: float[V, D], embeddings of tokens.
        names: tokens of the names.
        carried: states to the logits of the digits of `dense.box_digits`.
    """
    finds, knows = watched
    total = features.new_zeros((), dtype=torch.float32)
    named = batch.dense.kinds < len(names.kinds)
    labels = torch.stack([batch.dense.kinds, batch.dense.colours], 1)
    seen = features[batch.dense.objects][named]
    everything = labels.new_ones((len(seen), 2), dtype=torch.bool)
    seen_loss, _ = _naming(seen, labels[named], everything, table, names)
    at = torch.nonzero(batch.asked >= 0).flatten()
    # A coordinate's later digits follow from its first ones.
    free = ~batch.is_coordinate[at]
    about = batch.asked[at]
    with_name = free & named[about]
    named_at = at[with_name]
    asked_loss, named_right = _naming(
        finds.x[named_at], labels[about][with_name], batch.said[named_at], table, names
    )
    wanted = batch.dense.tokens[about]
    scores = _first_head_scores(finds, at, batch)
    found_right = ((scores.detach().argmax(-1) == wanted) & free).sum()
    digits = box_digits(batch.dense.boxes[about]).flatten()
    told = carried(knows.x[at].float()).view(-1, 10)
    if len(at):
        total = total + F.cross_entropy(scores, wanted) + _CARRIED * F.cross_entropy(told, digits)
    return FindingLosses(
        total=total + seen_loss + asked_loss,
        named_right=named_right,
        num_named=int(with_name.sum()),
        found_right=found_right,
        num_found=int(free.sum()),
        carried_right=(told.detach().argmax(-1) == digits).sum(),
        num_carried=len(digits),
    )


def check_finding_layer(model: Qwen2_5_VL, layer: int) -> None:
    """Refuses a layer that has no next one, which is to know what this one found.

    Raises:
        ConfigError: with the number of layers.
    """
    num_layers = len(model.model.layers)
    if layer + 2 > num_layers:
        raise ConfigError(
            f"finding_layer is {layer}, expected at most the last but one of {num_layers} layers"
        )


def name_tokens(
    encode: Callable[[str], Sequence[int]], kinds: Sequence[str], colours: Sequence[str]
) -> Names:
    """Returns the last token of each name as it stands in a sentence.

    Raises:
        ConfigError: two names end in one token, which could not tell them apart.
    """
    tokens = []
    for names in (kinds, colours):
        last = [encode(" " + name)[-1] for name in names]
        if len(set(last)) < len(last):
            raise ConfigError(
                f"of the names {', '.join(names)} two end in the same token",
                hint="train a vocabulary on texts that contain them",
            )
        tokens.append(torch.tensor(last, dtype=torch.int64))
    return Names(kinds=tokens[0], colours=tokens[1])


def _naming(
    states: Tensor, labels: Tensor, said: Tensor, table: Tensor, names: Names
) -> tuple[Tensor, Tensor]:
    """The mean loss of naming float[n, D] by those of int64[n, 2] that were said, and how many got
    all of them right."""
    loss = states.new_zeros((), dtype=torch.float32)
    right = torch.ones(len(states), dtype=torch.bool, device=states.device)
    directions = F.normalize(states.float(), dim=-1)
    for tokens, wanted, is_said in zip((names.kinds, names.colours), labels.T, said.T, strict=True):
        words = F.normalize(table[tokens].float(), dim=-1)
        logits = _SHARPNESS * directions @ words.T
        losses = F.cross_entropy(logits, wanted, reduction="none")
        loss = loss + (losses * is_said).sum() / is_said.sum().clamp(min=1)
        right = right & ((logits.detach().argmax(-1) == wanted) | ~is_said)
    return loss, right.sum()


def _first_head_scores(watched: Watched, at: Tensor, batch: DrawingBatch) -> Tensor:
    """float32[len(at), T], what the first head's softmax at these tokens is taken of."""
    layer, size = watched.layer, watched.layer.head_dim
    x, cos, sin = watched.x, watched.cos, watched.sin
    query = F.linear(x[at], layer.q_proj.weight[:size], layer.q_proj.bias[:size])
    key = F.linear(x, layer.k_proj.weight[:size], layer.k_proj.bias[:size])
    query = rotate(query[:, None], cos[at], sin[at])[:, 0]
    key = rotate(key[:, None], cos, sin)[:, 0]
    scores = (query @ key.T).float() / size**0.5
    places = torch.arange(len(batch.asked), device=at.device)
    unseen = (batch.sample_of_token[at][:, None] != batch.sample_of_token) | (places > at[:, None])
    return scores.masked_fill(unseen, float("-inf"))
