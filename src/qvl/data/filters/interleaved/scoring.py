"""A step for each of the four scores: rules where they are sure, a model for the rest.

Owns: the order of rules, model and calibration, thresholds, what is written down. Does not own:
rules (``first_pass``), questions (``scores``), maps (``calibration``).

    Sample -> rules -> clear: score | unsure: model -> calibration -> score -> kept or dropped

The score is in the provenance. The facts say under ``settled_by`` what found it: "rules", "model",
or "nobody", when there is no model to ask and the sample is kept unscored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from qvl.data.filters.interleaved.calibration import Calibration
from qvl.data.filters.interleaved.first_pass import LOOKS, RULES, evidence
from qvl.data.filters.interleaved.scores import CRITERIA, ask, read_score
from qvl.data.interleaved import Document, document_of
from qvl.data.records import Sample
from qvl.data.steps import Dropped, Failed, Kept, Outcome, Step, answers_of, batch_step
from qvl.errors import ConfigError, QvlError
from qvl.messages import SamplingParams, TextGenerator
from qvl.options import nearest

AT_LEAST = 5.0
"""Lowest score that is kept: the middle of the scale, where a document is of some use. Our choice;
the report gives no thresholds."""

_PARAMS = SamplingParams(max_tokens=120)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scoring:
    """How one score is found.

    Attributes:
        name: among `scores.CRITERIA`.
        at_least: documents with a lower score are dropped.
        generator: makes the model that is asked when the rules are unsure; None asks none.
        calibration: of that model's scores; None takes them as they are.
        uses_rules: False asks the model about every document, for instance to fit a calibration.
        params: of its answers.
    """

    name: str
    at_least: float = AT_LEAST
    generator: Callable[[], TextGenerator] | None = None
    calibration: Calibration | None = None
    uses_rules: bool = True
    params: SamplingParams = _PARAMS

    def __post_init__(self) -> None:
        if self.name not in CRITERIA:
            raise ConfigError(
                f"no score {self.name!r}, expected one of {', '.join(CRITERIA)}",
                hint=nearest(self.name, CRITERIA, else_list=False),
            )
        if not 0 <= self.at_least <= 10:
            raise ConfigError(f"at_least is {self.at_least:g}, expected 0 to 10")
        if not self.uses_rules and self.generator is None:
            raise ConfigError(f"score {self.name!r} has neither rules nor a model")


def scoring_step(scoring: Scoring, *, batch_size: int = 16) -> Step:
    """Returns the step that scores documents and drops those below the threshold."""
    return batch_step(scoring.name, partial(_scored, scoring), batch_size=batch_size)


def _scored(scoring: Scoring, samples: Sequence[Sample]) -> Sequence[Outcome]:
    documents = [document_of(sample) for sample in samples]
    outcomes: list[Outcome | None] = [None] * len(samples)
    if scoring.uses_rules:
        for number, document in enumerate(documents):
            verdict = RULES[scoring.name](evidence(document, opens=scoring.name in LOOKS))
            if verdict.score is not None:
                reason = verdict.why
                outcomes[number] = _judged(
                    samples[number], scoring, verdict.score, by="rules", reason=reason
                )
    unsure = [number for number, outcome in enumerate(outcomes) if outcome is None]
    for number, outcome in zip(unsure, _asked(scoring, samples, documents, unsure), strict=True):
        outcomes[number] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _asked(
    scoring: Scoring,
    samples: Sequence[Sample],
    documents: Sequence[Document],
    unsure: Sequence[int],
) -> list[Outcome]:
    """What the model makes of those that the rules leave."""
    if scoring.generator is None:
        return [
            Kept(samples=(_settled(samples[number], scoring.name, "nobody"),)) for number in unsure
        ]
    if not unsure:
        return []
    questions = [ask(scoring.name, documents[number]) for number in unsure]
    outcomes: list[Outcome] = []
    answers = answers_of(scoring.generator, questions, scoring.params)
    for number, answer in zip(unsure, answers, strict=True):
        if isinstance(answer, QvlError):
            outcomes.append(Failed(message=answer.message))
            continue
        score = read_score(answer.text)
        if score is None:
            outcomes.append(Failed(message=f"the answer states no score: {answer.text[:80]!r}"))
            continue
        if scoring.calibration is not None:
            score = scoring.calibration(score)
        reason = f"below {scoring.at_least:g}"
        outcomes.append(_judged(samples[number], scoring, score, by="model", reason=reason))
    return outcomes


def _judged(sample: Sample, scoring: Scoring, score: float, *, by: str, reason: str) -> Outcome:
    if score < scoring.at_least:
        return Dropped(reason=reason)
    scores = {**sample.provenance.scores, scoring.name: score}
    known = _settled(sample, scoring.name, by)
    return Kept(samples=(replace(known, provenance=replace(known.provenance, scores=scores)),))


def _settled(sample: Sample, name: str, by: str) -> Sample:
    before = sample.facts.get("settled_by")
    settled = {**(before if isinstance(before, dict) else {}), name: by}
    return replace(sample, facts={**sample.facts, "settled_by": settled})
