"""Samples of drawn videos: repeatable, seen as planned, with answers that can be read back."""

import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from qvl.data.encoding import content_id, decode_sample, encode_sample
from qvl.data.records import Sample
from qvl.data.synth.video.clips import film_sample, video_sample
from qvl.data.synth.video.encode import encode_video
from qvl.data.synth.video.frame_questions import FRAME_FORMS
from qvl.data.synth.video.questions import FORMS, TimeStyle
from qvl.data.synth.video.timing import timing_of
from qvl.errors import ConfigError, DataError
from qvl.geometry import PixelLimits
from qvl.messages import Video
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video, prepare_video
from qvl.tasks import counting, grounding
from qvl.tasks import video as video_task
from tests.data.synth.video.films import made, needs_fonts

SMALL = PixelLimits(min_pixels=3136, max_pixels=112_896)


def draw(number: int, **options: object) -> Sample:
    return video_sample(np.random.default_rng((5, number)), seed=(5, number), **options)  # type: ignore[arg-type]


def part(sample: Sample) -> Video:
    video = sample.conversation.messages[0].content[0]
    assert isinstance(video, Video)
    return video


def turns(sample: Sample) -> list[tuple[str, str]]:
    texts = [m.content[-1].text for m in sample.conversation.messages]  # type: ignore[union-attr]
    return list(zip(texts[::2], texts[1::2], strict=True))


def events(sample: Sample, *kinds: str) -> list[list]:
    return [event for event in sample.facts["events"] if event[0] in kinds]


@needs_fonts
def test_the_same_numbers_give_the_same_bytes_in_another_process() -> None:
    code = (
        "import numpy as np\n"
        "from qvl.data.encoding import content_id\n"
        "from qvl.data.synth.video.clips import video_sample\n"
        "print(*(content_id(video_sample(np.random.default_rng((5, n)), seed=(5, n)))"
        " for n in range(4)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert other.stdout.split() == [content_id(draw(n)) for n in range(4)]


@needs_fonts
def test_samples_are_seen_at_rates_even_by_octave() -> None:
    rates = [
        draw(n, kind="seen", frames=(4, 6), frame_tokens=(9, 12)).facts["sample_fps"]
        for n in range(117)
    ]
    counts = np.histogram(rates, 2.0 ** np.arange(-4, 6))[0]
    assert counts.sum() == 117
    # Thirteen in each of nine octaves; three standard deviations are 10.
    assert counts.min() >= 3
    assert counts.max() <= 24


@needs_fonts
@pytest.mark.parametrize("kind", ["seen", "native", "varying"])
def test_a_model_sees_exactly_the_frames_that_were_planned(kind: str) -> None:
    for number in range(6):
        sample = draw(number, kind=kind, rates=(0.5, 8.0), frames=(6, 24))
        video = part(sample)
        for limits in (DEFAULT_LIMITS, SMALL):
            measured = measure_video(video, limits)
            assert measured.plan.resized == measured.transform.original
            assert measured.plan.sample_fps == pytest.approx(sample.facts["sample_fps"], rel=1e-9)
        assert measured.facts.duration_s == pytest.approx(sample.facts["duration_s"])
        prepared = prepare_video(video, DEFAULT_LIMITS)
        boundaries = {time for event in sample.facts["events"] for time in event[1:3]}
        boundaries -= {sample.facts["duration_s"]}
        seen = prepared.timestamps_s.tolist()
        assert all(min(abs(b - s) for s in seen) < 1e-6 for b in boundaries)


@needs_fonts
def test_varying_rates_keep_their_true_times() -> None:
    sample = draw(3, kind="varying", rates=(2.0, 4.0), frames=(12, 24))
    prepared = prepare_video(part(sample), DEFAULT_LIMITS)
    gaps = np.diff(prepared.facts.times_s)
    assert gaps.max() > 1.5 * gaps.min()
    # Even in time, as the position ids take them to be: each is the frame on screen then.
    wanted = np.linspace(0, prepared.facts.times_s[-1], len(prepared.timestamps_s))
    assert (prepared.timestamps_s <= wanted + 1e-6).all()
    assert (wanted - prepared.timestamps_s < gaps.max() + 1e-6).all()


@needs_fonts
def test_two_hours_cost_their_seen_frames_alone() -> None:
    """In a process of its own: its peak of memory is that of the whole video and its encoder."""
    code = (
        "import json, re, time, numpy as np\n"
        "from qvl.data.synth.video.clips import film_sample\n"
        "start = time.process_time()\n"
        "s = film_sample(np.random.default_rng(1), seed=(1,), rates=(1 / 22, 1 / 22),"
        " seconds=(7200, 7200), frames=(300, 400))\n"
        "print(json.dumps([s.facts['duration_s'], time.process_time() - start,"
        " int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024,"
        " len(s.conversation.messages[0].content[0].source)]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    duration_s, seconds, megabytes, size = json.loads(run.stdout)
    assert duration_s == pytest.approx(7200, rel=0.01)
    assert seconds < 20
    assert megabytes < 400
    assert size < 4_000_000


@needs_fonts
@pytest.mark.parametrize("form", [*FORMS, *FRAME_FORMS])
def test_answers_are_true_and_can_be_read_back(form: str) -> None:
    for number in range(4):
        sample = draw(
            number, forms=(form,), rates=(1.0, 6.0), frames=(24, 40), frame_tokens=(30, 40),
            kind="seen",
        )  # fmt: skip
        ((question, answer),) = turns(sample)
        check(form, question, answer, sample)


def check(form: str, question: str, answer: str, sample: Sample) -> None:
    """Judges an answer by the events alone."""
    facts = measure_video(part(sample), DEFAULT_LIMITS).facts
    if form in ("when", "absent", "describe") or "a cut to" in question:
        reading = video_task.parse(answer, facts=facts)
        assert reading.answered
        assert not reading.problems
        assert not any(m.clipped or m.swapped for m in reading.moments)
        # To a hundredth of a second, or to a frame.
        slack = 0.006 if sample.facts["time_format"] != "hmsf" else 0.001
        if form == "when":
            query = question.removeprefix("Give the query: '").split("', when does")[0]
            wanted = [e[1:3] for e in sample.facts["events"] if said(e) == query]
            assert wanted
            got = [[m.start_s, m.end_s] for m in reading.moments]
            assert np.allclose(got, wanted, atol=slack)
        elif form == "absent":
            assert reading.moments == ()
            assert answer == video_task.ABSENT
        elif form == "describe":
            told = {e[4]: [o[1] for o in sample.facts["events"] if o[4] == e[4]]
                    for e in sample.facts["events"]}  # fmt: skip
            for moment in reading.moments:
                assert min(abs(moment.start_s - s) for s in told[moment.label]) <= slack
            starts = [m.start_s for m in reading.moments]
            assert starts == sorted(starts)
        else:
            assert len(reading.moments) == sample.facts["num_shots"] - 1
    elif form == "where_at":
        boxes = grounding.parse(answer).boxes
        height, width = part(sample).resized_height, part(sample).resized_width
        assert boxes
        assert all(
            0 < b.box.x1 < b.box.x2 < width and 0 < b.box.y1 < b.box.y2 < height for b in boxes
        )
    elif form == "how_often":
        assert counting.parse(answer) == times_of(question, sample)
    elif form == "how_many_at":
        assert counting.parse(answer) is not None
    elif form == "order" and "first" in question:
        options = re.findall(r"[A-D]\. (.+?\.)(?= |$)", question)
        starts = [next(e[1] for e in sample.facts["events"] if e[4] == o) for o in options[:2]]
        assert answer == ("A" if starts[0] < starts[1] else "B")
    elif form == "order":
        options = dict(re.findall(r"([A-D])\. (.+?\.)(?= |$)", question))
        starts = [
            next(e[1] for e in sample.facts["events"] if e[4] == options[letter])
            for letter in answer.split(", ")
        ]
        assert starts == sorted(starts)
        assert len(starts) == len(options)
    elif form == "duration":
        assert float(answer.split()[0]) > 0
    elif form in ("read_at", "read_all"):
        subtitles = [e[3] for e in events(sample, "subtitle", "slide")]
        assert answer.isdigit() or all(line in subtitles for line in answer.split("\n"))
    elif form == "yes_or_no":
        subject = re.search(r"Does the (.+?) (?:jump|spin|blink|get)", question)[1]  # type: ignore[index]
        kinds = {"jump": "hop", "spin": "spin", "blink": "blink", "bigger": "grow",
                 "smaller": "shrink"}  # fmt: skip
        kind = next(kind for word, kind in kinds.items() if f" {word}" in question)
        assert (answer == "Yes") == any(e[3] == subject for e in events(sample, kind))
    elif form == "faster":
        assert answer.lower() in question.lower()
    elif form == "after":
        assert answer in [e[4] for e in sample.facts["events"]]
    else:
        assert answer


def said(event: list) -> str:
    """The query of an event, told from its sentence and its kind."""
    kind, _, _, who, sentence, _ = event
    if kind in ("hop", "spin", "blink"):
        return f"the {who} {dict(hop='jumps', spin='spins', blink='blinks')[kind]}"
    if kind == "scene":
        return f"the scene shows {who}"
    if kind == "parade":
        names = re.match(r"(.+?) (cross(?:es)? the screen)", sentence)
        assert names is not None
        words = names[1] if names[2].startswith("crosses") else names[1].partition(" ")[2]
        return f"{words[0].lower()}{words[1:]} {names[2]}"
    body = sentence.removesuffix(".")
    if kind == "enter":
        return f"the {who} {body.split(who, 1)[1].strip()}"
    return f"{body[0].lower()}{body[1:]}"


def times_of(question: str, sample: Sample) -> int:
    """How often something is done, counted in the sentences."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
    if "cross the screen" in question:
        sentences = [e[4] for e in events(sample, "parade")
                     if e[3] in question or e[3][:-1] in question]  # fmt: skip
        return sum(
            words.index(first) if (first := s.split()[0].lower()) in words else 1 for s in sentences
        )
    who = re.search(r"does the (.+) (?:jump|blink) in", question)[1]  # type: ignore[index]
    kind = "hop" if " jump " in question else "blink"
    often = {"once": 1, "twice": 2, "three": 3, "four": 4, "five": 5}
    return sum(
        often[re.search(r"(?:jumps|blinks) (\w+)", e[4])[1]]  # type: ignore[index]
        for e in events(sample, kind)
        if e[3] == who
    )


@needs_fonts
def test_an_event_is_asked_about_once() -> None:
    asked = 0
    for number in range(24):
        sample = draw(number, rates=(1.0, 6.0), frames=(16, 30), frame_tokens=(30, 40))
        questions = [question for question, _ in turns(sample)]
        assert len(set(questions)) == len(questions)
        asked += len(questions)
        for form in ("describe", "caption"):
            assert form not in sample.facts["forms"][:-1]
    assert asked > 36


@needs_fonts
def test_a_sample_comes_back_from_its_files() -> None:
    sample = draw(7)
    again = decode_sample(encode_sample(sample).files)
    assert content_id(again) == content_id(sample)
    assert part(again) == part(sample)
    assert again.facts == json.loads(json.dumps(sample.facts))


@needs_fonts
def test_both_codecs_repeat_their_bytes() -> None:
    from qvl.data.synth.video.film import draw_frame

    film, timing = made(2, frames=12)
    frames = [draw_frame(film, time_s) for time_s in timing.times_s]
    for codec in ("h264", "vp9"):
        files = {
            hashlib.sha256(encode_video(frames, timing.times_s, codec=codec)).hexdigest()  # type: ignore[arg-type]
            for _ in range(2)
        }
        assert len(files) == 1


def test_times_that_stand_still_are_refused() -> None:
    frame = np.zeros((56, 56, 3), np.uint8)
    with pytest.raises(DataError, match="do not ascend"):
        encode_video([frame, frame], [0.0, 0.0])
    with pytest.raises(DataError, match="video of 0 frames"):
        encode_video([], [])


def test_frames_on_one_tick_are_moved_apart() -> None:
    timing = timing_of("varying", [0.0, 1.0, 1.0, 1.0, 2.5, 4.0], 2.0, 4)
    assert len(set(timing.times_s)) == 6


@needs_fonts
def test_unknown_forms_are_named() -> None:
    with pytest.raises(ConfigError, match="no form of question 'why', expected one of when"):
        draw(0, forms=("why",))


@needs_fonts
def test_a_film_without_questions_has_no_answers() -> None:
    sample = film_sample(
        np.random.default_rng(3), seed=(3,), rates=(0.1, 0.2), seconds=(100, 200),
        frames=(12, 40), shots=(2, 4),
    )  # fmt: skip
    assert [m.role for m in sample.conversation.messages] == ["user"]
    assert events(sample, "scene")


def test_no_answer_wins_by_being_given_always() -> None:
    answers: dict[str, list[str]] = {"yes_or_no": [], "how_often": []}
    for number in range(400):
        film, _ = made(number, frames=20)
        for form, found in answers.items():
            turn = FORMS[form][1](np.random.default_rng(number), film, TimeStyle("seconds", None))
            if turn is not None:
                found.append(turn.answer)
    for form, most in (("yes_or_no", "No"), ("how_often", "1")):
        assert len(answers[form]) > 60
        assert 0.35 < answers[form].count(most) / len(answers[form]) < 0.62, (form, answers[form])


def test_things_are_counted_where_the_place_has_none_of_its_own() -> None:
    asked = 0
    for number in range(60):
        film, timing = made(number, frames=12, shots=1)
        if FRAME_FORMS["how_many_at"][1](
            np.random.default_rng(number), film, timing.seen_s, TimeStyle("seconds", None)
        ):
            assert film.shots[0].backdrop.place not in (
                "room",
                "city street",
                "meadow",
                "sea floor",
            )
            asked += 1
    assert asked > 3
