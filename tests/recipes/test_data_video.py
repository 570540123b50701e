"""The runs about videos give what they promise."""

from pathlib import Path

import pytest

from qvl.data.encoding import media_of
from qvl.data.lint import lint
from qvl.data.local import run_local
from qvl.data.report import write_report
from qvl.data.shards import ShardReader
from qvl.data.sources import SomeOf
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video
from qvl.recipes.data_recipes import DATA_RECIPES
from tests.data.synth.video.films import needs_fonts


@needs_fonts
@pytest.mark.parametrize(("name", "count"), [("video", 5), ("video_long", 2)])
def test_a_run_keeps_videos_that_are_what_they_say(tmp_path: Path, name: str, count: int) -> None:
    source, steps = DATA_RECIPES[name]()
    some = SomeOf(source=source, count=count)
    summary = run_local(some, steps, tmp_path / "run")
    assert summary.num_failed == 0
    reader = ShardReader(tmp_path / "run")
    assert len(reader) == summary.num_kept >= count - 1
    assert lint(reader).is_clean
    for sample in reader:
        (part,) = media_of(sample.conversation)
        facts = measure_video(part, DEFAULT_LIMITS).facts  # type: ignore[arg-type]
        assert facts.duration_s == pytest.approx(sample.facts["duration_s"])
        assert sample.conversation.messages[-1].role == "assistant"
        if name == "video_long":
            assert 1800 < facts.duration_s < 7300
            assert len(facts.timestamps_s) <= 768
    write_report(tmp_path / "report.html", summary, some)
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= min(3, count)


def test_a_server_may_caption() -> None:
    _, steps = DATA_RECIPES["video_long"](endpoint="http://127.0.0.1:9/v1", model="some")
    _, others = DATA_RECIPES["video_long"]()
    assert [s.name for s in steps] == [s.name for s in others]
    assert steps[2].fingerprint != others[2].fingerprint
