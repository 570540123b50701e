"""Scores of questions and answers by a model, and how much of each is enough.

Owns: the criteria and their wordings, thresholds by domain, plugging in any scorer. Does not own:
asking (``steps.score_step``), the models.

    criterion -> criterion_step(generator) -> provenance.scores["answer correctness"]
    all scores -> enough(thresholds) in a filter step -> None | "answer correctness below 6"

A reward model that gives one number, such as one trained by Bradley and Terry's rule, is a function
of samples and goes into `scorer_step`; its number is one more score.
Source of the criteria: report section 2.3.2.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from qvl.data.encoding import media_of
from qvl.data.filters.safety import read_number
from qvl.data.records import Sample
from qvl.data.sft.taxonomy import UNTAGGED
from qvl.data.steps import Kept, Outcome, Question, Step, batch_step, score_step
from qvl.data.texts import answer_texts, has_media, query_text
from qvl.errors import ConfigError, DataError
from qvl.messages import Conversation, Part, SamplingParams, Text, TextGenerator

_LONGEST = 6000
_MOST_MEDIA = 4

Scorer = Callable[[Sequence[Sample]], Sequence[float]]
"""Gives each sample a number; more is better."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Criterion:
    """One thing that a model rates.

    Attributes:
        about: what is rated.
        wording: what it means, as the model is told.
        needs_media: only samples with pictures or videos are rated.
    """

    about: Literal["query", "answer"]
    wording: str
    needs_media: bool = False


CRITERIA: dict[str, Criterion] = {
    "query complexity": Criterion(
        about="query",
        wording="how much knowledge, looking or thinking an answer needs; 0 for what needs none",
    ),
    "query relevance": Criterion(
        about="query",
        wording="how well the question fits the pictures, the texts and the task it comes with, "
        "and whether it can be answered at all",
    ),
    "answer correctness": Criterion(
        about="answer", wording="whether every statement of the answer is true and exact"
    ),
    "answer completeness": Criterion(
        about="answer", wording="whether the answer covers everything that is asked"
    ),
    "answer clarity": Criterion(
        about="answer", wording="whether the answer is well ordered and easy to understand"
    ),
    "answer relevance": Criterion(
        about="answer", wording="whether the answer keeps to the question and leaves out the rest"
    ),
    "answer helpfulness": Criterion(
        about="answer", wording="how much the answer helps the person who asked"
    ),
    "answer visual evidence": Criterion(
        about="answer",
        wording="whether the answer reads the pictures correctly and rests on what they show "
        "rather than on guesses",
        needs_media=True,
    ),
}
"""Name -> criterion; the names are those of steps and scores."""

Thresholds = Mapping[str, Mapping[str, float]]
"""Domain -> criterion -> least score; "" holds for domains that are not named."""

DEFAULT_THRESHOLDS: Thresholds = {
    "": {"query relevance": 5, "answer correctness": 6, "answer relevance": 5},
    "Mathematics": {"query relevance": 5, "answer correctness": 8, "answer completeness": 6},
    "Coding": {"query relevance": 5, "answer correctness": 8, "answer completeness": 6},
    "Grounding": {"query relevance": 5, "answer correctness": 7, "answer visual evidence": 7},
    "Document_Reading": {"answer correctness": 7, "answer visual evidence": 6},
    "Visual_Understanding": {"answer correctness": 6, "answer visual evidence": 6},
}
"""Where there is one right answer, correctness counts more. The report gives no numbers; these are
ours, to be set by looking at what they drop."""


def ask(name: str, sample: Sample) -> Conversation:
    """What a model is asked about a sample."""
    criterion = CRITERIA[name]
    media: list[Part] = [*media_of(sample.conversation)[:_MOST_MEDIA]]
    shown = f"Question:\n{query_text(sample)[:_LONGEST]}"
    if criterion.about == "answer":
        answers = "\n".join(answer_texts(sample))[:_LONGEST]
        shown += f"\n-----\nAnswer:\n{answers}"
    words = (
        f"Rate the {criterion.about} below from 0 to 10: {criterion.wording}. Do not answer the "
        f"question itself. Write the number alone.\n-----\n{shown}\n-----"
    )
    return Conversation.user(*media, Text(words))


def criterion_step(
    name: str, generator: Callable[[], TextGenerator], *, batch_size: int = 16
) -> Step:
    """Lets a model rate samples by a criterion; the score of 0 to 10 has the criterion's name.

    Args:
        name: of `CRITERIA`.
        generator: called once in each process.
        batch_size: samples in one call of the generator.

    Raises:
        ConfigError: there is no such criterion.
    """
    if name not in CRITERIA:
        raise ConfigError(f"no criterion {name!r}, expected one of {', '.join(CRITERIA)}")
    question = Question(
        ask=partial(ask, name),
        read=read_number,
        params=SamplingParams(max_tokens=8, temperature=0.0),
        applies=has_media if CRITERIA[name].needs_media else None,
    )
    return score_step(name, generator, question, batch_size=batch_size)


def scorer_step(name: str, scorer: Scorer, *, batch_size: int = 16) -> Step:
    """Keeps the numbers of any scorer as scores of this name."""
    return batch_step(name, partial(_scored, name, scorer), batch_size=batch_size)


def _scored(name: str, scorer: Scorer, samples: Sequence[Sample]) -> Sequence[Outcome]:
    numbers = scorer(samples)
    if len(numbers) != len(samples):
        raise DataError(f"scorer {name!r} gave {len(numbers)} numbers for {len(samples)} samples")
    outcomes: list[Outcome] = []
    for sample, number in zip(samples, numbers, strict=True):
        scores = {**sample.provenance.scores, name: float(number)}
        provenance = replace(sample.provenance, scores=scores)
        outcomes.append(Kept(samples=(replace(sample, provenance=provenance),)))
    return outcomes


def enough(sample: Sample, *, thresholds: Thresholds) -> str | None:
    """Drops a sample that is rated too low for its domain.

    A criterion that was not rated, or does not hold for samples without media, drops nothing.

    Args:
        sample: tagged, or held to the thresholds of "".
        thresholds: see `Thresholds`.
    """
    domain = str(sample.facts.get("domain", UNTAGGED))
    scores = sample.provenance.scores
    for name, least in thresholds.get(domain, thresholds.get("", {})).items():
        if name in scores and scores[name] < least:
            return f"{name} below {least:g}"
    return None
