"""Which packets of a video file must be decoded to see the wanted frames.

Owns: the order of frames, keyframes, runs of packets. Does not own: reading or decoding
(video_reader); it sees numbers only.

    times and flags of all packets -> PacketIndex -> spans(wanted frames)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BRIDGED_PACKETS = 8
"""Unwanted packets decoded rather than skipped: emptying the decoder costs about as much."""


class PacketFacts(NamedTuple):
    """What a container says about one packet, times in ticks."""

    pts: int | None
    """When its frame is shown."""
    dts: int | None
    """When it is decoded."""
    is_key: bool
    is_hidden: bool
    """Needed for decoding, but cut away by the file's edit list."""


class Span(NamedTuple):
    """A run of packets to decode, in file order, and the frames wanted from it."""

    start: int
    """A keyframe."""
    stop: int
    """The last packet, included."""
    frames: tuple[int, ...]
    """Wanted frames, ascending."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PacketIndex:
    """All packets of a video track in file order, and which of them is which frame."""

    pts: NDArray[np.int64]
    """int64[N], when the frame of each packet is shown; just a count unless `is_timed`."""
    seek_ticks: NDArray[np.int64]
    """int64[N], the earlier of showing and decoding time: what to seek to for a packet."""
    is_key: NDArray[np.bool_]
    """bool[N], True where decoding can start."""
    frame_packets: NDArray[np.int64]
    """int64[F], the packet of each frame, in the order they are shown."""
    is_timed: bool
    """False if times are missing or repeated: frames are then told apart by counting."""

    @classmethod
    def build(cls, facts: Sequence[PacketFacts]) -> "PacketIndex":
        """Puts the frames in the order they are shown.

        Frames before the first keyframe cannot be decoded and are not counted, as in recordings
        that start in the middle of a broadcast.
        """
        order = np.arange(len(facts))
        is_key = np.array([fact.is_key for fact in facts])
        if not is_key.any():
            is_key[0] = True
        times = [fact.dts if fact.pts is None else fact.pts for fact in facts]
        known = [time for time in times if time is not None]
        if len(known) < len(facts) or len(set(known)) < len(facts):
            return cls(
                pts=order, seek_ticks=order, is_key=is_key, frame_packets=order, is_timed=False
            )
        pts = np.array(known, np.int64)
        dts = np.array(
            [
                time if fact.dts is None else fact.dts
                for fact, time in zip(facts, known, strict=True)
            ]
        )
        first_key = int(np.argmax(is_key))
        is_shown = ~np.array([fact.is_hidden for fact in facts])
        is_shown &= (order >= first_key) & (pts >= pts[first_key])
        by_time = np.argsort(pts, kind="stable")
        return cls(
            pts=pts,
            seek_ticks=np.minimum(pts, dts),
            is_key=is_key,
            frame_packets=by_time[is_shown[by_time]],
            is_timed=True,
        )

    def spans(self, frames: Sequence[int]) -> list[Span]:
        """The packets to decode for these frames, in file order.

        >>> facts = [PacketFacts(i, i, i % 10 == 0, False) for i in range(40)]
        >>> PacketIndex.build(facts).spans([3, 5, 31])
        [Span(start=0, stop=5, frames=(3, 5)), Span(start=30, stop=31, frames=(31,))]

        Args:
            frames: ascending, each once.
        """
        if not self.is_timed:
            return [Span(0, len(self.pts) - 1, tuple(frames))]
        keys = np.flatnonzero(self.is_key)
        spans: list[Span] = []
        for frame in frames:
            packet = int(self.frame_packets[frame])
            # A frame shown before the keyframe that it follows in the file also needs the
            # keyframe before that one (an open group of pictures).
            usable = keys[(keys <= packet) & (self.pts[keys] <= self.pts[packet])]
            start = int(usable[-1])
            if spans and start <= spans[-1].stop + _BRIDGED_PACKETS:
                before = spans.pop()
                start = min(start, before.start)
                spans.append(Span(start, max(before.stop, packet), (*before.frames, frame)))
            else:
                spans.append(Span(start, packet, (frame,)))
        return spans
