"""CRPE (arXiv 2402.19474), relation: who does what to whom.

Layout: nv-njb/CRPE, test-*.parquet, which has the authors' crpe_relation.jsonl (OpenGVLab/CRPE)
with its pictures: question_id, text with its options, correct_option, category, image.
Prompt: lmms-eval 0.7.3, crpe_relation.yaml: its closing words, once.
Score: the letter; the mean is over all questions.
"""

from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import options_in, score_letter
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.choice_letters import FOUR
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams

ONLY_LETTER = "Please answer directly with only the letter of the correct option and nothing else."


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        text = str(row["text"]).strip().replace(ONLY_LETTER, "")
        yield ask(
            row,
            folder,
            key=str(row.get("question_id", number)),
            pictures=[row.get("image")],
            words=f"{text}\n{ONLY_LETTER}",
            truth=str(row["correct_option"]).strip().upper(),
            groups={"category": str(row.get("category", ""))},
            facts={"options": options_in(text) or dict.fromkeys(FOUR, "")},
        )


CRPE = Benchmark(
    name="crpe-relation",
    title="CRPE relation",
    area="general",
    split="test",
    source="nv-njb/CRPE",
    load=_load,
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 73.6, "7b": 76.4, "72b": 79.2},
    params=SamplingParams(max_tokens=64),
)
