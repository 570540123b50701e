"""Pages: everything that failed can be looked at, in any script, with whatever media it has."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qvl.evaluation.benchmark import Question, Scored
from qvl.evaluation.report.failures import PLACES, failure_html, short
from qvl.evaluation.report.media import few_frames
from qvl.evaluation.report.page import Report
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import Outcome, score_run
from qvl.messages import Conversation, Image, Part, Video
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import prepare_video
from tests.evaluation.quiz import QUIZ

GREY = np.full((56, 84, 3), 128, np.uint8)


def _scored(question: Question, *, value: float = 0.0, text: str = "no") -> Scored:
    return Scored(
        key=question.key,
        truth=question.truth,
        groups=question.groups,
        facts=question.facts,
        score=Score(value=value, why="because"),
        text=text,
    )


def _html(*parts: Part | str, text: str = "no", **changes: object) -> str:
    question = Question(key="k", conversation=Conversation.user(*parts), truth="yes")
    question = replace(question, **changes)  # type: ignore[arg-type]
    return failure_html(question, _scored(question, text=text))


def test_videos_are_shown_as_frames() -> None:
    frames = [np.full((56, 84, 3), 4 * i, np.uint8) for i in range(60)]
    page = _html(Video(frames, fps=2.0), "What happens?")
    assert page.count("<img") == 12
    seconds = [float(found) for found in re.findall(r"([\d.]+) s<", page)]
    assert seconds == sorted(seconds)
    assert 25 < seconds[-1] < 30
    assert "does not exist" in _html(Video("/nowhere.mp4"), "What happens?")


@pytest.mark.parametrize("name", ["fps", "nframes", "max_frames", "total_pixels"])
def test_a_file_is_sampled_thinly_whatever_its_own_options(name: str) -> None:
    path = Path(__file__).parents[3] / "examples" / "videos" / "lights.mp4"
    video = few_frames(Video(path, **{name: 2 if name == "fps" else 784 * 400}))  # type: ignore[arg-type]
    assert 2 <= len(prepare_video(video, DEFAULT_LIMITS).frames) <= 12


def test_pictures_are_numbered_and_what_is_not_shown_is_said() -> None:
    page = _html(*[Image(GREY)] * 8, "Which?")
    assert page.count("<img") == 6
    assert "picture 6" in page
    assert "and 2 more pictures" in page
    assert "picture 1" not in _html(Image(GREY), "What?")
    assert "<img" not in _html("What?")


def test_places_are_drawn_on_the_first_picture() -> None:
    page = _html(Image(GREY), Image(GREY), "Where?", facts={PLACES: [["cat", 3, 3, 40, 40]]})
    assert page.count("<svg") == 1
    assert "cat" in page


def test_text_of_data_is_text_in_any_script() -> None:
    page = _html("<script>alert(1)</script>\ud800", text="القاهرة", truth=["<b>", "北京"])
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count('<pre dir="auto">') == 4
    assert "القاهرة" in page
    assert "北京" in page


def test_a_part_of_a_score_is_in_percent_as_scores_are() -> None:
    question = Question(key="k", conversation=Conversation.user("Read it."), truth="yes")
    assert ">37.3 %<" in failure_html(question, _scored(question, value=0.373))
    assert ">wrong<" in failure_html(question, _scored(question))


def test_a_megabyte_is_shown_by_its_ends() -> None:
    page = _html("Say it.", text="begin" + "x" * 1_000_000 + "end")
    assert len(page) < 20_000
    assert "begin" in page
    assert "end<" in page
    assert short("as it is") == "as it is"


def _report(folder: Path, groups: Sequence[dict[str, str]]) -> tuple[Path, Outcome]:
    questions = [
        Question(key=f"q{i}", conversation=Conversation.user("?"), truth="t", groups=group)
        for i, group in enumerate(groups)
    ]
    report = Report(folder, QUIZ)
    outcome = score_run(QUIZ, questions, folder, each=report.add)
    return report.close(outcome, {}), outcome


def test_slices_lead_to_their_failures(tmp_path: Path) -> None:
    kinds = ['"><b>odd' if i % 60 == 55 else "plain" for i in range(120)]
    index, _ = _report(tmp_path, [{"kind": kind} for kind in kinds])
    text = index.read_text()
    assert "<b>odd" not in text
    targets = re.findall(r'href="(failures-\d.html)#(s\d+)"', text)
    assert len(targets) == 5  # plain on pages 1, 2, 3, the odd ones on 2 and 3
    for name, target in targets:
        page = (tmp_path / "report" / name).read_text()
        assert f'id="{target}"' in page
        assert f"#{target}:target~article:not(.{target}){{display:none}}" in page
        assert re.search(f'<article class="[^"]*\\b{target}\\b', page)


def test_pages_lead_to_one_another(tmp_path: Path) -> None:
    _report(tmp_path, [{}] * 101)
    pages = [(tmp_path / "report" / f"failures-{i}.html").read_text() for i in (1, 2, 3)]
    assert [page.count("<article") for page in pages] == [50, 50, 1]
    assert ["next" in page for page in pages] == [True, True, False]
    assert ["before" in page for page in pages] == [False, True, True]
    _report(tmp_path, [{}] * 50)
    assert len(list((tmp_path / "report").glob("failures-*"))) == 1
    assert "next" not in (tmp_path / "report" / "failures-1.html").read_text()
