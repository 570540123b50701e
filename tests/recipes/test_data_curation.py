"""The recipes ask a server when they get its address, and what they keep is what was asked for."""

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from qvl.data.interleaved import document_of
from qvl.data.local import run_local
from qvl.data.places import answer_text
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader
from qvl.data.sources import SomeOf
from qvl.data.steps import Dropped, Kept
from qvl.errors import ConfigError, DataError
from qvl.messages import GenerationResult
from qvl.recipes.asked_model import served
from qvl.recipes.data_agent import trajectories
from qvl.recipes.data_curation import interleaved, rejection
from qvl.recipes.data_sft import sft
from qvl.recipes.data_video import video_long
from tests.data.test_synth import needs_fonts
from tests.endpoint.bad_server import answer, replying, serving

TEXT = (
    "The mill by the river was built by two brothers who had never seen one before, and for a long "
    "time nobody believed that it would grind anything at all. "
)


def pages(folder: Path) -> Path:
    """Two pages with pictures of which nothing is told, so that rules stay unsure of relevance."""
    coarse = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    PIL.Image.fromarray(np.kron(coarse, np.ones((25, 25, 1), np.uint8))).save(folder / "a.png")
    for number in range(2):
        text = TEXT.replace("two", str(["two", "three"][number]))
        page = f"<nav><a href=x>Home</a></nav><p>{text}<img src=a.png><p>{'It still stands. '}"
        (folder / f"{number}.html").write_text(page)
    return folder


def test_pages_are_scored_by_a_server(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "key").write_text("sk-secret\n")

    def judge(connection: socket.socket, request: dict[str, Any]) -> None:
        told = json.dumps(request["messages"])
        score = 2 if "relevant" in told and "three" in told else 9
        replying(answer(json.dumps({"reason": "so", "score": score})))(connection, request)

    with serving(judge) as server:
        source, steps = interleaved(
            data=pages(tmp_path / "pages"),
            endpoint=server.url,
            model="judge",
            key_file=tmp_path / "key",
        )
        summary = run_local(source, steps, tmp_path / "out")
    assert summary.dropped == {"relevance": {"below 5": 1}}, str(summary)
    (kept,) = ShardReader(tmp_path / "out")
    assert document_of(kept).text.startswith("The mill by the river was built by two brothers")
    assert kept.provenance.scores["relevance"] == 9
    assert kept.facts["settled_by"]["relevance"] == "model"
    assert all("Bearer sk-secret" in head for head in server.heads)
    written = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.json"))
    assert "sk-secret" not in written


def test_steps_of_a_server_are_checked(tmp_path: Path) -> None:
    def student(connection: socket.socket, request: dict[str, Any]) -> None:
        told = json.dumps(request["messages"])
        if "reasoning of a student" in told:
            text = "Answer: yes"
        else:
            text = "I look at it.\nAnswer: 2" if request["seed"] == 1 else "Hm.\nAnswer: 1"
        replying(answer(text))(connection, request)

    with serving(student) as server:
        source, steps = rejection(
            questions="counting", endpoint=server.url, model="m", answers=2, least_right=0.4
        )
        summary = run_local(
            SomeOf(source=source, count=12),
            steps,
            tmp_path / "out",
            options=RunOptions(failure_budget=0.0),
        )
    assert summary.num_kept + summary.num_dropped == 12
    for sample in ShardReader(tmp_path / "out"):
        truth = sample.facts["rejection"]["truth"]
        assert answer_text(sample.conversation.messages[-1]).endswith(f"Answer: {truth}")
    assert {request["seed"] for request in server.requests if "seed" in request} == {0, 1}


@needs_fonts
@pytest.mark.parametrize("questions", ["maths", "figures", "charts", "counting"])
def test_a_script_answers_without_a_model(tmp_path: Path, questions: str) -> None:
    source, steps = rejection(questions=questions, seed=4)  # type: ignore[arg-type]
    summary = run_local(SomeOf(source=source, count=6), steps, tmp_path / "out")
    assert summary.num_failed == 0
    assert summary.num_kept >= 5, str(summary)
    for sample in ShardReader(tmp_path / "out"):
        *reasons, last = answer_text(sample.conversation.messages[-1]).split("\n")
        assert last == f"Answer: {sample.facts['rejection']['truth']}"
        assert any(reasons)


class Nine:
    """Likes everything."""

    def generate(self, conversations: Any, params: Any) -> list[GenerationResult]:
        result = GenerationResult(
            text="9", token_ids=(), finish_reason="stop", prompt_tokens=0, completion_tokens=0
        )
        return [result for _ in conversations]


def test_a_model_in_the_process_is_asked() -> None:
    plain = [step.name for step in sft()[1]]
    rated = [step.name for step in sft(generator=Nine, criteria=("answer clarity",))[1]]
    assert "answer clarity" not in plain
    assert rated[-3:] == ["safety", "answer clarity", "good enough"]
    for recipe in (interleaved, rejection, video_long):
        without, with_model = recipe()[1], recipe(generator=Nine)[1]
        assert [s.fingerprint for s in without] != [s.fingerprint for s in with_model]
    names = [step.name for step in trajectories(form="steps", generator=Nine)[1]]
    assert len(names) > len(trajectories(form="steps")[1])
    with pytest.raises(ConfigError, match="expected one of them"):
        sft(generator=Nine, endpoint="http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="criteria without a model"):
        sft(criteria=("answer clarity",))
    with pytest.raises(ConfigError, match="steps is false without a model"):
        rejection(steps=False)


@needs_fonts
def test_drawn_articles_are_curated_without_a_model(tmp_path: Path) -> None:
    source, steps = interleaved()
    summary = run_local(SomeOf(source=source, count=12), steps, tmp_path / "out")
    kept = list(ShardReader(tmp_path / "out"))
    assert 0 < len(kept) < 12
    assert summary.num_failed == 0
    clear = [s for s in kept if set(s.facts["settled_by"].values()) == {"rules"}]
    # Cleaning mends some defects: of one picture again and again, one is left.
    assert clear
    assert not {sample.facts["defect"] for sample in clear} & {"shuffled", "unrelated", "parroting"}


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="key file"):
        served("http://127.0.0.1:9", "m", tmp_path / "none")()


def test_what_would_change_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no calibration"):
        interleaved(calibrations=tmp_path)
    with pytest.raises(ConfigError, match="without the server"):
        interleaved(model="judge")
    with pytest.raises(ConfigError, match="without the server"):
        rejection(key_file=tmp_path / "key")
    with pytest.raises(ConfigError, match="expected 0 to 10"):
        interleaved(at_least=float("nan"))


def test_documents_know_their_terms_and_where_pictures_are(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "media").mkdir()
    pages(tmp_path / "media")
    (tmp_path / "pages" / "a.html").write_text(f"<p>{TEXT}</p><img src=/a.png>")
    source, _ = interleaved(data=tmp_path / "pages", root=tmp_path / "media", licence="CC-BY-4.0")
    assert source[0].provenance.licence == "CC-BY-4.0"
    (found,) = document_of(source[0]).pictures
    assert found.source == (tmp_path / "media" / "a.png").resolve()


@needs_fonts
def test_word_lists_reach_the_rules(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("zyzzyva\n")
    source, plain = interleaved()
    _, strict = interleaved(common_words=tmp_path / "words")
    sample = next(source[n] for n in range(40) if isinstance(plain[1].apply([source[n]])[0], Kept))
    assert isinstance(strict[1].apply([sample])[0], Dropped)
    with pytest.raises(DataError, match="cannot be read"):
        interleaved(flagged_words=tmp_path / "missing")
