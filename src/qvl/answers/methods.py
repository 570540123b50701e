"""The methods of a loaded model that return typed results instead of text.

Each is a few lines over the module of its kind in this folder.
"""

from typing import TYPE_CHECKING, Unpack

from qvl.answers.answering import AnsweringModel
from qvl.messages import Conversation, Image
from qvl.sampling_params import SamplingOptions, sampling_params
from qvl.tasks import grounding

if TYPE_CHECKING:
    from qvl.messages import ImageSource

GROUNDING_MAX_TOKENS = 2048
"""Room for about 50 boxes of 40 tokens each."""


class TypedAnswers:
    """Base of `qvl.api.VisionLanguageModel`."""

    engine: AnsweringModel

    def ground(
        self,
        image: "ImageSource | Image",
        what: str,
        *,
        kind: grounding.Kind = "box",
        **options: Unpack[SamplingOptions],
    ) -> grounding.GroundingResult:
        """Finds things in a picture; boxes or points are in the pixels of the picture given.

        Args:
            image: the picture.
            what: what to look for, such as "every person".
            kind: "box" or "point".
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": GROUNDING_MAX_TOKENS, **options})
        picture = image if isinstance(image, Image) else Image(image)
        conversation = Conversation.user(picture, grounding.prompt(what, kind=kind))
        inputs = self.engine.prepare(conversation)
        (answer,) = self.engine.complete([inputs], params)
        transforms = [item.transform for item in inputs.media]
        return grounding.parse(answer.text, transforms=transforms)
