"""Layouts that cannot be are refused with what would fit."""

from typing import Any, cast

import pytest
from torch import nn
from torch.distributed.device_mesh import DeviceMesh

from qvl.errors import ConfigError
from qvl.model.language import DecoderLayer
from qvl.model.presets import PRESETS
from qvl.training.parallel.layout import Layout
from qvl.training.parallel.tensor import cut_layer
from tests.training.parallel.small import small_model


@pytest.mark.parametrize(
    ("layout", "world", "replicate", "shard"),
    [
        (Layout(), 1, 1, 1),
        (Layout(), 6, 6, 1),
        (Layout(dp_replicate=1, dp_shard=None), 8, 1, 8),
        (Layout(dp_replicate=2, dp_shard=None, tp=2, cp=2), 16, 2, 2),
        (Layout(dp_replicate=3, dp_shard=4, tp=2), 24, 3, 4),
    ],
)
def test_what_is_open_is_filled(layout: Layout, world: int, replicate: int, shard: int) -> None:
    found = layout.resolve(world)
    assert (found.dp_replicate, found.dp_shard) == (replicate, shard)
    assert found.resolve(world) == found
    assert replicate * shard * found.pack_ranks == world


def test_ranks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"6 ranks, expected a multiple of 4 .* cp 2 x tp 2"):
        Layout(tp=2, cp=2).resolve(6)
    with pytest.raises(ConfigError, match=r"8 ranks, expected exactly 4 .*dp_replicate 2 x dp_s"):
        Layout(dp_replicate=2, dp_shard=2).resolve(8)
    with pytest.raises(ConfigError, match=r"there are 1 ranks, expected exactly 2"):
        Layout(dp_replicate=1, dp_shard=2).resolve(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tp": 0}, "layout.tp is 0, expected 1 or more"),
        ({"dp_replicate": -1}, "layout.dp_replicate is -1"),
        ({"dp_shard": None}, "both None"),
        ({"activation_checkpointing": "some"}, "'some', expected one of none, selective, full"),
        ({"compile": True, "tp": 2}, "layout.compile is true with tp 2"),
        ({"reduce_dtype": "float16"}, "'float16', expected one of float32, bfloat16"),
    ],
)
def test_impossible_numbers_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Layout(**changes)


def test_a_model_is_cut_where_all_its_heads_and_widths_come_apart() -> None:
    config = PRESETS["7b"]  # 28 heads, 4 of keys and values
    for tp in (1, 2, 4):
        Layout(tp=tp).check_model(config)
    with pytest.raises(ConfigError, match=r"layout.tp is 8, .*num_attention_heads = 28.*1, 2, 4;"):
        Layout(tp=8).check_model(config)
    with pytest.raises(ConfigError, match=r"layout.tp is 7, .*num_key_value_heads = 4"):
        Layout(tp=7).check_model(config)
    Layout(tp=8).check_model(PRESETS["72b"])


def test_only_plain_matrices_are_cut() -> None:
    layer = cast(DecoderLayer, small_model().model.layers[0])
    layer.mlp.up_proj = nn.Sequential(layer.mlp.up_proj)  # as an adapter stands around it
    with pytest.raises(ConfigError, match=r"mlp.up_proj is a Sequential; hint: shard weights"):
        cut_layer(layer, cast(DeviceMesh, None))
