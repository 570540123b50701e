"""qvl's own suite as benchmarks: held-out drawings and films, each asked again with nothing to see.

Questions: drawn by `evaluation/worlds`, from seeds, words and typefaces that training never saw,
half of them by Chromium. No files. Splits: "heldout" typefaces, or "everyday" ones of the training.
Score: the world's own judge. What a blank picture scores is given away by the question; only what
lies above it is sight.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.worlds import WORLDS, World, draw_case, first_question
from qvl.messages import SamplingParams
from qvl.options import shown

CASES = 200
_SPLITS = ("heldout", "everyday")


def own_benchmarks() -> list[Benchmark]:
    """Returns one benchmark a world."""
    return [
        Benchmark(
            name=f"own-{name.replace('_', '-')}",
            title=f"qvl {name.replace('_', ' ')}",
            area="own",
            split="heldout",
            source="drawn by qvl",
            load=partial(_load, name=name),
            score=partial(_score, world=world),
            total=_total,
            metric="seen",
            params=SamplingParams(max_tokens=160),
            in_headline=_is_seen,
        )
        for name, world in WORLDS.items()
    ]


def _load(folder: Path, split: str, *, name: str) -> Iterator[Question]:
    if split not in _SPLITS:
        raise DataError(f"no split {split!r}, expected one of {', '.join(_SPLITS)}")
    for number in range(CASES):
        sample = draw_case(
            name, number, split="heldout", fonts="train" if split == "everyday" else "heldout"
        )
        for picture in ("seen", "blank"):
            conversation, expected = first_question(sample, blank=picture == "blank")
            yield Question(
                key=f"{number}-{picture}",
                conversation=conversation,
                truth=expected,
                groups={"picture": picture},
                facts={**sample.facts, "cluster": str(number)},
            )


def _score(question: Question, reply: Reply, *, world: World) -> Score:
    value = world.judge(reply.text, question.facts, question.truth)
    return Score(
        value=value,
        why=f"{shown(reply.text)} for {shown(question.truth)}",
        is_parsed=bool(reply.text.strip()),
    )


def _is_seen(scored: Scored) -> bool:
    return scored.groups["picture"] == "seen"


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    """Mean of each kind of picture, in percent."""
    found = {}
    for picture in ("seen", "blank"):
        values = [item.score.value for item in scored if item.groups["picture"] == picture]
        found[picture] = 100 * sum(values) / len(values) if values else 0.0
    return found
