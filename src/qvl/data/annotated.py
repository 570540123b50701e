"""Pictures with things marked in them, wherever the marks come from.

Owns: the records of a marked picture and the protocol of a set of them. Does not own: reading
published sets (``interchange.coco``), marking by models (``pseudo_label``), questions
(``synth.grounding``).

    COCO file | drawn scenes | detectors -> AnnotatedPicture -> synth.grounding.annotated_scenes
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qvl.data.masks import Segmentation
from qvl.geometry import Box, ImageSize


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One marked thing.

    Attributes:
        name: of its kind.
        group: a wider word, such as COCO's supercategory; empty when there is none.
        box: in original_px.
        segmentation: what it covers; None when only the box is known.
        is_crowd: True for several that are not told apart.
        score: how sure a detector was, 0 to 1; 1 for marks made by people.
    """

    name: str
    group: str = ""
    box: Box
    segmentation: Segmentation | None = None
    is_crowd: bool = False
    score: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Plain values, as a sample's facts keep them; the mask as run lengths or outlines."""
        found: dict[str, Any] = {"name": self.name, "box": [*self.box]}
        if isinstance(self.segmentation, tuple):
            found["segmentation"] = [list(polygon) for polygon in self.segmentation]
        elif self.segmentation is not None:
            size = self.segmentation.size
            found["segmentation"] = {"size": [*size], "counts": self.segmentation.counts}
        if self.group:
            found["group"] = self.group
        if self.is_crowd:
            found["is_crowd"] = True
        if self.score < 1:
            found["score"] = round(self.score, 4)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatedPicture:
    """A picture and what is marked in it.

    Attributes:
        picture: its file, or uint8[H, W, 3].
        size: in original_px.
        instances: in the order of the file.
        absent: names that are known not to be in the picture.
        unsure: names of which there may be more in the picture than ``instances`` has.
        licence: SPDX name of its terms; empty when it is not known.
        source: file and place in it, as messages name it.
    """

    picture: Path | npt.NDArray[np.uint8]
    size: ImageSize
    instances: tuple[Instance, ...]
    absent: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    licence: str = ""
    source: str = ""


class AnnotatedSet(Protocol):
    """Marked pictures by number. It travels to other processes, so it pickles."""

    def __len__(self) -> int:
        """Returns how many there are."""
        ...

    def picture(self, number: int, /) -> AnnotatedPicture:
        """Returns one.

        Raises:
            DataError: its marks cannot be used.
        """
        ...

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash that differs when pictures ``start`` to ``stop - 1`` would."""
        ...
