"""Which packets are decoded: from the keyframe on, and no more than needed."""

import random

from qvl.processing.packet_index import PacketFacts, PacketIndex, Span


def facts(*packets: tuple[int | None, bool]) -> list[PacketFacts]:
    """Packets in file order, as (time shown, is a keyframe)."""
    return [PacketFacts(pts, number, key, False) for number, (pts, key) in enumerate(packets)]


def every(gop: int, count: int) -> PacketIndex:
    return PacketIndex.build([PacketFacts(i, i, i % gop == 0, False) for i in range(count)])


def test_only_the_groups_with_wanted_frames_are_decoded() -> None:
    index = every(gop=100, count=1000)
    assert index.spans([5, 450, 455, 999]) == [
        Span(0, 5, (5,)),
        Span(400, 455, (450, 455)),
        Span(900, 999, (999,)),
    ]


def test_near_groups_are_decoded_in_one_go() -> None:
    assert every(gop=10, count=100).spans([8, 12]) == [Span(0, 12, (8, 12))]
    assert every(gop=1, count=100).spans([0, 8]) == [Span(0, 8, (0, 8))]
    assert every(gop=1, count=100).spans([0, 50]) == [Span(0, 0, (0,)), Span(50, 50, (50,))]


def test_frames_are_numbered_in_the_order_they_are_shown() -> None:
    index = PacketIndex.build(facts((0, True), (3, False), (1, False), (2, False)))
    assert index.frame_packets.tolist() == [0, 2, 3, 1]
    assert index.spans([1]) == [Span(0, 2, (1,))]


def test_a_frame_shown_before_its_keyframe_needs_the_keyframe_before() -> None:
    # An open group: packet 3 is a keyframe shown at 5; packet 4 is shown at 4 and needs both.
    index = PacketIndex.build(facts((0, True), (1, False), (2, False), (5, True), (4, False)))
    assert index.frame_packets.tolist() == [0, 1, 2, 4, 3]
    assert index.spans([3]) == [Span(0, 4, (3,))]
    assert index.spans([4]) == [Span(3, 3, (4,))]


def test_what_cannot_be_decoded_or_is_cut_away_is_no_frame() -> None:
    late_key = PacketIndex.build(facts((0, False), (3, True), (2, False), (4, False)))
    assert late_key.frame_packets.tolist() == [1, 3]  # 2 is shown before the first keyframe
    hidden = [PacketFacts(i, i, i == 0, i < 3) for i in range(6)]
    index = PacketIndex.build(hidden)
    assert index.frame_packets.tolist() == [3, 4, 5]
    assert index.spans([0]) == [Span(0, 3, (0,))]


def test_without_usable_times_frames_are_counted() -> None:
    for packets in ([(None, True), (1, False)], [(0, True), (0, False)]):
        bare = [PacketFacts(pts, None, key, False) for pts, key in packets]
        index = PacketIndex.build(bare)
        assert not index.is_timed
        assert index.spans([1]) == [Span(0, 1, (1,))]


def test_decoding_times_stand_in_for_missing_times() -> None:
    index = PacketIndex.build([PacketFacts(None, i, i == 0, False) for i in range(3)])
    assert index.is_timed
    assert index.frame_packets.tolist() == [0, 1, 2]


def test_spans_hold_every_wanted_frame_once_and_start_with_a_keyframe() -> None:
    draw = random.Random(0)
    for _ in range(300):
        count = draw.randint(1, 200)
        shown = [i + draw.choice([0, 0, 2, -2]) * (i % 3 == 1) for i in range(count)]
        times = {value: None for value in shown}
        if len(times) < count:
            continue
        packets = [(time, i == 0 or draw.random() < 0.1) for i, time in enumerate(shown)]
        index = PacketIndex.build(facts(*packets))
        frames = sorted(
            draw.sample(range(len(index.frame_packets)), k=min(3, len(index.frame_packets)))
        )
        spans = index.spans(frames)
        assert [frame for span in spans for frame in span.frames] == frames
        for span, after in zip(spans, [*spans[1:], None], strict=True):
            assert index.is_key[span.start]
            for frame in span.frames:
                assert span.start <= index.frame_packets[frame] <= span.stop
            assert after is None or span.stop < after.start
