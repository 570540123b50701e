"""Preferences and a narrow model, for the tests of objectives over pairs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from qvl.checkpoint import EMBEDDED
from qvl.data.packing import Packed
from qvl.data.preferences import answered
from qvl.data.records import Provenance, Rejected, Sample
from qvl.messages import Conversation, Image, Message, Text
from qvl.model.init import init_weights
from qvl.model.segments import Segments
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from tests.training.small import small_config


def processor() -> Processor:
    return Processor.from_folder(EMBEDDED)


def small_model(seed: int = 0) -> Qwen2_5_VL:
    """Random, in float64."""
    model = Qwen2_5_VL(small_config())
    init_weights(model, torch.Generator().manual_seed(seed))
    return model.double()


def preference(number: int, chosen: str, *rejected: str, pictures: int = 1) -> Sample:
    rng = np.random.default_rng(number)
    shapes = [(56, 84, 3), (112, 56, 3)][:pictures]
    images = [Image(rng.integers(0, 256, shape, np.uint8)) for shape in shapes]
    turns = [Message("user", (*images, Text(f"What is number {number}?")))]
    if number % 2:  # an earlier exchange, which is no part of the preference
        turns += [Message("assistant", (Text("a circle"),)), Message("user", (Text("And now?"),))]
    turns.append(Message("assistant", (Text(chosen),)))
    return Sample(
        task="t",
        conversation=Conversation(tuple(turns)),
        provenance=Provenance(generator="test", seed=(number,)),
        rejected=tuple(
            Rejected(text=text, margin=float(i + 1), fault="wrong")
            for i, text in enumerate(rejected)
        ),
    )


PREFERENCES = (
    preference(0, "red", "blue", "the red one, I would say"),
    preference(1, "\n3 circles", "4", pictures=2),
    preference(2, "yes", "no", pictures=0),
    preference(3, "green star", "a green star", "star", "\n\nnone"),
)


def packed(samples: Sequence[Sample]) -> list[Packed]:
    process = processor()
    return [
        Packed(sample=s, inputs=process(s.conversation, add_generation_prompt=False))
        for s in samples
    ]


def plain_logps(model: Qwen2_5_VL, sample: Sample) -> list[torch.Tensor]:
    """Log-probabilities of a sample's answers, each by itself and written out."""
    process = processor()
    found = []
    own = [sample.conversation, *(answered(sample, r.text) for r in sample.rejected)]
    for conversation in own:
        inputs = process(conversation, add_generation_prompt=False)
        ids = torch.tensor(inputs.input_ids)
        logits = model(
            ids,
            torch.tensor(inputs.position_ids),
            segments=Segments([len(ids)]),
            pixel_values=torch.tensor(inputs.pixel_values) if len(inputs.grid_thw) else None,
            grid_thw=[tuple(map(int, g)) for g in inputs.grid_thw] or None,
        ).double()
        mask = torch.tensor(inputs.loss_mask)
        mask[: int((~mask).nonzero()[-1])] = False  # earlier answers
        logps = logits[:-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]
        found.append(logps[mask[1:]].sum())
    return found


def without_rejected(sample: Sample) -> Sample:
    return replace(sample, rejected=())
