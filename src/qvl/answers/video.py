"""Finds moments in videos, describes videos, and answers many questions about one.

Owns: asking, window after window where a video is long. Does not own: when that is so
(``video_windows``), the written forms (``tasks.video``), the results (``video_results``).

    video, query -> windows -> prompt -> model -> tasks.video.parse -> merge -> MomentsResult
    video -> watch -> WatchedVideo: encoded once, asked many times
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from qvl.answers.answering import AnsweringModel
from qvl.answers.video_results import MomentsResult, VideoDescription
from qvl.answers.video_windows import (
    MIN_FPS,
    WindowMoments,
    fit_budget,
    merge_events,
    merge_moments,
    plan_windows,
)
from qvl.errors import InputError
from qvl.messages import Conversation, Image, SamplingParams, Video
from qvl.options import shown
from qvl.processing.processor import Processor
from qvl.sampling_params import SamplingOptions, sampling_params
from qvl.tasks import video as video_task
from qvl.tasks.times import TimeFormat, format_time
from qvl.video_facts import VideoFacts

if TYPE_CHECKING:
    from qvl.messages import VideoSource

    AnyVideo = VideoSource | Video

MOMENTS_MAX_TOKENS = 512
"""Room for about 25 ranges of 20 tokens each."""
DESCRIPTION_MAX_TOKENS = 2048
"""Room for about 30 events of 60 tokens each."""

_LARGEST_ANSWER = 0.25
"""Share of the context kept for the answer, where ``max_tokens`` allows more."""
_QUESTION_TOKENS = 1024
"""Room for a question and what surrounds it, where the question is not known yet."""

Progress = Callable[[int, int], None]
"""Is told how many windows are done, of how many."""


class _Seen(NamedTuple):
    """One window: what of the video the model saw, and what it said."""

    facts: VideoFacts
    reading: video_task.VideoReading


def find_moments(
    model: AnsweringModel,
    video: "AnyVideo",
    query: str,
    *,
    params: SamplingParams,
    time_format: TimeFormat = "mm:ss.ff",
    min_fps: float = MIN_FPS,
    progress: Progress | None = None,
) -> MomentsResult:
    """Finds when something happens; see `TypedAnswers.find_moments`."""
    prompt = video_task.prompt(query, style=time_format)
    original = as_video(video)
    windows = _windows(original, model.processor, prompt, params, min_fps)
    seen = _look(model, windows, prompt, params, progress)
    return _moments_result(original, query, seen)


def describe_video(
    model: AnsweringModel,
    video: "AnyVideo",
    *,
    params: SamplingParams,
    time_format: TimeFormat = "mm:ss.ff",
    min_fps: float = MIN_FPS,
    progress: Progress | None = None,
) -> VideoDescription:
    """Tells what happens when; see `TypedAnswers.describe_video`."""
    prompt = video_task.description_prompt(style=time_format)
    original = as_video(video)
    windows = _windows(original, model.processor, prompt, params, min_fps)
    return _description(original, _look(model, windows, prompt, params, progress))


class WatchedVideo:
    """A video that was decoded and encoded once; questions about it cost only the language model.

    Its features stay in memory for as long as the object lives. A video so long that moments are
    looked for in windows is encoded once more for them, at the first such question.

    Attributes:
        video: as it was given.
        facts: which of its frames `ask` sees.
    """

    def __init__(self, model: AnsweringModel, video: "AnyVideo", *, min_fps: float = MIN_FPS):
        self._model = model
        self._min_fps = min_fps
        self.video = as_video(video)
        settings = model.processor.settings
        reserved = min(_QUESTION_TOKENS + MOMENTS_MAX_TOKENS, settings.context_length // 2)
        self._budgeted = fit_budget(self.video, settings, reserved_tokens=reserved)
        self._whole = model.encode(self._budgeted)
        self._windows: tuple[Video, ...] | None = None
        self.facts = _facts_of(model, self._whole)

    def __repr__(self) -> str:
        end = format_time(self.facts.end_s)
        return f"WatchedVideo({len(self.facts.frame_indices)} frames until {end})"

    def ask(self, question: str, **options: Unpack[SamplingOptions]) -> str:
        """Returns the answer to a question about the whole video; options of `SamplingParams`."""
        if not question.strip():
            raise InputError("the question is empty")
        inputs = self._model.prepare(Conversation.user(self._whole, question))
        (result,) = self._model.complete([inputs], sampling_params(options))
        return result.text

    def find_moments(
        self,
        query: str,
        *,
        time_format: TimeFormat = "mm:ss.ff",
        **options: Unpack[SamplingOptions],
    ) -> MomentsResult:
        """Finds when something happens; as `TypedAnswers.find_moments`."""
        params = sampling_params({"max_tokens": MOMENTS_MAX_TOKENS, **options})
        prompt = video_task.prompt(query, style=time_format)
        seen = _look(self._model, self._encoded_windows(), prompt, params)
        return _moments_result(self.video, query, seen)

    def describe(
        self, *, time_format: TimeFormat = "mm:ss.ff", **options: Unpack[SamplingOptions]
    ) -> VideoDescription:
        """Tells what happens when; as `TypedAnswers.describe_video`."""
        params = sampling_params({"max_tokens": DESCRIPTION_MAX_TOKENS, **options})
        prompt = video_task.description_prompt(style=time_format)
        seen = _look(self._model, self._encoded_windows(), prompt, params)
        return _description(self.video, seen)

    def _encoded_windows(self) -> tuple[Video, ...]:
        if self._windows is None:
            settings = self._model.processor.settings
            windows = plan_windows(self._budgeted, settings, min_fps=self._min_fps)
            if len(windows) == 1:
                self._windows = (self._whole,)
            else:
                self._windows = tuple(self._model.encode(window) for window in windows)
        return self._windows


def as_video(video: "AnyVideo") -> Video:
    """A video in any form, as a message part.

    Raises:
        InputError: it is an `Image`.
    """
    if isinstance(video, Video):
        return video
    given: Any = video
    if isinstance(given, Image):
        raise InputError("an Image was given, expected a video", hint="a list of frames is a video")
    return Video(video)


def _windows(
    video: Video, processor: Processor, prompt: str, params: SamplingParams, min_fps: float
) -> tuple[Video, ...]:
    settings = processor.settings
    # Two tokens mark where the video stands.
    asked = processor.bill(Conversation.user(prompt)).total + 2
    answer = min(params.max_tokens, int(_LARGEST_ANSWER * settings.context_length))
    budgeted = fit_budget(video, settings, reserved_tokens=asked + answer)
    return plan_windows(budgeted, settings, min_fps=min_fps)


def _look(
    model: AnsweringModel,
    windows: Sequence[Video],
    prompt: str,
    params: SamplingParams,
    progress: Progress | None = None,
) -> list[_Seen]:
    """Asks about each window, one after the other, so that the pixels of one are in memory."""
    seen = []
    for number, window in enumerate(windows, start=1):
        inputs = model.prepare(Conversation.user(window, prompt))
        (result,) = model.complete([inputs], params)
        facts = inputs.media[0].facts
        assert facts is not None, "a video has facts"
        is_cut = result.finish_reason == "length"
        seen.append(_Seen(facts, video_task.parse(result.text, facts=facts, is_cut=is_cut)))
        if progress is not None:
            progress(number, len(windows))
    return seen


def _facts_of(model: AnsweringModel, video: Video) -> VideoFacts:
    (item,) = model.processor.bill(Conversation.user(video)).items
    assert item.facts is not None, "a video has facts"
    return item.facts


def _moments_result(video: Video, query: str, seen: Sequence[_Seen]) -> MomentsResult:
    moments = seen[0].reading.moments
    if len(seen) > 1:
        moments = merge_moments([WindowMoments(facts, r.moments) for facts, r in seen])
    return MomentsResult(query=query.strip(), moments=moments, video=video, **_shared(seen))


def _description(video: Video, seen: Sequence[_Seen]) -> VideoDescription:
    moments = seen[0].reading.moments
    if len(seen) > 1:
        moments = merge_events([WindowMoments(facts, r.moments) for facts, r in seen])
    return VideoDescription(moments=moments, video=video, **_shared(seen))


def _shared(seen: Sequence[_Seen]) -> dict[str, Any]:
    """The fields that both results have."""
    return {
        "texts": tuple(reading.text for _, reading in seen),
        "facts": tuple(facts for facts, _ in seen),
        "answered": any(reading.answered for _, reading in seen),
        "truncated": any(reading.truncated for _, reading in seen),
        "problems": tuple(_problems(seen)),
    }


def _problems(seen: Sequence[_Seen]) -> Iterable[str]:
    for facts, reading in seen:
        where = ""
        if len(seen) > 1:
            where = f"{format_time(facts.start_s)} - {format_time(facts.end_s)}: "
        for problem in reading.problems:
            yield where + problem
        if where and not reading.answered:
            yield f"{where}no times in {shown(reading.text)}"
