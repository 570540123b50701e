"""IFEval (arXiv 2311.07911): instructions whose following can be checked by rules.

Layout: google/IFEval, ifeval_input_data.jsonl: key, prompt, instruction_id_list, kwargs (a record
each). Licence Apache 2.0.
Prompt: the column prompt.
Score: every instruction of a prompt is followed, strictly. The report does not say which of four
numbers is its; Qwen2.5's technical report has "strict-prompt", which is the headline here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.layouts.rows import Row, json_rows
from qvl.evaluation.scorers.instructions import CHECKS, followed
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import Conversation, SamplingParams

_FILES = {"train": "ifeval_input_data.jsonl"}


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in json_rows(folder / _FILES.get(split, f"{split}.jsonl")):
        kinds, arguments = instructions_of(row)
        yield Question(
            key=str(row["key"]),
            conversation=Conversation.user(str(row["prompt"])),
            truth=kinds,
            facts={"arguments": arguments},
        )


def instructions_of(row: Row) -> tuple[list[str], list[dict[str, object]]]:
    """Kinds of instructions of a row with the arguments of each.

    Raises:
        DataError: a kind is unknown, or their numbers differ.
    """
    kinds, arguments = [str(kind) for kind in row["instruction_id_list"]], list(row["kwargs"])
    unknown = [kind for kind in kinds if kind not in CHECKS]
    if unknown or len(kinds) != len(arguments):
        raise DataError(
            f"{row.where}: {len(arguments)} arguments for the instructions {', '.join(kinds)}"
            + (f", of which {unknown[0]!r} is unknown" if unknown else "")
        )
    return kinds, [dict(given or {}) for given in arguments]


def _score(question: Question, reply: Reply) -> Score:
    kinds = question.truth
    found = followed(reply.text, kinds, question.facts["arguments"]).strict
    missed = [kind for kind, is_met in zip(kinds, found, strict=True) if not is_met]
    return Score(
        value=float(not missed),
        why=f"not followed: {', '.join(missed)}" if missed else "all followed",
        is_parsed=bool(reply.text.strip()),
    )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    each = [followed(item.text, item.truth, item.facts["arguments"]) for item in scored]
    return {
        "prompt_strict": 100 * mean([float(all(found.strict)) for found in each]),
        "prompt_loose": 100 * mean([float(all(found.loose)) for found in each]),
        "instruction_strict": 100 * mean([float(met) for found in each for met in found.strict]),
        "instruction_loose": 100 * mean([float(met) for found in each for met in found.loose]),
    }


IFEVAL = Benchmark(
    name="ifeval",
    title="IFEval",
    area="text",
    split="train",
    source="google/IFEval",
    load=_load,
    score=_score,
    total=_total,
    metric="prompt_strict",
    published={"72b": 86.3},
    params=SamplingParams(max_tokens=1280),
)
