"""A judge that answers some of the time: nothing it said is lost, nothing is made up."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qvl.endpoint.client import SomeUnanswered
from qvl.endpoint.wire import EndpointError
from qvl.errors import DataError, QvlError
from qvl.evaluation.benchmark import Judge
from qvl.evaluation.judges import JUDGEMENTS, judge_answers
from qvl.evaluation.report.page import Report
from qvl.evaluation.run import Asking, ask_all
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import Outcome, score_run, told_metric
from qvl.messages import Conversation, GenerationResult, SamplingParams
from tests.evaluation.quiz import COUNT, QUIZ, Scripted, load, right

ANSWERED = COUNT - 3
JUDGED = replace(
    QUIZ,
    judge=Judge(
        version="test 1",
        prompt=lambda question, reply: Conversation.user("Is it right?", reply.text),
        read=lambda question, text: Score(value=1.0, why=f"judged {text}"),
    ),
)


class Balking(Scripted):
    """Judges everything but some answers."""

    def __init__(self, *texts: str) -> None:
        super().__init__(lambda text: "fine")
        self.texts = texts

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        results = super().generate(conversations, params)
        mixed: list[GenerationResult | QvlError] = [
            EndpointError("it is filtered")
            if conversation.messages[0].content[1].text in self.texts  # type: ignore[union-attr]
            else result
            for conversation, result in zip(conversations, results, strict=True)
        ]
        if any(isinstance(result, QvlError) for result in mixed):
            raise SomeUnanswered(mixed)
        return results


def _judged(folder: Path, judge: Scripted) -> Outcome:
    rule = judge_answers(JUDGED, load(Path(), "test"), folder, judge)
    return score_run(JUDGED, load(Path(), "test"), folder, rule=rule, judged_by="j")


def test_an_answer_that_the_judge_fails_on_spoils_no_other(tmp_path: Path) -> None:
    ask_all(load(Path(), "test"), tmp_path, Asking(generator=Scripted(right), params=QUIZ.params))
    outcome = _judged(tmp_path, Balking("3"))
    assert (outcome.count, outcome.unparsed) == (COUNT, 1)
    assert outcome.headline == pytest.approx(100 * (ANSWERED - 1) / COUNT)
    patient = Scripted(lambda text: "fine")
    outcome = _judged(tmp_path, patient)
    assert patient.asked == 1  # only what was not judged is asked again
    assert (outcome.headline, outcome.unparsed) == (pytest.approx(100 * ANSWERED / COUNT), 0)


def test_why_an_answer_was_not_judged_is_said(tmp_path: Path) -> None:
    ask_all(load(Path(), "test"), tmp_path, Asking(generator=Scripted(right), params=QUIZ.params))
    said = []
    rule = judge_answers(JUDGED, load(Path(), "test"), tmp_path, Balking("3"))
    score_run(
        JUDGED,
        load(Path(), "test"),
        tmp_path,
        rule=rule,
        each=lambda question, scored: said.append((question.key, scored.score.why)),
    )
    assert dict(said)["q3"] == "not judged: it is filtered"
    assert dict(said)["q4"] == "judged fine"


def test_pages_say_whether_a_score_is_a_judges(tmp_path: Path) -> None:
    ask_all(load(Path(), "test"), tmp_path, Asking(generator=Scripted(right), params=QUIZ.params))
    ruled = score_run(JUDGED, load(Path(), "test"), tmp_path)
    judged = _judged(tmp_path, Scripted(lambda text: "fine"))
    for outcome, words in (
        (ruled, "accuracy, by rule; published: judged, 25 questions"),
        (judged, "accuracy, judged by j, 25 questions"),
    ):
        page = Report(tmp_path, JUDGED).close(outcome, {}).read_text()
        assert words in page
    assert told_metric(QUIZ, ruled) == "accuracy"  # where no judge is wanted


def test_a_judge_that_is_gone_is_an_error(tmp_path: Path) -> None:
    ask_all(load(Path(), "test"), tmp_path, Asking(generator=Scripted(right), params=QUIZ.params))
    with pytest.raises(EndpointError, match="22 of 22 requests failed; the first: it is filtered"):
        _judged(tmp_path, Balking(*map(str, range(COUNT))))


@pytest.mark.parametrize("line", ["7", '["name"]', "{oops"])
def test_a_damaged_judgement_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / JUDGEMENTS).write_text(f"{line}\n")
    with pytest.raises(DataError, match="line 1 is damaged"):
        _judged(tmp_path, Scripted(right))
