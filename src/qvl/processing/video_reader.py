"""A video file -> when its frames are shown, and the pixels of the wanted ones.

Owns: everything that touches PyAV: opening under limits, reading, decoding as little as possible.
Does not own: which frames are wanted (frame_sampling), which packets those need (packet_index),
resizing (video).

    file -> every packet read once, one frame decoded -> Timeline, size
    wanted frames -> packets from their keyframes on -> decoder -> uint8[H, W, 3], one at a time
"""

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from qvl.errors import InputError
from qvl.geometry import ImageSize
from qvl.options import shown
from qvl.processing.frame_sampling import Timeline
from qvl.processing.packet_index import PacketFacts, PacketIndex, Span
from qvl.processing.sources import blame, locate_source

MAX_FRAME_PIXELS = 35_651_584
"""Largest frame that is decoded, 8192 x 4352. Source: ITU-T H.265 table A.8, level 6.2."""

MAX_PACKETS = 24 * 3600 * 60
"""Longest video that is read: a day at 60 frames a second."""

MAX_THREADS = 4
"""Every decoding thread holds a frame of its own, and models see few frames of few pixels."""

FORMATS = (
    "mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg",
    "gif", "apng", "h264", "hevc", "ivf", "m4v", "mxf", "nut", "dv", "obu",
)  # fmt: skip
"""Containers that are read. Others (playlists, image sequences) would open further files."""

_SEEK_PACKETS = 512
"""Unwanted packets from which on a seek is cheaper than reading past them."""

_END_TOLERANCE_S = 0.5
"""Headers round the length of a track; a file is cut off if more than this is missing."""

_REPAIR_HINT = "copy it again, or repair it with: ffmpeg -i broken.mp4 -c copy whole.mp4"


@contextlib.contextmanager
def open_video(source: str | Path | bytes) -> Iterator["VideoReader"]:
    """Opens a video and reads its timeline.

    Raises:
        InputError: no readable video; also for what goes wrong while frames are read inside.
    """
    located = locate_source(source, kind="video")
    name = f"video {shown(str(located))}" if isinstance(located, Path) else "video"
    with blame(name), _decoding(), contextlib.ExitStack() as cleanup:
        handle: IO[bytes] = (
            cleanup.enter_context(located.open("rb"))
            if isinstance(located, Path)
            else BytesIO(located)
        )
        yield cleanup.enter_context(contextlib.closing(VideoReader(handle)))


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    """Turns what PyAV raises on damaged files into an InputError."""
    try:
        yield
    except FFmpegError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InputError(
            f"damaged, cut off or in no known format ({reason})", hint=_REPAIR_HINT
        ) from None


class VideoReader:
    """One open video file. Frame 0 is the first that can be decoded."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._open()
        try:
            self._scan()
        except BaseException:
            self.close()
            raise

    timeline: Timeline
    size: ImageSize
    """As shown, in original_px."""

    def close(self) -> None:
        """Frees the decoder."""
        self._container.close()

    def read(self, frames: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Decodes frames -> (frame, uint8[H, W, 3]), one at a time.

        Args:
            frames: ascending, each once.
        """
        self._open()
        position = 0
        for span in self._index.spans(frames):
            if span.start - position > _SEEK_PACKETS:
                self._seek(span.start)
            yield from self._read_span(span)
            position = span.stop + 1

    def _open(self) -> None:
        """Opens the file, or opens it again from its start."""
        self._handle.seek(0)
        self._container: InputContainer = av.open(
            self._handle,
            mode="r",
            metadata_errors="ignore",
            options={"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "none"},
        )
        stills = Disposition.attached_pic | Disposition.timed_thumbnails
        tracks = [
            track for track in self._container.streams.video if not track.disposition & stills
        ]
        if not tracks:
            has_sound = bool(self._container.streams.audio)
            self.close()
            raise InputError("no video track in it" + (", only sound" if has_sound else ""))
        self._stream: VideoStream = tracks[0]
        if self._stream.codec_context is None:
            self.close()
            raise InputError("no decoder for its video track")
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = min(MAX_THREADS, os.cpu_count() or 1)
        self._packets = self._read_packets(first=0)
        try:
            _check_frame_size(self._stream.codec_context.width, self._stream.codec_context.height)
        except InputError:
            self.close()
            raise

    def _read_packets(self, *, first: int) -> "Iterator[tuple[int, Packet[VideoStream]]]":
        """Numbered packets from where the container stands; the empty ones carry no frame."""
        packets = (packet for packet in self._container.demux(self._stream) if packet.size)
        return enumerate(packets, start=first)

    def _seek(self, number: int) -> None:
        """Goes to a keyframe, or before it; if the container misses it, to the start."""
        self._container.seek(int(self._index.seek_ticks[number]), stream=self._stream)
        _, packet = next(self._read_packets(first=0), (0, None))
        ticks = None if packet is None else _ticks(packet)
        arrived = number + 1 if ticks is None else _position(self._index.pts, ticks)
        if packet is None or arrived > number:
            self.close()
            self._open()
            return
        self._packets = itertools.chain([(arrived, packet)], self._read_packets(first=arrived + 1))

    def _scan(self) -> None:
        """Reads every packet, decodes the first frame."""
        facts: list[PacketFacts] = []
        end_ticks = 0
        is_cut = has_key = False
        opening: VideoFrame | None = None
        for number, packet in self._packets:
            if number >= MAX_PACKETS:
                raise InputError(f"more than {MAX_PACKETS:,} frames")
            facts.append(PacketFacts(packet.pts, packet.dts, packet.is_keyframe, packet.is_discard))
            end_ticks = max(end_ticks, (_ticks(packet) or 0) + (packet.duration or 0))
            is_cut = packet.is_corrupt
            has_key |= packet.is_keyframe
            if opening is None and has_key:
                opening = _first(self._stream.codec_context.decode(packet))
        if not facts:
            raise InputError("no frames in it")
        if opening is None:
            opening = _first(self._stream.codec_context.decode(None))
        if opening is None:
            raise InputError("none of its frames can be decoded", hint=_REPAIR_HINT)
        self._index = PacketIndex.build(facts)
        if not len(self._index.frame_packets):
            raise InputError("no frames that are shown in it")
        if is_cut or self._ends_early(end_ticks):
            raise InputError(
                f"the file is cut off after {len(self._index.frame_packets)} frames",
                hint=_REPAIR_HINT,
            )
        self.timeline = self._build_timeline()
        turned = _quarter_turns(opening) % 2
        height, width = opening.height, opening.width
        self.size = ImageSize(width, height) if turned else ImageSize(height, width)

    def _build_timeline(self) -> Timeline:
        stream = self._stream
        nominal = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        num_frames = len(self._index.frame_packets)
        if num_frames == 1:
            return Timeline.of_constant_rate(1, 1.0)
        if not self._index.is_timed:
            rate = next((float(rate) for rate in nominal if rate), None)
            if rate is None:
                raise InputError("neither timestamps nor a frame rate in it")
            return Timeline.of_constant_rate(num_frames, rate)
        shown = self._index.pts[self._index.frame_packets]
        tick_s = _seconds_per_tick(stream)
        return Timeline.from_times((shown - shown[0]) * tick_s, tick_s=tick_s, nominal=nominal)

    def _ends_early(self, end_ticks: int) -> bool:
        """Whether the header promises clearly more than the file holds.

        Containers that promise nothing (recordings, broadcasts) can be cut anywhere and stay
        sound.
        """
        if not self._index.is_timed:
            return False
        tick_s = _seconds_per_tick(self._stream)
        shown = self._index.pts[self._index.frame_packets]
        length_s = (end_ticks - min(0, int(shown[0]))) * tick_s
        tolerance_s = max(_END_TOLERANCE_S, 2 * length_s / len(shown))
        if self._stream.duration is not None:
            return self._stream.duration * tick_s > length_s + tolerance_s
        if self._container.duration is None:
            return False
        promised_s = self._container.duration / av.time_base
        if promised_s <= length_s + tolerance_s:
            return False
        return promised_s > self._longest_track_s() + tolerance_s  # sound may go on alone

    def _longest_track_s(self) -> float:
        """When the last packet of any track ends."""
        self.close()
        self._open()
        return max(
            (
                float((packet.pts + (packet.duration or 0)) * packet.time_base)
                for packet in self._container.demux()
                if packet.pts is not None and packet.time_base is not None
            ),
            default=0.0,
        )

    def _read_span(self, span: Span) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        wanted = list(span.frames)
        frame: VideoFrame | None = None
        for count, frame in enumerate(self._decode_span(span)):
            while wanted and self._reaches(frame, count, wanted[0]):
                yield wanted.pop(0), _pixels(frame)
            if not wanted:
                return
        if frame is None:
            raise InputError(f"frame {wanted[0]} cannot be decoded", hint=_REPAIR_HINT)
        # The last packets of some codecs only say that the frame before them stays.
        for number in wanted:
            yield number, _pixels(frame)

    def _decode_span(self, span: Span) -> Iterator[VideoFrame]:
        decoder = self._stream.codec_context
        if decoder.is_open:
            decoder.flush_buffers()
        for number, packet in self._packets:
            if number >= span.start:
                yield from decoder.decode(packet)
            if number >= span.stop:
                break
        yield from decoder.decode(None)

    def _reaches(self, frame: VideoFrame, count: int, wanted: int) -> bool:
        """Whether a decoded frame is the wanted one, or the first after it where that is missing.

        Args:
            frame: the frame.
            count: frames decoded before it; how frames without times are told apart.
            wanted: the frame looked for.
        """
        if not self._index.is_timed:
            return count >= wanted
        ticks = self._index.pts[self._index.frame_packets[wanted]]
        return frame.pts is not None and bool(frame.pts >= ticks)


def _position(pts: NDArray[np.int64], ticks: int) -> int:
    """The packet of this time, or the number of packets if there is none."""
    found = np.flatnonzero(pts == ticks)
    return int(found[0]) if len(found) else len(pts)


def _first(frames: Iterable[VideoFrame]) -> VideoFrame | None:
    return next(iter(frames), None)


def _ticks(packet: "Packet[VideoStream]") -> int | None:
    return packet.dts if packet.pts is None else packet.pts


def _seconds_per_tick(stream: VideoStream) -> float:
    assert stream.time_base is not None, "an open stream has a time base"
    return float(stream.time_base)


def _quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns counter-clockwise that put a frame upright (phones film sideways)."""
    return round(frame.rotation / 90)


def _pixels(frame: VideoFrame) -> NDArray[np.uint8]:
    if frame.is_corrupt:
        at = "" if frame.pts is None or frame.time is None else f" at {frame.time:.2f} s"
        raise InputError(f"the frame{at} is damaged", hint=_REPAIR_HINT)
    _check_frame_size(frame.width, frame.height)
    return np.rot90(frame.to_ndarray(format="rgb24"), k=_quarter_turns(frame))


def _check_frame_size(width: int, height: int) -> None:
    if width * height > MAX_FRAME_PIXELS:
        raise InputError(
            f"frames are {width:,} x {height:,} px, more than {MAX_FRAME_PIXELS:,} pixels",
            hint="scale it down first",
        )
