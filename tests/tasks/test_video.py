"""Moments: every form that models write, checked against the video, and nothing they did not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.tasks import video
from qvl.tasks.times import TimeFormat
from qvl.tasks.video import Moment, VideoReading, parse
from qvl.video_facts import VideoFacts
from tests.material import material, requires_material

FPS = 25.0
hundredths = st.integers(0, 360_000).map(lambda count: count / 100)
frame_times = st.integers(0, 90_000).map(lambda frame: frame / FPS)
labels = st.text(max_size=30).filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text))
plain_labels = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="[{"), min_size=1, max_size=30
).filter(lambda text: any(map(str.isalnum, text)))
STYLES = ("seconds", "mm:ss.ff", "hh:mm:ss.ff")


@st.composite
def moments(
    draw: st.DrawFn, times: st.SearchStrategy[float], label: st.SearchStrategy[str]
) -> Moment:
    start_s, end_s = sorted([draw(times), draw(times)])
    return Moment(start_s=start_s, end_s=end_s, label=draw(label))


@given(st.lists(moments(hundredths, labels), max_size=6), st.sampled_from(STYLES))
def test_json_round_trip(items: list[Moment], style: TimeFormat) -> None:
    result = parse(video.format(items, form="json", style=style))
    assert list(result.moments) == items
    assert (result.answered, result.truncated, result.problems) == (True, False, ())


@given(st.lists(moments(hundredths, st.just("")), max_size=6), st.sampled_from(STYLES))
def test_sentence_round_trip(items: list[Moment], style: TimeFormat) -> None:
    result = parse(video.format(items, style=style))
    assert list(result.moments) == items
    assert (result.answered, result.truncated, result.problems) == (True, False, ())


@given(
    st.lists(moments(hundredths, plain_labels | st.just("")), min_size=1, max_size=6),
    st.sampled_from(STYLES),
)
def test_lines_round_trip(items: list[Moment], style: TimeFormat) -> None:
    assert list(parse(video.format(items, form="lines", style=style)).moments) == items


@given(
    st.lists(moments(frame_times, plain_labels), min_size=1, max_size=6),
    st.sampled_from(["json", "lines"]),
)
def test_hmsf_round_trip(items: list[Moment], form: video.Form) -> None:
    text = video.format(items, form=form, style="hmsf", fps=FPS)
    assert list(parse(text, fps=FPS).moments) == items


def spans(result: VideoReading) -> list[tuple[float, float]]:
    return [(moment.start_s, moment.end_s) for moment in result.moments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The given query happens in 64.0 - 72.0 seconds.", [(64, 72)]),
        ("The event happens in 01:32.40 - 01:35.60.", [(92.4, 95.6)]),
        ("It happens in 1.0 - 2.0, 5.0 - 6.0 seconds.", [(1, 2), (5, 6)]),
        ("The event happens in 00:01 - 00:02 and 00:05 - 00:06.", [(1, 2), (5, 6)]),
        ("The given query happens in 64.0 - 72.0.", [(64, 72)]),
        ("It can be seen from 5 to 10 seconds.", [(5, 10)]),
        ("Between 1m 4s and 1m 10s he jumps.", [(64, 70)]),
        ("It lasts from 5 to 10 minutes.", [(300, 600)]),
        ("From 00:05 until 00:10.", [(5, 10)]),
        ("在64.0秒到72.0秒之间", [(64, 72)]),
        ("64.0 - 72.0", [(64, 72)]),
        ("[64.0, 72.0]", [(64, 72)]),
        ("[[64.0, 72.0], [80, 81]]", [(64, 72), (80, 81)]),
        ('["01:04", "01:12"]', [(64, 72)]),
        ('{"start": 64, "end": "72.0"}', [(64, 72)]),
        ('{"timestamp": "01:04 - 01:12"}', [(64, 72)]),
        ('{"01:04 - 01:12": "a jump"}', [(64, 72)]),
        ('{"timestamps": [[64, 72], [80, 81]]}', [(64, 72), (80, 81)]),
        ("It happens at 64.0 seconds.", [(64, 64)]),
        ("The event happens in 01:04.", [(64, 64)]),
        ("00:05", [(5, 5)]),
        ("<|box|>The given query happens in [64.0] - [72.0] seconds", [(64, 72)]),
    ],
)
def test_every_written_form_of_a_moment(text: str, expected: list[tuple[float, float]]) -> None:
    result = parse(text)
    assert spans(result) == expected
    assert result.answered
    assert result.problems == ()


JUMP = [(5.0, 10.0, "He jumps."), (10.0, 12.0, "He lands.")]


@pytest.mark.parametrize(
    "text",
    [
        "00:05 - 00:10: He jumps.\n00:10 - 00:12: He lands.",
        "- 00:05 - 00:10: He jumps.\n- 00:10 - 00:12: He lands.",
        "1. **00:05 - 00:10**: He jumps.\n2. **00:10 - 00:12**: He lands.",
        "Events:\n* [00:05 – 00:10] He jumps.\n* [00:10 – 00:12] He lands.",
        "5.0 - 10.0 seconds: He jumps.\n10.0 - 12.0 seconds: He lands.",
        "- He jumps. (00:05 - 00:10)\n- He lands. (00:10 - 00:12)",
        "| Start | End | What |\n|---|---|---|\n| 00:05 | 00:10 | He jumps. |\n"
        "| 00:10 | 00:12 | He lands. |",
        "| # | Time | What |\n|---|---|---|\n| 1 | 00:05 - 00:10 | He jumps. |\n"
        "| 2 | 00:10 - 00:12 | He lands. |",
        'Sure: ```json\n[{"start_time": "00:05", "end_time": "00:10", "description": "He jumps."},'
        '\n{"start_time": "00:10", "end_time": "00:12", "description": "He lands.",}]\n```',
        '{"events": [{"start": 5, "end": 10, "caption": "He jumps."}, '
        '{"start": 10, "end": 12, "caption": "He lands."}]}',
        '[{"timestamp": "00:05 - 00:10", "event": "He jumps."}, '
        '{"timestamp": [10, 12], "event": "He lands."}]',
    ],
)
def test_every_written_form_of_events(text: str) -> None:
    found = [(moment.start_s, moment.end_s, moment.label) for moment in parse(text).moments]
    assert found == JUMP


def test_words_of_a_label_are_not_times() -> None:
    (moment,) = parse("00:05 - 00:10: He walks 3 - 4 steps, see 00:07 - 00:08.").moments
    assert moment.label == "He walks 3 - 4 steps, see 00:07 - 00:08."
    listed = parse("- 00:05: A man\n- 00:10: A dog").moments
    assert [(moment.start_s, moment.end_s, moment.label) for moment in listed] == [
        (5, 5, "A man"),
        (10, 10, "A dog"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I see no such thing.",
        "3-4 people walk past.",
        "See [1, 2] for more.",
        "It was filmed in 2019 - 2020 at 10:30 AM.",
        "There are 12 - 15 birds.",
        "The score is 3 to 2.",
        '{"bbox_2d": [1, 2, 3, 4]}',
        '{"count": [1, 2, 3]}',
        "The video is long.",
    ],
)
def test_never_invents(text: str) -> None:
    result = parse(text)
    assert (result.moments, result.answered, result.problems) == ((), False, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"start_time": "soon", "end_time": "00:10"}', 'no time: "soon" in'),
        ('{"start_time": "00:05"}', "a start without an end"),
        ("The event happens in 00:75 - 01:10.", "no time: 00:75 - 01:10"),
        ("The event happens in 00:00:05:10 - 00:00:06:00.", "no time: 00:00:05:10"),
        ("The scene is 2 minutes long.", "times that are no span: 2 minutes"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, problem: str) -> None:
    result = parse(text)
    assert result.moments == ()
    assert problem in result.problems[0]


def test_nothing_is_an_answer_too() -> None:
    for text in ("[]", "```json\n[]\n```", video.ABSENT, "The event did not occur."):
        result = parse(text)
        assert (result.moments, result.answered) == ((), True)


def test_a_time_at_the_end_of_a_cut_answer_is_not_trusted() -> None:
    text = "The event happens in 00:01 - 00:02 and 01:32.40 - 01:35"
    whole, cut = parse(text), parse(text, is_cut=True)
    assert spans(whole) == [(1, 2), (92.4, 95)]
    assert spans(cut) == [(1, 2)]
    assert cut.truncated
    assert cut.problems == ("cut off: 01:32.40 - 01:35",)


def facts(start_s: float = 0.0, step_s: float = 0.5, count: int = 20) -> VideoFacts:
    times = tuple(start_s + number * step_s for number in range(count))
    return VideoFacts(
        num_frames=3000,
        fps=30.0,
        frame_indices=tuple(round(time_s * 30) for time_s in times),
        timestamps_s=times,
    )


def test_frames_of_the_file() -> None:
    (moment,) = parse("The event happens in 00:01.03 - 00:05.50.", facts=facts()).moments
    assert (moment.start_frame, moment.end_frame) == (31, 165)
    assert (moment.start_s, moment.end_s) == (1.03, 5.5)
    assert [moment.swapped, moment.clipped, moment.off_grid] == [False] * 3


def test_times_count_from_the_first_frame_seen() -> None:
    (moment,) = parse("1.0 - 2.0 seconds", facts=facts(start_s=40.0)).moments
    assert (moment.start_s, moment.end_s, moment.start_frame) == (41.0, 42.0, 1230)
    back = video.to_model_time(moment, facts(start_s=40.0))
    assert (back.start_s, back.end_s) == (1.0, 2.0)


def test_swapped_and_outside_are_flagged_and_kept() -> None:
    result = parse("5.0 - 1.0, 8.0 - 20.0, 50.0 - 60.0 seconds", facts=facts())
    swapped, clipped = result.moments
    assert (swapped.start_s, swapped.end_s, swapped.swapped, swapped.clipped) == (1, 5, True, False)
    assert clipped.clipped
    assert (clipped.start_s, clipped.end_s) == (8.0, pytest.approx(9.5 + 1 / 30))
    assert clipped.raw == "8.0 - 20.0"
    assert result.problems == ("50.0 - 60.0 seconds lies outside what the model saw, 0 to 9.53 s",)
    (negative,) = parse('[{"start": -1, "end": 2}]', facts=facts()).moments
    assert (negative.start_s, negative.clipped) == (0.0, True)
    assert negative.raw == '{"start": -1, "end": 2}'


def test_finer_than_the_sampling_is_flagged() -> None:
    coarse = facts(step_s=4.0)
    between, around = parse("5.0 - 7.0, 3.0 - 5.0 seconds", facts=coarse).moments
    assert (between.off_grid, around.off_grid) == (True, False)


@given(
    text=st.text('0123456789:. -to\nsecond[]{}",|', max_size=60) | st.text(max_size=60),
    start_s=st.sampled_from([0.0, 12.5]),
)
def test_whatever_is_written_results_lie_in_the_video(text: str, start_s: float) -> None:
    seen = facts(start_s=start_s)
    for result in (parse(text, facts=seen), parse(text, facts=seen, is_cut=True)):
        json.dumps([moment.to_json() for moment in result.moments])
        for moment in result.moments:
            assert seen.start_s <= moment.start_s <= moment.end_s <= seen.end_s
            assert moment.start_frame is not None
            assert moment.end_frame is not None
            assert 0 <= moment.start_frame <= moment.end_frame < seen.num_frames
            assert moment.raw


@pytest.mark.parametrize(
    "text", ["0:00 - " * 4000, "[" * 5000, "1 - 2, " * 4000, "at 00:01 " * 4000]
)
def test_long_nonsense_is_read_in_bounded_time(text: str) -> None:
    parse(text, facts=facts())


def description_in_minutes() -> str:
    return video.description_prompt(style="minutes")  # type: ignore[arg-type]


def test_prompts() -> None:
    assert video.prompt("the jump", style=None) == (
        "Give the query: 'the jump', when does the described content occur in the video?"
    )
    assert video.prompt(" the jump ").endswith("? Use ‘mm:ss.ff’ as time format.")
    assert video.prompt("x", style="hmsf").endswith("? Use ‘hh:mm:ss:ff’ as time format.")
    assert video.description_prompt(style="seconds").endswith(
        "with 'seconds' format for time depiction."
    )
    for ask in (lambda: video.prompt("x", style="mm:ss"), description_in_minutes):
        with pytest.raises(InputError, match=r"expected one of seconds, mm:ss\.ff"):
            ask()
    with pytest.raises(InputError, match="nothing to look for"):
        video.prompt("  ")


@pytest.mark.parametrize(
    ("moment", "form"),
    [
        (Moment(start_s=2, end_s=1), "json"),
        (Moment(start_s=1, end_s=2, label="x"), "sentence"),
        (Moment(start_s=1, end_s=2, label="two\nlines"), "lines"),
        (Moment(start_s=1, end_s=2, label="..."), "lines"),
        (Moment(start_s=1, end_s=2, label="see [1, 2]"), "lines"),
    ],
)
def test_what_a_form_cannot_hold_is_refused(moment: Moment, form: video.Form) -> None:
    with pytest.raises(InputError):
        video.format([moment], form=form)
    with pytest.raises(InputError, match="expected one of sentence, json, lines"):
        video.format([], form="table")  # type: ignore[arg-type]


def recorded(name: str) -> str:
    return material("cookbooks", "model_outputs", name).read_text("utf-8")


def recorded_cases() -> dict[str, dict]:
    index = json.loads(recorded("index.json"))
    return {case["id"]: case for case in index["cases"] if case["id"].startswith("video_")}


@requires_material
def test_recorded_moment_and_events() -> None:
    cases = recorded_cases()
    clock = parse(recorded("video_grounding_clock.txt"))
    assert spans(clock) == [tuple(cases["video_grounding_clock"]["expect_span"])]
    events = parse(recorded("video_events_json.txt"))
    assert spans(events) == [tuple(span) for span in cases["video_events_json"]["expect_spans"]]
    assert events.moments[0].label == "A person is slicing meat on a cutting board."
    query = "The seasoned meat is placed on a grill"
    assert video.prompt(query) == cases["video_grounding_clock"]["prompt"]
    assert video.description_prompt() == cases["video_events_json"]["prompt"]
    # What is read is written as it was.
    assert video.format(events.moments, form="json") == recorded("video_events_json.txt").strip()
    assert video.format(clock.moments) == recorded("video_grounding_clock.txt").strip()


@requires_material
@pytest.mark.parametrize("name", ["video_papers_table.txt", "video_table_zh.txt"])
def test_recorded_summaries_state_no_times(name: str) -> None:
    """Tables of what a video shows: titles with translations, and the features of a product."""
    result = parse(recorded(name))
    assert (result.moments, result.answered, result.problems) == ((), False, ())


@requires_material
@pytest.mark.parametrize(
    "name",
    [
        "video_grounding_clock.txt",
        "video_events_json.txt",
        "video_papers_table.txt",
        "video_table_zh.txt",
    ],
)
def test_every_cut_of_a_recorded_answer(name: str) -> None:
    text = recorded(name)
    whole = [(moment.start_s, moment.end_s, moment.label) for moment in parse(text).moments]
    for end in range(len(text)):
        found = parse(text[:end], is_cut=True)
        stated = [(moment.start_s, moment.end_s, moment.label) for moment in found.moments]
        assert stated == whole[: len(stated)]
        assert found.truncated
    cuts = json.loads(recorded("truncations.json"))["cases"]
    for cut in cuts:
        if f"{cut['of']}.txt" == name:
            assert len(parse(text[: cut["cut_at"]]).moments) == cut["complete_objects"]
