"""Frames and their times -> the bytes of a video file, one frame in memory at a time.

Owns: the encoder and its settings. Does not own: frames (`film`), times (`timing`).

    frames, times -> encode_video() -> MP4 with H.264 or VP9

One thread, no clock, no random numbers in the file: equal frames give equal bytes with the same
build of the encoder, and every build decodes them to the same pixels.
"""

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from qvl.errors import DataError

TICKS_PER_SECOND = 90_000
"""Resolution of times in a file. Source: ITU-T H.222.0, section 2.4.2.2, the 90 kHz clock."""

MAX_FRAMES = 20_000
"""Longest video that is written."""

Codec = Literal["h264", "vp9"]

_ENCODERS: dict[Codec, tuple[str, dict[str, str]]] = {
    # No frames that refer to later ones: times then start at 0 without an edit list.
    "h264": ("libx264", {"preset": "veryfast", "bf": "0", "threads": "1"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "b": "0", "threads": "1"}),
}
_KEYFRAME_EVERY = "24"


def encode_video(
    frames: Iterable[NDArray[np.uint8]],
    times_s: Sequence[float],
    *,
    codec: Codec = "h264",
    crf: int = 23,
) -> bytes:
    """Returns the file.

    Args:
        frames: uint8[H, W, 3], one for each time, taken one by one; H and W are even.
        times_s: when each is shown, ascending, on ticks of a 90,000th of a second.
        codec: of the picture.
        crf: quality, 0 the best, 51 (VP9: 63) the worst.

    Raises:
        DataError: no frames, too many, or times that do not ascend.
    """
    if not 0 < len(times_s) <= MAX_FRAMES:
        raise DataError(f"video of {len(times_s):,} frames, expected 1 to {MAX_FRAMES:,}")
    ticks = [round(time_s * TICKS_PER_SECOND) for time_s in times_s]
    if any(later <= earlier for earlier, later in pairwise(ticks)):
        raise DataError("times of frames do not ascend", hint="give every frame a time of its own")
    name, options = _ENCODERS[codec]
    mean = Fraction(len(ticks) - 1, max(1, ticks[-1] - ticks[0])) * TICKS_PER_SECOND
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        settings = {**options, "crf": str(crf), "g": _KEYFRAME_EVERY}
        track = container.add_stream(name, rate=mean.limit_denominator(1000) or 1, options=settings)
        assert isinstance(track, VideoStream)
        track.pix_fmt = "yuv420p"
        track.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
        for tick, pixels in zip(ticks, frames, strict=True):
            if tick == ticks[0]:
                track.height, track.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, TICKS_PER_SECOND)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return buffer.getvalue()
