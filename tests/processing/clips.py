"""Small videos for tests, made in memory; every frame carries its own number as black bars."""

import io
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

BITS = 10
TICK = Fraction(1, 1000)
HEIGHT, WIDTH = 48, 16 * BITS


def numbered_frame(number: int, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """uint8[height, width, 3]: bar i is white where bit i of the number is set."""
    bars = np.array([255 * (number >> bit & 1) for bit in range(BITS)], np.uint8)
    return np.broadcast_to(bars.repeat(width // BITS)[None, :, None], (height, width, 3)).copy()


def number_of(frame: np.ndarray) -> int:
    """Reads the number back, also from a resized frame."""
    height, width = frame.shape[:2]
    middles = (np.arange(BITS) + 0.5) * width / BITS
    bits = frame[height // 2, middles.astype(int)].mean(axis=-1) > 127
    return int(sum(int(bit) << position for position, bit in enumerate(bits)))


def make_clip(
    num_frames: int = 60,
    *,
    kind: str = "mp4",
    codec: str = "libx264",
    fps: int = 30,
    times_ms: Sequence[int] | None = None,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    with_sound: bool = False,
) -> bytes:
    """Encodes numbered frames -> the bytes of the file.

    Args:
        num_frames: 0 leaves a file without a picture.
        kind: container.
        codec: encoder.
        fps: rate, unless `times_ms` gives the time of each frame.
        times_ms: when each frame is shown.
        size: height and width.
        pixel_format: of the encoder.
        options: of the encoder, such as the distance of keyframes.
        rotation: in degrees, written into the header as phones do.
        with_sound: adds a second of silence.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        if num_frames:
            track = container.add_stream(codec, rate=fps, options=options or {})
            track.height, track.width = size
            track.pix_fmt = pixel_format
            if rotation:
                track.set_display_rotation(rotation)
            if times_ms is not None:
                track.codec_context.time_base = TICK
        if with_sound:
            sound = container.add_stream("aac", rate=48_000)
        for number in range(num_frames):
            pixels = numbered_frame(number, height=size[0], width=size[1])
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], TICK
            container.mux(track.encode(frame))
        if num_frames:
            container.mux(track.encode(None))
        if with_sound:
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 48_000), np.float32), format="fltp", layout="mono"
            )
            silence.rate = 48_000
            container.mux(sound.encode(silence))
            container.mux(sound.encode(None))
    return buffer.getvalue()
