"""What running a model costs, from its configuration alone: parameters, operations, bytes.

Owns the formulas. Does not own measurements, nor what a prompt consists of. Needs no torch.

    ModelConfig + sizes -> floating-point operations (a multiply-add counts as two), bytes

Source: the layers of this package (vision, language), matrix product by matrix product; norms,
rotations and softmax are below one percent and left out.
"""

from qvl.model.config import ModelConfig, TextConfig, VisionConfig


def num_parameters(config: ModelConfig) -> int:
    """Numbers in the weights; a tied head is counted once.

    Source of the released totals that tests compare with: the sizes of the published files.
    """
    return sum(vision_parameters(config.vision)) + text_parameters(config.text)


def vision_flops(config: VisionConfig, grid: tuple[int, int, int]) -> int:
    """Operations of the tower on one image or video of this (time, height, width) in patches."""
    t, h, w = grid
    hidden = config.hidden_size
    per_patch = 4 * hidden * hidden + 3 * hidden * config.intermediate_size
    linear = 2 * t * h * w * config.depth * per_patch
    around = patch_embed_flops(config, grid) + merger_flops(config, grid)
    return around + linear + vision_attention_flops(config, grid)


def patch_embed_flops(config: VisionConfig, grid: tuple[int, int, int]) -> int:
    """Operations of the patch embedding alone."""
    t, h, w = grid
    return 2 * t * h * w * config.patch_dim * config.hidden_size


def merger_flops(config: VisionConfig, grid: tuple[int, int, int]) -> int:
    """Operations of the merger alone."""
    t, h, w = grid
    merged = config.hidden_size * config.merge_unit
    return 2 * (t * h * w // config.merge_unit) * merged * (merged + config.out_hidden_size)


def vision_attention_flops(config: VisionConfig, grid: tuple[int, int, int]) -> int:
    """Operations of the tower's attention alone, without its projections."""
    t, h, w = grid
    num_full = len(config.fullatt_block_indexes)
    num_windowed = config.depth - num_full
    pairs = t * (num_full * (h * w) ** 2 + num_windowed * _window_pairs(config, h, w))
    return 4 * config.hidden_size * pairs


def text_flops(
    config: TextConfig, *, num_tokens: int, num_past: int = 0, num_logits: int = 1
) -> int:
    """Operations of the language model on new tokens that follow ``num_past`` cached ones.

    Args:
        num_logits: for how many tokens the head runs.
    """
    hidden, kv_size = config.hidden_size, config.num_key_value_heads * config.head_dim
    per_token = 2 * hidden * (hidden + kv_size) + 3 * hidden * config.intermediate_size
    layers = 2 * config.num_hidden_layers * num_tokens * per_token
    attention = text_attention_flops(config, num_tokens=num_tokens, num_past=num_past)
    return layers + attention + text_head_flops(config, num_logits)


def text_attention_flops(config: TextConfig, *, num_tokens: int, num_past: int = 0) -> int:
    """Operations of the language model's attention alone, without its projections."""
    pairs = num_tokens * num_past + num_tokens * (num_tokens + 1) // 2
    return 4 * config.num_hidden_layers * config.hidden_size * pairs


def text_head_flops(config: TextConfig, num_logits: int) -> int:
    """Operations of the head for so many tokens."""
    return 2 * num_logits * config.hidden_size * config.vocab_size


def kv_bytes_per_token(config: TextConfig, *, value_bytes: int) -> int:
    """Bytes of keys and values of one token in all layers."""
    return 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * value_bytes


def vision_activation_bytes(config: VisionConfig, num_patches: int, *, value_bytes: int) -> int:
    """Most bytes alive at once while the tower runs ``num_patches`` patches.

    In inference mode, where layers work in place. Attention holds the residual, the norm, the fused
    projection (3), the same in order of the windows' sizes (3), and the output by window size,
    joined, in order and projected; the perceptron residual, norm and output, gate and up. Measured
    with windows of several sizes: 12.0 times the residual; with all windows whole: 8.0.
    """
    attention = 12 * config.hidden_size
    perceptron = 3 * config.hidden_size + 2 * config.intermediate_size
    return num_patches * value_bytes * max(attention, perceptron)


def text_activation_bytes(config: TextConfig, num_tokens: int, *, value_bytes: int) -> int:
    """Most bytes alive at once in one step of the language model, without the cache.

    As in the tower, but the perceptron is always the largest; the logits of one token are float32.
    Measured at 512 tokens of two 3B layers in float32 on a CPU: 69 MB, this says 58.
    """
    perceptron = 3 * config.hidden_size + 2 * config.intermediate_size
    return num_tokens * value_bytes * perceptron + 4 * config.vocab_size


def _window_pairs(config: VisionConfig, height: int, width: int) -> int:
    """Pairs of patches that see each other in a window layer, in one frame; sizes in patches."""
    side = config.window_units * config.spatial_merge_size
    rows = _sum_of_squares(height, side)
    return rows * _sum_of_squares(width, side)


def _sum_of_squares(length: int, side: int) -> int:
    full, rest = divmod(length, side)
    return full * side * side + rest * rest


def vision_parameters(config: VisionConfig) -> tuple[int, int]:
    """Numbers in the weights of the tower, and of its merger."""
    hidden, inner = config.hidden_size, config.intermediate_size
    merged = hidden * config.merge_unit
    attention = 3 * hidden * hidden + 3 * hidden + hidden * hidden + hidden
    perceptron = 3 * hidden * inner + 2 * inner + hidden
    out = config.out_hidden_size
    merger = hidden + merged * merged + merged + merged * out + out
    blocks = config.depth * (attention + perceptron + 2 * hidden)
    return config.patch_dim * hidden + blocks, merger


def text_parameters(config: TextConfig) -> int:
    """Numbers in the weights of the language model; a tied head is counted once."""
    hidden, kv_size = config.hidden_size, config.num_key_value_heads * config.head_dim
    attention = 2 * hidden * hidden + hidden + 2 * (hidden * kv_size + kv_size)
    layer = attention + 3 * hidden * config.intermediate_size + 2 * hidden
    embeddings = (1 if config.tie_word_embeddings else 2) * config.vocab_size * hidden
    return config.num_hidden_layers * layer + hidden + embeddings
