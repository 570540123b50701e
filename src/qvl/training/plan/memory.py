"""Bytes that training needs on one accelerator, by what they are for.

Owns the formulas. Does not own the choice of a layout (``layouts``).

    ModelConfig, Pack, Trained, Layout -> train_memory -> Memory

What is kept for the backward pass is counted tensor by tensor from the layers of this package
(``model/language``, ``model/vision``) as autograd keeps them; tests hold the sum to within a tenth
of what is alive in real steps.
"""

from dataclasses import dataclass, fields

from qvl.model.config import ModelConfig, TextConfig, VisionConfig
from qvl.model.cost import num_parameters, text_parameters, vision_parameters
from qvl.training.parallel.layout import Checkpointing, Layout
from qvl.training.plan.work import Pack, Trained

ONE_RANK = Layout(dp_replicate=1)

# Rows of logits in work at once; see `training/losses`.
_LOGIT_ROWS = 4096
# Adam keeps two moments in float32. Source: arXiv 1412.6980, algorithm 1.
_MOMENT_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Widths:
    """Bytes of a number.

    Attributes:
        weight: as kept and updated; 4 where bfloat16 is computed with.
        frozen: of weights that do not learn; 2, or less when quantised.
        compute: of activations and gathered weights.
        gradient: as summed.
        ema: of averaged weights; 0 without.
    """

    weight: float = 4
    frozen: float = 2
    compute: float = 2
    gradient: float = 4
    ema: float = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes on one accelerator at the worst moment of a step.

    Attributes:
        weights: of this rank.
        gradients: of this rank.
        optimiser: moments.
        ema: averaged weights.
        gathered: whole layers while they run, and their gradients before they are cut.
        activations: kept for the backward pass; with the copies of weights that autocast makes.
        working: what one layer needs while its backward pass runs.
        logits: of the largest chunk of answers, with their gradient.
        pixels: patches of the pack.
        accumulates: gradients of earlier packs stand beside the activations.
    """

    weights: int
    gradients: int
    optimiser: int
    ema: int
    gathered: int
    activations: int
    working: int
    logits: int
    pixels: int
    accumulates: bool = False

    @property
    def total(self) -> int:
        """All of them. Gradients grow while activations go: the larger counts, with what is fixed.

        With sharded weights both stand beside what is gathered.
        """
        fixed = self.weights + self.optimiser + self.ema + self.gathered + self.pixels
        forward = self.activations + max(self.working, self.logits)
        forward += self.gradients if self.accumulates else 0
        return fixed + max(forward, self.gradients + self.working)

    def parts(self) -> dict[str, int]:
        """Name of each part and its bytes."""
        names = [field.name for field in fields(self) if field.name != "accumulates"]
        return {name: getattr(self, name) for name in names}


def train_memory(
    config: ModelConfig,
    pack: Pack,
    trained: Trained,
    *,
    layout: Layout = ONE_RANK,
    widths: Widths | None = None,
    accumulates: bool = False,
) -> Memory:
    """Returns what one accelerator holds.

    Args:
        config: of the model.
        pack: of one group of context-parallel ranks.
        trained: parts that learn.
        layout: how the ranks share the work, every number known.
        widths: bytes of numbers.
        accumulates: gradients of an earlier pack stand there when the next one begins.
    """
    widths = widths or Widths()
    learning, frozen, tables = _counts(config, trained)
    cut = (layout.dp_shard or 1) * layout.pack_ranks  # ranks that share the weights
    gradients = learning * widths.gradient / cut
    tokens, patches = pack.num_tokens / layout.cp, pack.num_patches / layout.cp
    text_kept, text_work = _text_values(
        config.text, layout.activation_checkpointing, learns=trained.llm
    )
    vision_kept, vision_work = _vision_values(config.vision, layout.activation_checkpointing)
    merger_kept = 4 * config.vision.hidden_size + config.text.hidden_size / 4
    vision_kept = merger_kept * trained.sees + vision_kept * trained.tower
    kept = (tokens * text_kept + patches * vision_kept) * widths.compute / layout.tp
    # The residual of the media and the embeddings.
    kept += tokens * config.text.hidden_size * widths.compute
    if cut == 1 and widths.compute < widths.weight:  # shards are cast as they are gathered
        kept += learning * widths.compute
    working = max(tokens * text_work, patches * vision_work) * widths.compute / layout.tp
    rows = min(_LOGIT_ROWS, pack.num_answers / layout.cp)
    logits = 3 * 4 * rows * config.text.vocab_size / layout.tp
    head = config.text.vocab_size * config.text.hidden_size * widths.gradient
    logits += head if trained.llm and not trained.lora_rank and cut == 1 else 0
    return Memory(
        weights=round(
            (learning * widths.weight + frozen * widths.frozen + tables * max(2, widths.frozen))
            / cut
        ),
        gradients=round(gradients),
        optimiser=round(learning * _MOMENT_BYTES / cut),
        ema=round(learning * widths.ema / cut),
        gathered=round(_gathered(config, trained, layout, widths)),
        activations=round(kept),
        working=round(working),
        logits=round(logits),
        pixels=round(patches * config.vision.patch_dim * 4),
        accumulates=accumulates,
    )


def learning_parameters(config: ModelConfig, trained: Trained) -> int:
    """Numbers that learn: of the parts that train, or of their adapters."""
    if trained.lora_rank:
        return lora_parameters(config, trained)
    tower, merger = vision_parameters(config.vision)
    llm = text_parameters(config.text)
    return tower * trained.tower + merger * trained.merger + llm * trained.llm


def _counts(config: ModelConfig, trained: Trained) -> tuple[int, int, int]:
    """Numbers that learn, that are frozen, and frozen ones that are never quantised: embeddings."""
    text = config.text
    tables = (1 if text.tie_word_embeddings else 2) * text.vocab_size * text.hidden_size
    learning = learning_parameters(config, trained)
    frozen = num_parameters(config) - (0 if trained.lora_rank else learning)
    kept = 0 if trained.llm and not trained.lora_rank else tables
    return learning, frozen - kept, kept


def lora_parameters(config: ModelConfig, trained: Trained) -> int:
    """Numbers in the adapters on every matrix of the parts that train.

    Source: Hu et al. 2021 (arXiv 2106.09685): rank x (inputs + outputs) for each matrix.
    """
    text, vision = config.text, config.vision
    total = 0
    if trained.llm:
        size, kv_size = text.hidden_size, text.num_key_value_heads * text.head_dim
        attention = 2 * (size + size) + 2 * (size + kv_size)
        total += text.num_hidden_layers * (attention + 3 * (size + text.intermediate_size))
    if trained.tower:
        size = vision.hidden_size
        attention = (size + 3 * size) + (size + size)
        total += vision.depth * (attention + 3 * (size + vision.intermediate_size))
    if trained.merger:
        merged = vision.hidden_size * vision.merge_unit
        total += (merged + merged) + (merged + vision.out_hidden_size)
    return trained.lora_rank * total


def _gathered(config: ModelConfig, trained: Trained, layout: Layout, widths: Widths) -> float:
    """Two layers in the width of computing (the next is fetched while one runs), or the embedding
    if it is larger, and one layer's gradient before it is cut and summed. Tensor parallel ranks
    share layers, but each has the whole embedding and head while they run."""
    if (layout.dp_shard or 1) * layout.pack_ranks == 1:
        return 0.0
    text = config.text
    table = text.vocab_size * text.hidden_size
    tables = 1 if text.tie_word_embeddings else 2
    layer = (text_parameters(text) - tables * table) / text.num_hidden_layers / layout.tp
    whole = max(2 * layer, table + layer) * widths.compute
    return whole + (0.0 if trained.lora_rank else max(layer, table) * widths.gradient)


def _text_values(
    config: TextConfig, recompute: Checkpointing, *, learns: bool
) -> tuple[float, float]:
    """Numbers per token that all layers keep, and that one layer works on going backwards.

    A layer keeps both residuals, both norms' results, queries, keys and values in the order of
    attention, its result as it is and as joined, and four of the perceptron (gate, up, the gate
    after its non-linearity, the product). What goes into a frozen matrix is not kept: the norms'
    results, the joined result of attention, the product.
    """
    size, inner = config.hidden_size, config.intermediate_size
    kv_size = config.num_key_value_heads * config.head_dim
    layer = 7 * size + 2 * kv_size + 4 * inner
    if not learns:
        layer -= 3 * size + inner
    if recompute == "full":
        return config.num_hidden_layers * size, layer + 3 * inner
    work = 3 * inner + 2 * size
    if recompute == "selective":  # results of products and of attention, and the residual
        kept = 2 * size + 2 * kv_size + size + size + 2 * inner + size
        return config.num_hidden_layers * kept, work + 2 * inner + 2 * size
    return config.num_hidden_layers * layer, work


def _vision_values(config: VisionConfig, recompute: Checkpointing) -> tuple[float, float]:
    """The same per patch. Queries, keys and values are one product here."""
    size, inner = config.hidden_size, config.intermediate_size
    layer = 9.5 * size + 4 * inner
    work = 3 * inner + 2 * size
    if recompute == "full":
        return config.depth * size, layer + 3 * inner
    if recompute == "selective":
        return config.depth * (7 * size + 2 * inner), work + 2 * inner + 2 * size
    return config.depth * layer, work
