"""A trained reward model on disk, and as the scorer that data filters take.

Owns: the head's files beside a checkpoint, scoring samples. Does not own: training
(``objectives.reward``), what is done with scores (``data.sft.rewards``).

    model folder + head -> save_reward_head() -> reward_head.safetensors, reward_head.json
    folder -> reward_scorer() -> scorer(samples) -> [1.8, -0.4, ...]
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from qvl.checkpoint.load import load_model
from qvl.checkpoint.safetensors_file import read_header, read_tensor, write_safetensors
from qvl.data.collate import collate
from qvl.data.packing import Packed
from qvl.data.records import Sample
from qvl.data.shard_index import write_json
from qvl.errors import CheckpointError, DataError
from qvl.model.segments import Segments
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.objectives.reward import RewardHead

WEIGHTS, CONFIG = "reward_head.safetensors", "reward_head.json"
_FORMAT = "qvl-reward-1"
_TENSOR = "score.weight"
# Tokens of the samples that are scored together.
_MAX_TOKENS = 8192


def save_reward_head(head: RewardHead, folder: Path, *, about: dict[str, Any]) -> None:
    """Writes a head beside the checkpoint that it was trained with.

    Args:
        head: trained.
        folder: of the exported model.
        about: what is known of it, such as its accuracy; plain JSON values.

    Raises:
        CheckpointError: there is no room.
    """
    weight = head.score.weight.detach().float().cpu()
    part = folder / f".{WEIGHTS}.part"
    write_safetensors(part, [(_TENSOR, weight)], metadata={"format": "pt"})
    part.replace(folder / WEIGHTS)
    write_json(folder / CONFIG, {"format": _FORMAT, "width": weight.shape[1], **about})


def load_reward_head(folder: Path) -> RewardHead:
    """Reads a head.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    try:
        config = json.loads((folder / CONFIG).read_text())
        width = int(config["width"])
        is_known = config["format"] == _FORMAT
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} has no {CONFIG}, expected a reward model",
            hint="train one with the reward recipe",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / CONFIG} is damaged: {error}") from error
    entries = read_header(folder / WEIGHTS).entries if is_known else {}
    if _TENSOR not in entries or entries[_TENSOR].shape != (1, width):
        raise CheckpointError(f"{folder / WEIGHTS} is no head of {width} channels")
    head = RewardHead(width)
    head.score.weight = torch.nn.Parameter(read_tensor(entries[_TENSOR], torch.float32))
    return head


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardScorer:
    """Gives each sample's last answer its reward: a `qvl.data.sft.rewards.Scorer`.

    Attributes:
        folder: of the reward model, which is loaded once in each process.
        identity: a hash of the head, so that steps know another one.
        device: to run on.
    """

    folder: Path
    identity: str
    device: str = "cpu"

    def __call__(self, samples: Sequence[Sample]) -> list[float]:
        """Returns a reward for each sample.

        Raises:
            DataError: a sample does not end with an answer.
            QvlError: media cannot be read.
        """
        model, head, processor = _loaded(self.folder, self.identity, self.device)
        rewards: list[float] = []
        for pack in _packs(samples, processor):
            batch = collate(pack, weighting="token").to(torch.device(self.device))
            segments = Segments(batch.lengths)
            with torch.inference_mode():
                features = model.encode_media(batch.pixel_values, batch.grid_thw)
                hidden = model.hidden_states(
                    batch.input_ids,
                    batch.position_ids,
                    segments=segments,
                    media_embeds=features,
                )
                ends = torch.tensor(segments.offsets[1:], device=hidden.device) - 1
                rewards += head(hidden[ends].float()).tolist()
        return rewards


def reward_scorer(folder: Path, *, device: str = "cpu") -> RewardScorer:
    """Returns the scorer of a reward model's folder.

    Raises:
        CheckpointError: it is no reward model.
    """
    load_reward_head(folder)
    with open(folder / WEIGHTS, "rb") as file:
        identity = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    return RewardScorer(folder=folder, identity=identity, device=device)


@lru_cache(maxsize=2)
def _loaded(folder: Path, identity: str, device: str) -> tuple[Qwen2_5_VL, RewardHead, Processor]:
    model = load_model(folder, device=device)
    return model, load_reward_head(folder).to(device), Processor.from_folder(folder)


def _packs(samples: Sequence[Sample], processor: Processor) -> Iterator[list[Packed]]:
    pack: list[Packed] = []
    tokens = 0
    for sample in samples:
        last = sample.conversation.messages[-1]
        if last.role != "assistant":
            raise DataError(f"a sample ends with a turn by {last.role}, expected an answer")
        inputs = processor(sample.conversation, add_generation_prompt=False)
        tokens += len(inputs.input_ids)
        if pack and tokens > _MAX_TOKENS:
            yield pack
            pack, tokens = [], len(inputs.input_ids)
        pack.append(Packed(sample=sample, inputs=inputs))
    if pack:
        yield pack
