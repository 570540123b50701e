"""EgoSchema (arXiv 2308.09126): five options about three minutes seen through somebody's eyes.

Layout: lmms-lab/egoschema, GENERATION/test-*.parquet (all 5,031, truths not published) and
Subset/test-*.parquet (500): question_idx, question, video_idx, option ("A. ..."), answer (number of
an option as text; none where it is not published); videos/VIDEO.mp4 from the archives.
Prompt: lmms-eval: question, options, DIRECTLY.
Score: the letter. The report's number is of all questions, which the authors' server alone can
score; what it needs are answers by video_idx, which are the keys here.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.asking import NOT_KNOWN
from qvl.evaluation.benchmarks.choices import DIRECTLY, letter_of, options_in, score_letter
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams


def _load(folder: Path, split: str, *, config: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config=config):
        options = [str(option) for option in row["option"]]
        yield watch(
            row,
            folder,
            key=str(row["video_idx"]),
            video=str(row["video_idx"]),
            places=("videos", ""),
            words="\n".join([str(row["question"]), *options, DIRECTLY]),
            truth=_truth(row, len(options)),
            facts={"options": options_in("\n".join(options))},
        )


def _truth(row: Row, count: int) -> str | None:
    answer = row.get("answer")
    if answer is None or str(answer).strip() in ("", "None"):
        return None
    return letter_of(row, "answer", count)


def _score(question: Question, reply: Reply) -> Score:
    return NOT_KNOWN if question.truth is None else score_letter(question, reply)


def _benchmark(name: str, title: str, config: str, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="video",
        split="test",
        source="lmms-lab/egoschema",
        load=partial(_load, config=config),
        score=_score,
        total=mean_percent,
        metric="accuracy",
        published=published,
        params=SamplingParams(max_tokens=64),
    )


EGOSCHEMA = _benchmark(
    "egoschema", "EgoSchema", "GENERATION", {"3b": 64.8, "7b": 65.0, "72b": 76.2}
)
EGOSCHEMA_SUBSET = _benchmark("egoschema-subset", "EgoSchema, 500 with truths", "Subset", {})
