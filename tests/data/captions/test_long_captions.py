"""Long captions: true where the captioner is, and never a word that it did not say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from qvl.data.captions.captioner import Asking
from qvl.data.captions.long_captions import CaptionRule, caption_step, captioned
from qvl.data.captions.oracle import film_captioner
from qvl.data.captions.windows import WindowRule
from qvl.data.local import run_local
from qvl.data.records import Provenance, Sample
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader
from qvl.data.steps import Failed, Kept
from qvl.data.synth.video.clips import film_sample
from qvl.endpoint.client import SomeUnanswered
from qvl.endpoint.wire import EndpointError
from qvl.errors import DataError
from qvl.messages import (
    Conversation,
    GenerationResult,
    Message,
    SamplingParams,
    Text,
    TextGenerator,
)
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video
from qvl.tasks import video as video_task
from tests.data.captions.test_windows import scenes
from tests.data.small import asked
from tests.data.synth.video.films import needs_fonts


def result(text: str, *, finish_reason: str = "stop") -> GenerationResult:
    return GenerationResult(
        text=text, token_ids=(), finish_reason=finish_reason,  # type: ignore[arg-type]
        prompt_tokens=0, completion_tokens=0,
    )  # fmt: skip


@dataclass
class Scripted:
    """Names each window by the times in its question; summaries join what they are given."""

    faults: dict[str, list[GenerationResult | EndpointError]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    params: list[SamplingParams] = field(default_factory=list)

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        self.params.append(params)
        answers = [self._answer(conversation) for conversation in conversations]
        if any(isinstance(answer, EndpointError) for answer in answers):
            raise SomeUnanswered(answers)
        return [answer for answer in answers if isinstance(answer, GenerationResult)]

    def _answer(self, conversation: Conversation) -> GenerationResult | EndpointError:
        words = conversation.messages[-1].content[-1].text  # type: ignore[union-attr]
        self.asked.append(words)
        for key, answers in self.faults.items():
            if key in words and answers:
                return answers.pop(0)
        if "captions describe" in words:
            listed = [line.split(". ", 1)[1] for line in words.splitlines() if line[:1].isdigit()]
            return result(" ".join(listed))
        start = words.split("from ")[1].split(" to ")[0]
        return result(f"Something {_name(start)} happens.")


def _name(start: str) -> str:
    return "".join("abcdefghij"[int(d)] for d in start if d.isdigit())


def unanswered(*lengths: int) -> Sample:
    return Sample(
        task="video",
        conversation=Conversation((Message("user", (scenes(*lengths),)),)),
        provenance=Provenance(generator="test"),
    )


def rule(**asking: object) -> CaptionRule:
    return CaptionRule(
        windows=WindowRule(frames=3, longest_s=10), asking=Asking(batch_size=2, **asking)  # type: ignore[arg-type]
    )  # fmt: skip


def events_of(sample: Sample) -> list[tuple[float, float, str]]:
    answer = sample.conversation.messages[3].content[0].text  # type: ignore[union-attr]
    return [(m.start_s, m.end_s, m.label) for m in video_task.parse(answer).moments]


def test_every_window_is_told_with_its_time() -> None:
    model = Scripted()
    sample = captioned(unanswered(6, 25, 3), model, rule())
    assert [event[:2] for event in events_of(sample)] == [
        (0, 6), (6, 16), (16, 26), (26, 31), (31, 34)
    ]  # fmt: skip
    assert events_of(sample)[1][2] == f"Something {_name('00:00:06.00')} happens."
    summary = sample.conversation.messages[1].content[0].text  # type: ignore[union-attr]
    assert summary == " ".join(label for *_, label in events_of(sample))
    assert sample.provenance.scores == {"caption windows": 5, "captions asked again": 0}
    assert all(m.role == r for m, r in zip(sample.conversation.messages, ["user", "assistant"] * 2,
                                           strict=True))  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        result("Something hap", finish_reason="length"),
        result("  ... "),
        EndpointError("the server is busy"),
    ],
)
def test_a_failed_answer_is_asked_again_and_counted(
    fault: GenerationResult | EndpointError,
) -> None:
    model = Scripted(faults={"from 00:00:06.00": [fault, fault]})
    sample = captioned(unanswered(6, 5), model, rule())
    assert sample.provenance.scores["captions asked again"] == 2
    assert events_of(sample)[1][2] == f"Something {_name('00:00:06.00')} happens."
    # A greedy model would say the same again.
    seeds = [(p.temperature, p.seed) for p in model.params[:3]]
    assert len(set(seeds)) == 3


def test_a_window_without_an_answer_fails_the_sample_and_names_why() -> None:
    fault = EndpointError("the server is busy")
    model = Scripted(faults={"from 00:00:06.00": [fault] * 3})
    with pytest.raises(DataError, match=r"1 of 2 windows have no caption: the server is busy"):
        captioned(unanswered(6, 5), model, rule())
    model = Scripted(faults={"captions describe": [result("")] * 3})
    with pytest.raises(DataError, match=r"1 of 1 summaries have no caption: the answer says"):
        captioned(unanswered(6, 5), model, rule())


def test_only_what_has_no_answer_is_asked_when_it_is_tried_again(tmp_path: Path) -> None:
    fault = EndpointError("gone")
    broken = Scripted(faults={"from 00:00:06.00": [fault] * 3})
    with pytest.raises(DataError):
        captioned(unanswered(6, 5, 4), broken, rule(store=tmp_path))
    model = Scripted()
    sample = captioned(unanswered(6, 5, 4), model, rule(store=tmp_path))
    assert len(events_of(sample)) == 3
    assert [w.split("from ")[1][:11] for w in model.asked if "frames of" in w] == ["00:00:06.00"]
    # All is known now.
    silent = Scripted()
    again = captioned(unanswered(6, 5, 4), silent, rule(store=tmp_path))
    assert again.conversation.messages[1:] == sample.conversation.messages[1:]
    assert silent.asked == []
    for path in tmp_path.rglob("*.json"):
        path.write_text("{damaged")
    captioned(unanswered(6, 5, 4), model, rule(store=tmp_path))


def _scripted(sample: Sample, *, make: Callable[[], TextGenerator] = Scripted) -> TextGenerator:
    return make()


def test_the_step_leaves_answered_samples_alone_and_puts_failed_ones_aside() -> None:
    step = caption_step("captioned", _scripted, rule())
    done = asked("?", "Yes.")
    (outcome,) = step.apply([done])
    assert isinstance(outcome, Kept)
    assert outcome.samples == (done,)
    (outcome,) = step.apply([replace(done, conversation=Conversation.user("no video"))])
    assert outcome == Failed(message="sample has 0 videos, expected 1 to be captioned")
    (outcome,) = step.apply([unanswered(6, 5)])
    assert isinstance(outcome, Kept)
    assert outcome.samples[0].provenance.transforms == ("captioned",)


@needs_fonts
def test_an_oracle_shows_that_merging_loses_no_scene_and_no_event(tmp_path: Path) -> None:
    for number in range(4):
        film = film_sample(
            np.random.default_rng((9, number)), seed=(9, number), rates=(0.1, 0.3),
            seconds=(600, 900), frames=(80, 160), shots=(5, 12),
        )  # fmt: skip
        sample = captioned(film, film_captioner(film), CaptionRule())
        told = events_of(sample)
        for kind, start_s, end_s, _, sentence, _ in film.facts["events"]:
            # A scene is told by an entry that lies within it for the most part.
            if kind == "scene":
                best = max(
                    (min(end_s, e) - max(start_s, s) for s, e, text in told if sentence in text),
                    default=0.0,
                )
                assert best > 0, sentence
            elif kind in ("go", "hop", "spin", "enter", "leave", "collide"):
                assert any(s - 0.01 <= start_s < e + 0.01 and sentence in text
                           for s, e, text in told), sentence  # fmt: skip
        summary = sample.conversation.messages[1].content[0].text  # type: ignore[union-attr]
        scenes_told = {e[4] for e in film.facts["events"] if e[0] == "scene"}
        assert all(sentence in summary for sentence in scenes_told)
        facts = measure_video(sample.conversation.messages[0].content[0], DEFAULT_LIMITS).facts  # type: ignore[arg-type]
        answer: Text = sample.conversation.messages[3].content[0]  # type: ignore[assignment]
        assert not video_task.parse(answer.text, facts=facts).problems


class _Films:
    """A few long films as a source."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int, /) -> Sample:
        return film_sample(
            np.random.default_rng((9, number)), seed=(9, number), rates=(0.1, 0.3),
            seconds=(300, 400), frames=(40, 60), shots=(3, 5),
        )  # fmt: skip

    def fingerprint(self, start: int, stop: int) -> str:
        return f"{start} {stop}"


@needs_fonts
def test_a_run_captions_films(tmp_path: Path) -> None:
    step = caption_step("captioned", film_captioner, CaptionRule())
    summary = run_local(_Films(), [step], tmp_path / "run", options=RunOptions())
    assert summary.num_kept == 3
    sample = ShardReader(tmp_path / "run")[1]
    assert len(sample.conversation.messages) == 4
    broken = caption_step("captioned", partial(_scripted, make=_Silent), CaptionRule())
    summary = run_local(_Films(), [broken], tmp_path / "no", options=RunOptions(failure_budget=1.0))
    assert summary.num_failed == 3
    assert "have no caption: the answer says nothing" in summary.failures[0].message


class _Silent:
    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        return [result("") for _ in conversations]
