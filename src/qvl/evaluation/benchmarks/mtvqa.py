"""MTVQA (arXiv 2405.11985): questions about text in nine languages.

Layout: ByteDance/MTVQA, test-*.parquet: image, id, qa_pairs (the text of a list of questions and
answers), lang. Licence CC BY-NC.
Prompt: lmms-eval 0.7.3, mtvqa.yaml.
Score: the truth is in the answer, without case and full stops, as VLMEvalKit and lmms-eval have it.
The mean is over all questions.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams
from qvl.options import shown

_CLOSING = "\nAnswer the question using a word or phrase in the language of the question."
_LONGEST = 200_000


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        name = f"{number}-{row.get('id', '')}"
        for place, (question, answer) in enumerate(_pairs(row)):
            yield ask(
                row,
                folder,
                key=f"{name}-{place}",
                pictures=[row.get("image")],
                words=question + _CLOSING,
                truth=answer,
                groups={"language": str(row["lang"])},
                facts={"cluster": name},
            )


def _pairs(row: Row) -> list[tuple[str, str]]:
    value = row["qa_pairs"]
    try:
        if isinstance(value, str) and len(value) > _LONGEST:
            raise ValueError("too long")
        pairs = ast.literal_eval(value) if isinstance(value, str) else value
        return [(str(pair["question"]).strip(), str(pair["answer"]).strip()) for pair in pairs]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise DataError(f"{row.where}: qa_pairs is no list of questions and answers") from error


def _score(question: Question, reply: Reply) -> Score:
    given, wanted = (
        text.strip().lower().replace(".", "") for text in (reply.text, str(question.truth))
    )
    right = wanted in given
    return Score(
        value=float(right),
        why=f"{shown(reply.text)} {'has' if right else 'has not'} {shown(question.truth)}",
        is_parsed=bool(given),
    )


MTVQA = Benchmark(
    name="mtvqa",
    title="MTVQA",
    area="general",
    split="test",
    source="ByteDance/MTVQA",
    load=_load,
    score=_score,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 24.8, "7b": 29.2, "72b": 31.7},
    params=SamplingParams(max_tokens=64),
)
