"""The methods of a loaded model that return typed results instead of text.

Each is a few lines over the module of its kind in this folder.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from qvl.answers import grounding
from qvl.answers.answering import AnsweringModel
from qvl.answers.grounding import CountAnswer, GroundingAnswer
from qvl.geometry import Box
from qvl.messages import Image
from qvl.sampling_params import SamplingOptions, sampling_params
from qvl.tasks.grounding import Kind

if TYPE_CHECKING:
    from qvl.messages import ImageSource

GROUNDING_MAX_TOKENS = 2048
"""Room for about 50 boxes of 40 tokens each."""


class TypedAnswers:
    """Base of `qvl.api.VisionLanguageModel`."""

    engine: AnsweringModel

    def ground(
        self,
        images: "grounding.Pictures",
        what: str,
        *,
        kind: Kind = "box",
        **options: Unpack[SamplingOptions],
    ) -> GroundingAnswer:
        """Finds things in pictures; boxes or points are in the pixels of the pictures given.

        Args:
            images: a picture or several.
            what: what to look for, such as "every person".
            kind: "box" or "point".
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": GROUNDING_MAX_TOKENS, **options})
        return grounding.locate(self.engine, images, what, kind=kind, params=params)

    def point(
        self, images: "grounding.Pictures", what: str, **options: Unpack[SamplingOptions]
    ) -> GroundingAnswer:
        """Points at things: `ground` with points."""
        return self.ground(images, what, kind="point", **options)

    def zoom(
        self,
        image: "ImageSource | Image",
        region: Box,
        what: str,
        *,
        kind: Kind = "box",
        **options: Unpack[SamplingOptions],
    ) -> GroundingAnswer:
        """Looks again at a part of a picture in full resolution; results are in the whole picture.

        Args:
            image: the picture.
            region: x1, y1, x2, y2 in its pixels.
            what: what to look for.
            kind: "box" or "point".
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": GROUNDING_MAX_TOKENS, **options})
        return grounding.locate(
            self.engine, image, what, kind=kind, region=Box(*region), params=params
        )

    def detect(
        self,
        images: "grounding.Pictures",
        categories: Sequence[str],
        *,
        merge: bool = True,
        **options: Unpack[SamplingOptions],
    ) -> GroundingAnswer:
        """Finds every instance of some categories, whatever they are.

        Labels of the result are spelled as the categories; boxes of anything else are problems.

        Args:
            images: a picture or several.
            categories: names, such as ["cat", "dog"].
            merge: drop boxes that say again what an earlier one said.
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": GROUNDING_MAX_TOKENS, **options})
        return grounding.detect(self.engine, images, categories, merge=merge, params=params)

    def count(
        self,
        images: "grounding.Pictures",
        things: str,
        *,
        listing: bool = False,
        **options: Unpack[SamplingOptions],
    ) -> CountAnswer:
        """Counts things.

        Args:
            images: a picture or several.
            things: in the plural, such as "red circles".
            listing: ask for the boxes first and then the number; large models count better so.
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": GROUNDING_MAX_TOKENS, **options})
        return grounding.count(self.engine, images, things, listing=listing, params=params)
