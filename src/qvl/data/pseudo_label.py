"""Grounding DINO finds what phrases name, SAM finds the outlines: marks for real pictures.

Owns: loading the two through ``transformers`` and reading their outputs. Does not own: which marks
are believed (``detections``), servers that do the same (``detection_endpoint``).

    picture, phrases -> "a cat. a dog." -> boxes with scores for each phrase -> masks of the boxes
        -> Instance, ... in pixels of the picture

The one file of ours that uses ``transformers``, when a detector is made and not before.
Source: Liu et al. 2023, "Grounding DINO"; Kirillov et al. 2023, "Segment Anything".
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

from qvl.data.annotated import Instance
from qvl.data.masks import run_lengths
from qvl.errors import CheckpointError, DataError, MissingDependencyError
from qvl.geometry import Box, ImageSize, clip

DETECTOR = "IDEA-Research/grounding-dino-base"
SEGMENTER = "facebook/sam-vit-base"

_MOST_PHRASES = 20
"""In one prompt: its text model reads 256 tokens. Source: Grounding DINO's max_text_len."""

_MOST_BOXES = 32
"""Whose masks are made at once; each is as large as the picture."""

_LONGEST_PHRASE = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelModels:
    """The detector and the segmenter of a process; satisfies `detections.Detector`.

    Attributes:
        detector: model of the transformers library, Grounding DINO or one with its interface.
        processor: of the detector.
        segmenter: SAM, or None for boxes alone.
        image_processor: of the segmenter.
        least_score: below it nothing is reported; `detections.Belief` decides above.
    """

    detector: Any
    processor: Any
    segmenter: Any = None
    image_processor: Any = None
    least_score: float = 0.1

    def detect(self, picture: PIL.Image.Image, phrases: Sequence[str]) -> list[Instance]:
        """Returns what was found, with masks where there is a segmenter."""
        asked = [_plain(phrase) for phrase in phrases]
        found: list[Instance] = []
        for start in range(0, len(asked), _MOST_PHRASES):
            names = list(phrases[start : start + _MOST_PHRASES])
            found += self._boxes(picture, names, asked[start : start + _MOST_PHRASES])
        if self.segmenter is None or not found:
            return found
        return [
            item
            for start in range(0, len(found), _MOST_BOXES)
            for item in self._with_masks(picture, found[start : start + _MOST_BOXES])
        ]

    def _boxes(
        self, picture: PIL.Image.Image, names: Sequence[str], asked: Sequence[str]
    ) -> Iterator[Instance]:
        text = ". ".join(asked) + "."
        inputs = self.processor(images=picture, text=text, return_tensors="pt")
        outputs = self.detector(**inputs.to(self.detector.device))
        scores = outputs.logits[0].float().sigmoid().cpu().numpy()
        boxes = outputs.pred_boxes[0].float().cpu().numpy()
        spans = token_spans(inputs["input_ids"][0].tolist(), self._end())
        if len(spans) != len(asked):
            raise DataError(
                f"the detector's text has {len(spans)} phrases, expected {len(asked)}",
                hint="phrases are too long, or hold characters its tokenizer does not know",
            )
        size = ImageSize(picture.height, picture.width)
        of_phrases = np.stack([scores[:, start:stop].max(1) for start, stop in spans], 1)
        for query in np.flatnonzero(of_phrases.max(1) >= self.least_score):
            phrase = int(of_phrases[query].argmax())
            box = clip(_corners(boxes[query], size), size)
            if box.x2 - box.x1 >= 1 and box.y2 - box.y1 >= 1:
                yield Instance(name=names[phrase], box=box, score=float(of_phrases[query, phrase]))

    def _end(self) -> int:
        """The token that ends a phrase."""
        return int(self.processor.tokenizer.convert_tokens_to_ids("."))

    def _with_masks(self, picture: PIL.Image.Image, found: Sequence[Instance]) -> list[Instance]:
        inputs = self.image_processor(images=[picture], return_tensors="pt")
        original, reshaped = inputs["original_sizes"], inputs["reshaped_input_sizes"]
        pixels = inputs["pixel_values"]
        scale = (
            float(reshaped[0][1]) / picture.width,
            float(reshaped[0][0]) / picture.height,
        )
        prompts = pixels.new_tensor([[[v * scale[i % 2] for i, v in enumerate(item.box)]
            for item in found]])  # fmt: skip
        device = self.segmenter.device
        outputs = self.segmenter(
            pixel_values=pixels.to(device), input_boxes=prompts.to(device), multimask_output=True
        )
        masks = self.image_processor.post_process_masks(
            outputs.pred_masks.float().cpu(), original, reshaped
        )[0].numpy()
        best = outputs.iou_scores[0].float().cpu().numpy().argmax(-1)
        return [
            Instance(
                name=item.name,
                box=item.box,
                score=item.score,
                segmentation=run_lengths(masks[number, best[number]].astype(bool)),
            )
            for number, item in enumerate(found)
        ]


def load_models(
    detector: str = DETECTOR, segmenter: str = SEGMENTER, *, device: str = "cpu"
) -> LabelModels:
    """Loads a detector and a segmenter; without network they come from folders or the hub's cache.

    Args:
        detector: name on the hub, or folder.
        segmenter: the same; empty for boxes alone.
        device: such as "cuda".

    Raises:
        MissingDependencyError: transformers is not installed.
        CheckpointError: a model cannot be loaded.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingDependencyError(
            "marking pictures by Grounding DINO and SAM needs the package transformers",
            hint="pip install 'qvl[data]'",
        ) from error

    def loaded(kind: Any, name: str) -> Any:
        # A path that is no folder would be asked for on the hub, as if it were a name.
        if name.startswith((".", "/")) and not Path(name).is_dir():
            raise CheckpointError(f"{name} is no folder, expected one with a model")
        try:
            return kind.from_pretrained(name)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            told = " ".join(str(error).split())[:300]
            raise CheckpointError(f"{name} cannot be loaded: {told}") from error

    def ready(model: Any) -> Any:
        # Without gradients nothing is kept of the way to an output.
        return model.requires_grad_(False).eval().to(device)

    return LabelModels(
        detector=ready(loaded(transformers.AutoModelForZeroShotObjectDetection, detector)),
        processor=loaded(transformers.AutoProcessor, detector),
        segmenter=ready(loaded(transformers.AutoModelForMaskGeneration, segmenter))
        if segmenter
        else None,
        image_processor=loaded(transformers.AutoImageProcessor, segmenter) if segmenter else None,
    )


def token_spans(ids: Sequence[int], end: int) -> list[tuple[int, int]]:
    """Returns where the tokens of each phrase stand: first, and the one after the last.

    The first token begins the text; each phrase ends with its own token.

    >>> token_spans([101, 7, 8, 1012, 9, 1012, 102], 1012)
    [(1, 3), (4, 5)]
    """
    spans = []
    start = 1
    for place, token in enumerate(ids):
        if token == end:
            if place > start:
                spans.append((start, place))
            start = place + 1
    return spans


def _plain(phrase: str) -> str:
    """A phrase as the prompt takes it: full stops and question marks would end it."""
    plain = " ".join(phrase.lower().replace(".", " ").replace("?", " ").split())
    if not plain or len(plain) > _LONGEST_PHRASE:
        raise DataError(f"phrase has {len(plain)} characters, expected 1 to {_LONGEST_PHRASE}")
    return plain


def _corners(box: npt.NDArray[np.float32], size: ImageSize) -> Box:
    """Middle, width and height as shares of the picture -> corners in its pixels."""
    x, y, width, height = (float(v) if math.isfinite(v) else 0.0 for v in box)
    return Box(
        (x - width / 2) * size.width,
        (y - height / 2) * size.height,
        (x + width / 2) * size.width,
        (y + height / 2) * size.height,
    )
