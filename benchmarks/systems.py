"""The systems compared, each behind the same four calls on the same numbers.

    folder, dtype -> load -> prepare(workload) -> a call without arguments -> its output

Everything that is not the work itself, inputs and the cache's contents, is made in ``prepare`` and
is a function of the workload alone, so that outputs of two systems can be compared.
"""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor
from workloads import Workload

PATCH_DIM = 1176
NUM_IDS = 200
"""Token ids drawn: every checkpoint that the script makes has them."""

Call = Callable[[], Tensor]


class System(Protocol):
    """A model, loaded when made from a folder and a dtype.

    Attributes:
        modules: imported before loading is timed.
    """

    modules: ClassVar[tuple[str, ...]]

    def prepare(self, workload: Workload) -> Call:
        """Returns the call to be timed."""
        ...


def _numbers(workload: Workload, *shape: int) -> Tensor:
    """float32 of a normal distribution, the same in every process."""
    seed = [ord(letter) for letter in str(workload)]
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def _ids(workload: Workload, *shape: int) -> Tensor:
    return (_numbers(workload, *shape).abs() * 1e4).long() % NUM_IDS


def _photo(workload: Workload) -> np.ndarray:
    height, width = workload.sizes
    return (_numbers(workload, height, width, 3) * 50 + 128).clamp(0, 255).to(torch.uint8).numpy()


class Qvl:
    """qvl, loaded as `qvl.load` loads."""

    modules = ("qvl.inference.prepack", "qvl.processing.settings")

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        from qvl.inference.prepack import load_for_inference
        from qvl.processing.settings import load_settings

        self.model = load_for_inference(folder, dtype=dtype)
        self.limits = load_settings(folder).limits

    def prepare(self, workload: Workload) -> Call:
        match workload.kind:
            case "image":
                return self._image(_photo(workload))
            case "vit":
                height, width = workload.sizes
                pixels = _numbers(workload, height * width, PATCH_DIM)
                return lambda: self.model.encode_media(pixels, [(1, height, width)])
            case "prefill":
                return self._step(workload, batch=1, past=0, new=workload.sizes[0])
        batch, past = workload.sizes
        return self._step(workload, batch=batch, past=past, new=1)

    def _image(self, photo: np.ndarray) -> Call:
        from qvl.messages import Image
        from qvl.processing.image import prepare_image
        from qvl.processing.patches import patchify

        def run() -> Tensor:
            prepared = prepare_image(Image(photo), self.limits)
            return torch.from_numpy(patchify(prepared.pixels[None]).pixel_values)

        return run

    def _step(self, workload: Workload, *, batch: int, past: int, new: int) -> Call:
        """The same number of new tokens for each sequence, behind ``past`` old ones."""
        from qvl.model.attention import Segments
        from qvl.model.kv_cache import KVCache

        text = self.model.config.text
        cache = KVCache(text, num_slots=batch, max_tokens=past + new, dtype=self.model.dtype)
        shape = (batch, text.num_key_value_heads, past, text.head_dim)
        for layer, (key, value) in enumerate(_past(workload, text.num_hidden_layers, shape)):
            cache.keys[layer, :, :, :past] = key
            cache.values[layer, :, :, :past] = value
        slots = range(batch)
        for slot in slots:
            cache.append(slot, past)
        ids = _ids(workload, batch, new).flatten()
        positions = torch.arange(past, past + new).repeat(batch).expand(3, -1)
        last = torch.arange(1, batch + 1) * new - 1
        segments = Segments([new] * batch)

        def run() -> Tensor:
            logits = self.model(
                ids, positions, segments=segments, cache=cache.view(slots), logits_at=last
            )
            for slot in slots:
                cache.truncate(slot, past)
            return logits

        return run


class Transformers:
    """transformers with its default attention (sdpa), called as its `generate` calls it."""

    modules = (
        "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
        "transformers.models.qwen2_vl.image_processing_pil_qwen2_vl",
    )

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        from transformers import AutoImageProcessor, Qwen2_5_VLForConditionalGeneration
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.dtype = dtype
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
        # The other back end needs torchvision.
        self.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")

    def prepare(self, workload: Workload) -> Call:
        match workload.kind:
            case "image":
                photo = _photo(workload)
                return lambda: self.image_processor(photo, return_tensors="pt")["pixel_values"]
            case "vit":
                height, width = workload.sizes
                pixels = _numbers(workload, height * width, PATCH_DIM).to(self.dtype)
                grid = torch.tensor([[1, height, width]])
                return lambda: self.model.model.visual(pixels, grid).pooler_output
            case "prefill":
                ids = _ids(workload, 1, workload.sizes[0])
                return lambda: self.model(ids, logits_to_keep=1, use_cache=True).logits[:, -1]
        return self._decode(workload)

    def _decode(self, workload: Workload) -> Call:
        from transformers import DynamicCache

        batch, past = workload.sizes
        text = self.model.config.text_config
        width = text.hidden_size // text.num_attention_heads
        shape = (batch, text.num_key_value_heads, past, width)
        cache = DynamicCache()
        for layer, (key, value) in enumerate(_past(workload, text.num_hidden_layers, shape)):
            cache.update(key.to(self.dtype), value.to(self.dtype), layer)
        ids = _ids(workload, batch, 1)

        def run() -> Tensor:
            # As in `generate`, the cache grows with every run.
            positions = torch.full((3, batch, 1), cache.get_seq_length())
            out = self.model(ids, past_key_values=cache, position_ids=positions, use_cache=True)
            return out.logits[:, -1]

        return run


def _past(
    workload: Workload, num_layers: int, shape: tuple[int, ...]
) -> list[tuple[Tensor, Tensor]]:
    """Keys and values of the tokens before, for each layer; the same in all layers."""
    key, value = _numbers(workload, 2, *shape)
    return [(key, value)] * num_layers


SYSTEMS: dict[str, type[Qvl] | type[Transformers]] = {"qvl": Qvl, "transformers": Transformers}
