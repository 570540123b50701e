"""Log-probabilities of the model that preference training starts from, and stays near to.

Owns: three ways to have them, and the folder in which they are stored. Does not own: what they are
used for (``objectives.dpo``).

    model, source of preferences -> write_reference() -> folder of parts
    folder, the same model -> check_reference() -> StoredReference -> float[A] of a batch

Stored ones are computed once, before the first step, and cost nothing in training. An adapter that
is switched off and a frozen copy compute them in every step.

A folder is refused when the weights, the precision, the template, the tokenizer or the pixel limits
differ from those it was computed with.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from qvl.data.branches import rejected_tokens
from qvl.data.collate_pairs import PairBatch, collate_pairs
from qvl.data.fingerprint import fingerprint
from qvl.data.packing import PackBudget, Packed
from qvl.data.shard_index import write_json
from qvl.data.sources import Source
from qvl.errors import ConfigError, DataError
from qvl.model.lora import disabled_lora
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.chat_template import render
from qvl.processing.processor import Processor
from qvl.training.objectives.pairs import answer_logps
from qvl.training.stages import Part, part_of

_FORMAT = "qvl-reference-1"
_HEADER = "reference.json"
_PER_PART = 256
"""Samples of a part: what is lost when a pass is stopped."""


class Reference(Protocol):
    """Log-probabilities of a batch's answers by the reference."""

    def __call__(self, model: Qwen2_5_VL, batch: PairBatch, features: Tensor | None) -> Tensor:
        """Returns float32[A], without gradients.

        Args:
            model: the policy.
            batch: on its device.
            features: float[M, D], of the batch's pictures, if the reference sees the same ones as
                the policy; None where the policy trains its tower.
        """


@dataclass(frozen=True, slots=True)
class StoredReference:
    """Log-probabilities from a folder, which every process reads when it first needs them.

    Attributes:
        folder: see `write_reference`; `check_reference` says whether it belongs to a model.
    """

    folder: Path

    def __call__(self, model: Qwen2_5_VL, batch: PairBatch, features: Tensor | None) -> Tensor:
        logps = read_logps(self.folder)
        found: list[float] = []
        for key, branches in zip(batch.ids, batch.branches, strict=False):
            stored = logps.get(key, ())
            if len(stored) != len(branches) - 1:
                raise DataError(
                    f"{self.folder} has no reference for sample {key}",
                    hint="the data changed since the reference was computed; compute it again",
                )
            found += stored
        return torch.tensor(found, dtype=torch.float32, device=batch.input_ids.device)


@dataclass(frozen=True, slots=True)
class AdapterReference:
    """The policy itself with its adapter switched off."""

    def __call__(self, model: Qwen2_5_VL, batch: PairBatch, features: Tensor | None) -> Tensor:
        with disabled_lora(model):
            return _computed(model, batch, features)


class FrozenReference:
    """A copy of the policy as it is now; parts that stay frozen are shared with it.

    Args:
        model: the policy, before its training.
        trained: parts that will be trained.
    """

    def __init__(self, model: Qwen2_5_VL, trained: Collection[Part]) -> None:
        shared: dict[int, Any] = {
            id(parameter): parameter
            for name, parameter in model.named_parameters()
            if part_of(name) not in trained
        }
        self.copy = copy.deepcopy(model, shared)
        for parameter in self.copy.parameters():
            if id(parameter) not in shared:
                parameter.requires_grad_(False)

    def __call__(self, model: Qwen2_5_VL, batch: PairBatch, features: Tensor | None) -> Tensor:
        return _computed(self.copy, batch, features)


@torch.no_grad()
def _computed(model: Qwen2_5_VL, batch: PairBatch, features: Tensor | None) -> Tensor:
    if features is None:
        features = model.encode_media(batch.pixel_values, batch.grid_thw)
    return answer_logps(model, batch, features).sums


def weights_fingerprint(model: Qwen2_5_VL) -> str:
    """Returns a hash of all weights but adapters; reads every byte."""
    digest = hashlib.sha256()
    with disabled_lora(model):
        for name, tensor in sorted(model.state_dict().items()):
            if "lora_" in name:
                continue
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            plain = tensor.detach().cpu().contiguous().flatten()
            digest.update(memoryview(plain.view(torch.uint8).numpy()))
    return digest.hexdigest()[:32]


def inputs_fingerprint(processor: Processor) -> str:
    """Returns a hash of what makes model inputs of samples: template, tokenizer, pixel limits."""
    return fingerprint(render, processor.tokenizer.fingerprint(), processor.settings)


def write_reference(
    model: Qwen2_5_VL,
    source: Source,
    processor: Processor,
    folder: Path,
    *,
    budget: PackBudget,
    bf16: bool = False,
    rank: int = 0,
    world: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Computes the log-probabilities of all answers of a source; goes on where it was stopped.

    Args:
        model: the reference.
        source: of preferences.
        processor: the model's.
        folder: new, or left unfinished by the same call.
        budget: of the answers that run together.
        bf16: whether training computes in bfloat16; in another precision than the policy's the
            reference would differ from it before anything was learnt.
        rank: computes every ``world``-th part.
        world: ranks that share the work and the folder.
        progress: called with how many samples are done, and how many there are.

    Raises:
        ConfigError: the folder belongs to another model or other data.
        DataError: a sample is no preference.
    """
    header = {
        **_header(model, processor, bf16),
        "data": source.fingerprint(0, len(source)),
        "samples": len(source),
    }
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / _HEADER).exists():
        _check(folder, header)
    else:
        write_json(folder / _HEADER, header)
    parts = range(0, len(source), _PER_PART)
    for number in range(rank, len(parts), world):
        path = folder / _part_name(number)
        stop = min(parts[number] + _PER_PART, len(source))
        if not path.exists():
            numbers = range(parts[number], stop)
            write_json(path, dict(_logps_of(model, source, processor, numbers, budget, bf16)))
        progress(stop, len(source))


def drop_other_data(
    model: Qwen2_5_VL, source: Source, processor: Processor, folder: Path, *, bf16: bool = False
) -> None:
    """Removes a reference of this model that was computed for other data, so that it is computed
    again; one process calls it, before any calls `write_reference`. Arguments as there.

    Raises:
        ConfigError: the folder belongs to another model.
        DataError: it is damaged, or cannot be removed.
    """
    if not (folder / _HEADER).exists():
        return
    _check(folder, _header(model, processor, bf16))
    if _read_header(folder).get("data") == source.fingerprint(0, len(source)):
        return
    try:
        for path in folder.glob("part-*.json"):
            path.unlink()
        (folder / _HEADER).unlink()  # the last: parts without it would be taken for new ones
    except OSError as error:
        raise DataError(f"{folder} cannot be removed: {error.strerror or error}") from error
    read_logps.cache_clear()


def check_reference(
    folder: Path, model: Qwen2_5_VL, processor: Processor, *, bf16: bool = False
) -> StoredReference:
    """Returns the reference in a folder if it is this model's.

    Args:
        folder: complete.
        model: before its training.
        processor: the model's.
        bf16: see `write_reference`.

    Raises:
        ConfigError: it was computed with other weights, in another precision, or with another
            template, tokenizer or limits.
        DataError: it is incomplete or damaged.
    """
    _check(folder, _header(model, processor, bf16))
    read_logps(folder)
    return StoredReference(folder)


@lru_cache(maxsize=4)
def read_logps(folder: Path) -> Mapping[str, tuple[float, ...]]:
    """Returns the log-probabilities of the answers of each sample, by its `content_id`.

    Raises:
        DataError: the folder is incomplete or damaged.
    """
    header = _read_header(folder)
    logps: dict[str, tuple[float, ...]] = {}
    for number in range(-(-int(header["samples"]) // _PER_PART)):
        path = folder / _part_name(number)
        try:
            part = json.loads(path.read_text())
            logps.update({key: tuple(map(float, values)) for key, values in part.items()})
        except FileNotFoundError as error:
            hint = "repeat the pass, it goes on where it stopped"
            raise DataError(f"{folder} is not complete: {path.name} is missing", hint=hint) from (
                error
            )
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path} is damaged: {error}", hint="delete it and repeat the pass"
            ) from error
    return logps


def _header(model: Qwen2_5_VL, processor: Processor, bf16: bool) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "weights": weights_fingerprint(model),
        "precision": "bf16" if bf16 else "float32",
        "inputs": inputs_fingerprint(processor),
    }


_MEANINGS = {
    "format": "by another version",
    "weights": "with other weights",
    "precision": "in another precision",
    "inputs": "with another template, tokenizer or other pixel limits",
    "data": "for other data",
    "samples": "for another number of samples",
}


def _check(folder: Path, expected: Mapping[str, Any]) -> None:
    found = _read_header(folder)
    differing = [key for key, value in expected.items() if found.get(key) != value]
    if differing:
        raise ConfigError(
            f"{folder} was computed {' and '.join(_MEANINGS[key] for key in differing)}",
            hint="delete that folder, and it is computed again",
        )


def _read_header(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / _HEADER).read_text())
        int(found["samples"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} has no readable {_HEADER}, expected a stored reference") from (
            error
        )
    return found


def _part_name(number: int) -> str:
    return f"part-{number:05d}.json"


def _logps_of(
    model: Qwen2_5_VL,
    source: Source,
    processor: Processor,
    numbers: range,
    budget: PackBudget,
    bf16: bool,
) -> Iterator[tuple[str, list[float]]]:
    for pack in _packs(source, processor, numbers, budget):
        batch = collate_pairs(pack, processor.tokenizer).to(model.device)
        kind = model.device.type
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16, enabled=bf16):
            features = model.encode_media(batch.pixel_values, batch.grid_thw)
            logps = answer_logps(model, batch, features).sums.tolist()
        rest = iter(logps)
        for key, (_, *answers) in zip(batch.ids, batch.branches, strict=True):
            yield key, [next(rest) for _ in answers]


def _packs(
    source: Source, processor: Processor, numbers: range, budget: PackBudget
) -> Iterator[list[Packed]]:
    pack: list[Packed] = []
    tokens = patches = 0
    for number in numbers:
        sample = source[number]
        inputs = processor(sample.conversation, add_generation_prompt=False)
        more = rejected_tokens(sample, inputs, processor.tokenizer)
        item = Packed(sample=sample, inputs=inputs, more_tokens=more)
        tokens, patches = tokens + item.num_tokens, patches + len(inputs.pixel_values)
        if pack and (tokens > budget.max_tokens or patches > budget.max_patches):
            yield pack
            pack, tokens, patches = [], item.num_tokens, len(inputs.pixel_values)
        pack.append(item)
    if pack:
        yield pack
