"""GSM8K (arXiv 2110.14168) and MATH (arXiv 2103.03874): mathematics in words, without pictures.

Layout: openai/gsm8k, main/test-*.parquet: question, answer that ends in "#### 18".
EleutherAI/hendrycks_math, a folder a subject with test-*.parquet: problem, level, type, solution.
HuggingFaceH4/MATH-500, test.jsonl: problem, answer, subject, level, unique_id. All under MIT.
Prompt: the question, then Qwen2.5-Math's words (README) to reason and to box the result. Qwen2.5's
report shows four examples first; they are not told.
Score: the results are the same, as numbers or expressions. Of GSM8K the last number of the result
is taken; `last_number` takes the last of the whole answer, as lm-eval's flexible-extract.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.layouts.rows import json_rows, parquet_rows, parquet_rows_of_all
from qvl.evaluation.scorers.maths import final_result, is_same, maths
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, SamplingParams
from qvl.options import shown

_REASON = "\nPlease reason step by step, and put your final answer within \\boxed{}."
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_MARK = "####"


def _load_gsm8k(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split, config="main")):
        answer = str(row["answer"])
        if _MARK not in answer:
            raise DataError(f"{row.where}: answer has no {_MARK} before its result")
        yield Question(
            key=str(number),
            conversation=Conversation.user(f"{row['question']}{_REASON}"),
            truth=answer.rpartition(_MARK)[2].strip().replace(",", ""),
        )


def _score_gsm8k(question: Question, reply: Reply) -> Score:
    numbers = _NUMBER.findall(final_result(reply.text))
    if not numbers:
        return Score(value=0.0, why=f"no number in {shown(reply.text)}", is_parsed=False)
    right = is_same(numbers[-1], question.truth)
    return Score(value=float(right), why=f"{numbers[-1]}, expected {question.truth}")


def _total_gsm8k(scored: Sequence[Scored]) -> dict[str, float]:
    last = [_NUMBER.findall(item.text)[-1:] for item in scored]
    flexible = [
        float(bool(found) and is_same(found[0], item.truth))
        for found, item in zip(last, scored, strict=True)
    ]
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        "last_number": 100 * mean(flexible),
    }


def _load_math(folder: Path, split: str) -> Iterator[Question]:
    for number, (subject, row) in enumerate(parquet_rows_of_all(folder, split)):
        solution = str(row["solution"])
        if "boxed" not in solution:
            raise DataError(f"{row.where}: solution has no boxed result")
        yield Question(
            key=f"{subject}-{number}",
            conversation=Conversation.user(f"{row['problem']}{_REASON}"),
            truth=final_result(solution),
            groups={"subject": str(row.get("type") or subject), "level": str(row["level"])},
        )


def _load_math_500(folder: Path, split: str) -> Iterator[Question]:
    for row in json_rows(folder / f"{split}.jsonl"):
        yield Question(
            key=str(row["unique_id"]),
            conversation=Conversation.user(f"{row['problem']}{_REASON}"),
            truth=str(row["answer"]),
            groups={"subject": str(row["subject"]), "level": str(row["level"])},
        )


def _score_math(question: Question, reply: Reply) -> Score:
    return maths(answer=reply.text, truth=str(question.truth))


GSM8K = Benchmark(
    name="gsm8k",
    title="GSM8K",
    area="text",
    split="test",
    source="openai/gsm8k",
    load=_load_gsm8k,
    score=_score_gsm8k,
    total=_total_gsm8k,
    metric="accuracy",
    published={"72b": 95.3},
    params=SamplingParams(max_tokens=1024),
)
MATH = Benchmark(
    name="math",
    title="MATH",
    area="text",
    split="test",
    source="EleutherAI/hendrycks_math",
    load=_load_math,
    score=_score_math,
    total=mean_percent,
    metric="accuracy",
    published={"72b": 83.0},
    params=SamplingParams(max_tokens=2048),
)
MATH_500 = Benchmark(
    name="math-500",
    title="MATH-500",
    area="text",
    split="test",
    source="HuggingFaceH4/MATH-500",
    load=_load_math_500,
    score=_score_math,
    total=mean_percent,
    metric="accuracy",
    params=SamplingParams(max_tokens=2048),
)
