"""The methods of a loaded model that return typed results instead of text.

Each is a few lines over the module of its kind in this folder.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from qvl.answers import extraction, grounding, ocr
from qvl.answers import video as video_answers
from qvl.answers.answering import AnsweringModel
from qvl.answers.document import (
    DOCUMENT_MAX_TOKENS,
    Progress,
    ReadingOptions,
    read_document,
)
from qvl.answers.document_results import DocumentResult
from qvl.answers.document_store import weights_identity
from qvl.answers.extraction import ExtractionResult
from qvl.answers.grounding import CountAnswer, GroundingAnswer
from qvl.answers.ocr import TextResult
from qvl.answers.video import WatchedVideo
from qvl.answers.video_results import MomentsResult, VideoDescription
from qvl.answers.video_windows import MIN_FPS
from qvl.geometry import Box
from qvl.messages import Image, Video
from qvl.sampling_params import SamplingOptions, sampling_params
from qvl.tasks.document import Variant
from qvl.tasks.grounding import Kind
from qvl.tasks.ocr import Level
from qvl.tasks.times import TimeFormat

if TYPE_CHECKING:
    from qvl.messages import ImageSource, VideoSource

GROUNDING_MAX_TOKENS = 2048
"""Room for about 50 boxes of 40 tokens each."""
TEXT_MAX_TOKENS = 4096
"""Room for a dense page, or for about 100 lines with their boxes."""
EXTRACTION_MAX_TOKENS = 2048
"""Room for about 100 fields."""


class TypedAnswers:
    """Base of `qvl.api.VisionLanguageModel`."""

    engine: AnsweringModel
    folder: Path | None = None
    """Where the model was loaded from."""

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
        return grounding.locate(self.engine, image, what, kind=kind, region=region, params=params)

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

    def find_moments(
        self,
        video: "VideoSource | Video",
        query: str,
        *,
        time_format: TimeFormat = "mm:ss.ff",
        min_fps: float = MIN_FPS,
        progress: "video_answers.Progress | None" = None,
        **options: Unpack[SamplingOptions],
    ) -> MomentsResult:
        """Finds when something happens in a video; seconds and frames are those of the file.

        A long video is looked at in overlapping windows, see `qvl.answers.video_windows`.

        Args:
            video: a path, bytes, a list of frames, or a `Video`.
            query: what to look for, such as "the goal".
            time_format: how the model is asked to write times.
            min_fps: look in windows rather than see fewer frames a second.
            progress: is told how many windows are done, of how many.
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": video_answers.MOMENTS_MAX_TOKENS, **options})
        return video_answers.find_moments(
            self.engine,
            video,
            query,
            params=params,
            time_format=time_format,
            min_fps=min_fps,
            progress=progress,
        )

    def describe_video(
        self,
        video: "VideoSource | Video",
        *,
        time_format: TimeFormat = "mm:ss.ff",
        min_fps: float = MIN_FPS,
        progress: "video_answers.Progress | None" = None,
        **options: Unpack[SamplingOptions],
    ) -> VideoDescription:
        """Tells what happens in a video and when; arguments as in `find_moments`."""
        params = sampling_params({"max_tokens": video_answers.DESCRIPTION_MAX_TOKENS, **options})
        return video_answers.describe_video(
            self.engine,
            video,
            params=params,
            time_format=time_format,
            min_fps=min_fps,
            progress=progress,
        )

    def watch(self, video: "VideoSource | Video", *, min_fps: float = MIN_FPS) -> WatchedVideo:
        """Decodes and encodes a video once, for many questions; arguments as in `find_moments`."""
        return WatchedVideo(self.engine, video, min_fps=min_fps)

    def read_text(
        self,
        image: "ImageSource | Image",
        *,
        level: Level = "text",
        order: "ocr.Order" = "model",
        prompt: str | None = None,
        **options: Unpack[SamplingOptions],
    ) -> TextResult:
        """Reads the text of a picture.

        Args:
            image: the picture.
            level: "text" for the words alone; "line" or "word" for their boxes as well.
            order: "model" keeps the order of the answer; "layout" orders lines with boxes as a
                person reads them.
            prompt: other words than the usual ones; ``level`` still says how the answer is read.
            options: see `SamplingParams`; with ``logprobs=0`` the lines have a confidence.
        """
        params = sampling_params({"max_tokens": TEXT_MAX_TOKENS, **options})
        return ocr.read_text(
            self.engine, image, level=level, order=order, prompt=prompt, params=params
        )

    def extract(
        self,
        images: "grounding.Pictures",
        schema: object,
        *,
        attempts: int = 1,
        evidence: bool = False,
        **options: Unpack[SamplingOptions],
    ) -> ExtractionResult:
        """Extracts the fields of a schema from pictures, typed and with the text they were made of.

        Args:
            images: a picture or several.
            schema: a JSON schema of an object, a pydantic model class, or names of fields.
            attempts: ask again, with what is wrong, until the answer meets the schema.
            evidence: ask for a box beside every value.
            options: see `SamplingParams`; with ``logprobs=0`` the fields have a confidence.
        """
        params = sampling_params({"max_tokens": EXTRACTION_MAX_TOKENS, **options})
        return extraction.extract(
            self.engine, images, schema, attempts=attempts, evidence=evidence, params=params
        )

    def read_document(
        self,
        source: "ImageSource",
        *,
        pages: str | int | Sequence[int] | None = None,
        variant: Variant = "qwenvl",
        min_pixels: int | None = None,
        max_pixels: int | None = None,
        max_rounds: int = 4,
        password: str | None = None,
        folder: str | Path | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        **options: Unpack[SamplingOptions],
    ) -> DocumentResult:
        """Reads a PDF or a picture of a page: typed elements with their boxes, in reading order.

        Args:
            source: a PDF or a picture.
            pages: "1-3,7" or numbers, counted from 1; None for all.
            variant: "qwenvl"; "caption" to describe pictures as well; "plain" for no boxes.
            min_pixels: fewest pixels a page is shown in.
            max_pixels: most pixels a page is shown in.
            max_rounds: rounds of ``max_tokens`` tokens; each goes on where the last was cut off.
            password: of an encrypted PDF.
            folder: finished pages are kept there, and not read again by the same model.
            on_progress: called as text is written.
            options: see `SamplingParams`.
        """
        params = sampling_params({"max_tokens": DOCUMENT_MAX_TOKENS, **options})
        reading = ReadingOptions(
            variant=variant,
            min_pixels=min_pixels,
            max_pixels=max_pixels,
            max_rounds=max_rounds,
            params=params,
            password=password,
        )
        return read_document(
            self.engine,
            source,
            pages=pages,
            options=reading,
            folder=folder,
            model_name=weights_identity(self.folder),
            on_progress=on_progress,
        )
