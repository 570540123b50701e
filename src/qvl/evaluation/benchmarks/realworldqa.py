"""RealWorldQA (xAI, 2024): photographs from cars and elsewhere.

Layout: lmms-lab/RealWorldQA, test-*.parquet: question with its options and how to answer, answer (a
letter, or a word), image. Licence CC BY-ND.
Prompt: the question as it is.
Score: the letter; of other questions the answer itself, without case and a full stop, as in
lmms-eval. VLMEvalKit has the questions with letters only.
"""

from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import options_in, score_letter
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.choice_letters import FOUR
from qvl.evaluation.scorers.exact_match import exact_match
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        question, truth = str(row["question"]).strip(), str(row["answer"]).strip()
        is_choice = truth in FOUR
        options = (options_in(question) or dict.fromkeys(FOUR, "")) if is_choice else {}
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=question,
            truth=truth,
            groups={"kind": "choice" if is_choice else "open"},
            facts={"options": options},
        )


def _score(question: Question, reply: Reply) -> Score:
    if question.facts["options"]:
        return score_letter(question, reply)
    return exact_match(answer=reply.text.strip().rstrip("."), truths=[question.truth])


REALWORLDQA = Benchmark(
    name="realworldqa",
    title="RealWorldQA",
    area="general",
    split="test",
    source="lmms-lab/RealWorldQA",
    load=_load,
    score=_score,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 65.4, "7b": 68.5, "72b": 75.7},
    params=SamplingParams(max_tokens=64),
)
