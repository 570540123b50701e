"""MMLU-Redux (arXiv 2406.04127): questions of MMLU that people checked for errors.

Layout: edinburgh-dawg/mmlu-redux-2.0, a folder a subject with data-*.arrow: question, choices,
answer (a number), error_type ("ok", "wrong_groundtruth", ...), correct_answer.
Prompt: question, options, and to reason first and state a letter (simple-evals).
Score: the letter. The headline is over questions without error and those whose truth was corrected;
`ok_only` over the former alone, `uncorrected` over all, by the truths of MMLU. The report does not
say which of these is its.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.choices import (
    ALPHABET,
    letter_of,
    lettered,
    options_of,
    score_letter,
)
from qvl.evaluation.benchmarks.gpqa import ANSWER_LAST
from qvl.evaluation.layouts.rows import Row, arrow_rows
from qvl.evaluation.scorers.choice_letters import choice_letter
from qvl.evaluation.scorers.score import mean
from qvl.messages import Conversation, SamplingParams

_OK, _CORRECTED = "ok", "wrong_groundtruth"


def _load(folder: Path, split: str) -> Iterator[Question]:
    if split != "test":
        raise DataError(f"no split {split!r}, expected test")
    # A download to a folder leaves a hidden one of its own there.
    names = (path.name for path in folder.iterdir() if path.is_dir())
    for subject in sorted(name for name in names if not name.startswith(".")):
        for number, row in enumerate(arrow_rows(folder / subject)):
            options = lettered(options_of(row, "choices"))
            original = letter_of(row, "answer", len(options))
            error = str(row.get("error_type", _OK))
            corrected = _corrected(row, options) if error == _CORRECTED else ""
            lines = "\n".join(f"{letter}) {option}" for letter, option in options.items())
            yield Question(
                key=f"{subject}-{number}",
                conversation=Conversation.user(f"{ANSWER_LAST}\n\n{row['question']}\n\n{lines}"),
                truth=corrected or original,
                groups={"subject": subject, "error": error},
                facts={
                    "options": options,
                    "original": original,
                    "counts": error == _OK or bool(corrected),
                },
            )


def _corrected(row: Row, options: dict[str, str]) -> str:
    """The corrected letter, which people wrote as a number, a letter or the option's text."""
    value = str(row.get("correct_answer", "")).strip()
    if value.isdigit() and int(value) < len(options):
        return ALPHABET[int(value)]
    if value.upper() in options:
        return value.upper()
    return next((letter for letter, text in options.items() if text.strip() == value), "")


def _counts(scored: Scored) -> bool:
    return bool(scored.facts["counts"])


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    counted = [item.score.value for item in scored if _counts(item)]
    ok = [item.score.value for item in scored if item.groups["error"] == _OK]
    original = [
        float(choice_letter(item.text, options=item.facts["options"]) == item.facts["original"])
        for item in scored
    ]
    return {
        "accuracy": 100 * mean(counted) if counted else 0.0,
        "ok_only": 100 * mean(ok) if ok else 0.0,
        "uncorrected": 100 * mean(original),
    }


MMLU_REDUX = Benchmark(
    name="mmlu-redux",
    title="MMLU-Redux",
    area="text",
    split="test",
    source="edinburgh-dawg/mmlu-redux-2.0",
    load=_load,
    score=score_letter,
    total=_total,
    metric="accuracy",
    published={"72b": 85.9},
    params=SamplingParams(max_tokens=1024),
    in_headline=_counts,
)
